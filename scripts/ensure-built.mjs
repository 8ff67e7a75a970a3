// Builds what is out of date. npm runs no install script here, so `predemo`, `pretest` and
// `prebench` call this; it prints to stderr only and takes a few milliseconds when all is current.
//
//   node scripts/ensure-built.mjs [--force] [target …]          (default: dist addon)
//
//   dist   lib/, examples/, bench/ → dist/, dist/examples/, dist/bench/   (TypeScript, rolldown)
//   addon  native/ → build/Release/hyperroute.node        (node-gyp)
//   bench  bench/native/ → build/bench/hyperroute-bench   (CMake; `ping` and `perf` need it too)
//   sim    test/sim/ → build/sim/hyperroute-sim           (CMake)
//   bench-codec  bench/native/codec/ → build/bench/   (CMake; fetches SBE, or goes without)
//   bench-links  bench/native/links/ → build/bench/   (CMake; fetches Aeron, or goes without)
//   prebuild  what the npm tarball ships: prebuilds/      (prebuildify; wants bench built before)
//
// A target is current when a stamp holds the path, size and modification time of each input:
// unlike a comparison of times alone this notices deleted files and switched branches.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build-addon.mjs';
import { run, runBin, say, which } from './exec.mjs';
import { buildPrebuild } from './prebuild.mjs';
import { filesUnder, programFolders, root } from './sources.mjs';

const stampFolder = join(root, 'build', '.stamps');
const isTypeScript = (name) => name.endsWith('.ts');
const isNative = (name) => /\.(cc|h|json)$/.test(name);
const inFolders = (folders, accept) =>
  folders.flatMap((folder) => filesUnder(join(root, folder), accept));
const inRoot = (names) => names.map((name) => join(root, name));

/**
 * Removes compiled files whose source is gone, so that nobody imports a deleted module. Those of
 * the bundle are kept in order by scripts/bundle.mjs.
 */
function prune(outFolder, sourceFolder, accept) {
  for (const path of filesUnder(join(root, outFolder), (name) => accept.test(name))) {
    const module = relative(join(root, outFolder), path).replace(/(\.d)?\.[jt]s(\.map)?$/, '');
    if (!existsSync(join(root, sourceFolder, `${module}.ts`))) rmSync(path);
  }
}

// Types are checked by `npm run typecheck` (a part of `npm test`): building only translates.
function compile(project) {
  const args = ['-p', project, '--noCheck', '--pretty', 'false'];
  return runBin('typescript', args, { command: 'tsc' }) === 0;
}

// Folders compiled beside the library, each into a folder of its own name under dist/.
const companions = ['examples', 'bench'];

function buildDist() {
  if (!compile('tsconfig.json')) return false;
  if (run(process.execPath, [join(root, 'scripts', 'bundle.mjs')]) !== 0) return false;
  for (const folder of companions) {
    const isPresent = inFolders([folder], isTypeScript).length > 0;
    if (isPresent && !compile(`tsconfig.${folder}.json`)) return false;
  }
  for (const folder of companions) prune(join('dist', folder), folder, /\.js(\.map)?$/);
  prune('dist', 'lib', /\.d\.ts(\.map)?$/);
  return true;
}

function buildBenchTarget(folderName, target, flags) {
  if (which('cmake') === undefined) {
    say('hyperroute: cmake is missing, so the native benches are not built (scripts/setup.sh)');
    return false;
  }
  const folder = join(root, 'build', folderName);
  const generator = which('ninja') ? ['-G', 'Ninja'] : [];
  const jobs = String(availableParallelism());
  const quiet = '--log-level=WARNING';
  return (
    run('cmake', ['-S', root, '-B', folder, ...generator, ...flags, quiet]) === 0 &&
    run('cmake', ['--build', folder, '--target', target, '-j', jobs]) === 0
  );
}

// The executables hold the native subjects, and one the ends of `ping` and `perf`; what they use of
// ours lies in these folders, and is compiled once for all of them. What fetches something is
// configured for its own target alone.
const buildBenchWith = (target, { codec = 'OFF', links = 'OFF' } = {}) =>
  buildBenchTarget('bench', target, [
    `-DHR_FOLDERS=${programFolders.join(';')}`,
    `-DHR_BENCH_CODEC=${codec}`,
    `-DHR_BENCH_LINKS=${links}`,
  ]);
const buildBench = () => buildBenchWith('hyperroute-bench');
const buildBenchCodec = () => buildBenchWith('hyperroute-bench-codec', { codec: 'ON' });
const buildBenchLinks = () => buildBenchWith('hyperroute-bench-links', { links: 'ON' });
// With the assertions of debug builds: what they check is part of what a simulation shows.
const buildSim = () =>
  buildBenchTarget('sim', 'hyperroute-sim', [
    '-DHR_FOLDERS=base;ring;wire;crypto;raptor',
    '-DHR_DEBUG_ASSERTS=ON',
  ]);

const targets = {
  dist: {
    inputs: () => [
      ...inFolders(['lib', ...companions], isTypeScript),
      ...inRoot(['tsconfig.base.json', 'tsconfig.json', 'scripts/bundle.mjs']),
      ...inRoot(companions.map((folder) => `tsconfig.${folder}.json`)),
    ],
    output: 'dist/index.js',
    build: buildDist,
  },
  addon: {
    inputs: () => [...inFolders(['native'], isNative), ...inRoot(['binding.gyp'])],
    output: 'build/Release/hyperroute.node',
    build: () => buildAddon(),
  },
  bench: {
    inputs: () => [
      ...inFolders(['bench/native', 'native'], isNative),
      ...inRoot(['CMakeLists.txt']),
    ],
    output: 'build/bench/hyperroute-bench',
    build: buildBench,
  },
  sim: {
    inputs: () => [...inFolders(['test/sim', 'native'], isNative), ...inRoot(['CMakeLists.txt'])],
    output: 'build/sim/hyperroute-sim',
    build: buildSim,
  },
  'bench-codec': {
    inputs: () => [
      ...inFolders(['bench', 'native'], (name) => isNative(name) || /\.(cmake|xml)$/.test(name)),
      ...inRoot(['CMakeLists.txt']),
    ],
    output: 'build/bench/hyperroute-bench-codec',
    build: buildBenchCodec,
  },
  'bench-links': {
    inputs: () => [
      ...inFolders(['bench', 'native'], (name) => isNative(name) || /\.(cmake|java)$/.test(name)),
      ...inRoot(['CMakeLists.txt']),
    ],
    output: 'build/bench/hyperroute-bench-links',
    build: buildBenchLinks,
  },
  prebuild: {
    inputs: () => [
      ...inFolders(['native', 'bench/native'], isNative),
      ...inRoot(['binding.gyp', 'CMakeLists.txt']),
    ],
    output: `prebuilds/${process.platform}-${process.arch}`,
    build: buildPrebuild,
  },
};

/** A digest of everything that decides whether the target must be built again. */
function fingerprint(target) {
  const hash = createHash('sha256').update(process.version);
  for (const path of targets[target].inputs()) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function isCurrent(target) {
  const { output } = targets[target];
  if (!existsSync(join(root, output))) return false;
  try {
    return readFileSync(join(stampFolder, target), 'utf8') === fingerprint(target);
  } catch {
    return false;
  }
}

function buildOne(target) {
  say(`hyperroute: building ${target} …`);
  // Taken before the build: a file edited during it makes the target out of date again.
  const print = fingerprint(target);
  if (!targets[target].build()) {
    say(`hyperroute: building ${target} failed`);
    return false;
  }
  writeFileSync(join(stampFolder, target), print);
  return true;
}

/**
 * Builds every named target that is out of date. Two processes never build at once: the slow path
 * runs again under flock(1), whose lock the kernel drops however its holder ends.
 */
export function ensureBuilt(names, { force = false } = {}) {
  const wanted = force ? names : names.filter((name) => !isCurrent(name));
  if (wanted.length === 0) return true;
  mkdirSync(stampFolder, { recursive: true });
  if (process.env.HYPERROUTE_BUILD_LOCKED !== '1' && which('flock') !== undefined) {
    const script = fileURLToPath(import.meta.url);
    const args = [process.execPath, script, ...(force ? ['--force'] : []), ...wanted];
    const env = { HYPERROUTE_BUILD_LOCKED: '1' };
    return run('flock', [join(root, 'build', '.lock'), ...args], { env }) === 0;
  }
  return wanted.every((name) => buildOne(name));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const names = args.filter((arg) => arg !== '--force');
  const unknown = names.filter((name) => !Object.hasOwn(targets, name));
  if (unknown.length > 0) {
    say(`unknown target ${unknown.join(', ')}; there are: ${Object.keys(targets).join(', ')}`);
    process.exit(2);
  }
  const force = args.includes('--force');
  process.exit(ensureBuilt(names.length > 0 ? names : ['dist', 'addon'], { force }) ? 0 : 1);
}
