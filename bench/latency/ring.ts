// SPSC ring, core to core, against a bare shared-memory ping-pong; and its one-way throughput.
import { runNative } from '../harness/native.js';
import type { Bench, BenchContext, Measured } from '../harness/types.js';

const payloads = [8, 32, 64];

async function run({ cpus, quick, nativePath }: BenchContext): Promise<Measured> {
  const size = quick
    ? ['--rounds', '5', '--exchanges', '2000', '--messages', '50000']
    : ['--rounds', '41', '--exchanges', '10000', '--messages', '500000'];
  const sizes = payloads.flatMap((bytes) => ['--payload', String(bytes)]);
  const rounds = await runNative(nativePath, ['ring', '--cpus', cpus.join(','), ...sizes, ...size]);
  return {
    rounds,
    targets: [
      {
        // One cache line each way is what the bare ping-pong moves: the ring's equal is a message
        // of 8 bytes. Larger ones are figures without a target.
        case: 'ping-pong 8 B',
        against: 'shared-memory ping-pong',
        target: 1.2,
        better: 'lower',
      },
    ],
  };
}

export const ring: Bench = {
  name: 'ring',
  summary: 'SPSC ring between two cores against a bare shared-memory ping-pong',
  run,
};
