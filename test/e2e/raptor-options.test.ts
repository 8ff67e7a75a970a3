// Options of raptor ends that show on the wire or in a file: key logs, windows, host names, and
// which of them change while a router runs.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  defineRouter,
  generateRaptorKeys,
  HyperRoute,
  lb,
  memory,
  otherwise,
  pool,
  type RaptorNode,
  type RaptorNodeOptions,
  raptor,
  raw,
  returnTo,
  route,
  source,
} from 'hyperroute';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DnsServer } from '../helpers/dns-server.js';
import { needs } from '../helpers/foreign-programs.js';
import { type Captured, pcap } from '../helpers/pcap.js';
import { eventually, freePort, portOf } from '../helpers/router-lines.js';
import { Tap } from '../helpers/tap.js';

const run = promisify(execFile);
const script = join(import.meta.dirname, '../../scripts/wireshark/raptor.lua');
const server = generateRaptorKeys();
const keys = server.privateKey;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'hyperroute-options-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function started(config: Parameters<typeof HyperRoute.start>[0]): Promise<HyperRoute> {
  const router = await HyperRoute.start(config);
  onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
  return router;
}

function echo(options: object) {
  const from = raptor.listen('in', { port: 0, keys, ...options });
  const back = route.first(raw, () => [otherwise.to(returnTo(source))], { from });
  return defineRouter({ endpoints: [from], routes: [back] });
}

/** A node that sends `texts` to a router, once it has a session, and gets them back. */
async function ask(port: number, options: RaptorNodeOptions, texts: readonly string[]) {
  const connect = { host: '127.0.0.1', port, serverKey: server.publicKey };
  const node: RaptorNode = raptor.open({ ...options, connect });
  onTestFinished(() => node.close());
  const answers: string[] = [];
  node.subscription(0, (batch) => {
    while (batch.next()) answers.push(Buffer.from(batch.copy()).toString());
  });
  const publication = node.publication(0);
  await node.connected();
  for (const text of texts) publication.offer(Buffer.from(text));
  await eventually('every answer', () => answers.length === texts.length);
  expect(answers).toEqual(texts);
  return node;
}

/** The messages that tshark finds in a capture, as hex. */
async function dissected(captured: readonly Captured[], keyLog: string): Promise<Set<string>> {
  const capture = join(folder(), 'capture.pcap');
  writeFileSync(capture, pcap(captured));
  const own = ['-X', `lua_script:${script}`, '-o', `raptor.key_log:${keyLog}`, '-r', capture];
  const { stdout } = await run('tshark', [...own, '-T', 'fields', '-e', 'raptor.record.payload']);
  return new Set(stdout.split(/[\n,]/).filter((hex) => hex !== ''));
}

const texts = ['what only they know', 'and who has their key log'];
const hexes = texts.map((text) => Buffer.from(text).toString('hex'));

describe('a key log', () => {
  beforeEach((context) => needs(context, 'tshark'));

  it.each(['the router', 'the node'])('of %s decrypts a capture of both', async (whose) => {
    const keyLog = join(folder(), 'keys.log');
    const isRouter = whose === 'the router';
    const warned = vi.fn();
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const router = await started(echo(isRouter ? { keyLog } : {}));
    const tap = await Tap.open(portOf(router, 'in'));
    await ask(tap.port, isRouter ? {} : { keyLog }, texts);
    expect(statSync(keyLog).mode & 0o777).toBe(0o600);
    expect(readFileSync(keyLog, 'utf8')).toMatch(/^(RAPTOR_KEY [^\n]+\n){2,}$/);
    await eventually('the warning', () => warned.mock.calls.length > 0);
    expect(warned.mock.calls[0]?.[0]).toMatchObject({ code: 'HYPERROUTE_KEY_LOG' });
    expect(tap.seen.some(({ bytes }) => Buffer.from(bytes).includes('only they'))).toBe(false);
    const found = await dissected(tap.seen, keyLog);
    for (const hex of hexes) expect(found).toContain(hex);
    expect(await dissected(tap.seen, '/dev/null')).toEqual(new Set());
  });

  it('that others may read is refused, and the router does not start', async () => {
    const keyLog = join(folder(), 'keys.log');
    writeFileSync(keyLog, '', { mode: 0o644 });
    await expect(HyperRoute.start(echo({ keyLog }))).rejects.toMatchObject({
      code: 'ERR_PERMISSION',
    });
    expect(() => raptor.open({ listen: {}, keys, keyLog })).toThrow(/0600/);
  });
});

describe('congestion', () => {
  it('of so many bytes is the window of each session, at both kinds of ends', async () => {
    const staticBytes = 64 << 10;
    const router = await started(echo({ congestion: { staticBytes } }));
    const node = await ask(portOf(router, 'in'), { congestion: { staticBytes } }, texts);
    const windows = node.sessions().map(({ counters }) => counters.windowBytes);
    expect(windows).toEqual([staticBytes]);
  });
});

describe('a raptor.connect that is given by host name', () => {
  it('stands for every address of the name, as a member of a pool', async () => {
    const name = 'venues.test';
    const dns = await DnsServer.open();
    onTestFinished(() => dns.close());
    dns.records.set(name, ['127.0.0.2', '127.0.0.3']);
    const port = await freePort();
    const hosts = ['127.0.0.2', '127.0.0.3'].map((host) => {
      const node = raptor.open({ listen: { host, port }, keys });
      onTestFinished(() => node.close());
      const received: string[] = [];
      node.subscription(0, (batch) => {
        while (batch.next()) received.push(Buffer.from(batch.copy()).toString());
      });
      return received;
    });
    const app = memory('app', { queue: { full: 'block' } });
    const venue = raptor.connect('venue', {
      host: name,
      port,
      serverKey: server.publicKey,
      resolveEvery: 100,
      resolver: dns.address,
    });
    const venues = pool('venues', [venue], lb.roundRobin());
    const routes = [route.first(raw, () => [otherwise.to(venues)], { from: app })];
    const router = await started(defineRouter({ endpoints: [app, venue], routes }));
    const named = router.endpoints().filter((endpoint) => endpoint.name.startsWith('venue@'));
    expect(named.map((endpoint) => endpoint.name)).toEqual([
      `venue@127.0.0.2:${port}`,
      `venue@127.0.0.3:${port}`,
    ]);
    await eventually('both sessions', () =>
      router
        .endpoints()
        .filter((endpoint) => endpoint.name.startsWith('venue@'))
        .every(({ connection }) => connection?.state === 'connected'),
    );
    for (const text of ['a', 'b', 'c', 'd']) router.memory('app').offer(Buffer.from(text));
    await eventually('the messages', () => hosts.every(({ length }) => length === 2));
  });
});

describe('an update of a listener', () => {
  const live: [string, object][] = [
    ['allow', { allow: [generateRaptorKeys().publicKey] }],
    ['readBudget', { readBudget: 7 }],
  ];
  const fixed: [string, object][] = [
    ['keys', { keys: generateRaptorKeys().privateKey }],
    ['mode', { mode: 'latest' }],
    ['maxMessageBytes', { maxMessageBytes: 1000 }],
    ['windowBytes', { windowBytes: 1 << 20 }],
    ['liveness', { liveness: '1s' }],
    ['maxSessions', { maxSessions: 7 }],
    ['receiveBufferBytes', { receiveBufferBytes: 1 << 16 }],
    ['sendBufferBytes', { sendBufferBytes: 1 << 16 }],
    ['congestion', { congestion: { staticBytes: 1 << 16 } }],
    ['keyLog', { keyLog: '/dev/null' }],
    ['reusePort', { reusePort: true }],
    ['queue', { queue: { bytes: 1 << 21 } }],
  ];

  it.each(live)('changes %s in place', async (_name, options) => {
    const port = await freePort();
    const router = await started(echo({ port }));
    expect(await router.update(echo({ port, ...options }))).toMatchObject({ changed: ['in'] });
  });

  it.each(fixed)('with another %s needs another port, and else is refused', async (_, options) => {
    const port = await freePort();
    const router = await started(echo({ port }));
    const refusal = { code: 'ERR_ADDRESS_IN_USE' };
    await expect(router.update(echo({ port, ...options }))).rejects.toMatchObject(refusal);
    // And nothing has changed.
    await ask(port, {}, texts);
  });

  it('keeps its port where it is shared before and after; its peers connect again', async () => {
    const port = await freePort();
    const router = await started(echo({ port, reusePort: true }));
    const node = await ask(port, {}, texts);
    const ended = once(node, 'sessionEnd');
    const report = await router.update(echo({ port, reusePort: true, maxSessions: 7 }));
    expect(report).toMatchObject({ moved: ['in'] });
    await ended;
    await node.connected();
    await ask(port, {}, texts);
  });
});
