// References to fields that are not integers: text, flags, floating-point numbers, other bytes.
import { optionError } from '../../errors.js';
import { isRecord } from '../../schema/options.js';
import type { ConditionIr, TextTest, TopicStyle } from '../ir.js';
import { termsMax } from '../limits.js';
import type { PlacedField } from '../view.js';
import { bitsCondition } from './bits.js';
import { type Capture, currentCapture, placeHere } from './capture.js';
import { codeReference } from './codes.js';
import { ExpressionNode, makeCondition, presenceTest } from './expressions.js';
import { refuseOthers } from './members.js';
import { FitNode, OutputValue } from './outputs.js';
import { patternFault } from './patterns.js';
import type { Condition } from './types.js';

/** The condition that an optional field is there. */
export function present(field: PlacedField, capture: Capture): Condition {
  const what = `${field.name}.present`;
  currentCapture(what, capture);
  if (field.presence !== null) return makeCondition(presenceTest(field.presence));
  const expected = 'an optional field: this one always is';
  throw optionError('ERR_ROUTE', what, expected, field.name, placeHere());
}

/** The values of `in`. */
export function listOf(values: unknown, what: string): readonly unknown[] {
  if (Array.isArray(values) && values.length >= 1 && values.length <= termsMax) return values;
  throw optionError('ERR_ROUTE', what, `an array of 1 to ${termsMax} values`, values, placeHere());
}

/** A field that a transform copies as it is; conditions do not look into it. */
export class BytesFieldRef {
  readonly field: PlacedField;
  readonly index: number;
  readonly capture: Capture;

  constructor(field: PlacedField, index: number, capture: Capture) {
    this.field = field;
    this.index = index;
    this.capture = capture;
  }

  present(): Condition {
    return present(this.field, this.capture);
  }

  orRejectAbsent(name: unknown, code?: unknown): OutputValue {
    const value = { kind: 'field', ref: this, type: 'bytes' } as const;
    return new OutputValue(value, null, placeHere()).orRejectAbsent(name, code);
  }

  /** A string or blob that may have more bytes than the output: those are rejected. */
  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const narrowing = codeReference(name, code, `${this.field.name}.orReject`, place);
    return new OutputValue({ kind: 'field', ref: this, type: 'bytes' }, narrowing, place);
  }

  /** Conditions on an optional field ask first whether it is there. */
  protected condition(test: ConditionIr): Condition {
    const { presence } = this.field;
    if (presence === null) return makeCondition(test);
    return makeCondition({ kind: 'and', terms: [presenceTest(presence), test] });
  }
}

/** How many bytes or entries are behind a slot, as a number. */
export function countOf(ref: BytesFieldRef, what: string): ExpressionNode {
  const { field, index, capture } = ref;
  currentCapture(what, capture);
  const presences = field.presence === null ? [] : [field.presence];
  return new ExpressionNode({ kind: 'count', field: index }, capture, what, presences);
}

/** Text, or bytes of a fixed number, held against patterns. */
export class TextFieldRef extends BytesFieldRef {
  is(text: unknown): Condition {
    return this.#holds('is', [text], `${this.field.name}.is`, null);
  }

  in(texts: unknown): Condition {
    const what = `${this.field.name}.in`;
    return this.#holds('is', listOf(texts, what), what, null);
  }

  startsWith(prefix: unknown): Condition {
    return this.#holds('prefix', [prefix], `${this.field.name}.startsWith`, null);
  }

  matches(pattern: unknown, options: unknown): Condition {
    const what = `${this.field.name}.matches`;
    const style = isRecord(options) ? options.style : undefined;
    if (style !== 'mqtt' && style !== 'nats') {
      throw optionError('ERR_ROUTE', what, "{ style: 'mqtt' } or 'nats'", options, placeHere());
    }
    return this.#holds('topic', [pattern], what, style);
  }

  /** Of a string: how many bytes it has. */
  get bytes(): ExpressionNode {
    const what = `${this.field.name}.bytes`;
    if (this.field.type === 'string') return countOf(this, what);
    throw optionError('ERR_ROUTE', what, 'a string', this.field.shape, placeHere());
  }

  /** The text in a field of so many bytes, with other padding, for a transform. */
  fit(bytes: unknown): FitNode {
    const what = `${this.field.name}.fit`;
    if (this.field.ir.pad === undefined) {
      const received = this.field.shape;
      throw optionError('ERR_ROUTE', what, 'text of a fixed size', received, placeHere());
    }
    if (typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= 1) {
      return new FitNode(this, bytes);
    }
    throw optionError('ERR_ROUTE', what, 'a number of bytes', bytes, placeHere());
  }

  #holds(
    test: TextTest,
    texts: readonly unknown[],
    what: string,
    style: TopicStyle | null,
  ): Condition {
    currentCapture(what, this.capture);
    const all = texts.map((text) => this.#pattern(text, test, style, what));
    // Most rules have one, and there may be very many rules.
    const patterns = all.length === 1 ? all : [...new Set(all)];
    const [kind, field] = ['text' as const, this.index];
    return this.condition(
      style === null ? { kind, field, test, patterns } : { kind, field, test, style, patterns },
    );
  }

  #pattern(given: unknown, test: TextTest, style: TopicStyle | null, what: string): string {
    const hex = this.#bytesOf(given, what, test === 'topic');
    const fault = patternFault(this.field.ir, test, style, hex);
    if (fault === null) return hex;
    throw optionError('ERR_ROUTE', what, fault, given, placeHere());
  }

  #bytesOf(given: unknown, what: string, isTopic: boolean): string {
    const { shape, type } = this.field;
    const fail = (expected: string): Error =>
      optionError('ERR_ROUTE', what, expected, given, placeHere());
    if (shape === 'bytes' && !isTopic) {
      if (given instanceof Uint8Array) return Buffer.from(given).toString('hex');
      throw fail('a Uint8Array');
    }
    if (typeof given !== 'string' || !isWellFormed(given)) throw fail('a string');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
    if (type === 'bytes' && !/^[\x01-\x7f]*$/.test(given)) throw fail('characters of ASCII');
    return Buffer.from(given, 'utf8').toString('hex');
  }
}

/** Whether the text has no half of a pair of surrogates alone, which UTF-8 could not carry. */
function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** Named bits. */
export class FlagsFieldRef extends BytesFieldRef {
  /** All of the named flags are set. */
  has(...names: readonly unknown[]): Condition {
    const mask = this.#mask(names, 'has');
    return this.condition({ kind: 'bits', field: this.index, mask, equal: mask });
  }

  /** At least one of them is. */
  any(...names: readonly unknown[]): Condition {
    const mask = this.#mask(names, 'any');
    return this.condition(bitsCondition(this.index, mask, 'any'));
  }

  /** None of them is. */
  none(...names: readonly unknown[]): Condition {
    const mask = this.#mask(names, 'none');
    return this.condition({ kind: 'bits', field: this.index, mask, equal: 0n });
  }

  #mask(names: readonly unknown[], method: string): bigint {
    const what = `${this.field.name}.${method}`;
    currentCapture(what, this.capture);
    const flags = this.field.flags ?? {};
    const expected = `flags of ${this.field.name}: ${Object.keys(flags).join(', ')}`;
    if (names.length === 0) throw optionError('ERR_ROUTE', what, expected, 'none', placeHere());
    return names.reduce<bigint>((mask, name) => {
      const bit = typeof name === 'string' && Object.hasOwn(flags, name) ? flags[name] : undefined;
      if (bit === undefined) throw optionError('ERR_ROUTE', what, expected, name, placeHere());
      return mask | (1n << BigInt(bit));
    }, 0n);
  }
}

/** A floating-point number: it is carried, never compared, for that would not be exact. */
export class FloatFieldRef extends BytesFieldRef {
  eq(): never {
    return this.#refuse('eq');
  }

  ne(): never {
    return this.#refuse('ne');
  }

  lt(): never {
    return this.#refuse('lt');
  }

  lte(): never {
    return this.#refuse('lte');
  }

  gt(): never {
    return this.#refuse('gt');
  }

  gte(): never {
    return this.#refuse('gte');
  }

  between(): never {
    return this.#refuse('between');
  }

  in(): never {
    return this.#refuse('in');
  }

  #refuse(method: string): never {
    const what = `${this.field.name}.${method}`;
    const expected = 'a field that compares exactly, such as t.decimal(4)';
    throw optionError('ERR_ROUTE', what, expected, `${this.field.shape}`, placeHere());
  }
}

refuseOthers<BytesFieldRef>(BytesFieldRef.prototype, (ref) => {
  const internal = ['condition'];
  const { name, type } = ref.field;
  if (ref instanceof TextFieldRef) return { name, kind: 'text', internal };
  if (ref instanceof FlagsFieldRef) return { name, kind: 'flags', internal };
  if (type === 'group') return { name, kind: 'a group', internal };
  if (!(ref instanceof FloatFieldRef)) return { name, kind: 'bytes', internal };
  const refusals = Object.getOwnPropertyNames(FloatFieldRef.prototype);
  return { name, kind: 'a floating-point number', internal: [...internal, ...refusals] };
});
