// The measured process of the js-boundary bench. Rounds of the subjects alternate; one sample is
// the mean over a chunk of batches, because no clock resolves a single publish.
import { percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';
import { handWrittenPublisher, type Publisher } from './ring-writer.js';

const batchCount = 16;
const chunkBatchCount = 256;
const chunkCount = batchCount * chunkBatchCount;
const ringBytes = 1 << 20;
const clockReadCount = 20_000;
const nsPerMs = 1e6;

/** Publishes one chunk; returns the nanoseconds it took. */
function publishChunk({ publish, flush }: Publisher): number {
  const start = performance.now();
  let number = 0;
  for (let batch = 0; batch < chunkBatchCount; batch++) {
    for (let index = 0; index < batchCount; index++) {
      publish(number, number + 1, number * 2, number & 7, 0xffff_ffff - number);
      number++;
    }
    flush();
  }
  return (performance.now() - start) * nsPerMs;
}

async function publishRound(publisher: Publisher, chunks: number): Promise<number[]> {
  const samples: number[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    samples.push(publishChunk(publisher) / chunkCount);
    await publisher.settle();
  }
  return samples;
}

/** What reading the clock costs: negligible over a chunk, and a result all the same. */
function clockRound(): Round {
  const samples: number[] = [];
  for (let read = 0; read < clockReadCount; read++) {
    const start = performance.now();
    samples.push((performance.now() - start) * nsPerMs);
  }
  return roundOf('clock', 'ours', samples, samples.length);
}

function roundOf(name: string, subject: string, samples: readonly number[], n: number): Round {
  return { case: name, subject, unit: 'ns', n, values: percentiles(samples) };
}

async function measure(rounds: number, chunks: number): Promise<Round[]> {
  const subjects: readonly (readonly [string, Publisher])[] = [
    ['hand-written', handWrittenPublisher(ringBytes)],
  ];
  const found: Round[] = [clockRound()];
  try {
    // The first round lets the compiler finish; settle() checks every message of it.
    for (const [, publisher] of subjects) await publishRound(publisher, chunks);
    for (let round = 0; round < rounds; round++) {
      for (const [name, publisher] of subjects) {
        const samples = await publishRound(publisher, chunks);
        found.push(
          roundOf(`publish 5 fields, batches of ${batchCount}`, name, samples, chunks * chunkCount),
        );
      }
    }
  } finally {
    for (const [, publisher] of subjects) await publisher.close();
  }
  return found;
}

const [rounds, chunks] = process.argv.slice(2).map(Number);
measure(rounds ?? 1, chunks ?? 1).then(
  (found) => process.send?.({ rounds: found }),
  (error: unknown) => process.send?.({ error: String(error) }),
);
