// Expressions and conditions of the routing language, as objects that hold their IR.
import { optionError, Words } from '../../errors.js';
import { exactInteger } from '../../schema/options.js';
import { type Comparison, intervalsOf } from '../intervals.js';
import type { ConditionIr, ExprIr, IntervalsIr } from '../ir.js';
import { wideHigh, wideLow } from '../limits.js';
import {
  type Built,
  type Capture,
  currentCapture,
  falsyCondition,
  isProbing,
  noteBuilt,
  noteCondition,
  noteUsed,
  placeHere,
  takesFalsy,
} from './capture.js';
import { type CodeReference, codeReference } from './codes.js';
import { refuseOthers } from './members.js';
import type { Condition } from './types.js';

/** Runtime form of Condition. */
export class ConditionNode {
  readonly ir: ConditionIr;
  readonly built: Built;

  constructor(ir: ConditionIr, built: Built) {
    this.ir = ir;
    this.built = built;
  }

  else(name: unknown, code?: unknown): CheckNode {
    noteUsed(this.built, 'else');
    const place = placeHere();
    const reference = codeReference(name, code, 'validate.else', place);
    const built = noteBuilt(currentCapture('else'), 'check', place);
    return new CheckNode(this.ir, reference, built);
  }
}

refuseOthers<ConditionNode>(ConditionNode.prototype, () => {
  return { name: 'condition', kind: 'a condition, which and(…), or(…) and not(…) take' };
});

/** Runtime form of Check. */
export class CheckNode {
  readonly condition: ConditionIr;
  readonly code: CodeReference;
  readonly built: Built;
  /** Of a plug-in, which may have several. */
  readonly moreCodes: readonly CodeReference[];

  constructor(
    condition: ConditionIr,
    code: CodeReference,
    built: Built,
    moreCodes: readonly CodeReference[] = [],
  ) {
    this.condition = condition;
    this.code = code;
    this.built = built;
    this.moreCodes = moreCodes;
  }
}

/** A new condition; a falsy stand-in where a probing run asks for one. */
export function makeCondition(ir: ConditionIr): Condition {
  const capture = currentCapture('a condition');
  const built = noteCondition(capture);
  const node = takesFalsy(capture) ? falsyCondition : new ConditionNode(ir, built);
  return node as unknown as Condition;
}

const placeholder: ConditionIr = { kind: 'and', terms: [] };

/** Uses a condition up and gives its IR. Throws when the value is none. */
export function useCondition(value: unknown, what: string): ConditionIr {
  if (value === falsyCondition && isProbing()) {
    noteUsed(null, what);
    return placeholder;
  }
  if (value instanceof ConditionNode) {
    noteUsed(value.built, what);
    return value.ir;
  }
  const isBoolean = typeof value === 'boolean';
  const hint = isBoolean ? ' (`>`, `===` and `!` do not work here)' : '';
  const expected = `a condition such as o.qty.gte(1)${hint}`;
  throw optionError('ERR_ROUTE', what, expected, value, placeHere());
}

/** Uses a check up. Throws when the value is none. */
export function useCheck(value: unknown, what: string): CheckNode {
  if (value instanceof CheckNode) {
    noteUsed(value.built, what);
    return value;
  }
  const expected = "a condition with its code, such as o.qty.gte(1).else('QTY')";
  throw optionError('ERR_ROUTE', what, expected, value, placeHere());
}

/** What the units of an expression are. */
export interface Measure {
  /** Digits behind the point; null: none were said, and it goes with any. */
  readonly scale: number | null;
  readonly isTimestamp: boolean;
}

const plain: Measure = { scale: null, isTimestamp: false };

/** An integer expression that belongs to the callback that made it. */
export class ExpressionNode {
  readonly ir: ExprIr;
  readonly capture: Capture;
  /** How errors name it. */
  readonly text: string;
  /** Indices of the presence bits of its optional fields: without one no comparison holds. */
  readonly presences: readonly number[];
  readonly measure: Measure;

  constructor(
    ir: ExprIr,
    capture: Capture,
    text: string,
    presences: readonly number[] = [],
    measure: Measure = plain,
  ) {
    this.measure = measure;
    this.ir = ir;
    this.capture = capture;
    this.text = text;
    this.presences = presences;
  }

  add(other: unknown): ExpressionNode {
    return this.#join('add', other);
  }

  sub(other: unknown): ExpressionNode {
    return this.#join('sub', other);
  }

  mul(other: unknown): ExpressionNode {
    return this.#join('mul', other);
  }

  eq(other: unknown): Condition {
    return this.compare('eq', other);
  }

  ne(other: unknown): Condition {
    return this.compare('ne', other);
  }

  lt(other: unknown): Condition {
    return this.compare('lt', other);
  }

  lte(other: unknown): Condition {
    return this.compare('lte', other);
  }

  gt(other: unknown): Condition {
    return this.compare('gt', other);
  }

  gte(other: unknown): Condition {
    return this.compare('gte', other);
  }

  compare(op: Comparison, other: unknown): Condition {
    const what = `${this.text}.${op}`;
    currentCapture(what, this.capture);
    const { left, right } = this.#aligned(other, what);
    const test: ConditionIr = { kind: 'compare', op, left, right };
    const presences = new Set([...this.presences, ...presencesOf(other)]);
    const isThere = [...presences].map(presenceTest);
    const ir: ConditionIr =
      isThere.length === 0 ? test : { kind: 'and', terms: [...isThere, test] };
    return makeCondition(ir);
  }

  #join(kind: 'add' | 'sub' | 'mul', other: unknown): ExpressionNode {
    const what = `${this.text}.${kind}`;
    currentCapture(what, this.capture);
    const presences = [...this.presences, ...presencesOf(other)];
    if (kind === 'mul') {
      const ir = { kind, left: this.ir, right: operand(other, what, this.capture) };
      const measure = productOf(this.measure, measureOf(other));
      return new ExpressionNode(ir, this.capture, `${what}(…)`, presences, measure);
    }
    const { left, right, measure } = this.#aligned(other, what);
    const ir = { kind, left, right };
    return new ExpressionNode(ir, this.capture, `${what}(…)`, presences, measure);
  }

  /** Both sides with as many digits behind the point, exactly. */
  #aligned(other: unknown, what: string): { left: ExprIr; right: ExprIr; measure: Measure } {
    const right = operand(other, what, this.capture);
    const [mine, theirs] = [this.measure, measureOf(other)];
    if (
      (mine.isTimestamp && theirs.scale !== null) ||
      (theirs.isTimestamp && mine.scale !== null)
    ) {
      const expected = mine.isTimestamp ? 'a timestamp or a plain integer' : 'a number';
      const received = `a ${theirs.isTimestamp ? 'timestamp' : 'decimal'}`;
      throw optionError('ERR_ROUTE', what, expected, received, placeHere());
    }
    const isTimestamp = mine.isTimestamp || theirs.isTimestamp;
    const [a, b] = [mine.scale ?? theirs.scale ?? 0, theirs.scale ?? mine.scale ?? 0];
    const scale = mine.scale === null && theirs.scale === null ? null : Math.max(a, b);
    const digits = Math.max(a, b);
    return {
      left: timesTen(this.ir, digits - a),
      right: timesTen(right, digits - b),
      measure: { scale, isTimestamp },
    };
  }
}

function measureOf(value: unknown): Measure {
  return value instanceof ExpressionNode ? value.measure : plain;
}

/** Digits behind the point add up; of something without, the other's stay. */
function productOf(left: Measure, right: Measure): Measure {
  if (left.scale === null && right.scale === null) return plain;
  return { scale: (left.scale ?? 0) + (right.scale ?? 0), isTimestamp: false };
}

function timesTen(ir: ExprIr, digits: number): ExprIr {
  if (digits === 0) return ir;
  return { kind: 'mul', left: ir, right: { kind: 'const', value: 10n ** BigInt(digits) } };
}

function presencesOf(value: unknown): readonly number[] {
  return value instanceof ExpressionNode ? value.presences : [];
}

/** The test that an optional field is there; `field` is its presence bit. */
export function presenceTest(field: number): ConditionIr {
  return { kind: 'in', value: { kind: 'field', field }, intervals: [[1n, 1n]] };
}

function operand(value: unknown, what: string, capture: Capture): ExprIr {
  if (value instanceof ExpressionNode) {
    currentCapture(what, value.capture);
    return value.ir;
  }
  currentCapture(what, capture);
  return { kind: 'const', value: constant(value, wideLow, wideHigh, what) };
}

/** A constant of the configuration as a bigint, within [low, high]. */
export function constant(value: unknown, low: bigint, high: bigint, what: string): bigint {
  const exact = exactInteger(value);
  if (exact !== undefined && exact >= low && exact <= high) return exact;
  const expected = `an integer from ${low} to ${high}`;
  throw optionError('ERR_ROUTE', what, expected, value, placeHere());
}

/**
 * The condition that a field is there, where it can be absent, and lies in a set that is not empty.
 */
export function fieldIn(
  field: number,
  intervals: IntervalsIr,
  what: string,
  presence: number | null = null,
): Condition {
  if (intervals.length === 0) {
    const expected = 'a comparison that can be true';
    throw optionError('ERR_ROUTE', what, expected, new Words('one that never is'), placeHere());
  }
  const test: ConditionIr = { kind: 'in', value: { kind: 'field', field }, intervals };
  if (presence === null) return makeCondition(test);
  return makeCondition({ kind: 'and', terms: [presenceTest(presence), test] });
}

/** `field <op> constant` within the field's range. */
export function fieldCompare(
  field: number,
  op: Comparison,
  value: unknown,
  [low, high]: readonly [bigint, bigint],
  what: string,
  presence: number | null = null,
): Condition {
  const intervals = intervalsOf(op, constant(value, low, high, what), low, high);
  return fieldIn(field, intervals, what, presence);
}

function joined(kind: 'and' | 'or', conditions: readonly unknown[]): Condition {
  const terms = conditions.map((condition) => useCondition(condition, kind));
  if (terms.length === 0) {
    throw optionError('ERR_ROUTE', kind, 'at least one condition', 'none', placeHere());
  }
  return makeCondition({ kind, terms });
}

/** True when every condition is. Inside a callback only; uses its conditions up. */
export function and(...conditions: readonly Condition[]): Condition {
  return joined('and', conditions);
}

/** True when at least one condition is. Inside a callback only; uses its conditions up. */
export function or(...conditions: readonly Condition[]): Condition {
  return joined('or', conditions);
}

/** True when the condition is not. Inside a callback only; uses the condition up. */
export function not(condition: Condition): Condition {
  return makeCondition({ kind: 'not', term: useCondition(condition, 'not') });
}
