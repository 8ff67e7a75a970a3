// Order clients and venues written with Python's socket and struct modules, a gateway between:
// rules by content, a round-robin pool, answers by return address, rejects with their codes.
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, needs, Program } from '../helpers/foreign-programs.js';
import { type RouterProcess, startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';
import { Random, testSeed } from '../helpers/random.js';

beforeEach((context) => needs(context, 'python3'));
afterEach(endAll);

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const notionalMax = 1_000_000_000;
const blockQtyMin = 10_000;

type Order = readonly [price: number, qty: number, clOrdId: number];

interface Answer {
  readonly seq: number;
  readonly price?: number;
  readonly qty?: number;
  readonly clOrdId: number;
  readonly orig?: number;
  readonly ordId?: string;
  readonly execId?: number;
  readonly code?: number;
}

interface VenueOrder {
  readonly seq: number;
  readonly price: number;
  readonly qty: number;
  readonly ordId: string;
  readonly clOrdId: number;
  readonly execId: number;
}

class Venue {
  readonly #program: Program;

  constructor(host: string, firstExecId: number) {
    this.#program = new Program('python3', [fixture('orders_venue.py'), host, String(firstExecId)]);
  }

  async port(): Promise<number> {
    return Number((await this.#program.printsBytes(2)).toString());
  }

  /** Ends it; the orders it got. */
  async orders(): Promise<readonly VenueOrder[]> {
    const code = await this.#program.finish().ended();
    if (code !== 0) throw new Error(this.#program.stderr);
    return JSON.parse(this.#program.text.split('\n')[1] ?? '') as VenueOrder[];
  }
}

/** Sends orders, waits for an answer to each, and says how many more bytes came. */
async function trade(host: string, port: number, orders: readonly Order[]) {
  const program = new Program('python3', [fixture('orders_client.py'), host, String(port)]);
  program.finish(JSON.stringify(orders));
  if ((await program.ended()) !== 0) throw new Error(program.stderr);
  return JSON.parse(program.text) as { answers: Answer[]; surplus: number };
}

function startGateway(
  host: string,
  venuePorts: readonly number[],
  maxConnections: number,
): Promise<RouterProcess> {
  const bind = `host: '${host}', port: 0`;
  return startRouter(`
    const headA = { size: t.u32, type: t.u8, seq: t.u64 };
    const A = { layout: layout.packed('le') };
    const NewOrder = schema('NewOrder', 1,
      { ...headA, price: t.u32, qty: t.u32, clOrdId: t.u64 }, A);
    const ExecReport = schema('ExecReport', 3, { ...headA, price: t.u32, qty: t.u32,
      clOrdId: t.u64, origClOrdId: t.u64, ordId: t.u64, execId: t.u64 }, A);
    const Reject = schema('Reject', 4, { ...headA, code: t.u32, clOrdId: t.u64 }, A);
    const ProtocolA = union('ProtocolA', { type: 'type', size: 'size' },
      [NewOrder, ExecReport, Reject]);
    const headB = { size: t.u32, type: t.u32, seq: t.u64 };
    const B = { layout: layout.c('le') };
    const VenueOrder = schema('VenueOrder', 1,
      { ...headB, price: t.u32, qty: t.u32, ordId: t.u64, clOrdId: t.u64 }, B);
    const VenueReport = schema('VenueReport', 3,
      { ...headB, price: t.u32, qty: t.u32, ordId: t.u64, execId: t.u64, clOrdId: t.u64 }, B);
    const ProtocolB = union('ProtocolB', { type: 'type', size: 'size' }, [VenueOrder, VenueReport]);

    const clients = tcp.listen('clients', { ${bind}, messages: ProtocolA, maxFrameBytes: 64,
      halfOpenTimeoutMs: 100, maxConnections: ${maxConnections},
      framing: framing.lengthPrefix({ bytes: 4, includesHeader: true }) });
    const venue = (port: number, index: number) => udp('venue' + index, { ${bind},
      messages: ProtocolB, remote: { host: '${host}', port }, receiveBufferBytes: 4 << 20 });
    const [block, ...others] = ${JSON.stringify(venuePorts)}.map(venue);
    const venues = pool('venues', others, lb.roundRobin());
    const toVenue = transform(NewOrder, VenueOrder, (o) => ({ seq: sequence(), price: o.price,
      qty: o.qty, ordId: returnAddress(), clOrdId: o.clOrdId }));
    const toClient = transform(VenueReport, ExecReport, (r) => ({ seq: sequence(), price: r.price,
      qty: r.qty, clOrdId: r.clOrdId, origClOrdId: 0, ordId: r.ordId, execId: r.execId }));
    const toReject = transform(NewOrder, Reject,
      (o) => ({ seq: sequence(), code: rejectCode(), clOrdId: o.clOrdId }));
    export default defineRouter({ name: 'gateway', endpoints: [clients, block, ...others],
      validate: [validate(NewOrder, (o) => [
        o.qty.gt(0).else('NO_QUANTITY', 1001),
        o.price.mul(o.qty).lte(${notionalMax}n).else('NOTIONAL', 1000),
      ])],
      routes: [
        route.first(NewOrder, (o) => [
          when(o.qty.gte(${blockQtyMin})).via(toVenue).to(block),
          otherwise.via(toVenue).to(venues),
        ], { from: clients, rejects: via(toReject).to(returnTo(source)) }),
        route.first(VenueReport, (r) => [otherwise.via(toClient).to(returnTo(r.ordId))]),
      ] });`);
}

/** Orders whose price leaves the client's index: who owns one can be told from its price. */
function randomOrders(random: Random, client: number, clientCount: number): Order[] {
  return Array.from({ length: 300 }, (_, index) => {
    const price = clientCount * (1 + random.below(90_000 / clientCount)) + client;
    const edges = [0, blockQtyMin - 1, blockQtyMin, Math.floor(notionalMax / price)];
    const qty = random.below(4) === 0 ? random.pick(edges) : 1 + random.below(15_000);
    return [price, qty, 1 + index] as const;
  });
}

function codeOf([price, qty]: Order): number {
  if (qty === 0) return 1001;
  return price * qty > notionalMax ? 1000 : 0;
}

describe.each(['127.0.0.1', '::1'])('order clients and venues on %s', (host) => {
  it('get every order and every answer once, where they belong, with ids and codes', async () => {
    const seed = testSeed();
    const random = new Random(seed);
    const venues = [1, 2, 3, 4].map((number) => new Venue(host, number * 1_000_000));
    const ports = await Promise.all(venues.map((venue) => venue.port()));
    const router = await startGateway(host, ports, 3);
    const clientCount = 3;
    const books = [0, 1, 2].map((client) => randomOrders(random, client, clientCount));
    const trades = await Promise.all(books.map((b) => trade(host, router.port('clients'), b)));
    const seen = await Promise.all(venues.map((venue) => venue.orders()));

    const note = `seed ${seed}`;
    for (const [client, { answers, surplus }] of trades.entries()) {
      const book = books[client] ?? [];
      expect(surplus, note).toBe(0);
      // The sequence numbers count what this connection was sent.
      expect(
        answers.map(({ seq }) => seq),
        note,
      ).toEqual(book.map((_, index) => index + 1));
      const byId = new Map(answers.map((answer) => [answer.clOrdId, answer]));
      for (const order of book) {
        const [price, qty, clOrdId] = order;
        const code = codeOf(order);
        const expected = code === 0 ? { price, qty, orig: 0 } : { code };
        expect(byId.get(clOrdId), note).toMatchObject(expected);
      }
      // Every report is the one of the venue that had this client's order.
      const reports = answers.filter(({ code }) => code === undefined);
      const own = seen.flat().filter(({ price }) => price % clientCount === client);
      const key = (each: Answer | VenueOrder) => `${each.execId} ${each.ordId} ${each.clOrdId}`;
      expect(reports.map(key).sort(), note).toEqual(own.map(key).sort());
    }

    const good = books.flat().filter((order) => codeOf(order) === 0);
    const blocks = good.filter(([, qty]) => qty >= blockQtyMin);
    const [block = [], ...others] = seen;
    const values = (list: readonly { price: number; qty: number; clOrdId: number }[]) =>
      list.map(({ price, qty, clOrdId }) => `${price} ${qty} ${clOrdId}`).sort();
    const pairs = (list: readonly Order[]) =>
      values(list.map(([price, qty, clOrdId]) => ({ price, qty, clOrdId })));
    expect(values(block), note).toEqual(pairs(blocks));
    expect(values(others.flat()), note).toEqual(pairs(good.filter(([, qty]) => qty < blockQtyMin)));
    // Round robin: no member is more than one message ahead of another.
    const counts = others.map((orders) => orders.length);
    expect(Math.max(...counts) - Math.min(...counts), note).toBeLessThanOrEqual(1);
    for (const orders of seen) {
      expect(
        orders.map(({ seq }) => seq),
        note,
      ).toEqual(orders.map((_, index) => index + 1));
    }
    const rejected = (wanted: number) =>
      books.flat().filter((order) => codeOf(order) === wanted).length;
    await router.counts({
      'routes.NewOrder.delivered': good.length,
      'routes.NewOrder.rejected': books.flat().length - good.length,
      'routes.VenueReport.delivered': good.length,
      'rejects.NOTIONAL': rejected(1000),
      'rejects.NO_QUANTITY': rejected(1001),
      'endpoints.clients.undeliverable': 0,
    });
    expect(await router.stop()).toBe(0);
  });
});

describe('an answer whose client has gone', () => {
  it('is rejected as stale and reaches nobody who came later', async () => {
    const venue = new Venue('127.0.0.1', 1);
    const venuePort = await venue.port();
    const router = await startGateway('127.0.0.1', [venuePort, venuePort], 1);
    const port = router.port('clients');
    const first = await trade('127.0.0.1', port, [[10, 1, 7]]);
    await router.counts({ 'endpoints.clients.connections': 0 });
    const stale = first.answers[0]?.ordId ?? '';
    // The newcomer gets the only place there is. A venue repeats its report under the old address.
    const python = new Python();
    const again = await python.udp('127.0.0.1');
    const newcomer = await python.connect('127.0.0.1', port);
    await router.counts({ 'endpoints.clients.connections': 1 });
    const report = Buffer.alloc(48);
    report.writeUInt32LE(48, 0);
    report.writeUInt32LE(3, 4);
    report.writeBigUInt64LE(BigInt(stale), 24);
    await again.send(router.port('venue1'), report);
    await router.counts({
      'rejects.STALE_RETURN_ADDRESS': 1,
      'routes.VenueReport.rejected': 1,
      'routes.VenueReport.delivered': 1,
    });
    expect(await newcomer.surplus()).toEqual({ bytes: Buffer.alloc(0), over: undefined });
  });
});
