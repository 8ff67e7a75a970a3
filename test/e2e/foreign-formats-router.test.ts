// A program that knows nothing of the package publishes ITCH in MoldUDP64 to a running router,
// which routes each message of a datagram by its type; what cannot be a datagram is counted.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { splitBlocks } from 'hyperroute';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moldBlocks } from '../../examples/market-data/moldudp64.js';
import { endAll, needs } from '../helpers/foreign-programs.js';
import { type RouterProcess, startRouter } from '../helpers/foreign-router.js';
import { type DatagramSocket, Python } from '../helpers/foreign-sockets.js';
import { Random, testSeed } from '../helpers/random.js';
import { freePort } from '../helpers/router-lines.js';

beforeEach((context) => needs(context, 'python3'));
afterEach(endAll);

const root = join(import.meta.dirname, '../..');
const vectors = JSON.parse(readFileSync(join(root, 'test/vectors/foreign/itch.json'), 'utf8')) as {
  readonly messages: readonly { readonly schema: string; readonly hex: string }[];
};
const messagesOf = (schema: string): readonly Buffer[] =>
  vectors.messages
    .filter((message) => message.schema === schema)
    .map(({ hex }) => Buffer.from(hex, 'hex'));
const sharesOffset = 20;
const largeSharesMin = 10_000;

function datagramOf(messages: readonly Buffer[], count = messages.length): Buffer {
  const header = Buffer.from('SESSION001'.padEnd(20, '\0'));
  header.writeUInt16BE(count, 18);
  const blocks = messages.flatMap((message) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    return [length, message];
  });
  return Buffer.concat([header, ...blocks]);
}

interface Feed {
  readonly router: RouterProcess;
  readonly publisher: DatagramSocket;
  readonly book: DatagramSocket;
  readonly trades: DatagramSocket;
  readonly large: DatagramSocket;
  publish(...datagrams: readonly Buffer[]): Promise<void>;
}

/** The example's router, with subscribers and a publisher in Python. */
async function start(): Promise<Feed> {
  const python = new Python();
  const host = '127.0.0.1';
  const [book, trades, large] = [
    await python.udp(host),
    await python.udp(host),
    await python.udp(host),
  ];
  const ports = [book, trades, large].map(({ port }) => port).join();
  const config = join(root, 'examples/market-data/router.config.ts');
  const router = await startRouter(`
    import { marketData } from '${config}';
    export default marketData({ host: '${host}', feedPort: 0, subscriberPorts: [${ports}] });`);
  const publisher = await new Python().udp(host);
  const publish = (...datagrams: readonly Buffer[]) =>
    publisher.send(router.port('feed'), ...datagrams);
  return { router, publisher, book, trades, large, publish };
}

describe('ITCH in MoldUDP64', () => {
  it('goes message by message where its type and its shares say, in order', async () => {
    const seed = testSeed();
    const random = new Random(seed);
    const { router, book, trades, large, publish } = await start();
    const all = vectors.messages.map(({ hex }) => Buffer.from(hex, 'hex'));
    const sent = { book: [] as Buffer[], trades: [] as Buffer[], large: [] as Buffer[] };
    const datagrams = Array.from({ length: 150 }, () => {
      const messages = Array.from({ length: random.below(12) }, () => {
        const message = Buffer.from(random.pick(all));
        // The tracking number tells equal messages apart.
        message.writeUInt16BE(random.below(65_536), 3);
        if (message[0] === 0x41) {
          message.writeUInt32BE(random.pick([0, 9999, 10_000, 2 ** 32 - 1]), sharesOffset);
        }
        const isLarge = message[0] === 0x41 && message.readUInt32BE(sharesOffset) >= largeSharesMin;
        const name = message[0] === 0x45 ? 'trades' : isLarge ? 'large' : 'book';
        sent[name].push(message);
        return message;
      });
      return datagramOf(messages);
    });
    for (const datagram of datagrams) await publish(datagram);
    const total = sent.book.length + sent.trades.length + sent.large.length;
    const bytes = Object.values(sent)
      .flat()
      .reduce((sum, { length }) => sum + length, 0);
    expect(await book.receive(sent.book.length), `seed ${seed}`).toEqual(sent.book);
    expect(await trades.receive(sent.trades.length), `seed ${seed}`).toEqual(sent.trades);
    expect(await large.receive(sent.large.length), `seed ${seed}`).toEqual(sent.large);
    await router.counts({
      'endpoints.feed.rx_messages': total,
      'endpoints.feed.rx_bytes': bytes,
      'endpoints.feed.rx_bad_frames': 0,
      'endpoints.feed.connections': 1,
      'endpoints.book.tx_messages': sent.book.length,
      'endpoints.trades.tx_messages': sent.trades.length,
      'endpoints.large.tx_messages': sent.large.length,
      'rejects.UNKNOWN_TYPE': 0,
      'rejects.MALFORMED': 0,
    });
    expect(await router.stop()).toBe(0);
  });

  it('has nothing routed of a malformed datagram, and the ones around it whole', async () => {
    const { router, book, trades, publish } = await start();
    const [add] = messagesOf('AddOrder');
    const [executed] = messagesOf('OrderExecuted');
    const [cancel] = messagesOf('OrderCancel');
    if (add === undefined || executed === undefined || cancel === undefined) throw new Error();
    const whole = datagramOf([add, executed, cancel]);
    const bad = [
      Buffer.alloc(0),
      ...Array.from({ length: whole.length - 1 }, (_, index) => whole.subarray(0, index + 1)),
      Buffer.concat([whole, Buffer.alloc(1)]),
      datagramOf([add, executed, cancel], 2),
      datagramOf([add, executed, cancel], 4),
      datagramOf([add, executed, cancel], 0),
      datagramOf([add, executed, cancel], 0xffff),
    ];
    for (const datagram of bad) {
      expect(() => splitBlocks(datagram, moldBlocks)).toThrow('blocks: ');
    }
    await publish(...bad.slice(0, 50), whole, ...bad.slice(50), whole);
    expect(await book.receive(4)).toEqual([add, cancel, add, cancel]);
    expect(await trades.receive(2)).toEqual([executed, executed]);
    await router.counts({
      'endpoints.feed.rx_messages': 6,
      'endpoints.feed.rx_bad_frames': bad.length,
      'endpoints.feed.rx_truncated': 0,
      'endpoints.feed.kernel_drops': 0,
    });
    expect(await book.surplus()).toEqual([]);
    expect(await trades.surplus()).toEqual([]);
  });

  it('has heartbeats and an end that are no messages', async () => {
    const { router, book, publish } = await start();
    const [cancel = Buffer.alloc(0)] = messagesOf('OrderCancel');
    await publish(datagramOf([]), datagramOf([cancel]), datagramOf([], 0xffff), datagramOf([]));
    await publish(datagramOf([cancel]));
    expect(await book.receive(2)).toEqual([cancel, cancel]);
    await router.counts({ 'endpoints.feed.rx_messages': 2, 'endpoints.feed.rx_bad_frames': 0 });
  });

  it('rejects the messages of a good datagram one by one', async () => {
    const { router, book, publish } = await start();
    const [cancel = Buffer.alloc(0)] = messagesOf('OrderCancel');
    const unknown = Buffer.from(cancel);
    unknown[0] = 'D'.charCodeAt(0);
    const cut = cancel.subarray(0, 22);
    const longer = Buffer.concat([cancel, Buffer.alloc(1)]);
    const nothing = Buffer.alloc(0);
    await publish(datagramOf([cancel, unknown, cut, cancel, nothing, longer, unknown, cancel]));
    expect(await book.receive(3)).toEqual([cancel, cancel, cancel]);
    await router.counts({
      'endpoints.feed.rx_messages': 8,
      'endpoints.feed.rx_bad_frames': 0,
      'rejects.UNKNOWN_TYPE': 2,
      'rejects.MALFORMED': 3,
      'routes.OrderCancel.delivered': 3,
    });
    expect(await book.surplus()).toEqual([]);
  });
});

describe('the example by hand', () => {
  it('prints what its page says', async () => {
    const folder = join(root, 'examples/market-data');
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    const printed = /^prints\n\n```text\n([\s\S]*?)^```$/m.exec(page)?.[1];
    const ports = [await freePort(), await freePort(), await freePort()];
    const router = await startRouter(`
      import { marketData } from '${folder}/router.config.ts';
      export default marketData({ host: '127.0.0.1', feedPort: 0,
        subscriberPorts: [${ports.join()}] });`);
    const env = {
      ...process.env,
      MARKET_DATA_PORT: String(router.port('feed')),
      MARKET_DATA_SUBSCRIBERS: ports.join(),
    };
    const program = join(root, 'dist/examples/market-data/publish.js');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env });
    expect(stderr).toBe('');
    expect(stdout).toBe(printed);
    await router.counts({ 'endpoints.feed.rx_messages': 6, 'endpoints.feed.rx_bad_frames': 0 });
  });
});
