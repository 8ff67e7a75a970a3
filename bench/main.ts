// The benches as a module: the `bench` command of the package runs them through this file.

import { benches } from './harness/benches.js';
import { ratiosOf, resultsOf } from './harness/figures.js';
import { allowedCpus, describeCommit, describeHost, parseCpuList } from './harness/host.js';
import { findNative } from './harness/native.js';
import type { BenchReport, Round } from './harness/types.js';

export { htmlReport } from './harness/html.js';
export { formatReport } from './harness/table.js';

/** One finished bench: what `--json` prints, and the rounds that the plots are drawn from. */
export interface BenchRun {
  readonly report: BenchReport;
  readonly rounds: readonly Round[];
}

export interface BenchOptions {
  /** Names from `listBenches()`, in the order wanted. */
  readonly names: readonly string[];
  readonly cpus: readonly [number, number];
  readonly quick: boolean;
  /** Receives progress lines. */
  readonly say: (line: string) => void;
}

/** Every bench with what it measures, in the order in which all of them run. */
export function listBenches(): readonly { readonly name: string; readonly summary: string }[] {
  return benches.map(({ name, summary }) => ({ name, summary }));
}

/**
 * The CPUs of the measuring and of the measured side: those of `text` (`2,3`), or the last two
 * that this process may use, since the first one serves most interrupts. Throws RangeError where
 * there are not two, or where one is not allowed.
 */
export function chooseCpus(text?: string): readonly [number, number] {
  const allowed = allowedCpus();
  const wanted = text === undefined ? allowed.slice(-2) : parseCpuList(text);
  const [first, second] = wanted;
  if (first === undefined || second === undefined || wanted.length !== 2) {
    throw new RangeError(`two CPUs are needed, there are ${wanted.length}: ${wanted.join(',')}`);
  }
  for (const cpu of wanted) {
    if (!allowed.includes(cpu)) {
      throw new RangeError(`CPU ${cpu} is not among the allowed ones: ${allowed.join(',')}`);
    }
  }
  return [first, second];
}

/**
 * Runs benches one after another; blocks nothing, takes minutes (seconds when quick). Throws when
 * a bench cannot run or when its check finds a wrong result; a missed target is no error.
 */
export async function runBenches({ names, ...options }: BenchOptions): Promise<BenchRun[]> {
  const nativePath = findNative();
  const commit = describeCommit();
  const runs: BenchRun[] = [];
  for (const name of names) {
    const bench = benches.find((known) => known.name === name);
    if (bench === undefined) throw new RangeError(`there is no bench '${name}'`);
    options.say(`${name}: ${bench.summary} …`);
    const host = describeHost(options.cpus);
    const { rounds, targets } = await bench.run({ ...options, nativePath });
    const ratios = ratiosOf(rounds, targets);
    runs.push({
      rounds,
      report: { bench: name, commit, host, results: resultsOf(rounds), ratios },
    });
  }
  return runs;
}
