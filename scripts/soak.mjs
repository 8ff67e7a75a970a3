// The long forms: the whole suite with HYPERROUTE_LONG=1 (a million park races, a thousand reloads
// and so on), then every fuzzer for a while. What is wanted once in a while, not in CI.
//
//   node scripts/soak.mjs [--fuzz-seconds N]      N for each fuzzer, 60 when not given
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, runLimited, say, which } from './exec.mjs';
import { filesUnder, root } from './sources.mjs';

const { values } = parseArgs({ options: { 'fuzz-seconds': { type: 'string', default: '60' } } });
const fuzzSeconds = Number(values['fuzz-seconds']);
if (!Number.isInteger(fuzzSeconds) || fuzzSeconds < 1) {
  say(`--fuzz-seconds: expected a whole number from 1, received ${values['fuzz-seconds']}`);
  process.exit(2);
}

const folder = join(root, 'build', 'fuzz');

/** Builds every fuzzer with clang. Returns whether it worked. */
function buildFuzzers() {
  const settings = ['-DCMAKE_CXX_COMPILER=clang++', '-DHR_SANITIZE=address,undefined'];
  const generator = which('ninja') ? ['-G', 'Ninja'] : [];
  const jobs = String(availableParallelism());
  return (
    run('cmake', ['-S', root, '-B', folder, ...generator, ...settings, '-DHR_DEBUG_ASSERTS=ON']) ===
      0 && run('cmake', ['--build', folder, '--target', 'fuzzers', '-j', jobs]) === 0
  );
}

/** Fuzzes one target; its corpus is kept under build/ and grows over runs. */
async function fuzz(name) {
  const corpus = join(folder, 'corpus', name);
  mkdirSync(corpus, { recursive: true });
  const args = [`-max_total_time=${fuzzSeconds}`, `-artifact_prefix=${corpus}.`, corpus];
  const logPath = join(root, 'build', 'logs', `${name}.log`);
  const options = { logPath, seconds: fuzzSeconds + 120, show: true };
  const { status, timedOut } = await runLimited(join(folder, name), args, options);
  if (status === 0 && !timedOut) return true;
  say(`${name} failed: see ${logPath} and ${corpus}.*`);
  return false;
}

const suite = run(process.execPath, [join(root, 'scripts', 'test.mjs')], {
  env: { HYPERROUTE_LONG: '1' },
  stdio: 'inherit',
});
let failed = suite === 0 ? 0 : 1;
const fuzzers = filesUnder(join(root, 'test', 'fuzz'), (name) => name.endsWith('_fuzz.cc'));
if (fuzzers.length > 0) {
  if (which('clang++') === undefined) {
    say('fuzzers: clang is not installed (scripts/setup.sh)');
    failed += 1;
  } else if (!buildFuzzers()) failed += 1;
  else {
    for (const path of fuzzers) {
      if (!(await fuzz(basename(path, '.cc')))) failed += 1;
    }
  }
}
process.exitCode = failed > 0 ? 1 : 0;
