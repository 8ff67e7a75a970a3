// Routing: what the engine does with a message between its arrival and its destination's queue,
// beside the same written by hand in C++; and how that grows with the number of rules.
import { emit } from '#internals';
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

/** Open orders while the order flow is measured. */
const liveCounts = [10_000, 100_000, 1_000_000] as const;
const orderSteps = ['new order', 'report', 'replace', 'last report'] as const;
/** Places for orders that are about to be opened. */
const spareOrders = 64;

const ordersName = (liveCount: number): string => `${liveCount.toLocaleString('en')} open orders`;

/** One at a time with the fewest orders, in bursts with the most. */
const orderTargets: readonly Target[] = orderSteps.flatMap((step): Target[] => {
  const single = `${ordersName(liveCounts[0])}, ${step}: one at a time`;
  const burst = `${ordersName(liveCounts[2])}, ${step}: bursts of 32`;
  return [
    { case: single, against: 'limit', target: 60, better: 'lower' },
    { case: single, against: 'limit', target: 150, better: 'lower', figure: 'p99' },
    { case: single, against: byHand, target: 1.8, better: 'lower' },
    { case: burst, against: 'limit', target: 60, better: 'lower' },
    { case: burst, against: 'limit', target: 150, better: 'lower', figure: 'p99' },
    { case: burst, against: byHand, target: 1.5, better: 'lower' },
  ];
});

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

async function orderFlow({ cpus, nativePath, quick }: BenchContext): Promise<Round[]> {
  const { orderRouter } = await import('./route-orders.js');
  const rounds: Round[] = [];
  for (const liveCount of quick ? liveCounts.slice(0, 1) : liveCounts) {
    const image = emit(orderRouter(liveCount + spareOrders));
    const size = quick ? ['5', '20'] : ['11', '1000'];
    const name = ordersName(liveCount);
    const measured = await withFiles([image], ([path = '']) => {
      const flow = ['route', 'orders', String(cpus[1]), ...size, name, path, String(liveCount)];
      return runNative(nativePath, flow);
    });
    rounds.push(...measured.filter((round) => round.case !== 'clock'));
  }
  return rounds;
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
  context.say('route: orders …');
  const orders = await orderFlow(context);
  const measured = new Set(orders.map((round) => round.case));
  const allTargets = [...targets, ...orderTargets.filter((target) => measured.has(target.case))];
  context.say('route: more and more rules …');
  const scaled = await scaling(context);
  context.say('route: changing the configuration …');
  const { swapRounds } = await import('../latency/swap.js');
  const swaps = await swapRounds(context);
  return { rounds: [...stateless, ...orders, ...scaled, ...swaps], targets: allTargets };
}

export const route: Bench = {
  name: 'route',
  summary: 'routing a message, against the same flow written by hand in C++',
  run,
};
