// The configuration of the checked-in image `correlated`: entries that are opened, found by id and
// by key, closed and replaced.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import { correlate, defineRouter, otherwise, route, t, transform, when } from '../../lib/index.js';
import {
  Cancel,
  clients,
  Order,
  ordersOf,
  Report,
  toClientOf,
  toVenueOf,
  VenueCancel,
  v1,
  v2,
  venues,
} from './correlated-gateway.js';

/** The configuration, with every position the same: the image does not depend on them. */
export function correlatedIr(): RouterIr {
  const orders = ordersOf('reject', 100);
  const cancels = correlate('cancels', {
    capacity: 7,
    timeout: '5s',
    full: 'evict-oldest',
    saved: { clOrdId: t.u64 },
  });
  const toCancel = transform(Cancel, VenueCancel, () => ({
    clOrdId: cancels.id(),
    origClOrdId: orders.saved.clOrdId,
  }));
  const ir = defineRouter({
    name: 'correlated',
    endpoints: [clients, v1, v2],
    routes: [
      route.first(Order, (o) => [
        otherwise
          .via(toVenueOf(orders))
          .to(venues)
          .opens(orders, { key: [o.client, o.clOrdId], save: { clOrdId: o.clOrdId, tag: o.tag } }),
      ]),
      route.first(
        Cancel,
        (c) => [
          otherwise
            .via(toCancel)
            .to(orders.destination())
            .opens(cancels, { key: [], save: { clOrdId: c.clOrdId } })
            .closes(),
        ],
        { lookup: (c) => orders.byKey(c.client, c.origClOrdId) },
      ),
      route.first(
        Report,
        (r) => [
          when(r.final.is(true)).via(toClientOf(orders)).to(orders.source()).closes(),
          otherwise.via(toClientOf(orders)).to(orders.source()),
        ],
        { lookup: (r) => orders.byId(r.clOrdId) },
      ),
    ],
  });
  const position = { file: 'correlated.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
