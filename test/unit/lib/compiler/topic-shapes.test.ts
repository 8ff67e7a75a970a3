// Patterns of one shape are told apart by the levels that they name, and routes are taken apart by
// shapes where that is worth it.
import { describe, expect, it } from 'vitest';
import type { ConditionIr, RouteIr, TopicStyle } from '../../../../lib/compiler/ir.js';
import { fitsByShape, keyTextOf, shapeOf } from '../../../../lib/compiler/topic-shapes.js';
import { topicsByShape } from '../../../../lib/compiler/topic-uses.js';
import { defineRouter, memory, otherwise, route, schema, t } from '../../../../lib/index.js';
import { hexOf } from '../../../helpers/random-text.js';

const shape = (pattern: string, style: TopicStyle = 'mqtt') => shapeOf(hexOf(pattern), style);
const key = (pattern: string, style: TopicStyle = 'mqtt') => keyTextOf(hexOf(pattern), style);

describe('the shape of a pattern', () => {
  it('is which levels it names, and how many a topic has', () => {
    expect(shape('a/b')).toEqual({ named: 0b11, levels: 2, goesOn: false });
    expect(shape('a/+/c')).toEqual({ named: 0b101, levels: 3, goesOn: false });
    expect(shape('+')).toEqual({ named: 0, levels: 1, goesOn: false });
    expect(shape('/b')).toEqual({ named: 0b11, levels: 2, goesOn: false });
    const levels = Array.from({ length: 32 }, (_none, level) => (level === 31 ? 'x' : '+'));
    expect(shape(levels.join('/'))).toMatchObject({ named: 2 ** 31, levels: 32 });
  });

  it('says whether a topic may go on, of NATS by one level at least', () => {
    expect(shape('a/#')).toEqual({ named: 1, levels: 1, goesOn: true });
    expect(shape('#')).toEqual({ named: 0, levels: 0, goesOn: true });
    expect(shape('a.>', 'nats')).toEqual({ named: 1, levels: 2, goesOn: true });
    expect(shape('>', 'nats')).toEqual({ named: 0, levels: 1, goesOn: true });
  });
});

describe('the text by which a pattern is looked up', () => {
  it('has levels side by side as they stand', () => {
    expect(key('site/4/state')).toBe('site/4/state');
    expect(key('+/4/state/#')).toBe('4/state');
    expect(key('a.*.>', 'nats')).toBe('a');
    expect(key('+/#')).toBe('');
  });

  it('fills up words where a wildcard stands between them', () => {
    expect(key('a/+/c')).toBe('a/\0\0\0\0\0\0c');
    expect(key('1234567/+/c/d/+/f')).toBe('1234567/c/d/\0\0\0\0f');
    expect(key('12345678/+/')).toBe('12345678/\0\0\0\0\0\0\0');
  });

  it('has room for long levels only where they lie together', () => {
    const long = 'x'.repeat(300);
    expect(fitsByShape(hexOf(`${long}/b/+`), 'mqtt')).toBe(true);
    expect(fitsByShape(hexOf(`${long}/+/b`), 'mqtt')).toBe(false);
    expect(fitsByShape(hexOf(`a/+/${'x'.repeat(248)}`), 'mqtt')).toBe(true);
    expect(fitsByShape(hexOf(`a/+/${'x'.repeat(249)}`), 'mqtt')).toBe(false);
  });
});

describe('a route of topics', () => {
  const Note = schema('Note', 1, { topic: t.string.max(600), other: t.string.max(60) });
  const notes = memory('notes', { messages: Note });
  const [plain] = defineRouter({
    endpoints: [notes],
    routes: [route.first(Note, () => [otherwise.to(notes)])],
  }).routes;

  const matches = (...patterns: string[]): ConditionIr => {
    return { kind: 'text', field: 0, test: 'topic', style: 'mqtt', patterns: patterns.map(hexOf) };
  };
  const namesOf = (conditions: readonly ConditionIr[], mode: RouteIr['mode'] = 'first') => {
    const { rules, ...rest } = plain as RouteIr;
    const made = conditions.map((when) => ({ ...(rules[0] as RouteIr['rules'][number]), when }));
    return [...topicsByShape({ ...rest, mode, rules: made }).keys()];
  };
  const many = (...ends: string[]): ConditionIr[] =>
    Array.from({ length: 1_100 }, (_none, n) => matches(`site/${n}${ends[n % ends.length]}`));
  const name = ['text 0 topic mqtt'];

  it('goes by shape where there is one shape, however its rules ask', () => {
    expect(namesOf([matches('a/+')])).toEqual(name);
    expect(namesOf([matches('a/+', 'b/+')], 'all')).toEqual(name);
    expect(namesOf([{ kind: 'not', term: matches('a/+') }, matches('c/+')])).toEqual(name);
  });

  it('goes by shapes where a great many rules ask nothing else', () => {
    expect(namesOf(many('/a', '/+', '/#'))).toEqual(name);
    expect(namesOf(many('/a', '/+', '/#').slice(0, 900))).toEqual([]);
    expect(namesOf(many('/a', '/+', '/#'), 'all')).toEqual([]);
    const beside = { kind: 'not', term: matches('a/b') } as const;
    expect(namesOf([...many('/a', '/+', '/#'), beside])).toEqual([]);
  });

  it('is an automaton where there are more shapes than matchers have room for', () => {
    const ends = ['', '/a', '/+', '/#', '/+/a', '/a/+'];
    expect(namesOf(many(...ends))).toEqual(name);
    expect(namesOf(many(...ends, '/+/+'))).toEqual([]);
  });

  it('is an automaton where a pattern is too long', () => {
    const long = matches(`a/+/${'x'.repeat(300)}`);
    expect(namesOf([long])).toEqual([]);
    expect(namesOf([...many('/a', '/+'), long])).toEqual([]);
  });
});
