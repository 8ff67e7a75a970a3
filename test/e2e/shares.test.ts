// How pools share messages out, as the destinations count them: by weight, and by what each of them
// still has to do.
import {
  type Balancing,
  defineRouter,
  framing,
  HyperRoute,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  route,
  schema,
  t,
  tcp,
  union,
  weighted,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { JobServer } from '../helpers/job-servers.js';
import { eventually, offerAll } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const framed = framing.lengthPrefix({ bytes: 4, includesHeader: true });

const bigBytes = 1000;
const header = { size: t.u32, type: t.u8, id: t.u32 };
const packed = { layout: layout.packed('le') };
const Small = schema('Small', 1, header, packed);
/** Large enough that not too many of them fill the buffers of a connection. */
const Big = schema('Big', 2, { ...header, rest: t.bytes(bigBytes - 9) }, packed);
const Both = union('Both', { type: 'type', size: 'size' }, [Small, Big]);

function message(id: number, bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  made.writeUInt32LE(bytes, 0);
  made.writeUInt8(bytes === bigBytes ? 2 : 1, 4);
  made.writeUInt32LE(id, 5);
  return made;
}

interface Setting {
  readonly weights: readonly number[];
  readonly strategy: Balancing;
  readonly threading: 'shared' | 'dedicated';
  readonly queueBytes?: number;
}

/** Two sources → one pool of tcp destinations, all connected. */
async function open({ weights, strategy, threading, queueBytes = 1 << 23 }: Setting) {
  const servers = await Promise.all(weights.map(() => JobServer.open()));
  for (const server of servers) cleanups.push(() => server.close());
  const sources = ['one', 'two'].map((name) => memory(name, { messages: Both }));
  const venues = servers.map(({ port }, index) =>
    tcp.connect(`venue${index}`, {
      ...{ host: '127.0.0.1', port, messages: Both, framing: framed },
      maxFrameBytes: 2048,
      queue: { full: 'block', bytes: queueBytes },
      reconnect: { minMs: 10, maxMs: 20 },
    }),
  );
  const members = venues.map((venue, index) => weighted(venue, weights[index] ?? 1));
  const all = pool('all', members, strategy);
  const router = await HyperRoute.start(
    defineRouter({
      endpoints: [...sources, ...venues],
      routes: [
        route.first(Small, () => [otherwise.to(all)], { from: sources }),
        route.first(Big, () => [otherwise.to(all)], { from: sources }),
      ],
      threading,
    }),
  );
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  await eventually('the connections', () =>
    venues.every(({ name }) => router.metrics().endpoints[name]?.connections === 1),
  );
  return { router, servers };
}

/** Sends messages from both sources at once. */
async function send(router: HyperRoute, first: number, count: number, bytes = 9): Promise<void> {
  const half = count / 2;
  function* from(id: number): Generator<Buffer> {
    for (let index = 0; index < half; index++) yield message(id + index, bytes);
  }
  await Promise.all([
    offerAll(router.memory('one'), from(first)),
    offerAll(router.memory('two'), from(first + half)),
  ]);
}

function arrived(servers: readonly JobServer[]): number {
  return servers.reduce((sum, { ids }) => sum + ids.length, 0);
}

describe('a pool by weight', () => {
  it.each(['shared', 'dedicated'] as const)(
    'gives each member its share of 100,000 messages to a hundredth (%s)',
    async (threading) => {
      const [weights, count] = [[1, 2, 5, 12], 100_000];
      const { router, servers } = await open({ weights, strategy: lb.weighted(), threading });
      await send(router, 0, count);
      await eventually('all', () => arrived(servers) === count);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        const share = (servers[index]?.ids.length ?? 0) / count;
        expect(Math.abs(share / (weight / total) - 1), `weight ${weight}`).toBeLessThan(0.01);
      }
      expect(new Set(servers.flatMap(({ ids }) => ids)).size).toBe(count);
    },
    60_000,
  );

  it('shares what a lost member had among the others by their weights', async () => {
    const [weights, count] = [[1, 2, 5], 60_000];
    const strategy = lb.weighted();
    const { router, servers } = await open({ weights, strategy, threading: 'shared' });
    servers[1]?.close();
    await eventually('the loss', () => router.metrics().endpoints.venue1?.connections === 0);
    await send(router, 0, count);
    await eventually('all', () => arrived(servers) === count);
    expect(servers[1]?.ids).toEqual([]);
    // By their weights a sixth, and five.
    const share = (servers[0]?.ids.length ?? 0) / count;
    expect(Math.abs(share * 6 - 1)).toBeLessThan(0.01);
  }, 60_000);
});

describe('a pool by load', () => {
  it.each([
    ['leastLoaded', lb.leastLoaded()],
    ['twoChoices', lb.twoChoices()],
  ] as const)(
    'sends to those that read while one does not, and evenly before and after (%s)',
    async (_name, strategy) => {
      const weights = [1, 1, 1, 1];
      const setting = { weights, strategy, threading: 'shared', queueBytes: 1 << 16 } as const;
      const { router, servers } = await open(setting);
      let sent = 0;
      const round = async (count: number): Promise<() => number[]> => {
        const before = servers.map(({ ids }) => ids.length);
        await send(router, sent, count, bigBytes);
        sent += count;
        return () => servers.map(({ ids }, index) => ids.length - (before[index] ?? 0));
      };
      const atFirst = await round(8000);
      await eventually('all', () => arrived(servers) === sent);
      for (const share of atFirst()) expect(share).toBeGreaterThan(1000);

      servers[0]?.behave('stalls');
      // More than four times what the buffers of a connection hold: a strategy that goes on sending
      // to it would come to a standstill, as its queue blocks.
      const meanwhile = await round(80_000);
      await eventually('those of the others', () => {
        return meanwhile().every((share, index) => index === 0 || share > 15_000);
      });
      expect(meanwhile()[0]).toBe(0);

      servers[0]?.behave('takes');
      await eventually('the rest', () => arrived(servers) === sent);
      const atLast = await round(8000);
      await eventually('all', () => arrived(servers) === sent);
      for (const share of atLast()) expect(share).toBeGreaterThan(1000);
      expect(new Set(servers.flatMap(({ ids }) => ids)).size).toBe(sent);
    },
    60_000,
  );
});
