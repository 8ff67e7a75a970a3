// Whole routers: what `defineRouter` makes of them, and every mistake that spans several parts.
import { describe, expect, it } from 'vitest';
import { check, findErrors } from '../../../../lib/compiler/check.js';
import { deserialize, serialize } from '../../../../lib/compiler/serialize.js';
import {
  defineRouter,
  discard,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  type RouterOptions,
  raw,
  rejectCode,
  returnTo,
  route,
  schema,
  source,
  t,
  transform,
  udp,
  validate,
  via,
  when,
} from '../../../../lib/index.js';
import { orderGateway } from '../../../helpers/order-gateway.js';
import { refusal } from '../../../helpers/refusal.js';

const packed = { layout: layout.packed() };
const A = schema('A', 1, { n: t.u32, m: t.u32, id: t.u64 }, packed);
const B = schema('B', 2, { n: t.u16, code: t.u32 }, packed);
const a = udp('a', { port: 0, messages: A });
const a2 = udp('a2', { port: 0, messages: A });
const b = udp('b', { port: 0, messages: B });
const opaque = memory('opaque');
const toB = transform(A, B, (o) => ({ n: o.n.to('u16').orReject('N_RANGE'), code: 0 }));
const rejectB = transform(A, B, () => ({ n: 0, code: rejectCode() }));
const drop = route.first(A, () => [otherwise.to(discard)]);

function define(options: Partial<RouterOptions>): RouterIr {
  return defineRouter({ endpoints: [a, a2, b, opaque], routes: [drop], ...options });
}

describe('defineRouter', () => {
  it('turns the order gateway into the IR that its text says', () => {
    const ir = orderGateway();
    expect(ir).toMatchObject({
      version: 1,
      name: 'order-gateway',
      idle: 'block',
      threading: { model: 'shared' },
      cpu: null,
      sampleEvery: 64,
      drainTimeoutMs: 5000,
      rejectCodes: { NOTIONAL: 1000 },
      pools: [{ name: 'venues', strategy: 'round-robin', members: [1, 2, 3] }],
    });
    expect(ir.families.map(({ name }) => name)).toEqual(['raw', 'ProtocolA', 'ProtocolB']);
    expect(ir.families[1]).toMatchObject({
      members: [0, 1, 2, 3],
      discriminator: { name: 'type', type: 'u8', offset: 4, bytes: 1 },
      size: { name: 'size', type: 'u32', offset: 0, bytes: 4 },
    });
    expect(ir.endpoints.map(({ family }) => family)).toEqual([1, 2, 2, 2, 2]);
    expect(ir.transforms.map(({ name }) => name)).toEqual([
      'NewOrder->VenueNewOrder',
      'NewOrder->Reject',
      'VenueExecReport->ExecReport',
    ]);
    expect(ir.routes.map(({ name, sources }) => ({ name, sources }))).toEqual([
      { name: 'NewOrder', sources: [0] },
      { name: 'VenueExecReport', sources: [1, 2, 3, 4] },
    ]);
    expect(ir.routes[0]).toMatchObject({
      checks: [{ code: 1000, condition: { kind: 'compare', op: 'lte' } }],
      rules: [
        { action: { transform: 0, target: { kind: 'endpoint', endpoint: 4 } } },
        { when: null, action: { transform: 0, target: { kind: 'pool', pool: 0 } } },
      ],
      reject: { transform: 1, target: { kind: 'return-source' } },
    });
    expect(ir.routes[1]?.rules[0]?.action.target).toEqual({ kind: 'return-field', field: 5 });
  });

  it('numbers codes: explicit ones first, the rest from 1000 in the order of first use', () => {
    const ir = define({
      validate: [
        validate(A, (o) => [
          o.n.gt(1).else('FIRST'),
          o.n.gt(2).else('FIXED', 1001),
          o.n.gt(3).else('FIRST'),
          o.n.gt(4).else('OUT_OF_RANGE'),
          o.n.gt(5).else('SECOND'),
        ]),
      ],
      routes: [route.first(A, () => [otherwise.via(toB).to(b)], { rejects: via(rejectB).to(b) })],
    });
    expect(ir.rejectCodes).toEqual({ FIXED: 1001, FIRST: 1000, SECOND: 1002, N_RANGE: 1003 });
    expect(ir.routes[0]?.checks.map(({ code }) => code)).toEqual([1000, 1001, 1000, 8, 1002]);
    expect(ir.transforms[0]?.outputs[0]?.rangeCode).toBe(1003);
  });

  it('maps endpoints to workers', () => {
    const workers = [
      { name: 'hot', endpoints: [a, b], cpu: 1, idle: 'spin' },
      { name: 'cold', endpoints: [opaque, a2] },
    ] as const;
    expect(define({ threading: { workers } }).threading).toEqual({
      model: 'map',
      workers: [
        { name: 'hot', endpoints: [0, 2], cpu: 1, idle: 'spin' },
        { name: 'cold', endpoints: [3, 1], cpu: null, idle: 'block' },
      ],
    });
  });

  it('names routes over one schema by their endpoints', () => {
    const rules = () => [otherwise.to(discard)];
    const routes = [
      route.first(A, rules, { from: a }),
      route.first(A, rules, { from: [a2] }),
      route.first(raw, () => [otherwise.to(discard)]),
    ];
    expect(define({ routes }).routes.map(({ name }) => name)).toEqual(['A@a', 'A@a2', 'raw']);
  });

  it('gives deeply frozen data that survives a structured clone and its own text', () => {
    const ir = orderGateway();
    expect(Object.isFrozen(ir.routes[0]?.rules[0]?.action)).toBe(true);
    expect(Object.isFrozen(ir.endpoints[0]?.options.queue)).toBe(true);
    expect(structuredClone(ir)).toEqual(ir);
    expect(deserialize(serialize(ir))).toEqual(ir);
    const reordered = Object.fromEntries(Object.entries(ir).reverse()) as unknown as RouterIr;
    expect(serialize(reordered)).toBe(serialize(ir));
    expect(() => deserialize('{')).toThrow(/not a serialised configuration/);
    expect(() => deserialize('{"a":{"$int":"x"}}')).toThrow(/not a serialised configuration/);
  });
});

describe('a router is refused', () => {
  const rules = () => [otherwise.to(discard)];
  const other = udp('other', { port: 0, messages: A });
  const twin = udp('a', { port: 0, messages: A });
  const sameName = schema('A', 9, { n: t.u8 }, packed);
  const first = lb.roundRobin();
  const cases: [string, () => unknown, string, string, RegExp, RegExp][] = [
    [
      'without endpoints',
      () => define({ endpoints: [] }),
      'ERR_CONFIG',
      'router.endpoints',
      /1 to 250/,
      /0 of them/,
    ],
    [
      'without routes',
      () => define({ routes: [] }),
      'ERR_CONFIG',
      'router.routes',
      /1 to/,
      /0 of them/,
    ],
    [
      'with more than 250 endpoints',
      () => define({ endpoints: Array.from({ length: 251 }, () => a) }),
      'ERR_CONFIG',
      'router.endpoints',
      /1 to 250/,
      /251 of them/,
    ],
    [
      'with an unknown option',
      () => define({ rutes: [] } as never),
      'ERR_CONFIG',
      'router.rutes',
      /known are/,
      /^$/,
    ],
    [
      'with a name that is none',
      () => define({ name: '../x' }),
      'ERR_CONFIG',
      'router.name',
      /a letter/,
      /x/,
    ],
    [
      'with something that is no endpoint',
      () => define({ endpoints: ['a' as never] }),
      'ERR_CONFIG',
      'router.endpoints[0]',
      /an endpoint/,
      /a/,
    ],
    [
      'with an endpoint twice',
      () => define({ endpoints: [a, a] }),
      'ERR_CONFIG',
      'endpoints[1]',
      /once/,
      /a/,
    ],
    [
      'with two endpoints of a name',
      () => define({ endpoints: [a, twin] }),
      'ERR_CONFIG',
      'endpoints[1].name',
      /endpoints\[0\] does not have/,
      /a/,
    ],
    [
      'with two schemas of a name',
      () => define({ endpoints: [a, udp('x', { port: 0, messages: sameName })] }),
      'ERR_SCHEMA',
      'schemas[1].name',
      /schemas\[0\]/,
      /A/,
    ],
    [
      'with something that is no route',
      () => define({ routes: [{} as never] }),
      'ERR_ROUTE',
      'router.routes[0]',
      /route.first/,
      /object/,
    ],
    [
      'with a route from an endpoint that is not listed',
      () => define({ routes: [route.first(A, rules, { from: other })] }),
      'ERR_CONFIG',
      'routes[0].from[0]',
      /listed in/,
      /other/,
    ],
    [
      'with a route to an endpoint that is not listed',
      () => define({ routes: [route.first(A, () => [otherwise.to(other)])] }),
      'ERR_CONFIG',
      'routes[0].rules[0].to',
      /listed in/,
      /other/,
    ],
    [
      'with a pool of an endpoint that is not listed',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('p', [other], first))])] }),
      'ERR_CONFIG',
      'pools.p.members[0]',
      /listed in/,
      /other/,
    ],
    [
      'with two routes over the same messages',
      () => define({ routes: [drop, route.first(A, rules, { from: a2, name: 'again' })] }),
      'ERR_ROUTE',
      'routes[1].from',
      /routes\[0\] does not serve/,
      /A from a2/,
    ],
    [
      'with a route that no endpoint feeds',
      () => define({ endpoints: [b], routes: [drop] }),
      'ERR_ROUTE',
      'routes[0].from',
      /carries A/,
      /none/,
    ],
    [
      'with two routes of a name',
      () =>
        define({
          routes: [
            route.first(A, rules, { name: 'x' }),
            route.first(B, () => [otherwise.to(discard)], { name: 'x' }),
          ],
        }),
      'ERR_ROUTE',
      'routes[1].name',
      /routes\[0\]/,
      /x/,
    ],
    [
      'with a rule after otherwise',
      () =>
        define({ routes: [route.first(A, (o) => [otherwise.to(discard), when(o.n.eq(1)).to(a)])] }),
      'ERR_ROUTE',
      'routes[0].rules[1]',
      /after `otherwise`/,
      /never reached/,
    ],
    [
      'with a route without rules',
      () => route.first(A, () => []),
      'ERR_ROUTE',
      'route A.rules',
      /1 to 16384/,
      /0/,
    ],
    [
      'with too many rules',
      () => route.first(A, (o) => Array.from({ length: 16_385 }, () => when(o.n.eq(1)).to(a))),
      'ERR_ROUTE',
      'route A.rules',
      /1 to 16384/,
      /16385/,
    ],
    [
      'with rules that are no array',
      () => route.first(A, () => otherwise.to(discard) as never),
      'ERR_ROUTE',
      'route A.rules',
      /array/,
      /.*/,
    ],
    [
      'with an unfinished rule',
      () => route.first(A, () => [otherwise as never]),
      'ERR_ROUTE',
      'route A.rules[0]',
      /a rule/,
      /.*/,
    ],
    [
      'with a reject code outside of rejects',
      () => define({ routes: [route.first(A, () => [otherwise.via(rejectB).to(b)])] }),
      'ERR_ROUTE',
      'routes[0].rules[0].via',
      /without rejectCode/,
      /A->B/,
    ],
    [
      'with rejects that go back as another schema',
      () =>
        define({ routes: [route.first(A, rules, { rejects: via(rejectB).to(returnTo(source)) })] }),
      'ERR_ROUTE',
      'routes[0].rejects.to',
      /carries B/,
      /a \(A\)/,
    ],
    [
      'with a return address for a schema nobody carries',
      () =>
        define({
          endpoints: [a, a2],
          routes: [route.first(A, (o) => [otherwise.via(toB).to(returnTo(o.id))])],
        }),
      'ERR_ROUTE',
      'routes[0].rules[0].to',
      /some endpoint carries/,
      /B/,
    ],
    [
      'with an empty pool',
      () => pool('p', [], first),
      'ERR_ROUTE',
      'pools.p.members',
      /1 to 250/,
      /.*/,
    ],
    [
      'with a pool without a strategy',
      () => pool('p', [a], undefined as never),
      'ERR_ROUTE',
      'pools.p.strategy',
      /lb.roundRobin/,
      /undefined/,
    ],
    [
      'with a pool of mixed messages',
      () =>
        define({
          routes: [route.first(A, () => [otherwise.to(pool('p', [a, b as never], first))])],
        }),
      'ERR_ROUTE',
      'pools[0].members[1]',
      /messages of the first/,
      /b/,
    ],
    [
      'with a pool that has a member twice',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('p', [a, a], first))])] }),
      'ERR_ROUTE',
      'pools[0].members[1]',
      /once/,
      /a/,
    ],
    [
      'with a pool called like an endpoint',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('b', [a], first))])] }),
      'ERR_ROUTE',
      'pools[0].name',
      /no endpoint has/,
      /b/,
    ],
    [
      'with a validation that no route runs',
      () => define({ validate: [validate(B, (o) => [o.n.gt(0).else('N')])] }),
      'ERR_ROUTE',
      'validate[0]',
      /a route serves/,
      /B/,
    ],
    [
      'with a code below 1000',
      () => validate(A, (o) => [o.n.gt(0).else('N', 999)]),
      'ERR_ROUTE',
      'validate.else',
      /1000 to/,
      /999/,
    ],
    [
      'with a number for a built-in code',
      () => validate(A, (o) => [o.n.gt(0).else('NO_ROUTE', 1000)]),
      'ERR_ROUTE',
      'validate.else',
      /no number/,
      /1000/,
    ],
    [
      'with one code for two names',
      () =>
        define({
          validate: [validate(A, (o) => [o.n.gt(0).else('X', 1000), o.n.gt(1).else('Y', 1000)])],
        }),
      'ERR_ROUTE',
      'validate.else',
      /'X' does not have/,
      /1000/,
    ],
    [
      'with two codes for one name',
      () =>
        define({
          validate: [validate(A, (o) => [o.n.gt(0).else('X', 1000), o.n.gt(1).else('X', 1001)])],
        }),
      'ERR_ROUTE',
      'validate.else',
      /has already, 1000/,
      /1001/,
    ],
    [
      'with an unknown threading model',
      () => define({ threading: 'many' as never }),
      'ERR_CONFIG',
      'router.threading',
      /'inline', 'shared'/,
      /many/,
    ],
    [
      'with a cpu for several workers',
      () => define({ threading: 'dedicated', cpu: 1 }),
      'ERR_CONFIG',
      'cpu',
      /'shared'/,
      /1/,
    ],
    [
      'with an endpoint without a worker',
      () => define({ threading: { workers: [{ name: 'w', endpoints: [a, a2, b] }] } }),
      'ERR_CONFIG',
      'threading.workers',
      /every endpoint/,
      /opaque/,
    ],
    [
      'with an endpoint of two workers',
      () =>
        define({
          threading: {
            workers: [
              { name: 'v', endpoints: [a, a2, b, opaque] },
              { name: 'w', endpoints: [a] },
            ],
          },
        }),
      'ERR_CONFIG',
      'threading.workers[1].endpoints',
      /v does not serve/,
      /a/,
    ],
    [
      'with an unknown idle strategy',
      () => define({ idle: 'sleep' as never }),
      'ERR_CONFIG',
      'router.idle',
      /'backoff'/,
      /sleep/,
    ],
    [
      'with a negative sample rate',
      () => define({ sampleEvery: -1 }),
      'ERR_CONFIG',
      'router.sampleEvery',
      /from 0/,
      /-1/,
    ],
  ];

  it.each(cases)('%s', (_name, body, code, option, expected, received) => {
    const error = refusal(body);
    expect(error.code).toBe(code);
    expect(error.detail.option).toBe(option);
    expect(error.detail.expected).toMatch(expected);
    expect(String(error.detail.received)).toMatch(received);
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });
});

describe('check', () => {
  it('finds nothing in what defineRouter made', () => {
    expect(findErrors(orderGateway())).toEqual([]);
  });

  it('refuses what is no configuration', () => {
    for (const value of [null, 1, 'x', [], {}, { version: 2 }, { version: 1, schemas: [] }]) {
      expect(refusal(() => check(value as never)).code).toBe('ERR_CONFIG');
    }
  });

  it('reports several mistakes, in order', () => {
    const ir = structuredClone(orderGateway()) as {
      -readonly [Key in keyof RouterIr]: RouterIr[Key];
    };
    ir.idle = 'sleep' as never;
    ir.pools = [{ ...(ir.pools[0] as RouterIr['pools'][0]), members: [] }];
    const options = findErrors(ir).map((error) => (error.detail as { option: string }).option);
    expect(options).toEqual(['idle', 'pools[0].members']);
  });

  /** Every number of the IR that is an index, an offset or a size, replaced by nonsense. */
  function* damaged(
    node: unknown,
    path: string,
  ): Generator<{ path: string; set: (value: unknown) => void }> {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'position' || key === 'options' || key === 'order') continue;
      const at = `${path}.${key}`;
      if (typeof value === 'number')
        yield { path: at, set: (bad) => Object.assign(node, { [key]: bad }) };
      yield* damaged(value, at);
    }
  }

  it('refuses every index, offset and size that points outside', () => {
    const ir = structuredClone(orderGateway());
    // A valid number again, or one without a bound that -7 breaks.
    let count = 0;
    for (const { path, set } of damaged(ir, 'ir')) {
      const before = path
        .split('.')
        .slice(1)
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], ir);
      set(-7);
      expect(findErrors(ir).length, `${path} = -7`).toBeGreaterThan(0);
      set(1e9 + 0.5);
      expect(findErrors(ir).length, `${path} = 1e9 + 0.5`).toBeGreaterThan(0);
      set(before);
      count += 1;
    }
    expect(findErrors(ir)).toEqual([]);
    expect(count).toBeGreaterThan(200);
  });
});
