// A process of the route bench: a router that is an echo while its configuration is changed.
// argv: the worker's CPU; what to do: `update`, `plan` (all of it but the change) or `nothing`; how
// often, in ms.
import { HyperRoute } from 'hyperroute';
import { swapConfigs } from './swap-config.js';

const [cpu, action, every] = process.argv.slice(2);

async function main(): Promise<void> {
  const configs = swapConfigs(Number(cpu));
  const router = await HyperRoute.start(configs[0]);
  let isEnding = false;
  let count = 0;
  const change = async (): Promise<void> => {
    if (isEnding) return;
    count += 1;
    const next = configs[count % 2 === 0 ? 0 : 1];
    await (action === 'update' ? router.update(next) : router.plan(next));
    schedule();
  };
  const schedule = () => {
    setTimeout(() => void change().catch(report), Number(every));
  };
  const end = () => {
    isEnding = true;
    void router.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  // The runner is gone.
  process.once('disconnect', end);
  const [endpoint] = router.endpoints();
  if (action !== 'nothing') schedule();
  process.send?.({ port: Number(endpoint?.address?.split(':').at(-1)) });
}

function report(error: unknown): void {
  process.send?.({ error: String(error) });
  process.exitCode = 1;
}

main().catch(report);
