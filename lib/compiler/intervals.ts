// Sets of integers as closed intervals: ascending, disjoint, not adjacent.
import type { IntervalsIr } from './ir.js';

export type Interval = readonly [bigint, bigint];

/** The set that the given intervals cover together; empty ones ([5, 3]) are dropped. */
export function unite(intervals: readonly Interval[]): IntervalsIr {
  const sorted = intervals
    .filter(([low, high]) => low <= high)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  const united: [bigint, bigint][] = [];
  for (const [low, high] of sorted) {
    const last = united.at(-1);
    if (last !== undefined && low <= last[1] + 1n) last[1] = high > last[1] ? high : last[1];
    else united.push([low, high]);
  }
  return united;
}

export function contains(intervals: IntervalsIr, value: bigint): boolean {
  return intervals.some(([low, high]) => value >= low && value <= high);
}

/** Whether the intervals are in the form that the IR prescribes. */
export function isCanonical(intervals: IntervalsIr): boolean {
  let previous: bigint | null = null;
  for (const [low, high] of intervals) {
    if (low > high || (previous !== null && low <= previous + 1n)) return false;
    previous = high;
  }
  return true;
}

export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte';

/** The values within [low, high] for which `value <comparison> constant` holds. */
export function intervalsOf(
  comparison: Comparison,
  constant: bigint,
  low: bigint,
  high: bigint,
): IntervalsIr {
  const below: Interval = [low, constant - 1n];
  const above: Interval = [constant + 1n, high];
  const pieces: Readonly<Record<Comparison, readonly Interval[]>> = {
    eq: [[constant, constant]],
    ne: [below, above],
    lt: [below],
    lte: [[low, constant]],
    gt: [above],
    gte: [[constant, high]],
  };
  return unite(pieces[comparison]);
}
