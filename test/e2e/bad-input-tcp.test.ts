// What a stream must not contain: counted under its name, the sender cut off where nothing after
// it can be understood, every other connection untouched.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, needs } from '../helpers/foreign-programs.js';
import { cancel, order, protocolText, withSize, withType } from '../helpers/foreign-protocol.js';
import { type RouterProcess, startRouter } from '../helpers/foreign-router.js';
import { Python, type StreamSocket } from '../helpers/foreign-sockets.js';
import { Random, testSeed } from '../helpers/random.js';

beforeEach((context) => needs(context, 'nc', 'python3'));
afterEach(endAll);

const host = '127.0.0.1';

/**
 * Orders come back to who sent them, cancels are discarded. On `wire` the message's own size field
 * frames it; on `boxed` a prefix around the message does.
 */
function start(): Promise<RouterProcess> {
  return startRouter(`${protocolText}
    const common = { port: 0, messages: Protocol, halfOpenTimeoutMs: 100 };
    const wire = tcp.listen('wire', { ...common, maxFrameBytes: 64,
      framing: framing.lengthPrefix({ bytes: 4, includesHeader: true }) });
    const boxed = tcp.listen('boxed', { ...common, maxFrameBytes: 66,
      framing: framing.lengthPrefix({ bytes: 2, order: 'be', includesHeader: false,
        strip: true }) });
    const lines = tcp.listen('lines', { port: 0, maxFrameBytes: 64,
      framing: framing.delimiter('\\n') });
    export default defineRouter({ endpoints: [wire, boxed, lines], routes: [
      route.first(Order, (o) => [when(o.qty.gt(0)).to(returnTo(source))]),
      route.first(Cancel, () => [otherwise.to(discard)]),
      route.first(raw, () => [otherwise.to(returnTo(source))], { from: lines }),
    ] });`);
}

function boxed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);
}

/** Sends an order and gets it back: the connection works. */
async function works(connection: StreamSocket, wrap = (message: Buffer) => message) {
  const message = wrap(order(3, 4));
  await connection.send(message);
  expect(await connection.receive(message.length)).toEqual({ bytes: message, over: undefined });
}

describe('a frame that cannot be', () => {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };

  it.each([
    ['a length of zero', 'wire', u32(0), 'rx_bad_frames'],
    ['a length below its own header', 'wire', u32(3), 'rx_bad_frames'],
    ['a length one above the limit', 'wire', u32(65), 'rx_oversize'],
    ['the largest length', 'wire', u32(0xffffffff), 'rx_oversize'],
    ['a body of 65 bytes where 64 are the limit', 'boxed', Buffer.from([0, 65]), 'rx_oversize'],
    ['a line without an end', 'lines', Buffer.alloc(64, 'x'), 'rx_oversize'],
  ])('%s cuts its sender off, after what came before it', async (_, name, bad, counter) => {
    const router = await start();
    const python = new Python();
    const [bystander, sender] = await Promise.all([
      python.connect(host, router.port('wire')),
      python.connect(host, router.port(name)),
    ]);
    await bystander.send(order(1, 1).subarray(0, 9));
    const good =
      name === 'lines'
        ? Buffer.from('good\n')
        : name === 'boxed'
          ? boxed(order(5, 6))
          : order(5, 6);
    await sender.send(Buffer.concat([good, bad, good]));
    const { bytes, over } = await sender.rest();
    expect(bytes).toEqual(good);
    expect(over).toBeDefined();
    await router.counts({
      [`endpoints.${name}.${counter}`]: 1,
      [`endpoints.${name}.connections_cut`]: 1,
      [`endpoints.${name}.connections_closed`]: 1,
      [`endpoints.${name}.rx_truncated`]: 0,
      'endpoints.wire.connections': 1,
    });
    // The bystander's half frame is still there.
    await bystander.send(order(1, 1).subarray(9));
    expect((await bystander.receive(17)).bytes).toEqual(order(1, 1));
    expect(await router.stop()).toBe(0);
  });
});

describe('a message that is none, in a frame that is one', () => {
  it('is rejected and counted by its code; its connection goes on', async () => {
    const router = await start();
    const connection = await new Python().connect(host, router.port('wire'));
    const frame = (bytes: number) => withSize(Buffer.alloc(bytes), bytes);
    const unknown = [withType(order(1, 1), 2), withType(cancel(1), 255), frame(64)];
    // An order's type in a frame of another size, and frames that end before the type does.
    const malformed = [withType(cancel(1), 1), withType(order(1, 1), 7), frame(4), frame(4)];
    for (const message of [...unknown, ...malformed]) await connection.send(message);
    await works(connection);
    await connection.send(Buffer.concat([order(0, 9), cancel(9)]));
    await works(connection);
    await router.counts({
      'rejects.UNKNOWN_TYPE': unknown.length,
      'rejects.MALFORMED': malformed.length,
      'rejects.NO_ROUTE': 1,
      'routes.Order.delivered': 2,
      'routes.Order.rejected': 1,
      'routes.Cancel.discarded': 1,
      'endpoints.wire.rx_messages': unknown.length + malformed.length + 4,
      'endpoints.wire.connections_cut': 0,
      'endpoints.wire.connections': 1,
    });
  });

  it('is rejected when its own size lies, whatever the frame around it says', async () => {
    const router = await start();
    const connection = await new Python().connect(host, router.port('boxed'));
    const lies = [0, 4, 16, 18, 64, 0x11000000, 0xffffffff].map((size) =>
      withSize(order(1, 1), size),
    );
    for (const message of lies) await connection.send(boxed(message));
    await connection.send(boxed(Buffer.alloc(0)));
    await connection.send(boxed(order(1, 1).subarray(0, 16)));
    await connection.send(boxed(Buffer.concat([order(1, 1), Buffer.alloc(1)])));
    await works(connection, boxed);
    await router.counts({
      'rejects.MALFORMED': lies.length + 3,
      'routes.Order.delivered': 1,
      'endpoints.boxed.connections_cut': 0,
    });
  });
});

describe('a message that does not fit the framing it would leave by', () => {
  /** What a framing passes on of some datagrams, as the wire has it; the others are rejected. */
  const cases = [
    [
      'a fixed size',
      'framing.fixed(8)',
      ['12345678', 'abcdefgh'],
      '12345678abcdefgh',
      ['', '1234567', '123456789'],
    ],
    [
      'a delimiter',
      `framing.delimiter('\\r\\n')`,
      ['', '123456', 'a\r', '\nb'],
      '\r\n123456\r\na\r\r\n\nb\r\n',
      ['a\r\nb', '\r\n', 'x\r\n', '1234567'],
    ],
    [
      'a prefix of one byte',
      'framing.lengthPrefix({ bytes: 1, includesHeader: true, strip: true, adjust: -250 })',
      ['', '1234'],
      '\xfb\xff1234',
      ['12345', '1234567'],
    ],
    [
      'a prefix that the message itself holds',
      'framing.lengthPrefix({ bytes: 4, includesHeader: true })',
      ['\x04\0\0\0', '\x07\0\0\0abc'],
      '\x04\0\0\0\x07\0\0\0abc',
      ['', 'abc', '\x09\0\0\0abcde'],
    ],
  ] as const;

  it.each(cases)('%s: is rejected with FRAME_SIZE; those around it leave', async (...each) => {
    const [, framing, fitting, wire, others] = each;
    const python = new Python();
    const sender = await python.udp(host);
    const server = await python.listen(host);
    const router = await startRouter(`
      const side = udp('side', { port: 0 });
      const stream = tcp.connect('stream', { host: '${host}', port: ${server.port},
        framing: ${framing}, maxFrameBytes: 8 });
      export default defineRouter({ endpoints: [side, stream],
        routes: [route.first(raw, () => [otherwise.to(stream)], { from: side })] });`);
    const accepted = await server.accept();
    await router.counts({ 'endpoints.stream.connections': 1 });
    const between = fitting.flatMap((text) => [...others, text]);
    await sender.send(router.port('side'), ...between, ...others);
    const expected = Buffer.from(wire, 'latin1');
    expect((await accepted.receive(expected.length)).bytes).toEqual(expected);
    await router.counts({
      'rejects.FRAME_SIZE': others.length * (fitting.length + 1),
      'endpoints.stream.tx_messages': fitting.length,
      'endpoints.stream.tx_bytes': expected.length,
    });
    expect((await accepted.surplus()).bytes).toHaveLength(0);
  });
});

describe('random garbage', () => {
  it('on many connections leaves the orders of another complete and the router alive', async () => {
    const seed = testSeed();
    const random = new Random(seed);
    const router = await start();
    const port = router.port('wire');
    const honest = await new Python().connect(host, port);
    const hostile = new Python();
    let opened = 0;
    const attack = async () => {
      for (; opened < 40; opened++) {
        const bytes = Buffer.from(
          Array.from({ length: random.below(400) }, () => random.below(256)),
        );
        // Half of them begin as a frame does, so that they get further.
        if (bytes.length > 64 && random.below(2) === 0)
          bytes.writeUInt32LE(5 + random.below(59), 0);
        const connection = await hostile.connect(host, port);
        await connection.send(bytes).catch(() => {});
        await (random.below(2) === 0 ? connection.close() : connection.reset());
      }
    };
    const trade = async () => {
      for (let id = 1; id <= 200; id++) {
        await honest.send(order(id, id));
        expect((await honest.receive(17)).bytes, `seed ${seed}`).toEqual(order(id, id));
      }
    };
    await Promise.all([attack(), trade()]);
    await router.counts({
      'endpoints.wire.connections': 1,
      'endpoints.wire.connections_opened': opened + 1,
      'endpoints.wire.connections_closed': opened,
    });
    const places = ['endpoints.wire.rx_messages', 'endpoints.wire.connections_cut'];
    const [received = 0, cut = 0] = await router.totals(...places);
    expect(cut, `seed ${seed}`).toBeGreaterThan(0);
    const fates = ['routes.Order.delivered', 'routes.Cancel.discarded', 'rejects.NO_ROUTE'];
    fates.push('rejects.UNKNOWN_TYPE', 'rejects.MALFORMED', 'rejects.DESTINATION_GONE');
    const counted = (await router.totals(...fates)).reduce((sum, each) => sum + each);
    expect(counted, `seed ${seed}`).toBe(received);
    expect(await router.stop()).toBe(0);
  });
});
