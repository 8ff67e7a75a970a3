// A router whose servers come and go while it runs: some by command, some because a name gets
// other addresses.
//
//   hyperroute run --control scaling examples/dynamic-scaling/router.config.ts
//
// listens on SCALING_PORT (9680). Workers are on the ports after it; caches have one port at the
// addresses of caches.example, which the DNS server at SCALING_RESOLVER is asked for.
import process from 'node:process';
import {
  defineRouter,
  framing,
  layout,
  lb,
  otherwise,
  pool,
  route,
  schema,
  t,
  tcp,
  when,
} from 'hyperroute';

export const Request = schema(
  'Request',
  1,
  { client: t.u32, number: t.u32, kind: t.enum({ work: 1, read: 2 }) },
  { layout: layout.packed('le') },
);

const host = '127.0.0.1';
export const cacheName = 'caches.example';
export const workerPort = (port: number, worker: number): number => port + worker;
export const cachePort = (port: number): number => port + 9;

/** The router's configuration for clients on `port`, with names as `resolver` knows them. */
export function scaling(port: number, resolver: string) {
  const common = {
    messages: Request,
    framing: framing.fixed(Request.bytesMax),
    // Clients wait for a server that is slow.
    queue: { full: 'block' },
  } as const;
  const reconnect = { minMs: 20, maxMs: 100 };
  const clients = tcp.listen('clients', { ...common, host, port });
  const worker = (number: number) =>
    tcp.connect(`worker${number}`, {
      ...{ ...common, host, port: workerPort(port, number), reconnect },
    });
  const [worker1, worker2] = [worker(1), worker(2)];
  // One endpoint for each address that the name has, as long as it has it.
  const cache = tcp.connect('cache', {
    ...{ ...common, host: cacheName, port: cachePort(port), reconnect },
    ...{ resolveEvery: '100ms', resolver },
  });

  // A client's work goes to one worker, whoever else comes and goes.
  const workers = pool('workers', [worker1, worker2], lb.hash(Request.refs.client));
  const caches = pool('caches', [cache], lb.roundRobin());

  return defineRouter({
    name: 'scaling',
    endpoints: [clients, worker1, worker2, cache],
    routes: [
      route.first(Request, (r) => [when(r.kind.is('work')).to(workers), otherwise.to(caches)], {
        from: clients,
      }),
    ],
  });
}

const { SCALING_PORT = '9680', SCALING_RESOLVER = '127.0.0.1:9690' } = process.env;

export default scaling(Number(SCALING_PORT), SCALING_RESOLVER);
