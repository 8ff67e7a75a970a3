// Changes under full load, in every threading model, hundreds by default and thousands in a long
// run: rules, weights, members, drains.
// Nothing is lost, nothing comes twice or to the wrong place, and what goes from one source to one
// destination stays in order.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import {
  defineRouter,
  framing,
  HyperRoute,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  type RouterOptions,
  route,
  schema,
  t,
  tcp,
  udp,
  weighted,
  when,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Random, testSeed } from '../helpers/random.js';
import { eventually, portOf } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const isLong = process.env.HYPERROUTE_LONG === '1';
/** Of each of the four models. */
const changesPerModel = isLong ? 1000 : 250;
/** So many messages are on their way at most: no socket's buffer runs over. */
const underWayMax = 2000;
const burst = 50;
const pollsPerTurn = 20;
const bytes = 12;
const Note = schema(
  'Note',
  1,
  { source: t.u32, number: t.u32, key: t.u32 },
  { layout: layout.packed('le') },
);
/** Keys below go to the left pool, whatever is changed, the others to the right one. */
const leftKeys = 50;

type Model = Exclude<RouterOptions['threading'], object | undefined> | 'map';

/** What the changes of a configuration change. */
interface Shape {
  readonly weights: readonly [number, number];
  readonly hot: number;
  readonly isHotFirst: boolean;
  readonly readBudget: number;
}

interface Ends {
  readonly left: readonly number[];
  readonly sink: number;
}

function configOf(model: Model, ends: Ends, shape: Shape): RouterIr {
  const common = { messages: Note, queue: { full: 'block', bytes: 1 << 20 } } as const;
  const { readBudget } = shape;
  const stream = { ...common, framing: framing.fixed(bytes) };
  const clients = tcp.listen('clients', { ...stream, port: 0, readBudget });
  const feed = udp('feed', { ...common, port: 0, readBudget, receiveBufferBytes: 4 << 20 });
  const app = memory('app', { ...common });
  const [one, two] = ends.left.map((port, index) =>
    udp(`left-${index}`, { ...common, port: 0, remote: { host: '127.0.0.1', port } }),
  );
  const sink = tcp.connect('sink', { ...stream, host: '127.0.0.1', port: ends.sink });
  const out = memory('out', { ...common });
  if (one === undefined || two === undefined) throw new Error('two destinations on the left');
  const left = pool(
    'left',
    [weighted(one, shape.weights[0]), weighted(two, shape.weights[1])],
    lb.hash(Note.refs.key),
  );
  const right = pool('right', [sink, out], lb.roundRobin());
  const sources = [clients, feed, app];
  const destinations = [one, two, sink, out];
  const isMap = model === 'map';
  const workers = [
    { name: 'sources', endpoints: sources, idle: 'block' },
    { name: 'destinations', endpoints: destinations, idle: 'block' },
  ] as const;
  return defineRouter({
    name: 'swaps',
    drainTimeoutMs: 10_000,
    threading: isMap ? { workers } : model,
    endpoints: [...sources, ...destinations],
    routes: [
      route.first(
        Note,
        (n) => {
          const hot = () => when(n.key.eq(shape.hot)).to(shape.hot < leftKeys ? one : sink);
          const low = when(n.key.lt(leftKeys)).to(left);
          return [...(shape.isHotFirst ? [hot()] : []), low, otherwise.to(right)];
        },
        { from: sources },
      ),
    ],
  });
}

/** A place where messages arrive. */
class Arrivals {
  readonly side: 'left' | 'right';
  readonly name: string;
  readonly faults: string[] = [];
  count = 0;
  readonly #seen: Set<string>;
  readonly #last = new Map<number, number>();

  constructor(name: string, side: 'left' | 'right', seen: Set<string>) {
    this.name = name;
    this.side = side;
    this.#seen = seen;
  }

  take(message: Buffer): void {
    const source = message.readUInt32LE(0);
    const number = message.readUInt32LE(4);
    const key = message.readUInt32LE(8);
    const text = `${source}/${number} (key ${key}) at ${this.name}`;
    this.count++;
    if (this.#seen.has(`${source}/${number}`)) this.faults.push(`${text}: twice`);
    this.#seen.add(`${source}/${number}`);
    if (key < leftKeys !== (this.side === 'left')) this.faults.push(`${text}: wrong side`);
    const last = this.#last.get(source) ?? -1;
    if (number <= last) this.faults.push(`${text}: behind ${last}`);
    this.#last.set(source, number);
  }
}

async function udpEnd(arrivals: Arrivals): Promise<number> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
  socket.on('message', (message) => arrivals.take(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanups.push(() => socket.close());
  return socket.address().port;
}

async function tcpEnd(arrivals: Arrivals): Promise<number> {
  const server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (more: Buffer) => {
      rest = rest.length === 0 ? more : Buffer.concat([rest, more]);
      const whole = rest.length - (rest.length % bytes);
      for (let at = 0; at < whole; at += bytes) arrivals.take(rest.subarray(at, at + bytes));
      rest = rest.subarray(whole);
    });
    cleanups.push(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Sources, destinations and what has been sent. */
class World {
  readonly random: Random;
  readonly router: HyperRoute;
  readonly ends: readonly Arrivals[];
  readonly #client: Socket;
  readonly #feed: UdpSocket;
  readonly #numbers = [0, 0, 0];

  constructor(random: Random, router: HyperRoute, ends: readonly Arrivals[], client: Socket) {
    this.random = random;
    this.router = router;
    this.ends = ends;
    this.#client = client;
    this.#feed = createSocket('udp4');
    cleanups.push(() => this.#feed.close());
  }

  get sent(): number {
    return this.#numbers.reduce((sum, count) => sum + count, 0);
  }

  get arrived(): number {
    return this.ends.reduce((sum, { count }) => sum + count, 0);
  }

  #message(source: number): Buffer {
    const message = Buffer.alloc(bytes);
    const number = this.#numbers[source] ?? 0;
    message.writeUInt32LE(source, 0);
    message.writeUInt32LE(number, 4);
    message.writeUInt32LE(this.random.below(2 * leftKeys), 8);
    this.#numbers[source] = number + 1;
    return message;
  }

  /** A burst from each source, as far as there is room on the way. */
  send(): void {
    // Of an inline router: as often as a thread of its own would in the meantime.
    for (let polls = 0; polls < pollsPerTurn && this.router.poll() > 0; polls++);
    if (this.sent - this.arrived > underWayMax) return;
    const feedPort = portOf(this.router, 'feed');
    const stream: Buffer[] = [];
    for (let index = 0; index < burst; index++) {
      stream.push(this.#message(0));
      this.#feed.send(this.#message(1), feedPort, '127.0.0.1');
      // One that is not taken would look like one that is lost.
      if (this.router.memory('app').offer(this.#message(2)) < 0) throw new Error('no room');
    }
    this.#client.write(Buffer.concat(stream));
  }
}

async function open(model: Model, random: Random, shape: Shape) {
  const seen = new Set<string>();
  const left = [0, 1, 2].map((index) => new Arrivals(`left-${index}`, 'left', seen));
  const [sink, out] = ['sink', 'out'].map((name) => new Arrivals(name, 'right', seen));
  if (sink === undefined || out === undefined) throw new Error('two ends on the right');
  const ports = await Promise.all(left.map(udpEnd));
  const ends = { left: ports.slice(0, 2), sink: await tcpEnd(sink) };
  const router = await HyperRoute.start(configOf(model, ends, shape));
  cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
  router.memory('out').subscribe((batch) => {
    while (batch.next()) out.take(Buffer.from(batch.copy()));
  });
  const client = connect(portOf(router, 'clients'), '127.0.0.1');
  await once(client, 'connect');
  cleanups.push(() => client.destroy());
  await eventually('the connection to sink', () => {
    router.poll();
    return router.metrics().endpoints.sink?.connections === 1;
  });
  const world = new World(random, router, [...left, sink, out], client);
  return { world, ends, extra: ports[2] ?? 0 };
}

async function run(model: Model): Promise<void> {
  const seed = testSeed();
  const random = new Random(seed);
  const shape = (): Shape => ({
    weights: [1 + random.below(5), 1 + random.below(5)],
    hot: random.below(2 * leftKeys),
    isHotFirst: random.below(2) === 0,
    readBudget: 1 + random.below(64),
  });
  const { world, ends, extra } = await open(model, random, shape());
  const { router } = world;
  let done = false;
  const traffic = (async () => {
    while (!done) {
      world.send();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const remote = { host: '127.0.0.1', port: extra };
  const change = async (index: number): Promise<unknown> => {
    if (index % 50 === 25) {
      return router.addMember('left', { endpoint: 'left-2', like: 'left-0', remote });
    }
    if (index % 50 === 30) return router.removeMember('left', 'left-2');
    const kind = index % 50 > 25 && index % 50 < 30 ? 1 : random.below(4);
    if (kind === 0) return router.reweight('left', { 'left-0': 1 + random.below(9) });
    if (kind === 1) {
      const one = random.below(2) === 0 ? 'left-0' : 'sink';
      await router.drain(one);
      return router.undrain(one);
    }
    return router.update(configOf(model, ends, shape()));
  };
  try {
    for (let index = 0; index < changesPerModel; index++) await change(index);
  } finally {
    done = true;
    await traffic;
  }
  await eventually('the last messages', () => {
    router.poll();
    return world.arrived >= world.sent;
  }).catch(() => undefined);
  const context = `seed ${seed}, ${JSON.stringify(router.metrics())}`;
  expect(world.ends.flatMap(({ faults }) => faults).slice(0, 10), context).toEqual([]);
  expect(world.arrived, context).toBe(world.sent);
  expect(world.sent).toBeGreaterThan(changesPerModel * 20);
  for (const end of world.ends) expect(end.count, end.name).toBeGreaterThan(0);
  expect(
    Object.values(router.metrics().rejects).every((count) => count === 0),
    context,
  ).toBe(true);
}

describe('many changes under load', { timeout: isLong ? 600_000 : 120_000 }, () => {
  for (const model of ['shared', 'dedicated', 'map', 'inline'] as const) {
    it(`lose, repeat and misplace nothing: ${model}`, () => run(model));
  }
});
