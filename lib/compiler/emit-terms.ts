// The terms of a route: its rules as conjunctions of sets of values, in the order of the rules.
import { optionError } from '../errors.js';
import { type Box, candidateBoxes, exactBoxes, hasArithmetic } from './emit-conditions.js';
import { emitProgram, type ProgramRef } from './emit-programs.js';
import type { ImageBuilder } from './emit-sections.js';
import type { RouteIr, RuleIr, SchemaIr } from './ir.js';
import { routeBoxesMax } from './limits.js';

/** One conjunction of a rule's conditions. With a program it says when the program is asked. */
export interface Term {
  readonly rule: number;
  readonly box: Box;
  readonly program: ProgramRef | null;
}

/** The terms of the rules up to the first that always holds, and that one. */
export interface RouteTerms {
  readonly terms: readonly Term[];
  readonly otherwise: number | null;
}

/**
 * Expands a route's rules; appends the programs of those with arithmetic. In a route of which
 * every rule counts, one that always holds is a term like the others.
 */
export function emitTerms(
  builder: ImageBuilder,
  route: RouteIr,
  schema: SchemaIr | null,
): RouteTerms {
  const terms: Term[] = [];
  for (const [rule, ruleIr] of route.rules.entries()) {
    const found = ruleTerms(builder, route, ruleIr, rule, schema);
    // Nothing behind a rule that always holds is ever asked.
    const always = found.some((term) => term.box.size === 0 && term.program === null);
    if (always && route.mode !== 'all') return { terms, otherwise: rule };
    for (const term of found) terms.push(term);
    if (terms.length > routeBoxesMax) {
      const expected = `rules that expand to at most ${routeBoxesMax} conjunctions in all`;
      const option = `${route.name}.rules[${rule}]`;
      throw optionError('ERR_ROUTE_LIMIT', option, expected, terms.length, ruleIr.position);
    }
  }
  return { terms, otherwise: null };
}

function ruleTerms(
  builder: ImageBuilder,
  route: RouteIr,
  { when, position }: RuleIr,
  rule: number,
  schema: SchemaIr | null,
): readonly Term[] {
  if (when === null) return [{ rule, box: new Map(), program: null }];
  const option = `${route.name}.rules[${rule}]`;
  if (schema === null) {
    throw optionError('ERR_ROUTE', option, 'no condition on raw messages', when, position);
  }
  const context = { schema, option, position };
  if (!hasArithmetic(when)) {
    return exactBoxes(when, context).map((box) => ({ rule, box, program: null }));
  }
  const boxes = candidateBoxes(when, context);
  if (boxes.length === 0) return [];
  const program = emitProgram(builder, when, context);
  return boxes.map((box) => ({ rule, box, program }));
}
