// Full queues: what each policy does when a destination does not keep up, and that the rest of the
// traffic does not notice.
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  defineRouter,
  type FullPolicy,
  framing,
  HyperRoute,
  memory,
  otherwise,
  raw,
  route,
  tcp,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  freePort,
  numbered,
  numbers,
  offerAll,
  range,
} from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const bytes = 200;
const ringBytes = 4096;
const queueBytes = 8192;
const parkBytes = 16_384;

interface World {
  readonly router: HyperRoute;
  readonly seen: number[];
  readonly read: () => void;
  readonly other: number[];
}

/** from → slow, whose reader reads when told; from2 → other, read at once. */
async function start(full: FullPolicy): Promise<World> {
  const from = memory('from');
  const from2 = memory('from2');
  const slow = memory('slow', {
    ringBytes,
    mode: 'poll',
    queue: { bytes: queueBytes, full, parkBytes },
  });
  const other = memory('other');
  const router = await HyperRoute.start(
    defineRouter({
      endpoints: [from, from2, slow, other],
      routes: [
        route.first(raw, () => [otherwise.to(slow)], { from, name: 'slow' }),
        route.first(raw, () => [otherwise.to(other)], { from: from2, name: 'other' }),
      ],
    }),
  );
  cleanups.push(() => router.close({ drainTimeoutMs: 50 }));
  const seen: number[] = [];
  const passed: number[] = [];
  router.memory('other').subscribe((batch) => {
    while (batch.next()) passed.push(batch.view.getUint32(batch.offset, true));
  });
  const read = () => {
    router.memory('slow').poll((batch) => {
      while (batch.next()) seen.push(batch.view.getUint32(batch.offset, true));
    });
  };
  return { router, seen, read, other: passed };
}

/** Fills the slow destination, and shows that the other traffic flows meanwhile. */
async function fill({ router, other }: World, count: number): Promise<void> {
  await offerAll(router.memory('from'), numbers(count, bytes));
  await offerAll(router.memory('from2'), numbers(500, bytes));
  await eventually('the other traffic', () => other.length === 500);
  expect(other).toEqual(range(500));
}

async function readAll({ seen, read }: World, count: number): Promise<void> {
  await eventually(`${count} messages`, () => {
    read();
    return seen.length >= count;
  });
}

/** The most messages that ring and queue can hold together. */
const held = (bound: number) => Math.floor((ringBytes + bound) / bytes) + 1;

describe('a destination that does not keep up', () => {
  it('reject: refuses what does not fit, in order, with a count', async () => {
    const world = await start('reject');
    await fill(world, 300);
    const refused = world.router.metrics().rejects.DESTINATION_FULL ?? 0;
    await readAll(world, 300 - refused);
    expect(world.seen).toEqual(range(300 - refused));
    expect(world.seen.length).toBeLessThanOrEqual(held(queueBytes));
    expect(world.seen.length).toBeGreaterThan(queueBytes / (2 * bytes));
  });

  it('park: keeps more, in order, then refuses', async () => {
    const world = await start('park');
    await fill(world, 300);
    const refused = world.router.metrics().rejects.DESTINATION_FULL ?? 0;
    await readAll(world, 300 - refused);
    expect(world.seen).toEqual(range(300 - refused));
    expect(world.seen.length).toBeGreaterThan(queueBytes / bytes);
    expect(world.seen.length).toBeLessThanOrEqual(held(queueBytes + parkBytes));
  });

  it('block: stops reading the source and loses nothing', async () => {
    const world = await start('block');
    await fill(world, 300);
    expect(world.router.metrics().endpoints.from?.rx_messages).toBeLessThanOrEqual(
      held(queueBytes),
    );
    await readAll(world, 300);
    expect(world.seen).toEqual(range(300));
    expect(world.router.metrics().rejects.DESTINATION_FULL ?? 0).toBe(0);
  });

  it('drop-oldest: keeps the newest, in order, with a count', async () => {
    const world = await start('drop-oldest');
    await fill(world, 300);
    const dropped = () => {
      const { endpoints, rejects } = world.router.metrics();
      return (endpoints.slow?.dropped_oldest ?? 0) + (rejects.DESTINATION_FULL ?? 0);
    };
    await eventually('the count', () => {
      world.read();
      return world.seen.length + dropped() === 300;
    });
    expect(dropped()).toBeGreaterThan(0);
    expect(world.seen).toEqual([...world.seen].sort((a, b) => a - b));
    expect(new Set(world.seen).size).toBe(world.seen.length);
    expect(world.seen.length).toBeLessThanOrEqual(held(2 * queueBytes));
  });
});

describe('a tcp.connect destination that is down', () => {
  it('park: gets everything in order once it is up', async () => {
    const port = await freePort();
    const from = memory('from');
    const to = tcp.connect('to', {
      host: '127.0.0.1',
      port,
      framing: framing.fixed(8),
      reconnect: { minMs: 5, maxMs: 20 },
      queue: { full: 'park' },
    });
    const router = await HyperRoute.start(
      defineRouter({
        endpoints: [from, to],
        routes: [route.first(raw, () => [otherwise.to(to)], { from })],
      }),
    );
    cleanups.push(() => router.close({ drainTimeoutMs: 50 }));
    for (let number = 0; number < 1000; number++) {
      expect(router.memory('from').offer(numbered(number))).toBeGreaterThan(0);
    }
    await eventually(
      'failed attempts',
      () => (router.metrics().endpoints.to?.connect_failures ?? 0) > 2,
    );
    const parts: Buffer[] = [];
    const server = createServer((socket) =>
      socket.on('data', (part) => parts.push(part)).on('error', () => {}),
    );
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    await eventually('everything', () => parts.reduce((sum, part) => sum + part.length, 0) >= 8000);
    const all = Buffer.concat(parts);
    expect(all.length).toBe(8000);
    expect(range(1000).map((number) => all.readUInt32LE(8 * number))).toEqual(range(1000));
  });
});
