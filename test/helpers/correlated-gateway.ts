// Orders that wait for their reports, for unit tests of correlations: clients speak one family of
// messages, venues another.
import type { RouterIr } from '../../lib/compiler/ir.js';
import {
  correlate,
  defineRouter,
  lb,
  memory,
  otherwise,
  pool,
  type RouterOptions,
  route,
  schema,
  t,
  transform,
  union,
  when,
} from '../../lib/index.js';

export const Order = schema('Order', 1, {
  client: t.u32,
  clOrdId: t.u64,
  side: t.enum({ buy: 1, sell: 2 }),
  tag: t.ascii(5),
});
export const Cancel = schema('Cancel', 2, { client: t.u32, clOrdId: t.u64, origClOrdId: t.u64 });
export const Done = schema('Done', 3, { clOrdId: t.u64, tag: t.ascii(5), venueId: t.u64 });
export const VenueOrder = schema('VenueOrder', 4, {
  clOrdId: t.u64,
  side: t.enum({ buy: 1, sell: 2 }),
});
export const VenueCancel = schema('VenueCancel', 5, { clOrdId: t.u64, origClOrdId: t.u64 });
export const Report = schema('Report', 6, { clOrdId: t.u64, final: t.bool });

const ClientSide = union('ClientSide', {}, [Order, Cancel, Done]);
const VenueSide = union('VenueSide', {}, [VenueOrder, VenueCancel, Report]);
export const clients = memory('clients', { messages: ClientSide });
export const [v1, v2] = [
  memory('v1', { messages: VenueSide }),
  memory('v2', { messages: VenueSide }),
];
export const venues = pool('venues', [v1, v2], lb.roundRobin());

/** A correlation of orders. */
export function ordersOf(full: 'reject' | 'evict-oldest' = 'reject', capacity = 3) {
  return correlate('orders', {
    capacity,
    timeout: '30s',
    full,
    key: { client: t.u32, clOrdId: t.u64 },
    saved: { clOrdId: t.u64, tag: t.ascii(5) },
  });
}

export type Orders = ReturnType<typeof ordersOf>;

export const toVenueOf = (orders: Orders) =>
  transform(Order, VenueOrder, (o) => ({ clOrdId: orders.id(), side: o.side }));
export const toClientOf = (orders: Orders) =>
  transform(Report, Done, (r) => ({
    clOrdId: orders.saved.clOrdId,
    tag: orders.saved.tag,
    venueId: r.clOrdId,
  }));

/** New orders and their reports. */
export function gateway(orders: Orders, more: Partial<RouterOptions> = {}): RouterIr {
  const toVenue = toVenueOf(orders);
  const toClient = toClientOf(orders);
  return defineRouter({
    endpoints: [clients, v1, v2],
    routes: [
      route.first(Order, (o) => [
        otherwise
          .via(toVenue)
          .to(venues)
          .opens(orders, { key: [o.client, o.clOrdId], save: { clOrdId: o.clOrdId, tag: o.tag } }),
      ]),
      route.first(
        Report,
        (r) => [
          when(r.final.is(true)).via(toClient).to(orders.source()).closes(),
          otherwise.via(toClient).to(orders.source()),
        ],
        { lookup: (r) => orders.byId(r.clOrdId) },
      ),
    ],
    ...more,
  });
}
