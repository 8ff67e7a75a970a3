// Text maps in the image: hash tables of whole texts, nodes of prefixes, automata over the levels
// of topics. Answers are given out under the numbers of the matcher's classes.

import { treeKeysMin } from './emit-class-maps.js';
import { sectionRecordBytes, textMapKinds, textSources } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import type { FieldIr } from './ir.js';
import type { TextField } from './lower.js';
import type { ExactMap, PrefixMap, TextMap } from './text-maps.js';
import type { TopicMap } from './text-topics.js';

/** Gives an answer of the map its number in the image. */
export type Numbering = (answer: number) => number;

interface Tables {
  readonly first: number;
  readonly count: number;
  readonly entries: number;
  readonly entryCount: number;
  readonly probeMax: number;
}

/** Appends the map of a text. Returns its index. */
export function emitTextMap(
  builder: ImageBuilder,
  { map, home }: TextField,
  numberOf: Numbering,
  answerCount: number,
): number {
  const { textMaps } = builder.sections;
  const { first, count, entries, entryCount, probeMax } = emitTables(builder, map, numberOf);
  const { field } = map;
  const index = textMaps.count;
  const separator = map.kind === 'topic' ? map.separator.charCodeAt(0) : 0;
  textMaps
    .u8(textMapKinds[map.kind], sourceOf(field), separator, 0)
    .u16(field.offset, field.bytes)
    .u32(answerCount, home.messageBytes)
    .u16(home.view, probeMax)
    .u32(first, count, entries, entryCount, 0);
  return index;
}

function emitTables(builder: ImageBuilder, map: TextMap, numberOf: Numbering): Tables {
  if (map.kind === 'exact') return emitExact(builder, map, numberOf);
  if (map.kind === 'prefix') return emitPrefixes(builder, map, numberOf);
  return emitTopics(builder, map, numberOf);
}

function sourceOf({ type, pad }: FieldIr): number {
  if (type === 'string') return textSources.slot;
  if (pad === undefined) return textSources.fixed;
  return pad === 'space' ? textSources.spaces : textSources.zeros;
}

function emitExact(builder: ImageBuilder, { texts }: ExactMap, numberOf: Numbering): Tables {
  const { words, textEntries } = builder.sections;
  const entries = textEntries.count;
  // Each text stands behind its record, so that both are loaded at once.
  const numbers = texts.map((text, index) => {
    const number = textEntries.count - entries;
    textEntries.u32(text.length, numberOf(index + 1), 0, 0);
    const records = Math.ceil(text.length / sectionRecordBytes.textEntries);
    const filled = new Uint8Array(records * sectionRecordBytes.textEntries);
    filled.set(text);
    textEntries.append(filled);
    return number;
  });
  const hashes = texts.map((text) => hashText(0n, text));
  const { places, probeMax } = placeAll(hashes);
  const first = words.count;
  for (const index of places) {
    const hash = hashes[index] ?? 0n;
    const number = numbers[index] ?? 0;
    words.u64(index < 0 ? 0n : ((hash >> 32n) << 32n) | BigInt(number + 1));
  }
  const entryCount = textEntries.count - entries;
  return { first, count: places.length, entries, entryCount, probeMax };
}

function emitTopics(builder: ImageBuilder, map: TopicMap, numberOf: Numbering): Tables {
  const { topicStates, topicEdges, bytes } = builder.sections;
  const first = topicStates.count;
  for (const { other, answer, isFinal, hasEdges } of map.states) {
    topicStates.u32(other, numberOf(answer), isFinal ? 1 : 0, hasEdges ? 1 : 0);
  }
  const levels = map.edges.map(({ level }) => new Uint8Array(Buffer.from(level, 'latin1')));
  const stored = new Map<string, number>();
  const hashes = levels.map((level, index) =>
    hashText(BigInt(map.edges[index]?.state ?? 0), level),
  );
  const { places, probeMax } = placeAll(hashes);
  const entries = topicEdges.count;
  for (const index of places) {
    const [edge, level] = [map.edges[index], levels[index]];
    if (edge === undefined || level === undefined) {
      topicEdges.u64(0n).u64(0n).u32(freePlace, 0, 0, 0);
      continue;
    }
    let at = 0;
    if (level.length > edgeBytes) {
      at = stored.get(edge.level) ?? bytes.count;
      if (!stored.has(edge.level)) bytes.append(level);
      stored.set(edge.level, at);
    }
    const tail = level.length > edgeBytes ? 0n : startOf(level, 8);
    topicEdges.u64(startOf(level, 0)).u64(tail);
    topicEdges.u32(edge.state, edge.next, at, level.length);
  }
  return { first, count: map.states.length, entries, entryCount: places.length, probeMax };
}

const freePlace = 0xffffffff;
/** Levels of so many bytes stand in their edge. */
const edgeBytes = 16;
const mask64 = (1n << 64n) - 1n;
const multiplier = 0x9e3779b97f4a7c15n;

const eight = new DataView(new ArrayBuffer(8));

/** Up to eight bytes, the first lowest. */
function startOf(bytes: Uint8Array, at: number): bigint {
  for (let index = 0; index < 8; index += 1) eight.setUint8(index, bytes[at + index] ?? 0);
  return eight.getBigUint64(0, true);
}

function mixed(hash: bigint, word: bigint): bigint {
  const product = ((hash ^ word) * multiplier) & mask64;
  return product ^ (product >> 32n);
}

/** As the engine's `hash_text`. */
function hashText(seed: bigint, text: Uint8Array): bigint {
  let hash = mixed(seed ^ BigInt(text.length), startOf(text, 0));
  for (let at = 8; at < text.length; at += 8) hash = mixed(hash, startOf(text, at));
  return hash;
}

/** Probes that a look-up may take; the table grows until none takes more. */
const probesMax = 64;

/**
 * An open hash table of the entries, three quarters full or less: for each place the index of an
 * entry, or −1. `probeMax`: how far from its place an entry may be.
 */
function placeAll(hashes: readonly bigint[]): { places: Int32Array; probeMax: number } {
  for (let count = Math.ceil((hashes.length * 4) / 3) + 1; ; count *= 2) {
    const places = new Int32Array(count).fill(-1);
    let probeMax = 0;
    for (const [index, hash] of hashes.entries()) {
      let probe = 0;
      const start = Math.floor((Number(hash & 0xffffffffn) * count) / 2 ** 32);
      while (places[(start + probe) % count] !== -1) probe += 1;
      places[(start + probe) % count] = index;
      probeMax = Math.max(probeMax, probe);
    }
    if (probeMax < probesMax || count >= 1 << 24) return { places, probeMax };
  }
}

/** Prefixes that begin alike up to a node, which is `skip` bytes into each. */
interface PrefixJob {
  readonly skip: number;
  readonly prefixes: readonly { readonly bytes: Uint8Array; readonly answer: number }[];
  /** Of texts that go on as none of them does. */
  readonly otherwise: number;
}

/** From a key on: the answer, and the node in which longer prefixes go on. */
interface Segment {
  readonly start: bigint;
  readonly answer: number;
  readonly child: number;
}

function emitPrefixes(builder: ImageBuilder, { prefixes }: PrefixMap, numberOf: Numbering): Tables {
  const { prefixNodes, words } = builder.sections;
  const first = prefixNodes.count;
  const all = prefixes.map((bytes, index) => ({ bytes, answer: index + 1 }));
  const jobs: PrefixJob[] = [{ skip: 0, prefixes: all, otherwise: 0 }];
  // Nodes append those below them; a node is deeper by eight bytes.
  for (let index = 0; index < jobs.length; index += 1) {
    const segments = segmentsOf(jobs[index] as PrefixJob, jobs);
    const [base, ...rest] = segments;
    const starts = rest.map(({ start }) => start);
    if (starts.length >= treeKeysMin) {
      const { first: keys, levels } = builder.searchTree(starts);
      words.alignLine();
      prefixNodes.u32(keys, starts.length, words.count).u8(levels, 1, 0, 0);
    } else {
      const { first: keys, steps } = builder.searchKeys(starts);
      prefixNodes.u32(keys, starts.length, words.count).u8(steps, 0, 0, 0);
    }
    for (const { answer, child } of base === undefined ? [] : [base, ...rest]) {
      words.u64((BigInt(child) << 32n) | BigInt(numberOf(answer)));
    }
  }
  return { first, count: jobs.length, entries: 0, entryCount: 0, probeMax: 0 };
}

/** Cuts the keys where prefixes begin and end; the first segment starts at 0. */
function segmentsOf({ skip, prefixes, otherwise }: PrefixJob, jobs: PrefixJob[]): Segment[] {
  const segments: Segment[] = [{ start: 0n, answer: otherwise, child: 0 }];
  const open: { readonly last: bigint; readonly answer: number }[] = [];
  const add = (start: bigint, answer: number, child: number): void => {
    if (segments.at(-1)?.start === start) segments.pop();
    segments.push({ start, answer, child });
  };
  const closeBefore = (start: bigint | null): void => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (start !== null && top.last >= start) return;
      open.pop();
      if (top.last < mask64) add(top.last + 1n, open.at(-1)?.answer ?? otherwise, 0);
    }
  };
  for (let index = 0; index < prefixes.length; ) {
    const { bytes, answer } = prefixes[index] as PrefixJob['prefixes'][number];
    const count = Math.min(8, bytes.length - skip);
    const start = keyAt(bytes, skip);
    closeBefore(start);
    if (bytes.length - skip <= 8) {
      const last = start | (mask64 >> BigInt(8 * count));
      add(start, answer, 0);
      open.push({ last, answer });
      index += 1;
      continue;
    }
    // Longer ones with the same eight bytes follow each other.
    const end = endOfGroup(prefixes, index, start, skip);
    const inherited = open.at(-1)?.answer ?? otherwise;
    const job = { skip: skip + 8, prefixes: prefixes.slice(index, end), otherwise: inherited };
    add(start, inherited, jobs.push(job) - 1);
    const isPoint = open.at(-1)?.last === start;
    if (!isPoint) open.push({ last: start, answer: inherited });
    index = end;
  }
  closeBefore(null);
  return segments;
}

function endOfGroup(
  prefixes: PrefixJob['prefixes'],
  from: number,
  start: bigint,
  skip: number,
): number {
  let end = from + 1;
  while (end < prefixes.length) {
    const bytes = prefixes[end]?.bytes as Uint8Array;
    if (bytes.length - skip <= 8 || keyAt(bytes, skip) !== start) return end;
    end += 1;
  }
  return end;
}

/** Eight bytes in big-endian order, zeros behind the last. */
function keyAt(bytes: Uint8Array, at: number): bigint {
  for (let index = 0; index < 8; index += 1) eight.setUint8(index, bytes[at + index] ?? 0);
  return eight.getBigUint64(0, false);
}
