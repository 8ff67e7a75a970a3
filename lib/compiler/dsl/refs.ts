// References to the fields of the message in hand: what the `o` of a callback holds.
import { optionError, type SourcePlace } from '../../errors.js';
import { type IntegerType, integerFacts, isIntegerType } from '../../schema/model.js';
import { isRecord } from '../../schema/options.js';
import type { AnySchema } from '../../schema/schema.js';
import { type Comparison, unite } from '../intervals.js';
import { defaultOf, type PlacedField, placedFields } from '../view.js';
import { BitsNode, prefixRange } from './bits.js';
import { type Capture, currentCapture, placeHere } from './capture.js';
import { builtInCode, type CodeReference } from './codes.js';
import { bandsOf, type DimensionNode, rangeDimension } from './dimensions.js';
import { constant, ExpressionNode, fieldCompare, fieldIn } from './expressions.js';
import { matchesOf } from './matchers.js';
import { refuseOthers } from './members.js';
import { NarrowingNode, OutputValue, RescaleNode, TableNode } from './outputs.js';
import { answersOf, cellsOf, cellsWhere, intervalsOfCells } from './tabulate.js';
import {
  BytesFieldRef,
  countOf,
  FlagsFieldRef,
  FloatFieldRef,
  listOf,
  present,
  TextFieldRef,
} from './text-refs.js';
import type { Condition, Refs } from './types.js';

/** An integer field. */
export class NumberFieldRef extends ExpressionNode {
  readonly field: PlacedField;
  readonly index: number;
  readonly type: IntegerType;

  constructor(field: PlacedField, index: number, capture: Capture) {
    const presences = field.presence === null ? [] : [field.presence];
    const { scale, isTimestamp } = field;
    const measure = { scale, isTimestamp };
    super({ kind: 'field', field: index }, capture, field.name, presences, measure);
    this.field = field;
    this.index = index;
    this.type = field.type as IntegerType;
  }

  /** Compared with a constant, a field is looked up by table; with an expression, computed. */
  override compare(op: Comparison, other: unknown): Condition {
    if (other instanceof ExpressionNode) return super.compare(op, other);
    const what = `${this.text}.${op}`;
    currentCapture(what, this.capture);
    return fieldCompare(this.index, op, other, this.#range(), what, this.field.presence);
  }

  present(): Condition {
    return present(this.field, this.capture);
  }

  orElse(value: unknown): OutputValue {
    return outputOf(this).orElse(value);
  }

  orRejectAbsent(name: unknown, code?: unknown): OutputValue {
    return outputOf(this).orRejectAbsent(name, code);
  }

  /** A decimal with another number of digits behind the point. */
  rescale(decimals: unknown): RescaleNode {
    const what = `${this.text}.rescale`;
    if (
      typeof decimals !== 'number' ||
      !Number.isInteger(decimals) ||
      decimals < 0 ||
      decimals > 18
    ) {
      throw optionError('ERR_ROUTE', what, 'an integer from 0 to 18', decimals, placeHere());
    }
    return new RescaleNode(this, decimals);
  }

  bands(...starts: readonly unknown[]): DimensionNode {
    return bandsOf(this, starts);
  }

  range(low: unknown, high: unknown): DimensionNode {
    return rangeDimension(this, low, high);
  }

  between(low: unknown, high: unknown): Condition {
    const what = `${this.text}.between`;
    currentCapture(what, this.capture);
    const [least, most] = this.#range();
    const bounds = [low, high].map((bound) => constant(bound, least, most, what));
    return fieldIn(this.index, unite([bounds as [bigint, bigint]]), what, this.field.presence);
  }

  in(values: unknown): Condition {
    const what = `${this.text}.in`;
    currentCapture(what, this.capture);
    const [least, most] = this.#range();
    const points = listOf(values, what).map((value) => constant(value, least, most, what));
    return fieldIn(
      this.index,
      unite(points.map((point) => [point, point])),
      what,
      this.field.presence,
    );
  }

  /** The values for which a function answers true; it is asked for each of them, now. */
  where(predicate: unknown): Condition {
    return where(this, predicate);
  }

  /** The values that a user's matcher means. */
  by(matcher: unknown, args?: unknown): Condition {
    return by(this, matcher, args);
  }

  /** What a function makes of each value; it is asked for each of them, now. */
  tabulate(answer: unknown): TableNode {
    return tabulate(this, answer);
  }

  /** The bits that a mask names. */
  bits(mask: unknown): BitsNode {
    return new BitsNode(this, mask);
  }

  /** The values that begin with the first `bits` bits of `value`. */
  prefix(value: unknown, bits: unknown): Condition {
    const what = `${this.text}.prefix`;
    currentCapture(what, this.capture);
    const range = prefixRange(this, value, bits);
    return fieldIn(this.index, [range], what, this.field.presence);
  }

  to(type: unknown): OutputValue | NarrowingNode {
    const what = `${this.text}.to`;
    if (type === 'u53') {
      if (this.field.ir.max === undefined) return new NarrowingNode(this, 'u64');
      return new OutputValue({ kind: 'field', ref: this, type: 'u64' }, null, placeHere());
    }
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

  present(): Condition {
    return present(this.field, this.capture);
  }

  orElse(value: unknown): OutputValue {
    return outputOf(this).orElse(value);
  }

  orRejectAbsent(name: unknown, code?: unknown): OutputValue {
    return outputOf(this).orRejectAbsent(name, code);
  }

  is(symbol: unknown): Condition {
    return this.#among([symbol], `${this.field.name}.is`);
  }

  in(symbols: unknown): Condition {
    const what = `${this.field.name}.in`;
    return this.#among(listOf(symbols, what), what);
  }

  /** The symbols for which a function answers true; it is asked for each of them, now. */
  where(predicate: unknown): Condition {
    const what = `${this.field.name}.where`;
    const place = placeHere();
    currentCapture(what, this.capture);
    const cells = cellsWhere(this.field, predicate as () => unknown, what, place);
    return this.#among(
      cells.map(({ input }) => input),
      what,
    );
  }

  by(matcher: unknown, args?: unknown): Condition {
    return by(this, matcher, args);
  }

  tabulate(answer: unknown): TableNode {
    return tabulate(this, answer);
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
    const points = values.map((value) => [value, value] as const);
    const fallback = defaultOf(this.field);
    const others = fallback !== undefined && values.includes(fallback) ? this.#others() : [];
    return fieldIn(this.index, unite([...points, ...others]), what, this.field.presence);
  }

  /** The numbers without a symbol. */
  #others(): (readonly [bigint, bigint])[] {
    const { low, high } = integerFacts[this.field.type as IntegerType];
    const known = Object.values(this.symbols).sort((a, b) => (a < b ? -1 : 1));
    const starts = [low, ...known.map((value) => value + 1n)];
    const ends = [...known.map((value) => value - 1n), high];
    return starts.flatMap((start, index) => {
      const end = ends[index] ?? high;
      return start <= end ? [[start, end] as const] : [];
    });
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

/** A group: a transform makes entries of the output from its entries. */
export class GroupFieldRef extends BytesFieldRef {
  /** How many entries there are. */
  get count(): ExpressionNode {
    return countOf(this, `${this.field.name}.count`);
  }

  /** An entry of the output for each entry; `build` gets the entry's fields and runs once, now. */
  map(build: unknown): OutputValue {
    const what = `${this.field.name}.map`;
    currentCapture(what, this.capture);
    if (typeof build !== 'function') {
      throw optionError('ERR_ROUTE', what, 'a function', build, placeHere());
    }
    const value = {
      kind: 'group',
      ref: this,
      build: build as (entry: unknown) => unknown,
    } as const;
    return new OutputValue(value, null, placeHere());
  }
}

refuseOthers<ExpressionNode>(ExpressionNode.prototype, (value) => {
  const { isTimestamp, scale } = value.measure;
  const kind = isTimestamp ? 'a timestamp' : scale === null ? 'a number' : 'a decimal';
  return { name: value.text, kind, internal: ['compare'] };
});
refuseOthers<SymbolFieldRef>(SymbolFieldRef.prototype, ({ field: { name, shape } }) => {
  return { name, kind: shape === 'bool' ? 'a boolean' : 'an enumeration' };
});

function where(ref: NumberFieldRef, predicate: unknown): Condition {
  const what = `${ref.text}.where`;
  currentCapture(what, ref.capture);
  const cells = cellsWhere(ref.field, predicate as () => unknown, what, placeHere());
  return fieldIn(ref.index, intervalsOfCells(cells), what, ref.field.presence);
}

function by(ref: NumberFieldRef | SymbolFieldRef, matcher: unknown, args: unknown): Condition {
  const what = `${ref.field.name}.by`;
  currentCapture(what, ref.capture);
  const intervals = matchesOf(ref.field, matcher, args, what, placeHere());
  return fieldIn(ref.index, intervals, what, ref.field.presence);
}

function tabulate(ref: NumberFieldRef | SymbolFieldRef, answer: unknown): TableNode {
  const what = `${ref.field.name}.tabulate`;
  const place = placeHere();
  currentCapture(what, ref.capture);
  const cells = cellsOf(ref.field, what, place);
  const answers = answersOf(cells, answer as () => unknown, what, place);
  return new TableNode({ kind: 'table', ref, cells, answers }, null, place);
}

export { BytesFieldRef };
export type AnyRef = NumberFieldRef | SymbolFieldRef | BytesFieldRef;

export function isRef(value: unknown): value is AnyRef {
  return (
    value instanceof NumberFieldRef ||
    value instanceof SymbolFieldRef ||
    value instanceof BytesFieldRef
  );
}

/** A field as what a transform writes, unchanged. */
export function outputOf(ref: AnyRef): OutputValue {
  const type = ref instanceof NumberFieldRef ? ref.type : 'bytes';
  return new OutputValue({ kind: 'field', ref, type }, null, placeHere());
}

/** The references a callback over `schema` gets. */
export function refsOf<S extends AnySchema>(schema: S, capture: Capture): Refs<S> {
  return refsOfFields(placedFields(schema), schema.name, capture) as unknown as Refs<S>;
}

/** The references to fields of a message, or of the entries of a group. */
export function refsOfFields(
  fields: readonly PlacedField[],
  owner: string,
  capture: Capture,
): Record<string, AnyRef> {
  const refs: Record<string, AnyRef> = Object.create(null) as Record<string, AnyRef>;
  fields.forEach((field, index) => {
    if (field.type === 'bit' || field.type === 'rest') return;
    refs[field.name] = refOfField(field, index, capture);
  });
  return refuseUnknown(refs, owner);
}

/** The reference to a field. */
export function refOfField(field: PlacedField, index: number, capture: Capture): AnyRef {
  if (field.symbols !== null) return new SymbolFieldRef(field, index, capture);
  if (field.type === 'group') return new GroupFieldRef(field, index, capture);
  if (field.opaque) return opaqueRef(field, index, capture);
  return new NumberFieldRef(field, index, capture);
}

function opaqueRef(field: PlacedField, index: number, capture: Capture): BytesFieldRef {
  const { ir, shape, type } = field;
  const isText = type === 'string' || shape === 'bytes' || ir.pad !== undefined;
  if (isText) return new TextFieldRef(field, index, capture);
  if (field.flags !== null) return new FlagsFieldRef(field, index, capture);
  if (shape === 'f32' || shape === 'f64') return new FloatFieldRef(field, index, capture);
  return new BytesFieldRef(field, index, capture);
}

/** A misspelt field must not surface as "cannot read properties of undefined". */
function refuseUnknown(refs: Record<string, AnyRef>, owner: string): Record<string, AnyRef> {
  return new Proxy(refs, {
    get: (target, name) => {
      if (typeof name !== 'string' || name in target) return Reflect.get(target, name);
      const expected = `a field of ${owner}: ${Object.keys(target).join(', ')}`;
      throw optionError('ERR_ROUTE', `${owner}.${name}`, expected, name, placeHere());
    },
  });
}

/** The code of an output whose value may not fit although nothing was said about it. */
export function rangeCodeOf(place: SourcePlace): CodeReference {
  return builtInCode('OUT_OF_RANGE', place);
}
