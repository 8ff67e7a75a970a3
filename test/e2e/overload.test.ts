// Destinations that get more than they can take: what passes, what is refused, and with which code.
// Every job is either delivered or refused, once.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineRouter,
  framing,
  HyperRoute,
  memory,
  otherwise,
  rejectCodes,
  route,
  tcp,
  via,
  when,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Job, Jobs, job, Refusals, refuse } from '../helpers/jobs.js';
import { eventually, offerAll } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const messages = Jobs;

async function start(config: Parameters<typeof HyperRoute.start>[0]): Promise<HyperRoute> {
  const router = await HyperRoute.start(config);
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  return router;
}

function idOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUInt32LE(5);
}

describe('a rate', () => {
  it.each(['shared', 'dedicated'] as const)(
    'is kept over a long run (%s)',
    async (threading) => {
      const [perSecond, burst] = [2000, 50];
      const input = memory('in', { messages });
      const refused = memory('refused', {
        messages,
        ringBytes: 1 << 22,
        queue: { bytes: 1 << 22 },
      });
      const limit = { rate: perSecond, burst };
      const venue = memory('venue', { messages, ringBytes: 1 << 22, limit });
      const routes = [
        route.first(Job, () => [otherwise.to(venue)], {
          from: input,
          rejects: via(refuse).to(refused),
        }),
      ];
      const endpoints = [input, refused, venue];
      const router = await start(defineRouter({ endpoints, routes, threading }));
      const refusals = new Refusals(router, 'refused');
      const delivered: number[] = [];
      router.memory('venue').subscribe((batch) => {
        while (batch.next()) delivered.push(idOf(batch.copy()));
      });
      let sent = 0;
      const startMs = performance.now();
      // Four times the rate, in small bursts.
      while (performance.now() - startMs < 2000) {
        await offerAll(
          router.memory('in'),
          Array.from({ length: 8 }, () => job(sent++)),
        );
        const dueMs = startMs + (sent / (4 * perSecond)) * 1000;
        if (performance.now() < dueMs) await sleep(1);
      }
      await eventually('all', () => delivered.length + refusals.count === sent);
      const elapsedMs = performance.now() - startMs;
      expect(delivered.length).toBeLessThanOrEqual(burst + (perSecond * elapsedMs) / 1000 + 1);
      expect(delivered.length).toBeGreaterThan(perSecond);
      expect(new Set(delivered).size).toBe(delivered.length);
      expect(refusals.areSingle).toBe(true);
      expect(refusals.with(rejectCodes.RATE_LIMITED)).toHaveLength(refusals.count);
      expect(delivered.some((id) => refusals.codes.has(id))).toBe(false);
      const { rate_limited: limited } = router.metrics().endpoints.venue ?? {};
      expect(limited).toBe(refusals.count);
    },
    60_000,
  );

  it('changes with the configuration while the endpoint stays open', async () => {
    const configOf = (limit: { rate: number; burst: number } | undefined) => {
      const input = memory('in', { messages });
      const venue = memory('venue', { messages, ...(limit === undefined ? {} : { limit }) });
      const routes = [route.first(Job, () => [otherwise.to(venue)], { from: input })];
      return defineRouter({ endpoints: [input, venue], routes });
    };
    const router = await start(configOf({ rate: 1, burst: 3 }));
    const endpoint = router.memory('venue');
    let count = 0;
    endpoint.subscribe((batch) => {
      while (batch.next()) count++;
    });
    const jobs = () => Array.from({ length: 10 }, (_, id) => job(id));
    const refusedCount = () => router.metrics().rejects.RATE_LIMITED ?? 0;
    await offerAll(router.memory('in'), jobs());
    await eventually('the first', () => count + refusedCount() === 10);
    expect(count).toBe(3);
    await router.update(configOf(undefined));
    expect(router.memory('venue')).toBe(endpoint);
    await offerAll(router.memory('in'), jobs());
    await eventually('all of the second', () => count === 13);
  });
});

/** A server that does not read before it is told to. */
class Stalled {
  readonly #sockets: Socket[] = [];
  readonly #server = createServer((socket) => {
    socket.pause();
    socket.on('error', () => {});
    this.#sockets.push(socket);
  });

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    cleanups.push(() => {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    });
    return (this.#server.address() as { port: number }).port;
  }

  /** Reads from now on; gives the ids of what comes. */
  read(): readonly number[] {
    const arrived: number[] = [];
    let rest = Buffer.alloc(0);
    this.#sockets[0]?.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (; rest.length >= 14; rest = rest.subarray(14)) arrived.push(rest.readUInt32LE(5));
    });
    this.#sockets[0]?.resume();
    return arrived;
  }
}

/** Jobs of priority 3, 1 and 0 for one destination. */
function prioritised(port: number) {
  const input = memory('in', { messages });
  const refused = memory('refused', { messages, ringBytes: 1 << 24, queue: { bytes: 1 << 24 } });
  const venue = tcp.connect('venue', {
    host: '127.0.0.1',
    port,
    messages,
    framing: framing.lengthPrefix({ bytes: 4, includesHeader: true }),
    maxFrameBytes: 64,
    queue: { bytes: 1 << 16 },
    shed: { 1: 0.9, 3: 0.5 },
  });
  const rejects = via(refuse).to(refused);
  const rules = route.first(
    Job,
    (j) => [
      when(j.level.eq(3)).to(venue).priority(3),
      when(j.level.eq(1)).to(venue).priority(1),
      otherwise.to(venue),
    ],
    { from: input, rejects },
  );
  return defineRouter({ endpoints: [input, refused, venue], routes: [rules] });
}

const levels = [3, 1, 0];
const levelOf = (id: number): number => levels[id % 3] ?? 0;

/** Sends level by level in turn until even the most important is refused; returns how many. */
async function fill(router: HyperRoute, refusals: Refusals): Promise<number> {
  let sent = 0;
  while (![...refusals.codes.keys()].some((id) => levelOf(id) === 0) && sent < 3_000_000) {
    const jobs = Array.from({ length: 300 }, (_, at) => job(sent + at, 0, levelOf(sent + at)));
    await offerAll(router.memory('in'), jobs);
    sent += jobs.length;
    await sleep(0);
  }
  return sent;
}

describe('a destination that stalls', () => {
  it('sheds what is less important first, and each job is delivered or refused once', async () => {
    const stalled = new Stalled();
    const router = await start(prioritised(await stalled.listen()));
    const refusals = new Refusals(router, 'refused');
    await eventually('it to be up', () =>
      router.health().some(({ name, state }) => name === 'venue' && state === 'up'),
    );
    const sent = await fill(router, refusals);
    const firstOf = (level: number) =>
      Math.min(...[...refusals.codes.keys()].filter((id) => levelOf(id) === level));
    expect(firstOf(3)).toBeLessThan(firstOf(1));
    expect(firstOf(1)).toBeLessThan(firstOf(0));
    const codesOf = (level: number) =>
      new Set([...refusals.codes].flatMap(([id, codes]) => (levelOf(id) === level ? codes : [])));
    expect(codesOf(3)).toEqual(new Set([rejectCodes.SHED]));
    expect(codesOf(0)).toEqual(new Set([rejectCodes.DESTINATION_FULL]));
    expect(refusals.areSingle).toBe(true);

    // What was not refused arrives, and nothing else.
    const arrived = stalled.read();
    await eventually('the rest', () => arrived.length + refusals.count === sent);
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(arrived.some((id) => refusals.codes.has(id))).toBe(false);
    const { shed } = router.metrics().endpoints.venue ?? {};
    expect(shed).toBe(refusals.with(rejectCodes.SHED).length);
  }, 60_000);
});
