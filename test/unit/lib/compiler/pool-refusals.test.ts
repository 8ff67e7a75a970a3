// Mistakes in pools, as the language and as data from elsewhere.
import { describe, expect, it } from 'vitest';
import { findErrors } from '../../../../lib/compiler/check.js';
import type { PoolIr, RouterIr } from '../../../../lib/compiler/ir.js';
import {
  defineRouter,
  defineStrategy,
  layout,
  lb,
  otherwise,
  pool,
  route,
  schema,
  t,
  udp,
  weighted,
} from '../../../../lib/index.js';
import { durationMs } from '../../../../lib/schema/options.js';
import { Order, poolRouter } from '../../../helpers/pool-router.js';
import { refusal } from '../../../helpers/refusal.js';

const a = udp('a', { port: 0, messages: Order });
const b = udp('b', { port: 0, messages: Order });
const Other = schema('Other', 2, { n: t.u32 }, { layout: layout.packed() });
const Maybe = schema('Maybe', 3, { n: t.u32.optional(), f: t.f64, s: t.string.max(9) });
const byClient = lb.hash(Order.refs.client);

function run(balancing: ReturnType<typeof lb.hash>) {
  const venues = pool('venues', [a, b], balancing);
  return defineRouter({
    endpoints: [a, b],
    routes: [route.first(Order, () => [otherwise.to(venues)])],
  });
}

const wrong = (compile: unknown) => defineStrategy({ name: 's', compile } as never);

describe('a pool is refused', () => {
  const cases: [string, () => unknown, string, RegExp][] = [
    ['with a weight of 0', () => weighted(a, 0), 'weighted(a)', /1 to 1000/],
    ['with a weight of no endpoint', () => weighted({} as never, 1), 'weighted', /an endpoint/],
    ['without a key', () => (lb.hash as () => unknown)(), 'lb.hash', /at least one field/],
    ['with the name of a field', () => lb.hash('client' as never), 'lb.hash[0]', /Order.refs/],
    [
      'with another number of slots',
      () => lb.hash(Order.refs.client, { slots: 7 as never }),
      'lb.hash.slots',
      /4099/,
    ],
    [
      'with an unknown measure',
      () => lb.leastLoaded({ measure: 'x' as never }),
      'lb.least-loaded.measure',
      /queue/,
    ],
    [
      'with an unknown option',
      () => pool('p', [a], byClient, { x: 1 } as never),
      'pools.p.x',
      /known are/,
    ],
    [
      'with an unknown panic',
      () => pool('p', [a], byClient, { panic: 'x' as never }),
      'pools.p.panic',
      /spread/,
    ],
    [
      'with a time that is none',
      () => pool('p', [a], byClient, { slowStart: '5h' as never }),
      'pools.p.slowStart',
      /250ms/,
    ],
    [
      'with ids of no members',
      () => pool('p', [a], lb.sticky(Order.refs.client, { x: 1 })),
      'pools.p.strategy.ids',
      /names of members/,
    ],
    [
      'with ids that are none',
      () => pool('p', [a], lb.sticky(Order.refs.venue, { a: 'x' })),
      'pools.p.strategy.ids.a',
      /a symbol/,
    ],
    [
      'with a strategy that makes no table',
      () =>
        pool(
          'p',
          [a],
          lb.custom(
            wrong(() => 5),
            Order.refs.client,
          ),
        ),
      'pools.p.strategy.slots',
      /from the strategy s/,
    ],
    ['with a strategy that is none', () => wrong(5), 'defineStrategy.compile', /a function/],
    [
      'with a table of strangers',
      () =>
        run(
          lb.custom(
            wrong(() => ({ slots: [[0], [2]] })),
            Order.refs.client,
          ),
        ),
      'pools[0].strategy.slots[1]',
      /indices below 2/,
    ],
    [
      'with keys of messages that nobody carries',
      () => run(lb.hash(Other.refs.n)),
      'pools.venues.strategy',
      /some endpoint carries/,
    ],
    [
      'with a key that is no text',
      () => refuse(lb.hash(Maybe.refs.f as never)),
      'pools.p.strategy',
      /integers, enumerations/,
    ],
    [
      'with a key that may be absent',
      () => refuse(lb.hash(Maybe.refs.n as never)),
      'pools[0].strategy.keys[0]',
      /every message has/,
    ],
    [
      'with ids in a text',
      () => run(lb.sticky(Order.refs.symbol as never)),
      'pools[0].strategy.keys[0]',
      /an integer field/,
    ],
  ];
  it.each(cases)('%s', (_, body, option, expected) => {
    const { code, detail } = refusal(body);
    expect(code).toBe('ERR_ROUTE');
    expect(detail.option).toBe(option);
    expect(detail.expected).toMatch(expected);
    expect(detail.place?.line).toBeGreaterThan(0);
  });

  function refuse(balancing: ReturnType<typeof lb.hash>) {
    const m = udp('m', { port: 0, messages: Maybe });
    const routes = [route.first(Maybe, () => [otherwise.to(pool('p', [m], balancing))])];
    return defineRouter({ endpoints: [m], routes });
  }
});

describe('the types', () => {
  it('refuse what is no key, no member and no option', () => {
    const client = Order.refs.client;
    const no = { slots: 7 };
    const bodies: (() => unknown)[] = [
      // @ts-expect-error: a key needs a field.
      () => lb.hash(),
      // @ts-expect-error: a field is named by schema.refs.
      () => lb.hash('client'),
      // @ts-expect-error: no such number of slots.
      () => lb.hash(client, no),
      // @ts-expect-error: no such field.
      () => lb.hash(Order.refs.nobody),
      // @ts-expect-error: an optional field.
      () => run(lb.hash(Maybe.refs.n)),
      // @ts-expect-error: a float.
      () => run(lb.hash(Maybe.refs.f)),
      // @ts-expect-error: a text is no id.
      () => run(lb.sticky(Order.refs.symbol)),
      // @ts-expect-error: no such measure.
      () => lb.twoChoices({ measure: 'x' }),
      // @ts-expect-error: not a time.
      () => pool('p', [a], byClient, { slowStart: '5h' }),
      // @ts-expect-error: weights are for endpoints.
      () => weighted(byClient, 2),
    ];
    for (const body of bodies) expect(refusal(body).code).toBe('ERR_ROUTE');
  });
});

describe('a route to a pool', () => {
  it('needs the key of its own messages', () => {
    const both = udp('both', { port: 0, messages: Other });
    const venues = pool('venues', [a, b], byClient);
    const { code, detail } = refusal(() =>
      defineRouter({
        endpoints: [a, b, both],
        routes: [route.first(Other, () => [otherwise.to(venues as never)])],
      }),
    );
    expect([code, detail.option]).toEqual(['ERR_ROUTE', 'routes[0].rules[0].to']);
  });
});

const keys = [{ schema: 0, fields: [0] }];
const badPools: readonly [string, Partial<PoolIr>, string][] = [
  ['an unknown strategy', { strategy: { kind: 'luck' } as never }, 'strategy'],
  [
    'a member twice',
    {
      members: [
        { endpoint: 1, weight: 1 },
        { endpoint: 1, weight: 1 },
      ],
    },
    'members[1]',
  ],
  ['a member that stands in for itself', { failover: [1] }, 'failover[0]'],
  ['a stand-in that does not exist', { failover: [9] }, 'failover[0]'],
  ['a fraction of a weight', { members: [{ endpoint: 1, weight: 1.5 }] }, 'members[0].weight'],
  [
    'a weight that nobody looks at',
    { strategy: { kind: 'failover' }, members: [{ endpoint: 1, weight: 2 }] },
    'members[0].weight',
  ],
  ['an id that nobody looks at', { strategy: { kind: 'weighted' } }, 'members[0].id'],
  [
    'the same id twice',
    {
      members: [
        { endpoint: 1, weight: 1, id: -1n },
        { endpoint: 2, weight: 1, id: 2n ** 64n - 1n },
      ],
    },
    'members[1].id',
  ],
  [
    'an id that is too large',
    { members: [{ endpoint: 1, weight: 1, id: 2n ** 64n }] },
    'members[0].id',
  ],
  [
    'slots that are no prime of ours',
    { strategy: { kind: 'hash', keys, slots: 4096 } },
    'strategy.slots',
  ],
  ['no slots', { strategy: { kind: 'table', name: 't', keys, slots: [] } }, 'strategy.slots'],
  [
    'a slot without members',
    { strategy: { kind: 'table', name: 't', keys, slots: [[]] } },
    'strategy.slots[0]',
  ],
  [
    'a slot with a member twice',
    { strategy: { kind: 'table', name: 't', keys, slots: [[0, 0]] } },
    'strategy.slots[0]',
  ],
  [
    'two keys of one type',
    { strategy: { kind: 'hash', keys: [...keys, ...keys], slots: 4099 } },
    'strategy.keys[1]',
  ],
  [
    'a key without fields',
    { strategy: { kind: 'hash', keys: [{ schema: 0, fields: [] }], slots: 4099 } },
    'strategy.keys[0]',
  ],
  ['an unknown panic', { panic: 'x' as never }, 'panic'],
  [
    'stand-ins of a broadcast',
    { strategy: { kind: 'broadcast', delivery: 'best-effort' } },
    'failover',
  ],
  [
    'a broadcast that panics',
    { strategy: { kind: 'broadcast', delivery: 'best-effort' }, failover: [], panic: 'spread' },
    'panic',
  ],
  ['an endless slow start', { slowStartMs: 1e9 }, 'slowStart'],
  [
    'an ejection of nobody',
    { eject: { consecutive: 0, forMs: 1, maxShare: 1 } },
    'eject.consecutive',
  ],
  [
    'an ejection of more than all',
    { eject: { consecutive: 1, forMs: 1, maxShare: 2 } },
    'eject.max',
  ],
];

describe('data that was not made by the language is judged as well', () => {
  const sound = poolRouter({
    members: ['a', 'b'],
    balancing: lb.sticky(Order.refs.client, { a: 1 }),
    failover: ['c'],
  });
  const hashed = poolRouter({ members: ['a', 'b'], balancing: byClient });
  const changed = (ir: RouterIr, change: Partial<PoolIr>): string[] => {
    const [first] = ir.pools;
    const bad = { ...ir, pools: [{ ...(first as PoolIr), ...change }] };
    return findErrors(bad).map(({ detail }) => (detail as { option: string }).option);
  };

  it.each(badPools)('%s', (_, change, option) => {
    expect(changed(sound, change)).toContain(`pools[0].${option}`);
  });

  it('and accepted when it is sound', () => {
    expect(findErrors(sound)).toEqual([]);
    expect(changed(hashed, { panic: 'park', slowStartMs: 100 })).toEqual([]);
  });

  it('parked messages need queues that keep them', () => {
    const [, ...rest] = hashed.endpoints;
    const losing = [hashed.endpoints[0], ...rest].map((endpoint) => ({
      ...endpoint,
      options: { ...endpoint?.options, queue: { full: 'reject' } },
    }));
    const bad = { ...hashed, endpoints: losing } as RouterIr;
    expect(changed(bad, { panic: 'park' })).toContain('pools[0].panic');
  });
});

describe('durations', () => {
  it('are numbers of milliseconds, or text with a unit', () => {
    const texts = ['0ms', '250ms', '1.5s', '10s', '2m', '1.1s', '0.001s'];
    expect(texts.map(durationMs)).toEqual([0, 250, 1500, 10_000, 120_000, 1100, 1]);
    expect([durationMs(0), durationMs(75)]).toEqual([0, 75]);
    const wrong = [
      '',
      '5',
      '5h',
      '-1s',
      '1 s',
      's',
      '1e3ms',
      '0.5ms',
      -1,
      1.5,
      Number.NaN,
      null,
      {},
    ];
    for (const value of wrong) expect(durationMs(value)).toBeUndefined();
  });
});
