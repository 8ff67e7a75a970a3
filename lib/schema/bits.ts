// Fields of bits: how runs of them share machine integers.
import { optionError, type SourcePlace } from '../errors.js';
import type { Declared } from './declare.js';
import type { BitsModel, ByteOrder } from './model.js';

export interface BitsPlace {
  readonly type: BitsModel;
  /** Whether the field begins a container. */
  readonly isFirst: boolean;
}

const containerBits = [8, 16, 32, 64];

/**
 * The fields of bits with their places in their containers; nothing for other fields. A run is cut
 * into containers as small as it allows, without a bit left over. Throws ERR_SCHEMA.
 */
export function placeBits(
  declared: readonly Declared[],
  order: ByteOrder,
  option: string,
  place: SourcePlace,
): (BitsPlace | undefined)[] {
  const places = new Array<BitsPlace | undefined>(declared.length);
  for (let first = 0; first < declared.length; first += 1) {
    const widths = runOf(declared, first);
    if (widths.length === 0) continue;
    const counts = cut(widths);
    if (counts === null) {
      const path = `${option}.${declared[first]?.name}`;
      const total = widths.reduce((sum, bits) => sum + bits, 0);
      const expected = 'bits fields that fill 8, 16, 32 or 64 bits together';
      throw optionError('ERR_SCHEMA', path, expected, `${total} bits`, place);
    }
    let next = 0;
    for (const count of counts) {
      const container = containerOf(widths.slice(next, next + count), order);
      for (const [step, bits] of container.entries()) places[first + next + step] = bits;
      next += count;
    }
    first += widths.length - 1;
  }
  return places;
}

/** Widths of the fields of bits from `first` on, up to one that has a place of its own. */
function runOf(declared: readonly Declared[], first: number): number[] {
  const widths: number[] = [];
  for (const { spec } of declared.slice(first)) {
    if (spec.type.kind !== 'bits' || (widths.length > 0 && spec.options.at !== null)) break;
    widths.push(spec.type.bits);
  }
  return widths;
}

/** How many fields each container takes; null: there is no way without bits left over. */
function cut(widths: readonly number[]): readonly number[] | null {
  // From the end: whether what begins here can be cut, and with how many fields first.
  const counts = new Array<number>(widths.length + 1).fill(0);
  const isPossible = (index: number): boolean => index === widths.length || counts[index] !== 0;
  for (let start = widths.length - 1; start >= 0; start -= 1) {
    let total = 0;
    for (let end = start + 1; end <= widths.length && total < 64; end += 1) {
      total += widths[end - 1] ?? 0;
      if (!containerBits.includes(total) || !isPossible(end)) continue;
      counts[start] = end - start;
      break;
    }
  }
  const parts: number[] = [];
  for (let start = 0; start < widths.length; start += parts.at(-1) ?? 0) {
    if (counts[start] === 0) return null;
    parts.push(counts[start] ?? 0);
  }
  return parts;
}

/** Of big-endian containers the first field has the highest bits, of others the lowest. */
function containerOf(widths: readonly number[], order: ByteOrder): BitsPlace[] {
  const total = widths.reduce((sum, bits) => sum + bits, 0);
  let before = 0;
  return widths.map((bits, index) => {
    const shift = order === 'be' ? total - before - bits : before;
    before += bits;
    return { type: { kind: 'bits', bits, containerBytes: total / 8, shift }, isFirst: index === 0 };
  });
}
