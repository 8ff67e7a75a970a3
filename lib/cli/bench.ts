// hyperroute bench: runs the benches on this host. The benches are a part of the package of their
// own (dist/bench), loaded only here.
import { writeFileSync } from 'node:fs';
import { type Command, type CommandInput, UsageError } from './command.js';

/** One finished bench; `report` is what --json prints. */
export interface BenchRun {
  readonly report: object;
}

/** What the benches export. */
export interface BenchModule {
  readonly listBenches: () => readonly {
    readonly name: string;
    readonly summary: string;
    /** Those that can be run alone; none of a bench that runs as a whole. */
    readonly cases?: readonly string[];
  }[];
  /** Throws RangeError where the CPUs cannot be had. */
  readonly chooseCpus: (text?: string) => readonly [number, number];
  readonly runBenches: (options: {
    readonly names: readonly string[];
    readonly cpus: readonly [number, number];
    readonly quick: boolean;
    readonly cases?: string | undefined;
    readonly say: (line: string) => void;
  }) => Promise<readonly BenchRun[]>;
  readonly formatReport: (report: never) => string;
  readonly htmlReport: (runs: never) => string;
}

async function run({ values, positionals, io }: CommandInput): Promise<number> {
  // Compiled from another folder than this file, so the compiler cannot follow the path.
  const path = new URL('../bench/main.js', import.meta.url).href;
  const benches = (await import(path)) as BenchModule;
  const known = benches.listBenches();
  if (values.list === true) {
    if (values.json === true) io.json(known);
    else for (const { name, summary } of known) io.out.line(`${name.padEnd(14)}${summary}`);
    return 0;
  }
  const names = positionals.length > 0 ? positionals : known.map(({ name }) => name);
  const unknown = names.find((name) => !known.some((bench) => bench.name === name));
  if (unknown !== undefined) {
    const list = known.map(({ name }) => name).join(', ');
    throw new UsageError(`there is no bench ${JSON.stringify(unknown)}; there are: ${list}`);
  }
  const cases = typeof values.case === 'string' ? values.case : undefined;
  if (cases !== undefined) checkCases(cases, names, known);
  const runs = await benches.runBenches({
    names,
    cases,
    cpus: chosenCpus(benches, values.cpus),
    quick: values.quick === true,
    say: (line) => io.err.line(line),
  });
  const reports = runs.map(({ report }) => report);
  if (values.json === true) io.json(reports.length === 1 ? reports[0] : reports);
  else for (const report of reports) io.out.line(benches.formatReport(report as never));
  if (typeof values.report === 'string') {
    writeFileSync(values.report, benches.htmlReport(runs as never));
    io.err.line(`wrote ${values.report}`);
  }
  return 0;
}

function checkCases(
  wanted: string,
  names: readonly string[],
  known: ReturnType<BenchModule['listBenches']>,
): void {
  for (const name of names) {
    const { cases = [] } = known.find((one) => one.name === name) ?? {};
    if (cases.some((one) => one.includes(wanted))) continue;
    throw new UsageError(
      cases.length === 0
        ? `--case: the bench ${JSON.stringify(name)} runs as a whole`
        : `--case: ${name} has no case ${JSON.stringify(wanted)}; it has: ${cases.join('; ')}`,
    );
  }
}

function chosenCpus(benches: BenchModule, given: unknown): readonly [number, number] {
  try {
    return benches.chooseCpus(typeof given === 'string' ? given : undefined);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--cpus: ${error.message}`);
    throw error;
  }
}

export const bench: Command = {
  name: 'bench',
  usage: '[NAME…]',
  about: [
    'Runs the named benches, or all of them, and prints a table. Ours and its peers alternate in',
    'one run; what counts is the ratio. A missed target is shown and is no failure.',
  ],
  options: {
    cpus: {
      type: 'string',
      value: 'A,B',
      about: 'CPUs of the measuring and the measured side (default: the last two allowed)',
    },
    quick: { type: 'boolean', about: 'short rounds: shows that all works, not how fast it is' },
    case: { type: 'string', value: 'TEXT', about: 'only cases with TEXT in their name (raptor)' },
    report: { type: 'string', value: 'FILE', about: 'write an HTML page with plots as well' },
    list: { type: 'boolean', about: 'list the benches' },
  },
  positionalsMin: 0,
  positionalsMax: 32,
  examples: [
    'hyperroute bench',
    'hyperroute bench ring udp-rtt --cpus 2,3',
    'hyperroute bench raptor --case "open loop"',
    'hyperroute bench --json --report bench.html',
  ],
  run,
};
