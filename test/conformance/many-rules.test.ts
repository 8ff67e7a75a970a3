// Routes of a hundred thousand rules: they compile within bounds of memory, become tables whose
// look-ups do not grow with them, and decide as the interpreter does.
import { afterAll, describe, expect, it } from 'vitest';
import { emitWithReport } from '../../lib/compiler/emit.js';
import { decide, initialState } from '../../lib/compiler/interpret.js';
import * as library from '../../lib/index.js';
import { manyRules, type RuleKind } from '../helpers/many-rules.js';
import { RandomValues } from '../helpers/random-values.js';
import { loadImage, nativeDecisions } from '../helpers/route-image.js';

const seed = Number(process.env.HYPERROUTE_SEED ?? 1);
const messageCount = 2_000;
/** The interpreter looks at one rule after the other. */
const interpretedCount = 12;
const timeout = 300_000;

/** Bytes of the image for a rule, and what finds it. `apart`: no two rules hold together. */
interface Expected {
  readonly kind: RuleKind;
  readonly count?: number;
  readonly bytesPerRule: number;
  readonly matcher: 'exact' | 'table' | 'text';
  readonly maps: readonly ('keyPart' | 'buckets' | 'text')[];
  readonly apart: boolean;
}

/** A table for each shape of patterns. */
const shapes = (count: number): 'text'[] => Array.from({ length: count }, () => 'text');

const expectations: readonly Expected[] = [
  { kind: 'exact', bytesPerRule: 24, matcher: 'exact', maps: ['keyPart'], apart: true },
  { kind: 'range', bytesPerRule: 40, matcher: 'table', maps: ['buckets'], apart: true },
  {
    kind: 'prefix',
    count: 20_000,
    bytesPerRule: 40,
    matcher: 'table',
    maps: ['buckets'],
    apart: false,
  },
  { kind: 'start', bytesPerRule: 80, matcher: 'text', maps: ['text'], apart: true },
  { kind: 'text', count: 20_000, bytesPerRule: 40, matcher: 'text', maps: ['text'], apart: true },
  { kind: 'topic', bytesPerRule: 60, matcher: 'text', maps: shapes(3), apart: false },
  {
    kind: 'wildcard',
    count: 20_000,
    bytesPerRule: 70,
    matcher: 'text',
    maps: shapes(6),
    apart: false,
  },
];

describe('a great many rules', () => {
  it.each(expectations)(
    'of kind $kind become tables that find the first one',
    (expected) => {
      const ruleCount = expected.count ?? 100_000;
      const { ir, message } = manyRules(library, expected.kind, ruleCount);
      const { image, report } = emitWithReport(ir);
      const [route] = report.routes;
      expect(route?.matcher).toBe(expected.matcher);
      expect(route?.fields.map(({ map }) => map)).toEqual(expected.maps);
      expect(image.length / ruleCount).toBeLessThan(expected.bytesPerRule);
      const random = new RandomValues(seed);
      const chosen = Array.from({ length: messageCount }, () => random.below(ruleCount));
      const messages = chosen.map((rule) => ({ source: 0, message: message(rule) }));
      const native = loadImage(image);
      const words = nativeDecisions(native, messages);
      const decided = messages.map((_message, at) => words[4 * at + 1] ?? -1);
      const place = (at: number): string => `seed ${seed}, message ${at} for rule ${chosen[at]}`;
      for (const [at, rule] of chosen.entries()) {
        if (expected.apart) expect(decided[at], place(at)).toBe(rule);
        else expect(decided[at], place(at)).toBeLessThanOrEqual(rule);
      }
      const state = initialState(ir, 1n);
      for (const [at, sent] of messages.slice(0, interpretedCount).entries()) {
        expect(decided[at], place(at)).toBe(decide(ir, state, 0, sent.message).rule);
      }
    },
    timeout,
  );

  afterAll(() => {
    // All of them, one after the other, with what Node and the test's own tools take.
    expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(1.5e9);
  });
});

describe('values that crowd in a few places', () => {
  it(
    'are found by a tree, which does not mind',
    () => {
      const { defineRouter, layout, memory, otherwise, route, schema, t, when } = library;
      const Order = schema('Order', 1, { key: t.u64 }, { layout: layout.packed() });
      const [source, out] = [memory('in', { messages: Order }), memory('out', { messages: Order })];
      // Half of them at each end of the range: what they start with says nothing.
      const low = (n: number): bigint => {
        const distance = 10_000n * BigInt(n + 1);
        return n % 2 === 0 ? distance : (1n << 64n) - distance;
      };
      const count = 60_000;
      const ir = defineRouter({
        endpoints: [source, out],
        routes: [
          route.first(
            Order,
            (o) => [
              ...Array.from({ length: count }, (_none, n) =>
                when(o.key.between(low(n), low(n) + 5000n)).to(out),
              ),
              otherwise.to(out),
            ],
            { from: source },
          ),
        ],
      });
      const { image, report } = emitWithReport(ir);
      expect(report.routes[0]?.fields).toMatchObject([{ map: 'tree' }]);
      const asked = Array.from({ length: count / 50 }, (_none, at) => 50 * at + (at % 2));
      const keys = asked
        .map(low)
        .flatMap((key) => [-1n, 0n, 5000n, 5001n].map((step) => BigInt.asUintN(64, key + step)));
      const messages = keys.map((key) => {
        const bytes = new Uint8Array(Order.bytesMax);
        Order.encode({ key }, bytes);
        return { source: 0, message: bytes };
      });
      const words = nativeDecisions(loadImage(image), messages);
      for (const [at, key] of keys.entries()) {
        const n = asked[Math.floor(at / 4)] ?? 0;
        const isInside = key >= low(n) && key <= low(n) + 5000n;
        expect(words[4 * at + 1], `key ${key}`).toBe(isInside ? n : count);
      }
    },
    timeout,
  );
});
