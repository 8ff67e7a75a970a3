// `ping` and `perf` between two processes: what is measured and shown, and what goes wrong.
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { generateRaptorKeys } from '../../lib/endpoints/raptor-keys.js';
import { ensureBuilt } from '../../scripts/ensure-built.mjs';
import { type Event, hyperroute, Running } from '../helpers/cli.js';

const buildTimeoutMs = 600_000;
/** Silence after which a peer is dead is 100 ms: a second is for slow hosts. */
const reportMsMax = 1000;

interface Listener {
  readonly running: Running;
  readonly address: string;
  /** What the other end needs to know of the key. */
  readonly access: string;
}

let started: Running[] = [];

function start(args: readonly string[]): Running {
  const running = new Running(args);
  started.push(running);
  return running;
}

async function listen(...options: string[]): Promise<Listener> {
  const running = start(['perf', '--listen', '127.0.0.1:0', '--json', ...options]);
  const { event, address, publicKey } = await running.next();
  expect(event).toBe('listening');
  const access = publicKey === null ? '--insecure' : `--server-key=${String(publicKey)}`;
  return { running, address: String(address), access };
}

/** Runs the other end with --json, to its end. */
async function measure(tool: string, { address, access }: Listener, ...options: string[]) {
  const { code, stdout, stderr } = await hyperroute([tool, address, access, '--json', ...options]);
  return { code, stderr, report: JSON.parse(stdout) as Event };
}

/** The event of this name; those before it are passed over. */
async function until(running: Running, name: string): Promise<Event> {
  let event = await running.next();
  while (event.event !== name) event = await running.next();
  return event;
}

/** The native program that a command has started. */
function nativeOf({ pid }: Running): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work;
  return performance.now() - before;
}

const latencyShape = {
  ...{ count: expect.any(Number), minNs: expect.any(Number), p50Ns: expect.any(Number) },
  ...{ p90Ns: expect.any(Number), p99Ns: expect.any(Number), p999Ns: expect.any(Number) },
  maxNs: expect.any(Number),
};
const counterNames = [
  ...['rttNs', 'rttNsMin', 'windowBytes', 'datagramBytes', 'packetsSent', 'packetsReceived'],
  ...['lostByReorder', 'lostByProbe', 'retransmits', 'spurious', 'reorderDepthMax'],
  ...['probesSent', 'backPressure', 'abandoned', 'keyUpdates', 'forged', 'replayed'],
];

beforeAll(() => {
  if (!ensureBuilt(['dist', 'bench'])) throw new Error('the native program could not be built');
}, buildTimeoutMs);

afterEach(async () => {
  await Promise.all(started.map((running) => running.kill()));
  started = [];
});

describe('ping', () => {
  it('gets every message back, and tells percentiles and what the session counted', async () => {
    const listener = await listen();
    const { code, report } = await measure(
      ...(['ping', listener, '--count', '50', '--interval', '2', '--bytes', '100'] as const),
    );
    expect(code).toBe(0);
    expect(report).toMatchObject({
      ...{ ok: true, tool: 'ping', secure: true, sameHost: true, messageBytes: 100 },
      ...{ address: listener.address, sent: 50, received: 50, intervalNs: 2_000_000 },
      roundTrip: { ...latencyShape, count: 50, buckets: expect.any(Array) },
      oneWay: { ...latencyShape, count: 50 },
      listener: { messages: 50, bytes: 5000, outOfOrder: 0, malformed: 0 },
    });
    const { roundTrip, session } = report as {
      roundTrip: Record<string, number> & { buckets: [number, number][] };
      session: Record<string, number>;
    };
    expect(roundTrip.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(50);
    const { minNs = 0, p50Ns = 0, p99Ns = 0, maxNs = 0 } = roundTrip;
    expect([minNs, p50Ns, p99Ns, maxNs].toSorted((a, b) => a - b)).toEqual([
      ...[minNs, p50Ns, p99Ns, maxNs],
    ]);
    expect(minNs).toBeGreaterThan(0);
    expect(Object.keys(session)).toEqual(expect.arrayContaining(counterNames));
    expect(await until(listener.running, 'ended')).toMatchObject({
      ...{ reason: 'peer-closed', messages: 50, bytes: 5000 },
    });
  });

  it('sends the next one when the last is back, with an interval of 0 and spinning', async () => {
    const listener = await listen('--insecure', '--idle', 'spin');
    const { code, report } = await measure(
      ...(['ping', listener, '--count', '500', '--interval', '0', '--idle', 'spin'] as const),
    );
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, secure: false, sent: 500, received: 500 });
  });

  it('carries the largest message there and back', async () => {
    const listener = await listen('--insecure');
    const options = ['--count', '5', '--interval', '1', '--bytes', '262144'] as const;
    const { report } = await measure('ping', listener, ...options);
    expect(report).toMatchObject({ ok: true, received: 5 });
  });

  it('gets every message back where both ends lose datagrams', async () => {
    const listener = await listen('--insecure', '--loss', '5%', '--seed', '3');
    const options = ['--count', '400', '--interval', '1', '--loss', '5%', '--seed', '4'] as const;
    const { code, report } = await measure('ping', listener, ...options);
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, sent: 400, received: 400 });
    expect(report).toHaveProperty('session.retransmits', expect.toSatisfy(isPositive));
  });

  it('ends with its figures when it is interrupted', async () => {
    const listener = await listen('--insecure');
    const ping = start(['ping', listener.address, '--insecure', '--json', '--interval', '10']);
    await until(listener.running, 'opened');
    ping.signal('SIGINT');
    expect(await ping.next()).toMatchObject({ ok: true, tool: 'ping' });
    expect(await ping.ended()).toBe(0);
  });
});

const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0;

describe('perf', () => {
  it('counts every message of several streams, at a rate', async () => {
    const listener = await listen();
    const options = ['--seconds', '1', '--rate', '2000', '--streams', '3', '--bytes', '64'];
    const { code, report } = await measure('perf', listener, ...options);
    expect(code).toBe(0);
    expect(report).toMatchObject({
      ...{ ok: true, tool: 'perf', complete: true, streams: 3, rate: 2000, messageBytes: 64 },
      messagesPerSecond: expect.toSatisfy(isPositive),
      bytesPerSecond: expect.toSatisfy(isPositive),
      roundTrip: { ...latencyShape, count: expect.toSatisfy(isPositive) },
      oneWay: latencyShape,
    });
    expect(report.sent).toBe(report.received);
    expect(report.sent).toBeLessThanOrEqual(2000);
  });

  it.each(['ordered', 'unordered'])(
    'loses nothing in mode %s, whatever the link loses',
    async (mode) => {
      const listener = await listen('--insecure', '--loss', '3%');
      const { code, report } = await measure(
        ...(['perf', listener, '--seconds', '1', '--mode', mode, '--loss', '3%'] as const),
      );
      expect(code).toBe(0);
      expect(report).toMatchObject({ ok: true, complete: true });
      expect(report.sent).toBe(report.received);
      const { session } = report as { session: Record<string, number> };
      expect((session.lostByReorder ?? 0) + (session.lostByProbe ?? 0)).toBeGreaterThan(0);
    },
  );

  it('gives up messages in a mode that may, which is no failure', async () => {
    const listener = await listen('--insecure');
    const options = ['--seconds', '1', '--mode', 'unreliable', '--rate', '5000', '--loss', '10%'];
    const { code, report } = await measure('perf', listener, ...options);
    expect([code, report.ok, report.complete]).toEqual([0, true, false]);
    expect(report.received).toBeLessThan(report.sent as number);
  });

  it('shows text, with a line a second on a terminal alone', async () => {
    const listener = await listen();
    const args = ['perf', listener.address, listener.access, '--seconds', '1', '--rate', '1000'];
    const { code, stdout, stderr } = await hyperroute(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^perf 127\.0\.0\.1:\d+: encrypted, both ends on this host, handshake /);
    expect(stdout).toMatch(/^ +timed +min +p50 +p90 +p99 +p99\.9 +max$/m);
    expect(stdout).toMatch(/^round trip +\d/m);
    expect(stdout).toMatch(/^one way +\d/m);
    expect(stdout).toMatch(/^from .* #/m);
    expect(stdout).toMatch(/^flow +back-pressure \d/m);
  });

  /** What a listener prints before anybody comes. */
  async function shownBy({ child }: Running): Promise<string> {
    const lines: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    while (!/hyperroute ping .*\n/.test(lines.join(''))) await sleep();
    return lines.join('');
  }

  it('listens in text with its key and how to reach it, and ends with 0 on a signal', async () => {
    const running = start(['perf', '--listen', '0']);
    const shown = await shownBy(running);
    expect(shown).toMatch(/^public key raptor-public-[\w-]{43}$/m);
    expect(shown).toMatch(/^listening on 127\.0\.0\.1:\d+; to measure:$/m);
    expect(shown).toMatch(/^ {2}hyperroute ping 127\.0\.0\.1:\d+ --server-key=raptor-public-/m);
    running.signal('SIGTERM');
    expect(await running.ended()).toBe(0);
  });

  it('leaves the host to be filled in where it listens on every address', async () => {
    const shown = await shownBy(start(['perf', '--listen', '0.0.0.0:0']));
    expect(shown).toMatch(
      /^listening on 0\.0\.0\.0:\d+; to measure, HOST being this one's address:$/m,
    );
    expect(shown).toMatch(/^ {2}hyperroute ping HOST:\d+ --server-key=raptor-public-/m);
  });
});

const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe('what goes wrong', () => {
  it('is said where nobody answers', async () => {
    const key = `--server-key=${generateRaptorKeys().publicKey}`;
    const { code, stdout, stderr } = await hyperroute(['ping', '127.0.0.1:9', key]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /ERR_TIMEOUT no answer from 127\.0\.0\.1:9 within \d+ s: nobody listens/,
    );
  });

  it('is said where the listener has another key, and the listener tells of it', async () => {
    const { running, address } = await listen();
    const access = `--server-key=${generateRaptorKeys().publicKey}`;
    const { code, report } = await measure('ping', { running, address, access });
    expect(code).toBe(1);
    expect(report).toMatchObject({ ok: false, error: { code: 'ERR_TIMEOUT' } });
    expect(report).toHaveProperty('error.message', expect.stringContaining('another key'));
    expect(await until(running, 'ignored')).toMatchObject({
      otherKey: expect.toSatisfy(isPositive),
    });
  });

  it('is said within a second when the listener is killed', async () => {
    const listener = await listen();
    const args = ['perf', listener.address, listener.access, '--seconds', '30', '--rate', '1000'];
    const perf = start(args);
    await until(listener.running, 'opened');
    process.kill(nativeOf(listener.running), 'SIGKILL');
    const waitedMs = await elapsedMs(perf.ended());
    expect(await perf.ended()).toBe(1);
    expect(perf.stderr).toMatch(/ERR_CLOSED nothing came from 127\.0\.0\.1:\d+ for 100 ms/);
    expect(waitedMs).toBeLessThan(reportMsMax);
  });

  it('is said within a second when the measuring end is killed', async () => {
    const listener = await listen();
    const args = ['perf', listener.address, listener.access, '--seconds', '30', '--rate', '1000'];
    const perf = start(args);
    await until(listener.running, 'opened');
    process.kill(nativeOf(perf), 'SIGKILL');
    let ended: Event = {};
    const waitedMs = await elapsedMs(
      until(listener.running, 'ended').then((event) => {
        ended = event;
      }),
    );
    expect(ended).toMatchObject({ reason: 'peer-dead' });
    expect(waitedMs).toBeLessThan(reportMsMax);
    expect(await perf.ended()).toBe(1);
  });

  it('is said when the listener ends in order', async () => {
    const listener = await listen('--insecure');
    const ping = start(['ping', listener.address, '--insecure', '--count', '100000']);
    await until(listener.running, 'opened');
    listener.running.signal('SIGTERM');
    expect(await ping.ended()).toBe(1);
    expect(ping.stderr).toMatch(/ERR_CLOSED 127\.0\.0\.1:\d+ has closed the session/);
  });

  it('is said when the address is taken', async () => {
    const { address } = await listen('--insecure');
    const { code, stderr } = await hyperroute(['perf', '--listen', address, '--insecure']);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_ADDRESS_IN_USE');
  });

  it('is a matter of usage, exit code 2, where options make no sense', async () => {
    const calls = [
      ['ping'],
      ['ping', '127.0.0.1:9000'],
      ['ping', '127.0.0.1', '--insecure'],
      ['ping', '127.0.0.1:9000', '--insecure', '--count', 'many'],
      ['perf'],
      ['perf', '--listen', '9000', '--seconds', '3'],
      ['perf', '127.0.0.1:9000', '--insecure', '--loss', '1'],
      ['perf', '127.0.0.1:9000', '--insecure', '--no-such'],
    ];
    const codes = await Promise.all(calls.map(async (args) => (await hyperroute(args)).code));
    expect(codes).toEqual(calls.map(() => 2));
  });
});
