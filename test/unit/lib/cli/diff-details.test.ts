// What `diff` says of parts that have changed.
import { describe, expect, it } from 'vitest';
import { type Details, detailsOf } from '../../../../lib/cli/diff-details.js';
import { diffRouters } from '../../../../lib/compiler/diff.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  correlate,
  type Destination,
  defineRouter,
  discard,
  generateRaptorKeys,
  lb,
  memory,
  otherwise,
  pool,
  raptor,
  raw,
  route,
  schema,
  t,
  transform,
  udp,
  union,
  validate,
  weighted,
  when,
} from '../../../../lib/index.js';

const Order = schema('Order', 1, { client: t.u32, id: t.u64, qty: t.u32 });
const to = (port: number) => ({ remote: { host: '127.0.0.1', port }, port: 0, messages: Order });
type Fields = Parameters<typeof schema>[2];
/** A message with a quantity, whatever else it has. */
type O = { readonly qty: { gte(value: number): { else(name: string, code: number): never } } };
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

describe('what diff says of messages', () => {
  const of = (fields: Fields, code: number): RouterIr => {
    const Own = schema('Own', 1, fields);
    const Other = schema('Other', 2, { x: t.u8 });
    const own = memory('own', { messages: code > 1500 ? union('Both', {}, [Own, Other]) : Own });
    return defineRouter({
      endpoints: [own],
      validate: [validate(Own, (o) => [(o as never as O).qty.gte(1).else('QTY', code)])],
      routes: [route.first(Own, () => [otherwise.to(own)], { from: own })],
    });
  };
  const plain = { qty: t.u32, side: t.enum({ buy: 1, sell: 2 }) };

  it('is each field that has another type, place or symbols', () => {
    const after = { qty: t.u16, side: t.enum({ buy: 1, sell: 3 }), note: t.string.max(9) };
    const details = between(of(plain, 1000), of(after, 1000));
    const found = lines(details.schemas.Own);
    expect(found).toEqual([
      expect.stringMatching(/^bytes: \d+ → \d+$/),
      expect.stringMatching(/^field qty: u32 at \d+ → u16 at \d+$/),
      expect.stringMatching(/^field side: u8 at \d+ \{ buy 1, sell 2 \} → .* \{ buy 1, sell 3 \}$/),
      expect.stringMatching(/^field note: null → string at \d+ at most 9$/),
    ]);
    expect(details.endpoints).toEqual({});
  });

  it('is where only the bytes of defaults differ, those', () => {
    const [before, after] = [5, 6].map((value) => of({ ...plain, n: t.u8.default(value) }, 1000));
    if (before === undefined || after === undefined) throw new Error('two configurations');
    const options = between(before, after).schemas.Own?.map(({ option }) => option) ?? [];
    expect(options).toContain('initial');
    expect(options.filter((option) => option.startsWith('field'))).toEqual([]);
  });

  it('is what endpoints carry, and the numbers of reject codes', () => {
    const details = between(of(plain, 1000), of(plain, 2000));
    expect(lines(details.endpoints.own)).toContain('messages: Own → Other, Own');
    expect(lines(details.rejectCodes.QTY)).toEqual(['number: 1000 → 2000']);
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

describe('what diff says of a correlation', () => {
  /** A router that keeps a value of such a type. */
  const keeping = (saved: Readonly<Record<string, typeof t.u32>>): RouterIr => {
    const kept = schema('Kept', 1, { client: t.u32, ...saved } as Fields);
    const ends = memory('ends', { messages: kept });
    const held = correlate('held', { capacity: 1, key: { client: t.u32 }, saved });
    return defineRouter({
      endpoints: [ends],
      routes: [
        route.first(kept, (o) => [
          otherwise.to(ends).opens(held, {
            key: [(o as never as { client: never }).client],
            save: { value: (o as never as { value: never }).value },
          }),
        ]),
      ],
    });
  };
  const said = (before: object, after: object): string[] => {
    const [first, second] = [before, after].map((value) => keeping({ value } as never));
    if (first === undefined || second === undefined) throw new Error('two routers');
    return lines(between(first, second).correlations.held);
  };

  it('is what the values that it keeps stand for', () => {
    expect(said(t.decimal(2), t.decimal(3))).toEqual(['saved.value: i64, scale 2 → i64, scale 3']);
    expect(said(t.enum('buy', 'sell'), t.enum('buy', 'sell', 'short'))).toEqual([
      'saved.value: u8, buy 0, sell 1 → u8, buy 0, sell 1, short 2',
    ]);
    expect(said(t.timestamp, t.u64)).toEqual(['saved.value: u64, timestamp → u64']);
    expect(said(t.u32, t.u32)).toEqual([]);
  });
});

describe('what diff says of keys', () => {
  it('is their public halves', () => {
    const [first, second] = [generateRaptorKeys(), generateRaptorKeys()];
    const withKeys = (keys: string) =>
      defineRouter({
        endpoints: [raptor.listen('in', { port: 0, keys })],
        routes: [route.first(raw, () => [otherwise.to(discard)])],
      });
    const details = between(withKeys(first.privateKey), withKeys(second.privateKey));
    expect(lines(details.endpoints.in)).toEqual([
      `keys: of ${first.publicKey} → of ${second.publicKey}`,
    ]);
  });
});
