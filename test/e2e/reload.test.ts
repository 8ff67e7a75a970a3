// Reloads under traffic: whatever a new configuration changes, every message is delivered exactly
// once to the right destination, in order, or rejected with a code. Judged by the records of
// senders and receivers, never by what the router counts.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineRouter,
  framing,
  HyperRoute,
  otherwise,
  type RouterIr,
  rejectCode,
  returnTo,
  route,
  source,
  tcp,
  transform,
  udp,
  validate,
  via,
  when,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Random, testSeed } from '../helpers/random.js';
import { eventually, freePort, portOf } from '../helpers/router-lines.js';
import {
  type Arrival,
  Note,
  Notes,
  Refused,
  Routed,
  type Sender,
  TcpDestination,
  TcpSender,
  UdpDestination,
  UdpSender,
} from '../helpers/router-traffic.js';

const isLong = process.env.HYPERROUTE_LONG === '1';
const reloads = isLong ? 1000 : 100;
const badKey = 99;
const badCode = 1000;

type DestinationName = 'left' | 'right' | 'extra' | 'sink';

/** What a configuration of the test is made from. */
interface Shape {
  readonly version: number;
  readonly threshold: number;
  readonly swapped: boolean;
  readonly extra: boolean;
  readonly maxConnections: number;
  readonly readBudget: number;
  readonly clientPort: number;
  readonly feedPort: number;
  readonly leftPort: number;
  readonly queueBytes: number;
}

type Ports = Readonly<Record<DestinationName, number>>;

const lengths = framing.lengthPrefix({ bytes: 4, includesHeader: true });

function configOf(shape: Shape, ports: Ports): RouterIr {
  const common = { host: '127.0.0.1', messages: Notes };
  const halfOpenTimeoutMs = 300;
  const stream = { ...common, framing: lengths, maxFrameBytes: 64, halfOpenTimeoutMs };
  const queue = { bytes: shape.queueBytes };
  const { maxConnections, readBudget, clientPort, feedPort } = shape;
  const clients = tcp.listen('clients', {
    ...stream,
    queue,
    port: clientPort,
    maxConnections,
    readBudget,
  });
  const feed = udp('feed', { ...common, queue, port: feedPort, receiveBufferBytes: 4 << 20 });
  const to = (name: DestinationName, port = 0) =>
    udp(name, {
      ...common,
      port,
      queue,
      remote: { host: '127.0.0.1', port: ports[name] },
    });
  const left = to('left', shape.leftPort);
  const right = to('right');
  const extra = to('extra');
  const sink = tcp.connect('sink', { ...stream, port: ports.sink, queue: { full: 'park' } });
  const toRouted = transform(Note, Routed, (n) => ({
    sender: n.sender,
    number: n.number,
    key: n.key,
    version: shape.version,
  }));
  const toRefused = transform(Note, Refused, (n) => ({
    sender: n.sender,
    number: n.number,
    key: n.key,
    version: shape.version,
    code: rejectCode(),
  }));
  const [low, high] = shape.swapped ? [right, left] : [left, right];
  return defineRouter({
    name: 'reload',
    drainTimeoutMs: 20_000,
    endpoints: [clients, feed, left, right, sink, ...(shape.extra ? [extra] : [])],
    validate: [validate(Note, (n) => [n.key.ne(badKey).else('BAD', badCode)])],
    routes: [
      route.first(
        Note,
        (n) => [
          when(n.key.lt(10))
            .via(toRouted)
            .to(shape.extra ? extra : sink),
          when(n.key.lt(20)).via(toRouted).to(sink),
          when(n.key.lt(shape.threshold)).via(toRouted).to(low),
          otherwise.via(toRouted).to(high),
        ],
        { rejects: via(toRefused).to(returnTo(source)) },
      ),
    ],
  });
}

/** The only destination that is right by this configuration. */
function rightOf(shape: Shape, key: number): DestinationName {
  if (key < 10) return shape.extra ? 'extra' : 'sink';
  if (key < 20) return 'sink';
  return key < shape.threshold === shape.swapped ? 'right' : 'left';
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Senders, destinations, the router between them, and every configuration it has had. */
class World {
  readonly random: Random;
  readonly router: HyperRoute;
  readonly destinations: Readonly<Record<DestinationName, { arrivals: Arrival[]; port: number }>>;
  readonly shapes: Shape[] = [];
  readonly senders: Sender[] = [];
  /** Those that send now. */
  active: Sender[] = [];
  /** All workers use this version. */
  version = 0;

  private constructor(
    random: Random,
    router: HyperRoute,
    destinations: World['destinations'],
    first: Shape,
  ) {
    this.random = random;
    this.router = router;
    this.destinations = destinations;
    this.shapes.push(first);
  }

  static async open(random: Random): Promise<World> {
    const [left, right, extra, sink] = await Promise.all([
      UdpDestination.open(),
      UdpDestination.open(),
      UdpDestination.open(),
      TcpDestination.open(),
    ]);
    const destinations = { left, right, extra, sink };
    for (const one of Object.values(destinations)) cleanups.push(() => one.close());
    const first: Shape = {
      version: 0,
      threshold: 50,
      swapped: false,
      extra: false,
      maxConnections: 100,
      readBudget: 64,
      clientPort: await freePort(),
      feedPort: await freePort(),
      leftPort: 0,
      queueBytes: 1 << 20,
    };
    const router = await HyperRoute.start(configOf(first, World.ports(destinations)));
    cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
    const world = new World(random, router, destinations, first);
    await eventually(
      'the connection to sink',
      () => router.metrics().endpoints.sink?.connections === 1,
    );
    return world;
  }

  private static ports(of: World['destinations']): Ports {
    const { left, right, extra, sink } = of;
    return { left: left.port, right: right.port, extra: extra.port, sink: sink.port };
  }

  get shape(): Shape {
    return this.shapes[this.shapes.length - 1] as Shape;
  }

  async update(change: Partial<Shape>): Promise<void> {
    const next = { ...this.shape, ...change, version: this.shapes.length };
    // Recorded before: messages may be routed by it as soon as it is being installed.
    this.shapes.push(next);
    await this.router.update(configOf(next, World.ports(this.destinations)));
    this.version = next.version;
  }

  async refuse(change: Partial<Shape>): Promise<void> {
    const wrong = { ...this.shape, ...change, version: 1_000_000 };
    const update = this.router.update(configOf(wrong, World.ports(this.destinations)));
    await expect(update).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' });
  }

  /** New connections and sockets, to wherever the endpoints are now. */
  async connect(tcpCount: number, udpCount: number): Promise<void> {
    for (let index = 0; index < tcpCount + udpCount; index++) {
      const id = this.senders.length;
      const sender = await (index < tcpCount
        ? TcpSender.open(id, this.random, portOf(this.router, 'clients'))
        : UdpSender.open(id, this.random, portOf(this.router, 'feed')));
      cleanups.push(() => sender.destroy());
      this.senders.push(sender);
      this.active.push(sender);
    }
  }

  /** Those that send now say that they have done, and are not waited for. */
  leave(): Promise<unknown> {
    const ended = Promise.all(this.active.map((sender) => sender.end()));
    this.active = [];
    return ended;
  }

  send(): void {
    for (const sender of this.active) sender.send(this.random.below(6), this.version);
  }

  /** How many messages have neither arrived nor come back. */
  missing(): number {
    const sent = this.senders.reduce((sum, sender) => sum + sender.sent.length, 0);
    const refused = this.senders.reduce((sum, sender) => sum + sender.refused.length, 0);
    const arrived = Object.values(this.destinations).reduce(
      (sum, { arrivals }) => sum + arrivals.length,
      0,
    );
    return sent - refused - arrived;
  }

  /** What is wrong with the records, as sentences; none if nothing is. */
  faults(): string[] {
    const faults: string[] = [];
    const seen = new Set<string>();
    const check = (arrival: Arrival, place: DestinationName | 'refused') => {
      const { sender, number, key, version, code } = arrival;
      const name = `message ${sender}/${number} (key ${key}, version ${version})`;
      const from = this.senders[sender];
      if (from?.sent[number] !== key) faults.push(`${name} was never sent`);
      if (seen.has(`${sender}/${number}`)) faults.push(`${name} came twice`);
      seen.add(`${sender}/${number}`);
      const shape = this.shapes[version];
      if (shape === undefined) faults.push(`${name} was routed by a refused configuration`);
      else if (version < (from?.versionAtSend[number] ?? 0)) {
        faults.push(`${name} was routed by a configuration that was gone`);
      } else if (place !== 'refused' && rightOf(shape, key) !== place) {
        faults.push(`${name} went to ${place}`);
      } else if (place === 'refused' && (code !== badCode || key !== badKey)) {
        faults.push(`${name} was refused with ${code}`);
      }
    };
    for (const [place, { arrivals }] of Object.entries(this.destinations)) {
      const last = new Map<number, Arrival>();
      for (const arrival of arrivals) {
        check(arrival, place as DestinationName);
        const before = last.get(arrival.sender);
        if (before !== undefined && before.number >= arrival.number) {
          faults.push(
            `${place}: ${arrival.sender}/${arrival.number} (version ${arrival.version}) came ` +
              `after ${before.number} (version ${before.version})`,
          );
        }
        last.set(arrival.sender, arrival);
      }
    }
    for (const { refused } of this.senders) for (const one of refused) check(one, 'refused');
    return faults;
  }
}

type Step = (world: World) => Promise<void>;

/** Everything a reload may change. The traffic goes on meanwhile. */
const steps: Readonly<Record<string, Step>> = {
  nothing: (world) => world.update({}),
  rules: (world) =>
    world.update({ swapped: world.random.below(2) === 0, threshold: 20 + world.random.below(80) }),
  options: (world) =>
    world.update({
      maxConnections: 50 + world.random.below(50),
      readBudget: 1 + world.random.below(64),
    }),
  destination: (world) => world.update({ extra: !world.shape.extra }),
  queue: (world) => world.update({ queueBytes: 65_536 * (1 + world.random.below(8)) }),
  'port of a destination': async (world) => world.update({ leftPort: await freePort() }),
  'port of the sources': async (world) => {
    await world.update({ clientPort: await freePort(), feedPort: await freePort() });
    const left = world.leave();
    cleanups.push(() => left);
    await world.connect(3, 2);
  },
  'an invalid one': (world) => world.refuse({ clientPort: takenPort, extra: !world.shape.extra }),
};

let takenPort = 0;

async function run(chosen: readonly string[], count: number): Promise<void> {
  const seed = testSeed();
  const world = await World.open(new Random(seed));
  const occupied = createServer().listen(0, '127.0.0.1');
  await once(occupied, 'listening');
  cleanups.push(() => occupied.close());
  const address = occupied.address();
  takenPort = typeof address === 'object' && address !== null ? address.port : 0;
  await world.connect(3, 2);
  let done = false;
  const traffic = (async () => {
    while (!done) {
      world.send();
      await sleep(world.random.below(2));
    }
  })();
  try {
    for (let index = 0; index < count; index++) {
      const name = chosen[index % chosen.length] as string;
      await steps[name]?.(world);
      if (world.random.below(2) === 0) await sleep(world.random.below(10));
    }
  } finally {
    done = true;
    await traffic;
  }
  await world.leave();
  await eventually('the last messages', () => world.missing() <= 0, 5000).catch(() => {});
  const context = `seed ${seed}, ${JSON.stringify(world.router.metrics().endpoints)}`;
  expect(world.faults().slice(0, 10), context).toEqual([]);
  expect(world.missing(), context).toBe(0);
  expect(world.senders.reduce((sum, { sent }) => sum + sent.length, 0)).toBeGreaterThan(count);
  const lost = Object.values(world.router.metrics().endpoints);
  expect(
    lost.reduce((sum, { undeliverable = 0 }) => sum + undeliverable, 0),
    context,
  ).toBe(0);
}

describe('messages survive reloads', { timeout: isLong ? 900_000 : 60_000 }, () => {
  for (const name of Object.keys(steps)) {
    it(`that change ${name}`, () => run([name], isLong ? 100 : 15));
  }

  it(`of every kind, ${reloads} in a row`, () => run(Object.keys(steps), reloads));
});
