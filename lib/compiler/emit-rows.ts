// The rows of bits behind a class map. Both forms walk the classes in order and change only the
// bits of terms that begin or end there.
import type { FieldClasses } from './emit-class-maps.js';
import { groupWords } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';

/** The boxes that begin to hold with each class, and those that no longer hold in it. */
function changesOf({ classCount, runs }: FieldClasses) {
  const begins: number[][] = Array.from({ length: classCount + 1 }, () => []);
  const ends: number[][] = Array.from({ length: classCount + 1 }, () => []);
  for (const [box, places] of runs.entries()) {
    for (let at = 0; at < places.length; at += 2) {
      begins[places[at] ?? 0]?.push(box);
      ends[(places[at + 1] ?? 0) + 1]?.push(box);
    }
  }
  return { begins, ends };
}

/** Appends one word a class, for at most 64 terms. Returns the index of the first. */
export function emitWordRows(builder: ImageBuilder, classes: FieldClasses): number {
  const { words } = builder.sections;
  const first = words.count;
  const { begins, ends } = changesOf(classes);
  let row = 0n;
  for (let index = 0; index < classes.classCount; index += 1) {
    for (const term of ends[index] ?? []) row &= ~(1n << BigInt(term));
    for (const term of begins[index] ?? []) row |= 1n << BigInt(term);
    words.u64(BigInt.asUintN(64, row));
  }
  return first;
}

/**
 * Appends groups of 64 words for each class: a summary of the words that are not zero, and where
 * these are stored, equal runs once. Returns the index of the first group.
 */
export function emitGroupRows(
  builder: ImageBuilder,
  classes: FieldClasses,
  termCount: number,
  groupCount: number,
): number {
  const { groups } = builder.sections;
  const first = groups.count;
  const { begins, ends } = changesOf(classes);
  const bits = new TermBits(termCount);
  const stored = new Map<string, number>();
  const current: PackedGroup[] = [];
  for (let index = 0; index < classes.classCount; index += 1) {
    const changed = new Set<number>();
    for (const term of ends[index] ?? []) changed.add(bits.clear(term));
    for (const term of begins[index] ?? []) changed.add(bits.set(term));
    for (let group = 0; group < groupCount; group += 1) {
      if (index === 0 || changed.has(group))
        current[group] = packGroup(builder, bits, group, stored);
      const { summary, words } = current[group] ?? emptyGroup;
      groups.u64(summary).u32(words, 0);
    }
  }
  return first;
}

interface PackedGroup {
  readonly summary: bigint;
  readonly words: number;
}

const emptyGroup: PackedGroup = { summary: 0n, words: 0 };
const groupTerms = 64 * groupWords;

/** One bit for each term, in 32-bit halves of the engine's words. */
class TermBits {
  readonly #halves: Uint32Array;

  constructor(termCount: number) {
    this.#halves = new Uint32Array(Math.ceil(termCount / groupTerms) * groupWords * 2);
  }

  /** Sets a term's bit and returns its group. */
  set(term: number): number {
    const half = term >>> 5;
    this.#halves[half] = (this.#halves[half] ?? 0) | (1 << (term & 31));
    return Math.floor(term / groupTerms);
  }

  clear(term: number): number {
    const half = term >>> 5;
    this.#halves[half] = (this.#halves[half] ?? 0) & ~(1 << (term & 31));
    return Math.floor(term / groupTerms);
  }

  group(index: number): Uint32Array {
    return this.#halves.subarray(index * groupWords * 2, (index + 1) * groupWords * 2);
  }
}

function packGroup(
  builder: ImageBuilder,
  bits: TermBits,
  group: number,
  stored: Map<string, number>,
): PackedGroup {
  const halves = bits.group(group);
  const packed: number[] = [];
  let summary = 0n;
  for (let word = 0; word < groupWords; word += 1) {
    const low = halves[2 * word] ?? 0;
    const high = halves[2 * word + 1] ?? 0;
    if (low === 0 && high === 0) continue;
    summary |= 1n << BigInt(word);
    packed.push(low, high);
  }
  const key = packed.join();
  let words = stored.get(key);
  if (words === undefined) {
    words = builder.sections.words.count;
    builder.sections.words.u32(...packed);
    stored.set(key, words);
  }
  return { summary, words };
}
