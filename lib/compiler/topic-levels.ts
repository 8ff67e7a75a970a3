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
export function joinLevels({ separator, states, edges }: Automaton): JoinedTopics {
  const below = edgesByState(states.length, edges);
  const spans = spansOf(states, below, skippable(states, edges));
  const numbers = new Map<number, number>([[0, 0]]);
  const order = [0];
  const numberOf = (state: number): number => {
    const known = numbers.get(state) ?? order.length;
    if (known === order.length) {
      numbers.set(state, known);
      order.push(state);
    }
    return known;
  };
  numberOf(start);
  const joinedStates: JoinedState[] = [];
  const joinedEdges: TopicEdge[] = [];
  for (let number = 0; number < order.length; number += 1) {
    const index = order[number] as number;
    const state = states[index] as TopicState;
    const levels = spans[index] ?? 1;
    joinedStates.push({ ...state, other: numberOf(state.other), levels });
    let front: readonly TopicEdge[] = below[index] ?? [];
    for (let level = 1; level < levels; level += 1) {
      front = front.flatMap(({ level: before, next }) =>
        (below[next] ?? []).map((edge) => ({
          ...edge,
          level: `${before}${separator}${edge.level}`,
        })),
      );
    }
    for (const { level, next } of front) {
      joinedEdges.push({ state: number, level, next: numberOf(next) });
    }
  }
  return { states: joinedStates, edges: joinedEdges };
}

function edgesByState(stateCount: number, edges: readonly TopicEdge[]): TopicEdge[][] {
  const below: TopicEdge[][] = Array.from({ length: stateCount }, () => []);
  for (const edge of edges) below[edge.state]?.push(edge);
  return below;
}

/** States that give no answer, and are reached and left by edges alone: reached by one. */
function skippable(states: readonly TopicState[], edges: readonly TopicEdge[]): Uint8Array {
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
  below: readonly (readonly TopicEdge[])[],
  canSkip: Uint8Array,
): Uint8Array {
  const spans = new Uint8Array(states.length).fill(1);
  // What can be skipped is reached from one state, so it comes behind that in this order.
  const order = inOrderOfDepth(states, below);
  for (const index of order.toReversed()) {
    const edges = below[index] ?? [];
    if (states[index]?.other !== 0 || edges.length === 0) continue;
    let least = levelsMax - 1;
    for (const { next } of edges) {
      least = Math.min(least, canSkip[next] === 1 ? (spans[next] ?? 1) : 0);
    }
    spans[index] = least + 1;
  }
  return spans;
}

function inOrderOfDepth(
  states: readonly TopicState[],
  below: readonly (readonly TopicEdge[])[],
): number[] {
  const order = [start];
  const seen = new Uint8Array(states.length);
  seen[start] = 1;
  const add = (state: number): void => {
    if (seen[state] === 1) return;
    seen[state] = 1;
    order.push(state);
  };
  for (let at = 0; at < order.length; at += 1) {
    const index = order[at] as number;
    add(states[index]?.other ?? 0);
    for (const { next } of below[index] ?? []) add(next);
  }
  return order;
}
