// The order gateway: clients speak order protocol A over TCP, venues protocol B over UDP.
//
//   hyperroute run examples/order-gateway/router.config.ts
//
// listens on ORDER_GATEWAY_PORT (9000) and sends to the ports in ORDER_GATEWAY_VENUES
// (9101,9102,9103,9104; the last is the block venue), all on this host.
import process from 'node:process';
import {
  defineRouter,
  framing,
  layout,
  lb,
  otherwise,
  pool,
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
} from 'hyperroute';

// Protocol A: packed. `type` tells the messages apart, `size` counts the whole message.
const a = { layout: layout.packed('le') };
const headerA = { size: t.u32, type: t.u8, seq: t.u64 };
const NewOrder = schema('NewOrder', 1, { ...headerA, price: t.u32, qty: t.u32, clOrdId: t.u64 }, a);
const ExecReport = schema(
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
  a,
);
const Reject = schema('Reject', 4, { ...headerA, code: t.u32, clOrdId: t.u64 }, a);
const ProtocolA = union('ProtocolA', { type: 'type', size: 'size' }, [
  NewOrder,
  ExecReport,
  Reject,
]);

// Protocol B: laid out as a C compiler does.
const b = { layout: layout.c('le') };
const headerB = { size: t.u32, type: t.u32, seq: t.u64 };
const VenueNewOrder = schema(
  'VenueNewOrder',
  1,
  { ...headerB, price: t.u32, qty: t.u32, ordId: t.u64, clOrdId: t.u64 },
  b,
);
const VenueExecReport = schema(
  'VenueExecReport',
  3,
  { ...headerB, price: t.u32, qty: t.u32, ordId: t.u64, execId: t.u64, clOrdId: t.u64 },
  b,
);
const ProtocolB = union('ProtocolB', { type: 'type', size: 'size' }, [
  VenueNewOrder,
  VenueExecReport,
]);

// The ordId carries the address of the asking client; venues echo it.
const toVenue = transform(NewOrder, VenueNewOrder, (o) => ({
  seq: sequence(),
  price: o.price,
  qty: o.qty,
  ordId: returnAddress(),
  clOrdId: o.clOrdId,
}));
const toClient = transform(VenueExecReport, ExecReport, (r) => ({
  seq: sequence(),
  price: r.price,
  qty: r.qty,
  clOrdId: r.clOrdId,
  origClOrdId: 0,
  ordId: r.ordId,
  execId: r.execId,
}));
const toReject = transform(NewOrder, Reject, (o) => ({
  seq: sequence(),
  code: rejectCode(),
  clOrdId: o.clOrdId,
}));

/** Where the gateway listens, and where its venues are; the last port is the block venue's. */
export interface GatewayOptions {
  readonly host: string;
  readonly clientPort: number;
  readonly venuePorts: readonly number[];
}

/** The gateway's configuration for the given addresses. */
export function orderGateway({ host, clientPort, venuePorts }: GatewayOptions) {
  const clients = tcp.listen('clients', {
    host,
    port: clientPort,
    messages: ProtocolA,
    framing: framing.lengthPrefix({ bytes: 4, order: 'le', offset: 0, includesHeader: true }),
    maxFrameBytes: 64,
  });
  const venue = (name: string, index: number) =>
    udp(name, {
      host,
      port: 0,
      remote: { host, port: venuePorts[index] ?? 9101 + index },
      messages: ProtocolB,
      receiveBufferBytes: 4 << 20,
    });
  const [venue1, venue2, venue3] = [venue('venue1', 0), venue('venue2', 1), venue('venue3', 2)];
  const block = venue('block', 3);
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

export default orderGateway({
  host: '127.0.0.1',
  clientPort: Number(process.env.ORDER_GATEWAY_PORT ?? 9000),
  venuePorts: (process.env.ORDER_GATEWAY_VENUES ?? '9101,9102,9103,9104').split(',').map(Number),
});
