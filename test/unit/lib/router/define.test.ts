// Whole routers: what `defineRouter` makes of them.
import { describe, expect, it } from 'vitest';
import { deserialize, serialize } from '../../../../lib/compiler/serialize.js';
import {
  defineRouter,
  discard,
  layout,
  memory,
  otherwise,
  type RouterIr,
  type RouterOptions,
  raw,
  rejectCode,
  route,
  schema,
  t,
  transform,
  udp,
  validate,
  via,
} from '../../../../lib/index.js';
import { orderGateway } from '../../../helpers/order-gateway.js';

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
      pools: [
        {
          name: 'venues',
          strategy: { kind: 'round-robin' },
          members: [1, 2, 3].map((endpoint) => ({ endpoint, weight: 1 })),
        },
      ],
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
