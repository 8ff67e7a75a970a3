// Programs that nobody here wrote, as processes of their own: netcat, socat, python3. Every one is
// ended, by its own id, after the test that started it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';

/** How long anything may take on a machine that is busy with other tests. */
export const patienceMs = 20_000;
const patience = { timeout: patienceMs, interval: 10 };

/** Skips the test, with the reason, where a program is not installed. */
export function needs({ skip }: Pick<TestContext, 'skip'>, ...programs: readonly string[]): void {
  const missing = programs.filter((program) => !isInstalled(program));
  skip(missing.length > 0, `${missing.join(', ')} not installed (scripts/setup.sh)`);
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const running: { end(): Promise<unknown> }[] = [];

/** Has `end` called after the present test. */
export function endLater(thing: { end(): Promise<unknown> }): void {
  running.push(thing);
}

/** Ends what the test has started, the newest first. For `afterEach`. */
export async function endAll(): Promise<void> {
  for (const thing of running.splice(0).reverse()) await thing.end();
}

/** A running program: what is written to it, what it printed. */
export class Program {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<number | null>;
  readonly #output: Buffer[] = [];
  #complaint = '';

  constructor(name: string, args: readonly string[]) {
    this.#name = `${name} ${args.join(' ')}`;
    this.#child = spawn(name, args, { stdio: 'pipe' });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#output.push(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#complaint += bytes.toString();
    });
    // A program that has ended does not read: its exit code and its stderr tell why.
    this.#child.stdin.on('error', () => {});
    this.#closed = once(this.#child, 'close').then(([code]) => code as number | null);
    endLater(this);
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#output);
  }

  get stderr(): string {
    return this.#complaint;
  }

  get text(): string {
    return this.stdout.toString();
  }

  write(bytes: string | Uint8Array): this {
    this.#child.stdin.write(bytes);
    return this;
  }

  /** Closes its standard input. */
  finish(bytes: string | Uint8Array = ''): this {
    this.#child.stdin.end(bytes);
    return this;
  }

  /** Waits until it has printed this text, all of it and nothing else. */
  async prints(text: string): Promise<void> {
    await expect.poll(() => this.text, { ...patience, message: this.#name }).toBe(text);
  }

  /** Waits until it has printed this many bytes, and gives what it printed. */
  async printsBytes(count: number): Promise<Buffer> {
    const message = `${this.#name}: ${this.#complaint}`;
    const printed = () => this.stdout.length;
    await expect.poll(printed, { ...patience, message }).toBeGreaterThanOrEqual(count);
    return this.stdout;
  }

  /** The exit code, once it has ended by itself. */
  ended(): Promise<number | null> {
    return this.#closed;
  }

  /** Ends it if it still runs. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
    }
    await this.#closed;
  }
}

/** OpenBSD netcat. */
export function netcat(...args: readonly string[]): Program {
  return new Program('nc', args);
}

export function socat(...args: readonly string[]): Program {
  return new Program('socat', args);
}

/** An address as socat writes it: `TCP4:127.0.0.1:9000`, `UDP6:[::1]:9000`. */
export function socatAddress(protocol: 'TCP' | 'UDP', host: string, port: number): string {
  return host.includes(':') ? `${protocol}6:[${host}]:${port}` : `${protocol}4:${host}:${port}`;
}
