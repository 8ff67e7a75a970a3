// Checks of conditions: bounded, in canonical form, and about fields that have what they ask for.
import { isIntegerType } from '../schema/model.js';
import { patternFault } from './dsl/patterns.js';
import type { Findings } from './findings.js';
import { isCanonical } from './intervals.js';
import type {
  BitsConditionIr,
  ConditionIr,
  ExprIr,
  FieldIr,
  SourcePosition,
  TextConditionIr,
} from './ir.js';
import { nestingMax, termsMax, wideHigh, wideLow } from './limits.js';
import { checkPluginCall } from './plugins.js';

const comparisons = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'];

/** Where a condition stands. */
export interface ConditionPlace {
  /** Of the message. */
  readonly fields: readonly FieldIr[];
  readonly path: string;
  readonly position: SourcePosition;
  readonly findings: Findings;
}

export function checkCondition(condition: ConditionIr, place: ConditionPlace): void {
  new ConditionCheck(place).condition(condition, 0);
}

class ConditionCheck {
  readonly #place: ConditionPlace;

  constructor(place: ConditionPlace) {
    this.#place = place;
  }

  #need(isMet: boolean, expected: string, received: unknown): boolean {
    const { findings, path, position } = this.#place;
    return findings.need(isMet, 'ERR_ROUTE', path, expected, received, position);
  }

  condition(condition: ConditionIr, depth: number): void {
    const bound = `conditions nested at most ${nestingMax} deep`;
    if (!this.#need(depth < nestingMax, bound, depth)) return;
    switch (condition.kind) {
      case 'in': {
        const { intervals } = condition;
        const isBounded = intervals.length >= 1 && intervals.length <= termsMax;
        this.#need(isBounded, `1 to ${termsMax} intervals`, intervals.length);
        this.#need(isCanonical(intervals), 'ascending intervals that do not touch', intervals);
        this.#expression(condition.value, depth + 1);
        return;
      }
      case 'compare':
        this.#need(comparisons.includes(condition.op), 'a known comparison', condition.op);
        this.#expression(condition.left, depth + 1);
        this.#expression(condition.right, depth + 1);
        return;
      case 'and':
      case 'or': {
        const { terms } = condition;
        const isBounded = terms.length >= 1 && terms.length <= termsMax;
        this.#need(isBounded, `1 to ${termsMax} terms`, terms.length);
        for (const term of terms) this.condition(term, depth + 1);
        return;
      }
      case 'not':
        this.condition(condition.term, depth + 1);
        return;
      case 'plugin': {
        const { fields, findings, path, position } = this.#place;
        checkPluginCall(condition.call, fields, findings, path, position);
        return;
      }
      case 'text':
        this.#text(condition);
        return;
      case 'bits':
        this.#bits(condition);
        return;
      default:
        this.#need(false, 'a condition of a known kind', condition);
    }
  }

  #expression(expression: ExprIr, depth: number): void {
    const bound = `arithmetic nested at most ${nestingMax} deep`;
    if (!this.#need(depth < nestingMax, bound, depth)) return;
    if (expression.kind === 'const') {
      const { value } = expression;
      const isWide = typeof value === 'bigint' && value >= wideLow && value <= wideHigh;
      this.#need(isWide, 'an integer of 128 bits', value);
    } else if (expression.kind === 'field') {
      const type = this.#place.fields[expression.field]?.type;
      const isRead = type === 'bit' || isIntegerType(type);
      this.#need(isRead, 'an integer field of the message', type);
    } else if (expression.kind === 'count') {
      const type = this.#place.fields[expression.field]?.type;
      const isCounted = type === 'string' || type === 'blob' || type === 'group';
      this.#need(isCounted, 'a string, blob or group of the message', type);
    } else {
      const isKnown = ['add', 'sub', 'mul'].includes(expression.kind);
      if (!this.#need(isKnown, 'arithmetic of a known kind', expression.kind)) return;
      this.#expression(expression.left, depth + 1);
      this.#expression(expression.right, depth + 1);
    }
  }

  #text({ field: index, test, style, patterns }: TextConditionIr): void {
    const field = this.#place.fields[index];
    const isText = field?.type === 'bytes' || field?.type === 'string';
    if (!this.#need(isText, 'a text field of the message', field?.type)) return;
    if (!this.#need(['is', 'prefix', 'topic'].includes(test), 'a known test', test)) return;
    const isStyled = test === 'topic' ? style === 'mqtt' || style === 'nats' : style === undefined;
    this.#need(isStyled, "'mqtt' or 'nats' for topics", style);
    const isBounded = patterns.length >= 1 && patterns.length <= termsMax;
    this.#need(isBounded, `1 to ${termsMax} patterns`, patterns.length);
    for (const pattern of patterns) {
      const isHex = typeof pattern === 'string' && /^([0-9a-f]{2})*$/.test(pattern);
      if (!this.#need(isHex, 'bytes in hexadecimal', pattern)) return;
      const fault = patternFault(field as FieldIr, test, style ?? null, pattern);
      if (!this.#need(fault === null, fault ?? '', pattern)) return;
    }
  }

  #bits({ field: index, mask, equal }: BitsConditionIr): void {
    const field = this.#place.fields[index];
    const isInteger = isIntegerType(field?.type);
    if (!this.#need(isInteger, 'an integer field of the message', field?.type)) return;
    const bits = BigInt(8 * (field?.bytes ?? 0));
    const isMask = typeof mask === 'bigint' && mask >= 1n && mask < 1n << bits;
    if (!this.#need(isMask, `a mask from 1 to ${(1n << bits) - 1n}`, mask)) return;
    const isWithin = typeof equal === 'bigint' && equal >= 0n && (equal & ~mask) === 0n;
    this.#need(isWithin, 'a value within the mask', equal);
  }
}
