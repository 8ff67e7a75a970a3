// The native subjects: one executable, built beside the addon. It prints one JSON object.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HyperRouteError } from '#lib/errors.js';
import { packageRoot } from '#lib/native.js';
import { percentileLevels, type Round } from './types.js';

const executable = 'hyperroute-bench';
const outputBytesMax = 8 << 20;
const runTimeoutMs = 10 * 60_000;

interface NativeOutput {
  readonly levels: readonly number[];
  readonly rounds: readonly Round[];
}

/** The executable's path: a build of this checkout first, then the one that was shipped. */
export function findNative(): string {
  const root = packageRoot();
  const platform = `${process.platform}-${process.arch}`;
  const folders = ['build/bench', 'build/Release', join('prebuilds', platform)];
  const paths = folders.map((folder) => join(root, folder, executable));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) {
    const fix = 'npm run build:bench (in a checkout)';
    const tried = paths.map((path) => ({ path, reason: 'there is no such file' }));
    const list = paths.map((path) => `\n  ${path}`).join('');
    const message = `${executable} was not found; tried:${list}\nTo build it: ${fix}`;
    throw new HyperRouteError('ERR_NATIVE_UNAVAILABLE', message, { tried, fix });
  }
  return found;
}

/**
 * Runs an executable and returns its rounds. Its stderr goes to ours; it is killed when it takes
 * longer than ten minutes. Rejects with what went wrong when it fails.
 */
export async function runNative(path: string, args: readonly string[]): Promise<Round[]> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: runTimeoutMs });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > outputBytesMax) child.kill('SIGKILL');
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  if (ended !== '0') throw new Error(`${basename(path)} ${args.join(' ')} ended with ${ended}`);
  return checkedOutput(basename(path), JSON.parse(text) as NativeOutput);
}

/** Both sides name the percentiles they mean: a stale executable must not go unnoticed. */
export function checkedOutput(name: string, output: NativeOutput): Round[] {
  const same =
    output.levels.length === percentileLevels.length &&
    percentileLevels.every((level, index) => output.levels[index] === level);
  if (!same) throw new Error(`${name} is of another version: build it again`);
  return [...output.rounds];
}
