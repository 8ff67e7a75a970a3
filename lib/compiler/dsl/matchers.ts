// Matchers that users write: objects which say, while the configuration is loaded, which values of
// a field they mean. What they answer is compiled like any other condition.
import { isDeepStrictEqual } from 'node:util';
import { describeValue, optionError, type SourcePlace, Words } from '../../errors.js';
import { checkName, exactInteger, isRecord } from '../../schema/options.js';
import { unite } from '../intervals.js';
import type { IntervalsIr } from '../ir.js';
import { termsMax } from '../limits.js';
import type { PlacedField } from '../view.js';
import { placeHere } from './capture.js';
import { rangeOf, thrownText } from './tabulate.js';

/** What a matcher is told of the field it is asked about. */
export interface MatchedField {
  readonly name: string;
  /** `u16`, `i64`, …; of an enumeration or a boolean what it is stored as. */
  readonly type: string;
  readonly low: bigint;
  readonly high: bigint;
  /** Values by symbol, of enumerations and booleans. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  /** Digits behind the point of a decimal, whose values are counts of units. */
  readonly digits: number | null;
}

type Integer = number | bigint;

/** The values that a matcher means; both bounds of an interval are included. */
export type Matches =
  | { readonly values: readonly Integer[] }
  | { readonly intervals: readonly (readonly [Integer, Integer])[] };

/** A matcher; `Args` is what each use of it gives. */
export interface Matcher<in Args = void> {
  readonly name: string;
  compile(args: Args, field: MatchedField): Matches;
}

/**
 * A condition of one's own: `compile` says which values of the field it means. It is called twice
 * for each use while the configuration is loaded, has to answer the same, and is never called for a
 * message. Blocks; on the thread that defines. Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const multipleOf = defineMatcher({
 *   name: 'multiple-of',
 *   compile: (step: number, { low, high }) => ({ values: multiples(step, low, high) }),
 * });
 * route.first(Order, (o) => [when(o.lot.by(multipleOf, 100)).to(rounds), otherwise.to(odds)]);
 * ```
 */
export function defineMatcher<Args = void>(matcher: Matcher<Args>): Matcher<Args> {
  const place = placeHere();
  if (!isRecord(matcher)) {
    throw optionError('ERR_ROUTE', 'defineMatcher', 'an object', matcher, place);
  }
  checkName(matcher.name, 'defineMatcher.name', 'ERR_ROUTE', place);
  if (typeof matcher.compile !== 'function') {
    const expected = 'a function';
    throw optionError('ERR_ROUTE', 'defineMatcher.compile', expected, matcher.compile, place);
  }
  return new MatcherNode<Args>(matcher);
}

/** Runtime form of Matcher. */
export class MatcherNode<Args> implements Matcher<Args> {
  readonly name: string;
  readonly compile: (args: Args, field: MatchedField) => Matches;

  constructor({ name, compile }: Matcher<Args>) {
    this.name = name;
    this.compile = compile;
    Object.freeze(this);
  }
}

/** The values that a matcher means. Throws ERR_ROUTE with what is wrong with its answer. */
export function matchesOf(
  field: PlacedField,
  matcher: unknown,
  args: unknown,
  what: string,
  place: SourcePlace,
): IntervalsIr {
  if (!(matcher instanceof MatcherNode)) {
    throw optionError('ERR_ROUTE', what, 'a matcher made by defineMatcher', matcher, place);
  }
  const [low, high] = rangeOf(field);
  const facts: MatchedField = Object.freeze({
    ...{ name: field.name, type: field.type, low, high },
    ...{ symbols: field.symbols, digits: field.scale },
  });
  const where = `${what}(${matcher.name})`;
  const [answer, again] = [0, 1].map(() => ask(matcher, args, facts, where, place));
  if (!isDeepStrictEqual(answer, again)) {
    const expected = 'the same answer whenever it is asked';
    const received = `${describeValue(answer)}, then ${describeValue(again)}`;
    throw optionError('ERR_ROUTE', where, expected, new Words(received), place);
  }
  const pairs = pairsOf(answer, [low, high], where, place);
  if (pairs.length > 0) return unite(pairs);
  const expected = 'an answer with at least one value: what means none never holds';
  throw optionError('ERR_ROUTE', where, expected, answer, place);
}

function ask(
  matcher: MatcherNode<unknown>,
  args: unknown,
  facts: MatchedField,
  where: string,
  place: SourcePlace,
): unknown {
  try {
    return matcher.compile(args, facts);
  } catch (error) {
    throw optionError('ERR_ROUTE', where, 'an answer', new Words(thrownText(error)), place);
  }
}

function pairsOf(
  answer: unknown,
  range: readonly [bigint, bigint],
  where: string,
  place: SourcePlace,
): readonly (readonly [bigint, bigint])[] {
  const { values, intervals } = isRecord(answer) ? answer : {};
  const list = values ?? intervals;
  const isOne = values === undefined || intervals === undefined;
  if (!Array.isArray(list) || list.length > termsMax || !isOne) {
    const expected = `{ values: […] } or { intervals: [[low, high], …] }, at most ${termsMax}`;
    throw optionError('ERR_ROUTE', where, expected, answer, place);
  }
  const bounds = `from ${range[0]} to ${range[1]}`;
  return list.map((entry: unknown, index) => {
    const fail = (expected: string): Error => {
      const option = `${where}.${values === undefined ? 'intervals' : 'values'}[${index}]`;
      return optionError('ERR_ROUTE', option, expected, entry, place);
    };
    const isPair = Array.isArray(entry) && entry.length === 2;
    if (values === undefined && !isPair) throw fail('[low, high], both included');
    const ends: readonly unknown[] = values === undefined ? (entry as unknown[]) : [entry, entry];
    const [low, high] = ends.map(exactInteger);
    if (low === undefined || high === undefined || low < range[0] || high > range[1]) {
      throw fail(values === undefined ? `integers ${bounds}` : `an integer ${bounds}`);
    }
    if (low > high) throw fail('the lower bound first');
    return [low, high] as const;
  });
}
