// Pairs of rules that may hold together, without looking at every pair: sorted by the values of
// the field that tells most of them apart.
import { intersect } from '../intervals.js';
import type { Domains } from './domains.js';
import type { Hull } from './formulas.js';

/** A rule and where its fields have to lie. */
export interface Candidate {
  readonly rule: number;
  readonly hull: Hull;
}

interface Span {
  readonly low: bigint;
  readonly high: bigint;
  readonly at: number;
}

/** Pairs whose hulls have a message in common: each once, the lower rule first. */
export function* meetingPairs(
  candidates: readonly Candidate[],
  domains: Domains,
  spend: (steps: number) => boolean,
): Generator<readonly [Candidate, Candidate]> {
  const field = bestField(candidates, domains);
  for (const [left, right] of field === null
    ? allPairs(candidates)
    : sweep(candidates, domains, field)) {
    if (!spend(1)) return;
    if (!hullsMeet(left.hull, right.hull)) continue;
    yield left.rule < right.rule ? [left, right] : [right, left];
  }
}

function* allPairs(candidates: readonly Candidate[]): Generator<readonly [Candidate, Candidate]> {
  for (const [index, left] of candidates.entries()) {
    for (let other = index + 1; other < candidates.length; other += 1) {
      yield [left, candidates[other] as Candidate];
    }
  }
}

export function hullsMeet(left: Hull, right: Hull): boolean {
  for (const [field, set] of left) {
    const other = right.get(field);
    if (other !== undefined && intersect(set, other).length === 0) return false;
  }
  return true;
}

/** The field by which the fewest pairs meet; null: no rule looks at a field. */
function bestField(candidates: readonly Candidate[], domains: Domains): number | null {
  const fields = new Set(candidates.flatMap(({ hull }) => [...hull.keys()]));
  let best: number | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const field of fields) {
    const count = meetingCount(spansOf(candidates, domains, field));
    if (count >= fewest) continue;
    best = field;
    fewest = count;
  }
  return best;
}

function spansOf(candidates: readonly Candidate[], domains: Domains, field: number): Span[] {
  const spans: Span[] = [];
  for (const [at, { hull }] of candidates.entries()) {
    for (const [low, high] of hull.get(field) ?? domains.of(field)) spans.push({ low, high, at });
  }
  return spans.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : a.at - b.at));
}

/** How many pairs of spans have a value in common. */
function meetingCount(spans: readonly Span[]): number {
  const highs = spans.map(({ high }) => high).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  let ended = 0;
  let apart = 0;
  for (const { low } of spans) {
    while (ended < highs.length && (highs[ended] as bigint) < low) ended += 1;
    apart += ended;
  }
  return (spans.length * (spans.length - 1)) / 2 - apart;
}

function* sweep(
  candidates: readonly Candidate[],
  domains: Domains,
  field: number,
): Generator<readonly [Candidate, Candidate]> {
  let active: Span[] = [];
  // Rules with several spans may meet in several places: those before this one count.
  const firstMeeting = (left: Candidate, right: Candidate): bigint => {
    const domain = domains.of(field);
    const common = intersect(left.hull.get(field) ?? domain, right.hull.get(field) ?? domain);
    return common[0]?.[0] ?? 0n;
  };
  for (const span of spansOf(candidates, domains, field)) {
    const candidate = candidates[span.at] as Candidate;
    active = active.filter(({ high }) => high >= span.low);
    for (const other of active) {
      if (other.at === span.at) continue;
      const left = candidates[other.at] as Candidate;
      if (firstMeeting(left, candidate) === span.low) yield [left, candidate];
    }
    active.push(span);
  }
}
