// The stateless flow of the route bench: an order of 64 bytes is checked, classified by four
// fields, spread over venues by its client and rewritten for them. bench/native/route/stateless.cc
// is the same by hand: a change here is a change there.
import {
  defineRouter,
  layout,
  lb,
  otherwise,
  pool,
  type RouterIr,
  returnAddress,
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
import type { RouteInput } from './route-traffic.js';

const symbolCount = 1024;
/** Endpoint 0 is where orders come from. */
const venueCount = 16;
const darkCount = 8;
const inputCount = 4096;
/** Where an order has its side. */
const sideAt = 48;

const symbols = Array.from({ length: symbolCount }, (_none, index) => symbolAt(index));

/** Three letters and the number. */
function symbolAt(index: number): string {
  const letter = (number: number): string => String.fromCharCode(65 + (number % 26));
  return `${letter(index)}${letter(index * 7)}${letter(index >> 3)}${index}`;
}

const Order = schema(
  'Order',
  1,
  {
    size: t.u32,
    type: t.u32,
    seq: t.u64,
    id: t.u64,
    symbol: t.ascii(8),
    price: t.u64,
    quantity: t.u32,
    client: t.u32,
    side: t.enum({ buy: 0, sell: 1 }),
    tif: t.enum({ day: 0, gtc: 1, ioc: 2, fok: 3 }),
    tier: t.u8,
    region: t.u8,
    account: t.u32,
    sentAt: t.u64,
  },
  { layout: layout.c() },
);
const Orders = union('Orders', { type: 'type', size: 'size' }, [Order]);

/** In network byte order, as exchanges have it. */
const VenueOrder = schema(
  'VenueOrder',
  7,
  {
    size: t.u16,
    type: t.u8,
    version: t.u8,
    seq: t.u64,
    orderId: t.u64,
    returnTo: t.u64,
    symbol: t.ascii(8),
    price: t.u64,
    quantity: t.u32,
    account: t.u32,
    side: t.enum({ buy: 0x31, sell: 0x32 }),
    tif: t.enum({ day: 0x30, gtc: 0x31, ioc: 0x33, fok: 0x34 }),
    tier: t.u16,
    sentAt: t.u64,
  },
  { layout: layout.packed('be') },
);
const VenueOrders = union('VenueOrders', { type: 'type', size: 'size' }, [VenueOrder]);

const toVenue = transform(Order, VenueOrder, (o) => ({
  version: 3,
  seq: sequence(),
  orderId: o.id,
  returnTo: returnAddress(),
  symbol: o.symbol,
  price: o.price,
  quantity: o.quantity,
  account: o.account,
  side: o.side.map({ buy: 'buy', sell: 'sell' }),
  tif: o.tif.map({ day: 'day', gtc: 'gtc', ioc: 'ioc', fok: 'fok' }),
  tier: o.tier,
  sentAt: o.sentAt,
}));

export function statelessRouter(): RouterIr {
  const orders = udp('orders', { port: 0, messages: Orders });
  const venue = (name: string) =>
    udp(name, { port: 0, remote: { host: '127.0.0.1', port: 9 }, messages: VenueOrders });
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_none, index) => venue(`${name}-${index}`));
  const [venues, darkPools, block] = [
    many('venue', venueCount),
    many('dark', darkCount),
    venue('block'),
  ];
  const lit = pool('lit', venues, lb.hash(Order.refs.client));
  const dark = pool('dark', darkPools, lb.hash(Order.refs.client));
  return defineRouter({
    name: 'stateless',
    endpoints: [orders, ...venues, ...darkPools, block],
    validate: [
      validate(Order, (o) => [
        o.price.between(1, 1_000_000_000).else('PRICE', 1000),
        o.quantity.between(1, 1_000_000).else('QUANTITY', 1001),
        o.client.between(1, 50_000).else('CLIENT', 1002),
        o.symbol.in(symbols).else('UNKNOWN_SYMBOL', 1003),
      ]),
    ],
    routes: [
      route.first(
        Order,
        (o) => [
          when(o.tif.is('ioc'), o.tier.gte(5), o.quantity.gte(10_000)).via(toVenue).to(dark),
          when(o.side.is('sell'), o.tif.is('fok'), o.quantity.lt(100)).via(toVenue).to(block),
          when(o.side.is('buy'), o.tier.lt(2), o.quantity.between(100, 9_999))
            .via(toVenue)
            .to(dark),
          when(o.side.is('sell'), o.tif.is('day'), o.tier.between(3, 4)).via(toVenue).to(dark),
          when(o.side.is('buy'), o.tif.is('gtc'), o.tier.gte(6)).via(toVenue).to(block),
          otherwise.via(toVenue).to(lit),
        ],
        { from: orders },
      ),
    ],
  });
}

/** Of 64 orders one is refused: it is too short, out of range or of an unknown symbol. */
export function statelessInputs(below: (limit: number) => number): RouteInput[] {
  return Array.from({ length: inputCount }, (_none, index) => {
    const fault = below(64) === 0 ? below(6) : -1;
    const message = new Uint8Array(Order.bytesMax);
    Order.encode(
      {
        seq: BigInt(index),
        id: (BigInt(below(2 ** 32)) << 32n) | BigInt(below(2 ** 32)),
        symbol: fault === 0 ? 'NOTHING' : (symbols[below(symbolCount)] ?? ''),
        price: BigInt(fault === 1 ? 0 : 1 + below(1_000_000_000)),
        quantity: fault === 2 ? 1_000_001 : 1 + below(10 ** (1 + below(6))),
        client: fault === 3 ? 50_001 : 1 + below(50_000),
        side: below(2) === 0 ? 'buy' : 'sell',
        tif: (['day', 'gtc', 'ioc', 'fok'] as const)[below(4)] ?? 'day',
        tier: below(8),
        region: below(8),
        account: below(2 ** 32),
        sentAt: 1_780_000_000_000_000_000n + BigInt(index),
      },
      message,
    );
    if (fault === 5) message[sideAt] = 9;
    return { source: 0, message: fault === 4 ? message.subarray(0, 60) : message };
  });
}
