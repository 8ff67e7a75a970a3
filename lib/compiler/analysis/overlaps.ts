// Which rules of a route hold together for some message.
import type { RouterIr } from '../ir.js';
import { type Candidate, meetingPairs } from './pairs.js';
import { type AnalysisOptions, questionsAbout, type Verdict } from './questions.js';
import type { Doubt } from './solve.js';
import type { Witness } from './witness.js';

export interface Overlap {
  /** Indices of the two rules, ascending. */
  readonly rules: readonly [number, number];
  readonly witness: Witness;
}

export interface OverlapDoubt {
  /** null: pairs that were not looked at. */
  readonly rules: readonly [number, number] | null;
  readonly doubt: Doubt;
}

export interface OverlapReport {
  /** Of the statement that no two rules hold together, `otherwise` aside. */
  readonly verdict: Verdict;
  readonly overlaps: readonly Overlap[];
  readonly undecided: readonly OverlapDoubt[];
  /** Whether there are more than were asked for. */
  readonly truncated: boolean;
  /** How much of the budget it took. */
  readonly steps: number;
}

export interface OverlapOptions extends AnalysisOptions {
  /** Overlaps and doubts to look for; default 100. */
  readonly limit?: number;
}

/**
 * Pairs of rules of a route that hold together for a message that passes its checks, each with
 * such a message. Pure and synchronous; the budget bounds the time.
 */
export function findOverlaps(
  ir: RouterIr,
  route: number,
  options: OverlapOptions = {},
): OverlapReport {
  const questions = questionsAbout(ir, route, options);
  const overlaps: Overlap[] = [];
  const undecided: OverlapDoubt[] = [];
  const report = (truncated: boolean): OverlapReport => ({
    verdict: overlaps.length > 0 ? 'refuted' : undecided.length > 0 ? 'undecided' : 'proved',
    overlaps: overlaps.sort(({ rules: [a, b] }, { rules: [c, d] }) => a - c || b - d),
    undecided,
    truncated,
    steps: questions?.budget.spent ?? 0,
  });
  // The cells of a table belong to one rule each.
  if (questions === null || questions.route.table !== undefined) return report(false);
  const { budget, domains } = questions;
  const candidates = questions.route.rules.flatMap(({ when }, rule): Candidate[] => {
    const hull = when === null ? null : questions.hull(rule);
    return hull === null ? [] : [{ rule, hull }];
  });
  const spend = (steps: number): boolean => budget.spend(steps);
  const limit = options.limit ?? 100;
  for (const [{ rule: first }, { rule: second }] of meetingPairs(candidates, domains, spend)) {
    if (overlaps.length + undecided.length >= limit) return report(true);
    const requirements = [...questions.require(first, true), ...questions.require(second, true)];
    const answer = questions.find(requirements);
    if (answer.kind === 'found') overlaps.push({ rules: [first, second], witness: answer.found });
    if (answer.kind === 'undecided') {
      undecided.push({ rules: [first, second], doubt: answer.doubt });
    }
  }
  if (budget.isOver) undecided.push({ rules: null, doubt: 'budget' });
  return report(false);
}
