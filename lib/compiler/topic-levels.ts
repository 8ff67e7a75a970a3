// Joins the levels of an automaton of topics: where states do nothing but lead on from the one
// state before them, its edges span their levels as well, and they are left out.
import type { TopicEdge, TopicState } from './text-topics.js';

export interface JoinedState extends TopicState {
  /** That each edge from here spans. */
  readonly levels: number;
}

export interface JoinedTopics {
  readonly states: readonly JoinedState[];
  readonly edges: readonly TopicEdge[];
}

interface Automaton {
  readonly separator: string;
  readonly states: readonly TopicState[];
  readonly edges: readonly TopicEdge[];
}

/** As many as a state of the image has room for. */
const levelsMax = 255;
const start = 1;

/** State 0 stays the one that meets nothing any more, 1 where topics start. */
export function joinLevels(automaton: Automaton): JoinedTopics {
  const { separator, states } = automaton;
  const below = new EdgesByState(automaton);
  const spans = spansOf(states, below, skippable(automaton));
  const numbers = new Uint32Array(states.length);
  const order = [0];
  const numberOf = (state: number): number => {
    if (state !== 0 && numbers[state] === 0) numbers[state] = order.push(state) - 1;
    return numbers[state] ?? 0;
  };
  numberOf(start);
  const joinedStates: JoinedState[] = [];
  const joinedEdges: TopicEdge[] = [];
  for (let number = 0; number < order.length; number += 1) {
    const index = order[number] as number;
    const { answer, isFinal, hasEdges, other } = states[index] as TopicState;
    const levels = spans[index] ?? 1;
    joinedStates.push({ answer, isFinal, hasEdges, other: numberOf(other), levels });
    const follow = (from: number, before: string, left: number): void => {
      for (const { level, next } of below.of(from)) {
        const label = before + level;
        if (left > 1) follow(next, label + separator, left - 1);
        else joinedEdges.push({ state: number, level: label, next: numberOf(next) });
      }
    };
    follow(index, '', levels);
  }
  return { states: joinedStates, edges: joinedEdges };
}

/** The edges of each state, without an array for each. */
class EdgesByState {
  readonly #edges: readonly TopicEdge[];
  readonly #order: Uint32Array;
  /** Where each state's edges start in the order; one more for the end. */
  readonly #firsts: Uint32Array;

  constructor({ states, edges }: Automaton) {
    this.#edges = edges;
    this.#order = new Uint32Array(edges.length);
    this.#firsts = new Uint32Array(states.length + 1);
    for (const { state } of edges) this.#firsts[state + 1] = (this.#firsts[state + 1] ?? 0) + 1;
    for (let state = 1; state <= states.length; state += 1) {
      this.#firsts[state] = (this.#firsts[state] ?? 0) + (this.#firsts[state - 1] ?? 0);
    }
    const places = this.#firsts.slice();
    edges.forEach(({ state }, index) => {
      const place = places[state] ?? 0;
      this.#order[place] = index;
      places[state] = place + 1;
    });
  }

  *of(state: number): Generator<TopicEdge> {
    const end = this.#firsts[state + 1] ?? 0;
    for (let place = this.#firsts[state] ?? 0; place < end; place += 1) {
      yield this.#edges[this.#order[place] ?? 0] as TopicEdge;
    }
  }
}

/** States that give no answer, and are reached and left by edges alone: reached by one. */
function skippable({ states, edges }: Automaton): Uint8Array {
  const reached = new Uint32Array(states.length);
  for (const { next } of edges) reached[next] = (reached[next] ?? 0) + 1;
  for (const { other } of states) reached[other] = (reached[other] ?? 0) + 1;
  reached[start] = 0;
  return Uint8Array.from(states, ({ answer, other, isFinal, hasEdges }, index) =>
    answer === 0 && other === 0 && !isFinal && hasEdges && reached[index] === 1 ? 1 : 0,
  );
}

/** Of each state the levels that its edges can span. */
function spansOf(
  states: readonly TopicState[],
  below: EdgesByState,
  canSkip: Uint8Array,
): Uint8Array {
  const spans = new Uint8Array(states.length).fill(1);
  // What can be skipped is reached from one state, so it comes behind that in this order.
  const order = inOrderOfDepth(states, below);
  for (const index of order.toReversed()) {
    if (states[index]?.other !== 0 || !states[index].hasEdges) continue;
    let least = levelsMax - 1;
    for (const { next } of below.of(index)) {
      least = Math.min(least, canSkip[next] === 1 ? (spans[next] ?? 1) : 0);
    }
    spans[index] = least + 1;
  }
  return spans;
}

function inOrderOfDepth(states: readonly TopicState[], below: EdgesByState): Uint32Array {
  const order = new Uint32Array(states.length + 1);
  let count = 0;
  const seen = new Uint8Array(states.length);
  const add = (state: number): void => {
    if (seen[state] === 1) return;
    seen[state] = 1;
    order[count] = state;
    count += 1;
  };
  add(start);
  for (let at = 0; at < count; at += 1) {
    const index = order[at] ?? 0;
    add(states[index]?.other ?? 0);
    for (const { next } of below.of(index)) add(next);
  }
  return order.subarray(0, count);
}
