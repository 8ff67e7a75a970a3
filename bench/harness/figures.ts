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
    // In hundredths of a percent, which are whole numbers: 99.9 % of 1,000 is 999 exactly.
    const rank = Math.max(1, Math.ceil((Math.round(level * 100) * sorted.length) / 10_000));
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
      ...(first.bytes === undefined ? {} : { bytes: first.bytes }),
      ...(first.allocations === undefined
        ? {}
        : { allocations: group.reduce((sum, round) => sum + (round.allocations ?? 0), 0) }),
    };
  });
}

/**
 * How each target came out. Against a peer the value is the median over the rounds of ours / the
 * peer's figure of the same round: the two ran within milliseconds of each other, so a host that
 * changes its pace in mid-run changes both. Throws when a figure was not measured.
 */
export function ratiosOf(rounds: readonly Round[], targets: readonly Target[]): Ratio[] {
  return targets.map(({ case: name, against, target, better, figure = 'p50' }) => {
    const ours = figuresOf(rounds, name, 'ours', figure);
    const peer = against === 'limit' ? ours.map(() => 1) : figuresOf(rounds, name, against, figure);
    if (peer.length !== ours.length) throw new Error(`rounds of '${name}' did not alternate`);
    const value = rounded(median(ours.map((own, index) => own / (peer[index] ?? Number.NaN))));
    const holds = better === 'lower' ? value <= target : value >= target;
    const unit = against === 'limit' ? unitOf(rounds, name) : {};
    return { case: name, against, figure, ...unit, value, target, better, holds };
  });
}

function unitOf(rounds: readonly Round[], name: string): { unit?: string } {
  const own = rounds.find((round) => round.case === name && round.subject === 'ours');
  return own === undefined ? {} : { unit: own.unit };
}

const figureLevels = { p50: 50, p90: 90, p99: 99, p999: 99.9, max: 100 } as const;

function figuresOf(
  rounds: readonly Round[],
  name: string,
  subject: string,
  figure: Figure,
): number[] {
  const own = rounds.filter((round) => round.case === name && round.subject === subject);
  const figures = own.map((round) =>
    figure === 'rate' ? round.rate : round.values?.[percentileLevels.indexOf(figureLevels[figure])],
  );
  if (figures.length === 0 || figures.some((value) => !Number.isFinite(value))) {
    throw new Error(`the bench measured no ${figure} of '${subject}' in '${name}'`);
  }
  return figures as number[];
}

/** Two decimals are more than any clock here can tell apart. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
