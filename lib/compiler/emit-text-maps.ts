// Text maps in the image: whole texts, prefixes by their lengths, automata over the levels of
// topics. Answers are given out under the numbers of the matcher's classes.

import { textMapKinds, textSources } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import { emitTextEntries, type TextEntry, type TextTable } from './emit-text-entries.js';
import type { FieldIr } from './ir.js';
import type { TextField } from './lower.js';
import type { ExactMap, LevelsMap, PrefixMap, TextMap } from './text-maps.js';
import { prefixSearch } from './text-prefixes.js';
import type { TopicMap } from './text-topics.js';
import { type JoinedState, joinLevels } from './topic-levels.js';

/** Gives an answer of the map its number in the image. */
export type Numbering = (answer: number) => number;

interface Tables extends TextTable {
  readonly first: number;
  readonly count: number;
  readonly goesOn?: boolean;
}

/** Appends the map of a text. Returns its index. */
export function emitTextMap(
  builder: ImageBuilder,
  { map, home }: TextField,
  numberOf: Numbering,
  answerCount: number,
): number {
  const { textMaps } = builder.sections;
  const tables = emitTables(builder, map, numberOf);
  const { field } = map;
  const index = textMaps.count;
  const separator = 'separator' in map ? map.separator.charCodeAt(0) : 0;
  textMaps
    .u8(textMapKinds[map.kind], sourceOf(field), separator, tables.textWords)
    .u16(field.offset, field.bytes)
    .u32(answerCount, home.messageBytes)
    .u16(home.view)
    .u8(tables.goesOn === true ? 1 : 0, 0)
    .u32(tables.first, tables.count, tables.entries, tables.entryCount, tables.pilots)
    .u64(tables.seed)
    .u32(tables.pilotCount, 0);
  return index;
}

function emitTables(builder: ImageBuilder, map: TextMap, numberOf: Numbering): Tables {
  if (map.kind === 'exact') return emitExact(builder, map, numberOf);
  if (map.kind === 'prefix') return emitPrefixes(builder, map, numberOf);
  if (map.kind === 'levels') return emitLevels(builder, map, numberOf);
  return emitTopics(builder, map, numberOf);
}

function sourceOf({ type, pad }: FieldIr): number {
  if (type === 'string') return textSources.slot;
  if (pad === undefined) return textSources.fixed;
  return pad === 'space' ? textSources.spaces : textSources.zeros;
}

function emitExact(builder: ImageBuilder, { texts }: ExactMap, numberOf: Numbering): Tables {
  const entries = texts.map((bytes, index) => {
    const text = textOf(bytes);
    return plainEntry(text, text, numberOf(index + 1));
  });
  return { first: 0, count: 0, ...emitTextEntries(builder, entries, { headerWords: 1 }) };
}

function emitLevels(
  builder: ImageBuilder,
  { shape, texts }: LevelsMap,
  numberOf: Numbering,
): Tables {
  const entries = texts.map((text, index) => plainEntry(text, text, numberOf(index + 1)));
  const { named, levels, goesOn } = shape;
  const table = emitTextEntries(builder, entries, { headerWords: 1 });
  return { first: named, count: levels, goesOn, ...table };
}

function plainEntry(text: string, whole: string, answer: number): TextEntry {
  return { state: 0, text, whole, value: answer, more: 0n };
}

/** One character a byte. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function emitPrefixes(builder: ImageBuilder, { prefixes }: PrefixMap, numberOf: Numbering): Tables {
  const { cells } = builder.sections;
  const { lengths, entries } = prefixSearch(prefixes.map(textOf));
  const first = cells.count;
  for (const length of lengths) cells.u32(length);
  const table = entries.map(({ text, whole, answer }) => plainEntry(text, whole, numberOf(answer)));
  const isFinal = (entry: number): boolean => entries[entry]?.isFinal === true;
  const tables = emitTextEntries(builder, table, { headerWords: 1, isFinal });
  return { first, count: lengths.length, ...tables };
}

function emitTopics(builder: ImageBuilder, map: TopicMap, numberOf: Numbering): Tables {
  const { topicStates } = builder.sections;
  const { states, edges } = joinLevels(map);
  const found = states.map(({ answer, other, hasEdges, isFinal }) => {
    const there = states[other] as JoinedState;
    const own = numberOf(answer) + (hasEdges ? hasEdgesFlag : 0) + (isFinal ? finalFlag : 0);
    return [own, numberOf(there.answer) + (there.isFinal ? finalFlag : 0)] as const;
  });
  const first = topicStates.count;
  states.forEach(({ other, levels }, index) => {
    topicStates.u32(...(found[index] ?? []), other, levels);
  });
  const entries = edges.map(({ state, level, next }): TextEntry => {
    const [own, ofOther] = found[next] ?? [0, 0];
    const value = next + (states[next]?.levels ?? 1) * 2 ** 24;
    const more = (BigInt(ofOther) << 32n) | BigInt(own);
    return { state, text: level, whole: level, value, more };
  });
  const tables = emitTextEntries(builder, entries, { headerWords: 2 });
  return { first, count: states.length, ...tables };
}

/** Of a state: beside its answer. */
const hasEdgesFlag = 2 ** 30;
const finalFlag = 2 ** 31;
