// The calls of a Raptor node that are made for every message: what they take, and what they do with
// what they cannot take. Nodes of one process, polled by the test.
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  generateRaptorKeys,
  offerCodes,
  type RaptorNode,
  type RaptorNodeOptions,
  type RaptorPublication,
  raptor,
} from '../../../../lib/index.js';
import { nativeRaptorNode } from '../../../../lib/raptor/native.js';

const opened: RaptorNode[] = [];
afterEach(() => {
  for (const node of opened.splice(0)) node.close();
});

const keys = generateRaptorKeys();
const pollsMax = 10_000_000;

function open(options: RaptorNodeOptions): RaptorNode {
  const node = raptor.open({ poll: true, ...options });
  opened.push(node);
  return node;
}

function pair(): { readonly server: RaptorNode; readonly client: RaptorNode } {
  const server = open({ listen: {}, keys: keys.privateKey });
  const { port } = server;
  const connect = { host: '127.0.0.1', port, serverKey: keys.publicKey };
  return { server, client: open({ connect }) };
}

function pollUntil(nodes: readonly RaptorNode[], isSo: () => boolean): void {
  for (let polls = 0; !isSo(); ++polls) {
    if (polls === pollsMax) throw new Error('it never came to be so');
    for (const node of nodes) node.poll();
  }
}

function textsOf(node: RaptorNode, label: string) {
  const received: string[] = [];
  const subscription = node.subscription(label, (batch) => {
    while (batch.next()) received.push(Buffer.from(batch.copy()).toString());
  });
  return { received, subscription };
}

/** Two ends with a session, and what the server gets. */
function connected() {
  const { server, client } = pair();
  const { received, subscription } = textsOf(server, 'up');
  const publication = client.publication('up');
  pollUntil([server, client], () => publication.counters().receivers === 1);
  const poll = (isSo: () => boolean) => pollUntil([server, client], isSo);
  return { server, client, publication, subscription, received, poll };
}

function transferred(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

describe('offer', () => {
  it.each([
    ['undefined', undefined],
    ['a string', 'bytes'],
    ['a number', 7],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a DataView', new DataView(new ArrayBuffer(8))],
    ['words', new Uint16Array(8)],
    ['clamped bytes', new Uint8ClampedArray(8)],
    ['an object that claims to be bytes', Object.create(Uint8Array.prototype)],
    ['bytes whose buffer was transferred', transferred()],
  ])('of %s is a TypeError, and nothing is sent', (_, message) => {
    const { publication, poll, received } = connected();
    expect(() => publication.offer(message as Uint8Array)).toThrow(TypeError);
    expect(publication.offer(Buffer.from('bytes'))).toBeGreaterThan(0);
    poll(() => received.length > 0);
    expect(received).toEqual(['bytes']);
    expect(publication.counters().messages).toBe(1);
  });

  it('takes bytes of every kind of buffer, and none', () => {
    const { publication, poll, received } = connected();
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
    shared.set(Buffer.from('two'));
    const messages = [new Uint8Array(0), Uint8Array.from(Buffer.from('one')), shared];
    for (const message of messages) expect(publication.offer(message)).toBeGreaterThan(0);
    poll(() => received.length === 3);
    expect(received).toEqual(['', 'one', 'two']);
  });

  it('answers CLOSED once its node has closed, while others are open', () => {
    const first = connected();
    first.client.close();
    const second = connected();
    expect(first.publication.offer(Buffer.from('late'))).toBe(offerCodes.CLOSED);
    expect(second.publication.offer(Buffer.from('in time'))).toBeGreaterThan(0);
    second.poll(() => second.received.length > 0);
    expect(second.received).toEqual(['in time']);
  });
});

describe('from within a handler', () => {
  it('what is offered leaves with the poll that called it', () => {
    const { server, client, publication, poll } = connected();
    const answer = server.publication('down');
    let answers = 0;
    client.subscription('down', (batch) => {
      while (batch.next()) answers++;
    });
    server.subscription('ask', (batch) => {
      while (batch.next()) answer.offer(batch.copy());
    });
    const ask = client.publication('ask');
    poll(() => ask.counters().receivers === 1 && answer.counters().receivers === 1);
    ask.offer(Buffer.from('?'));
    client.flush();
    pollUntil([server], () => answer.counters().messages === 1);
    // The server is not polled again.
    pollUntil([client], () => answers === 1);
    expect(publication.counters().messages).toBe(0);
  });

  it('what is offered on getting what was held leaves in the turn that gives it', async () => {
    const server = open({ listen: {}, keys: keys.privateKey, poll: false });
    const remote = { host: '127.0.0.1', port: server.port, serverKey: keys.publicKey };
    const client = open({ connect: remote, poll: false });
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await turn();
    };
    const answer = server.publication('down');
    const { received } = textsOf(client, 'down');
    const packetsSent = () => server.sessions()[0]?.counters.packetsSent ?? 0;
    const sentByFlush: number[] = [];
    const asked = server.subscription('up', (batch) => {
      if (!batch.next()) return;
      const before = packetsSent();
      answer.offer(batch.copy());
      // Ahead of whatever else the event loop does, such as a timer that sends, too.
      if (received.length > 0) queueMicrotask(() => sentByFlush.push(packetsSent() - before));
      else asked.pause();
    });
    const ask = client.publication('up');
    await until(() => ask.counters().receivers === 1 && answer.counters().receivers === 1);
    for (const text of ['one', 'two']) ask.offer(Buffer.from(text));
    await until(() => received.length === 1);
    asked.resume();
    await until(() => received.length === 2);
    // More than one where the path's size is being looked for.
    expect(sentByFlush).toEqual([expect.toSatisfy((packets: number) => packets > 0)]);
    const before = packetsSent();
    answer.offer(Buffer.from('of no handler'));
    await Promise.resolve();
    expect(packetsSent()).toBeGreaterThan(before);
    await until(() => received.length === 3);
    expect(received).toEqual(['one', 'two', 'of no handler']);
  });

  it('poll does nothing, and flush sends', () => {
    const { server, client, publication, subscription, received, poll } = connected();
    subscription.close();
    let calls = 0;
    server.subscription('up', (batch) => {
      while (batch.next()) {
        calls++;
        server.poll();
        server.flush();
        received.push(Buffer.from(batch.copy()).toString());
      }
    });
    for (const text of ['one', 'two']) publication.offer(Buffer.from(text));
    client.flush();
    poll(() => received.length === 2);
    expect(received).toEqual(['one', 'two']);
    expect(calls).toBe(2);
  });

  it('what it throws is uncaught, and what it did not read is skipped', async () => {
    const { server, client, publication, subscription } = connected();
    subscription.close();
    const uncaught: unknown[] = [];
    const keep = (error: unknown): void => void uncaught.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', keep);
    const thrower = server.subscription('up', () => {
      throw new Error('of the handler');
    });
    for (const text of ['one', 'two']) publication.offer(Buffer.from(text));
    client.flush();
    pollUntil([server, client], () => thrower.skipped === 2);
    await turn();
    process.off('uncaughtException', keep);
    for (const other of others) process.on('uncaughtException', other);
    expect(uncaught).toEqual([new Error('of the handler')]);
  });

  it('close ends it: what follows in the batch is still there, and polls are nothing', () => {
    const { server, client, publication, subscription } = connected();
    subscription.close();
    const seen: string[] = [];
    const answer = server.publication('down');
    const codes: number[] = [];
    server.subscription('up', (batch) => {
      while (batch.next()) {
        server.close();
        codes.push(answer.offer(Buffer.from('late')));
        seen.push(Buffer.from(batch.copy()).toString());
      }
    });
    for (const text of ['one', 'two']) publication.offer(Buffer.from(text));
    client.flush();
    pollUntil([server, client], () => seen.length > 0);
    server.poll();
    server.flush();
    expect(seen).toEqual(['one', 'two']);
    expect(codes).toEqual([offerCodes.CLOSED, offerCodes.CLOSED]);
  });
});

describe('a subscription that its handler pauses', () => {
  const count = 200;

  function send(publication: RaptorPublication, from: number, to: number): void {
    for (let number = from; number < to; number++) {
      expect(publication.offer(Uint8Array.of(number))).toBeGreaterThan(0);
    }
  }

  const upTo = (end: number) => Array.from({ length: end }, (_, index) => index);

  /** A handler that pauses every so many messages; for how long is left to the test. */
  function pausing(server: RaptorNode, every: number) {
    const seen: number[] = [];
    const sub = server.subscription('up', (batch) => {
      while (batch.next()) {
        seen.push(batch.view.getUint8(batch.offset));
        if (seen.length % every === 0) {
          sub.pause();
          return;
        }
      }
    });
    return { seen, sub };
  }

  it('gets nothing until resume, then the rest of its batch before anything new', () => {
    const { server, client, publication, subscription } = connected();
    subscription.close();
    const { seen, sub } = pausing(server, 50);
    send(publication, 0, 100);
    client.flush();
    const { received: others } = textsOf(server, 'other');
    const other = client.publication('other');
    pollUntil([server, client], () => seen.length === 50 && other.counters().receivers === 1);
    send(publication, 100, count);
    other.offer(Buffer.from('last'));
    pollUntil([server, client], () => others.length === 1);
    for (let part = 1; part < 4; part++) {
      expect(seen).toEqual(upTo(50 * part));
      sub.resume();
      pollUntil([server, client], () => seen.length > 50 * part);
    }
    expect(seen).toEqual(upTo(count));
    expect(sub.skipped).toBe(0);
  });

  it('does so in the event loop, too, also where it is resumed at once', async () => {
    const server = open({ listen: {}, keys: keys.privateKey, poll: false });
    const connect = { host: '127.0.0.1', port: server.port, serverKey: keys.publicKey };
    const client = open({ connect, poll: false });
    const { seen, sub } = pausing(server, 7);
    await Promise.all([server.connected(), client.connected()]);
    const publication = client.publication('up');
    send(publication, 0, count);
    for (const part of upTo(28)) {
      while (seen.length < 7 * (part + 1)) await turn();
      for (let turns = 0; turns < 3; turns++) await turn();
      expect(seen).toEqual(upTo(7 * (part + 1)));
      sub.resume();
      sub.pause();
      sub.resume();
    }
    while (seen.length < count) await turn();
    expect(seen).toEqual(upTo(count));
    expect(sub.skipped).toBe(0);
  });

  it('is given no more of it once it is closed', () => {
    const { server, client, publication, subscription, poll } = connected();
    subscription.close();
    const { seen, sub } = pausing(server, 5);
    send(publication, 0, 10);
    poll(() => seen.length === 5);
    sub.resume();
    sub.close();
    const { received } = textsOf(server, 'up');
    publication.offer(Buffer.from('new'));
    pollUntil([server, client], () => received.at(-1) === 'new');
    expect(seen).toEqual(upTo(5));
  });
});

it.each([
  [2032, 4096],
  [2033, 8192],
  [262_144, 1 << 20],
  [2 ** 24, 2 ** 26],
])('messages of %i bytes have room in a ring of %i', (maxMessageBytes, ringBytes) => {
  const node = open({ connect: [], maxMessageBytes: 2 ** 24 });
  const publication = node.publication('up', { maxMessageBytes, ringBytes });
  expect(publication.offer(Buffer.from('x'))).toBe(offerCodes.NOT_CONNECTED);
});

it.each(['close', 'drain', 'node.close'])('counters outlive %s', async (how) => {
  const { client, publication, received, poll } = connected();
  for (const text of ['one', 'two']) publication.offer(Buffer.from(text));
  poll(() => received.length === 2);
  const counted = publication.counters();
  expect(counted).toMatchObject({ messages: 2, receivers: 1 });
  if (how === 'close') publication.close();
  else if (how === 'drain') await client.drain({ timeout: 0 }).catch(() => undefined);
  client.close();
  expect(publication.offer(Buffer.from('late'))).toBe(offerCodes.CLOSED);
  expect(publication.counters()).toEqual({ ...counted, receivers: 0 });
});

describe('drain', () => {
  it.each([
    [{ timeout: 'soon' }, 'timeout'],
    [{ timeout: -1 }, 'timeout'],
    [{ timeout: Number.NaN }, 'timeout'],
    [{ timeout: 1.5 }, 'timeout'],
    [{ timeout: '25h' }, 'timeout'],
    [{ timeout: '1441m' }, 'timeout'],
    [{ timeout: null }, 'timeout'],
    [{ signal: {} }, 'signal'],
    [{ timeouts: 5 }, 'timeouts'],
  ])('refuses %o and ends nothing', async (options, option) => {
    const { client, publication } = connected();
    const error = { code: 'ERR_CONFIG', detail: { option: `drain.${option}` } };
    await expect(client.drain(options as never)).rejects.toMatchObject(error);
    expect(publication.offer(Buffer.from('still open'))).toBeGreaterThan(0);
  });

  it('takes a time as other options do, and gives up after it', async () => {
    const { client, publication } = connected();
    publication.offer(Buffer.from('nobody polls'));
    const timedOut = { code: 'ERR_TIMEOUT' };
    await expect(client.drain({ timeout: '0.01s' })).rejects.toMatchObject(timedOut);
    await expect(client.drain({ timeout: 0 })).rejects.toMatchObject(timedOut);
  });
});

describe('one listener, connected to twice', () => {
  const to = { host: '127.0.0.1', port: 9, serverKey: keys.publicKey };
  const refusal = expect.objectContaining({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('127.0.0.1:9 with that key is there already'),
  });

  it.each([to, { ...to, host: 'localhost' }])('is refused, as $host too', (again) => {
    expect(() => open({ connect: [to, again] })).toThrow(refusal);
    for (const connect of [to, [to]]) {
      expect(() => open({ connect }).connect(again)).toThrow(refusal);
    }
  });

  it('is accepted once the first is ended, or has another key', () => {
    const node = open({ connect: [] });
    const end = node.connect(to);
    node.connect({ ...to, serverKey: generateRaptorKeys().publicKey });
    end();
    node.connect(to);
    expect(() => node.connect(to)).toThrow(refusal);
  });
});

it('a number that is no node, and arguments of other types, are nothing to the functions', () => {
  const { offer, poll, flush } = nativeRaptorNode() as unknown as Record<
    'offer' | 'poll' | 'flush',
    (...args: unknown[]) => unknown
  >;
  const bytes = new Uint8Array(8);
  for (const node of [undefined, null, 'x', {}, -1, 2 ** 31, 1n]) {
    expect(offer(node, 1, bytes)).toBeUndefined();
    expect(poll(node)).toBeUndefined();
    expect(flush(node)).toBeUndefined();
  }
  expect(poll()).toBeUndefined();
  expect(offer()).toBeUndefined();
});
