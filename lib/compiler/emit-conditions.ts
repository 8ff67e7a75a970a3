// Turns conditions into boxes: conjunctions of one set of values for each field, the form that
// class maps decide. Arithmetic has no such form; where a condition contains it, the boxes say
// for which messages its program has to be asked.
import { optionError } from '../errors.js';
import type { IntegerField } from './emit-fields.js';
import { fieldRange, isInteger } from './emit-fields.js';
import { clip, complement, intersect, isWhole, unite } from './intervals.js';
import type { ConditionIr, ExprIr, IntervalsIr, SchemaIr, SourcePosition } from './ir.js';
import { unlowered } from './lower.js';

/** Allowed values by field index; a field that is not in it may have any value. */
export type Box = ReadonlyMap<number, IntervalsIr>;

/** Boxes that the conditions of one rule may expand to, at any point on the way. */
export const ruleBoxesMax = 4096;

/** The place in the configuration that an error about a condition names. */
export interface ConditionContext {
  readonly schema: SchemaIr;
  readonly option: string;
  readonly position: SourcePosition;
}

/** Whether some part of the condition is decided by arithmetic, or by a plug-in. */
export function hasArithmetic(condition: ConditionIr): boolean {
  switch (condition.kind) {
    case 'in':
      return condition.value.kind !== 'field';
    case 'compare':
    case 'plugin':
      return true;
    case 'not':
      return hasArithmetic(condition.term);
    case 'bits':
    case 'text':
      return unlowered(condition.kind);
    default:
      return condition.terms.some(hasArithmetic);
  }
}

/** The messages for which the condition holds; exact, so only for conditions without arithmetic. */
export function exactBoxes(condition: ConditionIr, context: ConditionContext): readonly Box[] {
  return withoutWhole(mergeBoxes(boxesOf(condition, true, context)), context);
}

/**
 * The messages for which the condition may hold or its arithmetic may overflow, evaluated from
 * left to right up to the first term that decides. Everything outside is surely false.
 */
export function candidateBoxes(condition: ConditionIr, context: ConditionContext): readonly Box[] {
  const holds = boxesOf(condition, true, context);
  return withoutWhole(either([holds, overflowBoxes(condition, context)], context), context);
}

/** Where the condition may evaluate to `truth`; arithmetic may always do so. */
function boxesOf(
  condition: ConditionIr,
  truth: boolean,
  context: ConditionContext,
): readonly Box[] {
  switch (condition.kind) {
    case 'in': {
      if (condition.value.kind !== 'field') return anything;
      return intervalBoxes(condition.value.field, condition.intervals, truth, context);
    }
    case 'compare':
    case 'plugin':
      return anything;
    case 'not':
      return boxesOf(condition.term, !truth, context);
    case 'bits':
    case 'text':
      return unlowered(condition.kind);
    default: {
      const parts = condition.terms.map((term) => boxesOf(term, truth, context));
      const isConjunction = (condition.kind === 'and') === truth;
      if (isConjunction) return parts.reduce((a, b) => both(a, b, context), anything);
      return either(parts, context);
    }
  }
}

/** Where evaluating the condition may overflow. */
function overflowBoxes(condition: ConditionIr, context: ConditionContext): readonly Box[] {
  switch (condition.kind) {
    case 'in':
      return mayOverflow(condition.value, context) ? anything : nothing;
    case 'compare': {
      const { left, right } = condition;
      return mayOverflow(left, context) || mayOverflow(right, context) ? anything : nothing;
    }
    case 'plugin':
      return nothing;
    case 'not':
      return overflowBoxes(condition.term, context);
    case 'bits':
    case 'text':
      return unlowered(condition.kind);
    default: {
      // A term is reached when each one before it was true (and) or false (or).
      let reached = anything;
      let overflow = nothing;
      for (const term of condition.terms) {
        const here = both(reached, overflowBoxes(term, context), context);
        overflow = either([overflow, here], context);
        reached = both(reached, boxesOf(term, condition.kind === 'and', context), context);
      }
      return overflow;
    }
  }
}

const anything: readonly Box[] = [new Map()];
const nothing: readonly Box[] = [];

function intervalBoxes(
  field: number,
  intervals: IntervalsIr,
  truth: boolean,
  context: ConditionContext,
): readonly Box[] {
  const range = fieldRange(integerField(field, context));
  const inside = clip(intervals, range);
  const allowed = truth ? inside : complement(inside, range);
  if (allowed.length === 0) return nothing;
  return isWhole(allowed, range) ? anything : [new Map([[field, allowed]])];
}

/** The field of that index, which has to be an integer to be compared. */
export function integerField(index: number, context: ConditionContext): IntegerField {
  const field = context.schema.fields[index];
  if (field !== undefined && isInteger(field)) return field;
  const { option, position } = context;
  throw optionError('ERR_ROUTE', option, 'an integer field', field?.name ?? index, position);
}

function either(parts: readonly (readonly Box[])[], context: ConditionContext): readonly Box[] {
  const all = parts.flat();
  if (all.some((box) => box.size === 0)) return anything;
  const merged = mergeBoxes(all);
  checkBound(merged.length, context);
  return merged;
}

/** Drops fields that may have any value after all, because sets were joined. */
function withoutWhole(boxes: readonly Box[], context: ConditionContext): readonly Box[] {
  const narrowed = boxes.map((box) => {
    const entries = [...box].filter(
      ([field, intervals]) => !isWhole(intervals, fieldRange(integerField(field, context))),
    );
    return new Map(entries);
  });
  return narrowed.some((box) => box.size === 0) ? anything : narrowed;
}

function both(
  left: readonly Box[],
  right: readonly Box[],
  context: ConditionContext,
): readonly Box[] {
  if (left === anything) return right;
  if (right === anything) return left;
  checkBound(left.length * right.length, context);
  const product: Box[] = [];
  for (const a of left) {
    for (const b of right) {
      const box = intersectBoxes(a, b);
      if (box !== null) product.push(box);
    }
  }
  return product;
}

function intersectBoxes(left: Box, right: Box): Box | null {
  const result = new Map(left);
  for (const [field, intervals] of right) {
    const other = result.get(field);
    const common = other === undefined ? intervals : intersect(other, intervals);
    if (common.length === 0) return null;
    result.set(field, common);
  }
  return result;
}

/** Joins boxes that differ in one field only: what is left needs fewer terms. */
function mergeBoxes(boxes: readonly Box[]): readonly Box[] {
  let merged = boxes;
  const fields = new Set(boxes.flatMap((box) => [...box.keys()]));
  for (const field of fields) {
    if (merged.length < 2) break;
    const groups = new Map<string, Box[]>();
    for (const box of merged) {
      const key = signature(box, field);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [box]);
      else group.push(box);
    }
    merged = [...groups.values()].map((group) => joinField(group, field));
  }
  return merged;
}

function joinField(group: readonly Box[], field: number): Box {
  const first = group[0] ?? new Map();
  if (group.length === 1) return first;
  const result = new Map(first);
  const sets = group.map((box) => box.get(field));
  // A box without the field allows all of its values, and so does the union.
  if (sets.includes(undefined)) result.delete(field);
  else result.set(field, unite(sets.flatMap((set) => set ?? [])));
  return result;
}

/** A text that is equal for boxes that differ in `field` only. */
function signature(box: Box, field: number): string {
  return [...box]
    .filter(([index]) => index !== field)
    .sort(([a], [b]) => a - b)
    .map(([index, intervals]) => `${index}:${intervals.join(';')}`)
    .join('|');
}

function checkBound(count: number, { option, position }: ConditionContext): void {
  if (count <= ruleBoxesMax) return;
  const expected = `conditions that expand to at most ${ruleBoxesMax} conjunctions`;
  throw optionError('ERR_ROUTE_LIMIT', option, expected, count, position);
}

const i128: readonly [bigint, bigint] = [-(1n << 127n), (1n << 127n) - 1n];

function mayOverflow(expr: ExprIr, context: ConditionContext): boolean {
  return exprRange(expr, context) === null;
}

/** The values an expression can have; null when some step of it may leave 128 bits. */
function exprRange(expr: ExprIr, context: ConditionContext): readonly [bigint, bigint] | null {
  if (expr.kind === 'field') return fieldRange(integerField(expr.field, context));
  if (expr.kind === 'const') return [expr.value, expr.value];
  if (expr.kind === 'count') return unlowered(expr.kind);
  const left = exprRange(expr.left, context);
  const right = exprRange(expr.right, context);
  if (left === null || right === null) return null;
  const range = combineRanges(expr.kind, left, right);
  return range[0] < i128[0] || range[1] > i128[1] ? null : range;
}

function combineRanges(
  kind: 'add' | 'sub' | 'mul',
  [a, b]: readonly [bigint, bigint],
  [c, d]: readonly [bigint, bigint],
): readonly [bigint, bigint] {
  if (kind === 'add') return [a + c, b + d];
  if (kind === 'sub') return [a - d, b - c];
  const products = [a * c, a * d, b * c, b * d];
  return products.reduce<readonly [bigint, bigint]>(
    ([low, high], value) => [value < low ? value : low, value > high ? value : high],
    [a * c, a * c],
  );
}
