// Connections as they are in the wild: slow readers, clients that vanish in mid-frame, servers
// that restart. Whoever misbehaves does so to himself alone.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  endAll,
  needs,
  netcat,
  patienceMs,
  socat,
  socatAddress,
} from '../helpers/foreign-programs.js';
import { startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';

beforeEach((context) => needs(context, 'nc', 'socat', 'python3'));
afterEach(endAll);

const host = '127.0.0.1';
const padding = '.'.repeat(1000);
/** Far more bytes than a queue and the kernel's buffers hold. */
const lineCount = 8000;

function startEcho(more = '') {
  return startRouter(`
    const echo = tcp.listen('echo', { port: 0, framing: framing.delimiter('\\n'), ${more} });
    export default defineRouter({ endpoints: [echo],
      routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { name: 'echo' })] });`);
}

describe('a slow reader', () => {
  it('loses what does not fit, counted, in order; the others lose nothing', async () => {
    const router = await startEcho(`maxFrameBytes: 4096,
      queue: { bytes: 64 << 10, full: 'reject' }`);
    const slow = await new Python().connect(host, router.port('echo'), 4096);
    await slow.sendText(`# ${padding}\n`, lineCount);
    const ends = ['routes.echo.delivered', 'routes.echo.rejected'];
    const routed = async () => (await router.totals(...ends)).reduce((sum, each) => sum + each);
    await expect.poll(routed, { timeout: patienceMs }).toBe(lineCount);
    const nc = netcat(host, String(router.port('echo')));
    let own = '';
    for (let turn = 0; turn < 50; turn++) {
      own += `mine ${turn}\n`;
      nc.write(`mine ${turn}\n`);
      await nc.prints(own);
    }
    const [delivered = 0, rejected = 0] = await router.totals(...ends);
    expect(rejected).toBeGreaterThan(0);
    const lines = await slow.lines(delivered - 50);
    expect(lines.every((line) => line.endsWith(` ${padding}`))).toBe(true);
    const numbers = lines.map((line) => Number.parseInt(line, 10));
    expect(numbers).toHaveLength(delivered - 50);
    // Strictly growing: nothing twice, nothing out of order.
    expect(numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))).toBe(true);
    expect(await slow.surplus()).toMatchObject({ bytes: Buffer.alloc(0), over: undefined });
    await router.counts({
      'endpoints.echo.rx_messages': lineCount + 50,
      'endpoints.echo.tx_messages': delivered,
      'rejects.DESTINATION_FULL': rejected,
      'endpoints.echo.undeliverable': 0,
    });
  });

  it('with a queue that blocks holds its sender back and loses nothing', async () => {
    const python = new Python();
    const server = await python.listen(host, 0, 4096);
    const router = await startRouter(`
      const lines = { framing: framing.delimiter('\\n'), maxFrameBytes: 4096 };
      const feed = tcp.listen('feed', { port: 0, ...lines });
      const sink = tcp.connect('sink', { host: '${host}', port: ${server.port}, ...lines,
        queue: { bytes: 64 << 10, full: 'block' } });
      export default defineRouter({ endpoints: [feed, sink],
        routes: [route.first(raw, () => [otherwise.to(sink)], { from: feed, name: 'feed' })] });`);
    const slow = await server.accept();
    await router.counts({ 'endpoints.sink.connections': 1 });
    const texts = Array.from({ length: lineCount }, (_, index) => `${index} ${padding}`);
    const sender = socat('-u', '-', socatAddress('TCP', host, router.port('feed')));
    sender.finish(`${texts.join('\n')}\n`);
    await expect
      .poll(async () => (await router.totals('endpoints.feed.rx_messages'))[0], {
        timeout: patienceMs,
      })
      .toBeGreaterThan(0);
    expect(await slow.lines(lineCount)).toEqual(texts);
    expect(await sender.ended()).toBe(0);
    await router.counts({
      'routes.feed.delivered': lineCount,
      'routes.feed.rejected': 0,
      'endpoints.sink.tx_messages': lineCount,
    });
  });
});

describe('a client that vanishes in mid-frame', () => {
  it.each([
    ['with a RST', 'reset', 'framing.lengthPrefix({ bytes: 4, includesHeader: true })'],
    ['with an orderly end', 'close', 'framing.lengthPrefix({ bytes: 4, includesHeader: true })'],
    ['when its process is killed', 'end', 'framing.fixed(12)'],
  ] as const)('%s is counted and forgotten; its neighbour loses nothing', async (_, how, cut) => {
    const router = await startRouter(`
      const echo = tcp.listen('echo', { port: 0, framing: ${cut}, halfOpenTimeoutMs: 50 });
      export default defineRouter({ endpoints: [echo],
        routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`);
    const frame = '\x0c\0\0\0whatever';
    const neighbour = socat('-', socatAddress('TCP', host, router.port('echo')));
    const python = new Python();
    const vanishing = await python.connect(host, router.port('echo'));
    await vanishing.send(frame + frame.slice(0, 7));
    expect(await vanishing.text(frame.length)).toBe(frame);
    neighbour.write(frame.slice(0, 5));
    if (how === 'end') await python.end();
    else await vanishing[how]();
    await router.counts({
      'endpoints.echo.rx_truncated': 1,
      'endpoints.echo.connections_closed': 1,
      'endpoints.echo.connections_cut': 0,
      'endpoints.echo.connections': 1,
    });
    neighbour.write(frame.slice(5) + frame);
    await neighbour.prints(frame + frame);
    await router.counts({ 'endpoints.echo.rx_messages': 3, 'endpoints.echo.tx_messages': 3 });
    expect(await router.stop()).toBe(0);
  });
});

describe('more clients than are allowed', () => {
  it('are closed at once, counted; those inside go on, a place that is free is given', async () => {
    const router = await startEcho('maxConnections: 2, halfOpenTimeoutMs: 0');
    const port = router.port('echo');
    const inside = [netcat('-N', host, String(port)), netcat(host, String(port))];
    for (const [index, client] of inside.entries()) {
      client.write(`client ${index}\n`);
      await client.prints(`client ${index}\n`);
    }
    const python = new Python();
    for (let turn = 0; turn < 5; turn++) {
      const { bytes, over } = await (await python.connect(host, port)).rest();
      expect(bytes).toHaveLength(0);
      expect(over).toBeDefined();
    }
    await router.counts({
      'endpoints.echo.connections': 2,
      'endpoints.echo.connections_opened': 2,
      'endpoints.echo.connections_refused': 5,
    });
    expect(await inside[0]?.finish().ended()).toBe(0);
    await router.counts({ 'endpoints.echo.connections': 1 });
    const next = await python.connect(host, port);
    await next.send('next\n');
    expect(await next.text(5)).toBe('next\n');
    inside[1]?.write('still here\n');
    await inside[1]?.prints('client 1\nstill here\n');
  });
});

describe('frames far larger than one read', () => {
  it('pass whole and in order, beside small ones of another client', async () => {
    const router = await startRouter(`
      const echo = tcp.listen('echo', { port: 0, maxFrameBytes: 1 << 20,
        framing: framing.lengthPrefix({ bytes: 4, order: 'be', includesHeader: true }),
        queue: { bytes: 8 << 20, full: 'block' } });
      export default defineRouter({ endpoints: [echo],
        routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`);
    const frame = (bytes: number, fill: string) => {
      const made = Buffer.alloc(bytes, fill);
      made.writeUInt32BE(bytes, 0);
      return made;
    };
    const sizes = [1 << 20, 4, 5, 65_537, (1 << 20) - 1, 300_000, 1 << 20, 7];
    const large = Buffer.concat(sizes.map((bytes, index) => frame(bytes, `${index}-`)));
    const address = socatAddress('TCP', host, router.port('echo'));
    const big = socat('-', address);
    const small = socat('-', address);
    big.write(large);
    let expected = '';
    for (let turn = 0; turn < 20; turn++) {
      const message = frame(16, `${turn}.`);
      expected += message.toString('latin1');
      small.write(message);
      expect((await small.printsBytes(expected.length)).toString('latin1')).toBe(expected);
    }
    const answered = await big.printsBytes(large.length);
    expect(answered.equals(large)).toBe(true);
    await router.counts({
      'endpoints.echo.rx_messages': sizes.length + 20,
      'endpoints.echo.tx_messages': sizes.length + 20,
      'endpoints.echo.tx_bytes': large.length + expected.length,
    });
  });
});

describe('a server that restarts', () => {
  it('is connected to again; what came in between is rejected with a code', async () => {
    const clients = new Python();
    const sender = await clients.udp(host);
    const before = new Python();
    const server = await before.listen(host);
    const router = await startRouter(`
      const side = udp('side', { port: 0 });
      const stream = tcp.connect('stream', { host: '${host}', port: ${server.port},
        framing: framing.delimiter('\\n'), reconnect: { minMs: 5, maxMs: 50 } });
      export default defineRouter({ endpoints: [side, stream],
        routes: [route.first(raw, () => [otherwise.to(stream)], { from: side })] });`);
    const port = router.port('side');
    const first = await server.accept();
    await router.counts({ 'endpoints.stream.connections': 1 });
    await sender.send(port, 'one', 'two');
    expect(await first.text(8)).toBe('one\ntwo\n');

    await before.end();
    // A process that ends may close the connection first, and take one more before it closes the
    // port.
    const failures = async () => (await router.totals('endpoints.stream.connect_failures'))[0];
    await expect.poll(failures, { timeout: patienceMs }).toBeGreaterThan(1);
    await router.counts({ 'endpoints.stream.connections': 0 });
    const [opened = 0] = await router.totals('endpoints.stream.connections_opened');
    await sender.send(port, 'nobody', 'is', 'there');
    await router.counts({ 'rejects.NO_DESTINATION': 3 });

    const restarted = await new Python().listen(host, server.port);
    const second = await restarted.accept();
    await router.counts({ 'endpoints.stream.connections': 1 });
    await sender.send(port, 'three');
    expect(await second.text(6)).toBe('three\n');
    await router.counts({
      'endpoints.side.rx_messages': 6,
      'endpoints.stream.tx_messages': 3,
      'endpoints.stream.connections_opened': opened + 1,
      'endpoints.stream.undeliverable': 0,
    });
  });

  it('finds what was parked for it, in order', async () => {
    const sender = await new Python().udp(host);
    const place = await new Python().listen(host);
    await place.close();
    const router = await startRouter(`
      const side = udp('side', { port: 0 });
      const stream = tcp.connect('stream', { host: '${host}', port: ${place.port},
        framing: framing.delimiter('\\n'), reconnect: { minMs: 5, maxMs: 50 },
        maxFrameBytes: 4096, queue: { full: 'park' } });
      export default defineRouter({ endpoints: [side, stream],
        routes: [route.first(raw, () => [otherwise.to(stream)],
          { from: side, name: 'side' })] });`);
    const texts = Array.from({ length: 100 }, (_, index) => `parked ${index}`);
    await sender.send(router.port('side'), ...texts);
    await router.counts({ 'routes.side.delivered': 100, 'endpoints.stream.connections': 0 });
    const opened = await new Python().listen(host, place.port);
    expect(await (await opened.accept()).lines(100)).toEqual(texts);
    await router.counts({ 'endpoints.stream.tx_messages': 100 });
  });
});
