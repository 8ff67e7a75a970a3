// Joined levels change what a look-up costs and no answer: the automaton and what is made of it are
// walked side by side.
import { describe, expect, it } from 'vitest';
import { buildTopicMap, type TopicMap } from '../../../../lib/compiler/text-topics.js';
import { type JoinedTopics, joinLevels } from '../../../../lib/compiler/topic-levels.js';
import { hexOf, randomTopic, textsNear } from '../../../helpers/random-text.js';
import { RandomValues } from '../../../helpers/random-values.js';

const place = { option: 'rules', position: { file: 'router.config.ts', line: 1, column: 1 } };
const seed = Number(process.env.HYPERROUTE_SEED ?? 1);

const build = (patterns: readonly string[], style: 'mqtt' | 'nats' = 'mqtt'): TopicMap =>
  buildTopicMap(patterns.map(hexOf), style, place);

/** As the engine does. */
function answerOf(
  { states, edges }: Pick<TopicMap, 'states' | 'edges'> | JoinedTopics,
  separator: string,
  topic: string,
): number {
  let rest = topic.split(separator);
  for (let number = 1; ; ) {
    const state = states[number];
    if (state === undefined) throw new RangeError(`no state ${number}`);
    const levels = 'levels' in state ? state.levels : 1;
    const label = rest.slice(0, levels).join(separator);
    rest = rest.slice(levels);
    const edge = edges.find(({ state, level }) => state === number && level === label);
    number = edge?.next ?? state.other;
    const reached = states[number];
    if (reached?.isFinal === true || rest.length === 0) return reached?.answer ?? -1;
  }
}

describe('levels of topics', () => {
  it('are looked up together where there is nothing between them', () => {
    const patterns = ['site/1/line/a/+', 'site/1/line/b/+', 'site/2/line/a/#', 'site/2/line/a/b'];
    const { states, edges } = joinLevels(build(patterns));
    expect(states[1]?.levels).toBe(4);
    expect(edges.map(({ level }) => level)).toEqual(
      expect.arrayContaining(['site/1/line/a', 'site/1/line/b', 'site/2/line/a', 'b']),
    );
    expect(edges).toHaveLength(4);
  });

  it('are looked up one by one where a topic may end or a wildcard stands', () => {
    for (const other of ['site', 'site/#', 'site/+/b', '+/1/c']) {
      const { states } = joinLevels(build(['site/1/a', other]));
      expect(states[1]?.levels, other).toBe(1);
    }
  });

  it('lead to the same answers', () => {
    const random = new RandomValues(seed);
    let joined = 0;
    for (let round = 0; round < 400; round += 1) {
      const style = random.pick(['mqtt', 'nats'] as const);
      const count = random.between(1, 8);
      const patterns = Array.from({ length: count }, () => randomTopic(random, style, true));
      const start = random.pick(['', 'x', 'x.y/z', 'x/y']);
      const distinct = [...new Set(patterns.map((pattern) => `${start}${pattern}`))];
      const map = build(distinct, style);
      const result = joinLevels(map);
      joined += result.states.some(({ levels }) => levels > 1) ? 1 : 0;
      for (const topic of distinct.flatMap((pattern) => textsNear(random, pattern, style))) {
        const expected = answerOf(map, map.separator, topic);
        const place = `seed ${seed}, round ${round}: ${JSON.stringify({ distinct, topic })}`;
        expect(answerOf(result, map.separator, topic), place).toBe(expected);
      }
    }
    expect(joined).toBeGreaterThan(50);
  });
});
