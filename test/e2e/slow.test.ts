// Slow functions: JavaScript as a destination that may answer, bounded, through updates, and with
// its failures counted.
import {
  defineRouter,
  HyperRoute,
  memory,
  otherwise,
  type RouterIr,
  raw,
  route,
  type SlowOptions,
  slow,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, numbered, numbers, offerAll, range } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** app → enrich → out. */
function configOf(options: SlowOptions<typeof raw> = {}, more = false): RouterIr {
  const app = memory('app', { queue: { full: 'block' } });
  const out = memory('out', { queue: { full: 'block' } });
  const enrich = slow('enrich', { queue: { full: 'block' }, ...options });
  return defineRouter({
    drainTimeoutMs: 2000,
    endpoints: [app, out, enrich, ...(more ? [memory('more')] : [])],
    routes: [
      route.first(raw, () => [otherwise.to(enrich)], { from: app, name: 'in' }),
      route.first(raw, () => [otherwise.to(out)], { from: enrich, name: 'done' }),
    ],
  });
}

async function start(config: RouterIr): Promise<HyperRoute> {
  const router = await HyperRoute.start(config);
  cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
  return router;
}

function collect(router: HyperRoute): number[] {
  const seen: number[] = [];
  router.memory('out').subscribe((batch) => {
    while (batch.next()) seen.push(Buffer.from(batch.copy()).readUInt32LE(0));
  });
  return seen;
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('a slow function', () => {
  it('is called for each message in order, and its replies are routed', async () => {
    const router = await start(configOf());
    const seen = collect(router);
    const handle = router.slow('enrich', (message, reply) => {
      const number = Buffer.from(message).readUInt32LE(0);
      if (number % 2 === 0) reply(numbered(number * 10));
    });
    await offerAll(router.memory('app'), numbers(1000));
    await eventually('the replies', () => seen.length === 500);
    expect(seen).toEqual(range(500).map((index) => index * 20));
    const counts = { handled: 1000, replied: 500, failed: 0, repliesLost: 0, lastError: null };
    expect(handle.counts()).toEqual(counts);
    expect(router.status().slow).toEqual({ enrich: counts });
  });

  it('keeps the order where it awaits, and works on several messages where it may', async () => {
    const router = await start(configOf());
    const seen = collect(router);
    let working = 0;
    let most = 0;
    const call = async (message: Uint8Array, reply: (bytes: Uint8Array) => void) => {
      most = Math.max(most, ++working);
      await later(Buffer.from(message).readUInt32LE(0) % 3);
      reply(message);
      working--;
    };
    const one = router.slow('enrich', call);
    await offerAll(router.memory('app'), numbers(50));
    await eventually('fifty replies', () => seen.length === 50);
    expect(seen).toEqual(range(50));
    expect(most).toBe(1);
    one.stop();
    router.slow('enrich', call, { concurrency: 8 });
    await offerAll(router.memory('app'), numbers(50));
    await eventually('fifty more', () => seen.length === 100);
    expect(seen.slice(50).sort((a, b) => a - b)).toEqual(range(50));
    expect(most).toBe(8);
  });

  it('counts and reports what it throws, and goes on', async () => {
    const router = await start(configOf());
    const seen = collect(router);
    const errors: string[] = [];
    const handle = router.slow(
      'enrich',
      async (message, reply) => {
        const number = Buffer.from(message).readUInt32LE(0);
        if (number === 1) throw new Error('no such order');
        if (number === 2) reply(new Uint8Array(2 ** 20));
        if (number === 3) reply('text' as never);
        reply(message);
      },
      { onError: (error, message) => errors.push(`${message[0]} ${(error as Error).name}`) },
    );
    await offerAll(router.memory('app'), numbers(6));
    await eventually('three replies', () => seen.length === 3);
    expect(seen).toEqual([0, 4, 5]);
    expect(errors).toEqual(['1 Error', '2 RangeError', '3 TypeError']);
    expect(handle.counts()).toMatchObject({ handled: 6, replied: 3, failed: 3 });
  });

  it('warns of what it throws where nobody else is told', async () => {
    const router = await start(configOf());
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    cleanups.push(() => process.off('warning', note));
    const handle = router.slow('enrich', () => {
      throw new Error('broken');
    });
    await offerAll(router.memory('app'), numbers(5));
    await eventually('the failures', () => handle.counts().failed === 5);
    await eventually('a warning', () => warnings.length > 0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'HYPERROUTE_SLOW' });
    expect(warnings[0]?.message).toContain('broken');
  });

  it('holds up nobody beyond its declared room: what is more is rejected', async () => {
    const bytes = 4096;
    const router = await start(configOf({ ringBytes: bytes, queue: { bytes, full: 'reject' } }));
    const seen = collect(router);
    await offerAll(router.memory('app'), numbers(5000));
    const rejected = () => router.metrics().rejects.DESTINATION_FULL ?? 0;
    await eventually('rejects', () => {
      const { delivered = 0, rejected: refused = 0 } = router.metrics().routes.in ?? {};
      return delivered + refused === 5000;
    });
    expect(rejected()).toBeGreaterThan(4000);
    const handle = router.slow('enrich', (message, reply) => reply(message));
    await eventually('the rest', () => handle.counts().handled === 5000 - rejected());
    await eventually('its replies', () => seen.length === 5000 - rejected());
    expect(seen).toEqual(range(seen.length));
  });

  it('takes nothing new while its replies find no room, and loses none', async () => {
    const router = await start(configOf({ ringBytes: 4096 }));
    const handle = router.slow('enrich', (message, reply) => {
      for (let copy = 0; copy < 20; copy++) reply(message);
    });
    const offered = offerAll(router.memory('app'), numbers(2000));
    const seen: number[] = [];
    await later(50);
    router.memory('out').subscribe((batch) => {
      while (batch.next()) seen.push(Buffer.from(batch.copy()).readUInt32LE(0));
    });
    await offered;
    await eventually('forty thousand replies', () => seen.length === 40_000);
    expect(seen).toEqual(range(40_000).map((index) => Math.floor(index / 20)));
    expect(handle.counts()).toMatchObject({ handled: 2000, replied: 40_000, failed: 0 });
  });

  it('is not called any more once it is stopped: what waits is the next one', async () => {
    const router = await start(configOf());
    const first: number[] = [];
    const second: number[] = [];
    const to = (numbersSeen: number[]) => (message: Uint8Array) =>
      void numbersSeen.push(Buffer.from(message).readUInt32LE(0));
    await offerAll(router.memory('app'), numbers(300));
    await eventually('a queue', () => (router.metrics().routes.in?.delivered ?? 0) === 300);
    const handle = router.slow('enrich', (message) => {
      to(first)(message);
      if (first.length === 2) handle.stop();
    });
    await eventually('the end', () => first.length >= 2);
    await later(20);
    expect(first).toEqual([0, 1]);
    router.slow('enrich', to(second));
    await eventually('the others', () => second.length === 298);
    expect(second).toEqual(range(298).map((index) => index + 2));
    expect(first).toEqual([0, 1]);
  });

  it('is told of a reply that never fits, also while others wait for room', async () => {
    const router = await start(configOf({ ringBytes: 4096 }));
    const errors: string[] = [];
    const handle = router.slow(
      'enrich',
      (_, reply) => {
        for (let copy = 0; copy < 1000; copy++) reply(numbered(copy));
        reply(new Uint8Array(2048));
      },
      { onError: (error) => errors.push((error as Error).name) },
    );
    await offerAll(router.memory('app'), numbers(1));
    const seen = collect(router);
    await eventually('the replies', () => seen.length === 1000);
    expect(errors).toEqual(['RangeError']);
    expect(handle.counts()).toMatchObject({ handled: 1, replied: 1000, failed: 1, repliesLost: 0 });
  });

  it('stays through updates, and where its endpoint is opened anew', async () => {
    const router = await start(configOf());
    const seen = collect(router);
    router.slow('enrich', (message, reply) => reply(message));
    await offerAll(router.memory('app'), numbers(100));
    await router.update(configOf({}, true));
    await offerAll(router.memory('app'), numbers(100));
    await router.update(configOf({ ringBytes: 1 << 16 }, true));
    await offerAll(router.memory('app'), numbers(100));
    await eventually('the replies', () => seen.length === 300);
    const sorted = [...seen].sort((one, other) => one - other);
    expect(sorted).toEqual(range(300).map((index) => Math.floor(index / 3)));
  });

  it('is refused where there is none to name, or one already', async () => {
    const router = await start(configOf());
    const nothing = () => undefined;
    expect(() => router.slow('nobody', nothing)).toThrow(/no endpoint 'nobody'/);
    expect(() => router.slow('app', nothing)).toThrow(TypeError);
    expect(() => router.slow('enrich', 5 as never)).toThrow(TypeError);
    expect(() => router.slow('enrich', nothing, { concurrency: 0 })).toThrow(RangeError);
    const handle = router.slow('enrich', nothing);
    expect(() => router.slow('enrich', nothing)).toThrow(TypeError);
    handle.stop();
    router.slow('enrich', nothing);
  });
});
