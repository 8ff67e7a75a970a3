// What `prove` says of correlations that cannot work, or do not do what their user wants.
import { describe, expect, it } from 'vitest';
import { isWorking, proveCorrelations } from '../../../../lib/cli/prove-correlations.js';
import { findShadowed } from '../../../../lib/compiler/analysis/index.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  correlate,
  defineRouter,
  memory,
  otherwise,
  route,
  schema,
  t,
  transform,
  udp,
  union,
  when,
} from '../../../../lib/index.js';

const Order = schema('Order', 1, { client: t.u32, clOrdId: t.u64 });
const VenueOrder = schema('VenueOrder', 2, { id: t.u64, client: t.u32 });
const Report = schema('Report', 3, { id: t.u64, client: t.u32, final: t.bool });
const Done = schema('Done', 4, { clOrdId: t.u64 });

interface Shape {
  readonly opensAfterLookup?: boolean;
  readonly hasLookup?: boolean;
  readonly by?: 'id' | 'key';
  readonly writesId?: boolean;
  readonly closes?: boolean;
  readonly neverFinal?: boolean;
  readonly breaker?: boolean;
}

/** What is said of the one correlation of a router, by statement, and whether it can work. */
function proofOf({
  opensAfterLookup = false,
  hasLookup = true,
  by = 'id',
  writesId = true,
  closes = true,
  neverFinal = false,
  breaker = false,
}: Shape) {
  const orders = correlate('orders', {
    capacity: 10,
    timeout: '3s',
    key: { client: t.u32 },
    saved: { clOrdId: t.u64 },
  });
  const clients = memory('clients', { messages: union('C', {}, [Order, Done]) });
  const venue = udp('venue', {
    port: 0,
    remote: { host: '127.0.0.1', port: 9001 },
    messages: union('V', {}, [VenueOrder, Report]),
    ...(breaker ? { breaker: { consecutive: 5, for: '1s' } } : {}),
  });
  const toVenue = transform(Order, VenueOrder, (o) => ({
    id: writesId ? orders.id() : 0n,
    client: o.client,
  }));
  const toClient = transform(Report, Done, () => ({ clOrdId: orders.saved.clOrdId }));
  const toAnyone = transform(Report, Done, () => ({ clOrdId: 1n }));
  const ir = defineRouter({
    endpoints: [clients, venue],
    routes: [
      route.first(
        Order,
        (o) => [
          otherwise
            .via(toVenue)
            .to(venue)
            .opens(orders, { key: [o.client], save: { clOrdId: o.clOrdId } }),
        ],
        {
          from: clients,
          ...(opensAfterLookup ? { lookup: (o) => orders.byKey(o.client) } : {}),
        },
      ),
      hasLookup
        ? route.first(
            Report,
            (r) => {
              const never = neverFinal ? [r.final.is(false)] : [];
              const last = when(r.final.is(true), ...never)
                .via(toClient)
                .to(orders.source());
              return [closes ? last.closes() : last, otherwise.via(toClient).to(orders.source())];
            },
            {
              from: venue,
              lookup: (r) => (by === 'id' ? orders.byId(r.id) : orders.byKey(r.client)),
            },
          )
        : route.first(Report, () => [otherwise.via(toAnyone).to(clients)], { from: venue }),
    ],
  });
  return judged(ir);
}

function judged(ir: RouterIr) {
  const [proof] = proveCorrelations(ir, (index, rule) =>
    findShadowed(ir, index).shadowed.some((one) => one.rule === rule),
  );
  if (proof === undefined) throw new Error('the router has a correlation');
  const refuted = proof.statements.filter(({ verdict }) => verdict === 'refuted');
  return {
    refuted: Object.fromEntries(refuted.map(({ statement, reason }) => [statement, reason])),
    works: isWorking(proof),
  };
}

describe('what prove says of a correlation', () => {
  it('is that all holds where messages are remembered, found and answered', () => {
    for (const shape of [{}, { by: 'key' }, { by: 'key', writesId: false }] as const) {
      expect(proofOf(shape)).toEqual({ refuted: {}, works: true });
    }
  });

  it('is that it cannot work where ids are looked up that nobody was told', () => {
    const { refuted, works } = proofOf({ writesId: false });
    expect(works).toBe(false);
    expect(refuted).toEqual({
      told: 'looked up by id in route Report, and no transform writes orders.id()',
    });
  });

  it('is that it cannot work where each message that opens it has to find one first', () => {
    const { refuted, works } = proofOf({ opensAfterLookup: true });
    expect(works).toBe(false);
    expect(Object.keys(refuted)).toEqual(['filled']);
    expect(refuted.filled).toMatch(/rule 0: venue of route Order \(line \d+\)$/);
  });

  it('is that everything times out where nothing is looked up or closed', () => {
    const unasked = proofOf({ hasLookup: false });
    expect(unasked).toMatchObject({ works: true });
    expect(unasked.refuted.asked).toMatch(/no route has it as lookup; all of it waits for 3000 ms/);
    const open = proofOf({ closes: false });
    expect(open).toEqual({
      refuted: { closed: 'no rule closes it; all of it waits for 3000 ms and times out' },
      works: true,
    });
    expect(proofOf({ closes: false, breaker: true }).refuted.closed).toMatch(
      /and times out, a failure each time for venue$/,
    );
  });

  it('is that nothing is closed where the rule that closes never decides', () => {
    const { refuted, works } = proofOf({ neverFinal: true });
    expect(works).toBe(true);
    expect(refuted.closed).toMatch(/^no message gets to rule 0: .* of route Report \(line \d+\);/);
  });
});
