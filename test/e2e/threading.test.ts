// Threading models, idle strategies and pinning: the same results, whoever does the work.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import {
  type AnyEndpoint,
  defineRouter,
  framing,
  HyperRoute,
  memory,
  otherwise,
  type RouterOptions,
  raw,
  returnTo,
  route,
  source,
  tcp,
  udp,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  freePort,
  numbered,
  portOf,
  range,
  UdpRecorder,
} from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const messageBytes = 16;

interface Line {
  readonly router: HyperRoute;
  readonly client: Socket;
  readonly udpIn: UdpRecorder;
  readonly udpOut: UdpRecorder;
}

type Settings = Pick<RouterOptions, 'idle' | 'cpu'> & {
  threading?: Exclude<RouterOptions['threading'], object> | 'map';
};

/** tcp → udp, memory → udp, udp → memory. */
async function line(settings: Settings): Promise<Line> {
  const udpOut = await UdpRecorder.open();
  const udpIn = await UdpRecorder.open();
  cleanups.push(() => udpOut.close());
  cleanups.push(() => udpIn.close());
  const clients = tcp.listen('clients', {
    port: 0,
    framing: framing.fixed(messageBytes),
    queue: { full: 'block' },
  });
  const wire = udp('wire', {
    port: 0,
    remote: { host: '127.0.0.1', port: udpOut.port },
    receiveBufferBytes: 4 << 20,
    queue: { full: 'block' },
  });
  const app = memory('app', { queue: { full: 'block' } });
  const endpoints: AnyEndpoint[] = [clients, wire, app];
  const { threading = 'shared', ...rest } = settings;
  const map = {
    workers: [
      { name: 'front', endpoints: [clients, app] },
      { name: 'back', endpoints: [wire] },
    ],
  };
  const router = await HyperRoute.start(
    defineRouter({
      name: 'line',
      ...rest,
      endpoints,
      threading: threading === 'map' ? map : threading,
      routes: [
        route.first(raw, () => [otherwise.to(wire)], { from: clients }),
        route.first(raw, () => [otherwise.to(wire)], { from: app }),
        route.first(raw, () => [otherwise.to(app)], { from: wire }),
      ],
    }),
  );
  cleanups.push(() => router.close());
  const client = connect(portOf(router, 'clients'), '127.0.0.1');
  await once(client, 'connect');
  cleanups.push(() => client.destroy());
  // A router that closes resets who had not read everything.
  client.on('error', () => {});
  return { router, client, udpIn, udpOut };
}

const kinds = { tcp: 1, memory: 2, udp: 3 } as const;

function message(kind: number, number: number): Buffer {
  const bytes = numbered(number, messageBytes);
  bytes.writeUInt32LE(kind, 4);
  return bytes;
}

function numbersOf(messages: readonly Buffer[], kind: number): number[] {
  const chosen = messages.filter((bytes) => bytes.readUInt32LE(4) === kind);
  return chosen.map((bytes) => bytes.readUInt32LE(0));
}

/** Sends over all three endpoints and checks that everything arrives, in order. */
async function exchange({ router, client, udpIn, udpOut }: Line, count: number): Promise<void> {
  const app = router.memory('app');
  const fromWire: Buffer[] = [];
  app.subscribe((batch) => {
    while (batch.next()) fromWire.push(Buffer.from(batch.copy()));
  });
  const wirePort = portOf(router, 'wire');
  // An inline router does nothing by itself.
  const step = () => router.poll();
  for (let number = 0; number < count; number++) {
    client.write(message(kinds.tcp, number));
    expect(app.offer(message(kinds.memory, number))).toBeGreaterThan(0);
    udpIn.send(message(kinds.udp, number), wirePort);
    if (number % 16 === 0) await eventually('a turn', () => step() === 0);
  }
  await eventually('everything', () => {
    step();
    return udpOut.messages.length >= 2 * count && fromWire.length >= count;
  });
  expect(numbersOf(udpOut.messages, kinds.tcp)).toEqual(range(count));
  expect(numbersOf(udpOut.messages, kinds.memory)).toEqual(range(count));
  expect(numbersOf(fromWire, kinds.udp)).toEqual(range(count));
}

/** By thread name: the CPUs a thread of this process may use. */
function threads(): Map<string, string> {
  const found = new Map<string, string>();
  for (const id of readdirSync('/proc/self/task')) {
    const status = readFileSync(`/proc/self/task/${id}/status`, 'utf8');
    const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
    found.set(name, /^Cpus_allowed_list:\t(.*)$/m.exec(status)?.[1] ?? '');
  }
  return found;
}

describe('a threading model', () => {
  for (const threading of ['inline', 'shared', 'dedicated', 'map'] as const) {
    it(`${threading}: everything arrives, in order`, async () => {
      await exchange(await line({ threading }), 2000);
    });
  }

  it('map: each worker is a thread of its own, gone after close', async () => {
    const { router } = await line({ threading: 'map' });
    // A thread has its name once it runs.
    const names = () => [...threads().keys()];
    await eventually('both threads', () => names().includes('front') && names().includes('back'));
    expect(names()).toEqual(expect.arrayContaining(['front', 'back']));
    await router.close();
    expect([...threads().keys()]).not.toContain('front');
  });

  it('inline: no thread, and nothing moves between polls', async () => {
    const { router, client, udpOut } = await line({ threading: 'inline' });
    expect([...threads().keys()]).not.toContain('inline');
    client.write(message(kinds.tcp, 7));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(udpOut.messages).toEqual([]);
    await eventually('the message', () => {
      router.poll();
      return udpOut.messages.length === 1;
    });
    expect(udpOut.messages).toEqual([message(kinds.tcp, 7)]);
  });
});

describe('an idle strategy', () => {
  for (const idle of ['spin', 'yield', 'backoff', 'block'] as const) {
    it(`${idle}: everything arrives, in order, also after a pause`, async () => {
      const one = await line({ idle });
      await new Promise((resolve) => setTimeout(resolve, 30));
      await exchange(one, 500);
    });
  }
});

describe('pinning', () => {
  it('keeps a worker on its CPU, and this thread where it was', async () => {
    const before = threads().get('node') ?? threads().values().next().value;
    const cpu = availableParallelism() - 1;
    const { router } = await line({ cpu });
    await eventually('the worker to start', () => threads().get('shared') === String(cpu));
    expect(threads().get('shared')).toBe(String(cpu));
    expect(threads().get('node') ?? before).toBe(before);
    await router.close();
  });

  it('to a CPU that does not exist fails the start and leaves nothing open', async () => {
    const port = await freePort();
    const endpoint = tcp.listen('clients', { port, framing: framing.fixed(8) });
    const config = (cpu: number | undefined) =>
      defineRouter({
        endpoints: [endpoint],
        ...(cpu === undefined ? {} : { cpu }),
        routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
      });
    await expect(HyperRoute.start(config(4095))).rejects.toMatchObject({
      code: 'ERR_CPU_UNAVAILABLE',
    });
    expect([...threads().keys()]).not.toContain('shared');
    const router = await HyperRoute.start(config(undefined));
    await router.close();
  });
});

describe('a port in use', () => {
  it('fails the start, and the other ports can be bound again', async () => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    cleanups.push(() => occupied.close());
    const address = occupied.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const [first, second] = [await freePort(), await freePort()];
    const config = (port: number) => {
      const a = tcp.listen('a', { port: first, framing: framing.fixed(8) });
      const b = udp('b', { port: second });
      const c = tcp.listen('c', { port, framing: framing.fixed(8) });
      const routes = [route.first(raw, () => [otherwise.to(b)], { from: a })];
      return defineRouter({ endpoints: [a, b, c], routes });
    };
    await expect(HyperRoute.start(config(taken))).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      message: expect.stringContaining(String(taken)),
    });
    expect([...threads().keys()]).not.toContain('shared');
    const router = await HyperRoute.start(config(await freePort()));
    expect(portOf(router, 'a')).toBe(first);
    await router.close();
  });
});

describe('a change of the running image', () => {
  const configOf = (threading: 'inline' | 'shared', version: number) => {
    const app = memory('app');
    const routes = [route.first(raw, () => [otherwise.to(app)], { name: `version-${version}` })];
    return defineRouter({ endpoints: [app], threading, routes });
  };

  it('completes while the worker sleeps', async () => {
    const router = await HyperRoute.start(configOf('shared', 0));
    cleanups.push(() => router.close());
    for (let version = 1; version <= 20; version++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await router.update(configOf('shared', version));
    }
    expect(Object.keys(router.metrics().routes)).toContain('version-20');
  });

  it('completes in an inline router that nobody polls', async () => {
    const router = await HyperRoute.start(configOf('inline', 0));
    cleanups.push(() => router.close());
    await router.update(configOf('inline', 1));
    expect(Object.keys(router.metrics().routes)).toContain('version-1');
  });
});
