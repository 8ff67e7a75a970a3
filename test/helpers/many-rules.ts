// Routes of as many rules as one likes, of each kind that the compiler has a form of its own for,
// and messages for them. The library is a parameter: a test takes the sources, others the build.
import type * as library from '../../lib/index.js';
import { RandomValues } from './random-values.js';

type Library = Pick<
  typeof library,
  'defineRouter' | 'layout' | 'memory' | 'otherwise' | 'route' | 'schema' | 't' | 'when'
>;

/**
 * What the rules test: `exact` one number, `pair` two of them, `range` disjoint intervals of a
 * number, `prefix` the first bits of an address, as networks of any size, `start` how a text
 * begins, `text` all of it, `topic` levels of a topic, of which some are wildcards, `wildcard`
 * the same with wildcards at every level, `box` intervals of two numbers, which overlap.
 */
export const ruleKinds = [
  'exact',
  'pair',
  'range',
  'prefix',
  'start',
  'text',
  'topic',
  'wildcard',
  'box',
] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** A rule's constants. */
interface Rule {
  readonly low: bigint;
  readonly high: bigint;
  readonly second: number;
  readonly width: number;
  readonly bits: number;
  readonly text: string;
}

const none: Rule = { low: 0n, high: 0n, second: 0, width: 0, bits: 0, text: '' };

function rulesOf(kind: RuleKind, count: number, random: RandomValues): Rule[] {
  switch (kind) {
    case 'exact':
    case 'pair':
      return distinct(count, () => random.u64()).map((low) => {
        return { ...none, low, high: low, second: random.below(1000) };
      });
    case 'range': {
      const starts = distinct(2 * count, () => random.u64()).sort((a, b) => (a < b ? -1 : 1));
      const rules = Array.from({ length: count }, (_unused, n) => {
        return { ...none, low: starts[2 * n] ?? 0n, high: starts[2 * n + 1] ?? 0n };
      });
      return random.shuffled(rules);
    }
    case 'prefix':
      return networks(count, random);
    case 'start':
    case 'text':
      return distinct(count, () => nameOf(random)).map((text) => ({ ...none, text }));
    case 'topic':
      return distinct(count, () => topicOf(random)).map((text) => ({ ...none, text }));
    case 'wildcard':
      return distinct(count, () => wildcardOf(random)).map((text) => ({ ...none, text }));
    case 'box':
      return Array.from({ length: count }, () => {
        const low = random.u64() >> 1n;
        const high = low + (random.u64() >> 7n);
        return { ...none, low, high, second: random.below(60_000), width: random.below(3000) };
      });
  }
}

function distinct<Value>(count: number, make: () => Value): Value[] {
  const values = new Set<Value>();
  while (values.size < count) values.add(make());
  return [...values];
}

/** Networks of 12 to 32 bits, most of 24; the smaller ones first, for they lie in others. */
function networks(count: number, random: RandomValues): Rule[] {
  const bitsOf = (): number => (random.chance(60) ? 24 : random.between(12, 32));
  const made = distinct(count, () => {
    const bits = bitsOf();
    return (BigInt((random.u32() >>> (32 - bits)) * 2 ** (32 - bits)) << 8n) | BigInt(bits);
  });
  const rules = made.map((both): Rule => {
    const bits = Number(both & 0xffn);
    const low = both >> 8n;
    return { ...none, low, high: low | ((1n << BigInt(32 - bits)) - 1n), bits };
  });
  return rules.sort((a, b) => b.bits - a.bits);
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function nameOf(random: RandomValues): string {
  const characters = Array.from({ length: 10 }, () => random.pick([...letters]));
  return `${random.pick(['EQ', 'FUT', 'OPT'])}.${characters.join('')}`;
}

function topicOf(random: RandomValues): string {
  const place = `site${random.below(40)}/line${random.below(500)}`;
  const device = `device${random.below(100_000)}`;
  const kind = random.below(10);
  if (kind < 5) return `${place}/${device}/state`;
  return kind < 8 ? `${place}/${device}/#` : `${place}/+/metric${random.below(1000)}`;
}

/** Most of them name all levels; some stand for one, or for all behind the third. */
function wildcardOf(random: RandomValues): string {
  const levels = [
    `site${random.below(40)}`,
    `line${random.below(500)}`,
    `device${random.below(100_000)}`,
    `metric${random.below(20)}`,
  ];
  const place = random.below(12);
  if (place === 4) levels[3] = '#';
  else if (place < 4) levels[place] = '+';
  return levels.join('/');
}

export interface ManyRules {
  readonly ir: library.RouterIr;
  /** A message for which that rule holds; of `prefix` and `topic` one before it may hold too. */
  message(rule: number): Uint8Array;
}

const destinations = [0, 1, 2, 3, 4, 5, 6, 7];

/** A router whose first endpoint has one route: so many rules, and one for everything else. */
export function manyRules(lib: Library, kind: RuleKind, count: number): ManyRules {
  const random = new RandomValues(count);
  const rules = rulesOf(kind, count, random);
  return isTextKind(kind) ? ofTexts(lib, kind, rules) : ofNumbers(lib, kind, rules, random);
}

type TextKind = 'start' | 'text' | 'topic' | 'wildcard';

function isTextKind(kind: RuleKind): kind is TextKind {
  return kind === 'start' || kind === 'text' || kind === 'topic' || kind === 'wildcard';
}

function ofNumbers(
  lib: Library,
  kind: Exclude<RuleKind, TextKind>,
  rules: readonly Rule[],
  random: RandomValues,
): ManyRules {
  const { defineRouter, layout, memory, otherwise, route, schema, t, when } = lib;
  const fields = { key: t.u64, second: t.u16, address: t.u32, payload: t.bytes(10) };
  const Order = schema('Order', 1, fields, { layout: layout.packed() });
  const source = memory('in', { messages: Order });
  const outs = destinations.map((n) => memory(`out${n}`, { messages: Order }));
  const numbers = route.first(
    Order,
    (o) => [
      ...rules.map(({ low, high, second, width, bits }, n) => {
        const start = {
          exact: () => when(o.key.eq(low)),
          pair: () => when(o.key.eq(low), o.second.eq(second)),
          range: () => when(o.key.between(low, high)),
          prefix: () => when(o.address.prefix(Number(low), bits)),
          box: () => when(o.key.between(low, high), o.second.between(second, second + width)),
        }[kind]();
        return start.to(outs[n % 8] as (typeof outs)[number]);
      }),
      otherwise.to(outs[7] as (typeof outs)[number]),
    ],
    { from: source },
  );
  return {
    ir: defineRouter({ endpoints: [source, ...outs], routes: [numbers] }),
    message: (rule) => {
      const { low, high, second, width } = rules[rule] as Rule;
      const value = low + (random.u64() % (high - low + 1n));
      const order = {
        key: value,
        second: second + random.below(width + 1),
        address: kind === 'prefix' ? Number(value) : 0,
        payload: new Uint8Array(10),
      };
      const message = new Uint8Array(Order.bytesMax);
      return message.subarray(0, Order.encode(order, message));
    },
  };
}

function ofTexts(
  { defineRouter, memory, otherwise, route, schema, t, when }: Library,
  kind: TextKind,
  rules: readonly Rule[],
): ManyRules {
  const Note = schema('Note', 2, { id: t.u64, topic: t.string.max(60) });
  const source = memory('in', { messages: Note });
  const outs = destinations.map((n) => memory(`out${n}`, { messages: Note }));
  const texts = route.first(
    Note,
    (m) => [
      ...rules.map(({ text }, n) => {
        const condition = {
          start: () => m.topic.startsWith(text),
          text: () => m.topic.is(text),
          topic: () => m.topic.matches(text, { style: 'mqtt' }),
          wildcard: () => m.topic.matches(text, { style: 'mqtt' }),
        }[kind]();
        return when(condition).to(outs[n % 8] as (typeof outs)[number]);
      }),
      otherwise.to(outs[7] as (typeof outs)[number]),
    ],
    { from: source },
  );
  return {
    ir: defineRouter({ endpoints: [source, ...outs], routes: [texts] }),
    message: (rule) => {
      const { text } = rules[rule] as Rule;
      const said = text.replace('+', 'device7').replace('#', 'sub/state');
      const message = new Uint8Array(Note.bytesMax);
      const topic = kind === 'start' ? `${text}/1` : said;
      return message.subarray(0, Note.encode({ id: 1n, topic }, message));
    },
  };
}
