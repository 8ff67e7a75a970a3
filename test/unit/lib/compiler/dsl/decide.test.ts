// Plain functions as tables: what they are asked, what they may answer, and that the compiled table
// decides as the function does.
import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { emitWithReport } from '../../../../../lib/compiler/emit.js';
import { initialState, decide as interpret } from '../../../../../lib/compiler/interpret.js';
import {
  decide,
  defineRouter,
  discard,
  lb,
  pool,
  returnTo,
  schema,
  source,
  t,
  transform,
  udp,
  via,
} from '../../../../../lib/index.js';
import { refusal } from '../../../../helpers/refusal.js';

const Order = schema('Order', 1, {
  side: t.enum('buy', 'sell'),
  urgent: t.bool,
  qty: t.u32,
  tier: t.u8,
  venue: t.enum({ a: 3, b: 7 }).optional(),
  limit: t.i32.optional(),
  kind: t.enum({ plain: 1, other: 2 }).default('other'),
});
const Ack = schema('Ack', 2, { qty: t.u32 });
const a = udp('a', { port: 0, messages: Order });
const b = udp('b', { port: 0, messages: Order });
const acks = udp('acks', { port: 0, messages: Ack });
const both = pool('both', [a, b], lb.roundRobin());
const toAck = transform(Order, Ack, (o) => ({ qty: o.qty }));

type Routed = ReturnType<typeof decide>;

function routerOf(made: Routed) {
  return defineRouter({ endpoints: [a, b, acks], routes: [made] });
}

const base = { side: 'buy', urgent: false, qty: 1, tier: 0, kind: 'plain' } as const;

/** Where a message goes, by the interpreter; the code where it is rejected. */
function goesTo(made: Routed, message: Readonly<Record<string, unknown>>) {
  const ir = routerOf(made);
  const room = new Uint8Array(Order.bytesMax);
  const bytes = room.subarray(0, Order.encode({ ...base, ...message } as never, room));
  const { outcome, rejectCode, deliveries } = interpret(ir, initialState(ir), 0, bytes);
  const target = deliveries[0]?.target;
  if (outcome === 'reject') return rejectCode;
  return target?.kind === 'endpoint' ? ir.endpoints[target.endpoint]?.name : target?.kind;
}

describe('decide', () => {
  it('sends each combination where the function says', () => {
    const made = decide(
      Order,
      (o) => ({ side: o.side, size: o.qty.bands(100, 10_000) }),
      ({ side, size }) => (side === 'buy' && size === 2 ? a : size === 0 ? null : b),
    );
    expect(goesTo(made, { side: 'buy', qty: 10_000 })).toBe('a');
    expect(goesTo(made, { side: 'buy', qty: 9_999 })).toBe('b');
    expect(goesTo(made, { side: 'sell', qty: 4_000_000_000 })).toBe('b');
    expect(goesTo(made, { side: 'sell', qty: 100 })).toBe('b');
    expect(goesTo(made, { side: 'sell', qty: 99 })).toBe(4);
  });

  it('asks about every combination twice, in opposite orders, and never again', () => {
    const asked: string[] = [];
    const made = decide(
      Order,
      (o) => ({ urgent: o.urgent, tier: o.tier.range(1, 2) }),
      ({ urgent, tier }) => {
        asked.push(`${urgent} ${tier}`);
        return a;
      },
    );
    const once = ['false outside', 'false 1', 'false 2', 'true outside', 'true 1', 'true 2'];
    expect(asked).toEqual([...once, ...once.toReversed()]);
    expect(goesTo(made, { tier: 2 })).toBe('a');
    expect(asked).toHaveLength(12);
  });

  it('has undefined for what is absent, and unknown for numbers without a symbol', () => {
    const seen = new Set<unknown>();
    decide(
      Order,
      (o) => ({ venue: o.venue, limit: o.limit.bands(0), kind: o.kind }),
      ({ venue, limit, kind }) => {
        seen.add(venue).add(limit).add(kind);
        return a;
      },
    );
    const wanted = ['a', 'b', 'unknown', undefined, 0, 1, 'plain', 'other'];
    expect(seen).toEqual(new Set(wanted));
  });

  it('tells what is absent from what has the value of nothing', () => {
    const made = decide(
      Order,
      (o) => ({ limit: o.limit.range(0, 1) }),
      ({ limit }) => (limit === undefined ? a : limit === 0 ? b : null),
    );
    expect(goesTo(made, {})).toBe('a');
    expect(goesTo(made, { limit: 0 })).toBe('b');
    expect(goesTo(made, { limit: 1 })).toBe(4);
    expect(goesTo(made, { limit: -1 })).toBe(4);
  });

  it('takes pools, transforms, returns and discard as answers, each as one rule', () => {
    const made = decide(
      Order,
      (o) => ({ tier: o.tier.range(0, 9) }),
      ({ tier }) => {
        if (tier === 0) return both;
        if (tier === 1) return via(toAck).to(acks);
        return tier === 2 || tier === 3 ? returnTo(source) : discard;
      },
    );
    const [built] = routerOf(made).routes;
    const kinds = built?.rules.map(({ action }) => action.target.kind);
    expect(kinds).toEqual(['pool', 'endpoint', 'return-source', 'discard']);
    expect(built?.rules[1]?.action.transform).toBe(0);
    expect(built?.table?.cells).toEqual([0, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3]);
  });

  it('becomes one table of rules in the image', () => {
    const made = decide(
      Order,
      (o) => ({ side: o.side, urgent: o.urgent, tier: o.tier.range(0, 200) }),
      ({ tier }) => (tier === 7 ? a : b),
    );
    const { report } = emitWithReport(routerOf(made));
    expect(report.routes[0]).toMatchObject({ matcher: 'table', programs: 0 });
  });

  it('answers a million combinations', () => {
    const made = decide(
      Order,
      (o) => ({ qty: o.qty.range(1, 999), tier: o.tier.range(0, 253), side: o.side }),
      ({ qty, tier }) => (qty === 999 && tier === 253 ? via(toAck).to(acks) : a),
    );
    expect(goesTo(made, { qty: 999, tier: 253 })).toBe('acks');
    expect(goesTo(made, { qty: 998, tier: 253 })).toBe('a');
  });

  it('knows what the function gets', () => {
    const made = decide(
      Order,
      (o) => ({
        side: o.side,
        urgent: o.urgent,
        size: o.qty.bands(100, 10_000),
        tier: o.tier.range(0, 7),
        venue: o.venue,
        limit: o.limit.bands(0),
      }),
      (values) => {
        expectTypeOf(values).toEqualTypeOf<{
          readonly side: 'buy' | 'sell' | 'unknown';
          readonly urgent: boolean;
          readonly size: 0 | 1 | 2;
          readonly tier: number | 'outside';
          readonly venue: 'a' | 'b' | 'unknown' | undefined;
          readonly limit: 0 | 1 | undefined;
        }>();
        return a;
      },
      { from: [a], name: 'orders' },
    );
    expect(routerOf(made).routes[0]?.name).toBe('orders');
  });
});

describe('decide refuses', () => {
  const refused = (body: () => unknown) => {
    const { code, message, detail } = refusal(body);
    expect(code).toBe('ERR_ROUTE');
    return `${message} ${inspect(detail)}`;
  };

  it('a function that answers otherwise the second time, with the combination', () => {
    let calls = 0;
    const text = refused(() =>
      decide(
        Order,
        (o) => ({ tier: o.tier.range(3, 4) }),
        () => (++calls === 5 ? a : b),
      ),
    );
    expect(text).toMatch(/tier: 3/);
  });

  it('a function that throws, with the combination', () => {
    const text = refused(() =>
      decide(
        Order,
        (o) => ({ side: o.side, tier: o.tier.range(0, 1) }),
        ({ side, tier }) => {
          if (side === 'sell' && tier === 1) throw new Error('no such tier');
          return a;
        },
      ),
    );
    expect(text).toMatch(/no such tier/);
    expect(text).toMatch(/side: .*sell.*, tier: 1/);
  });

  it('an answer that is no destination, with the combination', () => {
    const text = refused(() =>
      decide(
        Order,
        (o) => ({ urgent: o.urgent }),
        ({ urgent }) => (urgent ? a : (undefined as never)),
      ),
    );
    expect(text).toMatch(/urgent: false/);
  });

  it('a destination that the router does not have, with a combination that leads there', () => {
    const stranger = udp('stranger', { port: 0, messages: Order });
    const made = decide(
      Order,
      (o) => ({ urgent: o.urgent }),
      ({ urgent }) => (urgent ? stranger : a),
    );
    expect(refusal(() => routerOf(made))).toMatchObject({
      code: 'ERR_CONFIG',
      detail: { option: 'routes[0].decision({ urgent: true }).to' },
    });
  });

  it('a destination that does not carry the messages', () => {
    const made = decide(
      Order,
      (o) => ({ urgent: o.urgent }),
      // @ts-expect-error Acks are no orders.
      () => acks,
    );
    expect(refusal(() => routerOf(made)).code).toBe('ERR_ROUTE');
  });

  it('domains that are too large, empty, or of fields that have no classes', () => {
    const large = refused(() =>
      decide(
        Order,
        (o) => ({ qty: o.qty.range(0, 9_999), tier: o.tier.range(0, 250) }),
        () => a,
      ),
    );
    expect(large).toMatch(/1000000 combinations/);
    refused(() =>
      decide(
        Order,
        () => ({}),
        () => a,
      ),
    );
    refused(() =>
      decide(
        Order,
        // @ts-expect-error A number has to be put in bands or a range.
        (o) => ({ qty: o.qty }),
        () => a,
      ),
    );
    refused(() =>
      decide(
        // @ts-expect-error A schema has to be given.
        null,
        () => ({}),
        () => a,
      ),
    );
  });

  it('bands that do not ascend or lie outside of the field', () => {
    for (const starts of [[5, 5], [7, 3], [0, 4], [256], [-1], [1.5]]) {
      const bands = starts as unknown as [number];
      refused(() =>
        decide(
          Order,
          (o) => ({ tier: o.tier.bands(...bands) }),
          () => a,
        ),
      );
    }
    refused(() =>
      decide(
        Order,
        (o) => ({ tier: o.tier.range(4, 3) }),
        () => a,
      ),
    );
    refused(() =>
      decide(
        Order,
        (o) => ({ tier: o.tier.range(0, 256) }),
        () => a,
      ),
    );
  });
});
