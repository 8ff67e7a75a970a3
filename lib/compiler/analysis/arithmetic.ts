// Arithmetic in a search: ranges of expressions over boxes of values, and a hunt for values by
// halving those boxes. A box in which a condition cannot come out as wanted is dropped; one of a
// single point is decided exactly; so what is never found in the end is not there.

import { hullOf, isSingle } from '../intervals.js';
import type { ExprIr, IntervalsIr } from '../ir.js';
import type { Budget } from './budget.js';
import type { ArithmeticLiteral, Conjunction, Truth } from './conjunctions.js';
import type { ArithmeticIr } from './formulas.js';
import { type Range, type RangeOf, rangeOf } from './ranges.js';
import { countOf } from './texts.js';

/** Of a condition whose arithmetic stays within 128 bits. */
function truthOf(condition: ArithmeticIr, fieldRange: RangeOf): Truth | null {
  if (condition.kind === 'in') {
    const range = rangeOf(condition.value, fieldRange);
    return range === null ? null : within(range, condition.intervals);
  }
  const left = rangeOf(condition.left, fieldRange);
  const right = rangeOf(condition.right, fieldRange);
  if (left === null || right === null) return null;
  const [a, b] = left;
  const [c, d] = right;
  const equal: Truth = a === b && c === d && a === c ? 'true' : b < c || a > d ? 'false' : 'open';
  const below: Truth = b < c ? 'true' : a >= d ? 'false' : 'open';
  const atMost: Truth = b <= c ? 'true' : a > d ? 'false' : 'open';
  return {
    eq: equal,
    ne: opposite(equal),
    lt: below,
    lte: atMost,
    gt: opposite(atMost),
    gte: opposite(below),
  }[condition.op];
}

function opposite(truth: Truth): Truth {
  return truth === 'open' ? 'open' : truth === 'true' ? 'false' : 'true';
}

function within([low, high]: Range, intervals: IntervalsIr): Truth {
  if (intervals.some(([from, to]) => from <= low && high <= to)) return 'true';
  return intervals.some(([from, to]) => from <= high && low <= to) ? 'open' : 'false';
}

/** Whether the literal can come out as wanted; 'true': it does wherever nothing overflows. */
function testWithin({ condition, holds }: ArithmeticLiteral, fieldRange: RangeOf): Truth {
  const truth = truthOf(condition, fieldRange);
  if (truth === null) return 'false';
  return holds ? truth : opposite(truth);
}

/** Whether the literal cannot come out as wanted, by what is known of the fields. */
export function isImpossible(known: Conjunction, literal: ArithmeticLiteral): boolean {
  return testWithin(literal, (field) => hullOf(known.set(field))) === 'false';
}

/** Whether arithmetic already contradicts what is known of the fields. */
export function isContradicted(known: Conjunction): boolean {
  return known.arithmetic.some((literal) => isImpossible(known, literal));
}

/** The fields that arithmetic reads. */
function fieldsOf(literals: readonly ArithmeticLiteral[]): readonly number[] {
  const fields = new Set<number>();
  const visit = (expression: ExprIr): void => {
    if (expression.kind === 'field') fields.add(expression.field);
    else if (expression.kind === 'count') fields.add(countOf(expression.field));
    else if (expression.kind !== 'const') {
      visit(expression.left);
      visit(expression.right);
    }
  };
  for (const { condition } of literals) {
    if (condition.kind === 'in') visit(condition.value);
    else {
      visit(condition.left);
      visit(condition.right);
    }
  }
  return [...fields];
}

/** Corners of a box are tried; so many at most. */
const cornerFieldsMax = 4;

/**
 * Narrows what is known to single values of the fields that arithmetic reads, such that it comes
 * out as wanted. Null: there are none, for certain. 'undecided': the budget was used up.
 */
export function settle(known: Conjunction, budget: Budget): Conjunction | null | 'undecided' {
  const fields = fieldsOf(known.arithmetic);
  const boxes: Conjunction[] = [known];
  for (;;) {
    const box = boxes.pop();
    if (box === undefined) return null;
    if (!budget.spend(known.arithmetic.length)) return 'undecided';
    if (isContradicted(box)) continue;
    for (const corner of cornersOf(box, fields)) {
      budget.spend(known.arithmetic.length);
      const pinned = pinAll(box, corner);
      if (pinned !== null && isFulfilled(pinned)) return pinned;
    }
    boxes.push(...halvesOf(box, fields));
  }
}

/** Exactly: every field that matters has a single value. */
function isFulfilled(pinned: Conjunction): boolean {
  const fieldRange = (field: number): Range => hullOf(pinned.set(field));
  return pinned.arithmetic.every((literal) => testWithin(literal, fieldRange) === 'true');
}

type Corner = readonly (readonly [field: number, value: bigint])[];

function* cornersOf(box: Conjunction, fields: readonly number[]): Generator<Corner> {
  const free = fields.slice(0, cornerFieldsMax);
  for (let corner = 0; corner < 1 << free.length; corner += 1) {
    yield fields.map((field, index) => {
      const [low, high] = hullOf(box.set(field));
      return [
        field,
        ((corner >> index) & 1) === 1 ? high : box.bits(field) ? box.least(field) : low,
      ];
    });
  }
}

function pinAll(box: Conjunction, corner: Corner): Conjunction | null {
  const pinned = box.clone();
  for (const [field, value] of corner) {
    if (!pinned.add({ kind: 'set', field, allowed: [[value, value]] })) return null;
  }
  return pinned;
}

/** The two halves of the widest field's values; none of a box with a single point. */
function halvesOf(box: Conjunction, fields: readonly number[]): Conjunction[] {
  let widest: number | null = null;
  let width = 0n;
  for (const field of fields) {
    const set = box.set(field);
    const [low, high] = hullOf(set);
    if (isSingle(set) || high - low <= width) continue;
    widest = field;
    width = high - low;
  }
  if (widest === null) return [];
  const [low, high] = hullOf(box.set(widest));
  const middle = low + (high - low) / 2n;
  return [[middle + 1n, high] as const, [low, middle] as const].flatMap((half) => {
    const part = box.clone();
    return part.add({ kind: 'set', field: widest, allowed: [half] }) ? [part] : [];
  });
}
