// Which of many patterns a text meets, as one number: what text maps of a route image are made
// of. An answer stands for a set of patterns; 0 is "none of them".
import { optionError } from '../errors.js';
import { topicSigns } from './dsl/patterns.js';
import type { FieldIr, IntervalsIr, SourcePosition, TextTest, TopicStyle } from './ir.js';
import { buildTopicMap, type TopicMap } from './text-topics.js';
import { keyTextOf, type TopicShape } from './topic-shapes.js';

/** For errors. */
export interface MapPlace {
  readonly option: string;
  readonly position: SourcePosition;
}

interface Answers {
  readonly field: FieldIr;
  readonly answerCount: number;
  /** The answers of texts that meet a pattern, which is given in hexadecimal. */
  answers(pattern: string): IntervalsIr;
}

/** Whole texts. Answer n + 1: the text is texts[n]. */
export interface ExactMap extends Answers {
  readonly kind: 'exact';
  readonly texts: readonly Uint8Array[];
}

/** Starts of texts, ascending. Answer n + 1: prefixes[n] is the longest the text begins with. */
export interface PrefixMap extends Answers {
  readonly kind: 'prefix';
  readonly prefixes: readonly Uint8Array[];
}

/** Topics, by the levels that patterns of one shape name. Answer n + 1: those are texts[n]. */
export interface LevelsMap extends Answers {
  readonly kind: 'levels';
  readonly separator: string;
  readonly shape: TopicShape;
  /** One character a byte. */
  readonly texts: readonly string[];
}

export type TextMap = ExactMap | PrefixMap | LevelsMap | (TopicMap & Answers);

/** The map for all the patterns that a route holds one text against in the same way. */
export function buildTextMap(
  field: FieldIr,
  test: TextTest,
  style: TopicStyle | null,
  patterns: readonly string[],
  place: MapPlace,
): TextMap {
  // Hexadecimal digits are in the order of the bytes.
  const sorted = [...patterns].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const bytes = sorted.map((pattern) => new Uint8Array(Buffer.from(pattern, 'hex')));
  const answerCount = sorted.length + 1;
  const indices = new Map(sorted.map((pattern, index) => [pattern, index + 1]));
  const indexOf = (pattern: string): number => indices.get(pattern) ?? fail(place, pattern);
  if (test === 'topic') {
    const map = buildTopicMap(sorted, style ?? 'mqtt', place);
    const answers = (pattern: string): IntervalsIr => map.intervals[indexOf(pattern) - 1] ?? [];
    return { ...map, field, answers };
  }
  if (test === 'is') {
    const answers = (pattern: string): IntervalsIr => point(indexOf(pattern));
    return { kind: 'exact', field, answerCount, texts: bytes, answers };
  }
  const lasts = lastsOf(sorted);
  const answers = (pattern: string): IntervalsIr => {
    const index = indexOf(pattern);
    return [[BigInt(index), BigInt(lasts[index - 1] ?? index)]];
  };
  return { kind: 'prefix', field, answerCount, prefixes: bytes, answers };
}

/** The map for patterns of topics that all have one shape. */
export function buildLevelsMap(
  field: FieldIr,
  style: TopicStyle,
  shape: TopicShape,
  patterns: readonly string[],
  place: MapPlace,
): LevelsMap {
  const sorted = [...patterns].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const indices = new Map(sorted.map((pattern, index) => [pattern, index + 1]));
  return {
    ...{ kind: 'levels', field, shape, separator: topicSigns[style][0] },
    answerCount: sorted.length + 1,
    texts: sorted.map((pattern) => keyTextOf(pattern, style)),
    answers: (pattern) => point(indices.get(pattern) ?? fail(place, pattern)),
  };
}

function point(answer: number): IntervalsIr {
  return [[BigInt(answer), BigInt(answer)]];
}

/** Longer prefixes follow the shorter ones they begin with: for each its last one's answer. */
function lastsOf(sorted: readonly string[]): readonly number[] {
  const lasts = sorted.map((_pattern, index) => index + 1);
  const open: number[] = [];
  for (const [index, pattern] of sorted.entries()) {
    while (open.length > 0 && !pattern.startsWith(sorted[open.at(-1) as number] as string)) {
      lasts[open.pop() as number] = index;
    }
    open.push(index);
  }
  for (const index of open) lasts[index] = sorted.length;
  return lasts;
}

function fail(place: MapPlace, pattern: string): never {
  throw optionError('ERR_ROUTE', place.option, 'a pattern of the map', pattern, place.position);
}
