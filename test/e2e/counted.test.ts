// What a busy worker does per message besides routing it: counted system calls, allocations and
// locks, never timed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { Child, fixture, portIn } from '../helpers/router-child.js';
import { eventually, UdpRecorder } from '../helpers/router-lines.js';

const messageCount = 100_000;
const messageBytes = 16;
/** Sent before the answer to the last of them is waited for; fits the socket buffers. */
const window = 2000;

/** The bursts themselves. */
const socketCalls = [
  'recvfrom',
  'recvmmsg',
  'recvmsg',
  'read',
  'readv',
  'sendto',
  'sendmmsg',
  'sendmsg',
  'write',
  'writev',
];
/** Around a sleep, a burst of connections, and the kernel's drop count every 50 ms. */
const otherCalls = [
  'epoll_wait',
  'epoll_pwait',
  'epoll_pwait2',
  'epoll_ctl',
  'getsockopt',
  'restart_syscall',
];

let folder = '';
let recordingCount = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-counted-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** `orders`: every other message opens an entry of a correlation, the next one closes it. */
interface Traffic {
  readonly kind: 'udp' | 'tcp' | 'orders';
  readonly isRecorded: boolean;
}

const traffics: readonly Traffic[] = [
  { kind: 'udp', isRecorded: false },
  { kind: 'tcp', isRecorded: false },
  { kind: 'orders', isRecorded: false },
  { kind: 'orders', isRecorded: true },
];

interface Busy {
  readonly child: Child;
  readonly worker: number;
  /** Routes that many messages, in bursts. */
  readonly burst: (count: number) => Promise<void>;
}

/** A router in its own process, and somebody who keeps its worker busy. */
async function busyRouter(
  { kind, isRecorded }: Traffic,
  env: NodeJS.ProcessEnv = {},
): Promise<Busy> {
  const out = await UdpRecorder.open();
  cleanups.push(() => out.close());
  const args = [kind, String(out.port)];
  recordingCount += isRecorded ? 1 : 0;
  if (isRecorded) args.push(join(folder, `${recordingCount}.recording`));
  const child = new Child(fixture('busy-router.mjs'), args, { env });
  cleanups.push(() => child.kill());
  const started = await child.next();
  const pid = started.pid as number;
  const nameOf = (id: string) => readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim();
  // The worker gives itself its name, a moment after the router has started.
  let worker: string | undefined;
  await eventually('the worker', () => {
    worker = readdirSync(`/proc/${pid}/task`).find((id) => nameOf(id) === 'shared');
    return worker !== undefined;
  });
  const port = portIn(started, 'in');
  const message = kind === 'orders' ? orderOrReport : () => Buffer.alloc(messageBytes);
  const burst = kind === 'tcp' ? await tcpBurst(port) : udpBurst(out, port, message);
  return { child, worker: Number(worker), burst };
}

/** An order, then its report. */
function orderOrReport(index: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt8(1 + (index % 2), 0);
  bytes.writeUInt8(1, 1);
  bytes.writeBigUInt64LE(BigInt(index >> 1), 2);
  return bytes;
}

function udpBurst(
  out: UdpRecorder,
  port: number,
  messageOf: (index: number) => Buffer,
): Busy['burst'] {
  let sent = 0;
  return async (count) => {
    for (let done = 0; done < count; done += window) {
      for (let number = 0; number < window; number++) out.send(messageOf(sent + number), port);
      sent += window;
      await eventually('the window', () => out.messages.length === sent);
    }
  };
}

async function tcpBurst(port: number): Promise<Busy['burst']> {
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  cleanups.push(() => client.destroy());
  let back = 0;
  let sent = 0;
  client.on('data', (bytes) => {
    back += bytes.length;
  });
  return async (count) => {
    for (let done = 0; done < count; done += window) {
      client.write(Buffer.alloc(window * messageBytes));
      sent += window * messageBytes;
      await eventually('the window', () => back === sent);
    }
  };
}

/** The system calls of one thread while `body` runs, by name. */
async function systemCalls(
  context: TestContext,
  thread: number,
  body: () => Promise<void>,
): Promise<Map<string, number>> {
  const path = join(folder, `${thread}.strace`);
  const strace: ChildProcess = spawn(
    'strace',
    ['-c', '-U', 'calls,name', '-o', path, '-p', String(thread)],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  strace.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = once(strace, 'close');
  cleanups.push(() => strace.kill('SIGKILL'));
  await eventually('strace', () => said.includes('attached') || strace.exitCode !== null);
  if (strace.exitCode !== null) context.skip(`strace cannot attach here: ${said.trim()}`);
  await body();
  strace.kill('SIGINT');
  await ended;
  const calls = new Map<string, number>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, count, name] = /^\s*(\d+)\s+(\w+)$/.exec(line) ?? [];
    if (name !== undefined && name !== 'total') calls.set(name, Number(count));
  }
  return calls;
}

describe('a busy worker', { timeout: 120_000 }, () => {
  for (const traffic of traffics) {
    const { kind, isRecorded } = traffic;
    const name = isRecorded ? `${kind}, recorded` : kind;
    /** What was to be recorded is. */
    const checkRecorded = async ({ child }: Busy): Promise<void> => {
      if (!isRecorded) return;
      const messages = messageCount + window;
      const report = await child.ask('recorded');
      expect(report).toMatchObject({ end: 'stopped', messages, missed: 0 });
    };

    it(`${name}: makes no system call but its bursts, far fewer than messages`, async (context) => {
      if (spawnSync('strace', ['-V']).error) context.skip('strace is not installed');
      const busy = await busyRouter(traffic);
      const { worker, burst } = busy;
      await burst(window);
      const calls = await systemCalls(context, worker, () => burst(messageCount));
      const told = JSON.stringify(Object.fromEntries(calls));
      const strangers = [...calls.keys()].filter(
        (name) => !socketCalls.includes(name) && !otherCalls.includes(name),
      );
      expect(strangers, told).toEqual([]);
      const total = [...calls.values()].reduce((sum, count) => sum + count, 0);
      expect(total, told).toBeGreaterThan(messageCount / 1000);
      expect(total / messageCount, told).toBeLessThan(0.5);
      await checkRecorded(busy);
    });

    it(`${name}: allocates nothing and takes no lock`, async (context) => {
      const library = join(folder, 'count-calls.so');
      const built = spawnSync(
        'cc',
        ['-shared', '-fPIC', '-O2', '-o', library, fixture('count-calls.c'), '-ldl'],
        { encoding: 'utf8' },
      );
      if (built.error) context.skip('cc is not installed');
      expect(built.stderr).toBe('');
      const path = join(folder, `${name}.counts`);
      const busy = await busyRouter(traffic, { LD_PRELOAD: library, COUNT_CALLS_FILE: path });
      const { worker, burst } = busy;
      await burst(window);
      const before = countsOf(path);
      await burst(messageCount);
      const after = countsOf(path);
      // The JavaScript thread shows that the counting works.
      expect([...before.values()].some(({ allocations }) => allocations > 1000)).toBe(true);
      const none = { allocations: 0, locks: 0 };
      expect(after.get(worker) ?? none).toEqual(before.get(worker) ?? none);
      await checkRecorded(busy);
    });
  }
});

function countsOf(path: string): Map<number, { allocations: number; locks: number }> {
  const bytes = readFileSync(path);
  const counts = new Map<number, { allocations: number; locks: number }>();
  for (let at = 0; at + 24 <= bytes.length; at += 24) {
    const tid = Number(bytes.readBigUInt64LE(at));
    const allocations = Number(bytes.readBigUInt64LE(at + 8));
    const locks = Number(bytes.readBigUInt64LE(at + 16));
    if (tid !== 0) counts.set(tid, { allocations, locks });
  }
  return counts;
}
