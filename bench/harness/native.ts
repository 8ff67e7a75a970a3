// The native subjects: one executable, built beside the addon. It prints one JSON object.
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { percentileLevels, type Round } from './types.js';

const outputBytesMax = 8 << 20;
const runTimeoutMs = 10 * 60_000;

interface NativeOutput {
  readonly levels: readonly number[];
  readonly rounds: readonly Round[];
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
