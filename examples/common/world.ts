// What the worlds around the routers of the examples have in common: processes that can be killed,
// frames in a stream, waiting for something that takes its time, and a list of what went wrong.
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

const mistakes: string[] = [];

/** Writes down what is not so, until `sayMistakes` is called. */
export function expectThat(what: string, isSo: boolean): void {
  if (!isSo) mistakes.push(what);
}

/** At the end of a show: prints what was not so; the exit code is 0 if all was. */
export function sayMistakes(): void {
  for (const mistake of mistakes) console.log(`not so: ${mistake}`);
  process.exitCode = mistakes.length === 0 ? 0 : 1;
}

/** Cuts a stream into messages. */
abstract class Cutter {
  #rest: Buffer = Buffer.alloc(0);

  /** Of the message at an offset, at least 1; `Infinity` while too little of it is there. */
  protected abstract bytesAt(stream: Buffer, offset: number): number;

  /** Valid until the next call. */
  *take(bytes: Buffer): Generator<Buffer> {
    const stream = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let offset = 0;
    for (let end = this.bytesAt(stream, 0); end <= stream.length; ) {
      yield stream.subarray(offset, end);
      offset = end;
      end += this.bytesAt(stream, offset);
    }
    this.#rest = stream.subarray(offset);
  }
}

/** Messages that begin with their size in little-endian order, which counts the prefix too. */
export class Frames extends Cutter {
  readonly #prefixBytes: 2 | 4;

  constructor(prefixBytes: 2 | 4 = 2) {
    super();
    this.#prefixBytes = prefixBytes;
  }

  protected bytesAt(stream: Buffer, offset: number): number {
    if (stream.length - offset < this.#prefixBytes) return Number.POSITIVE_INFINITY;
    const bytes = stream.readUIntLE(offset, this.#prefixBytes);
    if (bytes < this.#prefixBytes) throw new RangeError(`a message of ${bytes} bytes`);
    return bytes;
  }
}

/** Messages that all have the same size. */
export class FixedFrames extends Cutter {
  readonly #frameBytes: number;

  constructor(frameBytes: number) {
    super();
    this.#frameBytes = frameBytes;
  }

  protected bytesAt(): number {
    return this.#frameBytes;
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

  /** Says something that nobody waits for the answer of. */
  tell(word: Serializable): void {
    this.#child.send(word);
  }

  /** Calls `take` with whatever it says from now on. */
  listen(take: (said: unknown) => void): void {
    this.#child.on('message', take);
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

/** In a program: takes what it is told, and ends with whoever started it. */
export function obey(take: (said: unknown) => void): void {
  process.on('message', take);
  process.on('disconnect', () => process.exit());
}

/** In a program: answers what it is asked, and ends with whoever started it. */
export function answerWith(answer: (question: string) => Serializable): void {
  obey((question) => process.send?.(answer(String(question))));
}

/** In a program: says that it is ready. */
export function sayReady(): void {
  process.send?.('ready');
}
