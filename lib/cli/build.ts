// `hyperroute build`: compiles the native engine, and the program that stands beside it, from the
// sources in the package.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../native.js';
import type { Command, CommandInput } from './command.js';

export const build: Command = {
  name: 'build',
  usage: '',
  about: [
    'Compiles the native engine, and the program of ping, perf and bench, into build/Release of',
    'the package. Only needed where the package holds no prebuilt ones for this machine. Needs',
    'Python 3, make and a C++20 compiler.',
  ],
  options: {},
  positionalsMin: 0,
  positionalsMax: 0,
  examples: ['hyperroute build'],
  run,
};

async function run({ values, io }: CommandInput): Promise<number> {
  const root = packageRoot();
  const script = join(root, 'scripts', 'build-addon.mjs');
  // The compiler's output belongs to stderr, so that --json has stdout for itself.
  const child = spawn(process.execPath, [script, '--program'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  const ok = code === 0;
  const folder = join(root, 'build', 'Release');
  const output = join(folder, 'hyperroute.node');
  const program = join(folder, 'hyperroute-bench');
  if (values.json === true) io.json({ ok, output, program });
  else if (ok) for (const path of [output, program]) io.out.line(`built ${path}`);
  return ok ? 0 : 1;
}
