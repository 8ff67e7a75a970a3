// The types of arithmetic and comparisons, as users of the routing language meet them.
import type { Condition } from './types.js';

declare const unit: unique symbol;

/** What an integer counts: plain units go with everything, decimals and timestamps never meet. */
export type Unit = 'plain' | 'decimal' | 'timestamp';
type Goes<With extends Unit> = With extends 'plain' ? Unit : With | 'plain';
type Mixed<A extends Unit, B extends Unit> = A extends 'plain' ? B : A;

/** An operand of arithmetic or of a comparison. */
export type Operand<U extends Unit = Unit> = number | bigint | Expression<U>;

/**
 * An exact integer expression; a message whose arithmetic leaves 128 bits is rejected. Decimals of
 * different scales compare and add up exactly; numbers beside them count their smallest units.
 */
export interface Expression<U extends Unit = Unit> {
  readonly [unit]: U;
  add<V extends Goes<U>>(other: Expression<V>): Expression<Mixed<U, V>>;
  add(other: number | bigint): Expression<U>;
  sub<V extends Goes<U>>(other: Expression<V>): Expression<Mixed<U, V>>;
  sub(other: number | bigint): Expression<U>;
  mul<V extends Unit>(other: Operand<V>): Expression<'decimal' extends U | V ? 'decimal' : 'plain'>;
  eq(other: Operand<Goes<U>>): Condition;
  ne(other: Operand<Goes<U>>): Condition;
  lt(other: Operand<Goes<U>>): Condition;
  lte(other: Operand<Goes<U>>): Condition;
  gt(other: Operand<Goes<U>>): Condition;
  gte(other: Operand<Goes<U>>): Condition;
}
