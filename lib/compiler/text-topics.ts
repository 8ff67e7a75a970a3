// Patterns of topics as one automaton over levels: in each state the next level is looked up once,
// however many patterns there are. States are sets of places in the tree of all patterns.
import { optionError } from '../errors.js';
import { topicSigns } from './dsl/patterns.js';
import { unite } from './intervals.js';
import type { IntervalsIr, TopicStyle } from './ir.js';
import type { MapPlace } from './text-maps.js';

/** One level further. */
export interface TopicEdge {
  readonly state: number;
  /** One character a byte. */
  readonly level: string;
  readonly next: number;
}

export interface TopicState {
  /** Where levels lead that no edge names; 0: nowhere. */
  readonly other: number;
  /** Of topics that end here. */
  readonly answer: number;
  /** Whether the answer stands whatever follows. */
  readonly isFinal: boolean;
  /** Whether there are levels that lead elsewhere. */
  readonly hasEdges: boolean;
}

export interface TopicMap {
  readonly kind: 'topic';
  readonly separator: string;
  /** State 0 meets nothing any more; 1 is where topics start. */
  readonly states: readonly TopicState[];
  readonly edges: readonly TopicEdge[];
  readonly answerCount: number;
  /** The answers of each pattern, in the order in which they were given. */
  readonly intervals: readonly IntervalsIr[];
}

/** States and edges of an automaton, pairs of answers and patterns: beyond, it is refused. */
export const topicStatesMax = 1_000_000;
export const topicEdgesMax = 1_000_000;
const topicAnswersMax = 4_000_000;
/**
 * Patterns that a topic may meet at once, summed over the states: so many, and so many more for
 * each level of a pattern. Wildcards that overlap in every way there is make far more; whoever
 * waits for the refusal is a router's own thread.
 */
const topicMeetingsMin = 500_000;
const topicMeetingsPerLevel = 32;
/** Of an edge in the image, beside the room that the hash table leaves. */
const edgeBytes = 43;

/** A place in the tree of the patterns. */
interface Place {
  readonly id: number;
  /** Shared with all others while it is empty; so are the lists. */
  levels: ReadonlyMap<string, Place>;
  one: Place | null;
  /** Patterns that end here, and those whose last wildcard stands below. */
  ends: readonly number[];
  rests: readonly number[];
}

const noLevels: ReadonlyMap<string, Place> = new Map();
const noPatterns: readonly number[] = [];

interface State {
  readonly index: number;
  readonly places: readonly Place[];
  /** Patterns that are met whatever follows. */
  readonly met: readonly number[];
}

/** Throws ERR_ROUTE_LIMIT where the automaton would not fit. `patterns`: hexadecimal. */
export function buildTopicMap(
  patterns: readonly string[],
  style: TopicStyle,
  place: MapPlace,
): TopicMap {
  return new TopicBuilder(patterns, style, place).build();
}

class TopicBuilder {
  readonly #style: TopicStyle;
  readonly #where: MapPlace;
  readonly #patternCount: number;
  readonly #root: Place;
  #placeCount = 0;
  #meetingCount = 0;
  readonly #indices = new Map<string, number>();
  readonly #open: State[] = [];
  readonly #states: TopicState[] = [{ other: 0, answer: 0, isFinal: true, hasEdges: false }];
  readonly #edges: TopicEdge[] = [];
  readonly #answers = new Map<string, number>([['', 0]]);
  readonly #metBy: bigint[][];
  #pairCount = 0;

  constructor(patterns: readonly string[], style: TopicStyle, where: MapPlace) {
    this.#style = style;
    this.#where = where;
    this.#patternCount = patterns.length;
    this.#metBy = patterns.map(() => []);
    this.#root = this.#newPlace();
    for (const [index, hex] of patterns.entries()) this.#plant(hex, index);
  }

  build(): TopicMap {
    const isMqtt = this.#style === 'mqtt';
    this.#stateOf([this.#root], isMqtt ? sortedUnion([], this.#root.rests) : []);
    // The last one found is followed first: what lies below a pattern's rest gets answers in a row.
    const order: number[] = [];
    for (let state = this.#open.pop(); state !== undefined; state = this.#open.pop()) {
      order.push(state.index);
      this.#follow(state);
    }
    return {
      kind: 'topic',
      separator: topicSigns[this.#style][0],
      ...renumber(this.#states, this.#edges, order),
      answerCount: this.#answers.size,
      intervals: this.#metBy.map((answers) => unite(answers.map((answer) => [answer, answer]))),
    };
  }

  #newPlace(): Place {
    this.#placeCount += 1;
    return {
      ...{ id: this.#placeCount, levels: noLevels, one: null },
      ...{ ends: noPatterns, rests: noPatterns },
    };
  }

  #plant(hex: string, index: number): void {
    const [separator, one, rest] = topicSigns[this.#style];
    let place = this.#root;
    for (const level of Buffer.from(hex, 'hex').toString('latin1').split(separator)) {
      if (level === rest) {
        place.rests = [...place.rests, index];
        return;
      }
      if (level === one) {
        place.one ??= this.#newPlace();
        place = place.one;
      } else {
        place = this.#below(place, level);
      }
    }
    place.ends = [...place.ends, index];
  }

  #below(place: Place, level: string): Place {
    const known = place.levels.get(level);
    if (known !== undefined) return known;
    const made = this.#newPlace();
    if (place.levels === noLevels) place.levels = new Map([[level, made]]);
    else (place.levels as Map<string, Place>).set(level, made);
    return made;
  }

  /** The state of those places; found again or to be followed. */
  #stateOf(found: readonly Place[], met: readonly number[]): number {
    // Of MQTT what is below a place's rest is met already, wherever the topic ends.
    const places = this.#style === 'mqtt' ? found.filter(leadsOn) : found;
    if (places.length === 0 && met.length === 0) return 0;
    const key = `${places.map(({ id }) => id).join()}|${met.join()}`;
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#states.push(unfollowed) - 1;
    if (index >= topicStatesMax) this.#fail('states', topicStatesMax);
    this.#meetingCount += places.length + met.length;
    const meetingsMax = topicMeetingsMin + topicMeetingsPerLevel * this.#placeCount;
    if (this.#meetingCount > meetingsMax) this.#fail('overlaps', meetingsMax);
    this.#indices.set(key, index);
    this.#open.push({ index, places, met });
    return index;
  }

  #follow(state: State): void {
    const [first, ...others] = state.places;
    const isAlone = others.length === 0 && state.met.length === 0;
    if (first !== undefined && isAlone && first.one === null && first.rests.length === 0) {
      this.#followOne(state.index, first);
    } else {
      this.#followAll(state);
    }
  }

  /** Most states are one place, and nothing below it but levels. */
  #followOne(index: number, { ends, levels }: Place): void {
    const hasEdges = levels.size > 0;
    this.#states[index] = { other: 0, answer: this.#answerOf(ends), isFinal: false, hasEdges };
    this.#checkEdges(levels.size);
    for (const [level, place] of levels) {
      const met = this.#style === 'mqtt' ? place.rests : [];
      this.#edges.push({ state: index, level, next: this.#stateOf([place], met) });
    }
  }

  #checkEdges(more: number): void {
    if (this.#edges.length + more > topicEdgesMax) this.#fail('edges', topicEdgesMax);
  }

  #followAll({ index, places, met }: State): void {
    const ends = places.reduce<readonly number[]>((all, { ends }) => sortedUnion(all, ends), met);
    const answer = this.#answerOf(ends);
    const below =
      this.#style === 'mqtt'
        ? met
        : places.reduce<readonly number[]>((all, { rests }) => sortedUnion(all, rests), met);
    const ones = places.flatMap(({ one }) => (one === null ? [] : [one]));
    const isFinal = places.length === 0;
    const other = isFinal ? index : this.#next(ones, below);
    const levels = placesByLevel(places);
    this.#states[index] = { other, answer, isFinal, hasEdges: levels.size > 0 };
    this.#checkEdges(levels.size);
    for (const [level, named] of levels) {
      this.#edges.push({ state: index, level, next: this.#next(named.concat(ones), below) });
    }
  }

  #next(places: readonly Place[], met: readonly number[]): number {
    const sorted = places.length < 2 ? places : [...places].sort((a, b) => a.id - b.id);
    const isMqtt = this.#style === 'mqtt';
    // Of MQTT the last wildcard also stands for nothing at all.
    const all = isMqtt ? sorted.reduce((sum, { rests }) => sortedUnion(sum, rests), met) : met;
    return this.#stateOf(sorted, all);
  }

  #answerOf(patterns: readonly number[]): number {
    const key = patterns.join();
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#answers.size;
    this.#answers.set(key, answer);
    this.#pairCount += patterns.length;
    if (this.#pairCount > topicAnswersMax) this.#fail('overlaps', topicAnswersMax);
    for (const pattern of patterns) this.#metBy[pattern]?.push(BigInt(answer));
    return answer;
  }

  #fail(what: string, most: number): never {
    const { option, position } = this.#where;
    const bytes = (this.#states.length + this.#edges.length) * edgeBytes;
    const expected = `topics whose automaton has at most ${most} ${what}`;
    const received = `more, of ${this.#patternCount} patterns, with ${bytes} bytes so far`;
    throw optionError('ERR_ROUTE_LIMIT', option, expected, received, position);
  }
}

const unfollowed: TopicState = { other: 0, answer: 0, isFinal: false, hasEdges: false };

/** Where each level that a pattern names leads from the places. */
function placesByLevel(places: readonly Place[]): ReadonlyMap<string, readonly Place[]> {
  const found = new Map<string, Place[]>();
  for (const place of places) {
    for (const [level, below] of place.levels) {
      const known = found.get(level);
      if (known === undefined) found.set(level, [below]);
      else known.push(below);
    }
  }
  return found;
}

function leadsOn({ levels, one, ends }: Place): boolean {
  return levels.size > 0 || one !== null || ends.length > 0;
}

/**
 * Numbers the states in the order in which they were followed: what stands below one another and
 * is looked up one after the other stands side by side.
 */
function renumber(
  states: readonly TopicState[],
  edges: readonly TopicEdge[],
  order: readonly number[],
): { states: TopicState[]; edges: TopicEdge[] } {
  const numbers = new Uint32Array(states.length);
  order.forEach((state, number) => {
    numbers[state] = number + 1;
  });
  const numberOf = (state: number): number => numbers[state] ?? 0;
  const ordered = [0, ...order].map((index): TopicState => {
    const { other, answer, isFinal, hasEdges } = states[index] ?? unfollowed;
    return { other: numberOf(other), answer, isFinal, hasEdges };
  });
  return {
    states: ordered,
    edges: edges.map(({ state, level, next }) => {
      return { state: numberOf(state), level, next: numberOf(next) };
    }),
  };
}

/** Both ascending; so is the result. */
function sortedUnion(left: readonly number[], right: readonly number[]): readonly number[] {
  if (right.length === 0) return left;
  if (left.length === 0) return [...right].sort((a, b) => a - b);
  return [...new Set([...left, ...right])].sort((a, b) => a - b);
}
