// The scaling part of the route bench: one route with ever more rules of one kind.

import { defineRouter, layout, type RouterIr, route, schema, t, udp, when } from 'hyperroute';
import type { Condition, Refs } from '#internals';
import { type ExpectedInput, nowhere, randomBelow } from './route-traffic.js';

const Quote = schema(
  'Quote',
  1,
  {
    key: t.u32,
    price: t.u32,
    quantity: t.u32,
    venue: t.u16,
    kind: t.u8,
    flags: t.u8,
    name: t.ascii(16),
    topic: t.ascii(32),
  },
  { layout: layout.packed('le') },
);
type Quotes = Refs<typeof Quote>;

interface QuoteValues {
  readonly key: number;
  readonly price: number;
  readonly quantity: number;
  readonly venue: number;
  readonly kind: number;
  readonly flags: number;
  readonly name: string;
  readonly topic: string;
}

/** One kind of rules. */
interface Kind {
  readonly name: string;
  readonly counts: readonly number[];
  readonly inputCount: number;
  readonly condition: (quotes: Quotes, rule: number) => readonly Condition[];
  /** A message, and the first of the rules that holds for it; undefined: none. */
  readonly message: (
    ruleCount: number,
    below: Below,
  ) => readonly [Partial<QuoteValues>, number | undefined];
}

type Below = (limit: number) => number;

export interface ScalingCase {
  readonly name: string;
  readonly ruleCount: number;
  readonly ir: () => RouterIr;
  readonly inputs: () => ExpectedInput[];
}

const destinationCount = 4;
const decades = [10, 100, 1_000, 10_000, 100_000];
const overlappingCounts = [64, 1_024, 4_096, 16_384];
const inputCount = 32_768;

/** Numbers that look like chance, all of them different. */
const scattered = (rule: number): number => Math.imul(rule + 1, 0x9e3779b1) >>> 0;
const rangeWidth = 20_000;
const symbolOf = (rule: number): string => scattered(rule).toString(36).padStart(7, 'A');
const siteOf = (rule: number): string => `s${rule % 97}/l${rule % 331}/d${rule}`;

/** Messages of one rule each, drawn evenly. */
function hits(values: (rule: number, below: Below) => Partial<QuoteValues>): Kind['message'] {
  return (ruleCount, below) => {
    const rule = below(ruleCount);
    return [values(rule, below), rule];
  };
}

const kinds: readonly Kind[] = [
  {
    name: 'exact',
    counts: decades,
    inputCount,
    condition: (q, rule) => [q.key.eq(scattered(rule))],
    message: hits((rule) => ({ key: scattered(rule) })),
  },
  {
    name: 'range',
    counts: decades,
    inputCount,
    condition: (q, rule) => [q.key.between(2 * rule * rangeWidth, (2 * rule + 1) * rangeWidth)],
    message: hits((rule, below) => ({ key: 2 * rule * rangeWidth + below(rangeWidth) })),
  },
  {
    name: 'prefix',
    counts: decades,
    inputCount,
    condition: (q, rule) => [q.name.startsWith(symbolOf(rule))],
    message: hits((rule, below) => ({ name: `${symbolOf(rule)}.${below(1e6)}` })),
  },
  {
    name: 'topic',
    counts: decades,
    inputCount,
    condition: (q, rule) => [q.topic.matches(`${siteOf(rule)}/+/#`, { style: 'mqtt' })],
    message: hits((rule, below) => ({ topic: `${siteOf(rule)}/${below(100)}/t` })),
  },
  {
    name: 'overlapping',
    counts: overlappingCounts,
    // Which rule is the first to hold takes asking one after the other.
    inputCount: 4_096,
    condition: (q, rule) => {
      const { price, quantity, venue, flags } = overlappingRule(rule);
      return [
        q.price.between(...price),
        q.quantity.between(...quantity),
        q.venue.between(...venue),
        q.flags.eq(flags),
      ];
    },
    message: (ruleCount, below) => {
      const { price, quantity, venue, flags } = overlappingRule(below(ruleCount));
      const inside = ([low, high]: Interval): number => low + below(high - low + 1);
      const values = {
        price: inside(price),
        quantity: inside(quantity),
        venue: inside(venue),
        flags,
      };
      return [values, firstOverlapping(ruleCount, values)];
    },
  },
];

type Interval = [low: number, high: number];

interface OverlappingRule {
  readonly price: Interval;
  readonly quantity: Interval;
  readonly venue: Interval;
  readonly flags: number;
}

const overlappingRules: OverlappingRule[] = [];

function overlappingRule(rule: number): OverlappingRule {
  const known = overlappingRules[rule];
  if (known !== undefined) return known;
  const below = randomBelow(scattered(rule) | 1);
  const interval = (limit: number, width: number): Interval => {
    const low = below(limit - width);
    return [low, low + 1 + below(width)];
  };
  // The first numbers of the generator are close to its seed.
  for (let skipped = 0; skipped < 8; skipped += 1) below(1);
  const made = {
    price: interval(1_000_000, 200_000),
    quantity: interval(100_000, 20_000),
    venue: interval(1_000, 500),
    flags: below(4),
  };
  overlappingRules[rule] = made;
  return made;
}

function firstOverlapping(
  ruleCount: number,
  values: Pick<QuoteValues, 'price' | 'quantity' | 'venue' | 'flags'>,
): number | undefined {
  const holds = ([low, high]: Interval, value: number): boolean => value >= low && value <= high;
  for (let rule = 0; rule < ruleCount; rule += 1) {
    const { price, quantity, venue, flags } = overlappingRule(rule);
    if (flags !== values.flags || !holds(price, values.price)) continue;
    if (holds(quantity, values.quantity) && holds(venue, values.venue)) return rule;
  }
  return undefined;
}

function routerOf(kind: Kind, ruleCount: number): RouterIr {
  const quotes = udp('quotes', { port: 0, messages: Quote });
  const remote = { host: '127.0.0.1', port: 9 };
  const destinations = Array.from({ length: destinationCount }, (_none, index) =>
    udp(`destination-${index}`, { port: 0, remote, messages: Quote }),
  );
  const rules = (q: Quotes) =>
    Array.from({ length: ruleCount }, (_none, rule) => {
      const [first, ...rest] = kind.condition(q, rule) as [Condition, ...Condition[]];
      return when(first, ...rest).to(
        destinations[rule % destinationCount] as (typeof destinations)[number],
      );
    });
  return defineRouter({
    name: `${kind.name}-${ruleCount}`,
    endpoints: [quotes, ...destinations],
    routes: [route.first(Quote, rules, { from: quotes })],
  });
}

function inputsOf(kind: Kind, ruleCount: number): ExpectedInput[] {
  const below = randomBelow(ruleCount);
  return Array.from({ length: kind.inputCount }, () => {
    const [values, rule] = kind.message(ruleCount, below);
    const message = new Uint8Array(Quote.bytesMax);
    Quote.encode({ ...plainQuote, ...values }, message);
    const expected = rule === undefined ? nowhere : 1 + (rule % destinationCount);
    return { source: 0, message, expected };
  });
}

const plainQuote: QuoteValues = {
  key: 0,
  price: 0,
  quantity: 0,
  venue: 0,
  kind: 0,
  flags: 0,
  name: '',
  topic: '',
};

/** Every kind in every number of rules up to `ruleCountMax`. */
export function scalingCases(ruleCountMax: number): ScalingCase[] {
  return kinds.flatMap((kind) =>
    kind.counts
      .filter((ruleCount) => ruleCount <= ruleCountMax)
      .map((ruleCount) => ({
        name: `${ruleCount.toLocaleString('en')} ${kind.name} rules`,
        ruleCount,
        ir: () => routerOf(kind, ruleCount),
        inputs: () => inputsOf(kind, ruleCount),
      })),
  );
}
