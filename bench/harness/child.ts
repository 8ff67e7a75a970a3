// Subjects that run in a process of their own, such as the router that answers as an echo.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

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
  const child = spawn(process.execPath, [modulePath, ...args], {
    stdio: ['ignore', 2, 2, 'ipc'],
  });
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

async function ready(name: string, child: ChildProcess): Promise<number> {
  const signal = AbortSignal.timeout(readyTimeoutMs);
  const ended = new AbortController();
  const first = Promise.race([
    once(child, 'message', { signal: AbortSignal.any([signal, ended.signal]) }),
    once(child, 'exit', { signal: AbortSignal.any([signal, ended.signal]) }).then(() => [{}]),
  ]);
  const [message] = (await first.finally(() => ended.abort())) as [
    { port?: unknown; error?: unknown },
  ];
  if (typeof message.port === 'number') return message.port;
  throw new Error(`the subject '${name}' did not start: ${String(message.error ?? 'it ended')}`);
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
