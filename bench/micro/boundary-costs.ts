// What the single steps at the boundary cost: a store of each kind into shared memory, and a call
// of the addon. By tinybench, which an installed package does not bring: there they are left out.
import { native } from '#internals';
import { percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';

/** Steps of one sample: a step is far below what a clock resolves. */
const stepsPerSample = 10_000;
const nsPerMs = 1e6;
const words = 1024;

const worker = { name: 'idle', idle: 'block', cpu: null, spinNs: 0 } as const;

/** Each runs its step `stepsPerSample` times. */
function steps(): { readonly cases: Readonly<Record<string, () => void>>; stop(): void } {
  const buffer = new SharedArrayBuffer(4 * words);
  const u32 = new Uint32Array(buffer);
  const u64 = new BigUint64Array(buffer);
  const view = new DataView(buffer);
  // A native router that was never started: somebody to call.
  const router = new (native().Router)({
    name: 'idle',
    countersPath: null,
    inline: true,
    sampleEvery: 0,
    workers: [worker],
  });
  const repeat = (step: (index: number) => void) => () => {
    for (let index = 0; index < stepsPerSample; index++) step(index & 255);
  };
  return {
    cases: {
      'typed-array store of a u32': repeat((index) => {
        u32[index] = index;
      }),
      'typed-array store of a u64': repeat((index) => {
        u64[index] = 7n;
      }),
      'DataView store of a u32': repeat((index) => view.setUint32(index * 4, index, true)),
      'Atomics.store of a u32': repeat((index) => void Atomics.store(u32, index, index)),
      'call of an addon method': repeat(() => void router.gracePassed()),
    },
    stop: () => router.stop(),
  };
}

/** Rounds of every step; none where tinybench is not installed. Takes `rounds` × `ms` a step. */
export async function boundaryCosts(rounds: number, ms: number): Promise<Round[]> {
  const tinybench = await import('tinybench').catch(() => undefined);
  if (tinybench === undefined) return [];
  const { cases, stop } = steps();
  const measured: Round[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const bench = new tinybench.Bench({ time: ms, warmupTime: ms / 2, retainSamples: true });
      for (const [name, run] of Object.entries(cases)) bench.add(name, run);
      for (const { name, result } of await bench.run()) {
        if (!('latency' in result)) throw new Error(`${name} did not finish: ${result.state}`);
        const samples = (result.latency.samples ?? []).map((s) => (s * nsPerMs) / stepsPerSample);
        const n = samples.length * stepsPerSample;
        measured.push({ case: name, subject: 'ours', unit: 'ns', n, values: percentiles(samples) });
      }
    }
  } finally {
    stop();
  }
  return measured;
}
