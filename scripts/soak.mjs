// The long forms: the whole suite with HYPERROUTE_LONG=1 (a million park races, a thousand reloads
// and so on, each fuzzer for a minute or as told). What is wanted once in a while, not in CI.
//
//   node scripts/soak.mjs [--fuzz-seconds N] [tier …]      tiers as of scripts/test.mjs
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, say } from './exec.mjs';
import { parseSeconds } from './fuzz.mjs';
import { root } from './sources.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'fuzz-seconds': { type: 'string', default: '60' } },
});
const seconds = parseSeconds(values['fuzz-seconds']);
if (seconds === undefined) {
  say(`--fuzz-seconds: expected a whole number from 1, received ${values['fuzz-seconds']}`);
  process.exit(2);
}
say('soak: the whole suite in its long forms: a thousand reloads; a million races of publishing');
say('soak: and parking, in C++, under TSan and from JavaScript; two million messages across');
say(`soak: image swaps; ${seconds} s for each fuzzer. Tiers: ${positionals.join(', ') || 'all'}.`);
const env = { HYPERROUTE_LONG: '1', HYPERROUTE_FUZZ_SECONDS: String(seconds) };
const script = join(root, 'scripts', 'test.mjs');
process.exitCode = run(process.execPath, [script, ...positionals], { env, stdio: 'inherit' });
