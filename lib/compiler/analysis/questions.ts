// What the questions about a route have in common: its rules as formulas, the search, witnesses.
import { hullOf, intersect, unite } from '../intervals.js';
import type { ConditionIr, RouteIr, RouterIr, SchemaIr } from '../ir.js';
import { Budget } from './budget.js';
import { Domains } from './domains.js';
import { always, type Formula, formulaOf, type Hull, roughHull } from './formulas.js';
import { mayOverflow } from './ranges.js';
import { type Answer, solve } from './solve.js';
import { holdsFor, type Requirement, type Witness, witnessOf } from './witness.js';

/**
 * `proved`: so it is, for every message. `refuted`: a witness shows that it is not. `undecided`:
 * neither; the budget was used up, or arithmetic is beyond the search.
 */
export type Verdict = 'proved' | 'refuted' | 'undecided';

export interface AnalysisOptions {
  /** Tests of single conditions that an answer may take; default 5,000,000, a few seconds. */
  readonly budget?: number;
}

export const budgetDefault = 5_000_000;
/** Of the budget, to make a witness more readable. */
const readableSteps = 20_000;

/** A route whose messages have fields. */
export class RouteQuestions {
  readonly ir: RouterIr;
  readonly route: RouteIr;
  readonly domains: Domains;
  readonly budget: Budget;
  /** What every message that gets to the rules has in common. */
  readonly #checks: readonly Requirement[];
  readonly #rules = new Map<number, Formula>();

  constructor(ir: RouterIr, route: RouteIr, schema: SchemaIr, options: AnalysisOptions) {
    this.ir = ir;
    this.route = route;
    this.domains = new Domains(schema);
    this.budget = new Budget(options.budget ?? budgetDefault);
    this.#checks = route.checks.map(({ condition }) => ({ condition, holds: true }));
  }

  /** The rule's condition as a formula; `otherwise` is always true. */
  rule(index: number): Formula {
    const known = this.#rules.get(index);
    if (known !== undefined) return known;
    const when = this.route.rules[index]?.when ?? null;
    const made = when === null ? always : formulaOf(when, true, this.domains);
    this.#rules.set(index, made);
    return made;
  }

  mayOverflow(index: number): boolean {
    const when = this.route.rules[index]?.when ?? null;
    return when !== null && mayOverflow(when, (field) => hullOf(this.domains.of(field)));
  }

  hull(index: number): Hull | null {
    return roughHull(this.rule(index));
  }

  /** A message that passes the checks and meets the requirements. */
  find(
    requirements: readonly Requirement[],
    budget: Budget = this.budget,
    extra: readonly Formula[] = [],
  ): Answer<Witness> {
    const all = [...this.#checks, ...requirements];
    const formulas = all.map(({ condition, holds }) => formulaOf(condition, holds, this.domains));
    const search = (more: readonly Formula[], within: Budget): Answer<Witness> =>
      solve(this.domains, [...formulas, ...extra, ...more], within, (known, texts) =>
        witnessOf(this.ir, this.route, known, texts, all),
      );
    const answer = search([], budget);
    if (answer.kind !== 'found') return answer;
    // A message that can be decoded says more than one with a number that no symbol has.
    const symbols = this.#symbolsOf(answer.found);
    if (symbols.length === 0) return answer;
    const readable = search(symbols, budget.part(readableSteps));
    return readable.kind === 'found' ? readable : answer;
  }

  /** That fields which hold a number without a symbol hold one with a symbol. */
  #symbolsOf({ fields }: Witness): readonly Formula[] {
    const { schema } = this.domains;
    return schema.fields.flatMap(({ name, symbols }, field): readonly Formula[] => {
      if (symbols === null || typeof fields[name] !== 'bigint') return [];
      const values = Object.values(symbols).map((value) => [value, value] as const);
      return [{ kind: 'set', field, allowed: intersect(this.domains.of(field), unite(values)) }];
    });
  }

  /** The requirement that a rule applies, or does not; none that `otherwise` applies. */
  require(index: number, holds: boolean): readonly Requirement[] {
    const when: ConditionIr | null = this.route.rules[index]?.when ?? null;
    return when === null ? [] : [{ condition: when, holds }];
  }

  holds(index: number, { source, message }: Witness): boolean | null {
    const when = this.route.rules[index]?.when ?? null;
    return when === null ? true : holdsFor(this.ir, this.route, when, source, message);
  }
}

/** The route's questions; null where messages have no fields to ask about. */
export function questionsAbout(
  ir: RouterIr,
  route: number,
  options: AnalysisOptions,
): RouteQuestions | null {
  const routeIr = ir.routes[route];
  if (routeIr === undefined) throw new RangeError(`there is no route ${route}`);
  const schema = routeIr.schema === null ? undefined : ir.schemas[routeIr.schema];
  return schema === undefined ? null : new RouteQuestions(ir, routeIr, schema, options);
}
