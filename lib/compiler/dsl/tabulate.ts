// Plain functions over the values of a small field, asked once for each of them while the
// configuration is loaded. What they answered is compiled; they are never called for a message.
import { optionError, placeText, type SourcePlace, Words } from '../../errors.js';
import { integerFacts, isIntegerType } from '../../schema/model.js';
import { isUserModule } from '../../schema/position.js';
import { placeOfStack } from '../../schema/stack.js';
import { unite } from '../intervals.js';
import type { IntervalsIr } from '../ir.js';
import type { PlacedField } from '../view.js';
import { isProbing } from './capture.js';

/** The most values that a function is asked about. */
export const tabulatedValuesMax = 65_536;

/** A value as the function gets it: a symbol, true or false, or a number. */
export type Input = string | boolean | number;

/** A value of a field, and what the function gets for it. */
export interface Cell {
  readonly value: bigint;
  readonly input: Input;
}

/** The values of a field, numbers in ascending order. Throws ERR_ROUTE where they are too many. */
export function cellsOf(field: PlacedField, what: string, place: SourcePlace): readonly Cell[] {
  if (field.symbols !== null) {
    const isBool = field.shape === 'bool';
    return Object.entries(field.symbols).map(([symbol, value]) => {
      return { value, input: isBool ? symbol === 'true' : symbol };
    });
  }
  const [low, high] = rangeOf(field);
  if (high - low >= BigInt(tabulatedValuesMax)) {
    const expected =
      `a field of at most ${tabulatedValuesMax} values, which a function can be asked one by one ` +
      '(for others: between, in, or by with a matcher)';
    throw optionError(
      'ERR_ROUTE',
      what,
      expected,
      new Words(`${field.name} (${field.type})`),
      place,
    );
  }
  const first = Number(low);
  const count = Number(high - low) + 1;
  return Array.from({ length: count }, (_none, offset) => {
    return { value: low + BigInt(offset), input: first + offset };
  });
}

/** The least and the greatest value of a field of numbers. */
export function rangeOf({ type, ir }: PlacedField): readonly [bigint, bigint] {
  if (ir.container !== undefined) return [0n, (1n << BigInt(ir.container.bits)) - 1n];
  if (!isIntegerType(type)) return [0n, 1n << 64n];
  const { low, high } = integerFacts[type];
  return [low, ir.max ?? high];
}

/**
 * The function's answers for all cells. Each is asked for twice, the second time in the opposite
 * order: a function that remembers, looks at a clock or draws lots is found out. Throws ERR_ROUTE.
 */
export function answersOf(
  cells: readonly Cell[],
  ask: (input: never) => unknown,
  what: string,
  place: SourcePlace,
): readonly unknown[] {
  if (typeof ask !== 'function') throw optionError('ERR_ROUTE', what, 'a function', ask, place);
  const answers = cells.map(({ input }) => answer(ask, input, what, place));
  for (let index = cells.length - 1; index >= 0; index -= 1) {
    const { input } = cells[index] as Cell;
    const [before, after] = [answers[index], answer(ask, input, what, place)];
    if (Object.is(before, after)) continue;
    const received = `${String(before)}, then ${String(after)}, for ${String(input)}`;
    const expected = 'the same answer whenever it is asked';
    throw optionError('ERR_ROUTE', what, expected, new Words(received), place);
  }
  return answers;
}

function answer(
  ask: (input: never) => unknown,
  input: Input,
  what: string,
  place: SourcePlace,
): unknown {
  try {
    return ask(input as never);
  } catch (error) {
    const received = thrownText(error, ` for ${String(input)}`);
    throw optionError('ERR_ROUTE', what, 'an answer for every value', new Words(received), place);
  }
}

/** The cells for which a predicate holds. In probing runs all of them, without asking. */
export function cellsWhere(
  field: PlacedField,
  predicate: (input: never) => unknown,
  what: string,
  place: SourcePlace,
): readonly Cell[] {
  const cells = cellsOf(field, what, place);
  if (isProbing()) return cells;
  const answers = answersOf(cells, predicate, what, place);
  const odd = answers.findIndex((given) => typeof given !== 'boolean');
  if (odd < 0) return cells.filter((_cell, index) => answers[index] === true);
  const received = `${String(answers[odd])} for ${String(cells[odd]?.input)}`;
  throw optionError('ERR_ROUTE', what, 'true or false for every value', new Words(received), place);
}

/** What a function of the user's threw, and where in the user's files, for an error message. */
export function thrownText(error: unknown, what = ''): string {
  const stack: unknown = error instanceof Error ? error.stack : undefined;
  const found = typeof stack === 'string' ? placeOfStack(stack, isUserModule) : undefined;
  const where = found === undefined ? '' : ` (at ${placeText(found.place)})`;
  return `an error${what}: ${String(error)}${where}`;
}

/** The values of cells as intervals. */
export function intervalsOfCells(cells: readonly Cell[]): IntervalsIr {
  return unite(cells.map(({ value }) => [value, value]));
}
