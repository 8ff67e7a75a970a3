// Runs the simulator of the protocol core (test/sim, built by presim), its seeds split over as many
// processes as there are CPUs.
//
//   node scripts/sim.mjs --seeds N [--first F]      seeds F (1) to F + N − 1
//   node scripts/sim.mjs --seed S [--trace]         one seed, and what happens in it
//   node scripts/sim.mjs --self-test                every check finds the fault planted for it
//
// A violation prints its seed; the exit code is then 1.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './ensure-built.mjs';
import { say, which } from './exec.mjs';
import { root } from './sources.mjs';

const program = join(root, 'build', 'sim', 'hyperroute-sim');
const tierSeeds = 1000;

/**
 * Runs one process and hands its lines to `onLine`. Resolves to its exit code, and to 1 where it
 * did not start or was killed.
 */
function simulate(args, onLine) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const stop = () => {
      child.kill('SIGKILL');
      process.exit(130);
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
    createInterface({ input: child.stdout }).on('line', onLine);
    const finish = (status) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, stop);
      resolve(status);
    };
    child.once('error', (error) => {
      onLine(`${program}: ${error.message}`);
      finish(1);
    });
    child.once('close', (status) => finish(status ?? 1));
  });
}

/**
 * Seeds first … first + seeds − 1, dealt out in turn. Resolves to { isClean, lines, totals }:
 * what was found wrong, one line a seed, and what was simulated.
 */
export async function simulateSeeds({ seeds, first, onProgress = (_seedsDone) => {} }) {
  const processes = Math.max(1, Math.min(availableParallelism(), seeds));
  const done = new Array(processes).fill(0);
  const lines = [];
  const totals = {};
  const statuses = await Promise.all(
    done.map((_, index) => {
      const count = Math.ceil((seeds - index) / processes);
      const numbers = ['--seeds', count, '--first', first + index, '--step', processes];
      return simulate([...numbers.map(String), '--progress'], (line) => {
        const [word, ...rest] = line.split(' ');
        if (word === 'done') {
          done[index] = Number(rest[0]);
          onProgress(done.reduce((sum, one) => sum + one));
        } else if (word === 'total') {
          for (const [, name, count] of line.matchAll(/(\w+) (\d+)/g)) {
            totals[name] = (totals[name] ?? 0) + Number(count);
          }
        } else {
          lines.push(line);
        }
      });
    }),
  );
  return { isClean: statuses.every((status) => status === 0), lines, totals };
}

const inWords = (totals) =>
  Object.entries(totals)
    .filter(([name]) => name !== 'violations')
    .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
    .join(', ');

/** The tier of scripts/test.mjs: the simulator's own test, then seeds. */
export async function simulateTier() {
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  if (which('cmake') === undefined) {
    const reason = 'cmake is not installed (scripts/setup.sh)';
    return { ...result, skipped: 3, skips: [{ title: 'simulator', reason }] };
  }
  if (!ensureBuilt(['sim'])) {
    return { ...result, failed: 3, failures: [{ title: 'simulator', text: 'it does not build' }] };
  }
  const fail = (title, lines) => {
    result.failed += 1;
    result.failures.push({ title, text: lines.join('\n') });
  };
  const selfTest = [];
  const status = await simulate(['--self-test'], (line) => selfTest.push(line));
  if (status === 0) result.passed += 1;
  else fail('the simulator finds planted faults', selfTest);
  const { isClean, lines, totals } = await simulateSeeds({ seeds: tierSeeds, first: 1 });
  if (isClean) result.passed += 1;
  else fail(`${tierSeeds} seeds (npm run sim -- --seed S --trace shows one)`, lines);
  // Clean runs say little of what they never came to.
  const missed = Object.keys(totals).filter((name) => name !== 'violations' && totals[name] === 0);
  if (isClean && missed.length > 0) fail('the simulation reaches all it is for', missed);
  else result.passed += 1;
  return result;
}

const wholeNumber = (text, least) => {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= least ? number : undefined;
};

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      'self-test': { type: 'boolean', default: false },
    },
  });
  const print = (line) => process.stdout.write(`${line}\n`);
  if (values['self-test']) return simulate(['--self-test'], print);
  if (values.seed !== undefined) {
    const args = ['--seed', values.seed, ...(values.trace ? ['--trace'] : [])];
    return simulate(args, print);
  }
  const seeds = wholeNumber(values.seeds, 1);
  const first = wholeNumber(values.first, 0);
  if (seeds === undefined || first === undefined) {
    say('sim: expected --seeds N [--first F], --seed S [--trace] or --self-test');
    return 2;
  }
  const onProgress = (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${seeds} seeds `);
  };
  const { isClean, lines, totals } = await simulateSeeds({ seeds, first, onProgress });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  for (const line of lines) print(line);
  const last = first + seeds - 1;
  print(`seeds ${first} to ${last}: ${totals.violations ?? 0} violations; ${inWords(totals)}`);
  return isClean ? 0 : 1;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main();
}
