// A process of the udp-rtt bench: a router with one udp endpoint and one rule, back to the
// packet's source. Its worker spins on the CPU of argv[2]; this thread sleeps.
import { defineRouter, HyperRoute, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';

const cpu = Number(process.argv[2]);

async function main(): Promise<void> {
  const echo = udp('echo', { host: '127.0.0.1', port: 0 });
  const config = defineRouter({
    name: 'udp-echo',
    endpoints: [echo],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: echo })],
    threading: 'shared',
    cpu,
    idle: 'spin',
  });
  const router = await HyperRoute.start(config);
  const end = () => {
    void router.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  // The runner is gone.
  process.once('disconnect', end);
  const [endpoint] = router.endpoints();
  process.send?.({ port: Number(endpoint?.address?.split(':').at(-1)) });
}

main().catch((error: unknown) => {
  process.send?.({ error: String(error) });
  process.exitCode = 1;
});
