// The types of what users write themselves: predicates, matchers and tables by function.
import type { Matcher } from './matchers.js';
import type {
  Condition,
  MaybeNumber,
  MaybeSymbol,
  OptionalBoolValue,
  SymbolValue,
  Value,
} from './types.js';

/** Conditions of one's own, on a field whose values a function gets as `Input`. */
export interface OwnConditions<out Input> {
  /**
   * True for the values for which the function answers true. It is asked about each value twice
   * while the configuration is loaded, never for a message; for fields of at most 65,536 values.
   */
  where(predicate: (value: Input) => boolean): Condition;
  /** True for the values that the matcher (see `defineMatcher`) means. */
  by(matcher: Matcher): Condition;
  by<Args>(matcher: Matcher<Args>, args: Args): Condition;
}

/** A value of what a function answers. */
export type Tabulated<To> = [To] extends [boolean]
  ? SymbolValue<'false' | 'true'>
  : [To] extends [string]
    ? SymbolValue<To>
    : Value<'mapped'>;

/** The same of a field that may be absent. */
export type MaybeTabulated<To> = [To] extends [boolean]
  ? OptionalBoolValue
  : [To] extends [string]
    ? MaybeSymbol<To>
    : MaybeNumber<'mapped'>;

/** What a function may answer: a symbol, true or false, or an integer. */
export type Answer = string | boolean | number | bigint;

/** A function that does not answer for every value: it is said what happens to the others. */
export interface PartialTable<out Result> {
  /** Rejects messages for whose value the function answered undefined. */
  orReject(name: string, code?: number): Result;
}

/** A value by a function, which is asked like that of `where`. For a transform. */
export interface Tabulating<out Input> {
  tabulate<const To extends Answer>(answer: (value: Input) => To): Tabulated<To>;
  tabulate<const To extends Answer>(
    answer: (value: Input) => To | undefined,
  ): PartialTable<Tabulated<To>>;
}

/** The same of a field that may be absent. */
export interface MaybeTabulating<out Input> {
  tabulate<const To extends Answer>(answer: (value: Input) => To): MaybeTabulated<To>;
  tabulate<const To extends Answer>(
    answer: (value: Input) => To | undefined,
  ): PartialTable<MaybeTabulated<To>>;
}
