// Raptor against its peers on loopback: round trips, streams, with and without loss, at a fixed
// rate, and from idle. Subjects alternate round by round.
import { median } from '../harness/figures.js';
import type { Bench, BenchContext, Measured, Round, Target } from '../harness/types.js';
import {
  buildLinks,
  type LinkProgram,
  type LinkRound,
  linkPrograms,
  runLink,
} from './raptor-links.js';

const ours = 'ours';
const clock = 'clock';
const raw = 'raw UDP ping-pong';
const aerons = ['aeron-1.46.7', 'aeron-1.51.0'];
const streamBytes = [32, 288];
const openLoopShares = [50, 80];
const lostKeepsMin = 0.8;
const aeronTimes = 2;
const lossP99NsMax = 500_000;
const openLoopP99NsMax = 1_000_000;

interface Sizes {
  readonly rounds: number;
  readonly exchanges: number;
  readonly lossyExchanges: number;
  readonly streamed: number;
  readonly idleExchanges: number;
}
const full: Sizes = {
  rounds: 7,
  exchanges: 20_000,
  lossyExchanges: 20_000,
  streamed: 2_000_000,
  idleExchanges: 200,
};
const short: Sizes = {
  rounds: 1,
  exchanges: 500,
  lossyExchanges: 500,
  streamed: 20_000,
  idleExchanges: 10,
};

/** Runs the rounds of one case for each subject in turn; who comes first changes. */
class Runner {
  readonly rounds: Round[] = [];
  readonly targets: Target[] = [];

  readonly sizes: Sizes;
  readonly #programs: ReadonlyMap<string, LinkProgram>;
  readonly #context: BenchContext;

  constructor(programs: ReadonlyMap<string, LinkProgram>, context: BenchContext) {
    this.#programs = programs;
    this.#context = context;
    this.sizes = context.quick ? short : full;
  }

  has(link: string): boolean {
    return this.#programs.has(link);
  }

  async alternate(round: LinkRound, links: readonly string[]): Promise<void> {
    const present = links.flatMap((link) => this.#programs.get(link) ?? []);
    this.#context.say(`raptor: ${round.name}: ${present.map(({ subject }) => subject).join(', ')}`);
    for (let turn = 0; turn < this.sizes.rounds; ++turn) {
      for (let index = 0; index < present.length; ++index) {
        const program = present[(turn + index) % present.length] as LinkProgram;
        const seeded = { ...round, seed: turn + 1 };
        this.#keep(await runLink(program, seeded, this.#context.cpus));
      }
    }
  }

  /** What the clock costs is measured by each round trip, and told once. */
  #keep(rounds: readonly Round[]): void {
    const isKnown = this.rounds.some((round) => round.case === clock);
    this.rounds.push(...rounds.filter((round) => round.case !== clock || !isKnown));
  }

  /** The median rate of ours in a case. */
  rateOf(name: string): number {
    const own = this.rounds.filter((round) => round.case === name && round.subject === ours);
    return median(own.map(({ rate }) => rate ?? Number.NaN));
  }

  promise(target: Target): void {
    this.targets.push(target);
  }
}

async function roundTrips(runner: Runner): Promise<void> {
  const name = 'round trip 32 B';
  const asked = { role: 'rtt', bytes: 32, count: runner.sizes.exchanges } as const;
  const peers = ['raptor-insecure', 'enet', 'zeromq', ...aerons];
  await runner.alternate({ name, ...asked }, ['udp', 'raptor', ...peers]);
  runner.promise({ case: name, against: raw, target: 1.25, better: 'lower' });
}

async function lossyRoundTrips(runner: Runner): Promise<void> {
  const asked = { role: 'rtt', bytes: 32, count: runner.sizes.lossyExchanges } as const;
  const spinning = 'round trip 32 B, 1 % loss';
  await runner.alternate({ name: spinning, ...asked, lossPermille: 10 }, ['raptor', 'enet']);
  runner.promise({
    case: spinning,
    against: 'limit',
    target: lossP99NsMax,
    better: 'lower',
    figure: 'p99',
  });
  const blocking = 'round trip 32 B, 1 % loss, default idle';
  await runner.alternate({ name: blocking, ...asked, lossPermille: 10, blocking: true }, [
    'raptor',
  ]);
}

async function streams(runner: Runner, bytes: number): Promise<void> {
  const name = `stream ${bytes} B`;
  const asked = { role: 'stream', bytes, count: runner.sizes.streamed } as const;
  const large = aerons.map((link) => `${link}-8192`);
  const peers = ['raptor-insecure', ...aerons, ...large, 'enet', 'zeromq'];
  await runner.alternate({ name, ...asked }, ['raptor', ...peers]);
  for (const link of aerons.filter((each) => runner.has(each))) {
    runner.promise({
      case: name,
      against: link.replace('aeron-', 'Aeron '),
      target: aeronTimes,
      better: 'higher',
      figure: 'rate',
    });
  }
  const lossy = `stream ${bytes} B, 5 % loss`;
  const clean = runner.rounds.filter((round) => round.case === name && round.subject === ours);
  await runner.alternate({ name: lossy, ...asked, lossPermille: 50 }, ['raptor']);
  runner.rounds.push(...clean.map((round) => ({ ...round, case: lossy, subject: 'without loss' })));
  runner.promise({
    case: lossy,
    against: 'without loss',
    target: lostKeepsMin,
    better: 'higher',
    figure: 'rate',
  });
}

async function openLoops(runner: Runner, bytes: number): Promise<void> {
  const rateMax = runner.rateOf(`stream ${bytes} B`);
  for (const share of openLoopShares) {
    const rate = Math.max(1, Math.floor((rateMax * share) / 100));
    const name = `open loop ${bytes} B at ${share} %`;
    const count = runner.sizes.streamed;
    await runner.alternate({ name, role: 'open-loop', bytes, count, rate }, ['raptor']);
    runner.promise({
      case: name,
      against: 'limit',
      target: openLoopP99NsMax,
      better: 'lower',
      figure: 'p99',
    });
  }
}

async function fromIdle(runner: Runner): Promise<void> {
  const name = 'round trip 32 B from idle';
  const asked = { role: 'rtt', bytes: 32, pauseUs: 10_000, blocking: true } as const;
  await runner.alternate({ name, ...asked, count: runner.sizes.idleExchanges }, ['udp', 'raptor']);
  runner.promise({ case: name, against: raw, target: 1.3, better: 'lower', figure: 'p99' });
}

/** Both ends in JavaScript: event-driven, where nothing spins, and polled against what spins. */
async function scripts(runner: Runner): Promise<void> {
  const asked = { role: 'rtt', bytes: 32, count: runner.sizes.exchanges } as const;
  const driven = 'JS round trip 32 B';
  await runner.alternate({ name: driven, ...asked }, ['js-raptor', 'js-dgram']);
  runner.promise({ case: driven, against: 'node dgram', target: 0.7, better: 'lower' });
  const polled = 'JS round trip 32 B, polled';
  await runner.alternate({ name: polled, ...asked }, ['js-raptor-polled', 'udp']);
  runner.promise({ case: polled, against: raw, target: 1.6, better: 'lower' });
  for (const bytes of streamBytes) {
    const streamed = { role: 'stream', bytes, count: runner.sizes.streamed } as const;
    await runner.alternate({ name: `JS stream ${bytes} B`, ...streamed }, ['js-raptor']);
  }
}

async function run(context: BenchContext): Promise<Measured> {
  const folder = buildLinks();
  if (folder === undefined) {
    context.say('raptor: an installed package has no links to measure; it takes a checkout');
    return { rounds: [], targets: [] };
  }
  const programs = linkPrograms(folder);
  if (!aerons.some((link) => programs.has(link))) context.say('raptor: the links go without Aeron');
  const runner = new Runner(programs, context);
  await roundTrips(runner);
  await lossyRoundTrips(runner);
  for (const bytes of streamBytes) await streams(runner, bytes);
  for (const bytes of streamBytes) await openLoops(runner, bytes);
  await fromIdle(runner);
  await scripts(runner);
  return runner;
}

export const raptor: Bench = {
  name: 'raptor',
  summary: 'Raptor and its peers on loopback: round trips, streams, loss, fixed rates, from idle',
  run,
};
