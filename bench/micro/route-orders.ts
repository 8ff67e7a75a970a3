// The order flow of the route bench: clients speak a packed protocol, venues an aligned one;
// reports find the way back to their client and replacements to their venue by a correlation.
// bench/native/route/orders.cc is the same by hand: a change here is a change there.
import {
  correlate,
  defineRouter,
  layout,
  lb,
  otherwise,
  pool,
  type RouterIr,
  route,
  schema,
  sequence,
  t,
  transform,
  udp,
  union,
  validate,
  when,
} from 'hyperroute';

const packed = { layout: layout.packed('le') };
const aligned = { layout: layout.c() };
const headerA = { size: t.u32, type: t.u8, seq: t.u64 };
const headerB = { size: t.u32, type: t.u32, seq: t.u64 };
const terms = { price: t.u32, qty: t.u32 };

const NewOrder = schema('NewOrder', 1, { ...headerA, ...terms, clOrdId: t.u64 }, packed);
const CancelReplace = schema(
  'CancelReplace',
  2,
  { ...headerA, ...terms, clOrdId: t.u64, origClOrdId: t.u64 },
  packed,
);
const ExecReport = schema(
  'ExecReport',
  3,
  { ...headerA, ...terms, clOrdId: t.u64, origClOrdId: t.u64, ordId: t.u64, execId: t.u64 },
  packed,
);
const VenueNewOrder = schema(
  'VenueNewOrder',
  1,
  { ...headerB, ...terms, ordId: t.u64, clOrdId: t.u64 },
  aligned,
);
const VenueReplace = schema(
  'VenueReplace',
  2,
  { ...headerB, ...terms, ordId: t.u64, origOrdId: t.u64 },
  aligned,
);
const VenueReport = schema(
  'VenueReport',
  3,
  { ...headerB, ...terms, ordId: t.u64, execId: t.u64, clOrdId: t.u64 },
  aligned,
);

const framed = { type: 'type', size: 'size' } as const;
const ProtocolA = union('ProtocolA', framed, [NewOrder, CancelReplace, ExecReport]);
const ProtocolB = union('ProtocolB', framed, [VenueNewOrder, VenueReplace, VenueReport]);

const priceMax = 1_000_000_000;
const quantityMax = 1_000_000;
const notionalMax = 100_000_000_000_000n;
const blockQuantity = 10_000;

/** Open orders, by their client's id and by ours. */
function ordersOf(capacity: number) {
  return correlate('orders', {
    capacity,
    timeout: '30s',
    full: 'reject',
    key: { clOrdId: t.u64 },
    saved: { clOrdId: t.u64 },
  });
}

function transformsOf(orders: ReturnType<typeof ordersOf>) {
  const toVenue = transform(NewOrder, VenueNewOrder, (o) => ({
    seq: sequence(),
    price: o.price,
    qty: o.qty,
    ordId: orders.id(),
    clOrdId: o.clOrdId,
  }));
  const replaced = transform(CancelReplace, VenueReplace, (c) => ({
    seq: sequence(),
    price: c.price,
    qty: c.qty,
    ordId: orders.id(),
    origOrdId: orders.saved.clOrdId,
  }));
  const toClient = transform(VenueReport, ExecReport, (r) => ({
    seq: sequence(),
    price: r.price,
    qty: r.qty,
    clOrdId: orders.saved.clOrdId,
    origClOrdId: 0,
    ordId: r.ordId,
    execId: r.execId,
  }));
  return { toVenue, replaced, toClient };
}

const checks = [
  validate(NewOrder, (o) => [
    o.price.between(1, priceMax).else('PRICE', 1000),
    o.qty.between(1, quantityMax).else('QUANTITY', 1001),
    o.price.mul(o.qty).lte(notionalMax).else('NOTIONAL', 1002),
  ]),
  validate(CancelReplace, (c) => [
    c.price.between(1, priceMax).else('PRICE', 1000),
    c.qty.between(1, quantityMax).else('QUANTITY', 1001),
    c.price.mul(c.qty).lte(notionalMax).else('NOTIONAL', 1002),
  ]),
  validate(VenueReport, (r) => [
    r.price.between(1, priceMax).else('PRICE', 1000),
    r.qty.lte(quantityMax).else('QUANTITY', 1001),
  ]),
];

/** With room for so many open orders. */
export function orderRouter(capacity: number): RouterIr {
  const remote = { host: '127.0.0.1', port: 9 };
  const clients = udp('clients', { port: 0, remote, messages: ProtocolA });
  const venue = (name: string) => udp(name, { port: 0, remote, messages: ProtocolB });
  const [first, second, third] = [venue('venue1'), venue('venue2'), venue('venue3')];
  const block = venue('block');
  const venues = pool('venues', [first, second, third], lb.roundRobin());
  const orders = ordersOf(capacity);
  const { toVenue, replaced, toClient } = transformsOf(orders);
  return defineRouter({
    name: 'orders',
    endpoints: [clients, first, second, third, block],
    validate: checks,
    routes: [
      route.first(
        NewOrder,
        (o) => {
          const opening = { key: [o.clOrdId], save: { clOrdId: o.clOrdId } } as const;
          return [
            when(o.qty.gte(blockQuantity)).via(toVenue).to(block).opens(orders, opening),
            otherwise.via(toVenue).to(venues).opens(orders, opening),
          ];
        },
        { from: clients },
      ),
      route.first(
        CancelReplace,
        (c) => [
          otherwise
            .via(replaced)
            .to(orders.destination())
            .opens(orders, { key: [c.clOrdId], save: { clOrdId: c.clOrdId } })
            .closes(),
        ],
        { from: clients, lookup: (c) => orders.byKey(c.origClOrdId) },
      ),
      route.first(
        VenueReport,
        (r) => [
          when(r.qty.eq(0)).via(toClient).to(orders.source()).closes(),
          otherwise.via(toClient).to(orders.source()),
        ],
        { lookup: (r) => orders.byId(r.ordId) },
      ),
    ],
  });
}
