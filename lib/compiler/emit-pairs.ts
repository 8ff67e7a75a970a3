// The commonest arithmetic of checks, which needs no program: the sum, difference or product of
// two fields held against limits (a notional), or two fields against each other.
import { type ConditionContext, integerField } from './emit-conditions.js';
import type { IntegerField } from './emit-fields.js';
import { pairFactorBytesMax } from './emit-format.js';
import type { ConditionIr, ExprIr } from './ir.js';

/** `low` ≤ left `operation` right ≤ `high`. */
export interface PairTest {
  readonly operation: 'add' | 'sub' | 'mul';
  readonly left: IntegerField;
  readonly right: IntegerField;
  readonly low: bigint;
  readonly high: bigint;
}

type Comparison = Extract<ConditionIr, { kind: 'compare' }>['op'];
type Limits = readonly [bigint, bigint];

const least = -(1n << 127n);
const greatest = (1n << 127n) - 1n;

/** The test that a condition amounts to; null when it is none. */
export function pairOf(condition: ConditionIr, context: ConditionContext): PairTest | null {
  if (condition.kind === 'in') {
    const [limits] = condition.intervals;
    return condition.intervals.length === 1 ? combined(condition.value, limits, context) : null;
  }
  if (condition.kind !== 'compare') return null;
  const { op, left, right } = condition;
  if (right.kind === 'const') return combined(left, limitsOf(op, right.value), context);
  if (left.kind !== 'field' || right.kind !== 'field') return null;
  return combined({ kind: 'sub', left, right }, limitsOf(op, 0n), context);
}

function combined(
  value: ExprIr,
  limits: Limits | null | undefined,
  context: ConditionContext,
): PairTest | null {
  if (value.kind === 'field' || value.kind === 'const' || !limits) return null;
  if (value.kind === 'count') return null;
  if (value.left.kind !== 'field' || value.right.kind !== 'field') return null;
  const left = integerField(value.left.field, context);
  const right = integerField(value.right.field, context);
  // Wider factors can overflow, and then the program says so.
  if (value.kind === 'mul' && left.bytes + right.bytes > pairFactorBytesMax) return null;
  return { operation: value.kind, left, right, low: limits[0], high: limits[1] };
}

/** The values for which `value <op> constant` holds; null when they are not one interval. */
function limitsOf(op: Comparison, constant: bigint): Limits | null {
  switch (op) {
    case 'eq':
      return [constant, constant];
    case 'ne':
      return null;
    case 'lt':
      return [least, constant - 1n];
    case 'lte':
      return [least, constant];
    case 'gt':
      return [constant + 1n, greatest];
    case 'gte':
      return [constant, greatest];
  }
}
