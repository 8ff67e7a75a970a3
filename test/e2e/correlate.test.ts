// Orders and their reports over TCP, through a router that remembers which belong together.
import { HyperRoute, lb, rejectCodes } from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { type ExchangeOptions, exchange, Trader, Venue } from '../helpers/order-exchange.js';
import { eventually, portOf } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface World {
  readonly router: HyperRoute;
  readonly venues: readonly Venue[];
  readonly ports: readonly number[];
  trader(): Promise<Trader>;
}

async function world(venueCount: number, options: Partial<ExchangeOptions> = {}): Promise<World> {
  const venues: Venue[] = [];
  for (let count = 0; count < venueCount; count += 1) {
    const venue = await Venue.listen();
    venues.push(venue);
    cleanups.push(() => venue.close());
  }
  const ports = venues.map(({ port }) => port);
  const router = await HyperRoute.start(exchange({ venuePorts: ports, ...options }));
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  for (const venue of venues) await venue.connected();
  const isUp = (index: number): boolean =>
    router.metrics().endpoints[`venue${index + 1}`]?.connections === 1;
  await eventually('venues', () => venues.every((_, index) => isUp(index)));
  const trader = async (): Promise<Trader> => {
    const made = await Trader.connect(portOf(router, 'clients'));
    cleanups.push(() => made.close());
    return made;
  };
  return { router, venues, ports, trader };
}

function counts(router: HyperRoute): Readonly<Record<string, number>> {
  return router.metrics().correlations.orders ?? {};
}

describe('orders that a router remembers', () => {
  it('come back to the client that sent them, with the ids that it gave them', async () => {
    const { router, venues, trader } = await world(1);
    const [venue] = venues as [Venue];
    const [one, two] = [await trader(), await trader()];
    one.order(7n);
    await eventually('the first order', () => venue.orders.length === 1);
    two.order(7n);
    await eventually('the second order', () => venue.orders.length === 2);
    const ids = venue.orders.map(({ ordId }) => ordId);
    expect(new Set(ids).size).toBe(2);
    venue.report(ids[1] as bigint, 4);
    venue.report(ids[0] as bigint, 3);
    await eventually('both reports', () => one.reports.length + two.reports.length === 2);
    expect(one.reports[0]).toMatchObject({ clOrdId: 7n, qty: 3, ordId: ids[0], execId: 2n });
    expect(two.reports[0]).toMatchObject({ clOrdId: 7n, qty: 4, ordId: ids[1], execId: 1n });
    venue.report(ids[0] as bigint, 0);
    await eventually('the last report', () => one.reports.length === 2);
    await eventually('one closed', () => counts(router).closed === 1);
    expect(counts(router)).toMatchObject({ open: 1, opened: 2, closed: 1 });
    // What has been closed, and what never was, belongs to nobody.
    venue.report(ids[0] as bigint, 1);
    venue.report(123n, 1);
    const rejects = () => router.metrics().rejects.NOT_CORRELATED ?? 0;
    await eventually('both rejects', () => rejects() === 2);
    expect(one.reports.length + two.reports.length).toBe(3);
  });

  it('are replaced at the venue that has them, under new ids', async () => {
    const { router, venues, trader } = await world(2);
    const client = await trader();
    client.order(1n);
    client.order(2n);
    await eventually('orders', () => venues.every(({ orders }) => orders.length === 1));
    const home = venues.find(({ orders }) => orders[0]?.clOrdId === 2n) as Venue;
    client.replace(3n, 2n);
    await eventually('the replace', () => home.replaces.length === 1);
    const [replace] = home.replaces;
    expect(replace).toMatchObject({ origClOrdId: 2n, qty: 5 });
    expect(replace?.ordId).not.toBe(home.orders[0]?.ordId);
    home.report(replace?.ordId ?? 0n, 5);
    await eventually('the report', () => client.reports.length === 1);
    expect(client.reports[0]).toMatchObject({ clOrdId: 3n, origClOrdId: 2n });
    // The order that was replaced is known no more, by its id or by its key.
    client.replace(4n, 2n);
    await eventually('the reject', () => client.rejects.length === 1);
    expect(client.rejects[0]).toMatchObject({ clOrdId: 4n, code: rejectCodes.NOT_CORRELATED });
    expect(counts(router)).toMatchObject({ open: 2, opened: 3, closed: 1, not_found: 1 });
  });

  it('whose client has gone are rejected, and reach nobody else', async () => {
    const { router, venues, trader } = await world(1);
    const [venue] = venues as [Venue];
    const gone = await trader();
    gone.order(1n);
    await eventually('the order', () => venue.orders.length === 1);
    gone.reset();
    const connections = () => router.metrics().endpoints.clients?.connections ?? 0;
    await eventually('the end of the connection', () => connections() === 0);
    const other = await trader();
    venue.report(venue.orders[0]?.ordId ?? 0n, 0);
    const stale = () => router.metrics().rejects.STALE_RETURN_ADDRESS ?? 0;
    await eventually('the reject', () => stale() === 1);
    expect(other.reports).toEqual([]);
    // It has not been delivered, so that nothing is closed.
    expect(counts(router)).toMatchObject({ open: 1, closed: 0 });
  });

  it('are forgotten when they have waited too long', async () => {
    const { router, venues, trader } = await world(1, { timeout: 150 });
    const [venue] = venues as [Venue];
    const client = await trader();
    client.order(1n);
    await eventually('the order', () => venue.orders.length === 1);
    await eventually('the end of its time', () => counts(router).timed_out === 1);
    expect(counts(router)).toMatchObject({ open: 0, opened: 1, closed: 0 });
    venue.report(venue.orders[0]?.ordId ?? 0n, 1);
    const rejects = () => router.metrics().rejects.NOT_CORRELATED ?? 0;
    await eventually('the reject', () => rejects() === 1);
    expect(client.reports).toEqual([]);
  });

  it('are as many as there is room for', async () => {
    const { router, venues, trader } = await world(1, { capacity: 2 });
    const [venue] = venues as [Venue];
    const client = await trader();
    for (const id of [1n, 2n, 3n]) client.order(id);
    await eventually('the reject', () => client.rejects.length === 1);
    expect(client.rejects[0]).toMatchObject({ clOrdId: 3n, code: rejectCodes.CORRELATION_FULL });
    await eventually('the others', () => venue.orders.length === 2);
    venue.report(venue.orders[0]?.ordId ?? 0n, 0);
    await eventually('room', () => client.reports.length === 1);
    client.order(4n);
    await eventually('the next', () => venue.orders.length === 3);
    expect(counts(router)).toMatchObject({ open: 2, opened: 3, refused: 1 });
  });

  it('keep what a destination has to answer within its limit', async () => {
    const { venues, trader } = await world(1, { inFlight: 2, timeout: 1500 });
    const [venue] = venues as [Venue];
    const client = await trader();
    for (const id of [1n, 2n, 3n]) client.order(id);
    await eventually('the reject', () => client.rejects.length === 1);
    expect(client.rejects[0]).toMatchObject({ clOrdId: 3n, code: rejectCodes.IN_FLIGHT_LIMIT });
    await eventually('the others', () => venue.orders.length === 2);
    venue.report(venue.orders[0]?.ordId ?? 0n, 0);
    await eventually('the answer', () => client.reports.length === 1);
    client.order(4n);
    await eventually('the next', () => venue.orders.length === 3);
    // What is never answered is forgotten, and is no longer in flight.
    await eventually('room again', () => {
      if (venue.orders.length < 5) client.order(BigInt(100 + client.rejects.length));
      return venue.orders.length >= 5;
    });
  });

  it('go to the venue that has least to answer', async () => {
    const balancing = lb.leastLoaded({ measure: 'outstanding' });
    const { venues, trader } = await world(2, { balancing });
    const [first, second] = venues as [Venue, Venue];
    const client = await trader();
    const total = () => first.orders.length + second.orders.length;
    for (let id = 1; id <= 8; id += 1) {
      client.order(BigInt(id));
      await eventually(`order ${id}`, () => total() === id);
    }
    expect([first.orders.length, second.orders.length]).toEqual([4, 4]);
    for (const { ordId } of first.orders) first.report(ordId, 0);
    await eventually('the reports', () => client.reports.length === 4);
    for (let id = 9; id <= 12; id += 1) {
      client.order(BigInt(id));
      await eventually(`order ${id}`, () => total() === id);
    }
    expect([first.orders.length, second.orders.length]).toEqual([8, 4]);
  });

  it('stay open through a change of the configuration', async () => {
    const { router, venues, ports, trader } = await world(1);
    const [venue] = venues as [Venue];
    const client = await trader();
    client.order(1n);
    await eventually('the order', () => venue.orders.length === 1);
    await router.update(exchange({ venuePorts: ports, price: 77 }));
    expect(counts(router)).toMatchObject({ open: 1 });
    venue.report(venue.orders[0]?.ordId ?? 0n, 0);
    await eventually('the report', () => client.reports.length === 1);
    expect(client.reports[0]).toMatchObject({ clOrdId: 1n, price: 77 });
    // A table of another size is another table: what was open in the old one is forgotten.
    client.order(2n);
    await eventually('the next order', () => venue.orders.length === 2);
    await router.update(exchange({ venuePorts: ports, capacity: 5 }));
    venue.report(venue.orders[1]?.ordId ?? 0n, 0);
    const rejects = () => router.metrics().rejects.NOT_CORRELATED ?? 0;
    await eventually('the reject', () => rejects() === 1);
    expect(client.reports).toHaveLength(1);
    expect(counts(router)).toMatchObject({ open: 0 });
  });
});
