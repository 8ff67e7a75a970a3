// The measured process of the js-boundary bench: `node js-boundary-child.js CPU ROUNDS SIZE`.
// Rounds of the subjects alternate. A publish is far below what a clock resolves, so a sample of
// one is the mean over a chunk of batches.
import { setImmediate } from 'node:timers/promises';
import { native } from '#lib/native.js';
import { median, percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';
import { enginePublisher } from './memory-echo.js';
import { batchCount, handWrittenPublisher, type Publisher } from './ring-writer.js';
import { roundTrips } from './round-trips.js';

const chunkBatchCount = 256;
const chunkCount = batchCount * chunkBatchCount;
const ringBytes = 1 << 20;
const clockReadCount = 20_000;
const roundTripsPerChunk = 10;
const nsPerMs = 1e6;

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

/** Calls of one addon method that does next to nothing, as a program makes them. */
function callRound(): number[] {
  const samples: number[] = [];
  for (let chunk = 0; chunk < chunksPerRound; chunk++) {
    const start = performance.now();
    for (let call = 0; call < chunkCount; call++) idle.gracePassed();
    samples.push(((performance.now() - start) * nsPerMs) / chunkCount);
  }
  return samples;
}

const worker = { name: 'idle', idle: 'block', cpu: null, spinNs: 0 } as const;
/** A native router that was never started: somebody to call. */
const idle = new (native().Router)({
  name: 'idle',
  countersPath: null,
  inline: true,
  sampleEvery: 0,
  workers: [worker],
});

async function measurePublish(): Promise<void> {
  const name = `publish 5 fields, batches of ${batchCount}`;
  const subjects: readonly (readonly [string, Publisher])[] = [
    ['ours', await enginePublisher({ idle: 'spin', mode: 'poll', cpu })],
    ['written by hand', handWrittenPublisher(ringBytes)],
  ];
  try {
    // The first round lets the compiler finish; like every round it reads all messages back.
    for (const [, publisher] of subjects) await publishRound(publisher);
    callRound();
    for (let round = 0; round < roundCount; round++) {
      // Lets this process hear that the runner is gone.
      await setImmediate();
      for (const [subject, publisher] of subjects) {
        add(name, subject, await publishRound(publisher), chunksPerRound * chunkCount);
      }
      add('call of an addon method', 'ours', callRound(), chunksPerRound * chunkCount);
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
  await measureRoundTrips(costNs);
  idle.stop();
  process.send?.({ rounds });
}

main().catch((error: unknown) => process.send?.({ error: String(error) }));
// The runner is gone.
process.once('disconnect', () => process.exit(0));
