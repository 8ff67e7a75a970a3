// Runs one end of a probe: the native program does it, this passes on what was asked for and what
// it prints, an event a line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type ErrorCode, statusCodes } from '../codes.js';
import { bytesOfKey } from '../endpoints/raptor-keys.js';
import { HyperRouteError } from '../errors.js';
import type { LatencySummary } from '../router/histogram.js';
import { type ProbePlan, resolveHost } from './probe-options.js';
import { findProgram } from './program.js';

/** Latencies; exact to 1.6 %, least and most exactly. */
export interface ProbeLatency extends LatencySummary {
  readonly minNs: number;
}

/** What happened since the last of these. */
export interface ProbeProgress {
  readonly event: 'progress';
  readonly elapsedNs: number;
  readonly intervalNs: number;
  readonly messages: number;
  readonly bytes: number;
  /** Packets found lost. */
  readonly lost: number;
  readonly windowBytes: number;
  readonly roundTrip: ProbeLatency;
}

/** The end of a measurement. */
export interface ProbeDone {
  readonly event: 'done';
  readonly tool: 'ping' | 'perf';
  readonly messageBytes: number;
  /** Of ping. */
  readonly intervalNs?: number;
  /** Of perf. */
  readonly streams?: number;
  readonly rate?: number;
  readonly complete?: boolean;
  readonly messagesPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly sent: number;
  readonly received: number;
  readonly elapsedNs: number;
  /** With buckets that hold something: their low bound in ns, and their count. */
  readonly roundTrip: ProbeLatency & { readonly buckets: readonly (readonly [number, number])[] };
  /** null where the ends do not share a clock. */
  readonly oneWay: ProbeLatency | null;
  readonly listener: Readonly<Record<string, number>>;
  readonly session: Readonly<Record<string, number>>;
  readonly socket: Readonly<Record<string, number>>;
}

/** What the native program prints. */
export type ProbeEvent =
  | { readonly event: 'listening'; readonly address: string; readonly secure: boolean }
  | { readonly event: 'opened'; readonly peer: string }
  | {
      readonly event: 'ended';
      readonly peer: string;
      readonly reason: string;
      readonly messages: number;
      readonly bytes: number;
      readonly durationNs: number;
    }
  | {
      readonly event: 'ignored';
      readonly otherKey: number;
      readonly otherMode: number;
      readonly otherVersion: number;
      readonly refused: number;
    }
  | { readonly event: 'stopped' }
  | {
      readonly event: 'connected';
      readonly address: string;
      readonly localAddress: string;
      readonly secure: boolean;
      readonly sameHost: boolean;
      readonly handshakeNs: number;
    }
  | ProbeProgress
  | ProbeDone
  | {
      readonly event: 'failed';
      readonly code: string;
      readonly message: string;
      readonly errno: number;
    };

/**
 * Runs a probe to its end and gives its exit code. Signals are passed on, so that it ends in order;
 * a second one ends it at once. Throws what it failed with.
 */
export async function runProbe(
  plan: ProbePlan,
  take: (event: ProbeEvent) => void,
): Promise<number> {
  const host = await resolveHost(plan.address.host);
  const args = ['probe', plan.role, host, String(plan.address.port), ...plan.flags];
  const child = spawn(findProgram(), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  // It may end before it has read its key.
  child.stdin.on('error', () => undefined);
  // Not among the arguments, which every user of the host can read.
  const key = bytesOfKey('private', plan.keys?.privateKey);
  child.stdin.end(key === null ? '' : `${Buffer.from(key).toString('hex')}\n`);
  let signalCount = 0;
  const forward = (): void => {
    signalCount += 1;
    child.kill(signalCount === 1 ? 'SIGTERM' : 'SIGKILL');
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  let failure: HyperRouteError | undefined;
  try {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const event = JSON.parse(line) as ProbeEvent;
      if (event.event === 'failed') failure = errorOf(event);
      else take(event);
    });
    const [code] = await Promise.all([ended, onceClosed(lines)]);
    if (failure !== undefined) throw failure;
    if (code === 0 || code === 1) return code;
    if (signalCount > 1) return 1;
    throw new Error(`the probe ended with ${code}`);
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

function onceClosed(lines: ReturnType<typeof createInterface>): Promise<void> {
  return new Promise((resolve) => void lines.once('close', resolve));
}

function errorOf({
  code,
  message,
  errno,
}: Extract<ProbeEvent, { event: 'failed' }>): HyperRouteError {
  const known: ErrorCode = Object.hasOwn(statusCodes, code) ? (code as ErrorCode) : 'ERR_SYSTEM';
  const detail = errno === 0 ? { context: message } : { context: message, errno };
  return new HyperRouteError(known, message, detail as never);
}
