// The types of conditions on text, flags and bits, as users of the routing language meet them.
import type { Expression } from './expression-types.js';
import type { Condition } from './types.js';

/** The bits of an integer that a mask names. */
export interface Bits {
  /** They are, at their places, those of `value`. */
  eq(value: number | bigint): Condition;
  /** At least one is set. */
  any(): Condition;
  all(): Condition;
  none(): Condition;
}

/** What separates the levels of topics: `a/+/#` or `a.*.>`. */
export interface TopicOptions {
  readonly style: 'mqtt' | 'nats';
}

/**
 * What can be asked of text, padding aside, or of a fixed number of bytes. Of an optional field
 * that is absent, nothing is true.
 */
export interface TextConditions<Text> {
  is(text: Text): Condition;
  in(texts: readonly Text[]): Condition;
  startsWith(prefix: Text): Condition;
  /** The text as a topic: level by level, a wildcard for one level or for all that are left. */
  matches(pattern: string, options: TopicOptions): Condition;
}

/** What can be asked of flags. Of an optional field that is absent, nothing is true. */
export interface FlagsConditions<Flag extends string> {
  /** All of the named flags are set. */
  has(...flags: readonly [Flag, ...Flag[]]): Condition;
  /** At least one of them is. */
  any(...flags: readonly [Flag, ...Flag[]]): Condition;
  /** None of them is. */
  none(...flags: readonly [Flag, ...Flag[]]): Condition;
}

/** Text of any size. */
export interface Counted {
  /** How many bytes it has in UTF-8. */
  readonly bytes: Expression<'plain'>;
}

declare const fitted: unique symbol;

/** Text for a field of so many bytes. */
export interface FittedText<out Bytes extends number> {
  readonly [fitted]: Bytes;
}

/** Text of a fixed size for a transform. */
export interface Fitting {
  /** The text in a field of so many bytes, whatever its padding. */
  fit<const Bytes extends number>(bytes: Bytes): Fitted<Bytes>;
}

/** It says what happens to what does not fit, or is no ASCII. */
export interface Fitted<Bytes extends number> {
  orReject(name: string, code?: number): FittedText<Bytes>;
}
