// Several listeners on one port: the kernel spreads peers over them, and with them over workers.
import { readdirSync, readFileSync } from 'node:fs';
import {
  defineRouter,
  generateRaptorKeys,
  HyperRoute,
  memory,
  otherwise,
  type RaptorNode,
  raptor,
  raw,
  returnTo,
  route,
  source,
} from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Child, fixture } from '../helpers/router-child.js';
import { eventually, freePort, range } from '../helpers/router-lines.js';

const server = generateRaptorKeys();
/** That all of them come to one of two sockets happens once in two thousand million boots. */
const clientCount = 32;
const messageCount = 20;

interface Client {
  readonly node: RaptorNode;
  readonly numbers: number[];
  send(number: number): void;
}

/** Ends that each have a socket of their own, and number what they send. */
function dial(port: number, up: string | number, down: string | number): readonly Client[] {
  return range(clientCount).map(() => {
    const remote = { host: '127.0.0.1', port, serverKey: server.publicKey };
    const node = raptor.open({ connect: { ...remote, reconnect: { minMs: 10, maxMs: 50 } } });
    onTestFinished(() => node.close());
    const numbers: number[] = [];
    node.subscription(down, (batch) => {
      while (batch.next()) numbers.push(batch.view.getUint32(batch.offset, true));
    });
    const publication = node.publication(up);
    const message = Buffer.alloc(8);
    const send = (number: number): void => {
      message.writeUInt32LE(number);
      publication.offer(message);
    };
    return { node, numbers, send };
  });
}

async function everyAnswer(clients: readonly Client[], first: number): Promise<void> {
  const numbers = range(messageCount).map((number) => first + number);
  for (const { numbers } of clients) numbers.length = 0;
  for (const number of numbers) for (const client of clients) client.send(number);
  await eventually('every answer', () =>
    clients.every((client) => client.numbers.length === messageCount),
  );
  for (const client of clients) expect(client.numbers).toEqual(numbers);
}

const names = ['a', 'b'];

/** Listeners at one port, each with a worker of its own, which answer what they get. */
function configOf(port: number, kept: readonly string[] = names) {
  const other = memory('other', { mode: 'poll' });
  const listeners = kept.map((name) =>
    raptor.listen(name, { port, reusePort: true, keys: server.privateKey }),
  );
  return defineRouter({
    threading: 'dedicated',
    endpoints: [...listeners, other],
    routes: listeners.map((from) =>
      route.first(raw, () => [otherwise.to(returnTo(source))], { from }),
    ),
  });
}

function countsOf(router: HyperRoute, name: string) {
  const { rx_messages, tx_messages, connections } = router.metrics().endpoints[name] ?? {};
  return { rx: Number(rx_messages), tx: Number(tx_messages), sessions: Number(connections) };
}

/** Both listeners, each client with a session and its answers. */
async function served() {
  const port = await freePort();
  const router = await HyperRoute.start(configOf(port));
  onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
  const clients = dial(port, 0, 0);
  await Promise.all(clients.map(({ node }) => node.connected()));
  await everyAnswer(clients, 0);
  return { port, router, clients };
}

describe('listeners of a router that share a port', () => {
  it('have a worker each, and answer the sessions that came to them', async () => {
    const { router } = await served();
    const counts = names.map((name) => countsOf(router, name));
    expect(counts.map(({ sessions }) => sessions).reduce((sum, each) => sum + each)).toBe(
      clientCount,
    );
    for (const { rx, tx, sessions } of counts) {
      expect(sessions).toBeGreaterThan(0);
      expect([rx, tx]).toEqual([sessions * messageCount, sessions * messageCount]);
    }
    const threads = readdirSync('/proc/self/task').map((thread) =>
      readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim(),
    );
    for (const name of names) expect(threads).toContain(name);
  });

  it('take over the sessions of one that goes', async () => {
    const { port, router, clients } = await served();
    const kept = countsOf(router, 'a').sessions;
    await router.update(configOf(port, ['a']));
    await eventually('all sessions at one', () => countsOf(router, 'a').sessions === clientCount);
    await everyAnswer(clients, 1000);
    const { connections_closed } = router.metrics().endpoints.a ?? {};
    expect([kept > 0, Number(connections_closed)]).toEqual([true, 0]);
  });
});

describe('processes that share a port', () => {
  it('serve the sessions that the kernel gives each', async () => {
    const port = await freePort();
    const listen = { port, reusePort: true };
    const children = range(2).map(() => {
      const options = JSON.stringify({ listen, keys: server.privateKey });
      const child = new Child(fixture('raptor-node.mjs'), [options, 'echo']);
      onTestFinished(() => child.kill());
      return child;
    });
    for (const child of children) expect(await child.next()).toMatchObject({ port });
    const clients = dial(port, 'up', 'down');
    await Promise.all(clients.map(({ node }) => node.connected()));
    await everyAnswer(clients, 0);
    const received: number[] = [];
    for (const child of children) {
      child.tell('state');
      let line = await child.next();
      while (line.event !== 'state') line = await child.next();
      received.push(Number(line.received));
    }
    const [first = 0, second = 0] = received;
    expect(first + second).toBe(clientCount * messageCount);
    expect(Math.min(first, second)).toBeGreaterThan(0);
    for (const count of received) expect(count % messageCount).toBe(0);
  });

  it('have to say so, all of them', async () => {
    const port = await freePort();
    const open = (reusePort: boolean) => {
      const node = raptor.open({ listen: { port, reusePort }, keys: server.privateKey });
      onTestFinished(() => node.close());
    };
    open(true);
    open(true);
    expect(() => open(false)).toThrow(/ADDRESS_IN_USE|in use/i);
  });
});
