// Members that are given by host name: a pool follows the addresses that its name has, and loses no
// message when one comes or goes.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  defineRouter,
  framing,
  HyperRoute,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  raw,
  route,
  tcp,
  udp,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { DnsServer } from '../helpers/dns-server.js';
import { eventually, freePort, numbered, offerAll, range } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const name = 'venues.test';

/** A host at one address of 127/8. */
class Host {
  readonly messages: Buffer[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => this.messages.push(message));
  }

  static async open(address: string, port: number): Promise<Host> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(port, address);
    await once(socket, 'listening');
    cleanups.push(() => socket.close());
    return new Host(socket);
  }

  send(message: Uint8Array, port: number): void {
    this.#socket.send(message, port, '127.0.0.1');
  }
}

interface World {
  readonly dns: DnsServer;
  readonly router: HyperRoute;
  readonly hosts: readonly Host[];
  readonly port: number;
}

function configOf(dns: DnsServer, port: number, resolveEvery = 100): RouterIr {
  const app = memory('app', { queue: { full: 'block' } });
  const venue = udp('venue', {
    port: 0,
    remote: { host: name, port },
    resolveEvery,
    resolver: dns.address,
  });
  return defineRouter({
    drainTimeoutMs: 2000,
    endpoints: [app, venue],
    routes: [
      route.first(raw, () => [otherwise.to(pool('venues', [venue], lb.roundRobin()))], {
        from: app,
        name: 'out',
      }),
      route.first(raw, () => [otherwise.to(app)], { from: venue, name: 'back' }),
    ],
  });
}

async function open(addresses: readonly string[]): Promise<World> {
  const dns = await DnsServer.open();
  cleanups.push(() => dns.close());
  dns.records.set(name, addresses);
  const port = await freePort();
  const hosts = await Promise.all([2, 3, 4].map((last) => Host.open(`127.0.0.${last}`, port)));
  const router = await HyperRoute.start(configOf(dns, port));
  cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
  return { dns, router, hosts, port };
}

function names({ router }: World): string[] {
  return router.endpoints().map((endpoint) => endpoint.name);
}

async function send({ router }: World, first: number, count: number): Promise<void> {
  await offerAll(
    router.memory('app'),
    range(count).map((index) => numbered(first + index)),
  );
}

function arrivals({ hosts }: World): number[] {
  return hosts.map(({ messages }) => messages.length);
}

describe('a pool member given by host name', () => {
  it('stands for every address that the name has', async () => {
    const world = await open(['127.0.0.3', '127.0.0.2']);
    const { port, hosts, router } = world;
    expect(names(world)).toEqual(['app', `venue@127.0.0.2:${port}`, `venue@127.0.0.3:${port}`]);
    await send(world, 0, 10);
    await eventually('ten messages', () => arrivals(world).join() === '5,5,0');
    // Each is a source too.
    const answers: number[] = [];
    router.memory('app').subscribe((batch) => {
      while (batch.next()) answers.push(batch.copy()[0] ?? 0);
    });
    for (const [index, endpoint] of router.endpoints().slice(1).entries()) {
      const to = Number(endpoint.address?.split(':').at(-1));
      hosts[index]?.send(Uint8Array.of(index), to);
    }
    await eventually('two answers', () => answers.length === 2);
    expect(answers.sort()).toEqual([0, 1]);
  });

  it('follows the name: addresses join, drain and close, and nothing is lost', async () => {
    const world = await open(['127.0.0.2']);
    const { dns, port } = world;
    let sent = 0;
    let done = false;
    const traffic = (async () => {
      for (; !done; sent += 20) {
        await send(world, sent, 20);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (const [addresses, endpoints] of [
      [
        ['127.0.0.2', '127.0.0.3'],
        [2, 3],
      ],
      [
        ['127.0.0.3', '127.0.0.4'],
        [3, 4],
      ],
      [['127.0.0.2'], [2]],
      [
        ['127.0.0.4', '127.0.0.3', '127.0.0.2'],
        [2, 3, 4],
      ],
    ] as const) {
      dns.records.set(name, addresses);
      const expected = ['app', ...endpoints.map((last) => `venue@127.0.0.${last}:${port}`)];
      await eventually(`members ${endpoints}`, () => names(world).join() === expected.join());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    done = true;
    await traffic;
    const arrived = () => arrivals(world).reduce((sum, count) => sum + count, 0);
    await eventually('every message', () => arrived() >= sent);
    const seen = world.hosts.flatMap(({ messages }) => messages.map((one) => one.readUInt32LE(0)));
    expect(seen.sort((one, other) => one - other)).toEqual(range(sent));
    for (const { messages } of world.hosts) {
      const order = messages.map((message) => message.readUInt32LE(0));
      expect(order).toEqual([...order].sort((one, other) => one - other));
    }
    expect(world.router.status().names[0]).toMatchObject({ changes: 4, leaving: [] });
  });

  it('keeps what it has while the name cannot be resolved, and counts that', async () => {
    const world = await open(['127.0.0.2']);
    const { dns, router } = world;
    const before = names(world);
    dns.broken = true;
    const [state] = router.status().names;
    expect(state).toMatchObject({ endpoint: 'venue', host: name, addresses: ['127.0.0.2'] });
    await eventually('two failures', () => (router.status().names[0]?.failures ?? 0) >= 2);
    dns.broken = false;
    dns.records.delete(name);
    const failures = router.status().names[0]?.failures ?? 0;
    await eventually('others', () => (router.status().names[0]?.failures ?? 0) >= failures + 2);
    expect(router.status().names[0]?.lastError).toContain(name);
    expect(names(world)).toEqual(before);
    dns.records.set(name, ['127.0.0.2', '127.0.0.3']);
    await eventually('the new address', () => names(world).length === 3);
    expect(router.status().names[0]?.lastError).toBeNull();
    await send(world, 0, 4);
    await eventually('four messages', () => arrivals(world).join() === '2,2,0');
  });

  it('does not start, nor take an update, with a name that has no address', async () => {
    const dns = await DnsServer.open();
    cleanups.push(() => dns.close());
    const config = configOf(dns, 9000);
    await expect(HyperRoute.start(config)).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
    dns.records.set(name, ['127.0.0.2']);
    const router = await HyperRoute.start(config);
    cleanups.push(() => router.close());
    dns.records.clear();
    // The same question: its answer is known.
    await router.update(config);
    await expect(router.update(configOf(dns, 9001))).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
    expect(router.endpoints()[1]?.name).toBe('venue@127.0.0.2:9000');
  });

  it('drains and undrains all its addresses by the name of the endpoint', async () => {
    const world = await open(['127.0.0.2', '127.0.0.3']);
    const { router } = world;
    expect(await router.drain('venue')).toEqual({ endpoint: 'venue', flushed: true });
    expect(router.pools()[0]?.members.map(({ drained }) => drained)).toEqual([true, true]);
    await router.undrain('venue');
    expect(router.pools()[0]?.members.map(({ drained }) => drained)).toEqual([false, false]);
  });

  it('leaves its pool with all its addresses, read until they are quiet', async () => {
    const world = await open(['127.0.0.2', '127.0.0.3']);
    const { router, hosts, port } = world;
    const remote = { host: '127.0.0.4', port };
    await router.addMember('venues', { endpoint: 'other', like: 'venue', remote });
    const answers: number[] = [];
    router.memory('app').subscribe((batch) => {
      while (batch.next()) answers.push(batch.copy()[0] ?? 0);
    });
    const from = Number(router.endpoints()[1]?.address?.split(':').at(-1));
    const removed = router.removeMember('venues', 'venue');
    for (let number = 0; number < 10; number++) {
      hosts[1]?.send(Uint8Array.of(number), from);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await removed;
    expect(answers).toEqual(range(10));
    expect(names(world)).toEqual(['app', 'other']);
    await send(world, 0, 5);
    await eventually('five messages', () => arrivals(world).join() === '0,0,5');
  });

  it('can be a tcp connection', async () => {
    const dns = await DnsServer.open();
    cleanups.push(() => dns.close());
    dns.records.set(name, ['127.0.0.2']);
    const received: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('data', (bytes) => received.push(bytes));
      cleanups.push(() => socket.destroy());
    });
    server.listen(0, '127.0.0.2');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const app = memory('app');
    const venue = tcp.connect('venue', {
      host: name,
      port,
      framing: framing.fixed(8),
      resolveEvery: '1s',
      resolver: dns.address,
      queue: { full: 'park' },
    });
    const router = await HyperRoute.start(
      defineRouter({
        endpoints: [app, venue],
        routes: [
          route.first(raw, () => [otherwise.to(pool('venues', [venue], lb.roundRobin()))], {
            from: app,
          }),
        ],
      }),
    );
    cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
    await eventually('the connection', () => {
      return router.metrics().endpoints[`venue@127.0.0.2:${port}`]?.connections === 1;
    });
    await offerAll(router.memory('app'), [numbered(5)]);
    await eventually('the message', () => Buffer.concat(received).length === 8);
    expect(Buffer.concat(received).readUInt32LE(0)).toBe(5);
  });
});
