// The hash table of a text map: a perfect hash of the texts that it knows, in entries as small as
// can be. native/route/text_map_datapath.h looks them up.
import type { ImageBuilder } from './emit-sections.js';
import { buildPerfectHash, finishHash, mixWord, type PerfectHash } from './perfect-hash.js';

export interface TextEntry {
  /** Of topics where the edge comes from, else 0. */
  readonly state: number;
  /** One character a byte. */
  readonly text: string;
  /** What it is the start of: a long text is stored once for all of its starts. */
  readonly whole: string;
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
function textWordsOf(entries: readonly TextEntry[]): number {
  let most = 1;
  for (const { text } of entries) {
    const words = Math.ceil(text.length / 8);
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
  const texts = packedTexts(entries);
  const hashes = new BigUint64Array(entries.length);
  const hash = buildPerfectHash(entries.length, (key, seed) => {
    const found = hashText(entries[key] as TextEntry, texts, key, seed);
    hashes[key] = found;
    return found;
  });
  const textWords = textWordsOf(entries);
  const shape = { headerWords, textWords };
  const first = appendEntries(builder, entries, texts, hash, shape);
  const pilots = slots.count;
  slots.append(new Uint8Array(hash.pilots.buffer));
  if (isFinal !== undefined) {
    const prints = new Uint16Array(hash.slotCount);
    hash.slots.forEach((slot, index) => {
      const print = Number((hashes[index] ?? 0n) & 0xffff_ffffn) >>> 16;
      prints[slot] = (print & 0xfffe) | (isFinal(index) ? 1 : 0);
    });
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
  texts: PackedTexts,
  { slotCount, slots }: PerfectHash,
  { headerWords, textWords }: Shape,
): number {
  const { words, bytes } = builder.sections;
  const entryWords = headerWords + textWords;
  const filled = new BigUint64Array(slotCount * entryWords);
  for (let slot = 0; slot < slotCount; slot += 1) filled[slot * entryWords] = freeEntry;
  const stored = new Map<string, bigint>();
  const store = (text: string): bigint => {
    const known = stored.get(text) ?? BigInt(bytes.count);
    if (!stored.has(text)) bytes.append(Buffer.from(text, 'latin1'));
    stored.set(text, known);
    return known;
  };
  entries.forEach((entry, index) => {
    const at = (slots[index] ?? 0) * entryWords;
    const byteCount = entry.text.length;
    const isLong = byteCount > textWords * 8;
    const key = entry.state + (isLong ? longText : byteCount) * 2 ** 24;
    filled[at] = (BigInt(entry.value) << 32n) | BigInt(key);
    if (headerWords > 1) filled[at + 1] = entry.more;
    if (isLong) {
      filled[at + headerWords] = (store(entry.whole) << 32n) | BigInt(byteCount);
      return;
    }
    const first = texts.firsts[index] ?? 0;
    for (let word = 0; word * 8 < byteCount; word += 1) {
      filled[at + headerWords + word] = texts.words[first + word] ?? 0n;
    }
  });
  const first = words.alignLine().count;
  words.append(new Uint8Array(filled.buffer));
  return first;
}

/** Texts in words, the first byte lowest, zeros behind the last; and where each starts. */
interface PackedTexts {
  readonly words: BigUint64Array;
  readonly firsts: Uint32Array;
}

function packedTexts(entries: readonly TextEntry[]): PackedTexts {
  const firsts = new Uint32Array(entries.length);
  let count = 0;
  entries.forEach(({ text }, index) => {
    firsts[index] = count;
    count += Math.ceil(text.length / 8);
  });
  const packed = Buffer.alloc(count * 8);
  entries.forEach(({ text }, index) => {
    packed.write(text, (firsts[index] ?? 0) * 8, 'latin1');
  });
  // A buffer of Node may start anywhere in its memory.
  const start = packed.byteOffset;
  const words = new BigUint64Array(packed.buffer.slice(start, start + packed.length));
  return { words, firsts };
}

/** As the engine's `hash_text`. */
function hashText(
  { state, text }: TextEntry,
  { words, firsts }: PackedTexts,
  index: number,
  seed: bigint,
): bigint {
  const tag = BigInt.asUintN(64, ((BigInt(state) << 32n) | BigInt(text.length)) * tagFactor);
  let hash = seed ^ tag;
  const first = firsts[index] ?? 0;
  for (let word = first; (word - first) * 8 < text.length; word += 1) {
    hash = mixWord(hash, words[word] ?? 0n);
  }
  return finishHash(hash);
}
