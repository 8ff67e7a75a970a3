// What crossing between JavaScript and the engine costs: publishing into the ring that the engine
// reads, beside the same ring written by hand and a plain call into the addon.
import { fileURLToPath } from 'node:url';
import { runChild } from '../harness/child.js';
import type { Bench, BenchContext, Measured } from '../harness/types.js';

async function run({ cpus, quick }: BenchContext): Promise<Measured> {
  const modulePath = fileURLToPath(new URL('./js-boundary-child.js', import.meta.url));
  const size = quick ? ['5', '10'] : ['15', '200'];
  const rounds = await runChild('js-boundary', modulePath, [String(cpus[1]), ...size]);
  return {
    rounds,
    targets: [
      {
        case: 'publish 5 fields, batches of 16',
        against: 'limit',
        target: 15,
        better: 'lower',
      },
    ],
  };
}

export const jsBoundary: Bench = {
  name: 'js-boundary',
  summary: 'publishing from JavaScript into the engine, in batches',
  run,
};
