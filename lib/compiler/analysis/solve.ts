// Looks for a message that fulfils formulas: takes what follows at once, branches where nothing
// does, and gives up when the budget is used up. Without arithmetic it always finds a message or
// shows that there is none, given the budget.
import { complement, hullOf, intersect, subtract, unite } from '../intervals.js';
import type { IntervalsIr } from '../ir.js';
import { isContradicted, isImpossible, settle } from './arithmetic.js';
import type { Budget } from './budget.js';
import { Conjunction, type Truth } from './conjunctions.js';
import type { Domains } from './domains.js';
import { type Formula, isArithmetic, isLiteral, negated } from './formulas.js';
import { type Texts, textsFor } from './texts.js';

/** Why there is no answer. */
export type Doubt =
  /** The conditions are too many or too entangled for the budget. */
  | 'budget'
  /** Arithmetic: neither values were found, nor that there are none. */
  | 'arithmetic'
  /** Texts: none that was tried meets the patterns as wanted. */
  | 'text'
  /** Values were found, but no message that has them. */
  | 'message';

export type Answer<Found> =
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'none' }
  | { readonly kind: 'undecided'; readonly doubt: Doubt };

/** One of the formulas holds. */
type Clause = readonly Formula[];

interface Branch {
  readonly known: Conjunction;
  readonly clauses: readonly Clause[];
}

/** Messages that turn out to be none, before the search ends. */
const refusalsMax = 16;
/** Of the budget, for one set of arithmetic conditions. */
const arithmeticSteps = 100_000;

/**
 * Gives what is known of such messages to `accept`, which makes one, or null if it cannot. 'none'
 * is a proof: no message fulfils all the formulas.
 */
export function solve<Found>(
  domains: Domains,
  formulas: readonly Formula[],
  budget: Budget,
  accept: (known: Conjunction, texts: Texts) => Found | null,
): Answer<Found> {
  const search = new Search(domains, budget);
  const start = search.start(formulas);
  const branches: Branch[] = start === null ? [] : [start];
  let doubt: Doubt | null = null;
  let refusals = 0;
  for (;;) {
    const branch = branches.pop();
    if (branch === undefined)
      return doubt === null ? { kind: 'none' } : { kind: 'undecided', doubt };
    const reduced = search.reduce(branch);
    if (budget.isOver) return { kind: 'undecided', doubt: doubt ?? 'budget' };
    if (reduced === null) continue;
    if (reduced.clauses.length > 0) {
      branches.push(...search.split(reduced));
      continue;
    }
    const { known } = reduced;
    const settled =
      known.arithmetic.length === 0 ? known : settle(known, budget.part(arithmeticSteps));
    if (settled === null) continue;
    if (settled === 'undecided') {
      doubt = 'arithmetic';
      continue;
    }
    for (const texts of textsFor(settled)) {
      budget.spend(1 + settled.texts.length);
      const found = accept(settled, texts);
      if (found !== null) return { kind: 'found', found };
    }
    doubt ??= settled.texts.length > 0 ? 'text' : 'message';
    refusals += 1;
    if (refusals >= refusalsMax) return { kind: 'undecided', doubt };
  }
}

class Search {
  readonly #domains: Domains;
  readonly #budget: Budget;

  constructor(domains: Domains, budget: Budget) {
    this.#domains = domains;
    this.#budget = budget;
  }

  /** Everything about single fields at once: a route may exclude thousands of values one by one. */
  start(formulas: readonly Formula[]): Branch | null {
    const known = new Conjunction(this.#domains);
    const clauses: Clause[] = [];
    const excluded = new Map<number, IntervalsIr[number][]>();
    const rest: Formula[] = [];
    for (const formula of flatten(formulas)) {
      if (formula.kind === 'set') {
        const domain = this.#domains.of(formula.field);
        const list = excluded.get(formula.field) ?? [];
        for (const interval of subtract(domain, formula.allowed)) list.push(interval);
        excluded.set(formula.field, list);
      } else rest.push(formula);
      this.#budget.spend(1);
    }
    for (const [field, intervals] of excluded) {
      const domain = this.#domains.of(field);
      const left = intersect(domain, complement(unite(intervals), hullOf(domain)));
      if (!known.add({ kind: 'set', field, allowed: left })) return null;
    }
    return this.#assertAll(known, clauses, rest) ? { known, clauses } : null;
  }

  #assertAll(known: Conjunction, clauses: Clause[], formulas: readonly Formula[]): boolean {
    for (const formula of flatten(formulas)) {
      if (formula.kind === 'or') clauses.push(formula.terms);
      else if (isLiteral(formula) && !known.add(formula)) return false;
    }
    return true;
  }

  /** Draws conclusions until there are none left; null: a contradiction. */
  reduce({ known: before, clauses: given }: Branch): Branch | null {
    const known = before.clone();
    let clauses: Clause[] = [...given];
    for (;;) {
      const open: Clause[] = [];
      const facts: Formula[] = [];
      for (const clause of clauses) {
        const left = this.#open(known, clause);
        if (left === null) continue;
        const [only] = left;
        if (only === undefined) return null;
        if (left.length === 1) facts.push(only);
        else open.push(left);
        if (this.#budget.isOver) return null;
      }
      clauses = open;
      if (!this.#assertAll(known, clauses, facts) || isContradicted(known)) return null;
      if (facts.length === 0) return { known, clauses };
    }
  }

  /** Alternatives that are neither true nor false yet; null: one of them is true. */
  #open(known: Conjunction, clause: Clause): Clause | null {
    const left: Formula[] = [];
    for (const formula of clause) {
      const truth = this.#test(known, formula);
      if (truth === 'true') return null;
      if (truth === 'open') left.push(formula);
    }
    return left;
  }

  #test(known: Conjunction, formula: Formula): Truth {
    if (isLiteral(formula)) {
      this.#budget.spend(1);
      if (formula.kind !== 'arithmetic') return known.test(formula);
      return isImpossible(known, formula) ? 'false' : 'open';
    }
    const deciding: Truth = formula.kind === 'and' ? 'false' : 'true';
    let isOpen = false;
    for (const term of formula.terms) {
      const truth = this.#test(known, term);
      if (truth === deciding) return deciding;
      isOpen ||= truth === 'open';
    }
    return isOpen ? 'open' : deciding === 'false' ? 'true' : 'false';
  }

  /** Two branches: the first alternative of the shortest clause holds, or another one does. */
  split({ known, clauses }: Branch): Branch[] {
    const shortest = clauses.reduce((least, clause) =>
      clause.length < least.length ? clause : least,
    );
    const [first, ...others] = shortest as readonly [Formula, ...Formula[]];
    const rest = clauses.filter((clause) => clause !== shortest);
    const branch = (formulas: readonly Formula[]): Branch[] => {
      const added = [...rest];
      const narrowed = known.clone();
      return this.#assertAll(narrowed, added, formulas)
        ? [{ known: narrowed, clauses: added }]
        : [];
    };
    const remaining: Formula = { kind: 'or', terms: others };
    // Arithmetic that is not true may be false or overflow, so nothing is concluded from it.
    const without = isArithmetic(first) ? [remaining] : [negated(first, this.#domains), remaining];
    return [...branch(without), ...branch([first])];
  }
}

function* flatten(formulas: readonly Formula[]): Generator<Formula> {
  for (const formula of formulas) {
    if (formula.kind === 'and') yield* flatten(formula.terms);
    else if (formula.kind === 'or' && formula.terms.length === 1) yield* flatten(formula.terms);
    else yield formula;
  }
}
