// Raptor against its peers on loopback: round trips, streams, with and without loss, at a fixed
// rate, from idle, and what an idle session costs. Subjects alternate round by round.
import { join } from 'node:path';
import { median } from '../harness/figures.js';
import { runNative } from '../harness/native.js';
import type { Bench, BenchContext, Measured, Round, Target } from '../harness/types.js';
import { idleCases, idleRounds } from './raptor-idle.js';
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
const hostAlone = 'host alone';
const aerons = ['aeron-1.46.7', 'aeron-1.51.0'];
const openLoopShares = [50, 80];
const lostKeepsMin = 0.8;
const aeronTimes = 2;
const lossP99NsMax = 500_000;
const openLoopP99NsMax = 1_000_000;
const idlePercentMax = 1;
const sessionKibMax = 64;
const residentKibMax = 16 * 1024;
const usPerSecond = 1_000_000;
const idlePauseUs = 10_000;

interface Sizes {
  readonly rounds: number;
  readonly exchanges: number;
  readonly streamed: number;
  readonly scriptStreamed: number;
  readonly idleExchanges: number;
  readonly idleRounds: number;
  readonly idleSettleSeconds: number;
  readonly idleSeconds: number;
  readonly sessions: number;
}
const full: Sizes = {
  rounds: 7,
  exchanges: 20_000,
  streamed: 2_000_000,
  scriptStreamed: 200_000,
  idleExchanges: 500,
  idleRounds: 3,
  idleSettleSeconds: 10,
  idleSeconds: 10,
  sessions: 100,
};
const short: Sizes = {
  rounds: 1,
  exchanges: 500,
  streamed: 20_000,
  scriptStreamed: 20_000,
  idleExchanges: 10,
  idleRounds: 1,
  idleSettleSeconds: 1,
  idleSeconds: 0.5,
  sessions: 10,
};

/** Runs the rounds of one case for each subject in turn; who comes first changes. */
class Runner {
  readonly rounds: Round[] = [];
  readonly targets: Target[] = [];

  readonly sizes: Sizes;
  readonly context: BenchContext;
  readonly folder: string;
  readonly #programs: ReadonlyMap<string, LinkProgram>;

  constructor(folder: string, context: BenchContext) {
    this.folder = folder;
    this.#programs = linkPrograms(folder);
    this.context = context;
    this.sizes = context.quick ? short : full;
  }

  has(link: string): boolean {
    return this.#programs.has(link);
  }

  async alternate(
    round: LinkRound,
    links: readonly string[],
    turns = this.sizes.rounds,
  ): Promise<void> {
    const present = links.flatMap((link) => this.#programs.get(link) ?? []);
    this.context.say(`raptor: ${round.name}: ${present.map(({ subject }) => subject).join(', ')}`);
    for (let turn = 0; turn < turns; ++turn) {
      for (let index = 0; index < present.length; ++index) {
        const program = present[(turn + index) % present.length] as LinkProgram;
        const seeded = { ...round, seed: turn + 1 };
        this.keep(await runLink(program, seeded, this.context.cpus));
      }
    }
  }

  /** What the clock costs is measured by each round trip, and told once. */
  keep(rounds: readonly Round[]): void {
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

  /** A figure of ours that has a bound of its own. */
  limit(name: string, figure: 'p50' | 'p99', target: number): void {
    this.promise({ case: name, against: 'limit', target, better: 'lower', figure });
  }
}

async function roundTrips(runner: Runner, name: string): Promise<void> {
  const asked = { role: 'rtt', bytes: 32, count: runner.sizes.exchanges } as const;
  const peers = ['raptor-insecure', 'enet', 'zeromq', ...aerons];
  await runner.alternate({ name, ...asked }, ['udp', 'raptor', ...peers]);
  runner.promise({ case: name, against: raw, target: 1.25, better: 'lower' });
}

async function lossyRoundTrips(runner: Runner, name: string): Promise<void> {
  const asked = {
    role: 'rtt',
    bytes: 32,
    count: runner.sizes.exchanges,
    lossPermille: 10,
  } as const;
  await runner.alternate({ name, ...asked }, ['raptor', 'enet']);
  runner.limit(name, 'p99', lossP99NsMax);
  await runner.alternate({ name: `${name}, default idle`, ...asked, blocking: true }, ['raptor']);
}

async function streams(runner: Runner, name: string, bytes: number): Promise<void> {
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
  const lossy = `${name}, 5 % loss`;
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

/** Shares of what the same loop carries without a schedule, with the same kind of messages. */
async function openLoops(runner: Runner, name: string, bytes: number): Promise<void> {
  const asked = { bytes, count: runner.sizes.streamed };
  const most = `${name}, as fast as it goes`;
  await runner.alternate({ name: most, role: 'timed-stream', ...asked }, ['raptor']);
  const rateMax = runner.rateOf(most);
  for (const share of openLoopShares) {
    const rate = Math.max(1, Math.floor((rateMax * share) / 100));
    const loaded = `${name} at ${share} %`;
    const round = { name: loaded, role: 'open-loop', ...asked, rate } as const;
    for (let turn = 0; turn < runner.sizes.rounds; ++turn) {
      await runner.alternate(round, ['raptor'], 1);
      await hostPauses(runner, round, share);
    }
    runner.limit(loaded, 'p99', openLoopP99NsMax);
  }
}

/** What the host's pauses cost a link that takes no time itself, for as long as the loop ran. */
async function hostPauses(
  runner: Runner,
  { name, count, rate }: { name: string; count: number; rate: number },
  share: number,
): Promise<void> {
  const us = Math.ceil((count / rate) * usPerSecond);
  const { folder, context } = runner;
  const [cpu, peer] = context.cpus.map(String) as [string, string];
  const told = ['--name', name, '--subject', hostAlone, '--cpu', cpu, '--peer-cpu', peer];
  const args = ['host', 'pauses', ...told, '--share', String(share), '--pause-us', String(us)];
  runner.keep(await runNative(join(folder, 'hyperroute-bench-links'), args));
}

async function fromIdle(runner: Runner, name: string): Promise<void> {
  const count = runner.sizes.idleExchanges;
  const asked = { role: 'rtt', bytes: 32, count, pauseUs: idlePauseUs, blocking: true } as const;
  await runner.alternate({ name, ...asked }, ['udp', 'raptor']);
  runner.promise({ case: name, against: raw, target: 1.3, better: 'lower', figure: 'p99' });
}

/** Both ends in JavaScript: event-driven, where nothing spins, and polled against what spins. */
async function scripts(runner: Runner, name: string): Promise<void> {
  const asked = { role: 'rtt', bytes: 32, count: runner.sizes.exchanges } as const;
  const peers = ['js-dgram', 'js-zeromq', 'js-udx'];
  await runner.alternate({ name, ...asked }, ['js-raptor', ...peers]);
  runner.promise({ case: name, against: 'node dgram', target: 0.7, better: 'lower' });
  const polled = `${name}, polled`;
  await runner.alternate({ name: polled, ...asked }, ['js-raptor-polled', 'udp']);
  runner.promise({ case: polled, against: raw, target: 1.6, better: 'lower' });
}

async function scriptStreams(runner: Runner, name: string, bytes: number): Promise<void> {
  const asked = { role: 'stream', bytes, count: runner.sizes.scriptStreamed } as const;
  await runner.alternate({ name, ...asked }, ['js-raptor', 'js-zeromq', 'js-udx']);
}

async function idle(runner: Runner, name: string): Promise<void> {
  const { idleSeconds, idleSettleSeconds, idleRounds: turns } = runner.sizes;
  const ends = `${name}, C++ ends`;
  const pauseUs = idleSeconds * usPerSecond;
  const asked = { role: 'idle', bytes: 32, count: 1, pauseUs, blocking: true } as const;
  await runner.alternate({ name: ends, ...asked }, ['raptor'], turns);
  runner.limit(ends, 'p50', idlePercentMax);
  const kinds = Object.values(idleCases);
  runner.context.say(`raptor: ${kinds.flatMap(({ cpu, memory }) => [cpu, memory]).join('; ')}`);
  for (let turn = 0; turn < turns; ++turn) {
    runner.keep(await idleRounds(idleSeconds, idleSettleSeconds));
  }
  for (const { cpu, memory } of kinds) {
    runner.limit(cpu, 'p50', idlePercentMax);
    runner.limit(memory, 'p50', residentKibMax);
  }
}

async function sessionMemory(runner: Runner, name: string): Promise<void> {
  const { sizes, folder, context } = runner;
  context.say(`raptor: ${name}: ${sizes.sessions} sessions`);
  const told = ['--name', name, '--subject', ours, '--count', String(sizes.sessions)];
  for (let turn = 0; turn < sizes.idleRounds; ++turn) {
    const args = ['raptor', 'memory', ...told, '--cpu', String(context.cpus[0])];
    runner.keep(await runNative(join(folder, 'hyperroute-bench-links'), args));
  }
  runner.limit(name, 'p50', sessionKibMax);
}

type Group = (runner: Runner, name: string) => Promise<void>;

/** Cases that belong together, by the beginning of their names. */
const groups: Readonly<Record<string, Group>> = {
  'round trip 32 B': roundTrips,
  'round trip 32 B, 1 % loss': lossyRoundTrips,
  'stream 32 B': (runner, name) => streams(runner, name, 32),
  'stream 288 B': (runner, name) => streams(runner, name, 288),
  'open loop 32 B': (runner, name) => openLoops(runner, name, 32),
  'open loop 288 B': (runner, name) => openLoops(runner, name, 288),
  'round trip 32 B from idle': fromIdle,
  'JS round trip 32 B': scripts,
  'JS stream 32 B': (runner, name) => scriptStreams(runner, name, 32),
  'JS stream 288 B': (runner, name) => scriptStreams(runner, name, 288),
  idle,
  'memory of an idle session': sessionMemory,
};

async function run(context: BenchContext): Promise<Measured> {
  const { cases = '' } = context;
  const wanted = Object.entries(groups).filter(([name]) => name.includes(cases));
  const folder = buildLinks();
  if (folder === undefined) {
    context.say('raptor: an installed package has no links to measure; it takes a checkout');
    return { rounds: [], targets: [] };
  }
  const runner = new Runner(folder, context);
  if (!aerons.some((link) => runner.has(link))) context.say('raptor: the links go without Aeron');
  for (const [name, group] of wanted) await group(runner, name);
  return runner;
}

export const raptor: Bench = {
  name: 'raptor',
  summary: 'Raptor and its peers on loopback: round trips, streams, loss, fixed rates, idle',
  cases: Object.keys(groups),
  run,
};
