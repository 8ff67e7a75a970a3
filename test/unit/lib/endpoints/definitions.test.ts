// What endpoint definitions complete and what they refuse.
import { describe, expect, it } from 'vitest';
import type { EndpointIr } from '../../../../lib/compiler/ir.js';
import {
  type AnyEndpoint,
  defineRouter,
  framing,
  layout,
  memory,
  otherwise,
  raw,
  returnTo,
  route,
  schema,
  source,
  t,
  tcp,
  udp,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const Wide = schema('Wide', 1, { a: t.bytes(100) }, { layout: layout.packed() });
const lines = framing.delimiter('\r\n');

function irOf(endpoint: AnyEndpoint & Parameters<typeof otherwise.to>[0]): EndpointIr | undefined {
  return defineRouter({
    endpoints: [endpoint],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
  }).endpoints[0];
}

const common = {
  queue: { bytes: 1 << 20, full: 'reject', parkBytes: 1 << 20 },
  readBudget: 64,
};
const stream = { maxFrameBytes: 65_536, noDelay: true, halfOpenTimeoutMs: 10_000 };

describe('an endpoint is completed with defaults', () => {
  it('udp', () => {
    expect(irOf(udp('u', { port: 9 }))).toMatchObject({
      name: 'u',
      kind: 'udp',
      family: 0,
      options: {
        ...common,
        host: '127.0.0.1',
        port: 9,
        exposed: false,
        remote: null,
        receiveBufferBytes: null,
        sendBufferBytes: null,
        maxDatagramBytes: 2048,
        maxPeers: 4096,
      },
    });
  });

  it('tcp.listen', () => {
    expect(irOf(tcp.listen('l', { port: 0, framing: lines }))?.options).toEqual({
      ...common,
      ...stream,
      host: '127.0.0.1',
      port: 0,
      exposed: false,
      framing: { kind: 'delimiter', hex: '0d0a' },
      maxConnections: 1024,
      backlog: 511,
    });
  });

  it('tcp.connect', () => {
    const options = { host: 'localhost', port: 1, framing: framing.fixed(100) };
    expect(irOf(tcp.connect('c', options))?.options).toEqual({
      ...common,
      ...stream,
      maxFrameBytes: 100,
      host: '127.0.0.1',
      port: 1,
      framing: { kind: 'fixed', bytes: 100 },
      reconnect: { minMs: 50, maxMs: 5000 },
    });
  });

  it('memory', () => {
    const expected = { ...common, ringBytes: 1 << 20, mode: 'wake' };
    expect(irOf(memory('m'))?.options).toEqual(expected);
  });

  it('a length prefix', () => {
    expect(framing.lengthPrefix({ bytes: 4, includesHeader: true })).toEqual({
      kind: 'length-prefix',
      bytes: 4,
      order: 'le',
      offset: 0,
      adjust: 0,
      includesHeader: true,
      strip: false,
    });
  });

  it('loopback in every notation needs no leave', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost']) {
      expect(irOf(udp('u', { port: 0, host }))?.options.exposed).toBe(false);
    }
    for (const host of ['0.0.0.0', '::', '192.168.0.1', '::ffff:127.0.0.1']) {
      const error = refusal(() => udp('u', { port: 0, host }));
      expect(error.detail.expected).toContain('`exposed: true`');
      expect(irOf(udp('u', { port: 0, host, exposed: true }))?.options.host).toBe(host);
    }
  });
});

describe('an endpoint is refused', () => {
  const prefix = { bytes: 4, includesHeader: true };
  const cases: [string, () => unknown, string, RegExp, unknown][] = [
    [
      'without options',
      () => udp('u', undefined as never),
      'endpoints.u',
      /object of options/,
      undefined,
    ],
    ['with a name that is none', () => udp('a b', { port: 0 }), 'endpoint.name', /a letter/, 'a b'],
    [
      'with a misspelt option',
      () => udp('u', { port: 0, prot: 1 } as never),
      'endpoints.u.prot',
      /known are .*'port'/,
      1,
    ],
    [
      'with a host that has to be resolved',
      () => udp('u', { port: 0, host: 'example.org' }),
      'endpoints.u.host',
      /IPv4 or IPv6/,
      'example.org',
    ],
    [
      'with a host of a zone',
      () => udp('u', { port: 0, host: 'fe80::1%eth0' }),
      'endpoints.u.host',
      /IPv4 or IPv6/,
      'fe80::1%eth0',
    ],
    [
      'with a port that is too large',
      () => udp('u', { port: 65_536 }),
      'endpoints.u.port',
      /0 to 65535/,
      65_536,
    ],
    [
      'with a port that is not a number',
      () => udp('u', { port: Number('x') }),
      'endpoints.u.port',
      /0 to 65535/,
      Number.NaN,
    ],
    ['without a port', () => udp('u', {} as never), 'endpoints.u.port', /0 to 65535/, undefined],
    [
      'with a remote of another address family',
      () => udp('u', { port: 0, remote: { host: '::1', port: 1 } }),
      'endpoints.u.remote.host',
      /family of `host`/,
      '::1',
    ],
    [
      'with a remote port of 0',
      () => udp('u', { port: 0, remote: { host: '::1', port: 0 } }),
      'endpoints.u.remote.port',
      /1 to/,
      0,
    ],
    [
      'with datagrams larger than UDP has',
      () => udp('u', { port: 0, maxDatagramBytes: 65_508 }),
      'endpoints.u.maxDatagramBytes',
      /65507/,
      65_508,
    ],
    [
      'with datagrams larger than a quarter of its queue',
      () => udp('u', { port: 0, queue: { bytes: 4096 } }),
      'endpoints.u.maxDatagramBytes',
      /quarter of queue.bytes/,
      2048,
    ],
    [
      'with an unknown policy',
      () => udp('u', { port: 0, queue: { full: 'drop' as never } }),
      'endpoints.u.queue.full',
      /'drop-oldest'/,
      'drop',
    ],
    [
      'with an unknown queue option',
      () => udp('u', { port: 0, queue: { size: 1 } as never }),
      'endpoints.u.queue.size',
      /known are/,
      1,
    ],
    [
      'with messages that are no schema',
      () => udp('u', { port: 0, messages: {} as never }),
      'endpoints.u.messages',
      /a schema, a union/,
      {},
    ],
    [
      'without a framing',
      () => tcp.listen('l', { port: 0 } as never),
      'endpoints.l.framing',
      /framing.lengthPrefix/,
      undefined,
    ],
    [
      'with a framing that is none',
      () => tcp.listen('l', { port: 0, framing: { kind: 'lines' } as never }),
      'endpoints.l.framing',
      /framing.delimiter/,
      { kind: 'lines' },
    ],
    [
      'with a length field of nine bytes',
      () => framing.lengthPrefix({ ...prefix, bytes: 9 }),
      'framing.lengthPrefix.bytes',
      /1 to 8/,
      9,
    ],
    [
      'with a length that says not what it counts',
      () => framing.lengthPrefix({ bytes: 4 } as never),
      'framing.lengthPrefix.includesHeader',
      /true or false/,
      undefined,
    ],
    [
      'with an empty delimiter',
      () => framing.delimiter(''),
      'framing.delimiter',
      /1 to 8 bytes/,
      '',
    ],
    ['with a fixed frame of no bytes', () => framing.fixed(0), 'framing.fixed', /from 1/, 0],
    [
      'with a fixed frame over the limit',
      () => tcp.listen('l', { port: 0, framing: framing.fixed(9), maxFrameBytes: 8 }),
      'endpoints.l.maxFrameBytes',
      /9 bytes/,
      8,
    ],
    [
      'with waits in the wrong order',
      () =>
        tcp.connect('c', {
          host: '::1',
          port: 1,
          framing: lines,
          reconnect: { minMs: 9, maxMs: 8 },
        }),
      'endpoints.c.reconnect.maxMs',
      /from 9/,
      8,
    ],
    [
      'with a ring that is no power of two',
      () => memory('m', { ringBytes: 5000 }),
      'endpoints.m.ringBytes',
      /power of two/,
      5000,
    ],
    [
      'with messages larger than its datagrams',
      () => irOf(udp('u', { port: 0, messages: Wide, maxDatagramBytes: 99 }) as never),
      'endpoints.u.maxDatagramBytes',
      /100 bytes of Wide/,
      99,
    ],
    [
      'with messages that leave no room for the delimiter',
      () =>
        irOf(
          tcp.listen('l', { port: 0, messages: Wide, framing: lines, maxFrameBytes: 101 }) as never,
        ),
      'endpoints.l.maxFrameBytes',
      /102 bytes of Wide/,
      101,
    ],
    [
      'with messages that leave no room for a stripped header',
      () =>
        irOf(
          tcp.listen('l', {
            port: 0,
            messages: Wide,
            framing: framing.lengthPrefix({ ...prefix, strip: true }),
            maxFrameBytes: 103,
          }) as never,
        ),
      'endpoints.l.maxFrameBytes',
      /104 bytes of Wide/,
      103,
    ],
    [
      'with a length field outside of its messages',
      () =>
        irOf(
          tcp.listen('l', {
            port: 0,
            messages: Wide,
            framing: framing.lengthPrefix({ ...prefix, offset: 97 }),
          }) as never,
        ),
      'endpoints.l.framing.offset',
      /within the 100 bytes of Wide/,
      97,
    ],
    [
      'with a length field that cannot say how long its messages are',
      () =>
        irOf(
          tcp.listen('l', {
            port: 0,
            messages: Wide,
            framing: framing.lengthPrefix({ ...prefix, bytes: 1, adjust: -156 }),
          }) as never,
        ),
      'endpoints.l.framing.bytes',
      /can say 256 for Wide/,
      1,
    ],
    [
      'with a length field beyond its frames',
      () =>
        tcp.listen('l', {
          port: 0,
          framing: framing.lengthPrefix({ ...prefix, offset: 5 }),
          maxFrameBytes: 8,
        }),
      'endpoints.l.maxFrameBytes',
      /9 bytes up to/,
      8,
    ],
    [
      'with messages of another size than its frames',
      () =>
        irOf(tcp.listen('l', { port: 0, messages: Wide, framing: framing.fixed(101) }) as never),
      'endpoints.l.framing.bytes',
      /100 bytes of Wide/,
      101,
    ],
  ];

  it.each(cases)('%s', (_name, body, option, expected, received) => {
    const error = refusal(body);
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.detail.option).toBe(option);
    expect(error.detail.expected).toMatch(expected);
    expect(error.detail.received).toEqual(received);
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });
});
