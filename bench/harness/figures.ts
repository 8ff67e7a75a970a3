// From samples to rounds, from rounds to results, from results to ratios. Pure functions.
import {
  type BenchResult,
  type Figure,
  percentileLevels,
  type Ratio,
  type Round,
  type Target,
} from './types.js';

/** The middle value, or the mean of the two middle ones. Throws RangeError on an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('median of an empty list');
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The samples' values at `percentileLevels` (nearest rank). Sorts a copy. */
export function percentiles(samples: ArrayLike<number>): number[] {
  if (samples.length === 0) throw new RangeError('percentiles of an empty list');
  const sorted = Float64Array.from(samples).sort();
  return percentileLevels.map((level) => {
    const rank = Math.max(1, Math.ceil((level / 100) * sorted.length));
    return sorted[rank - 1] ?? 0;
  });
}

/** Rounds of one case and subject, in the order in which they first appear. */
export function groupRounds(rounds: readonly Round[]): Round[][] {
  const groups = new Map<string, Round[]>();
  for (const round of rounds) {
    const key = `${round.case}\0${round.subject}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [round]);
    else group.push(round);
  }
  return [...groups.values()];
}

/** Medians over the rounds at each level; the maximum is the largest of all rounds. */
export function mergedValues(group: readonly Round[]): number[] | undefined {
  const lists = group.flatMap((round) => (round.values === undefined ? [] : [round.values]));
  if (lists.length === 0) return undefined;
  return percentileLevels.map((level, index) => {
    const column = lists.map((values) => values[index] ?? Number.NaN);
    return level === 100 ? Math.max(...column) : median(column);
  });
}

/** One result for each case and subject. */
export function resultsOf(rounds: readonly Round[]): BenchResult[] {
  return groupRounds(rounds).map((group) => {
    const [first] = group as [Round, ...Round[]];
    const values = mergedValues(group);
    const rates = group.flatMap((round) => (round.rate === undefined ? [] : [round.rate]));
    const at = (level: (typeof percentileLevels)[number]) =>
      rounded(values?.[percentileLevels.indexOf(level)] ?? Number.NaN);
    return {
      case: first.case,
      subject: first.subject,
      unit: first.unit,
      n: group.reduce((sum, round) => sum + round.n, 0),
      ...(values === undefined
        ? {}
        : { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) }),
      ...(rates.length === 0 ? {} : { rate: Math.round(median(rates)) }),
    };
  });
}

/** How each target came out. Throws when a figure that a target needs was not measured. */
export function ratiosOf(results: readonly BenchResult[], targets: readonly Target[]): Ratio[] {
  return targets.map(({ case: name, against, target, better, figure = 'p50' }) => {
    const ours = figureOf(results, name, 'ours', figure);
    const value = rounded(
      against === 'limit' ? ours : ours / figureOf(results, name, against, figure),
    );
    const holds = better === 'lower' ? value <= target : value >= target;
    return { case: name, against, value, target, better, holds };
  });
}

function figureOf(
  results: readonly BenchResult[],
  name: string,
  subject: string,
  figure: Figure,
): number {
  const value = results.find((r) => r.case === name && r.subject === subject)?.[figure];
  if (value === undefined || !Number.isFinite(value)) {
    throw new Error(`the bench measured no ${figure} of '${subject}' in '${name}'`);
  }
  return value;
}

/** Two decimals are more than any clock here can tell apart. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
