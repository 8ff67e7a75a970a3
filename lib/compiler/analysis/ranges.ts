// Ranges of expressions over ranges of fields.
import type { ConditionIr, ExprIr } from '../ir.js';
import { wideHigh, wideLow } from '../limits.js';
import { countOf } from './texts.js';

export type Range = readonly [bigint, bigint];
export type RangeOf = (field: number) => Range;

/** Values where nothing on the way leaves 128 bits; null: something always does. */
export function rangeOf(expression: ExprIr, fieldRange: RangeOf): Range | null {
  if (expression.kind === 'const') return [expression.value, expression.value];
  if (expression.kind === 'field') return fieldRange(expression.field);
  if (expression.kind === 'count') return fieldRange(countOf(expression.field));
  const left = rangeOf(expression.left, fieldRange);
  const right = rangeOf(expression.right, fieldRange);
  if (left === null || right === null) return null;
  const [low, high] = combine(expression.kind, left, right);
  if (low > wideHigh || high < wideLow) return null;
  return [low < wideLow ? wideLow : low, high > wideHigh ? wideHigh : high];
}

function combine(kind: 'add' | 'sub' | 'mul', [a, b]: Range, [c, d]: Range): Range {
  if (kind === 'add') return [a + c, b + d];
  if (kind === 'sub') return [a - d, b - c];
  const products = [a * c, a * d, b * c, b * d];
  return [
    products.reduce((least, value) => (value < least ? value : least)),
    products.reduce((most, value) => (value > most ? value : most)),
  ];
}

/** Whether arithmetic of the condition may leave 128 bits for some values of the fields. */
export function mayOverflow(condition: ConditionIr, fieldRange: RangeOf): boolean {
  const overflows = (expression: ExprIr): boolean => exactRange(expression, fieldRange) === null;
  switch (condition.kind) {
    case 'in':
      return overflows(condition.value);
    case 'compare':
      return overflows(condition.left) || overflows(condition.right);
    case 'not':
      return mayOverflow(condition.term, fieldRange);
    case 'plugin':
    case 'text':
    case 'bits':
      return false;
    default:
      return condition.terms.some((term) => mayOverflow(term, fieldRange));
  }
}

/** All values of an expression; null: some of them, or of those on the way, leave 128 bits. */
function exactRange(expression: ExprIr, fieldRange: RangeOf): Range | null {
  if (expression.kind === 'const') return [expression.value, expression.value];
  if (expression.kind === 'field') return fieldRange(expression.field);
  if (expression.kind === 'count') return fieldRange(countOf(expression.field));
  const left = exactRange(expression.left, fieldRange);
  const right = exactRange(expression.right, fieldRange);
  if (left === null || right === null) return null;
  const [low, high] = combine(expression.kind, left, right);
  return low < wideLow || high > wideHigh ? null : [low, high];
}
