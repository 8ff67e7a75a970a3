// The `hyperroute` command as an operator has it: a router that runs, and commands to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

const { resolve } = createRequire(import.meta.url);
const program = join(dirname(resolve('hyperroute/package.json')), 'dist/cli/main.js');

/** Runs a command to its end; returns what it printed. */
export async function hyperroute(...words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`hyperroute ${words.join(' ')}: exit code ${code}`);
  return printed;
}

/** A router, in a process of its own. */
export class RouterProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts it, and waits until it runs. */
  static async start(
    words: readonly string[],
    variables: Readonly<Record<string, string>>,
  ): Promise<RouterProcess> {
    const child = spawn(process.execPath, [program, 'run', '--json', ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...variables },
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const { event } = JSON.parse(String(line)) as { readonly event: string };
    if (event !== 'started') throw new Error(`the router did not start: ${line}`);
    return new RouterProcess(child);
  }

  /** Tells it to end, which it does when all it has read has left; returns its exit code. */
  async end(): Promise<number | null> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    return code as number | null;
  }
}
