// The long forms: the whole suite with HYPERROUTE_LONG=1 (a million park races, a thousand reloads
// and so on, each fuzzer for a minute or as told). What is wanted once in a while, not in CI.
//
//   node scripts/soak.mjs [--fuzz-seconds N] [--liveness-seconds N] [tier …]
//
// Tiers as of scripts/test.mjs, and `liveness`: a session between two processes on a machine that
// has nothing left to give. It comes last and has the machine for itself.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, runBin, say } from './exec.mjs';
import { parseSeconds } from './fuzz.mjs';
import { root } from './sources.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'fuzz-seconds': { type: 'string', default: '60' },
    'liveness-seconds': { type: 'string', default: '600' },
  },
});

function secondsOf(option) {
  const seconds = parseSeconds(values[option]);
  if (seconds !== undefined) return seconds;
  say(`--${option}: expected a whole number from 1, received ${values[option]}`);
  process.exit(2);
}

function suite(tiers) {
  const env = { HYPERROUTE_LONG: '1', HYPERROUTE_FUZZ_SECONDS: String(fuzzSeconds) };
  const script = join(root, 'scripts', 'test.mjs');
  return run(process.execPath, [script, ...tiers], { env, stdio: 'inherit' });
}

function liveness() {
  const env = { HYPERROUTE_LIVENESS_SECONDS: String(livenessSeconds) };
  const args = ['run', 'test/e2e/raptor-liveness.test.ts'];
  return runBin('vitest', args, { env, stdio: 'inherit' });
}

const fuzzSeconds = secondsOf('fuzz-seconds');
const livenessSeconds = secondsOf('liveness-seconds');
const tiers = positionals.filter((tier) => tier !== 'liveness');
const isAll = positionals.length === 0;
say('soak: the whole suite in its long forms: a thousand reloads; a million races of publishing');
say('soak: and parking, in C++, under TSan and from JavaScript; two million messages across');
say(`soak: image swaps; ${fuzzSeconds} s for each fuzzer; then ${livenessSeconds} s of a Raptor`);
say(`soak: session with 90 % of every CPU taken. Tiers: ${positionals.join(', ') || 'all'}.`);
const statuses = [];
if (isAll || tiers.length > 0) statuses.push(suite(tiers));
if (isAll || positionals.includes('liveness')) statuses.push(liveness());
process.exitCode = statuses.find((status) => status !== 0) ?? 0;
