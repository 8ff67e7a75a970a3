// Routing: what the engine does with a message between its arrival and its destination's queue,
// beside the same written by hand in C++; and how that grows with the number of rules.
import { emit } from '#lib/compiler/emit.js';
import { runNative } from '../harness/native.js';
import {
  type Bench,
  type BenchContext,
  type Measured,
  percentileLevels,
  type Round,
  type Target,
} from '../harness/types.js';
import {
  type ExpectedInput,
  randomBelow,
  trafficBytes,
  withExpected,
  withFiles,
} from './route-traffic.js';

const byHand = 'hand-written C++';
const seed = 20_260_101;

const targets: readonly Target[] = [
  { case: 'stateless: one at a time', against: 'limit', target: 50, better: 'lower' },
  { case: 'stateless: one at a time', against: byHand, target: 1.8, better: 'lower' },
  { case: 'stateless: bursts of 32', against: byHand, target: 1.5, better: 'lower' },
];

interface Flow {
  readonly flow: 'stateless' | 'alone';
  /** Of the case. */
  readonly name: string;
  readonly image: Uint8Array;
  readonly inputs: readonly ExpectedInput[];
  readonly roundCount: number;
  readonly passCount: number;
}

function measure(
  { cpus, nativePath }: BenchContext,
  { flow, name, image, inputs, roundCount, passCount }: Flow,
): Promise<Round[]> {
  return withFiles([image, trafficBytes(inputs)], (paths) => {
    const size = [String(roundCount), String(passCount)];
    return runNative(nativePath, ['route', flow, String(cpus[1]), ...size, name, ...paths]);
  });
}

async function statelessFlow(context: BenchContext): Promise<Round[]> {
  const { statelessInputs, statelessRouter } = await import('./route-stateless.js');
  const ir = statelessRouter();
  return measure(context, {
    flow: 'stateless',
    name: 'stateless',
    image: emit(ir),
    inputs: withExpected(ir, statelessInputs(randomBelow(seed))),
    ...(context.quick ? { roundCount: 5, passCount: 2 } : { roundCount: 31, passCount: 20 }),
  });
}

/** How long it took to make the image, from the rules as they are written in the configuration. */
function compileRound(name: string, elapsedMs: number): Round {
  const elapsedNs = elapsedMs * 1e6;
  return {
    case: `compile ${name}`,
    subject: 'ours',
    unit: 'ns',
    n: 1,
    values: percentileLevels.map(() => elapsedNs),
  };
}

async function scaling(context: BenchContext): Promise<Round[]> {
  const { scalingCases } = await import('./route-scaling.js');
  const rounds: Round[] = [];
  for (const { name, ir, inputs } of scalingCases(context.quick ? 100 : Infinity)) {
    const before = performance.now();
    const image = emit(ir());
    const elapsedMs = performance.now() - before;
    const measured = await measure(context, {
      flow: 'alone',
      name,
      image,
      inputs: inputs(),
      ...(context.quick ? { roundCount: 1, passCount: 1 } : { roundCount: 5, passCount: 4 }),
    });
    // The clock of the first process is a result already.
    const timed = measured.filter((round) => round.case !== 'clock');
    rounds.push(...timed.map((round) => ({ ...round, bytes: image.length })));
    rounds.push(compileRound(name, elapsedMs));
  }
  return rounds;
}

async function run(context: BenchContext): Promise<Measured> {
  const stateless = await statelessFlow(context);
  context.say('route: more and more rules …');
  const scaled = await scaling(context);
  context.say('route: changing the configuration …');
  const { swapRounds } = await import('../latency/swap.js');
  return { rounds: [...stateless, ...scaled, ...(await swapRounds(context))], targets };
}

export const route: Bench = {
  name: 'route',
  summary: 'routing a message, against the same flow written by hand in C++',
  run,
};
