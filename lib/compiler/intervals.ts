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

/** The part of a set that lies within a range. */
export function clip(intervals: IntervalsIr, [min, max]: Interval): IntervalsIr {
  return intersect(intervals, [[min, max]]);
}

/** Values of `range` that are not in the set, which lies within the range. */
export function complement(intervals: IntervalsIr, [min, max]: Interval): IntervalsIr {
  const rest: Interval[] = [];
  let from = min;
  for (const [low, high] of intervals) {
    if (low > from) rest.push([from, low - 1n]);
    from = high + 1n;
  }
  if (from <= max) rest.push([from, max]);
  return rest;
}

/** The values that are in both sets. */
export function intersect(left: IntervalsIr, right: IntervalsIr): IntervalsIr {
  const both: Interval[] = [];
  let l = 0;
  let r = 0;
  for (;;) {
    const [a, b] = [left[l], right[r]];
    if (a === undefined || b === undefined) return both;
    const low = a[0] > b[0] ? a[0] : b[0];
    const high = a[1] < b[1] ? a[1] : b[1];
    if (low <= high) both.push([low, high]);
    if (a[1] < b[1]) l += 1;
    else r += 1;
  }
}

/** Whether the set is everything the range has. */
export function isWhole(intervals: IntervalsIr, [min, max]: Interval): boolean {
  return intervals.length === 1 && intervals[0]?.[0] === min && intervals[0][1] === max;
}

/** The least and the greatest member; the set is not empty. */
export function hullOf(set: IntervalsIr): Interval {
  return [set[0]?.[0] ?? 0n, set.at(-1)?.[1] ?? 0n];
}

/** What of `from` is not in `set`. */
export function subtract(from: IntervalsIr, set: IntervalsIr): IntervalsIr {
  if (from.length === 0) return from;
  const hull = hullOf(from);
  return intersect(from, complement(clip(set, hull), hull));
}

/** Whether every member of `inner` is one of `outer`. */
export function isSubset(inner: IntervalsIr, outer: IntervalsIr): boolean {
  let at = 0;
  for (const [low, high] of inner) {
    while (at < outer.length && (outer[at]?.[1] ?? high) < low) at += 1;
    const candidate = outer[at];
    if (candidate === undefined || candidate[0] > low || candidate[1] < high) return false;
  }
  return true;
}

export function isSingle(set: IntervalsIr): boolean {
  return set.length === 1 && set[0]?.[0] === set[0]?.[1];
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
