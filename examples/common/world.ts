// What the worlds around the routers of the examples have in common: processes that can be killed,
// frames in a stream, and waiting for something that takes its time.
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const host = '127.0.0.1';
const patienceMs = 10_000;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for what is to be so; what never is fails with its name. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(2);
  }
}

/** Cuts a stream into messages that begin with their size, a `u16` in little-endian order. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** Valid until the next call. */
  *take(bytes: Buffer): Generator<Buffer> {
    const stream = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (stream.length - at >= 2) {
      const end = at + stream.readUInt16LE(at);
      if (end > stream.length) break;
      yield stream.subarray(at, end);
      at = end;
    }
    this.#rest = stream.subarray(at);
  }
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program in a process of its own, which is asked and told things, and can be killed. */
export class Program {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
  }

  /** Starts the module at `url`; it says by any message that it is ready. */
  static async start(url: URL, args: readonly (string | number)[]): Promise<Program> {
    const child = fork(fileURLToPath(url), args.map(String), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    const program = new Program(child);
    await program.#next();
    return program;
  }

  /** Says something, and waits for the answer. */
  async ask<Answer extends Serializable>(question: Serializable): Promise<Answer> {
    const answer = this.#next();
    this.#child.send(question);
    return (await answer) as Answer;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Kills it as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    if (!running.has(this.#child)) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #next(): Promise<unknown> {
    const gone = new AbortController();
    const { signal } = gone;
    try {
      const [answer] = await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(() => {
          throw new Error('the process ended');
        }),
      ]);
      return answer;
    } finally {
      gone.abort();
    }
  }
}

/** In a program: answers what it is asked, and ends with whoever started it. */
export function answerWith(answer: (question: string) => Serializable): void {
  process.on('message', (question) => process.send?.(answer(String(question))));
  process.on('disconnect', () => process.exit());
}

/** In a program: says that it is ready. */
export function sayReady(): void {
  process.send?.('ready');
}
