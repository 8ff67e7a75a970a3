// The order gateway of the examples as a configuration for unit tests: protocol A of clients
// (packed), protocol B of venues (aligned as C does).
import {
  defineRouter,
  framing,
  layout,
  lb,
  otherwise,
  pool,
  type RouterIr,
  rejectCode,
  returnAddress,
  returnTo,
  route,
  schema,
  sequence,
  source,
  t,
  tcp,
  transform,
  udp,
  union,
  validate,
  via,
  when,
} from '../../lib/index.js';

const packed = { layout: layout.packed('le') };
const aligned = { layout: layout.c() };
const headerA = { size: t.u32, type: t.u8, seq: t.u64 };
const headerB = { size: t.u32, type: t.u32, seq: t.u64 };

export const NewOrder = schema(
  'NewOrder',
  1,
  { ...headerA, price: t.u32, qty: t.u32, clOrdId: t.u64 },
  packed,
);
export const CancelReplace = schema(
  'CancelReplace',
  2,
  { ...headerA, price: t.u32, qty: t.u32, clOrdId: t.u64, origClOrdId: t.u64 },
  packed,
);
export const ExecReport = schema(
  'ExecReport',
  3,
  {
    ...headerA,
    price: t.u32,
    qty: t.u32,
    clOrdId: t.u64,
    origClOrdId: t.u64,
    ordId: t.u64,
    execId: t.u64,
  },
  packed,
);
export const Reject = schema('Reject', 4, { ...headerA, code: t.u32, clOrdId: t.u64 }, packed);
export const ProtocolA = union('ProtocolA', { type: 'type', size: 'size' }, [
  NewOrder,
  CancelReplace,
  ExecReport,
  Reject,
]);

export const VenueNewOrder = schema(
  'VenueNewOrder',
  1,
  { ...headerB, price: t.u32, qty: t.u32, ordId: t.u64, clOrdId: t.u64 },
  aligned,
);
export const VenueCancelReplace = schema(
  'VenueCancelReplace',
  2,
  { ...headerB, price: t.u32, qty: t.u32, ordId: t.u64, origOrdId: t.u64 },
  aligned,
);
export const VenueExecReport = schema(
  'VenueExecReport',
  3,
  { ...headerB, price: t.u32, qty: t.u32, ordId: t.u64, execId: t.u64, clOrdId: t.u64 },
  aligned,
);
export const ProtocolB = union('ProtocolB', { type: 'type', size: 'size' }, [
  VenueNewOrder,
  VenueCancelReplace,
  VenueExecReport,
]);

export const toVenue = transform(NewOrder, VenueNewOrder, (o) => ({
  seq: sequence(),
  price: o.price,
  qty: o.qty,
  ordId: returnAddress(),
  clOrdId: o.clOrdId,
}));
export const toClient = transform(VenueExecReport, ExecReport, (r) => ({
  seq: sequence(),
  price: r.price,
  qty: r.qty,
  clOrdId: r.clOrdId,
  origClOrdId: 0,
  ordId: r.ordId,
  execId: r.execId,
}));
export const toReject = transform(NewOrder, Reject, (o) => ({
  seq: sequence(),
  code: rejectCode(),
  clOrdId: o.clOrdId,
}));

/** Endpoints in order: clients 0, venue1 1, venue2 2, venue3 3, block 4. */
export function orderGateway(): RouterIr {
  const clients = tcp.listen('clients', {
    port: 0,
    messages: ProtocolA,
    framing: framing.lengthPrefix({ bytes: 4, order: 'le', includesHeader: true }),
    maxFrameBytes: 64,
  });
  const venue = (name: string, port: number) =>
    udp(name, { port: 0, remote: { host: '127.0.0.1', port }, messages: ProtocolB });
  const [venue1, venue2, venue3] = [
    venue('venue1', 9101),
    venue('venue2', 9102),
    venue('venue3', 9103),
  ];
  const block = venue('block', 9104);
  const venues = pool('venues', [venue1, venue2, venue3], lb.roundRobin());
  return defineRouter({
    name: 'order-gateway',
    endpoints: [clients, venue1, venue2, venue3, block],
    validate: [
      validate(NewOrder, (o) => [o.price.mul(o.qty).lte(1_000_000_000n).else('NOTIONAL', 1000)]),
    ],
    routes: [
      route.first(
        NewOrder,
        (o) => [when(o.qty.gte(10_000)).via(toVenue).to(block), otherwise.via(toVenue).to(venues)],
        { from: clients, rejects: via(toReject).to(returnTo(source)) },
      ),
      route.first(VenueExecReport, (r) => [otherwise.via(toClient).to(returnTo(r.ordId))]),
    ],
  });
}
