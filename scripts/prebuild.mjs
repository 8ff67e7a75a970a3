// Makes prebuilds/<platform>-<arch>/: the addon that ships in the npm tarball, built by prebuildify
// in a folder of its own (it cleans its build folder, which here holds other builds too), and the
// native executable of the benches and of `ping` and `perf` beside it.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerEnv } from './build-addon.mjs';
import { packageBin, run, which } from './exec.mjs';
import { filesUnder, root } from './sources.mjs';

/**
 * Whether npm runs this as the hook before `npm run build` (npm takes any "prebuild" for one),
 * where nothing is to be done. npm tells by its process title alone.
 */
function isHookOfBuild() {
  let pid = process.ppid;
  for (let generation = 0; generation < 4 && pid > 1; generation += 1) {
    try {
      const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (/^npm run(-script)? .*\bprebuild\b/.test(title)) return false;
      if (/^npm run(-script)? .*\bbuild\b/.test(title)) return true;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      pid = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
    } catch {
      return false;
    }
  }
  return false;
}

const folder = `${process.platform}-${process.arch}`;

function stage() {
  const staged = join(root, 'build', 'stage');
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { recursive: true });
  for (const name of ['package.json', 'binding.gyp', 'native', 'scripts']) {
    cpSync(join(root, name), join(staged, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(staged, 'node_modules'), 'dir');
  return staged;
}

function prebuildAddon() {
  const staged = stage();
  const gyp = packageBin('node-gyp');
  const flags = ['--napi', '--strip', '--tag-libc', '--target', process.version];
  const status = run(process.execPath, [packageBin('prebuildify'), ...flags, '--node-gyp', gyp], {
    cwd: staged,
    env: { ...headerEnv(), HYPERROUTE_WERROR: '0', JOBS: String(availableParallelism()) },
  });
  if (status !== 0) return false;
  const made = join(staged, 'prebuilds', folder);
  const out = join(root, 'prebuilds', folder);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const path of filesUnder(made, (name) => name.endsWith('.node'))) {
    copyFileSync(path, join(out, path.slice(made.length + 1)));
  }
  return true;
}

function addBench() {
  const made = join(root, 'build', 'bench', 'hyperroute-bench');
  if (!existsSync(made)) {
    process.stderr.write(
      'hyperroute: without `bench`, what is packed lacks bench, ping and perf\n',
    );
    return which('cmake') === undefined;
  }
  const shipped = join(root, 'prebuilds', folder, 'hyperroute-bench');
  copyFileSync(made, shipped);
  return run('strip', [shipped]) === 0;
}

/** Fills prebuilds/; the bench executable is built before. Returns whether it worked. */
export function buildPrebuild() {
  return prebuildAddon() && addBench();
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (isHookOfBuild()) process.exit(0);
  const { ensureBuilt } = await import('./ensure-built.mjs');
  const built = ensureBuilt(['dist', 'bench']) && ensureBuilt(['prebuild'], { force: true });
  process.exit(built ? 0 : 1);
}
