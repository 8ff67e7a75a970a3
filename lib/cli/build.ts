// `hyperroute build`: compiles the native engine from the sources in the package.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../native.js';
import type { Command, CommandInput } from './command.js';

export const build: Command = {
  name: 'build',
  usage: '',
  about: [
    'Compiles the native engine into build/Release of the package. Only needed where the package',
    'holds no prebuilt engine for this machine. Needs Python 3, make and a C++20 compiler.',
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
  const child = spawn(process.execPath, [script], { cwd: root, stdio: ['ignore', 2, 2] });
  const [code] = (await once(child, 'exit')) as [number | null];
  const ok = code === 0;
  const output = join(root, 'build', 'Release', 'hyperroute.node');
  if (values.json === true) io.json({ ok, output });
  else if (ok) io.out.line(`built ${output}`);
  return ok ? 0 : 1;
}
