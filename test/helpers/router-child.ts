// A fixture that runs in a process of its own and answers lines with JSON.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The path of a file of test/fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export class Child {
  readonly process: ChildProcess;
  stderr = '';
  readonly #lines;
  readonly #closed: Promise<number | null>;

  /** `under`: a program that runs node, such as strace with its options. */
  constructor(
    script: string,
    args: readonly string[] = [],
    options: { under?: readonly string[]; env?: NodeJS.ProcessEnv; node?: readonly string[] } = {},
  ) {
    const { under = [], env = {}, node = [] } = options;
    const command = [...under, process.execPath, ...node, script, ...args];
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.process = child;
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#closed = once(child, 'close').then(([code]) => code as number | null);
  }

  /** The next line of JSON; throws with what the process said if it ends first. */
  async next(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the process ended: ${this.stderr}`);
    return JSON.parse(value) as Record<string, unknown>;
  }

  async ask(line: string): Promise<Record<string, unknown>> {
    this.process.stdin?.write(`${line}\n`);
    return this.next();
  }

  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** The exit code, once the process has ended. */
  ended(): Promise<number | null> {
    return this.#closed;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode === null) this.process.kill('SIGKILL');
    await this.#closed;
  }
}

/** The port of an endpoint in the first line of the busy-router fixture. */
export function portIn(started: Record<string, unknown>, name: string): number {
  const endpoints = started.endpoints as readonly { name: string; address: string | null }[];
  const found = endpoints.find((endpoint) => endpoint.name === name);
  return Number(found?.address?.split(':').at(-1));
}
