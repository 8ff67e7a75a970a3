// Subjects that run in a process of their own, such as the router that answers as an echo.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Round } from './types.js';

const runTimeoutMs = 5 * 60_000;
const readyTimeoutMs = 30_000;
const stopTimeoutMs = 5_000;

/** A started subject. */
export interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** Ends the process and waits for it; safe to call twice. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts `node modulePath args…` with an IPC channel and waits until it sends `{ port }`. Rejects
 * when it ends or sends `{ error }` first, or says nothing within 30 s.
 */
export async function startSubject(
  name: string,
  modulePath: string,
  args: readonly string[],
): Promise<Subject> {
  const child = fork(modulePath, args);
  try {
    const port = await ready(name, child);
    return { name, pid: child.pid ?? 0, port, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** Starts several subjects one after another; when one fails the earlier ones are ended. */
export async function startSubjects(
  wanted: readonly { name: string; modulePath: string; args: readonly string[] }[],
): Promise<Subject[]> {
  const started: Subject[] = [];
  try {
    for (const { name, modulePath, args } of wanted) {
      started.push(await startSubject(name, modulePath, args));
    }
    return started;
  } catch (error) {
    await Promise.all(started.map((subject) => subject.stop()));
    throw error;
  }
}

/**
 * Runs `node modulePath args…` until it sends `{ rounds }`: a fresh process, so that no earlier
 * bench has shaped its heap or its compiled code. Rejects as `startSubject` does, within 5 min.
 */
export async function runChild(
  name: string,
  modulePath: string,
  args: readonly string[],
): Promise<Round[]> {
  const child = fork(modulePath, args);
  try {
    const { rounds, error } = await firstMessage(child, runTimeoutMs);
    if (Array.isArray(rounds)) return rounds as Round[];
    throw new Error(`the subject '${name}' failed: ${String(error ?? 'it ended')}`);
  } finally {
    await stop(child);
  }
}

function fork(modulePath: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [modulePath, ...args], { stdio: ['ignore', 2, 2, 'ipc'] });
}

async function ready(name: string, child: ChildProcess): Promise<number> {
  const { port, error } = await firstMessage(child, readyTimeoutMs);
  if (typeof port === 'number') return port;
  throw new Error(`the subject '${name}' did not start: ${String(error ?? 'it ended')}`);
}

interface Message {
  readonly port?: unknown;
  readonly rounds?: unknown;
  readonly error?: unknown;
}

/** The first message of a child; an empty one when it ends without a word. */
async function firstMessage(child: ChildProcess, timeoutMs: number): Promise<Message> {
  const ended = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ended.signal]);
  try {
    const [message] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => [{}]),
    ])) as [Message];
    return message;
  } finally {
    ended.abort();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  // The native driver stops a subject while another one is measured; a stopped process would not
  // see SIGTERM.
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}
