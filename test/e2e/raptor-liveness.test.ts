// How soon the death of a peer is told between processes on defaults, 100 ms being promised for
// ends on workers; and, with HYPERROUTE_LIVENESS_SECONDS, that nobody is taken for dead who is
// only short of CPU time. The promise itself is asserted in virtual time, by the simulation.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EndState, RaptorEnds } from '../helpers/raptor-ends.js';
import { Child, fixture } from '../helpers/router-child.js';

const livenessSeconds = Number(process.env.HYPERROUTE_LIVENESS_SECONDS ?? 0);
const roundCount = process.env.HYPERROUTE_LONG === '1' ? 50 : 5;
const msOf = (ns: number): number => ns / 1e6;

/**
 * Kills `victim` once `watching` has begun and returns how many milliseconds later the other end
 * told of it; undefined: it had taken it for dead before, as happens on a machine under load.
 */
async function reportedMs(watching: Promise<EndState>, victim: Child): Promise<number | undefined> {
  await sleep(20);
  const killedNs = Number(process.hrtime.bigint());
  await victim.kill();
  const elapsedMs = msOf((await watching).atNs - killedNs);
  return elapsedMs < 0 ? undefined : elapsedMs;
}

function judge(who: string, figures: readonly (number | undefined)[]): void {
  const told = figures.filter((figure) => figure !== undefined).sort((a, b) => a - b);
  const texts = told.map((figure) => figure.toFixed(1)).join(' ');
  console.log(`death of the ${who} told after ${texts} ms (${figures.length - told.length} early)`);
  expect(told.length).toBeGreaterThan(0);
}

describe('SIGKILL', () => {
  it('of a listener is told by its client', async () => {
    const ends = await RaptorEnds.start({ isDirect: true }, onTestFinished);
    const figures: (number | undefined)[] = [];
    for (let round = 0; round < roundCount; round++) {
      await ends.ask('until connected');
      figures.push(await reportedMs(ends.ask('until connecting'), ends.listener));
      await ends.startListener();
    }
    judge('listener', figures);
  });

  it('of a client is told by its listener', async () => {
    const ends = await RaptorEnds.start({ isDirect: true }, onTestFinished);
    const figures: (number | undefined)[] = [];
    for (let round = 0; round < roundCount; round++) {
      await ends.ask('until connected');
      const { counters } = await ends.askListener('state');
      const gone = ends.askListener(`gone ${(counters.connections_closed ?? 0) + 1}`);
      figures.push(await reportedMs(gone, ends.client));
      await ends.startClient();
    }
    judge('client', figures);
  });
});

/** Busy and all time of every CPU since the start of the machine, in ticks; proc(5). */
function cpuTicks(): { readonly busy: number; readonly all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, count) => sum + count, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}

async function loadEveryCpu(): Promise<void> {
  for (let cpu = 0; cpu < availableParallelism(); cpu++) {
    const load = new Child(fixture('busy-cpu.mjs'), ['0.9']);
    onTestFinished(() => load.kill());
    await load.next();
  }
}

// Registered by whoever has the machine for it alone: scripts/soak.mjs.
if (livenessSeconds > 0) {
  const limitMs = (livenessSeconds + 120) * 1000;
  it(
    `a peer that gets a tenth of each CPU for ${livenessSeconds} s is not taken for dead`,
    async () => {
      const ends = await RaptorEnds.start({ isDirect: true }, onTestFinished);
      await ends.exchange(100, 8, 200);
      await loadEveryCpu();
      const before = cpuTicks();
      const endMs = performance.now() + livenessSeconds * 1000;
      while (performance.now() < endMs) {
        // Most of the time the session is idle, and lives by its PINGs.
        await sleep(2000);
        await ends.exchange(10, 8, 200);
      }
      const after = cpuTicks();
      const share = (after.busy - before.busy) / (after.all - before.all);
      const state = await ends.ask('state');
      const ended = state.counters.connections_closed;
      console.log(`${livenessSeconds} s at ${(share * 100).toFixed(0)} % CPU: ${ended} ended`);
      expect(share).toBeGreaterThan(0.8);
      expect(state).toMatchObject({ missing: 0, repeated: 0, wrong: 0, received: state.sent });
      expect(state.counters).toMatchObject({ connections_opened: 1, connections_closed: 0 });
      expect((await ends.askListener('state')).counters).toMatchObject({ connections_closed: 0 });
    },
    limitMs,
  );
}
