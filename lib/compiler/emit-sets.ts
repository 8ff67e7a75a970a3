// Sets of single values as open hash tables, which native/route/set_datapath.h looks into.
import type { ImageBuilder } from './emit-sections.js';

/** Of so many values a binary search takes longer. */
export const setValuesMin = 5;
/** Slots for each value: enough that most are found at the first glance. */
const slotsPerValue = 4;
const slotBitsMax = 20;
const factor = 0x9e3779b97f4a7c15n;

/** Where a set starts, how large it is, and how far from its place a value may lie. */
export interface EmittedSet {
  readonly first: number;
  readonly bits: number;
  readonly probeMax: number;
}

/** Appends the set of the keys, which all differ; undefined where there are too few or too many. */
export function emitSet(builder: ImageBuilder, keys: readonly bigint[]): EmittedSet | undefined {
  const bits = 32 - Math.clz32(keys.length * slotsPerValue - 1);
  if (keys.length < setValuesMin || bits > slotBitsMax) return undefined;
  const empty = absentKey(keys);
  const slots = new Array<bigint>(2 ** bits).fill(empty);
  let probeMax = 0;
  for (const key of keys) {
    const place = Number(BigInt.asUintN(64, key * factor) >> BigInt(64 - bits));
    let probe = 0;
    while (slots[(place + probe) % slots.length] !== empty) probe += 1;
    slots[(place + probe) % slots.length] = key;
    probeMax = Math.max(probeMax, probe);
  }
  const { words } = builder.sections;
  const first = words.count;
  words.u64(empty);
  for (const slot of slots) words.u64(slot);
  return { first, bits, probeMax };
}

/** Some key that is not among them. */
function absentKey(keys: readonly bigint[]): bigint {
  const known = new Set(keys);
  let absent = 0n;
  while (known.has(absent)) absent += 1n;
  return absent;
}
