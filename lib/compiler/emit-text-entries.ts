// The hash table of a text map: a perfect hash of the texts that it knows, in entries as small as
// can be. native/route/text_map_datapath.h looks them up.
import type { ImageBuilder } from './emit-sections.js';
import { buildPerfectHash, finishHash, mixWord, type PerfectHash } from './perfect-hash.js';

export interface TextEntry {
  /** Of topics where the edge comes from, else 0. */
  readonly state: number;
  /** So many bytes at the start of these. */
  readonly text: Uint8Array;
  readonly bytes: number;
  /** 32 bits beside the key, then, of topics, 64 more. */
  readonly value: number;
  readonly more: bigint;
}

export interface TextTableOptions {
  /** 1, or 2 if entries have more than a value. */
  readonly headerWords: 1 | 2;
  /** Of each entry one bit of its print; without it there are no prints. */
  readonly isFinal?: (entry: number) => boolean;
}

/** Where the table stands in the image. */
export interface TextTable {
  readonly textWords: number;
  readonly entries: number;
  readonly entryCount: number;
  readonly pilots: number;
  readonly pilotCount: number;
  readonly seed: bigint;
}

const textWordsMax = 4;
const longText = 0xff;
const freeEntry = 0xffff_ffffn;
const tagFactor = 0x9e3779b97f4a7c15n;

/** Words of an entry's text: enough for all but those that no entry has room for. */
export function textWordsOf(texts: readonly { readonly bytes: number }[]): number {
  let most = 1;
  for (const { bytes } of texts) {
    const words = Math.ceil(bytes / 8);
    if (words <= textWordsMax) most = Math.max(most, words);
  }
  return most;
}

/** Appends the table of the entries, of which no two have the same state and text. */
export function emitTextEntries(
  builder: ImageBuilder,
  entries: readonly TextEntry[],
  { headerWords, isFinal }: TextTableOptions,
): TextTable {
  const { slots } = builder.sections;
  const keys = entries.map((entry) => wordsOf(entry));
  const hashes = new BigUint64Array(entries.length);
  const hash = buildPerfectHash(entries.length, (key, seed) => {
    const found = hashText(entries[key] as TextEntry, keys[key] as BigUint64Array, seed);
    hashes[key] = found;
    return found;
  });
  const textWords = textWordsOf(entries);
  const shape = { headerWords, textWords };
  const first = appendEntries(builder, entries, keys, hash, shape);
  const pilots = slots.count;
  slots.append(new Uint8Array(hash.pilots.buffer));
  if (isFinal !== undefined) {
    const prints = new Uint16Array(hash.slotCount);
    for (const [index, slot] of hash.slots.entries()) {
      const print = Number((hashes[index] ?? 0n) & 0xffff_ffffn) >>> 16;
      prints[slot] = (print & 0xfffe) | (isFinal(index) ? 1 : 0);
    }
    slots.append(new Uint8Array(prints.buffer));
  }
  const { seed, slotCount } = hash;
  return {
    ...{ textWords, entries: first, entryCount: slotCount },
    ...{ pilots, pilotCount: hash.pilots.length, seed },
  };
}

interface Shape {
  readonly headerWords: number;
  readonly textWords: number;
}

function appendEntries(
  builder: ImageBuilder,
  entries: readonly TextEntry[],
  keys: readonly BigUint64Array[],
  { slotCount, slots }: PerfectHash,
  { headerWords, textWords }: Shape,
): number {
  const { words, bytes } = builder.sections;
  const entryWords = headerWords + textWords;
  const filled = new BigUint64Array(slotCount * entryWords);
  for (let slot = 0; slot < slotCount; slot += 1) filled[slot * entryWords] = freeEntry;
  const stored = new Map<string, bigint>();
  const store = (text: Uint8Array): bigint => {
    const name = Buffer.from(text).toString('latin1');
    const known = stored.get(name) ?? BigInt(bytes.count);
    if (!stored.has(name)) bytes.append(text);
    stored.set(name, known);
    return known;
  };
  for (const [index, entry] of entries.entries()) {
    const at = (slots[index] ?? 0) * entryWords;
    const isLong = entry.bytes > textWords * 8;
    const key = entry.state + (isLong ? longText : entry.bytes) * 2 ** 24;
    filled[at] = (BigInt(entry.value) << 32n) | BigInt(key);
    if (headerWords > 1) filled[at + 1] = entry.more;
    if (isLong) filled[at + headerWords] = (store(entry.text) << 32n) | BigInt(entry.bytes);
    else filled.set(keys[index] ?? [], at + headerWords);
  }
  const first = words.alignLine().count;
  words.append(new Uint8Array(filled.buffer));
  return first;
}

/** The text's bytes in words, the first lowest, zeros behind the last. */
function wordsOf({ text, bytes }: TextEntry): BigUint64Array {
  const padded = new Uint8Array(Math.ceil(bytes / 8) * 8);
  padded.set(text.subarray(0, bytes));
  return new BigUint64Array(padded.buffer);
}

/** As the engine's `hash_text`. */
function hashText({ state, bytes }: TextEntry, words: BigUint64Array, seed: bigint): bigint {
  const tag = BigInt.asUintN(64, ((BigInt(state) << 32n) | BigInt(bytes)) * tagFactor);
  let hash = seed ^ tag;
  for (const word of words) hash = mixWord(hash, word);
  return finishHash(hash);
}
