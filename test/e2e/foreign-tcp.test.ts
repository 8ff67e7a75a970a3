// Streams of netcat, socat and Python through a router of its own process: the framings.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  endAll,
  needs,
  netcat,
  patienceMs,
  socat,
  socatAddress,
} from '../helpers/foreign-programs.js';
import { type RouterProcess, startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';

beforeEach((context) => needs(context, 'nc', 'socat', 'python3'));
afterEach(endAll);

const hosts = ['127.0.0.1', '::1'];

/** A router that sends every message of a stream back. */
function echo(framing: string, more = ''): Promise<RouterProcess> {
  return startRouter(`
    const echo = tcp.listen('echo', { port: 0, framing: ${framing}, halfOpenTimeoutMs: 200,
      ${more} });
    export default defineRouter({ endpoints: [echo],
      routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`);
}

/** A router that passes the messages of a stream to a udp remote. */
function toUdp(framing: string, host: string, remotePort: number): Promise<RouterProcess> {
  return startRouter(`
    const lines = tcp.listen('lines', { host: '${host}', port: 0, framing: ${framing},
      halfOpenTimeoutMs: 200 });
    const out = udp('out', { host: '${host}', port: 0,
      remote: { host: '${host}', port: ${remotePort} } });
    export default defineRouter({ endpoints: [lines, out],
      routes: [route.first(raw, () => [otherwise.to(out)], { from: lines })] });`);
}

describe.each(hosts)('on %s', (host) => {
  it('lines of netcat become datagrams, without the end of line, empty ones too', async () => {
    const receiver = await new Python().udp(host);
    const router = await toUdp(`framing.delimiter('\\n')`, host, receiver.port);
    const nc = netcat('-N', host, String(router.port('lines')));
    nc.finish('one\ntwo\n\nfour and more\nwhat is not ended');
    expect(await receiver.texts(4)).toEqual(['one', 'two', '', 'four and more']);
    expect(await nc.ended()).toBe(0);
    await router.counts({
      'endpoints.lines.rx_messages': 4,
      'endpoints.lines.rx_truncated': 1,
      'endpoints.lines.connections': 0,
      'endpoints.out.tx_messages': 4,
    });
    expect(await receiver.surplus()).toEqual([]);
  });

  it('a delimiter of several bytes is found wherever the stream was cut', async () => {
    const receiver = await new Python().udp(host);
    const router = await toUdp(`framing.delimiter('\\r\\n\\r\\n')`, host, receiver.port);
    const client = await new Python().connect(host, router.port('lines'));
    for (const piece of ['GET /\r', '\n\r', '\nPUT\r\n/\r', '\n', '\r\n\r\n\r', '\n\r\n']) {
      await client.send(piece);
    }
    expect(await receiver.texts(3)).toEqual(['GET /', 'PUT\r\n/', '']);
    expect(await receiver.surplus()).toEqual([]);
  });

  it('frames of a fixed size come whole from socat, whose writes end elsewhere', async () => {
    const receiver = await new Python().udp(host);
    const router = await toUdp('framing.fixed(8)', host, receiver.port);
    const frames = Array.from({ length: 300 }, (_, index) => `${index}`.padStart(8, '.'));
    // socat reads and writes 7 bytes at a time.
    const peer = socat('-u', '-b', '7', '-', socatAddress('TCP', host, router.port('lines')));
    peer.finish(`${frames.join('')}short`);
    expect(await receiver.texts(frames.length)).toEqual(frames);
    expect(await peer.ended()).toBe(0);
    await router.counts({
      'endpoints.lines.rx_messages': frames.length,
      'endpoints.lines.rx_truncated': 1,
    });
  });

  it('datagrams become frames with a length prefix, and frames become datagrams', async () => {
    const python = new Python();
    const peer = await python.udp(host);
    const server = await python.listen(host);
    const router = await startRouter(`
      const side = udp('side', { host: '${host}', port: 0,
        remote: { host: '${host}', port: ${peer.port} } });
      const stream = tcp.connect('stream', { host: '${host}', port: ${server.port},
        framing: framing.lengthPrefix({ bytes: 4, order: 'be', includesHeader: false,
          strip: true }) });
      export default defineRouter({ endpoints: [side, stream], routes: [
        route.first(raw, () => [otherwise.to(stream)], { from: side }),
        route.first(raw, () => [otherwise.to(side)], { from: stream })] });`);
    const accepted = await server.accept();
    await router.counts({ 'endpoints.stream.connections': 1 });
    await peer.send(router.port('side'), 'hello', '', 'x'.repeat(2048));
    const stream = `\0\0\0\x05hello\0\0\0\0\0\0\x08\0${'x'.repeat(2048)}`;
    expect(await accepted.text(stream.length)).toBe(stream);
    await accepted.send('\0\0\0\x03abc\0\0');
    expect(await peer.texts(1)).toEqual(['abc']);
    await accepted.send('\0\x02de\0\0\0\0');
    expect(await peer.texts(2)).toEqual(['de', '']);
    // The datagrams between are gone whole: a stream has no place for what it cannot frame.
    await router.counts({ 'endpoints.side.tx_messages': 3, 'endpoints.stream.tx_messages': 3 });
  });
});

describe('a length prefix', () => {
  const u16 = (value: number) => [value >> 8, value & 0xff];

  it('of 2 big-endian bytes stands 3 bytes into the frame and counts 7 more', async () => {
    // Frame: 3 bytes of whatever, then the value, then the body; the value is its bytes + 7.
    const router = await echo(`framing.lengthPrefix({ bytes: 2, order: 'be', offset: 3,
      adjust: -7, includesHeader: false, strip: true })`);
    const client = await new Python().connect('127.0.0.1', router.port('echo'));
    const frame = (lead: string, body: string) =>
      Buffer.concat([Buffer.from(lead), Buffer.from(u16(body.length + 7)), Buffer.from(body)]);
    const bodies = ['hello', '', 'z'.repeat(700)];
    await client.send(Buffer.concat(bodies.map((body) => frame('abc', body))));
    // What stood before the prefix was stripped with it; the header of an answer carries zeros.
    const expected = Buffer.concat(bodies.map((body) => frame('\0\0\0', body)));
    expect((await client.receive(expected.length)).bytes).toEqual(expected);
  });

  it('that counts the header too, and one byte less, is kept as the sender wrote it', async () => {
    const router = await echo(`framing.lengthPrefix({ bytes: 2, order: 'be', offset: 1, adjust: 1,
      includesHeader: true })`);
    const frame = (tag: string, body: string) =>
      Buffer.concat([Buffer.from(tag), Buffer.from(u16(body.length + 2)), Buffer.from(body)]);
    const sent = Buffer.concat([frame('A', 'first'), frame('B', ''), frame('C', 'third')]);
    const client = socat('-', socatAddress('TCP', '127.0.0.1', router.port('echo')));
    client.write(sent);
    expect(await client.printsBytes(sent.length)).toEqual(sent);
  });

  it('of 1 to 8 little-endian bytes carries empty and full frames', async () => {
    const router = await startRouter(`
      const echo = (bytes: number) => tcp.listen('echo' + bytes, { port: 0,
        maxFrameBytes: 250 + bytes,
        framing: framing.lengthPrefix({ bytes, includesHeader: false, strip: true }) });
      export default defineRouter({ endpoints: [1, 2, 3, 4, 5, 6, 7, 8].map(echo),
        routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`);
    const python = new Python();
    for (let bytes = 1; bytes <= 8; bytes++) {
      const frame = (bodyBytes: number) => {
        const lead = Buffer.alloc(bytes);
        lead[0] = bodyBytes;
        return Buffer.concat([lead, Buffer.alloc(bodyBytes, 'w')]);
      };
      const sent = Buffer.concat([0, 1, 249, 250].map(frame));
      const client = await python.connect('127.0.0.1', router.port(`echo${bytes}`));
      await client.send(sent);
      expect((await client.receive(sent.length)).bytes).toEqual(sent);
      await router.counts({
        [`endpoints.echo${bytes}.rx_messages`]: 4,
        [`endpoints.echo${bytes}.rx_bytes`]: 500,
        [`endpoints.echo${bytes}.tx_bytes`]: sent.length,
      });
    }
  });

  it('that arrives byte by byte is read as one that arrives at once', async () => {
    const router = await echo(`framing.lengthPrefix({ bytes: 4, includesHeader: true })`);
    const client = await new Python().connect('127.0.0.1', router.port('echo'));
    const sent = Buffer.from('\x07\0\0\0abc\x04\0\0\0\x09\0\0\0defgh');
    for (const byte of sent) await client.send(Uint8Array.of(byte));
    expect((await client.receive(sent.length)).bytes).toEqual(sent);
    await router.counts({ 'endpoints.echo.rx_messages': 3, 'endpoints.echo.tx_messages': 3 });
  });
});

describe('a client that has sent everything', () => {
  it('still gets all its answers after it has closed its side, and then the end', async () => {
    const router = await echo(`framing.delimiter('\\n')`);
    const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}\n`).join('');
    const nc = netcat('-N', '127.0.0.1', String(router.port('echo')));
    nc.finish(lines);
    expect(await nc.ended()).toBe(0);
    expect(nc.text).toBe(lines);
    await router.counts({
      'endpoints.echo.connections': 0,
      'endpoints.echo.connections_opened': 1,
      'endpoints.echo.connections_closed': 1,
      'endpoints.echo.connections_cut': 0,
    });
  });

  it('of socat too, on as many connections as there are clients', async () => {
    const router = await echo(`framing.delimiter('\\n')`, 'noDelay: false');
    const clients = Array.from({ length: 8 }, () => {
      const address = socatAddress('TCP', '127.0.0.1', router.port('echo'));
      return socat('-t', String(patienceMs / 1000), '-', address);
    });
    const text = (index: number) => `client ${index}\n`.repeat(500);
    for (const [index, client] of clients.entries()) client.finish(text(index));
    for (const [index, client] of clients.entries()) {
      expect(await client.ended()).toBe(0);
      expect(client.text).toBe(text(index));
    }
    await router.counts({
      'endpoints.echo.rx_messages': 4000,
      'endpoints.echo.tx_messages': 4000,
      'endpoints.echo.connections_opened': 8,
    });
  });
});
