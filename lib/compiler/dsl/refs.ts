// References to the fields of the message in hand: what the `o` of a callback holds.
import { optionError, type SourcePlace } from '../../errors.js';
import { type IntegerType, integerFacts, isIntegerType } from '../../schema/model.js';
import { isRecord } from '../../schema/options.js';
import type { AnySchema } from '../../schema/schema.js';
import { type Comparison, unite } from '../intervals.js';
import { termsMax } from '../limits.js';
import { type PlacedField, placedFields } from '../placed.js';
import { type Capture, currentCapture, placeHere } from './capture.js';
import { builtInCode, type CodeReference, codeReference } from './codes.js';
import { constant, ExpressionNode, fieldCompare, fieldIn } from './expressions.js';
import type { Condition, Refs } from './types.js';

/** What a transform writes, before reject codes have numbers. */
export type ValueNode =
  | { readonly kind: 'field'; readonly ref: AnyRef; readonly type: IntegerType | 'bytes' }
  | {
      readonly kind: 'map';
      readonly ref: AnyRef;
      /** Target symbols or numbers by source symbol. */
      readonly targets: Readonly<Record<string, string | bigint>>;
    }
  | { readonly kind: 'return-address' | 'sequence' | 'reject-code' };

/** A value for one output field. `narrowing`: what a value that does not fit is rejected with. */
export class OutputValue {
  readonly value: ValueNode;
  readonly narrowing: CodeReference | null;
  readonly place: SourcePlace;

  constructor(value: ValueNode, narrowing: CodeReference | null, place: SourcePlace) {
    this.value = value;
    this.narrowing = narrowing;
    this.place = place;
  }
}

/** `o.qty.to('u16')` where it can fail: not an output until it says what happens then. */
export class NarrowingNode {
  readonly #ref: NumberFieldRef;
  readonly #type: IntegerType;

  constructor(ref: NumberFieldRef, type: IntegerType) {
    this.#ref = ref;
    this.#type = type;
  }

  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const option = `${this.#ref.text}.to('${this.#type}').orReject`;
    const narrowing = codeReference(name, code, option, place);
    const value = { kind: 'field', ref: this.#ref, type: this.#type } as const;
    return new OutputValue(value, narrowing, place);
  }
}

/** An integer field. */
export class NumberFieldRef extends ExpressionNode {
  readonly field: PlacedField;
  readonly index: number;
  readonly type: IntegerType;

  constructor(field: PlacedField, index: number, capture: Capture) {
    super({ kind: 'field', field: index }, capture, field.name);
    this.field = field;
    this.index = index;
    this.type = field.type as IntegerType;
  }

  /** Compared with a constant, a field is looked up by table; with an expression, computed. */
  override compare(op: Comparison, other: unknown): Condition {
    if (other instanceof ExpressionNode) return super.compare(op, other);
    const what = `${this.text}.${op}`;
    currentCapture(what, this.capture);
    return fieldCompare(this.index, op, other, this.#range(), what);
  }

  between(low: unknown, high: unknown): Condition {
    const what = `${this.text}.between`;
    currentCapture(what, this.capture);
    const [least, most] = this.#range();
    const bounds = [low, high].map((bound) => constant(bound, least, most, what));
    return fieldIn(this.index, unite([bounds as [bigint, bigint]]), what);
  }

  in(values: unknown): Condition {
    const what = `${this.text}.in`;
    currentCapture(what, this.capture);
    const [least, most] = this.#range();
    const points = listOf(values, what).map((value) => constant(value, least, most, what));
    return fieldIn(this.index, unite(points.map((point) => [point, point])), what);
  }

  to(type: unknown): OutputValue | NarrowingNode {
    const what = `${this.text}.to`;
    if (!isIntegerType(type)) {
      throw optionError('ERR_ROUTE', what, 'an integer type such as u16', type, placeHere());
    }
    const [least, most] = this.#range();
    const { low, high } = integerFacts[type];
    if (least < low || most > high) return new NarrowingNode(this, type);
    return new OutputValue({ kind: 'field', ref: this, type }, null, placeHere());
  }

  #range(): readonly [bigint, bigint] {
    const { low, high } = integerFacts[this.type];
    return [low, high];
  }
}

/** A field with symbols: an enumeration or a boolean. */
export class SymbolFieldRef {
  readonly field: PlacedField;
  readonly index: number;
  readonly capture: Capture;
  readonly symbols: Readonly<Record<string, bigint>>;

  constructor(field: PlacedField, index: number, capture: Capture) {
    this.field = field;
    this.index = index;
    this.capture = capture;
    this.symbols = field.symbols ?? {};
  }

  is(symbol: unknown): Condition {
    return this.#among([symbol], `${this.field.name}.is`);
  }

  in(symbols: unknown): Condition {
    const what = `${this.field.name}.in`;
    return this.#among(listOf(symbols, what), what);
  }

  map(targets: unknown): OutputValue {
    const what = `${this.field.name}.map`;
    const place = placeHere();
    currentCapture(what, this.capture);
    const names = Object.keys(this.symbols);
    if (!isRecord(targets)) {
      throw optionError(
        'ERR_ROUTE',
        what,
        'an object with an entry for each symbol',
        targets,
        place,
      );
    }
    const stranger = Object.keys(targets).find((name) => !names.includes(name));
    if (stranger !== undefined) {
      const expected = `symbols of ${this.field.name}: ${names.join(', ')}`;
      throw optionError('ERR_ROUTE', what, expected, stranger, place);
    }
    const map: Record<string, string | bigint> = {};
    for (const name of names) map[name] = this.#target(targets[name], `${what}.${name}`, place);
    return new OutputValue({ kind: 'map', ref: this, targets: map }, null, place);
  }

  #target(value: unknown, what: string, place: SourcePlace): string | bigint {
    if (typeof value === 'string') return value;
    if (typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    throw optionError('ERR_ROUTE', what, 'a symbol of the output field, or a number', value, place);
  }

  #among(symbols: readonly unknown[], what: string): Condition {
    currentCapture(what, this.capture);
    const values = symbols.map((symbol) => this.#valueOf(symbol, what));
    return fieldIn(this.index, unite(values.map((value) => [value, value])), what);
  }

  #valueOf(symbol: unknown, what: string): bigint {
    const isBool = this.field.shape === 'bool';
    const name = isBool && typeof symbol === 'boolean' ? String(symbol) : symbol;
    const isUsable = typeof name === 'string' && (!isBool || typeof symbol === 'boolean');
    const value = isUsable && Object.hasOwn(this.symbols, name) ? this.symbols[name] : undefined;
    if (value !== undefined) return value;
    const expected = isBool ? 'true or false' : `one of ${Object.keys(this.symbols).join(', ')}`;
    throw optionError('ERR_ROUTE', what, expected, symbol, placeHere());
  }
}

/** A field of bytes or ASCII: a transform copies it, conditions do not look into it. */
export class BytesFieldRef {
  readonly field: PlacedField;
  readonly index: number;
  readonly capture: Capture;

  constructor(field: PlacedField, index: number, capture: Capture) {
    this.field = field;
    this.index = index;
    this.capture = capture;
  }
}

export type AnyRef = NumberFieldRef | SymbolFieldRef | BytesFieldRef;

export function isRef(value: unknown): value is AnyRef {
  return (
    value instanceof NumberFieldRef ||
    value instanceof SymbolFieldRef ||
    value instanceof BytesFieldRef
  );
}

/** The references a callback over `schema` gets. */
export function refsOf<S extends AnySchema>(schema: S, capture: Capture): Refs<S> {
  const refs: Record<string, AnyRef> = Object.create(null) as Record<string, AnyRef>;
  placedFields(schema).forEach((field, index) => {
    if (field.symbols !== null) refs[field.name] = new SymbolFieldRef(field, index, capture);
    else if (field.type === 'bytes') refs[field.name] = new BytesFieldRef(field, index, capture);
    else refs[field.name] = new NumberFieldRef(field, index, capture);
  });
  return refuseUnknown(refs, schema) as unknown as Refs<S>;
}

/** A misspelt field must not surface as "cannot read properties of undefined". */
function refuseUnknown(refs: Record<string, AnyRef>, schema: AnySchema): Record<string, AnyRef> {
  return new Proxy(refs, {
    get: (target, name) => {
      if (typeof name !== 'string' || name in target) return Reflect.get(target, name);
      const expected = `a field of ${schema.name}: ${Object.keys(target).join(', ')}`;
      throw optionError('ERR_ROUTE', `${schema.name}.${name}`, expected, name, placeHere());
    },
  });
}

function listOf(values: unknown, what: string): readonly unknown[] {
  if (Array.isArray(values) && values.length >= 1 && values.length <= termsMax) return values;
  throw optionError('ERR_ROUTE', what, `an array of 1 to ${termsMax} values`, values, placeHere());
}

/** The code of an output whose value may not fit although nothing was said about it. */
export function rangeCodeOf(place: SourcePlace): CodeReference {
  return builtInCode('OUT_OF_RANGE', place);
}
