// What `diff` says of parts that have changed.
import { describe, expect, it } from 'vitest';
import { type Details, detailsOf } from '../../../../lib/cli/diff-details.js';
import { diffRouters } from '../../../../lib/compiler/diff.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  correlate,
  type Destination,
  defineRouter,
  lb,
  memory,
  otherwise,
  pool,
  route,
  schema,
  t,
  transform,
  udp,
  validate,
  weighted,
  when,
} from '../../../../lib/index.js';

const Order = schema('Order', 1, { client: t.u32, id: t.u64, qty: t.u32 });
const to = (port: number) => ({ remote: { host: '127.0.0.1', port }, port: 0, messages: Order });
const input = memory('input', { messages: Order });
const [a, b, c] = [udp('a', to(9001)), udp('b', to(9002)), udp('c', to(9003))];

function routerOf(venues: Destination<'Order'>): RouterIr {
  return defineRouter({
    endpoints: [input, a, b, c],
    routes: [route.first(Order, () => [otherwise.to(venues)], { from: input })],
  });
}

function between(before: RouterIr, after: RouterIr): Details {
  return detailsOf(before, after, diffRouters(before, after));
}

/** As lines, which are easier to read than objects. */
function lines(values: Details['settings'] | undefined): string[] {
  return (values ?? []).map(({ option, before, after }) => `${option}: ${before} → ${after}`);
}

describe('what diff says of a pool', () => {
  const hashed = lb.hash(Order.refs.id);

  it('is each option that is another one', () => {
    const before = routerOf(
      pool('venues', [a, b], hashed, { failover: [c], panic: 'spread', slowStart: '5s' }),
    );
    const after = routerOf(
      pool('venues', [a, weighted(b, 3)], hashed, {
        slowStart: '7s',
        eject: { consecutive: 5, for: '10s', max: 0.3 },
      }),
    );
    expect(lines(between(before, after).pools.venues)).toEqual([
      'weight of b: 1 → 3',
      'failover: c → (none)',
      'panic: spread → reject',
      'slowStartMs: 5000 → 7000',
      'eject.consecutive: null → 5',
      'eject.forMs: null → 10000',
      'eject.maxShare: null → 0.3',
    ]);
  });

  it('is its strategy with what belongs to that', () => {
    const before = routerOf(pool('venues', [a, b], hashed));
    const other = lb.hash(Order.refs.client, Order.refs.id, { slots: 4099 });
    expect(lines(between(before, routerOf(pool('venues', [a, b], other))).pools.venues)).toEqual([
      'slots: 65537 → 4099',
      'keys: Order(id) → Order(client, id)',
    ]);
    const chain = routerOf(pool('venues', [a, b], lb.failover()));
    const turned = routerOf(pool('venues', [b, a], lb.failover()));
    expect(lines(between(chain, turned).pools.venues)).toEqual(['members: a, b → b, a']);
  });

  it('is nothing of one that is new or the same', () => {
    const before = routerOf(pool('venues', [a, b], hashed));
    for (const name of ['venues', 'others']) {
      expect(between(before, routerOf(pool(name, [a, b], hashed))).pools).toEqual({});
    }
  });
});

describe('what diff says of the rest', () => {
  interface Shape {
    readonly isSecond: boolean;
  }

  function whole({ isSecond }: Shape): RouterIr {
    const orders = correlate('orders', {
      capacity: isSecond ? 20 : 10,
      key: { client: t.u32 },
      saved: { id: t.u64 },
    });
    const same = transform(Order, Order, (o) => ({
      client: o.client,
      id: o.id,
      qty: isSecond ? 7 : o.qty,
    }));
    const target = udp('c', {
      ...to(9003),
      ...(isSecond ? { limit: { rate: 100 }, shed: { 3: 0.5 } } : {}),
    });
    return defineRouter({
      endpoints: [input, a, b, target],
      threading: {
        workers: isSecond
          ? [{ name: 'one', endpoints: [input, a, b, target] }]
          : [
              { name: 'one', endpoints: [input, a, b] },
              { name: 'two', endpoints: [target] },
            ],
      },
      validate: [validate(Order, (o) => [o.qty.gte(isSecond ? 2 : 1).else('QTY')])],
      routes: [
        route.first(
          Order,
          (o) => {
            const first = when(o.qty.gt(5)).via(same);
            const rule = isSecond ? first.to(b).tap(target, { every: 9 }).priority(2) : first.to(a);
            return [rule, otherwise.to(a).opens(orders, { key: [o.client], save: { id: o.id } })];
          },
          isSecond ? { from: input } : { from: input, lookup: (o) => orders.byKey(o.client) },
        ),
      ],
    });
  }

  it('names what rules do, what is looked up and checked, limits and capacities', () => {
    const details = between(whole({ isSecond: false }), whole({ isSecond: true }));
    expect(lines(details.actions.Order?.[0])).toEqual([
      'to: a → b',
      'priority: 0 → 2',
      'tap c: null → one of 9',
    ]);
    expect(lines(details.routes.Order)).toEqual([
      'check qty ≥ 1: QTY → null',
      'lookup: orders by key (client) → null',
      'check qty ≥ 2: null → QTY',
    ]);
    expect(lines(details.endpoints.c)).toEqual([
      'rate.perSecond: null → 100',
      'rate.burst: null → 1',
      'shed: null → 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5',
    ]);
    expect(lines(details.correlations.orders)).toEqual(['capacity: 10 → 20']);
    expect(lines(details.transforms['Order->Order'])).toEqual([
      expect.stringMatching(/^qty: .*qty.* → .*7/),
    ]);
    expect(lines(details.settings)).toEqual([
      'threading.one.endpoints: input, a, b → input, a, b, c',
      'threading.two.endpoints: c → null',
      expect.stringMatching(/^threading.two.idle: /),
    ]);
  });
});
