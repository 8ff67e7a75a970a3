// What raptor endpoints complete and refuse, and the text of their keys.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EndpointIr } from '../../../../lib/compiler/ir.js';
import { bytesOfKey, privateKeyInFile } from '../../../../lib/endpoints/raptor-keys.js';
import { nativeRaptorOptions } from '../../../../lib/endpoints/raptor-native.js';
import {
  type AnyEndpoint,
  defineRouter,
  generateRaptorKeys,
  layout,
  otherwise,
  raptor,
  raptorPublicKey,
  raw,
  returnTo,
  route,
  schema,
  source,
  t,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

function irOf(endpoint: AnyEndpoint & Parameters<typeof otherwise.to>[0]): EndpointIr | undefined {
  return defineRouter({
    endpoints: [endpoint],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
  }).endpoints[0];
}

const ours = generateRaptorKeys();
const theirs = generateRaptorKeys();
const keys = ours.privateKey;
const serverKey = theirs.publicKey;
const common = {
  queue: { bytes: 1 << 20, full: 'reject', parkBytes: 1 << 20 },
  readBudget: 64,
  mode: 'ordered',
  deadlineMs: null,
  maxMessageBytes: 1 << 18,
  windowBytes: 1 << 18,
  livenessMs: 100,
  staticBytes: null,
  keyLog: null,
  receiveBufferBytes: null,
  sendBufferBytes: null,
};

describe('a raptor endpoint is completed with defaults', () => {
  it('raptor.listen', () => {
    expect(irOf(raptor.listen('l', { port: 0, keys }))).toMatchObject({ kind: 'raptor-listen' });
    expect(irOf(raptor.listen('l', { port: 0, keys }))?.options).toEqual({
      ...common,
      host: '127.0.0.1',
      port: 0,
      exposed: false,
      reusePort: false,
      insecure: false,
      keys,
      keyFile: null,
      allow: [],
      maxSessions: 1024,
    });
  });

  it('raptor.connect', () => {
    const options = { host: 'localhost', port: 9, serverKey };
    expect(irOf(raptor.connect('c', options))).toMatchObject({ kind: 'raptor-connect' });
    expect(irOf(raptor.connect('c', options))?.options).toEqual({
      ...common,
      host: '127.0.0.1',
      port: 9,
      insecure: false,
      keys: null,
      keyFile: null,
      serverKey,
      reconnect: { minMs: 50, maxMs: 5000 },
    });
  });

  it('a smaller queue takes smaller messages', () => {
    const small = raptor.listen('l', { port: 0, keys, queue: { bytes: 8192 } });
    expect(irOf(small)?.options.maxMessageBytes).toBe(2048);
  });

  it('a key file lies beside the configuration', () => {
    const file = irOf(raptor.listen('l', { port: 0, keyFile: 'server.key' }))?.options.keyFile;
    expect(file).toBe(join(import.meta.dirname, 'server.key'));
  });

  it('a key log, too', () => {
    const log = irOf(raptor.listen('l', { port: 0, keys, keyLog: 'keys.log' }))?.options.keyLog;
    expect(log).toBe(join(import.meta.dirname, 'keys.log'));
  });

  it('a shared port and a fixed window as given', () => {
    const congestion = { staticBytes: 1 << 20 };
    const listener = raptor.listen('l', { port: 9, keys, reusePort: true, congestion });
    expect(irOf(listener)?.options).toMatchObject({ reusePort: true, staticBytes: 1 << 20 });
    const open = raptor.connect('c', { host: '::1', port: 9, serverKey, congestion: 'delay' });
    expect(irOf(open)?.options).toMatchObject({ staticBytes: null });
  });

  it('a host name that is asked for', () => {
    const options = { host: 'venues.test', port: 9, serverKey, resolveEvery: '5s' } as const;
    expect(irOf(raptor.connect('c', options))?.options).toMatchObject({
      host: 'venues.test',
      resolve: { everyMs: 5000, server: null },
    });
  });

  it('reconnects and deadlines as given', () => {
    const endpoint = raptor.connect('c', {
      host: '::1',
      port: 9,
      serverKey,
      mode: 'deadline',
      deadline: '20ms',
      liveness: '2s',
      reconnect: { minMs: 10 },
    });
    expect(irOf(endpoint)?.options).toMatchObject({
      mode: 'deadline',
      deadlineMs: 20,
      livenessMs: 2000,
      reconnect: { minMs: 10, maxMs: 5000 },
    });
  });
});

describe('a raptor endpoint refuses', () => {
  const listen = (options: object) => () => raptor.listen('e', { port: 0, ...options } as never);
  const connect = (options: object) => () =>
    raptor.connect('e', { host: '127.0.0.1', port: 9, serverKey, ...options } as never);
  const named = { host: 'venues.test', resolveEvery: '5s' };
  const open = { insecure: true, serverKey: undefined };
  const cases: [string, () => unknown, string, RegExp][] = [
    ['a listener without keys', listen({}), 'keys', /private key/],
    ['keys beside a file', listen({ keys, keyFile: 'a' }), 'keyFile', /none beside/],
    ['a public key as its own', listen({ keys: ours.publicKey }), 'keys', /private key/],
    ['keys where nothing is encrypted', listen({ keys, insecure: true }), 'keys', /none with/],
    [
      'a list where nobody has a key',
      listen({ insecure: true, allow: [serverKey] }),
      'allow',
      /no/,
    ],
    ['an empty list', listen({ keys, allow: [] }), 'allow', /1 to/],
    ['a list of other texts', listen({ keys, allow: ['me'] }), 'allow[0]', /raptor-public-/],
    ['an exposed address', listen({ keys, host: '0.0.0.0' }), 'host', /exposed: true/],
    [
      'no encryption where others can reach it',
      listen({ insecure: true, host: '0.0.0.0', exposed: true }),
      'insecure',
      /'exposed'/,
    ],
    [
      'no encryption towards another host',
      connect({ insecure: true, serverKey: undefined, host: '192.0.2.1' }),
      'insecure',
      /'exposed'/,
    ],
    ['no encryption towards a name', connect({ ...named, ...open }), 'insecure', /'exposed'/],
    ['a name that nobody asks for', connect({ host: 'venues.test' }), 'host', /IPv4/],
    ['an address to ask for', connect({ resolveEvery: '5s' }), 'host', /host name/],
    ['any port to share', listen({ keys, reusePort: true }), 'port', /1 to 65535/],
    ['another window', listen({ keys, congestion: 'static' }), 'congestion', /staticBytes/],
    ['no window', listen({ keys, congestion: {} }), 'congestion.staticBytes', /4096/],
    ['a key log of no keys', listen({ insecure: true, keyLog: 'a' }), 'keyLog', /none with/],
    ['a key log that is no path', listen({ keys, keyLog: '' }), 'keyLog', /path/],
    ['no key of the server', connect({ serverKey: undefined }), 'serverKey', /raptor-public-/],
    ['a key where nothing is encrypted', connect({ insecure: true }), 'serverKey', /none with/],
    ['a deadline without its mode', connect({ deadline: 5 }), 'deadline', /mode 'deadline'/],
    ['the mode without its deadline', connect({ mode: 'deadline' }), 'deadline', /a time/],
    ['an unknown mode', connect({ mode: 'fast' }), 'mode', /one of/],
    ['a liveness below 10 ms', connect({ liveness: 9 }), 'liveness', /10/],
    [
      'messages over a quarter of the queue',
      connect({ maxMessageBytes: 1 << 20 }),
      'maxMessageBytes',
      /quarter/,
    ],
    ['a probe of its health', connect({ health: { every: '1s' } }), 'health', /no such option/],
  ];
  it.each(cases)('%s', (_name, build, option, expected) => {
    const { code, detail } = refusal(build);
    expect(code).toBe('ERR_CONFIG');
    expect(detail.option).toBe(`endpoints.e.${option}`);
    expect(detail.expected).toMatch(expected);
  });

  it('never with a private key in the error', () => {
    const half = keys.slice(0, -1);
    const refusals = [
      refusal(listen({ keys: half })),
      refusal(listen({ keys, insecure: true })),
      refusal(connect({ serverKey: keys })),
      refusal(listen({ keys, allow: [keys] })),
    ];
    for (const { message, detail } of refusals) {
      const body = half.slice('raptor-private-'.length);
      expect(message + JSON.stringify(detail)).not.toContain(body);
    }
  });

  it('messages that do not fit', () => {
    const Wide = schema('Wide', 1, { a: t.bytes(100) }, { layout: layout.packed() });
    const build = () =>
      irOf(raptor.listen('e', { port: 0, keys, messages: Wide, maxMessageBytes: 99 }) as never);
    expect(refusal(build).detail.option).toBe('endpoints.e.maxMessageBytes');
  });

  it('to be exposed without being said twice, and then is', () => {
    const exposed = { insecure: 'exposed', host: '0.0.0.0', exposed: true } as const;
    expect(irOf(raptor.listen('l', { port: 0, ...exposed }))?.options.insecure).toBe('exposed');
  });
});

describe('keys', () => {
  it('have two halves that belong together', () => {
    expect(ours.privateKey).toMatch(/^raptor-private-[\w-]{43}$/);
    expect(ours.publicKey).toMatch(/^raptor-public-[\w-]{43}$/);
    expect(raptorPublicKey(ours.privateKey)).toBe(ours.publicKey);
    expect(theirs.publicKey).not.toBe(ours.publicKey);
  });

  it('are those of RFC 7748, 6.1', () => {
    const text = (half: string, hex: string) =>
      `raptor-${half}-${Buffer.from(hex, 'hex').toString('base64url')}`;
    const secret = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
    const known = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
    expect(raptorPublicKey(text('private', secret))).toBe(text('public', known));
  });

  it.each(['', 'raptor-private-', `${keys}A`, keys.replace('private', 'public'), `${keys}=`, 7])(
    'are not %s',
    (text) => {
      expect(bytesOfKey('private', text)).toBeNull();
    },
  );

  it('are one line of a file, among comments', () => {
    expect(privateKeyInFile(`# mine\n\n  ${keys}\n`)).toBe(keys);
    expect(privateKeyInFile(`${keys}\n${theirs.privateKey}\n`)).toBeNull();
    expect(privateKeyInFile(`${ours.publicKey}\n`)).toBeNull();
    expect(privateKeyInFile('')).toBeNull();
    expect(() => raptorPublicKey('raptor-private-x')).toThrow(TypeError);
  });
});

describe('what the addon is given', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyperroute-keys-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has keys as bytes', () => {
    const options = irOf(raptor.connect('c', { host: '::1', port: 1, keys, serverKey }))?.options;
    const given = nativeRaptorOptions('c', options ?? {});
    expect(given.privateKey).toEqual(bytesOfKey('private', keys));
    expect(given.serverKey).toEqual(bytesOfKey('public', serverKey));
    expect(given).not.toHaveProperty('keys');
    const allow = [ours.publicKey, theirs.publicKey];
    const listener = irOf(raptor.listen('l', { port: 0, keys, allow }))?.options;
    expect(nativeRaptorOptions('endpoints.l', listener ?? {}).allow).toHaveLength(64);
  });

  it('has the key of the file', () => {
    const file = join(folder, 'good.key');
    writeFileSync(file, `# mine\n${keys}\n`);
    const options = irOf(raptor.listen('l', { port: 0, keyFile: file }))?.options;
    expect(nativeRaptorOptions('endpoints.l', options ?? {}).privateKey).toEqual(
      bytesOfKey('private', keys),
    );
  });

  it.each([
    ['no file', null],
    ['an empty file', ''],
    ['a public key', `${ours.publicKey}\n`],
  ])('is refused for %s', (_name, content) => {
    const file = join(folder, `bad-${String(content).length}.key`);
    if (content !== null) writeFileSync(file, content);
    const { code, detail } = refusal(() => nativeRaptorOptions('endpoints.l', { keyFile: file }));
    expect(code).toBe('ERR_CONFIG');
    expect(detail.option).toBe('endpoints.l.keyFile');
    expect(String(detail.received)).toContain(file);
  });
});
