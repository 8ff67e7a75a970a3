// The measured process of the codec bench: `node codec-child.js ROUNDS CHUNKS`. Subjects alternate
// within a round. One message is below what a clock resolves, so a sample is the mean over a chunk.
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median, percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';
import { codecPeers } from '../peers/codec/index.js';
import { type Loop, loop, ownCopy } from './codec-copies.js';
import {
  type Codec,
  type CodecSubject,
  type Messages,
  pools,
  type Received,
} from './codec-messages.js';
import { ours } from './codec-ours.js';

const chunkCount = 256;
const warmupChunkCount = 200;
const clockReadCount = 20_000;
const memoryBytes = 64 * 1024;
const alignment = 8;
const nsPerMs = 1e6;
const nsPerSecond = 1e9;
const lossyBits = 53;

/** What one subject does in one case, ready to be timed. */
interface Timed {
  readonly case: string;
  readonly subject: string;
  readonly bytes: number;
  readonly run: (count: number) => void;
}

/** Collects young garbage, so that a round does not pay for what the one before it left. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  return () => collect({ type: 'minor' });
}

/**
 * Every value through `encode` and `decode`: the decoded ones must equal them, all bits included.
 * Returns the encoded messages, aligned, in one memory.
 */
function checkedMessages<Value>(
  { natural, plain, encode, decode, read, target }: Codec<Value>,
  values: readonly Value[],
  keepsAllBits: boolean,
): Received[] {
  const memory = Buffer.allocUnsafeSlow(memoryBytes);
  let offset = 0;
  return values.map((value) => {
    const result = encode(natural(value));
    const encoded = typeof result === 'number' ? target?.subarray(0, result) : result;
    assert(encoded !== undefined && encoded.length > 0);
    const end = offset + encoded.length;
    assert(end <= memoryBytes);
    memory.set(encoded, offset);
    const received = { memory, offset, end, bytes: memory.subarray(offset, end) };
    offset = Math.ceil(end / alignment) * alignment;
    assert.deepEqual(comparable(plain(decode(received))), expected(value, keepsAllBits));
    read(received);
    return received;
  });
}

/** Plain objects and arrays, whatever classes the subject made them of. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, comparable(one)]));
}

function expected(value: unknown, keepsAllBits: boolean): unknown {
  if (keepsAllBits) return comparable(value);
  const entries = Object.entries(value as object).map(([name, one]) => [
    name,
    typeof one === 'bigint' ? BigInt.asUintN(lossyBits, one) : comparable(one),
  ]);
  return Object.fromEntries(entries);
}

function timedCases(
  { subject, keepsAllBits, onlyReceives, codecs }: CodecSubject,
  message: keyof Messages,
): Timed[] {
  const codec = codecs[message] as Codec<unknown>;
  const inputs = checkedMessages(codec, pools[message], keepsAllBits);
  const bytes = Math.round(
    inputs.reduce((sum, { bytes: one }) => sum + one.length, 0) / inputs.length,
  );
  const objects = pools[message].map((value) => codec.natural(value));
  const steps = [
    ['encode', codec.encode, objects],
    ['decode', codec.decode, inputs],
    ['read every field', codec.read, inputs],
  ] as const;
  return steps.slice(onlyReceives === true ? 1 : 0).map(([name, step, items]) => {
    const kept: unknown[] = new Array(items.length).fill(undefined);
    const own: Loop = ownCopy(loop, `${subject} ${message} ${name}`);
    const run = (count: number) => own(step, items, kept, count);
    return { case: `${message}: ${name}`, subject, bytes, run };
  });
}

function measure({ run, ...about }: Timed, chunks: number): Round {
  const samples: number[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    const start = performance.now();
    run(chunkCount);
    samples.push(((performance.now() - start) * nsPerMs) / chunkCount);
  }
  // The rate of the median chunk: a pause of the host or of the collector is in the percentiles.
  const rate = nsPerSecond / median(samples);
  return { ...about, unit: 'ns', n: chunks * chunkCount, values: percentiles(samples), rate };
}

/** What reading the clock costs; a chunk does not notice it. */
function clockCost(): Round {
  const samples: number[] = [];
  for (let read = 0; read < clockReadCount; read++) {
    const start = performance.now();
    samples.push((performance.now() - start) * nsPerMs);
  }
  const values = percentiles(samples);
  return { case: 'clock', subject: 'ours', unit: 'ns', n: samples.length, values };
}

/** Rounds of one case: every subject in each, another one first each time. */
async function alternate(
  timed: readonly Timed[],
  roundCount: number,
  chunks: number,
  collect: () => void,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (const { run } of timed) run(warmupChunkCount * chunkCount);
  for (let round = 0; round < roundCount; round++) {
    // Lets this process hear that the runner is gone.
    await setImmediate();
    const first = round % timed.length;
    for (const one of [...timed.slice(first), ...timed.slice(0, first)]) {
      collect();
      rounds.push(measure(one, chunks));
    }
  }
  return rounds;
}

async function main(): Promise<void> {
  const [roundCount, chunks] = process.argv.slice(2).map(Number) as [number, number];
  const collect = garbageCollector();
  const leftOut = (why: string) => console.error(`codec: a peer is left out: ${why}`);
  const subjects = [...(await ours()), ...(await codecPeers(leftOut))];
  const rounds: Round[] = [clockCost()];
  for (const message of ['NewOrder', 'Reading'] as const) {
    const timed = subjects.flatMap((subject) => timedCases(subject, message));
    for (const name of new Set(timed.map((one) => one.case))) {
      const subjectsOfCase = timed.filter((one) => one.case === name);
      rounds.push(...(await alternate(subjectsOfCase, roundCount, chunks, collect)));
    }
  }
  process.send?.({ rounds });
}

main().catch((error: unknown) => process.send?.({ error: String(error) }));
// The runner is gone.
process.once('disconnect', () => process.exit(0));
