// Stand-alone Raptor ends: publications and subscriptions between processes, without a router.
import { once } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  generateRaptorKeys,
  offerCodes,
  type RaptorMode,
  type RaptorNode,
  type RaptorNodeOptions,
  raptor,
} from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Child, fixture } from '../helpers/router-child.js';
import { freePort } from '../helpers/router-lines.js';

const server = generateRaptorKeys();
const client = generateRaptorKeys();
const messageBytes = 64;
const patienceMs = 30_000;

async function child(
  role: string,
  options: RaptorNodeOptions = {},
): Promise<readonly [Child, number]> {
  const given = { listen: { port: 0 }, keys: server.privateKey, ...options };
  const started = new Child(fixture('raptor-node.mjs'), [JSON.stringify(given), role]);
  onTestFinished(() => started.kill());
  const { port } = await started.next();
  return [started, Number(port)];
}

/** What the fixture has got; what it said before is passed over. */
async function stateOf(started: Child): Promise<Record<string, unknown>> {
  started.tell('state');
  for (;;) {
    const line = await started.next();
    if (line.event === 'state') return line;
  }
}

const remote = (port: number) => ({
  host: '127.0.0.1',
  port,
  serverKey: server.publicKey,
  reconnect: { minMs: 20, maxMs: 100 },
});

function open(options: RaptorNodeOptions): RaptorNode {
  const node = raptor.open({ keys: client.privateKey, ...options });
  onTestFinished(() => node.close());
  return node;
}

function numbered(number: number, bytes = messageBytes): Buffer {
  const message = Buffer.alloc(bytes, number & 0xff);
  message.writeUInt32LE(number);
  return message;
}

/** The numbers of the answers, as they come. */
function answersTo(node: RaptorNode): number[] {
  const numbers: number[] = [];
  node.subscription('down', (batch) => {
    while (batch.next()) numbers.push(batch.view.getUint32(batch.offset, true));
  });
  return numbers;
}

async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (const until = Date.now() + patienceMs; !isSo(); ) {
    if (Date.now() > until) throw new Error(`never: ${what}`);
    await turn();
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('between two processes', () => {
  it.each<RaptorMode>(['ordered', 'unordered', 'deadline', 'unreliable'])(
    'messages of mode %s go there and back',
    async (mode) => {
      const [, port] = await child('echo');
      const node = open({ connect: remote(port) });
      const answers = answersTo(node);
      const deadline = mode === 'deadline' ? { deadline: '10s' as const } : {};
      const publication = node.publication('up', { mode, ...deadline });
      await node.connected();
      for (const number of upTo(200)) {
        expect(publication.offer(numbered(number))).toBeGreaterThan(0);
        if (number % 10 === 0) await turn();
      }
      await eventually(() => answers.length === 200, 'every answer');
      expect(answers.toSorted((a, b) => a - b)).toEqual(upTo(200));
    },
  );

  it('of mode latest the last one arrives', async () => {
    const [, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const answers = answersTo(node);
    const publication = node.publication('up', { mode: 'latest' });
    await node.connected();
    for (const number of upTo(1000)) expect(publication.offer(numbered(number))).toBeGreaterThan(0);
    await eventually(() => answers.at(-1) === 999, 'the last one');
    expect(answers.length).toBeLessThan(1000);
  });

  it('messages of every size arrive whole', async () => {
    const [, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const publication = node.publication('up');
    const subscription = node.subscription('down');
    await node.connected();
    const sizes = [0, 1, 7, 8, 1120, 1121, 65_536, 262_144];
    for (const bytes of sizes) {
      const sent = Buffer.alloc(bytes, bytes % 251);
      await eventually(() => publication.offer(sent) >= 0, `room for ${bytes}`);
      for await (const message of subscription) {
        expect(Buffer.compare(message.bytes, sent), `${bytes} bytes`).toBe(0);
        break;
      }
    }
    expect(publication.offer(Buffer.alloc(262_145))).toBe(offerCodes.TOO_LARGE);
  });

  it('for await gets every message, in order, and ends with the node', async () => {
    const [, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const publication = node.publication('up');
    await node.connected();
    const numbers: number[] = [];
    const sending = (async () => {
      for (const number of upTo(5000)) {
        while (publication.offer(numbered(number)) < 0) await turn();
      }
    })();
    for await (const { bytes, session } of node.subscription('down')) {
      numbers.push(Buffer.from(bytes).readUInt32LE());
      expect(session).toBe(node.sessions()[0]?.session);
      if (numbers.length === 5000) node.close();
    }
    await sending;
    expect(numbers).toEqual(upTo(5000));
  });

  it('a node that is polled needs no event loop', async () => {
    const [, port] = await child('echo');
    const node = open({ connect: remote(port), poll: true });
    const answers = answersTo(node);
    const publication = node.publication('up');
    const until = Date.now() + patienceMs;
    // Not a turn of the loop in between.
    while (publication.offer(numbered(0)) < 0 && Date.now() < until) node.poll();
    for (const number of upTo(1000).slice(1)) {
      while (publication.offer(numbered(number)) < 0 && Date.now() < until) node.poll();
    }
    while (answers.length < 1000 && Date.now() < until) node.poll();
    expect(answers).toEqual(upTo(1000));
  });

  it('survives kill -9 of the listener, and sends to the one that comes after it', async () => {
    const [first, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const answers = answersTo(node);
    const publication = node.publication('up');
    const ends: object[] = [];
    node.on('sessionEnd', ({ reason, unacknowledged }) => ends.push({ reason, unacknowledged }));
    await node.connected();
    publication.offer(numbered(0));
    await eventually(() => answers.length === 1, 'an answer');
    await first.kill();
    // Nobody knows yet; they are told to be lost.
    for (let at = 0; at < 5; at++) expect(publication.offer(numbered(9))).toBeGreaterThan(0);
    await eventually(() => ends.length === 1, 'the end');
    expect(ends).toEqual([{ reason: 'peer-dead', unacknowledged: 5 }]);
    expect(node.counters().unacknowledged).toBe(5);
    expect(publication.offer(numbered(1))).toBe(offerCodes.NOT_CONNECTED);
    await child('echo', { listen: { port } });
    await eventually(() => publication.offer(numbered(2)) >= 0, 'a new session');
    await eventually(() => answers.at(-1) === 2, 'its answer');
  });

  it('a listener is told when a client is killed, and takes the next', async () => {
    const node = open({ listen: {}, keys: server.privateKey });
    const ends: string[] = [];
    node.on('sessionEnd', ({ reason }) => ends.push(reason));
    const connecting = JSON.stringify({ connect: remote(node.port) });
    const first = new Child(fixture('raptor-node.mjs'), [connecting, 'echo']);
    onTestFinished(() => first.kill());
    await node.connected();
    expect(node.sessions()).toHaveLength(1);
    await first.kill();
    await eventually(() => ends.length === 1, 'the end');
    expect(ends).toEqual(['peer-dead']);
    const second = new Child(fixture('raptor-node.mjs'), [connecting, 'echo']);
    onTestFinished(() => second.kill());
    await node.connected();
    expect(node.sessions()).toHaveLength(1);
  });

  it('a receiver that takes nothing bounds its publisher, and loses nothing', async () => {
    const [late, port] = await child('late');
    const node = open({ connect: remote(port) });
    const publication = node.publication('up', { ringBytes: 1 << 20 });
    await node.connected();
    let taken = 0;
    let idleTurns = 0;
    while (idleTurns < 200) {
      const code = publication.offer(numbered(taken, 1024));
      if (code >= 0) {
        taken++;
        idleTurns = 0;
        continue;
      }
      expect(code).toBe(offerCodes.BACK_PRESSURE);
      idleTurns++;
      await sleep(1);
    }
    // The ring here and the window there.
    expect(taken * 1024).toBeLessThan(4 << 20);
    expect(publication.counters()).toMatchObject({ messages: taken, receivers: 1 });
    expect(publication.counters().backPressure).toBeGreaterThan(0);
    await expect(node.drain({ timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    late.tell('take');
    await node.drain({ timeout: '30s' });
    expect(await stateOf(late)).toMatchObject({ received: taken, inOrder: taken });
  });
});

describe('who may connect', () => {
  it('a wrong server key is no answer', async () => {
    const [, port] = await child('echo');
    const wrong = { ...remote(port), serverKey: client.publicKey };
    const node = open({ connect: wrong });
    const failed = await new Promise((resolve) => node.once('connectFailed', resolve));
    expect(failed).toEqual({ remote: `127.0.0.1:${port}`, reason: 'no-answer' });
    expect(node.sessions()).toEqual([]);
  });

  it('a key that is not on the list is told so', async () => {
    const allow = [server.publicKey];
    const node = open({ listen: { allow }, keys: server.privateKey });
    const stranger = open({ connect: remote(node.port) });
    const failed = await new Promise((resolve) => stranger.once('connectFailed', resolve));
    expect(failed).toMatchObject({ reason: 'key-not-allowed' });
    const known = open({ connect: remote(node.port), keys: server.privateKey });
    await Promise.all([known.connected(), node.connected()]);
    expect(node.sessions()[0]?.key).toBe(server.publicKey);
  });
});

describe('how it ends', () => {
  it.each(['unref', 'closed'])('a process with a node that is %s exits by itself', async (role) => {
    const [started] = await child(role);
    expect(await started.ended()).toBe(0);
    expect(started.stderr).toBe('');
  });

  it('a worker thread can be terminated in the middle of it; its peer is told', async () => {
    const node = open({ listen: {}, keys: server.privateKey });
    const answer = node.publication('down');
    node.subscription('up', (batch) => {
      while (batch.next()) answer.offer(batch.copy());
    });
    for (let round = 0; round < 3; round++) {
      const ended = new Promise((resolve) => {
        node.once('sessionEnd', ({ reason }) => resolve(reason));
      });
      const workerData = { connect: remote(node.port) };
      const worker = new Worker(fixture('raptor-node-worker.mjs'), { workerData });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
      expect(await ended).toBe('peer-closed');
    }
  });

  it('a polling worker thread can be terminated as it publishes; its port is free', async () => {
    const port = await freePort();
    for (let round = 0; round < 3; round++) {
      const workerData = { listen: { port }, keys: server.privateKey };
      const worker = new Worker(fixture('raptor-node-polling.mjs'), { workerData });
      const busy = once(worker, 'message');
      const node = open({ connect: remote(port) });
      let received = 0;
      node.subscription('up', (batch) => {
        while (batch.next()) received += 1;
      });
      expect(await busy).toEqual([{ port }]);
      await eventually(() => received > 100, 'messages of the worker');
      const ended = once(node, 'sessionEnd');
      expect(await worker.terminate()).toBe(1);
      // What it has opened is closed with it, as by close().
      expect(await ended).toMatchObject([{ reason: 'peer-closed' }]);
      node.close();
    }
    expect(open({ listen: { port }, keys: server.privateKey }).port).toBe(port);
  });

  it('close is idempotent, tells the peer, and answers CLOSED from then on', async () => {
    const [started, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const publication = node.publication('up');
    const subscription = node.subscription('down');
    let closes = 0;
    node.on('close', () => closes++);
    await node.connected();
    expect(await started.next()).toEqual({ event: 'session' });
    node.close();
    node.close();
    expect(closes).toBe(1);
    expect(publication.offer(numbered(0))).toBe(offerCodes.CLOSED);
    expect(node.sessions()).toEqual([]);
    expect(node.address).toBeNull();
    expect(() => node.publication('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    for await (const message of subscription) expect(message).toBeUndefined();
    await expect(node.connected()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(await started.next()).toEqual({ event: 'sessionEnd', reason: 'peer-closed' });
  });

  it('a signal closes it, and await using drains first', async () => {
    const [started, port] = await child('echo');
    const aborter = new AbortController();
    const node = open({ connect: remote(port), signal: aborter.signal });
    await node.connected();
    aborter.abort();
    expect(node.isClosed).toBe(true);
    expect(() => open({ connect: remote(port), signal: aborter.signal })).toThrow();
    const disposed = open({ connect: remote(port) });
    await disposed.connected();
    const publication = disposed.publication('up');
    for (const number of upTo(100)) publication.offer(numbered(number));
    await disposed[Symbol.asyncDispose]();
    expect(await stateOf(started)).toMatchObject({ received: 100, inOrder: 100 });
  });

  it('an error in a handler is uncaught, and the next messages come all the same', async () => {
    const [, port] = await child('echo');
    const node = open({ connect: remote(port) });
    const publication = node.publication('up');
    const errors: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => errors.push(error));
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    let count = 0;
    node.subscription('down', (batch) => {
      while (batch.next()) if (++count === 1) throw new Error('of the handler');
    });
    await node.connected();
    publication.offer(numbered(0));
    await eventually(() => errors.length === 1, 'the error');
    expect(errors[0]).toMatchObject({ message: 'of the handler' });
    publication.offer(numbered(1));
    await eventually(() => count === 2, 'the next message');
  });
});
