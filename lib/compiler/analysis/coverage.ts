// Whether some rule of a route takes every message that passes its checks.
import type { RouterIr } from '../ir.js';
import { cellFormulas } from './cells.js';
import {
  type AnalysisOptions,
  questionsAbout,
  type RouteQuestions,
  type Verdict,
} from './questions.js';
import type { Answer, Doubt } from './solve.js';
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
  if (questions === null) return covered;
  const answer = questions.route.table === undefined ? askRules(questions) : askCells(questions);
  const steps = questions.budget.spent;
  if (answer.kind === 'none') return { ...covered, steps };
  if (answer.kind === 'found') {
    return { verdict: 'refuted', witness: answer.found, doubt: null, steps };
  }
  return { verdict: 'undecided', witness: null, doubt: answer.doubt, steps };
}

/** A message for which no rule holds. */
function askRules(questions: RouteQuestions): Answer<Witness> {
  const { rules } = questions.route;
  if (rules.some(({ when }) => when === null)) return { kind: 'none' };
  return questions.find(rules.flatMap((_, index) => questions.require(index, false)));
}

/** A message of a cell that names no rule. The rules of a table have no conditions. */
function askCells(questions: RouteQuestions): Answer<Witness> {
  const empty = cellFormulas(questions).get(-1);
  if (empty === undefined) return { kind: 'none' };
  return questions.find([], questions.budget, [{ kind: 'or', terms: empty }]);
}
