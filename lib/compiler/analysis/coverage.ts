// Whether some rule of a route takes every message that passes its checks.
import type { RouterIr } from '../ir.js';
import { type AnalysisOptions, questionsAbout, type Verdict } from './questions.js';
import type { Doubt } from './solve.js';
import type { Witness } from './witness.js';

export interface CoverageReport {
  /** Of the statement that every message has a rule. */
  readonly verdict: Verdict;
  /** A message that no rule takes. */
  readonly witness: Witness | null;
  readonly doubt: Doubt | null;
  readonly steps: number;
}

/**
 * Whether there is a message that passes the checks of a route and is rejected with NO_ROUTE all
 * the same. Pure and synchronous; the budget bounds the time.
 */
export function findUncovered(
  ir: RouterIr,
  route: number,
  options: AnalysisOptions = {},
): CoverageReport {
  const covered = { verdict: 'proved', witness: null, doubt: null, steps: 0 } as const;
  const questions = questionsAbout(ir, route, options);
  if (questions === null || questions.route.table !== undefined) return covered;
  const { rules } = questions.route;
  if (rules.some(({ when }) => when === null)) return covered;
  const answer = questions.find(rules.flatMap((_, index) => questions.require(index, false)));
  const steps = questions.budget.spent;
  if (answer.kind === 'none') return { ...covered, steps };
  if (answer.kind === 'found') {
    return { verdict: 'refuted', witness: answer.found, doubt: null, steps };
  }
  return { verdict: 'undecided', witness: null, doubt: answer.doubt, steps };
}
