// The whole test suite: the project's checks, C++ tests in three builds, then vitest. The last line
// of stdout is `N passed, N failed, N skipped` over all of them, each check counted as a test.
//
//   node scripts/test.mjs [tier …]        tiers: checks, unit, sanitized, stress, sim, fuzz,
//                                       package, vitest
//
// CI=true or HYPERROUTE_REQUIRE_ALL=1: a skip is a failure. HYPERROUTE_LONG=1 (npm run soak): tests
// that have a long form run it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageBin, runLimited, say, which } from './exec.mjs';
import { fuzzAll, parseSeconds } from './fuzz.mjs';
import { runVariant, variants } from './native-tests.mjs';
import { simulateTier } from './sim.mjs';
import { root } from './sources.mjs';

const requireAll = process.env.CI === 'true' || process.env.HYPERROUTE_REQUIRE_ALL === '1';
const isLong = process.env.HYPERROUTE_LONG === '1';
const logPath = (name) => join(root, 'build', 'logs', `${name}.log`);
const checkSeconds = 600;
const fuzzSeconds = parseSeconds(process.env.HYPERROUTE_FUZZ_SECONDS) ?? 5;
const vitestSeconds = isLong ? 7200 : 1800;
const maxRepeated = 10;
const maxRepeatedLines = 20;

/** Runs one command as one test. Resolves to a tier's result. */
async function check(title, args, needs = undefined) {
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  if (needs !== undefined && which(needs) === undefined) {
    const reason = `${needs} is not installed (scripts/setup.sh)`;
    return { ...result, skipped: 1, skips: [{ title, reason }] };
  }
  const options = { logPath: logPath(title.replaceAll(/\W+/g, '-')), seconds: checkSeconds };
  const { status, timedOut, output } = await runLimited(process.execPath, args, options);
  if (status === 0) return { ...result, passed: 1 };
  const text = timedOut ? `over the limit of ${checkSeconds} s\n${output}` : output;
  return { ...result, failed: 1, failures: [{ title, text }] };
}

const clangFormat =
  "import('./scripts/lint.mjs').then((m) => process.exit(m.clangFormat() ? 0 : 1))";
const prebuild = ['scripts/ensure-built.mjs', 'dist', 'bench', 'prebuild'];
const benchLinks = ['scripts/ensure-built.mjs', 'bench-links'];
const biome = "import('./scripts/lint.mjs').then((m) => process.exit(m.biome() ? 0 : 1))";

async function vitest() {
  const report = join(root, 'build', 'logs', 'vitest.json');
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=./scripts/vitest-reporter.mjs'];
  const options = {
    logPath: logPath('vitest'),
    seconds: vitestSeconds,
    env: { HYPERROUTE_VITEST_REPORT: report, NO_COLOR: '1' },
    show: true,
  };
  const args = [packageBin('vitest'), 'run', ...reporters];
  const { status, timedOut } = await runLimited(process.execPath, args, options);
  const result = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  const ran = result.passed + result.failed + result.skipped > 0;
  if (timedOut || !ran || (status !== 0 && result.failed === 0)) {
    result.failed += 1;
    const text = timedOut ? `over the limit of ${vitestSeconds} s` : `ended with status ${status}`;
    result.failures.push({ title: 'vitest', text });
  }
  return result;
}

/** Every tier in the order it runs: cheap checks first. */
const tiers = {
  checks: [
    ["the project's rules (tidy)", (title) => check(title, ['scripts/tidy.mjs'])],
    ['Biome: format and lint', (title) => check(title, ['-e', biome])],
    ['clang-format', (title) => check(title, ['-e', clangFormat], 'clang-format')],
    ['types', (title) => check(title, ['scripts/typecheck.mjs'])],
  ],
  unit: [[variants.unit.title, () => runVariant('unit')]],
  sanitized: [[variants.sanitized.title, () => runVariant('sanitized')]],
  stress: [[variants.stress.title, () => runVariant('stress')]],
  sim: [['the simulator of the protocol', () => simulateTier()]],
  fuzz: [['fuzzers', () => fuzzAll(fuzzSeconds)]],
  package: [
    // Built before the end-to-end tests, so that no compiler competes with them.
    ["the tarball's binaries", (title) => check(title, prebuild, 'cmake')],
    ["the benches' links", (title) => check(title, benchLinks, 'cmake')],
    ['publint', (title) => check(title, [packageBin('publint'), '--strict'])],
    [
      'are the types wrong',
      (title) =>
        check(title, [packageBin('@arethetypeswrong/cli', 'attw'), '--pack', '--profile=esm-only']),
    ],
  ],
  vitest: [['vitest', vitest]],
};

function print({ failures, skips }) {
  for (const { title, reason } of skips) process.stdout.write(`  skipped: ${title}: ${reason}\n`);
  for (const { title, text } of failures) {
    process.stdout.write(`  failed: ${title}\n${text.trimEnd().replaceAll(/^/gm, '    ')}\n`);
  }
}

/** CPU time in seconds of every process that this one started and that ended, or 0 elsewhere. */
function childCpuSeconds() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const ticksPerSecond = 100;
    // cutime and cstime, fields 16 and 17 of proc(5); the first two are cut off here.
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** What failed, once more: a run's output is long, and its end is what is kept and read. */
function printFailures(failures) {
  if (failures.length === 0) return;
  process.stdout.write('\nfailed:\n');
  for (const { tier, title, text } of failures.slice(0, maxRepeated)) {
    const end = text.trimEnd().split('\n').slice(-maxRepeatedLines).join('\n');
    process.stdout.write(`  ${tier}: ${title}\n${end.replaceAll(/^/gm, '    ')}\n`);
  }
  const more = failures.length - maxRepeated;
  if (more > 0) process.stdout.write(`  and ${more} more\n`);
}

const inSeconds = (count) => `${count.toFixed(1)} s`;

/** Where the time went: by the clock, and of all CPUs together. */
function printTimes(times) {
  const sum = (key) => times.reduce((total, entry) => total + entry[key], 0);
  const rows = [...times, { title: 'all', wall: sum('wall'), cpu: sum('cpu') }];
  process.stdout.write('\n');
  for (const { title, wall, cpu } of rows) {
    const columns = [inSeconds(wall), inSeconds(cpu)].map((text) => text.padStart(10));
    process.stdout.write(`  ${title.padEnd(36)}${columns.join('')} CPU\n`);
  }
}

async function main(names) {
  const unknown = names.filter((name) => !Object.hasOwn(tiers, name));
  if (unknown.length > 0) {
    say(`unknown tier ${unknown.join(', ')}; there are: ${Object.keys(tiers).join(', ')}`);
    return 2;
  }
  const chosen = names.length > 0 ? names : Object.keys(tiers);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const times = [];
  for (const [title, execute] of chosen.flatMap((name) => tiers[name])) {
    process.stdout.write(`• ${title} …\n`);
    const start = { wall: performance.now() / 1000, cpu: childCpuSeconds() };
    const result = await execute(title);
    const wall = performance.now() / 1000 - start.wall;
    const cpu = childCpuSeconds() - start.cpu;
    times.push({ title, wall, cpu });
    const counts = `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`;
    process.stdout.write(`  ${title}: ${counts} (${inSeconds(wall)})\n`);
    print(result);
    if (requireAll && result.skipped > 0) {
      process.stdout.write('  every tier must run here: the skipped tests count as failed\n');
      result.failures.push({ title: `${result.skipped} tests`, text: 'skipped' });
      result.failed += result.skipped;
      result.skipped = 0;
    }
    for (const key of Object.keys(total)) total[key] += result[key];
    failures.push(...result.failures.map((failure) => ({ tier: title, ...failure })));
  }
  printTimes(times);
  printFailures(failures);
  const { passed, failed: failedCount, skipped } = total;
  process.stdout.write(`${passed} passed, ${failedCount} failed, ${skipped} skipped\n`);
  return failedCount > 0 ? 1 : 0;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
