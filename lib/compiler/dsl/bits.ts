// Conditions on the bits of an integer: `o.flagsAsNumber.bits(0xf0).eq(0x20)`.
import { optionError } from '../../errors.js';
import { integerFacts } from '../../schema/model.js';
import { exactInteger } from '../../schema/options.js';
import type { ConditionIr } from '../ir.js';
import { currentCapture, placeHere } from './capture.js';
import { constant, makeCondition, presenceTest } from './expressions.js';
import type { NumberFieldRef } from './refs.js';
import type { Condition } from './types.js';

/** At least one bit of the mask is set, or, with `all`, each of them. */
export function bitsCondition(field: number, mask: bigint, kind: 'any' | 'all'): ConditionIr {
  if (kind === 'all') return { kind: 'bits', field, mask, equal: mask };
  return { kind: 'not', term: { kind: 'bits', field, mask, equal: 0n } };
}

/** The bits of an integer that a mask names. */
export class BitsNode {
  readonly #ref: NumberFieldRef;
  readonly #mask: bigint;

  constructor(ref: NumberFieldRef, mask: unknown) {
    const what = `${ref.text}.bits`;
    const { bytes } = integerFacts[ref.type];
    this.#ref = ref;
    this.#mask = constant(mask, 1n, (1n << BigInt(8 * bytes)) - 1n, what);
  }

  /** The bits, at their places, are those of the value. */
  eq(value: unknown): Condition {
    const mask = this.#mask;
    const what = `${this.#ref.text}.bits(${mask}).eq`;
    const equal = exactInteger(value);
    if (equal !== undefined && equal >= 0n && (equal & ~mask) === 0n) {
      return this.#condition({ kind: 'bits', field: this.#ref.index, mask, equal }, what);
    }
    throw optionError('ERR_ROUTE', what, 'a value within the mask', value, placeHere());
  }

  any(): Condition {
    return this.#condition(bitsCondition(this.#ref.index, this.#mask, 'any'), 'any');
  }

  all(): Condition {
    return this.#condition(bitsCondition(this.#ref.index, this.#mask, 'all'), 'all');
  }

  none(): Condition {
    const test = { kind: 'bits', field: this.#ref.index, mask: this.#mask, equal: 0n } as const;
    return this.#condition(test, 'none');
  }

  #condition(test: ConditionIr, what: string): Condition {
    currentCapture(what, this.#ref.capture);
    const { presence } = this.#ref.field;
    if (presence === null) return makeCondition(test);
    return makeCondition({ kind: 'and', terms: [presenceTest(presence), test] });
  }
}

/** The values whose first bits are those of `value`, as of a network's address. */
export function prefixRange(
  ref: NumberFieldRef,
  value: unknown,
  bits: unknown,
): readonly [bigint, bigint] {
  const what = `${ref.text}.prefix`;
  const { bytes, low } = integerFacts[ref.type];
  const width = 8 * bytes;
  if (low !== 0n) {
    throw optionError('ERR_ROUTE', what, 'an unsigned field', ref.type, placeHere());
  }
  if (typeof bits !== 'number' || !Number.isInteger(bits) || bits < 1 || bits > width) {
    throw optionError('ERR_ROUTE', what, `1 to ${width} bits`, bits, placeHere());
  }
  const start = constant(value, 0n, (1n << BigInt(width)) - 1n, what);
  const rest = (1n << BigInt(width - bits)) - 1n;
  if ((start & rest) === 0n) return [start, start | rest];
  const expected = `a value whose last ${width - bits} bits are zero`;
  throw optionError('ERR_ROUTE', what, expected, value, placeHere());
}
