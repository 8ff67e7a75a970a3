// Which rules of a route never decide: because no message fulfils them, or because every message
// that does has been taken by an earlier rule.
import type { RouterIr } from '../ir.js';
import type { Budget } from './budget.js';
import { cellFormulas } from './cells.js';
import type { Formula, Hull } from './formulas.js';
import { type Candidate, meetingPairs } from './pairs.js';
import {
  type AnalysisOptions,
  questionsAbout,
  type RouteQuestions,
  type Verdict,
} from './questions.js';
import type { Answer, Doubt } from './solve.js';
import type { Requirement, Witness } from './witness.js';

/** A rule that never decides. */
export interface Shadowed {
  readonly rule: number;
  /** `never`: no message fulfils it. `covered`: earlier rules take all of them. */
  readonly reason: 'never' | 'covered';
  /** The rule that takes them all alone, where there is one. */
  readonly by: number | null;
}

export interface ShadowReport {
  /** Of the statement that every rule decides for some message. */
  readonly verdict: Verdict;
  readonly shadowed: readonly Shadowed[];
  readonly undecided: readonly { readonly rule: number; readonly doubt: Doubt }[];
  /** For every other rule, a message for which it decides. */
  readonly witnesses: ReadonlyMap<number, Witness>;
  readonly steps: number;
}

/** Earlier rules among which the one is looked for that covers a rule alone. */
const coverersMax = 256;

/**
 * The rules of a route that never decide. In a route of mode `all`, where no rule hides another,
 * these are the ones that no message fulfils. Pure and synchronous; the budget bounds the time.
 */
export function findShadowed(
  ir: RouterIr,
  route: number,
  options: AnalysisOptions = {},
): ShadowReport {
  const questions = questionsAbout(ir, route, options);
  return questions === null ? shadowsOfRaw(ir, route) : new ShadowSearch(questions).run();
}

/** Raw messages have no fields: the first rule decides for all of them. */
function shadowsOfRaw(ir: RouterIr, route: number): ShadowReport {
  const rules = ir.routes[route]?.mode === 'all' ? [] : (ir.routes[route]?.rules ?? []);
  const shadowed = rules.slice(1).map((_, at): Shadowed => {
    return { rule: at + 1, reason: 'covered', by: 0 };
  });
  const verdict = shadowed.length > 0 ? 'refuted' : 'proved';
  return { verdict, shadowed, undecided: [], witnesses: new Map(), steps: 0 };
}

class ShadowSearch {
  readonly #questions: RouteQuestions;
  readonly #shadowed: Shadowed[] = [];
  readonly #undecided: { rule: number; doubt: Doubt }[] = [];
  readonly #witnesses = new Map<number, Witness>();

  constructor(questions: RouteQuestions) {
    this.#questions = questions;
  }

  run(): ShadowReport {
    const { route, budget } = this.#questions;
    const earlier = route.table === undefined && route.mode !== 'all' ? this.#earlier() : [];
    const cells = route.table === undefined ? null : cellFormulas(this.#questions);
    for (let rule = 0; rule < route.rules.length; rule += 1) {
      if (earlier === null) {
        this.#undecided.push({ rule, doubt: 'budget' });
        continue;
      }
      // A fair share of what is left: one hard rule must not leave the others without an answer.
      const share = Math.ceil((budget.total - budget.spent) / (route.rules.length - rule));
      const part = budget.part(Math.max(share * 4, 1));
      if (cells === null) this.#ask(rule, earlier[rule] ?? [], part);
      else this.#askCells(rule, cells.get(rule) ?? [], part);
    }
    const hasDoubt = this.#undecided.length > 0;
    return {
      verdict: this.#shadowed.length > 0 ? 'refuted' : hasDoubt ? 'undecided' : 'proved',
      shadowed: this.#shadowed,
      undecided: this.#undecided,
      witnesses: this.#witnesses,
      steps: budget.spent,
    };
  }

  /** For each rule the earlier ones that may take something from it; null: too many to tell. */
  #earlier(): readonly (readonly number[])[] | null {
    const { route, domains, budget } = this.#questions;
    const lists: number[][] = route.rules.map(() => []);
    const everything: Hull = new Map();
    const candidates = route.rules.flatMap(({ when }, rule): Candidate[] => {
      // Where a rule's arithmetic overflows it rejects messages that it does not hold for.
      const isWide = when === null || this.#questions.mayOverflow(rule);
      const hull = isWide ? everything : this.#questions.hull(rule);
      return hull === null ? [] : [{ rule, hull }];
    });
    const half = budget.part(Math.ceil(budget.total / 2));
    for (const [first, second] of meetingPairs(candidates, domains, (steps) => half.spend(steps))) {
      lists[second.rule]?.push(first.rule);
    }
    if (half.isOver) return null;
    for (const list of lists) list.sort((a, b) => a - b);
    return lists;
  }

  #ask(rule: number, earlier: readonly number[], budget: Budget): void {
    const holds = this.#questions.require(rule, true);
    const others = earlier.flatMap((index): readonly Requirement[] => {
      return this.#questions.require(index, false);
    });
    const everything = earlier.find((index) => this.#questions.route.rules[index]?.when === null);
    const answer: Answer<Witness> =
      everything === undefined
        ? this.#questions.find([...holds, ...others], budget)
        : { kind: 'none' };
    if (answer.kind === 'found') this.#witnesses.set(rule, answer.found);
    else if (answer.kind === 'undecided') this.#undecided.push({ rule, doubt: answer.doubt });
    else this.#shadowed.push(this.#reason(rule, earlier, budget));
  }

  #reason(rule: number, earlier: readonly number[], budget: Budget): Shadowed {
    const holds = this.#questions.require(rule, true);
    // Without an earlier rule in the way there is nothing but the rule itself, and the checks.
    const alone = earlier.length === 0 ? 'none' : this.#questions.find(holds, budget).kind;
    if (alone === 'none') return { rule, reason: 'never', by: null };
    const by = earlier.slice(0, coverersMax).find((index) => {
      const others = this.#questions.require(index, false);
      if (others.length === 0) return true;
      return this.#questions.find([...holds, ...others], budget).kind === 'none';
    });
    return { rule, reason: 'covered', by: by ?? null };
  }

  #askCells(rule: number, cells: readonly Formula[], budget: Budget): void {
    const answer = this.#questions.find([], budget, [{ kind: 'or', terms: cells }]);
    if (answer.kind === 'found') this.#witnesses.set(rule, answer.found);
    else if (answer.kind === 'undecided') this.#undecided.push({ rule, doubt: answer.doubt });
    else this.#shadowed.push({ rule, reason: 'never', by: null });
  }
}
