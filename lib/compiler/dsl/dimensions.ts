// The domain of `decide`: fields in classes of their values, and what the function gets for each.
import { optionError } from '../../errors.js';
import { integerFacts } from '../../schema/model.js';
import { exactInteger } from '../../schema/options.js';
import type { DimensionIr } from '../ir.js';
import { defaultOf, type PlacedField } from '../view.js';
import { type Capture, currentCapture, placeHere } from './capture.js';
import { rangeOf } from './tabulate.js';

/** Cells that a function is asked about, and that a table has. */
export const decideCellsMax = 1_000_000;

/** What a function gets for a field; undefined: the message does not have it. */
export type DecideInput = string | number | boolean | undefined;

/** What it gets for messages with an enumeration's number that has no symbol. */
export const unknownInput = 'unknown';
const outsideInput = 'outside';

/** A field of the domain. Class n of its values begins with starts[n - 1]. */
export interface FieldDomain {
  readonly name: string;
  readonly field: number;
  /** The bit that says whether the field is there; null: it always is. */
  readonly presence: number | null;
  readonly starts: readonly bigint[];
  /** Everything that the function is asked about, once each. */
  readonly inputs: readonly DecideInput[];
  /** By class: which of the inputs; -1: what no message that decodes has. */
  readonly inputOfClass: readonly number[];
}

/** A number in bands or as itself: what `bands` and `range` give. */
export class DimensionNode {
  readonly field: PlacedField;
  readonly index: number;
  readonly capture: Capture;
  readonly starts: readonly bigint[];
  readonly inputs: readonly DecideInput[];

  constructor(
    { field, index, capture }: DimensionField,
    starts: readonly bigint[],
    inputs: readonly DecideInput[],
  ) {
    this.field = field;
    this.index = index;
    this.capture = capture;
    this.starts = starts;
    this.inputs = inputs;
  }
}

interface DimensionField {
  readonly field: PlacedField;
  readonly index: number;
  readonly capture: Capture;
}

/** Bands of a field's values, by where they start. */
export function bandsOf(ref: DimensionField, starts: readonly unknown[]): DimensionNode {
  const what = `${ref.field.name}.bands`;
  currentCapture(what, ref.capture);
  const [low, high] = rangeOf(ref.field);
  const exact = starts.map((start) => exactInteger(start));
  const isMet = exact.every((start, index) => {
    const before = index === 0 ? low : exact[index - 1];
    return start !== undefined && before !== undefined && start > before && start <= high;
  });
  if (starts.length >= 1 && isMet) {
    const inputs = Array.from({ length: starts.length + 1 }, (_none, band) => band);
    return new DimensionNode(ref, exact as bigint[], inputs);
  }
  const expected = `ascending integers from ${low + 1n} to ${high}`;
  throw optionError('ERR_ROUTE', what, expected, starts, placeHere());
}

/** The values from `low` to `high`, each by itself. */
export function rangeDimension(ref: DimensionField, low: unknown, high: unknown): DimensionNode {
  const what = `${ref.field.name}.range`;
  currentCapture(what, ref.capture);
  const [least, most] = rangeOf(ref.field);
  const [from, to] = [exactInteger(low), exactInteger(high)];
  const isMet = from !== undefined && to !== undefined && from <= to && from >= least && to <= most;
  if (!isMet || to - from >= BigInt(decideCellsMax) || !Number.isSafeInteger(Number(to))) {
    const bounds = `from ${least} to ${most}, at most ${decideCellsMax} apart`;
    const expected = `two ascending integers ${bounds}`;
    throw optionError('ERR_ROUTE', what, expected, [low, high], placeHere());
  }
  const starts: bigint[] = [];
  const inputs: DecideInput[] = from > least ? [outsideInput] : [];
  for (let value = from; value <= to; value += 1n) {
    if (value > least) starts.push(value);
    inputs.push(Number(value));
  }
  if (to < most) {
    starts.push(to + 1n);
    inputs.push(outsideInput);
  }
  return new DimensionNode(ref, starts, inputs);
}

/** Classes of values and what the function gets for each; it is not asked about those skipped. */
export interface InputClasses {
  readonly starts: readonly bigint[];
  readonly inputs: readonly DecideInput[];
  readonly isSkipped?: readonly boolean[];
}

/** The classes of an enumeration or a boolean: its symbols, and the numbers between them. */
export function symbolClasses(field: PlacedField): InputClasses {
  const { low, high } = integerFacts[field.type as keyof typeof integerFacts];
  const isBool = field.shape === 'bool';
  const fallback = defaultOf(field);
  const known = Object.entries(field.symbols ?? {}).sort(([, a], [, b]) => (a < b ? -1 : 1));
  const fallbackName = known.find(([, value]) => value === fallback)?.[0];
  const starts: bigint[] = [];
  const inputs: DecideInput[] = [];
  const isSkipped: boolean[] = [];
  const add = (from: bigint, input: DecideInput, skipped: boolean): void => {
    if (from > low) starts.push(from);
    inputs.push(input);
    isSkipped.push(skipped);
  };
  let next = low;
  for (const [symbol, value] of known) {
    if (value > next) add(next, fallbackName ?? unknownInput, isBool);
    add(value, isBool ? symbol === 'true' : symbol, false);
    next = value + 1n;
  }
  if (next <= high) add(next, fallbackName ?? unknownInput, isBool);
  return { starts, inputs, isSkipped };
}

/** What an entry of the domain says about its field. */
export function fieldDomain(name: string, ref: DimensionField, classes: InputClasses): FieldDomain {
  const { field, index } = ref;
  const { starts, inputs, isSkipped = [] } = classes;
  const places = new Map<DecideInput, number>();
  const inputOfClass = inputs.map((input, at) => {
    if (isSkipped[at] === true) return -1;
    const place = places.get(input) ?? places.size;
    places.set(input, place);
    return place;
  });
  const { presence } = field;
  const distinct = [...places.keys()];
  const all = presence === null ? distinct : [...distinct, undefined];
  return { name, field: index, presence, starts, inputs: all, inputOfClass };
}

/** The dimensions of the table: a field that may be absent has two, its presence first. */
export function dimensionsOf(domains: readonly FieldDomain[]): DimensionIr[] {
  return domains.flatMap(({ field, presence, starts }) => [
    ...(presence === null ? [] : [{ field: presence, starts: [1n] }]),
    { field, starts },
  ]);
}
