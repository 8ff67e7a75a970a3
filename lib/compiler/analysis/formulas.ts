// Conditions as formulas over literals: `not` is pushed down to them, so that what is left are
// statements about single fields, about bits of them, and arithmetic.
import { fieldRange, isInteger } from '../emit-fields.js';
import { hullOf, intersect, intervalsOf, subtract, unite } from '../intervals.js';
import type { BitsConditionIr, ConditionIr, ExprIr, IntervalsIr, TextConditionIr } from '../ir.js';
import type { Domains } from './domains.js';
import { mayOverflow } from './ranges.js';
import { countOf } from './texts.js';

export type ArithmeticIr = Extract<ConditionIr, { kind: 'in' | 'compare' }>;

export type Literal =
  /** The field holds one of these values, all of which it can hold. */
  | { readonly kind: 'set'; readonly field: number; readonly allowed: IntervalsIr }
  /** The field shows these bits. */
  | {
      readonly kind: 'bits';
      readonly field: number;
      readonly mask: bigint;
      readonly equal: bigint;
    }
  /** The text meets one of the patterns, or none. */
  | { readonly kind: 'text'; readonly condition: TextConditionIr; readonly holds: boolean }
  /** The arithmetic stays within 128 bits, and the condition holds or does not. */
  | { readonly kind: 'arithmetic'; readonly condition: ArithmeticIr; readonly holds: boolean };

export type Formula = Literal | { readonly kind: 'and' | 'or'; readonly terms: readonly Formula[] };

export function isLiteral(formula: Formula): formula is Literal {
  return formula.kind !== 'and' && formula.kind !== 'or';
}

export const always: Formula = { kind: 'and', terms: [] };

/** Terms that may overflow, in one `and` or `or` whose order is respected. */
const orderedTermsMax = 64;

/**
 * What is true of every message for which the condition evaluates to `truth`, and of no others,
 * except where more than 64 terms beside each other may overflow.
 */
export function formulaOf(condition: ConditionIr, truth: boolean, domains: Domains): Formula {
  switch (condition.kind) {
    case 'in': {
      const { value, intervals } = condition;
      if (value.kind === 'field') return setLiteral(value.field, intervals, truth, domains);
      if (value.kind === 'count') {
        return setLiteral(countOf(value.field), intervals, truth, domains);
      }
      return { kind: 'arithmetic', condition, holds: truth };
    }
    case 'plugin':
      // Nobody but the engine knows. So it is allowed both, and no witness is built on it: what is
      // shown not to be there is not there, whatever the plug-in says.
      return always;
    case 'text':
      return { kind: 'text', condition, holds: truth };
    case 'bits':
      return bitsFormula(condition, truth);
    case 'compare':
      return compareFormula(condition, truth, domains);
    case 'not':
      return formulaOf(condition.term, !truth, domains);
    default: {
      const terms = condition.terms.map((term) => formulaOf(term, truth, domains));
      if ((condition.kind === 'and') === truth) return { kind: 'and', terms };
      return { kind: 'or', terms: inOrder(condition.terms, terms, truth, domains) };
    }
  }
}

/**
 * Terms are evaluated up to the first that decides, and an overflow on the way rejects the
 * message: those before the one that decides have not overflowed, which needs to be said of those
 * that may.
 */
function inOrder(
  conditions: readonly ConditionIr[],
  formulas: readonly Formula[],
  truth: boolean,
  domains: Domains,
): readonly Formula[] {
  const risky = conditions.filter((term) => {
    return mayOverflow(term, (field) => hullOf(domains.of(field)));
  });
  if (risky.length === 0 || risky.length > orderedTermsMax) return formulas;
  const before: Formula[] = [];
  return formulas.map((formula, index) => {
    const ordered: Formula = { kind: 'and', terms: [...before, formula] };
    const condition = conditions[index] as ConditionIr;
    if (risky.includes(condition)) before.push(formulaOf(condition, !truth, domains));
    return ordered;
  });
}

function setLiteral(
  field: number,
  intervals: IntervalsIr,
  truth: boolean,
  domains: Domains,
): Formula {
  const domain = domains.of(field);
  const allowed = truth ? intersect(domain, intervals) : subtract(domain, intervals);
  return { kind: 'set', field, allowed };
}

function bitsFormula({ field, mask, equal }: BitsConditionIr, truth: boolean): Formula {
  // Bits outside of the mask are zero when it has been applied.
  if ((equal & ~mask) !== 0n) return truth ? { kind: 'or', terms: [] } : always;
  const literal = { kind: 'bits', field, mask, equal } as const;
  return truth ? literal : negatedBits(literal);
}

const mirrored = { eq: 'eq', ne: 'ne', lt: 'gt', lte: 'gte', gt: 'lt', gte: 'lte' } as const;

/** A field beside a constant is no arithmetic. */
function compareFormula(
  condition: Extract<ConditionIr, { kind: 'compare' }>,
  truth: boolean,
  domains: Domains,
): Formula {
  const { left, right, op } = condition;
  const plain = (side: ExprIr, other: ExprIr, comparison: typeof op): Formula | null => {
    if (side.kind !== 'field' || other.kind !== 'const') return null;
    const field = domains.field(side.field);
    if (!isInteger(field)) return null;
    const [low, high] = fieldRange(field);
    const beyond = other.value < low ? low - 1n : other.value > high ? high + 1n : other.value;
    const intervals = intervalsOf(comparison, beyond, low, high);
    return setLiteral(side.field, intervals, truth, domains);
  };
  const formula = plain(left, right, op) ?? plain(right, left, mirrored[op]);
  return formula ?? { kind: 'arithmetic', condition, holds: truth };
}

/** Whether some part of it is arithmetic, which may overflow instead of being true or false. */
export function isArithmetic(formula: Formula): boolean {
  if (formula.kind === 'and' || formula.kind === 'or') return formula.terms.some(isArithmetic);
  return formula.kind === 'arithmetic';
}

/** The opposite of a formula without arithmetic. */
export function negated(formula: Formula, domains: Domains): Formula {
  switch (formula.kind) {
    case 'and':
    case 'or': {
      const terms = formula.terms.map((term) => negated(term, domains));
      return { kind: formula.kind === 'and' ? 'or' : 'and', terms };
    }
    case 'set': {
      const { field, allowed } = formula;
      return { kind: 'set', field, allowed: subtract(domains.of(field), allowed) };
    }
    case 'bits':
      return negatedBits(formula);
    case 'text':
      return { ...formula, holds: !formula.holds };
    default:
      throw new TypeError('arithmetic has no opposite: it may overflow');
  }
}

/** One of the bits is another. */
function negatedBits({ field, mask, equal }: Extract<Literal, { kind: 'bits' }>): Formula {
  const terms: Literal[] = [];
  for (let rest = mask, bit = 1n; rest !== 0n; rest >>= 1n, bit <<= 1n) {
    if ((rest & 1n) === 0n) continue;
    terms.push({ kind: 'bits', field, mask: bit, equal: (equal & bit) === 0n ? bit : 0n });
  }
  return { kind: 'or', terms };
}

/**
 * For each field that matters, a set that holds all its values in messages that fulfil the
 * formula; null when there is no such message.
 */
export type Hull = ReadonlyMap<number, IntervalsIr>;

const nestedTermsMax = 4_096;

/** Cheap and rough: never too small. */
export function roughHull(formula: Formula): Hull | null {
  if (formula.kind === 'set') {
    return formula.allowed.length === 0 ? null : new Map([[formula.field, formula.allowed]]);
  }
  if (formula.kind === 'and') return meetHulls(formula.terms);
  if (formula.kind === 'or') return joinHulls(formula.terms);
  return new Map();
}

function meetHulls(terms: readonly Formula[]): Hull | null {
  const met = new Map<number, IntervalsIr>();
  for (const term of terms) {
    const hull = roughHull(term);
    if (hull === null) return null;
    for (const [field, set] of hull) {
      const known = met.get(field);
      const common = known === undefined ? set : intersect(known, set);
      if (common.length === 0) return null;
      met.set(field, common);
    }
  }
  return met;
}

function joinHulls(terms: readonly Formula[]): Hull | null {
  if (terms.length > nestedTermsMax) return new Map();
  const hulls = terms.map(roughHull).filter((hull) => hull !== null);
  const [first, ...rest] = hulls;
  if (first === undefined) return null;
  const joined = new Map<number, IntervalsIr>();
  for (const [field, set] of first) {
    const others = rest.map((hull) => hull.get(field));
    if (others.includes(undefined)) continue;
    joined.set(field, unite([...set, ...others.flatMap((other) => other ?? [])]));
  }
  return joined;
}
