// Builds and runs the C++ tests: each variant in a build folder of its own under build/.
//
//   node scripts/native-tests.mjs build [variant …]          builds only (default: every variant)
//   node scripts/native-tests.mjs run [variant …] [filter]   builds and runs, with a GoogleTest
//                                                            filter such as SpscRing.*
//   variants: unit, sanitized (ASan and UBSan), stress (TSan)
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerEnv } from './build-addon.mjs';
import { runLimited, say, which } from './exec.mjs';
import { filesUnder, root } from './sources.mjs';

const unitFolders = ['test/unit/native', 'test/conformance'];
// Line numbers are all that a sanitizer's report needs. gcc's sanitizers take minutes to optimise
// the larger tests; races need code that runs at some speed.
const plain = '-DHR_OPTIMISATION=-O0 -g1';
const optimised = ['-DHR_OPTIMISATION=-O1 -g1', '-DHR_TEST_OPTIMISATION=-O1'];

export const variants = {
  unit: {
    title: 'C++ unit tests',
    target: 'hyperroute_tests',
    // A user's build of the addon lets warnings pass; here they are errors.
    alsoBuilt: ['hyperroute_addon'],
    folders: unitFolders,
    suffix: '_test.cc',
    compiler: 'g++',
    cmake: [],
    env: {},
    seconds: 300,
  },
  sanitized: {
    title: 'C++ unit tests under ASan and UBSan',
    target: 'hyperroute_tests',
    folders: unitFolders,
    suffix: '_test.cc',
    compiler: 'g++',
    cmake: ['-DHR_SANITIZE=address,undefined', '-DHR_DEBUG_ASSERTS=ON', plain],
    env: {
      ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    seconds: 600,
  },
  stress: {
    title: 'C++ stress tests under TSan',
    target: 'hyperroute_stress',
    folders: ['test/stress'],
    suffix: '_stress.cc',
    compiler: 'clang++',
    cmake: ['-DHR_SANITIZE=thread', '-DHR_DEBUG_ASSERTS=ON', ...optimised],
    env: { TSAN_OPTIONS: 'halt_on_error=0:second_deadlock_stack=1' },
    seconds: 600,
  },
};

const buildSeconds = 1800;

/** The variant's test sources. */
function sourcesOfVariant({ folders, suffix }) {
  return folders.flatMap((folder) =>
    filesUnder(join(root, folder), (name) => name.endsWith(suffix)),
  );
}

/** How many tests the sources declare, for when they cannot be built. */
function declaredCount(variant) {
  return sourcesOfVariant(variant)
    .map(
      (path) => readFileSync(path, 'utf8').match(/^\s*(?:TYPED_)?TEST(?:_F|_P)?\(/gm)?.length ?? 0,
    )
    .reduce((sum, count) => sum + count, 0);
}

/** Why the variant cannot be built here, or undefined. */
function missingTool({ compiler }) {
  for (const tool of ['cmake', compiler]) {
    if (which(tool) === undefined) return `${tool} is not installed (scripts/setup.sh)`;
  }
  if (!['/usr/include', '/usr/local/include'].some((at) => existsSync(`${at}/gtest/gtest.h`))) {
    return 'GoogleTest (libgtest-dev) is not installed (scripts/setup.sh)';
  }
  return undefined;
}

const folderOf = (name) => join(root, 'build', name === 'unit' ? 'tests' : name);
const logOf = (name, step) => join(root, 'build', 'logs', `${name}-${step}.log`);

/** Configures and builds one variant. Returns undefined, or the output of the step that failed. */
export async function buildVariant(name, { show = false } = {}) {
  const { compiler, cmake, target, alsoBuilt = [] } = variants[name];
  const folder = folderOf(name);
  const settings = [`-DCMAKE_CXX_COMPILER=${compiler}`, '-DHR_WERROR=ON', ...cmake];
  const { npm_config_nodedir: headers } = headerEnv();
  if (headers !== undefined) settings.push(`-DCMAKE_JS_INC=${join(headers, 'include', 'node')}`);
  const generator = which('ninja') ? ['-G', 'Ninja'] : [];
  const jobs = String(availableParallelism());
  const steps = {
    configure: ['-S', root, '-B', folder, ...generator, ...settings],
    build: ['--build', folder, '--target', target, ...alsoBuilt, '-j', jobs],
  };
  for (const [step, args] of Object.entries(steps)) {
    const options = { logPath: logOf(name, step), seconds: buildSeconds, show };
    const { status, timedOut, output } = await runLimited('cmake', args, options);
    if (status !== 0) {
      return `${timedOut ? `over the limit of ${buildSeconds} s\n` : ''}${tail(output, 60)}`;
    }
  }
  return undefined;
}

const tail = (text, lines) => text.trimEnd().split('\n').slice(-lines).join('\n');

/** GoogleTest prints a skip's reason to its output only: `file:line: Skipped`, then the reason. */
function skipReasons(output) {
  const reasons = new Map();
  let reason = '';
  let collecting = false;
  for (const line of output.split('\n')) {
    const done = /^\[ {2}SKIPPED \] (\S+)/.exec(line);
    if (done !== null && collecting) {
      reasons.set(done[1], reason.trim());
      collecting = false;
    } else if (/: Skipped$/.test(line)) {
      collecting = true;
      reason = '';
    } else if (collecting) reason += `${line} `;
  }
  return reasons;
}

/** Turns GoogleTest's JSON report into { passed, failed, skipped, failures, skips }. */
export function readReport(report, output) {
  const reasons = skipReasons(output);
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  for (const suite of report.testsuites) {
    for (const test of suite.testsuite) {
      const title = `${suite.name}.${test.name}`;
      if (test.failures !== undefined) {
        result.failed += 1;
        result.failures.push({ title, text: test.failures.map((f) => f.failure).join('\n') });
      } else if (test.result === 'SKIPPED' || test.status === 'NOTRUN') {
        result.skipped += 1;
        result.skips.push({ title, reason: reasons.get(title) ?? 'disabled' });
      } else result.passed += 1;
    }
  }
  return result;
}

const failure = (title, text) => ({
  passed: 0,
  failed: 1,
  skipped: 0,
  failures: [{ title, text }],
  skips: [],
});

/** Builds and runs one variant. Resolves to { passed, failed, skipped, failures, skips }. */
export async function runVariant(name, { filter = '*', show = false } = {}) {
  const variant = variants[name];
  const { title, target, env, seconds } = variant;
  if (sourcesOfVariant(variant).length === 0) return failure(title, 'no test was found');
  const reason = missingTool(variant);
  if (reason !== undefined) {
    const skipped = declaredCount(variant);
    return { passed: 0, failed: 0, skipped, failures: [], skips: [{ title, reason }] };
  }
  const buildOutput = await buildVariant(name, { show });
  if (buildOutput !== undefined) return failure(`${title}: build`, buildOutput);

  const reportPath = logOf(name, 'report').replace(/log$/, 'json');
  rmSync(reportPath, { force: true });
  const args = [`--gtest_output=json:${reportPath}`, `--gtest_filter=${filter}`];
  // Tests find their files by __FILE__, which a compiler cache may have made relative to the folder
  // they were built in.
  const cwd = folderOf(name);
  const options = { logPath: logOf(name, 'run'), seconds, env, cwd, show };
  const run = await runLimited(join(cwd, target), args, options);
  if (run.timedOut)
    return failure(title, `over the limit of ${seconds} s\n${tail(run.output, 40)}`);
  if (!existsSync(reportPath)) {
    return failure(title, `ended with status ${run.status}\n${tail(run.output, 60)}`);
  }
  const result = readReport(JSON.parse(readFileSync(reportPath, 'utf8')), run.output);
  if (result.passed + result.failed + result.skipped === 0) return failure(title, 'no test ran');
  // Sanitizers report after the last test, or make the process fail without failing a test.
  if (run.status !== 0 && result.failed === 0) {
    result.failed = 1;
    result.failures.push({
      title: `${title}: exit status ${run.status}`,
      text: tail(run.output, 80),
    });
  }
  return result;
}

async function main(args) {
  const [step, ...names] = args;
  const chosen = names.filter((name) => Object.hasOwn(variants, name));
  const filter = names.find((name) => !Object.hasOwn(variants, name));
  let failed = 0;
  for (const name of chosen.length > 0 ? chosen : Object.keys(variants)) {
    if (step === 'build') {
      const output = await buildVariant(name, { show: true });
      if (output !== undefined) failed += 1;
    } else {
      const result = await runVariant(name, { ...(filter ? { filter } : {}), show: true });
      say(`${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
      for (const { title, text } of result.failures) say(`failed: ${title}\n${text}`);
      failed += result.failed;
    }
  }
  return failed > 0 ? 1 : 0;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exit(await main(process.argv.slice(2)));
}
