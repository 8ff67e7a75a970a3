// Destinations that die and come back, in processes of their own: who takes over, and that those
// who have nothing to do with it keep what they had. Judged by what the destinations got.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AnyEndpoint,
  defineRouter,
  type EndpointState,
  framing,
  HyperRoute,
  lb,
  memory,
  otherwise,
  pool,
  rejectCodes,
  route,
  tcp,
  udp,
  via,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Destination, Job, Jobs, job, Refusals, refuse } from '../helpers/jobs.js';
import { eventually, freePort, offerAll } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const messages = Jobs;
const lengths = framing.lengthPrefix({ bytes: 4, includesHeader: true });

async function destination(kind: 'udp' | 'tcp', port: number): Promise<Destination> {
  const made = await Destination.start(kind, port);
  cleanups.push(() => made.kill());
  return made;
}

async function start(config: Parameters<typeof HyperRoute.start>[0]): Promise<HyperRoute> {
  const router = await HyperRoute.start(config);
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  return router;
}

function stateOf(router: HyperRoute, name: string): EndpointState | undefined {
  return router.health().find((one) => one.name === name)?.state;
}

async function until(router: HyperRoute, name: string, state: EndpointState): Promise<void> {
  await eventually(`${name} to be ${state}`, () => stateOf(router, name) === state);
}

const health = { every: '30ms', timeout: '30ms', probe: 'ping', expect: 'pong', fall: 2 } as const;

describe('a pool of sixteen destinations over UDP, by hash', () => {
  const keyCount = 2000;
  const names = Array.from({ length: 16 }, (_, index) => `d${index}`);
  let nextId = 0;

  /** Sends every key once; returns the destination of each. */
  async function assignment(
    router: HyperRoute,
    destinations: ReadonlyMap<string, Destination>,
  ): Promise<Map<number, string>> {
    const jobs = Array.from({ length: keyCount }, (_, key) => job(nextId++, key));
    await offerAll(router.memory('in'), jobs);
    const found = new Map<number, string>();
    for (let tries = 0; found.size < keyCount && tries < 200; tries++) {
      await sleep(10);
      for (const [name, one] of destinations) {
        for (const key of (await one.take()).values()) found.set(key, name);
      }
    }
    return found;
  }

  it('moves the keys of one that dies, and no others, and gives it back just those', async () => {
    const ports = await Promise.all(names.map(() => freePort()));
    const endpoints = names.map((name, at) =>
      udp(name, { port: 0, remote: { host: '127.0.0.1', port: ports[at] ?? 0 }, messages, health }),
    );
    const input = memory('in', { messages });
    const venues = pool('venues', endpoints, lb.hash(Job.refs.key), { slowStart: '300ms' });
    const destinations = new Map<string, Destination>();
    for (const [at, name] of names.entries()) {
      destinations.set(name, await destination('udp', ports[at] ?? 0));
    }
    const routes = [route.first(Job, () => [otherwise.to(venues)], { from: input })];
    const router = await start(defineRouter({ endpoints: [input, ...endpoints], routes }));

    const before = await assignment(router, destinations);
    expect(before.size).toBe(keyCount);
    expect(new Set(before.values()).size).toBe(16);

    await destinations.get('d5')?.kill();
    destinations.delete('d5');
    await until(router, 'd5', 'unhealthy');
    const without = await assignment(router, destinations);
    expect(without.size).toBe(keyCount);
    for (const [key, name] of before) {
      if (name !== 'd5') expect(without.get(key)).toBe(name);
      else expect(without.get(key)).not.toBe('d5');
    }

    destinations.set('d5', await destination('udp', ports[5] ?? 0));
    await until(router, 'd5', 'ramp');
    await until(router, 'd5', 'up');
    expect(await assignment(router, destinations)).toEqual(before);
    expect(router.health().find(({ name }) => name === 'd5')).toMatchObject({
      share: 1,
      reason: '',
    });
  }, 60_000);
});

describe('a chain of stand-ins over TCP', () => {
  it('takes over in order while the one before is gone, and hands back', async () => {
    const [first = 0, second = 0] = [await freePort(), await freePort()];
    const to = (name: string, port: number) =>
      tcp.connect(name, {
        host: '127.0.0.1',
        port,
        messages,
        framing: lengths,
        reconnect: { minMs: 10, maxMs: 50 },
      });
    const input = memory('in', { messages });
    const refused = memory('refused', { messages });
    const main = to('main', first);
    const standIn = to('standIn', second);
    const chain = pool('chain', [main], lb.failover(), { failover: [standIn] });
    const routes = [
      route.first(Job, () => [otherwise.to(chain)], {
        from: input,
        rejects: via(refuse).to(refused),
      }),
    ];
    let mainProcess = await destination('tcp', first);
    let standInProcess = await destination('tcp', second);
    const endpoints: AnyEndpoint[] = [input, refused, main, standIn];
    const router = await start(defineRouter({ endpoints: endpoints as never, routes }));
    const refusals = new Refusals(router, 'refused');
    await until(router, 'main', 'up');
    await until(router, 'standIn', 'up');
    const send = async (id: number) => offerAll(router.memory('in'), [job(id)]);
    const got = async (one: Destination, id: number) => {
      for (let tries = 0; tries < 1000; tries++) {
        if ((await one.take()).has(id)) return;
        await sleep(2);
      }
      throw new Error(`job ${id} did not come`);
    };

    await send(1);
    await got(mainProcess, 1);
    await mainProcess.kill();
    await until(router, 'main', 'down');
    await send(2);
    await got(standInProcess, 2);
    await standInProcess.kill();
    await until(router, 'standIn', 'down');
    await send(3);
    await eventually('the notice', () => refusals.count === 1);
    expect([...refusals.codes]).toEqual([[3, [rejectCodes.NO_DESTINATION]]]);
    standInProcess = await destination('tcp', second);
    await until(router, 'standIn', 'up');
    await send(4);
    await got(standInProcess, 4);
    mainProcess = await destination('tcp', first);
    await until(router, 'main', 'up');
    await send(5);
    await got(mainProcess, 5);
  }, 60_000);
});

describe('a breaker', () => {
  it('opens, refuses what rules send there, tries again and closes', async () => {
    const port = await freePort();
    const input = memory('in', { messages });
    const refused = memory('refused', { messages });
    const venue = tcp.connect('venue', {
      host: '127.0.0.1',
      port,
      messages,
      framing: lengths,
      reconnect: { minMs: 5, maxMs: 10 },
      breaker: { consecutive: 1, for: '600ms' },
    });
    const routes = [
      route.first(Job, () => [otherwise.to(venue)], {
        from: input,
        rejects: via(refuse).to(refused),
      }),
    ];
    const first = await destination('tcp', port);
    const router = await start(defineRouter({ endpoints: [input, refused, venue], routes }));
    const refusals = new Refusals(router, 'refused');
    await until(router, 'venue', 'up');
    await first.kill();
    await until(router, 'venue', 'open');
    const second = await destination('tcp', port);
    // It is connected again long before its breaker closes.
    await sleep(100);
    await offerAll(router.memory('in'), [job(1)]);
    await eventually('the notice', () => refusals.count === 1);
    expect([...refusals.codes]).toEqual([[1, [rejectCodes.NO_DESTINATION]]]);
    expect(await second.take()).toEqual(new Map());
    await until(router, 'venue', 'half-open');
    await offerAll(router.memory('in'), [job(2)]);
    await until(router, 'venue', 'up');
    expect(router.health().find(({ name }) => name === 'venue')).toMatchObject({ trips: 1 });
    expect([...(await second.take()).keys()]).toEqual([2]);
    expect(router.metrics().endpoints.venue).toMatchObject({ trips: 1, state: 0, share: 255 });
  }, 60_000);
});
