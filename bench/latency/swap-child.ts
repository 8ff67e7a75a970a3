// A process of the route bench: how long changes of a configuration take, from the call of
// `update` until every worker uses the new one, and of that what compiling takes. argv: the
// worker's CPU, how many changes.
import { HyperRoute } from 'hyperroute';
import { percentiles } from '../harness/figures.js';
import type { Round } from '../harness/types.js';
import { swapConfigs } from './swap-config.js';

const [cpu, count] = process.argv.slice(2);

function roundOf(name: string, samplesNs: readonly number[]): Round {
  const values = percentiles(samplesNs);
  return { case: name, subject: 'ours', unit: 'ns', n: samplesNs.length, values };
}

async function main(): Promise<void> {
  const configs = swapConfigs(Number(cpu));
  const router = await HyperRoute.start(configs[0]);
  const timed = async (change: (number: number) => Promise<unknown>): Promise<number[]> => {
    const samples: number[] = [];
    for (let number = 1; number <= Number(count); number += 1) {
      const before = performance.now();
      await change(number);
      samples.push((performance.now() - before) * 1e6);
    }
    return samples;
  };
  const configOf = (number: number) => configs[number % 2 === 0 ? 0 : 1];
  const updates = await timed((number) => router.update(configOf(number)));
  const plans = await timed((number) => router.plan(configOf(number)));
  await router.close();
  const rounds = [roundOf('update of 1,000 rules', updates), roundOf('plan of 1,000 rules', plans)];
  process.send?.({ rounds });
}

main().catch((error: unknown) => {
  process.send?.({ error: String(error) });
  process.exitCode = 1;
});
