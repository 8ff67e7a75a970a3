// Recordings of routers that remember messages: each report finds again what it found.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  correlate,
  defineRouter,
  HyperRoute,
  memory,
  otherwise,
  type RouterIr,
  route,
  schema,
  t,
  transform,
  union,
  when,
} from 'hyperroute';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { replayed } from '../helpers/replayed.js';
import { offerAll } from '../helpers/router-lines.js';

const timeout = 60_000;
const cleanups: (() => unknown)[] = [];
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-recording-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a recording of messages that are remembered', () => {
  const Order = schema('Order', 1, { client: t.u32, number: t.u64 });
  const VenueOrder = schema('VenueOrder', 2, { id: t.u64 });
  const Report = schema('Report', 3, { id: t.u64, final: t.bool });
  const Done = schema('Done', 4, { number: t.u64, final: t.bool });
  const Clients = union('Clients', {}, [Order, Done]);
  const Venues = union('Venues', {}, [VenueOrder, Report]);

  function gateway(capacity: number): RouterIr {
    const clients = memory('clients', { messages: Clients });
    const venue = memory('venue', { messages: Venues });
    const orders = correlate('orders', {
      capacity,
      timeout: '50ms',
      full: 'evict-oldest',
      key: { client: t.u32, number: t.u64 },
      saved: { number: t.u64 },
    });
    const toVenue = transform(Order, VenueOrder, () => ({ id: orders.id() }));
    const toClient = transform(Report, Done, (r) => {
      return { number: orders.saved.number, final: r.final };
    });
    const forward = route.first(Order, (o) => [
      otherwise
        .via(toVenue)
        .to(venue)
        .opens(orders, { key: [o.client, o.number], save: { number: o.number } }),
    ]);
    const back = route.first(
      Report,
      (r) => [
        when(r.final.is(true)).via(toClient).to(orders.source()).closes(),
        otherwise.via(toClient).to(orders.source()),
      ],
      { lookup: (r) => orders.byId(r.id) },
    );
    return defineRouter({ endpoints: [clients, venue], routes: [forward, back] });
  }

  it('finds for each report what was found when it came', { timeout }, async () => {
    const path = join(folder, 'orders.recording');
    const router = await HyperRoute.start(gateway(50), { record: { path } });
    cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
    const seen = { orders: 0, reports: 0, done: 0 };
    const answer = (at: number, id: bigint): void => {
      // Some come twice, some too late, some never.
      const copies = at % 3;
      for (let copy = 0; copy < copies; copy += 1) {
        const report = new Uint8Array(Report.bytesMax);
        Report.encode({ id, final: copy === 1 || at % 5 === 0 }, report);
        const send = () => {
          if (router.memory('venue').offer(report) >= 0) seen.reports += 1;
        };
        if (at % 7 === 0) setTimeout(send, 80);
        else send();
      }
    };
    router.memory('venue').subscribe((batch) => {
      while (batch.next()) answer(seen.orders++, VenueOrder.decode(batch.copy()).id);
    });
    router.memory('clients').subscribe((batch) => {
      while (batch.next()) seen.done += 1;
    });
    const send = async (from: number): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) {
        const numbers = Array.from({ length: 20 }, (_, at) => BigInt(from + 20 * turn + at));
        const messages = numbers.map((number) => {
          const order = new Uint8Array(Order.bytesMax);
          Order.encode({ client: turn, number }, order);
          return order;
        });
        await offerAll(router.memory('clients'), messages);
        await sleep(5);
      }
    };
    await send(0);
    await router.update({ ...gateway(50), sampleEvery: 16 });
    await send(1000);
    await sleep(150);
    const report = await router.recording?.stop();
    expect(report).toMatchObject({ end: 'stopped', missed: 0 });
    expect(seen.orders).toBe(800);
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, different: 0, file: { kind: 'whole' } });
    expect(result.messages).toBe(800 + seen.reports);
    expect(result.destinations['(where an entry says)']?.messages).toBe(seen.done);
    expect(result.rejects.NOT_CORRELATED?.messages).toBe(seen.reports - seen.done);
    expect(seen.reports).toBeGreaterThan(seen.done);
  });
});
