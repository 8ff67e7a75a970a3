// The measured process of the js-boundary bench: `node js-boundary-child.js CPU ROUNDS SIZE`.
// Rounds of the subjects alternate. A publish is far below what a clock resolves, so a sample of
// one is the mean over a chunk of batches.
import { setImmediate } from 'node:timers/promises';
import { median, percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';
import { boundaryCosts } from './boundary-costs.js';
import { enginePublisher } from './memory-echo.js';
import { batchCount, handWrittenPublisher, type Publisher } from './ring-writer.js';
import { roundTrips } from './round-trips.js';

const chunkBatchCount = 256;
const chunkCount = batchCount * chunkBatchCount;
const ringBytes = 1 << 20;
const clockReadCount = 20_000;
const roundTripsPerChunk = 10;
const nsPerMs = 1e6;
const costRoundCount = 5;

const [cpu, roundCount, chunksPerRound] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
];
const rounds: Round[] = [];

function add(name: string, subject: string, samples: readonly number[], n: number): void {
  rounds.push({ case: name, subject, unit: 'ns', n, values: percentiles(samples) });
}

/** What reading the clock costs; every round trip is net of it, a chunk does not notice it. */
function clockCost(): number {
  const samples: number[] = [];
  for (let read = 0; read < clockReadCount; read++) {
    const start = performance.now();
    samples.push((performance.now() - start) * nsPerMs);
  }
  add('clock', 'ours', samples, samples.length);
  return median(samples);
}

async function publishRound(publisher: Publisher): Promise<number[]> {
  const samples: number[] = [];
  for (let chunk = 0; chunk < chunksPerRound; chunk++) {
    const start = performance.now();
    publisher.publish(chunkBatchCount);
    samples.push(((performance.now() - start) * nsPerMs) / chunkCount);
    await publisher.settle();
  }
  return samples;
}

async function measurePublish(): Promise<void> {
  const name = `publish 5 fields, batches of ${batchCount}`;
  const subjects: readonly (readonly [string, Publisher])[] = [
    ['ours', await enginePublisher({ idle: 'spin', mode: 'poll', cpu })],
    ['written by hand', handWrittenPublisher(ringBytes)],
  ];
  try {
    // The first round lets the compiler finish; like every round it reads all messages back.
    for (const [, publisher] of subjects) await publishRound(publisher);
    for (let round = 0; round < roundCount; round++) {
      // Lets this process hear that the runner is gone.
      await setImmediate();
      for (const [subject, publisher] of subjects) {
        add(name, subject, await publishRound(publisher), chunksPerRound * chunkCount);
      }
    }
  } finally {
    for (const [, publisher] of subjects) await publisher.close();
  }
}

async function measureRoundTrips(costNs: number): Promise<void> {
  const count = chunksPerRound * roundTripsPerChunk;
  for (let round = 0; round < roundCount; round++) {
    for (const { case: name, subject, open } of roundTrips(cpu)) {
      const { run, close } = await open();
      try {
        await run(count);
        const samples = (await run(count)).map((sample) => Math.max(0, sample - costNs));
        add(name, subject, samples, samples.length);
      } finally {
        await close();
      }
    }
  }
}

async function main(): Promise<void> {
  const costNs = clockCost();
  await measurePublish();
  rounds.push(...(await boundaryCosts(costRoundCount, chunksPerRound)));
  await measureRoundTrips(costNs);
  process.send?.({ rounds });
}

main().catch((error: unknown) => process.send?.({ error: String(error) }));
// The runner is gone.
process.once('disconnect', () => process.exit(0));
