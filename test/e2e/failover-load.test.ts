// Destinations that die and fail while jobs flow: whose jobs go elsewhere, whose do not, and that
// each one is at one place, or was in the hands of the one that died.
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import {
  type Balancing,
  defineRouter,
  framing,
  HyperRoute,
  lb,
  memory,
  otherwise,
  type PoolOptions,
  pool,
  rejectCodes,
  route,
  tcp,
  via,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { JobServer } from '../helpers/job-servers.js';
import { Destination, Job, Jobs, job, Refusals, refuse } from '../helpers/jobs.js';
import { eventually, freePort, offerAll } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const framed = framing.lengthPrefix({ bytes: 4, includesHeader: true });

/** in → one pool over TCP → notices of what is rejected. */
async function start(
  ports: readonly number[],
  strategy: Balancing,
  options: PoolOptions<'Job'>,
): Promise<{ router: HyperRoute; refusals: Refusals }> {
  const input = memory('in', { messages: Jobs });
  const refused = memory('refused', { messages: Jobs });
  const venues = ports.map((port, index) =>
    tcp.connect(`d${index}`, {
      ...{ host: '127.0.0.1', port, messages: Jobs, framing: framed },
      reconnect: { minMs: 10, maxMs: 20 },
    }),
  );
  const router = await HyperRoute.start(
    defineRouter({
      endpoints: [input, refused, ...venues],
      routes: [
        route.first(Job, () => [otherwise.to(pool('venues', venues, strategy, options))], {
          from: input,
          rejects: via(refuse).to(refused),
        }),
      ],
    }),
  );
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  await eventually('all to be up', () =>
    venues.every(({ name }) => stateOf(router, name) === 'up'),
  );
  return { router, refusals: new Refusals(router, 'refused') };
}

function stateOf(router: HyperRoute, name: string): string | undefined {
  return router.health().find((one) => one.name === name)?.state;
}

describe('one of sixteen destinations, by hash and under load', () => {
  const keyCount = 1000;
  const victim = 5;

  /** Destinations in processes of their own, and where each job went that is known of. */
  class Venues {
    readonly #ports: readonly number[];
    readonly #all: Destination[] = [];
    /** By id of the job. */
    readonly placeOf = new Map<number, number>();
    /** Ids that came twice. */
    readonly twice: number[] = [];

    constructor(ports: readonly number[]) {
      this.#ports = ports;
    }

    async start(index: number): Promise<void> {
      const made = await Destination.start('tcp', this.#ports[index] ?? 0);
      cleanups.push(() => made.kill());
      this.#all[index] = made;
    }

    kill(index: number): Promise<void> {
      const killed = this.#all[index];
      delete this.#all[index];
      return killed?.kill() ?? Promise.resolve();
    }

    /** Asks all of them what came since the last time. */
    async collect(): Promise<void> {
      for (const [index, one] of this.#all.entries()) {
        for (const id of (await one?.take())?.keys() ?? []) {
          if (this.placeOf.has(id)) this.twice.push(id);
          this.placeOf.set(id, index);
        }
      }
    }
  }

  /** Jobs of all keys in turn, without a pause. */
  class Load {
    sent = 0;
    #isOver = false;
    readonly #done: Promise<void>;

    constructor(router: HyperRoute) {
      this.#done = this.#run(router);
    }

    async end(): Promise<void> {
      this.#isOver = true;
      await this.#done;
    }

    async #run(router: HyperRoute): Promise<void> {
      while (!this.#isOver) {
        const jobs = Array.from({ length: 100 }, (_, at) => {
          return job(this.sent + at, (this.sent + at) % keyCount);
        });
        await offerAll(router.memory('in'), jobs);
        this.sent += jobs.length;
        await sleep(2);
      }
    }
  }

  /** Where the keys of jobs with these ids went: all places of each. */
  function placesOfKeys(venues: Venues, from: number, to: number): Map<number, Set<number>> {
    const places = new Map<number, Set<number>>();
    for (let id = from; id < to; id++) {
      const place = venues.placeOf.get(id);
      if (place === undefined) continue;
      const key = id % keyCount;
      places.set(key, (places.get(key) ?? new Set()).add(place));
    }
    return places;
  }

  it('dies: only its keys move; it is back: they return one after the other', async () => {
    const ports = await Promise.all(Array.from({ length: 16 }, () => freePort()));
    const venues = new Venues(ports);
    for (let index = 0; index < 16; index++) await venues.start(index);
    const strategy = lb.hash(Job.refs.key);
    const { router } = await start(ports, strategy, { slowStart: '800ms' });
    // They have come up together, so none is spared while they all ramp; that has to be over.
    await sleep(1000);
    const load = new Load(router);
    let home = new Map<number, Set<number>>();
    for (let tries = 0; home.size < keyCount && tries < 1000; tries++) {
      await venues.collect();
      home = placesOfKeys(venues, 0, load.sent);
      await sleep(5);
    }
    expect(home.size).toBe(keyCount);
    // It has told of all that came to it up to this one.
    const told = Math.max(
      ...[...venues.placeOf].flatMap(([id, at]) => (at === victim ? [id] : [])),
    );

    await venues.kill(victim);
    await eventually('its end', () => stateOf(router, `d${victim}`) === 'down');
    const down = load.sent;
    await eventually('a round without it', () => load.sent >= down + 3 * keyCount);
    const beforeReturn = load.sent;
    await venues.start(victim);
    await eventually('its ramp', () => stateOf(router, `d${victim}`) === 'ramp');
    await eventually('its whole share', () => stateOf(router, `d${victim}`) === 'up');
    const up = load.sent;
    await eventually('a round with it', () => load.sent >= up + 3 * keyCount);
    await load.end();
    // What is under way arrives within a moment.
    for (let tries = 0; tries < 20; tries++) {
      await venues.collect();
      await sleep(5);
    }

    const own = [...home].filter(([, places]) => places.has(victim)).map(([key]) => key);
    expect(own.length).toBeGreaterThan(keyCount / 32);
    // Who has nothing to do with it stays where they are, all the time.
    const always = placesOfKeys(venues, 0, load.sent);
    for (const [key, places] of always) {
      if (!own.includes(key)) expect([...places], `key ${key}`).toEqual([...(home.get(key) ?? [])]);
    }
    // Its keys have one other place each while it is away, and its own before and after.
    const away = placesOfKeys(venues, down, beforeReturn);
    for (const key of own) {
      expect(away.get(key)?.size, `key ${key}`).toBe(1);
      expect(away.get(key)?.has(victim)).toBe(false);
    }
    expect(placesOfKeys(venues, up, load.sent)).toEqual(home);
    // On the ramp: who has come back to it stays.
    for (const key of own) {
      const ids = [...venues.placeOf].filter(([id]) => id % keyCount === key && id >= beforeReturn);
      const steps = ids.sort(([a], [b]) => a - b).map(([, place]) => place === victim);
      expect(steps, `key ${key}`).toEqual([...steps].sort());
    }
    // Nothing comes twice; what is missing was in the hands of the one that died.
    expect(venues.twice).toEqual([]);
    for (let id = 0; id < load.sent; id++) {
      if (venues.placeOf.has(id)) continue;
      expect(own, `job ${id}`).toContain(id % keyCount);
      expect(id).toBeGreaterThan(told);
      expect(id).toBeLessThan(down);
    }
  }, 60_000);
});

describe('a destination that breaks one connection after the other', () => {
  it('costs what was in its hands, and no job is refused for it', async () => {
    const servers = await Promise.all([JobServer.open(), JobServer.open()]);
    for (const server of servers) cleanups.push(() => server.close());
    const ports = servers.map(({ port }) => port);
    const { router, refusals } = await start(ports, lb.hash(Job.refs.key), {});
    const [sick] = servers;
    sick?.behave('breaks');
    let sent = 0;
    for (let tries = 0; tries < 20_000 && (sick?.brokenCount ?? 0) < 40; tries++) {
      const jobs = Array.from({ length: 50 }, () => job(sent, sent++));
      await offerAll(router.memory('in'), jobs);
      await setImmediate();
    }
    expect(sick?.brokenCount).toBeGreaterThanOrEqual(40);
    expect(refusals.with(rejectCodes.NO_DESTINATION)).toEqual([]);
  }, 30_000);
});

describe('a pool that ejects', () => {
  async function open(count: number, max: number) {
    const servers = await Promise.all(Array.from({ length: count }, () => JobServer.open()));
    for (const server of servers) cleanups.push(() => server.close());
    const eject = { consecutive: 3, for: '400ms', max } as const;
    const ports = servers.map(({ port }) => port);
    const { router, refusals } = await start(ports, lb.roundRobin(), { eject });
    let sent = 0;
    /** Jobs until something is so; they are few enough to leave servers time to fail. */
    const sendUntil = async (what: string, isSo: () => boolean): Promise<void> => {
      for (let tries = 0; tries < 5000 && !isSo(); tries++) {
        await offerAll(router.memory('in'), [job(sent++), job(sent++)]);
        await sleep(1);
      }
      if (!isSo()) throw new Error(`still waiting for ${what}`);
    };
    const ejected = () => router.health().filter(({ state }) => state === 'ejected').length;
    return { servers, router, refusals, sendUntil, ejected, sent: () => sent };
  }

  it('leaves one out that breaks its connections, and takes it back when it is well', async () => {
    const { servers, router, refusals, sendUntil, ejected, sent } = await open(4, 0.5);
    const [sick] = servers;
    sick?.behave('breaks');
    await sendUntil('its ejection', () => ejected() === 1);
    expect(stateOf(router, 'd0')).toBe('ejected');
    expect(sick?.brokenCount).toBeGreaterThanOrEqual(3);
    // It is connected again, and gets nothing while it is left out.
    const broken = sick?.brokenCount;
    const before = sent();
    const atOthers = () => servers.slice(1).reduce((sum, { ids }) => sum + ids.length, 0);
    const had = atOthers();
    await sendUntil('some more', () => sent() >= before + 100);
    await eventually('all of them', () => atOthers() === had + 100);
    expect(sick?.brokenCount).toBe(broken);
    expect(stateOf(router, 'd0')).toBe('ejected');

    sick?.behave('takes');
    await eventually('its return', () => stateOf(router, 'd0') === 'up');
    await sendUntil('jobs for it', () => (sick?.ids.length ?? 0) > 20);
    expect(router.health().find(({ name }) => name === 'd0')?.ejections).toBe(1);
    expect(refusals.count).toBe(0);
    // Each job is at one server, or was broken off with a connection.
    const ids = servers.flatMap((server) => server.ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(sent() - ids.length).toBeLessThanOrEqual(2 * (broken ?? 0) + 2);
  }, 30_000);

  it('leaves out no more than its cap, however many fail', async () => {
    const { servers, router, refusals, sendUntil, ejected, sent } = await open(4, 0.5);
    for (const server of servers.slice(0, 3)) server.behave('breaks');
    let most = 0;
    await sendUntil('two ejections', () => {
      most = Math.max(most, ejected());
      return most === 2;
    });
    const after = sent() + 200;
    await sendUntil('some more', () => {
      most = Math.max(most, ejected());
      return sent() >= after;
    });
    expect(most).toBe(2);
    expect(servers[3]?.ids.length).toBeGreaterThan(50);
    for (const server of servers) server.behave('takes');
    await eventually('their return', () => ejected() === 0);
    expect(refusals.with(rejectCodes.NO_DESTINATION)).toEqual([]);
    expect(router.health().reduce((sum, { ejections }) => sum + ejections, 0)).toBeGreaterThan(1);
  }, 30_000);
});
