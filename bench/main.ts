// The benches as a module: the `bench` command of the package runs them through this file.
import { findProgram } from '#internals';
import { benches } from './harness/benches.js';
import { ratiosOf, resultsOf } from './harness/figures.js';
import { describeCommit, describeHost } from './harness/host.js';
import type { Bench, BenchReport, Round } from './harness/types.js';

export { chooseCpus } from './harness/cpus.js';
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
  /** Only cases with this in their name; every named bench must have cases. */
  readonly cases?: string | undefined;
  /** Receives progress lines. */
  readonly say: (line: string) => void;
}

/** Every bench with what it measures, in the order in which all of them run. */
export function listBenches(): readonly Pick<Bench, 'name' | 'summary' | 'cases'>[] {
  return benches.map(({ name, summary, cases = [] }) => ({ name, summary, cases }));
}

/**
 * Runs benches one after another; blocks nothing, takes minutes (seconds when quick). Throws when
 * a bench cannot run or when its check finds a wrong result; a missed target is no error.
 */
export async function runBenches({ names, ...options }: BenchOptions): Promise<BenchRun[]> {
  const nativePath = findProgram();
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
