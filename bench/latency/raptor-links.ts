// Two-ended links: each subject is a pair of processes, one of which answers while the other
// measures. The pair is started for one round and ended after it, so nothing else takes a CPU.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '#internals';
import { checkedOutput } from '../harness/native.js';
import type { Round } from '../harness/types.js';

const buildTimeoutMs = 10 * 60_000;
const roundTimeoutMs = 120_000;
const stopTimeoutMs = 5_000;
const outputBytesMax = 1 << 20;

/** How one end of a subject is started, up to its role. */
export interface LinkProgram {
  readonly subject: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Pins itself to the CPU that it is told; otherwise it is started with taskset. */
  readonly pins: boolean;
  /** Loses datagrams when asked to. */
  readonly loses: boolean;
}

/** What a round asks of both ends. */
export interface LinkRound {
  readonly name: string;
  readonly role: 'rtt' | 'stream' | 'timed-stream' | 'open-loop' | 'idle';
  readonly bytes: number;
  readonly count: number;
  /** Messages a second that the open loop offers. */
  readonly rate?: number;
  /** Between two round trips; how long an idle pair is watched. */
  readonly pauseUs?: number;
  readonly lossPermille?: number;
  readonly blocking?: boolean;
  readonly seed?: number;
}

/** Builds what is out of date; its output goes to stderr. Undefined where there are no sources. */
export function buildLinks(): string | undefined {
  const root = packageRoot();
  if (!existsSync(join(root, 'bench/native/links'))) return undefined;
  const script = join(root, 'scripts/ensure-built.mjs');
  const { status } = spawnSync(process.execPath, [script, 'bench-links'], {
    stdio: ['ignore', 2, 2],
    timeout: buildTimeoutMs,
  });
  if (status !== 0) throw new Error('the links of the raptor bench could not be built');
  return join(root, 'build/bench');
}

const aeronFlags = [
  '-Xmx256m',
  '--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED',
  '-Dagrona.disable.bounds.checks=true',
  '-Daeron.socket.so_sndbuf=2m',
  '-Daeron.socket.so_rcvbuf=2m',
  '-Daeron.rcv.initial.window.length=2m',
  '-Daeron.term.buffer.sparse.file=false',
  '-Daeron.pre.touch.mapped.memory=true',
];
const aeronVersions = ['1.46.7', '1.51.0'];

const nativeSubjects: Readonly<Record<string, { subject: string; loses: boolean }>> = {
  udp: { subject: 'raw UDP ping-pong', loses: false },
  raptor: { subject: 'ours', loses: true },
  'raptor-insecure': { subject: 'ours, not encrypted', loses: true },
  enet: { subject: 'ENet', loses: true },
  zeromq: { subject: 'ZeroMQ', loses: false },
};

/** Ends in JavaScript (bench/peers/links). */
const scriptSubjects: Readonly<Record<string, { subject: string; loses: boolean }>> = {
  dgram: { subject: 'node dgram', loses: false },
  raptor: { subject: 'ours', loses: true },
  'raptor-polled': { subject: 'ours', loses: true },
  udx: { subject: 'npm udx-native', loses: false },
  zeromq: { subject: 'npm zeromq', loses: false },
};

/** Every program of the build, ours and its peers, by link name; `js-` begins Node's. */
export function linkPrograms(folder: string): Map<string, LinkProgram> {
  const native = join(folder, 'hyperroute-bench-links');
  const { stdout } = spawnSync(native, ['list'], { encoding: 'utf8' });
  const programs = new Map<string, LinkProgram>();
  for (const link of stdout.split('\n')) {
    const known = nativeSubjects[link];
    if (known === undefined) continue;
    programs.set(link, { ...known, command: native, args: [link], pins: true });
  }
  for (const [link, { subject, loses }] of Object.entries(scriptSubjects)) {
    const args = [join(import.meta.dirname, '../peers/links/index.js'), link];
    programs.set(`js-${link}`, { subject, loses, command: process.execPath, args, pins: false });
  }
  const aeron = join(folder, 'aeron');
  if (existsSync(join(aeron, 'AeronLink.class'))) {
    for (const version of aeronVersions) {
      const path = `${join(aeron, `aeron-all-${version}.jar`)}:${aeron}`;
      const start = (flags: readonly string[]) => ({
        command: 'java',
        args: [...aeronFlags, ...flags, '-cp', path, 'AeronLink'],
        pins: false,
        loses: false,
      });
      programs.set(`aeron-${version}`, { subject: `Aeron ${version}`, ...start([]) });
      const large = ['-Daeron.mtu.length=8192'];
      programs.set(`aeron-${version}-8192`, {
        subject: `Aeron ${version}, MTU 8192`,
        ...start(large),
      });
    }
  }
  return programs;
}

/** One round of one subject. Throws when an end fails, or says nothing for two minutes. */
export async function runLink(
  program: LinkProgram,
  round: LinkRound,
  cpus: readonly [number, number],
): Promise<Round[]> {
  const port = await freePort();
  const answering = start(program, 'answer', round, port, cpus[1]);
  try {
    const measuring = start(program, round.role, round, port, cpus[0]);
    // The other end may have seen the measuring one close, and ended well, before this does.
    const deserted = answering.ended.then((how) =>
      how === '0' ? measuring.ended : `the answering end ended: ${how}`,
    );
    const ended = await Promise.race([measuring.ended, deserted]);
    await stop(measuring.child);
    const { subject } = program;
    const { rate } = round;
    if (ended !== '0') throw new Error(`${subject}: ${round.name}: the measuring end: ${ended}`);
    const text = round.role === 'open-loop' ? answering.text() : measuring.text();
    const rounds = checkedOutput(subject, JSON.parse(text));
    return rate === undefined ? rounds : rounds.map((each) => ({ ...each, rate }));
  } finally {
    await stop(answering.child);
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
  readonly text: () => string;
}

function start(
  { command, args, subject, pins }: LinkProgram,
  role: string,
  round: LinkRound,
  port: number,
  cpu: number,
): Started {
  const words = [
    ...args,
    role,
    ...['--name', round.name, '--subject', subject, '--port', String(port)],
    ...['--bytes', String(round.bytes), '--count', String(round.count)],
    ...(pins ? ['--cpu', String(cpu)] : []),
    ...option('--rate', round.rate),
    ...option('--pause-us', round.pauseUs),
    ...option('--loss', round.lossPermille),
    ...option('--seed', round.seed),
    ...option('--blocking', round.blocking === true ? 1 : undefined),
  ];
  const [file, all] = pins ? [command, words] : ['taskset', ['-c', String(cpu), command, ...words]];
  const child = spawn(file, all, { stdio: ['ignore', 'pipe', 'inherit'], timeout: roundTimeoutMs });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > outputBytesMax) child.kill('SIGKILL');
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(String(error)));
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  return { child, ended, text: () => text };
}

function option(name: string, value: number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}

/** A port that is free now, and the next one with it: Aeron answers on that. */
async function freePort(): Promise<number> {
  for (;;) {
    const first = await bound(0);
    const { port } = first.address();
    const second = await bound(port + 1).catch(() => undefined);
    await Promise.all([closed(first), second === undefined ? undefined : closed(second)]);
    if (second !== undefined) return port;
  }
}

async function bound(port: number) {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', resolve);
  });
  return socket;
}

const closed = (socket: ReturnType<typeof createSocket>) =>
  new Promise<void>((resolve) => socket.close(() => resolve()));
