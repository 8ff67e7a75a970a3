// Builds and runs the fuzzers (test/fuzz/*_fuzz.cc) with clang's libFuzzer, ASan and UBSan. Their
// corpus is kept under build/fuzz/corpus and grows over runs; what it grows from is checked in
// under test/fuzz/seeds.
//
//   node scripts/fuzz.mjs [--seconds N] [name …]      N for each fuzzer, 60 when not given
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runLimited, say, which } from './exec.mjs';
import { filesUnder, root } from './sources.mjs';

const folder = join(root, 'build', 'fuzz');
const logPath = (name) => join(root, 'build', 'logs', `${name}.log`);
const buildSeconds = 1800;
// What a fuzzer may take beyond its time, to load its corpus and finish its last input.
const graceSeconds = 120;
const shownCharacters = 8000;

/** Names of all fuzzers. */
export function fuzzerNames() {
  const sources = filesUnder(join(root, 'test', 'fuzz'), (name) => name.endsWith('_fuzz.cc'));
  return sources.map((path) => basename(path, '.cc'));
}

/** Builds every fuzzer. Resolves to undefined, or the output of the step that failed. */
async function buildFuzzers() {
  const settings = [
    '-DCMAKE_CXX_COMPILER=clang++',
    '-DHR_SANITIZE=address,undefined',
    '-DHR_OPTIMISATION=-O1 -g1',
    // What the fuzzers use: the engine is not built again for them.
    '-DHR_FOLDERS=base;ring;codec;route;io;wire;crypto;raptor',
  ];
  const generator = which('ninja') ? ['-G', 'Ninja'] : [];
  const jobs = String(availableParallelism());
  for (const args of [
    ['-S', root, '-B', folder, ...generator, ...settings, '-DHR_DEBUG_ASSERTS=ON'],
    ['--build', folder, '--target', 'fuzzers', '-j', jobs],
  ]) {
    const options = { logPath: logPath('fuzz-build'), seconds: buildSeconds };
    const { status, output } = await runLimited('cmake', args, options);
    if (status !== 0) return output.slice(-shownCharacters);
  }
  return undefined;
}

/** Fuzzes one target. Resolves to undefined, or what it printed when it found something. */
async function fuzzOne(name, seconds, show) {
  const corpus = join(folder, 'corpus', name);
  mkdirSync(corpus, { recursive: true });
  const args = [`-max_total_time=${seconds}`, `-artifact_prefix=${corpus}.`, corpus];
  // New inputs go to the first folder alone.
  const seeds = join(root, 'test', 'fuzz', 'seeds', name);
  if (existsSync(seeds)) args.push(seeds);
  // Like the tests, fuzzers find files by __FILE__ (native-tests.mjs).
  const limit = seconds + graceSeconds;
  const options = { logPath: logPath(name), seconds: limit, cwd: folder, show };
  const { status, timedOut, output } = await runLimited(join(folder, name), args, options);
  if (status === 0 && !timedOut) return undefined;
  return `${timedOut ? 'did not stop in time\n' : ''}${output.slice(-shownCharacters)}`;
}

/**
 * Runs each fuzzer for a while; each counts as a test. Resolves to
 * { passed, failed, skipped, failures, skips }.
 */
export async function fuzzAll(seconds, { names = fuzzerNames(), show = false } = {}) {
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  const missing = ['cmake', 'clang++'].find((tool) => which(tool) === undefined);
  if (missing !== undefined) {
    const reason = `${missing} is not installed (scripts/setup.sh)`;
    return { ...result, skipped: names.length, skips: [{ title: 'fuzzers', reason }] };
  }
  const buildOutput = await buildFuzzers();
  if (buildOutput !== undefined) {
    return { ...result, failed: 1, failures: [{ title: 'fuzzers: build', text: buildOutput }] };
  }
  for (const name of names) {
    const text = await fuzzOne(name, seconds, show);
    if (text === undefined) result.passed += 1;
    else {
      result.failed += 1;
      result.failures.push({ title: name, text });
    }
  }
  return result;
}

/** The value of --seconds, or undefined when it is not a whole number from 1. */
export function parseSeconds(text) {
  const seconds = Number(text);
  return Number.isInteger(seconds) && seconds >= 1 ? seconds : undefined;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '60' } },
  });
  const seconds = parseSeconds(values.seconds);
  if (seconds === undefined) {
    say(`--seconds: expected a whole number from 1, received ${values.seconds}`);
    process.exit(2);
  }
  const chosen = positionals.length > 0 ? { names: positionals } : {};
  const { passed, failed, failures, skips } = await fuzzAll(seconds, { ...chosen, show: true });
  for (const { title, reason } of skips) say(`skipped: ${title}: ${reason}`);
  for (const { title, text } of failures) say(`failed: ${title}\n${text}`);
  say(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}
