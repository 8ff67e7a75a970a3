// The memory endpoint in one process: nothing is lost however the two sides sleep, fill up, fail
// or end.
import {
  defineRouter,
  HyperRoute,
  type MemoryEndpoint,
  memory,
  offerCodes,
  otherwise,
  raw,
  route,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Random, testSeed } from '../helpers/random.js';
import { eventually, numbered, numbers, offerAll, range } from '../helpers/router-lines.js';

const isLong = process.env.HYPERROUTE_LONG === '1';
const routers: HyperRoute[] = [];

afterEach(async () => {
  for (const router of routers.splice(0)) await router.close();
});

interface Pipe {
  readonly router: HyperRoute;
  readonly from: MemoryEndpoint;
  readonly to: MemoryEndpoint;
}

type MemoryOptions = NonNullable<Parameters<typeof memory>[1]>;

/** A router from one memory endpoint to another. */
async function pipe(
  options: MemoryOptions & { threading?: 'inline' | 'shared' | 'dedicated' } = {},
): Promise<Pipe> {
  const { threading = 'shared', ...rest } = options;
  const from = memory('from', rest);
  const to = memory('to', rest);
  const config = defineRouter({
    endpoints: [from, to],
    threading,
    routes: [route.first(raw, () => [otherwise.to(to)], { from })],
  });
  const router = await HyperRoute.start(config);
  routers.push(router);
  return { router, from: router.memory('from'), to: router.memory('to') };
}

/** Records the number of every message. */
function record(endpoint: MemoryEndpoint): number[] {
  const seen: number[] = [];
  endpoint.subscribe((batch) => {
    while (batch.next()) seen.push(batch.view.getUint32(batch.offset, true));
  });
  return seen;
}

describe('messages between JavaScript and the router', () => {
  it('arrive in order, many times what the rings hold', async () => {
    const { from, to } = await pipe({ ringBytes: 4096, queue: { full: 'block' } });
    const seen = record(to);
    await offerAll(from, numbers(20_000, 24));
    await eventually('all messages', () => seen.length >= 20_000);
    expect(seen).toEqual(range(20_000));
  });

  it('go on when a reader that had let the ring fill up reads again', async () => {
    const { from, to } = await pipe({ ringBytes: 4096, mode: 'poll' });
    // More than the ring holds: the rest waits in the queue, and the worker goes to sleep.
    await offerAll(from, numbers(400, 24));
    const seen: number[] = [];
    for (let round = 0; seen.length < 400 && round < 400; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      to.poll((batch) => {
        while (batch.next()) seen.push(batch.view.getUint32(batch.offset, true));
      });
    }
    expect(seen).toEqual(range(400));
  });

  it('get through from a loop that offers again and never yields', async () => {
    const { from, to } = await pipe({ ringBytes: 4096, queue: { full: 'block' } });
    const seen: number[] = [];
    const take = (batch: { next(): boolean; view: DataView; offset: number }): void => {
      while (batch.next()) seen.push(batch.view.getUint32(batch.offset, true));
    };
    // The destination is woken, not polled: it shows what arrived only after the loop.
    let refused = 0;
    const limit = 50_000_000;
    for (let number = 0; number < 100 && refused < limit; ) {
      if (from.offer(numbered(number, 900)) >= 0) number++;
      else refused++;
    }
    expect(refused).toBeLessThan(limit);
    to.subscribe(take);
    await eventually('all messages', () => seen.length >= 100);
    expect(seen).toEqual(range(100));
  });

  it('are copied out by for await, to the last one before the end', async () => {
    const { router, from, to } = await pipe({ queue: { full: 'block' } });
    await offerAll(from, numbers(5000));
    const seen: number[] = [];
    const reader = (async () => {
      for await (const message of to) seen.push(Buffer.from(message).readUInt32LE());
      return seen;
    })();
    // Others have their turns while it waits for more.
    await eventually('the first messages', () => seen.length >= 5000);
    await offerAll(from, numbers(3000));
    await router.close();
    expect(await reader).toEqual([...range(5000), ...range(3000)]);
  });
});

describe('a subscriber', () => {
  it('that is no function is refused, and another one may follow', async () => {
    const { from, to } = await pipe();
    expect(() => to.subscribe(5 as never)).toThrow(/expected a function, received 5/);
    const seen = record(to);
    await offerAll(from, numbers(3));
    await eventually('all messages', () => seen.length >= 3);
    expect(seen).toEqual(range(3));
  });
});

describe('the end of a router', () => {
  it('delivers what was offered before close, and refuses what comes after', async () => {
    for (const threading of ['shared', 'dedicated', 'inline'] as const) {
      const { router, from, to } = await pipe({ threading, queue: { full: 'block' } });
      const seen = record(to);
      await offerAll(from, numbers(3000));
      const closed = router.close();
      expect(from.offer(numbered(3000))).toBe(offerCodes.CLOSED);
      await closed;
      expect(seen).toEqual(range(3000));
      expect(from.offer(numbered(3001))).toBe(offerCodes.CLOSED);
    }
  });
});

describe('wake-ups', () => {
  // Pauses around the worker's spin before it sleeps, so that offers meet every step of parking.
  const pauseNsMax = 30_000;

  async function race(count: number, threading: 'shared' | 'dedicated'): Promise<void> {
    const seed = testSeed();
    const random = new Random(seed);
    const { from, to } = await pipe({ threading });
    let seen = 0;
    let wake = (): void => {};
    to.subscribe((batch) => {
      while (batch.next()) {
        if (batch.view.getUint32(batch.offset, true) !== seen) {
          throw new Error(`message ${seen} is missing, seed ${seed}`);
        }
        seen++;
      }
      wake();
    });
    for (let number = 0; number < count; number++) {
      const until = process.hrtime.bigint() + BigInt(random.below(pauseNsMax));
      while (process.hrtime.bigint() < until);
      from.offer(numbered(number));
      from.flush();
      // Bounded: a wake-up that is lost would leave both sides asleep for ever.
      await new Promise<void>((resolve, reject) => {
        const lost = () => reject(new Error(`no answer to ${number} of ${count}, seed ${seed}`));
        const timer = setTimeout(lost, 10_000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    expect(seen).toBe(count);
  }

  const count = isLong ? 1_000_000 : 50_000;
  it(`none of ${count} is lost, either way`, { timeout: isLong ? 600_000 : 60_000 }, async () => {
    await race(count, 'shared');
  });

  it('none is lost between workers either', { timeout: isLong ? 600_000 : 60_000 }, async () => {
    await race(count / 5, 'dedicated');
  });
});
