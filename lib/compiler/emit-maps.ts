// Values that are mapped to others: a table of all 256 for a source of one byte, else a search.
import { fieldRange, type IntegerField, keyOf } from './emit-fields.js';
import { noIndex } from './emit-format.js';
import type { Op } from './emit-ops.js';
import type { ImageBuilder } from './emit-sections.js';

/** What a map says: pairs of values that are there, ascending, and the value of all others. */
export interface Mapping {
  readonly pairs: readonly (readonly [from: bigint, to: bigint])[];
  readonly otherwise: bigint | undefined;
}

/** Appends the table of a map and says how an op refers to it. */
export function emitMap(
  builder: ImageBuilder,
  source: IntegerField,
  mapping: Mapping,
): Pick<Op, 'name' | 'steps' | 'argument'> {
  const { pairs, otherwise } = mapping;
  const values = [...pairs.map(([, to]) => to), ...(otherwise === undefined ? [] : [otherwise])];
  const isSmall = values.every((value) => value >= 0n && value < BigInt(noIndex));
  if (source.bytes === 1 && source.bit === undefined && isSmall) {
    return { name: 'mapByte', steps: 0, argument: emitBytes(builder, mapping) };
  }
  const { bounds } = builder.sections;
  const argument = bounds.count;
  bounds.u64(BigInt(pairs.length));
  const { steps } = builder.searchKeys(pairs.map(([from]) => keyOf(source, from)));
  for (const [, to] of pairs) bounds.u64(BigInt.asUintN(64, to));
  // Without a code the value for all others follows.
  if (otherwise !== undefined) bounds.u64(BigInt.asUintN(64, otherwise));
  return { name: 'map', steps, argument };
}

function emitBytes(builder: ImageBuilder, { pairs, otherwise }: Mapping): number {
  const table = new Uint16Array(256).fill(otherwise === undefined ? noIndex : Number(otherwise));
  for (const [from, to] of pairs) table[Number(BigInt.asUintN(8, from))] = Number(to);
  const { slots } = builder.sections;
  const first = slots.count;
  slots.u16(...table);
  return first;
}

/** The pairs of a map that a field can hold, ascending. */
export function pairsOf(
  source: IntegerField,
  pairs: Mapping['pairs'],
): readonly (readonly [bigint, bigint])[] {
  const [low, high] = fieldRange(source);
  return pairs
    .filter(([from]) => from >= low && from <= high)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
