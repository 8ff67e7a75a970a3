// Mistakes about correlations, and what is said of them.
import { describe, expect, it } from 'vitest';
import { findErrors } from '../../../../../lib/compiler/check.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import {
  always,
  correlate,
  defineRouter,
  discard,
  lb,
  otherwise,
  pool,
  type RouterOptions,
  route,
  t,
  transform,
  via,
} from '../../../../../lib/index.js';
import {
  Cancel,
  clients,
  Done,
  gateway,
  Order,
  ordersOf,
  Report,
  toClientOf,
  toVenueOf,
  VenueCancel,
  VenueOrder,
  v1,
  v2,
} from '../../../../helpers/correlated-gateway.js';
import { refusal } from '../../../../helpers/refusal.js';

describe('a mistake about a correlation', () => {
  const orders = ordersOf();
  const open = (o: { client: never; clOrdId: never; tag: never }) => ({
    key: [o.client, o.clOrdId],
    save: { clOrdId: o.clOrdId, tag: o.tag },
  });
  const opening = () =>
    route.first(Order, (o) => [
      otherwise
        .via(toVenueOf(orders))
        .to(v1)
        .opens(orders, open(o as never) as never),
    ]);
  const define = (...routes: RouterOptions['routes']) =>
    defineRouter({ endpoints: [clients, v1, v2], routes });

  it('in its options names the option', () => {
    const of = (options: object) => refusal(() => correlate('c', options as never));
    expect(of({})).toMatchObject({
      code: 'ERR_ROUTE',
      detail: { option: 'correlations.c.capacity' },
    });
    expect(of({ capacity: 0 }).detail.option).toBe('correlations.c.capacity');
    expect(of({ capacity: 1, timeout: '2d' }).detail.option).toBe('correlations.c.timeout');
    expect(of({ capacity: 1, full: 'wait' }).detail.option).toBe('correlations.c.full');
    expect(of({ capacity: 1, key: { a: t.f64 } }).detail.option).toBe('correlations.c.key.a');
    expect(of({ capacity: 1, key: { a: t.u32.optional() } }).detail.option).toBe(
      'correlations.c.key.a',
    );
    expect(of({ capacity: 1, saved: { a: t.string } }).detail.option).toBe(
      'correlations.c.saved.a',
    );
    expect(of({ capacity: 1, keys: {} }).detail.option).toBe('correlations.c.keys');
  });

  it('in what is opened names the field, what it has to be, and where', () => {
    const of = (key: (o: never) => unknown) =>
      refusal(() =>
        define(
          route.first(Order, (o) => [
            otherwise.to(v1 as never).opens(orders, key(o as never) as never),
          ]),
        ),
      );
    const wrong = of(({ client, tag }: { client: never; tag: never }) => ({
      key: [client, client],
      save: { clOrdId: client, tag },
    }));
    expect(wrong).toMatchObject({
      code: 'ERR_ROUTE',
      detail: { option: 'opens(orders).key.clOrdId', received: 'client (u32, 4 bytes)' },
    });
    expect(wrong.message).toContain('correlate-mistakes.test.ts');
    expect(of(({ client }: { client: never }) => ({ key: [client] })).detail.option).toBe(
      'opens(orders).key',
    );
    expect(of(() => ({ key: [], save: { other: 1 } })).detail.option).toBe('opens(orders).save');
    const twice = refusal(() =>
      route.first(Order, (o) => [
        otherwise
          .to(v1 as never)
          .opens(orders, open(o as never) as never)
          .opens(orders, open(o as never) as never),
      ]),
    );
    expect(twice.detail.option).toBe('opens');
  });

  it('in a lookup is refused: another type, no key, nothing that was looked up', () => {
    const looking = (lookup: (r: never) => unknown) =>
      refusal(() =>
        define(
          opening(),
          route.first(Report, () => [otherwise.to(discard)], { lookup: lookup as never }),
        ),
      );
    expect(looking((r: { final: never }) => orders.byId(r.final)).detail.option).toBe(
      'orders.byId',
    );
    expect(looking((r: { clOrdId: never }) => orders.byKey(r.clOrdId)).detail.option).toBe(
      'orders.byKey',
    );
    const keyless = correlate('keyless', { capacity: 1 });
    expect(looking(() => keyless.byKey()).detail.option).toBe('keyless.byKey');
    expect(looking(() => 5).detail.option).toBe('route Report.lookup');
  });

  it('in what needs a lookup or an opening names the route', () => {
    const closing = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.to(discard).closes()]),
      ),
    );
    expect(closing.detail.option).toBe('routes[1].rules[0].closes');
    const unseen = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.via(toClientOf(orders)).to(clients)]),
      ),
    );
    expect(unseen.detail.option).toBe('routes[1].rules[0].via');
    const source = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.via(toDone).to(orders.source())]),
      ),
    );
    expect(source.detail).toMatchObject({
      option: 'routes[1].rules[0].to',
      expected: 'a route whose lookup is in orders',
    });
    const unopened = refusal(() =>
      define(
        route.first(Order, () => [otherwise.via(toVenueOf(orders)).to(v1)]),
        opening(),
      ),
    );
    expect(unopened.code).toBe('ERR_ROUTE');
    const other = correlate('other', { capacity: 1 });
    const mixed = refusal(() =>
      define(
        route.first(Order, () => [
          otherwise.via(toVenueOf(orders)).to(v1).opens(other, { key: [], save: {} }),
        ]),
      ),
    );
    expect(mixed.detail).toMatchObject({
      option: 'routes[0].rules[0].via',
      received: 'opens(other)',
    });
  });

  const toDone = transform(Report, Done, (r) => ({ clOrdId: r.clOrdId, tag: '', venueId: 0 }));

  it('in where it leads is found out: nobody there takes the message', () => {
    const back = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.to(orders.source())], {
          lookup: (r) => orders.byId(r.clOrdId),
        }),
      ),
    );
    expect(back.detail).toMatchObject({
      option: 'routes[1].rules[0].to',
      expected: 'a destination that carries Report',
      received: 'clients (ClientSide)',
    });
    const there = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.via(toDone).to(orders.destination())], {
          lookup: (r) => orders.byId(r.clOrdId),
        }),
      ),
    );
    expect(there.detail.received).toBe('v1 (VenueSide)');
  });

  it('in how often a message is opened is refused', () => {
    const everywhere = pool('everywhere', [v1, v2], lb.broadcast());
    const of = (rules: (o: never) => readonly unknown[], mode: 'first' | 'all' = 'first') =>
      refusal(() => define(route[mode](Order, rules as never)));
    const entry = (o: never) => open(o) as never;
    expect(of((o) => [otherwise.to(discard).opens(orders, entry(o))]).detail.option).toBe(
      'routes[0].rules[0].opens',
    );
    expect(
      of((o) => [otherwise.via(toVenueOf(orders)).to(everywhere).opens(orders, entry(o))]).detail
        .option,
    ).toBe('routes[0].rules[0].opens');
    expect(
      of((o) => [always.via(toVenueOf(orders)).to(v1).bestEffort().opens(orders, entry(o))], 'all')
        .detail.option,
    ).toBe('routes[0].rules[0].opens');
    const twice = (o: never) => [
      always.via(toVenueOf(orders)).to(v1).opens(orders, entry(o)),
      always.via(toVenueOf(orders)).to(v2).opens(orders, entry(o)),
    ];
    expect(of(twice, 'all').detail.option).toBe('routes[0]');
  });

  it('in rejects is refused: a rejected message may have found nothing', () => {
    const rejecting = refusal(() =>
      define(
        opening(),
        route.first(Report, () => [otherwise.to(discard)], {
          lookup: (r) => orders.byId(r.clOrdId),
          rejects: via(toClientOf(orders)).to(orders.source()),
        }),
      ),
    );
    expect(rejecting.detail.option).toBe('routes[1].rejects');
  });

  it('in a pool by outstanding requests is an ERR_CONFIG at the pool: nothing counts them', () => {
    const byLoad = pool('byLoad', [v1, v2], lb.leastLoaded({ measure: 'outstanding' }));
    const byTwo = pool('byTwo', [v2], lb.twoChoices({ measure: 'outstanding' }));
    const alone = transform(Order, VenueOrder, ({ side }) => ({ clOrdId: 1n, side }));
    const sending = (to: typeof byLoad, opens: boolean) =>
      route.first(Order, (o) => [
        opens
          ? otherwise
              .via(toVenueOf(orders))
              .to(to)
              .opens(orders, open(o as never) as never)
          : otherwise.via(alone).to(to),
      ]);
    expect(refusal(() => define(sending(byLoad, false)))).toMatchObject({
      code: 'ERR_CONFIG',
      detail: { option: 'pools[0].strategy.measure', received: 'outstanding' },
      message: expect.stringContaining('correlate-mistakes.test.ts'),
    });
    expect(define(sending(byLoad, true)).pools).toHaveLength(1);
    // What is sent to a member by another rule is outstanding there, too.
    const cancels = route.first(Cancel, () => [
      otherwise
        .via(transform(Cancel, VenueCancel, (c) => ({ clOrdId: c.clOrdId, origClOrdId: 1n })))
        .to(byTwo),
    ]);
    expect(define(sending(byLoad, true), cancels).pools).toHaveLength(2);
    expect(refusal(() => define(cancels)).detail.option).toBe('pools[0].strategy.measure');
  });

  it('in who opens it is found out: nobody does', () => {
    const nobody = refusal(() =>
      define(
        route.first(Report, () => [otherwise.to(discard)], {
          lookup: (r) => orders.byId(r.clOrdId),
        }),
      ),
    );
    expect(nobody.detail).toMatchObject({ option: 'correlations.orders', received: 'none' });
  });

  it('in threading is an ERR_CONFIG that names it: one worker has its table', () => {
    const dedicated = refusal(() => gateway(orders, { threading: 'dedicated' }));
    expect(dedicated).toMatchObject({
      code: 'ERR_CONFIG',
      detail: { option: 'correlations.orders', received: 'clients and v1 on different ones' },
    });
    const worker = (name: string, ...endpoints: readonly (typeof clients | typeof v1)[]) => ({
      name,
      endpoints,
    });
    const split = { workers: [worker('a', clients, v1), worker('b', v2)] };
    expect(refusal(() => gateway(orders, { threading: split as never })).code).toBe('ERR_CONFIG');
    const whole = { workers: [worker('a', clients, v1, v2)] };
    expect(gateway(orders, { threading: whole as never }).correlations).toHaveLength(1);
  });

  it('in a transform is refused: a value that does not fit, or is of another meaning', () => {
    const small = refusal(() =>
      transform(Report, Order, (r) => ({
        client: orders.saved.clOrdId as never,
        clOrdId: r.clOrdId,
        side: 'buy',
        tag: '',
      })),
    );
    expect(small.detail.received).toBe('orders.saved.clOrdId (u64)');
    const id = refusal(() =>
      transform(Report, Order, (r) => ({
        client: orders.id() as never,
        clOrdId: r.clOrdId,
        side: 'buy',
        tag: '',
      })),
    );
    expect(id.detail.expected).toBe('a field of type u64 for the correlation-id');
    const outside = refusal(() => orders.id());
    expect(outside.detail.expected).toBe('a use inside the callback that it belongs to');
  });

  it('in data that no builder made is found by check', () => {
    const ir = gateway(ordersOf());
    const errorsOf = (change: (copy: RouterIr) => unknown): readonly string[] => {
      const copy = structuredClone(ir);
      change(copy);
      return findErrors(copy).map(({ detail }) => (detail as { option: string }).option);
    };
    type Open = { correlation: number; key: number[]; saved: number[] };
    const openOf = (copy: RouterIr) => copy.routes[0]?.rules[0]?.open as unknown as Open;
    const lookupOf = (copy: RouterIr) =>
      copy.routes[1]?.lookup as unknown as { correlation: number; fields: number[]; by: string };
    expect(errorsOf(() => undefined)).toEqual([]);
    expect(errorsOf((copy) => (openOf(copy).correlation = 7))).toContain(
      'routes[0].rules[0].opens',
    );
    expect(errorsOf((copy) => (openOf(copy).key = [0]))).toContain('routes[0].rules[0].opens.key');
    expect(errorsOf((copy) => (openOf(copy).saved[0] = 0))).toContain(
      'routes[0].rules[0].opens.save.clOrdId',
    );
    expect(errorsOf((copy) => (lookupOf(copy).correlation = -1))).toContain('routes[1].lookup');
    expect(errorsOf((copy) => (lookupOf(copy).by = 'name'))).toContain('routes[1].lookup');
    expect(errorsOf((copy) => (lookupOf(copy).fields = []))).toContain('routes[1].lookup');
    const table = (copy: RouterIr) => copy.correlations?.[0] as unknown as Record<string, unknown>;
    for (const [option, value] of [
      ['capacity', 2 ** 24 + 1],
      ['timeoutMs', 0],
      ['full', 'block'],
    ] as const) {
      const named = option === 'timeoutMs' ? 'timeout' : option;
      expect(errorsOf((copy) => (table(copy)[option] = value))).toContain(
        `correlations.orders.${named}`,
      );
    }
    const long = { name: 'long', type: 'bytes', bytes: 257 };
    expect(errorsOf((copy) => (table(copy).key = [long]))).toContain(
      'correlations.orders.key.long',
    );
  });
});
