// A router between two order protocols: clients speak A, packed; the venue speaks B, laid out as a
// C compiler does, and knows nothing of clients. The router remembers whose order is whose.
//
//   hyperroute run examples/protocol-integration/router.config.ts
//
// listens on INTEGRATION_PORT (9720) and connects to the venue on the port after it.
import process from 'node:process';
import {
  correlate,
  defineRouter,
  framing,
  layout,
  otherwise,
  rejectCode,
  returnTo,
  route,
  schema,
  sequence,
  source,
  t,
  tcp,
  transform,
  union,
  validate,
  via,
  when,
} from 'hyperroute';

// Protocol A: `type` tells the messages apart, `size` counts the whole message.
const a = { layout: layout.packed('le') };
const headerA = { size: t.u32, type: t.u8, seq: t.u64 };
const orderA = { price: t.u32, qty: t.u32, clOrdId: t.u64 };

/** 29 bytes. */
export const NewOrder = schema('NewOrder', 1, { ...headerA, ...orderA }, a);
/** 37 bytes: takes the place of an earlier order. */
export const CancelReplace = schema(
  'CancelReplace',
  2,
  { ...headerA, ...orderA, origClOrdId: t.u64 },
  a,
);
/** 53 bytes. */
export const ExecReport = schema(
  'ExecReport',
  3,
  { ...headerA, ...orderA, origClOrdId: t.u64, ordId: t.u64, execId: t.u64 },
  a,
);
/** 25 bytes. */
export const Reject = schema('Reject', 4, { ...headerA, code: t.u32, clOrdId: t.u64 }, a);
const ProtocolA = union('ProtocolA', { type: 'type', size: 'size' }, [
  NewOrder,
  CancelReplace,
  ExecReport,
  Reject,
]);

// Protocol B: orders are known by `ordId`, which the venue echoes.
const b = { layout: layout.c('le') };
const headerB = { size: t.u32, type: t.u32, seq: t.u64 };
const orderB = { price: t.u32, qty: t.u32, ordId: t.u64 };

/** 40 bytes. */
export const VenueOrder = schema('VenueOrder', 1, { ...headerB, ...orderB, clOrdId: t.u64 }, b);
/** 40 bytes. */
export const VenueReplace = schema(
  'VenueReplace',
  2,
  { ...headerB, ...orderB, origClOrdId: t.u64 },
  b,
);
/** 48 bytes. `final`: nothing more will come of the order. */
export const VenueReport = schema(
  'VenueReport',
  3,
  { ...headerB, ...orderB, execId: t.u64, final: t.bool },
  b,
);
const ProtocolB = union('ProtocolB', { type: 'type', size: 'size' }, [
  VenueOrder,
  VenueReplace,
  VenueReport,
]);

const host = '127.0.0.1';
const frames = {
  framing: framing.lengthPrefix({ bytes: 4, order: 'le', includesHeader: true }),
  maxFrameBytes: 64,
} as const;

// What the router remembers of an order until the venue is done with it.
const orders = correlate('orders', {
  capacity: 100_000,
  timeout: '60s',
  key: { clOrdId: t.u64 },
  saved: { clOrdId: t.u64, origClOrdId: t.u64 },
});

const toVenue = transform(NewOrder, VenueOrder, (o) => ({
  seq: sequence(),
  price: o.price,
  qty: o.qty,
  ordId: orders.id(),
  clOrdId: o.clOrdId,
}));
const toVenueReplace = transform(CancelReplace, VenueReplace, (o) => ({
  seq: sequence(),
  price: o.price,
  qty: o.qty,
  ordId: orders.id(),
  origClOrdId: orders.saved.clOrdId,
}));
const toClient = transform(VenueReport, ExecReport, (r) => ({
  seq: sequence(),
  price: r.price,
  qty: r.qty,
  clOrdId: orders.saved.clOrdId,
  origClOrdId: orders.saved.origClOrdId,
  ordId: r.ordId,
  execId: r.execId,
}));
const refuseOrder = transform(NewOrder, Reject, (o) => ({
  seq: sequence(),
  code: rejectCode(),
  clOrdId: o.clOrdId,
}));
const refuseReplace = transform(CancelReplace, Reject, (o) => ({
  seq: sequence(),
  code: rejectCode(),
  clOrdId: o.clOrdId,
}));

/** The router's configuration for clients on `port` and the venue on the port after it. */
export function integration(port: number) {
  const clients = tcp.listen('clients', { host, port, messages: ProtocolA, ...frames });
  const venue = tcp.connect('venue', {
    host,
    port: port + 1,
    messages: ProtocolB,
    ...frames,
    reconnect: { minMs: 20, maxMs: 100 },
  });
  return defineRouter({
    name: 'integration',
    endpoints: [clients, venue],
    validate: [validate(NewOrder, (o) => [o.qty.gte(1).else('NO_QUANTITY', 1000)])],
    routes: [
      route.first(
        NewOrder,
        (o) => [
          otherwise
            .via(toVenue)
            .to(venue)
            .opens(orders, {
              key: [o.clOrdId],
              save: { clOrdId: o.clOrdId, origClOrdId: o.clOrdId },
            }),
        ],
        { rejects: via(refuseOrder).to(returnTo(source)) },
      ),
      // The new order goes where the old one went, and stands for it from then on.
      route.first(
        CancelReplace,
        (o) => [
          otherwise
            .via(toVenueReplace)
            .to(orders.destination())
            .opens(orders, {
              key: [o.clOrdId],
              save: { clOrdId: o.clOrdId, origClOrdId: o.origClOrdId },
            })
            .closes(),
        ],
        {
          lookup: (o) => orders.byKey(o.origClOrdId),
          rejects: via(refuseReplace).to(returnTo(source)),
        },
      ),
      route.first(
        VenueReport,
        (r) => [
          when(r.final.is(true)).via(toClient).to(orders.source()).closes(),
          otherwise.via(toClient).to(orders.source()),
        ],
        { lookup: (r) => orders.byId(r.ordId) },
      ),
    ],
  });
}

export default integration(Number(process.env.INTEGRATION_PORT ?? 9720));
