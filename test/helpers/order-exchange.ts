// Orders over real sockets: a router between clients that speak protocol A (packed) and venues
// that speak protocol B (aligned as C does), clients and venues that write down what they get.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  correlate,
  defineRouter,
  framing,
  layout,
  lb,
  otherwise,
  pool,
  type RouterIr,
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
  via,
  when,
} from 'hyperroute';
import { eventually } from './router-lines.js';

const packed = { layout: layout.packed('le') };
const aligned = { layout: layout.c() };
const headerA = { size: t.u32, type: t.u8, seq: t.u64 };
const headerB = { size: t.u32, type: t.u32, seq: t.u64 };
const order = { price: t.u32, qty: t.u32, clOrdId: t.u64 };

export const NewOrder = schema('NewOrder', 1, { ...headerA, ...order }, packed);
export const Replace = schema('Replace', 2, { ...headerA, ...order, origClOrdId: t.u64 }, packed);
export const ExecReport = schema(
  'ExecReport',
  3,
  { ...headerA, ...order, origClOrdId: t.u64, ordId: t.u64, execId: t.u64 },
  packed,
);
export const Reject = schema('Reject', 4, { ...headerA, code: t.u32, clOrdId: t.u64 }, packed);
const ProtocolA = union('ProtocolA', { type: 'type', size: 'size' }, [
  NewOrder,
  Replace,
  ExecReport,
  Reject,
]);

const venueOrder = { price: t.u32, qty: t.u32, ordId: t.u64 };
export const VenueOrder = schema(
  'VenueOrder',
  1,
  { ...headerB, ...venueOrder, clOrdId: t.u64 },
  aligned,
);
export const VenueReplace = schema(
  'VenueReplace',
  2,
  { ...headerB, ...venueOrder, origClOrdId: t.u64 },
  aligned,
);
export const VenueReport = schema(
  'VenueReport',
  3,
  { ...headerB, ...venueOrder, execId: t.u64 },
  aligned,
);
const ProtocolB = union('ProtocolB', { type: 'type', size: 'size' }, [
  VenueOrder,
  VenueReplace,
  VenueReport,
]);

const frames = {
  framing: framing.lengthPrefix({ bytes: 4, order: 'le', includesHeader: true }),
  maxFrameBytes: 64,
} as const;

export interface ExchangeOptions {
  readonly venuePorts: readonly number[];
  readonly timeout?: number;
  readonly capacity?: number;
  readonly inFlight?: number;
  readonly balancing?: ReturnType<typeof lb.roundRobin>;
  /** Of reports: a note that tells configurations apart. */
  readonly price?: number;
}

function ordersOf({ capacity = 1000, timeout = 60_000 }: ExchangeOptions) {
  return correlate('orders', {
    capacity,
    timeout,
    key: { clOrdId: t.u64 },
    saved: { clOrdId: t.u64, origClOrdId: t.u64 },
  });
}

function transformsOf(orders: ReturnType<typeof ordersOf>, price: number | undefined) {
  const toVenue = transform(NewOrder, VenueOrder, (o) => ({
    seq: sequence(),
    price: o.price,
    qty: o.qty,
    ordId: orders.id(),
    clOrdId: o.clOrdId,
  }));
  const toVenueReplace = transform(Replace, VenueReplace, (o) => ({
    seq: sequence(),
    price: o.price,
    qty: o.qty,
    ordId: orders.id(),
    origClOrdId: orders.saved.clOrdId,
  }));
  const toClient = transform(VenueReport, ExecReport, (r) => ({
    seq: sequence(),
    price: price ?? r.price,
    qty: r.qty,
    clOrdId: orders.saved.clOrdId,
    origClOrdId: orders.saved.origClOrdId,
    ordId: r.ordId,
    execId: r.execId,
  }));
  const refuse = transform(NewOrder, Reject, (o) => ({
    seq: sequence(),
    code: rejectCode(),
    clOrdId: o.clOrdId,
  }));
  const refuseReplace = transform(Replace, Reject, (o) => ({
    seq: sequence(),
    code: rejectCode(),
    clOrdId: o.clOrdId,
  }));
  return { toVenue, toVenueReplace, toClient, refuse, refuseReplace };
}

/** A report with nothing left of the order is the last one. */
export function exchange(options: ExchangeOptions): RouterIr {
  const { venuePorts, inFlight, balancing = lb.roundRobin(), price } = options;
  const clients = tcp.listen('clients', { port: 0, messages: ProtocolA, ...frames });
  const limit = inFlight === undefined ? {} : { limit: { inFlight } };
  const all = venuePorts.map((port, index) => {
    const remote = { host: '127.0.0.1', port };
    return tcp.connect(`venue${index + 1}`, {
      ...remote,
      messages: ProtocolB,
      ...frames,
      ...limit,
    });
  });
  const venues = pool('venues', all, balancing);
  const orders = ordersOf(options);
  const { toVenue, toVenueReplace, toClient, refuse, refuseReplace } = transformsOf(orders, price);
  return defineRouter({
    name: 'exchange',
    endpoints: [clients, ...all],
    routes: [
      route.first(
        NewOrder,
        (o) => [
          otherwise
            .via(toVenue)
            .to(venues)
            .opens(orders, {
              key: [o.clOrdId],
              save: { clOrdId: o.clOrdId, origClOrdId: o.clOrdId },
            }),
        ],
        { rejects: via(refuse).to(returnTo(source)) },
      ),
      route.first(
        Replace,
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
          when(r.qty.eq(0)).via(toClient).to(orders.source()).closes(),
          otherwise.via(toClient).to(orders.source()),
        ],
        { lookup: (r) => orders.byId(r.ordId) },
      ),
    ],
  });
}

/** Cuts what a socket says into frames by their sizes. */
function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readUInt32LE(0)) {
      const size = rest.readUInt32LE(0);
      take(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  });
}

function encoded<M>(
  type: { readonly bytesMax: number; encode(message: M, target: Uint8Array): number },
  message: M,
): Uint8Array {
  const bytes = new Uint8Array(type.bytesMax);
  return bytes.subarray(0, type.encode(message, bytes));
}

/** A client that trades. */
export class Trader {
  readonly reports: ReturnType<typeof ExecReport.decode>[] = [];
  readonly rejects: ReturnType<typeof Reject.decode>[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    readFrames(socket, (frame) => {
      if (frame[4] === 3) this.reports.push(ExecReport.decode(frame));
      else this.rejects.push(Reject.decode(frame));
    });
  }

  static async connect(port: number): Promise<Trader> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Trader(socket);
  }

  order(clOrdId: bigint, qty = 10, price = 100): void {
    this.#socket.write(encoded(NewOrder, { seq: 0n, price, qty, clOrdId }));
  }

  replace(clOrdId: bigint, origClOrdId: bigint, qty = 5): void {
    const message = { seq: 0n, price: 100, qty, clOrdId, origClOrdId };
    this.#socket.write(encoded(Replace, message));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Goes without waiting for anything that may still come. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** A venue that the router connects to. */
export class Venue {
  readonly orders: ReturnType<typeof VenueOrder.decode>[] = [];
  readonly replaces: ReturnType<typeof VenueReplace.decode>[] = [];
  readonly #server: Server;
  #socket: Socket | null = null;
  #execId = 0n;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      readFrames(socket, (frame) => {
        if (frame[4] === 1) this.orders.push(VenueOrder.decode(frame));
        else this.replaces.push(VenueReplace.decode(frame));
      });
    });
  }

  static async listen(): Promise<Venue> {
    const venue = new Venue();
    venue.#server.listen(0, '127.0.0.1');
    await once(venue.#server, 'listening');
    return venue;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async connected(): Promise<void> {
    await eventually('the router to connect', () => this.#socket !== null);
  }

  /** Reports what is left of an order; nothing: it is done. */
  report(ordId: bigint, qty: number): void {
    this.#execId += 1n;
    const message = { seq: 0n, price: 100, qty, ordId, execId: this.#execId };
    this.#socket?.write(encoded(VenueReport, message));
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }
}
