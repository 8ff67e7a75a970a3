// The demo's child processes: started, spoken to and ended by their handle, never by name.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Failed, ParentMessage } from './records.js';

const killWaitMs = 2000;

type Typed = { readonly type: string };
type OfType<Message extends Typed, Type> = Extract<Message, { readonly type: Type }>;

/** One child process that sends messages of the given kind. */
export class Child<Message extends Typed> {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #listeners = new Set<(message: Message | Failed) => void>();
  #isEnded = false;

  /** Starts a script that lies beside this one. */
  constructor(name: string, script: string) {
    this.name = name;
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), [], {
      // Records are large typed arrays: structured cloning copies them as they are.
      serialization: 'advanced',
      // Standard output is the summary's alone.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A debugger's or a test runner's flags are meant for the parent.
      execArgv: [],
    });
    this.#process.on('message', (message) => this.#deliver(message as Message));
    this.#process.on('error', (error) => this.#deliver({ type: 'failed', reason: error.message }));
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', () => {
        this.#isEnded = true;
        resolve();
      });
    });
    // What it sent last may arrive after it ended, but not after its channel is closed.
    this.#process.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      this.#deliver({ type: 'failed', reason: `the process ended early with ${how}` });
    });
  }

  /** Sends a message; a child that is gone is noticed by whoever waits for its answer. */
  send(message: ParentMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** Calls the listener with every message of one type. */
  on<Type extends Message['type']>(
    type: Type,
    listener: (message: OfType<Message, Type>) => void,
  ): void {
    this.#listeners.add((message) => {
      if (message.type === type) listener(message as OfType<Message, Type>);
    });
  }

  /**
   * The next message of one type. Fails when the child reports a failure or ends, when the signal
   * aborts, and after `timeoutMs` unless that is undefined.
   */
  next<Type extends Message['type']>(
    type: Type,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<OfType<Message, Type>> {
    const { promise, resolve, reject } = withResolvers<OfType<Message, Type>>();
    const onAbort = (): void => reject(signal.reason);
    const onMessage = (message: Message | Failed): void => {
      if (message.type === type) resolve(message as OfType<Message, Type>);
      else if (isFailed(message)) reject(new Error(`${this.name}: ${message.reason}`));
    };
    const late = (): void => reject(new Error(`${this.name} sent no '${type}' in ${timeoutMs} ms`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    this.#listeners.add(onMessage);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    if (!this.#process.connected) reject(new Error(`${this.name}: the process has ended`));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(onMessage);
      signal.removeEventListener('abort', onAbort);
    });
  }

  /** Ends the process if it still runs, and waits until it is gone. Never fails. */
  async end(): Promise<void> {
    if (this.#isEnded || this.#process.pid === undefined) return;
    this.#process.kill('SIGKILL');
    const { promise, resolve } = withResolvers<void>();
    const timer = setTimeout(resolve, killWaitMs);
    await Promise.race([this.#ended, promise]);
    clearTimeout(timer);
  }

  #deliver(message: Message | Failed): void {
    for (const listener of [...this.#listeners]) listener(message);
  }
}

function isFailed(message: Typed): message is Failed {
  return message.type === 'failed';
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (reason: unknown) => void;
} {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
