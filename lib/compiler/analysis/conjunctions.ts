// Statements that hold together: what is known of a message on one branch of a search.
import { intersect, isSubset } from '../intervals.js';
import type { IntervalsIr } from '../ir.js';
import type { Domains } from './domains.js';
import type { Literal } from './formulas.js';
import { type BitsWanted, memberOf, mergeBits } from './sets.js';

export type Truth = 'true' | 'false' | 'open';
export type TextLiteral = Extract<Literal, { kind: 'text' }>;
export type ArithmeticLiteral = Extract<Literal, { kind: 'arithmetic' }>;

/** Literals that do not contradict each other, arithmetic aside. */
export class Conjunction {
  readonly domains: Domains;
  readonly #sets: Map<number, IntervalsIr>;
  readonly #bits: Map<number, BitsWanted>;
  #arithmetic: readonly ArithmeticLiteral[];
  #texts: readonly TextLiteral[];

  constructor(domains: Domains, from?: Conjunction) {
    this.domains = domains;
    this.#sets = new Map(from === undefined ? [] : from.#sets);
    this.#bits = new Map(from === undefined ? [] : from.#bits);
    this.#arithmetic = from === undefined ? [] : from.#arithmetic;
    this.#texts = from === undefined ? [] : from.#texts;
  }

  clone(): Conjunction {
    return new Conjunction(this.domains, this);
  }

  /** Values that the field may still have; its bits are apart. */
  set(field: number): IntervalsIr {
    return this.#sets.get(field) ?? this.domains.of(field);
  }

  bits(field: number): BitsWanted | undefined {
    return this.#bits.get(field);
  }

  get arithmetic(): readonly ArithmeticLiteral[] {
    return this.#arithmetic;
  }

  get texts(): readonly TextLiteral[] {
    return this.#texts;
  }

  /** Fields about which something is known. */
  get fields(): readonly number[] {
    return [...new Set([...this.#sets.keys(), ...this.#bits.keys()])].sort((a, b) => a - b);
  }

  /** The least value that the field may have. */
  least(field: number): bigint {
    return memberOf(this.set(field), this.#bits.get(field)) ?? 0n;
  }

  /** Adds a literal; false when nothing is left. */
  add(literal: Literal): boolean {
    switch (literal.kind) {
      case 'set':
        return this.#addSet(literal.field, literal.allowed);
      case 'bits': {
        const { field, mask, equal } = literal;
        const merged = mergeBits(this.#bits.get(field) ?? { mask: 0n, equal: 0n }, { mask, equal });
        if (merged === null) return false;
        this.#bits.set(field, merged);
        return memberOf(this.set(field), merged) !== null;
      }
      case 'text': {
        const known = this.#testText(literal);
        if (known === 'open') this.#texts = [...this.#texts, literal];
        return known !== 'false';
      }
      case 'arithmetic':
        this.#arithmetic = [...this.#arithmetic, literal];
        return true;
    }
  }

  #addSet(field: number, allowed: IntervalsIr): boolean {
    const common = intersect(this.set(field), allowed);
    this.#sets.set(field, common);
    return memberOf(common, this.#bits.get(field)) !== null;
  }

  /** What is known already of a literal that is no arithmetic. */
  test(literal: Exclude<Literal, ArithmeticLiteral>): Truth {
    switch (literal.kind) {
      case 'set': {
        const known = this.set(literal.field);
        if (intersect(known, literal.allowed).length === 0) return 'false';
        return isSubset(known, literal.allowed) ? 'true' : 'open';
      }
      case 'bits': {
        const { field, mask, equal } = literal;
        const known = this.#bits.get(field) ?? { mask: 0n, equal: 0n };
        const merged = mergeBits(known, { mask, equal });
        if (merged === null || memberOf(this.set(field), merged) === null) return 'false';
        return merged.mask === known.mask ? 'true' : 'open';
      }
      case 'text':
        return this.#testText(literal);
    }
  }

  /** The same patterns of the same text come out the same. */
  #testText({ condition, holds }: TextLiteral): Truth {
    const key = textKey(condition);
    const known = this.#texts.find((literal) => textKey(literal.condition) === key);
    if (known === undefined) return 'open';
    return known.holds === holds ? 'true' : 'false';
  }
}

const textKeys = new WeakMap<TextLiteral['condition'], string>();

function textKey(condition: TextLiteral['condition']): string {
  const { field, test, style, patterns } = condition;
  const key = textKeys.get(condition) ?? JSON.stringify([field, test, style, patterns]);
  textKeys.set(condition, key);
  return key;
}
