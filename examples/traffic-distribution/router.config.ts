// A router that shares requests out in three ways: by client, by weight, to the first that is up.
//
//   hyperroute run examples/traffic-distribution/router.config.ts
//
// listens on DISTRIBUTION_PORT (9600) and connects to the servers on the ports after it (9601 to
// 9608): four caches, two writers, then the reports and their stand-in.
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
  weighted,
  when,
} from 'hyperroute';

/** What clients ask for; servers get the same bytes. */
export const Request = schema(
  'Request',
  1,
  { client: t.u32, kind: t.enum({ read: 1, write: 2, report: 3 }), number: t.u32 },
  { layout: layout.packed('le') },
);

const host = '127.0.0.1';
/** Each message is a frame. */
const frames = framing.fixed(Request.bytesMax);

/** The servers, in the order of their ports. */
export const serverNames = [
  ...['cache1', 'cache2', 'cache3', 'cache4'],
  ...['small-writer', 'large-writer'],
  ...['reports', 'stand-in'],
] as const;

/** The router's configuration for clients on `port` and servers on the ports after it. */
export function distribution(port: number) {
  const clients = tcp.listen('clients', { host, port, messages: Request, framing: frames });
  const [cache1, cache2, cache3, cache4, small, large, reports, standIn] = serverNames.map(
    (name, index) =>
      tcp.connect(name, {
        host,
        port: port + 1 + index,
        messages: Request,
        framing: frames,
        reconnect: { minMs: 20, maxMs: 100 },
      }),
  ) as [Server, Server, Server, Server, Server, Server, Server, Server];

  // A client's reads go to one cache, which has its data. When one goes, its clients alone move.
  const caches = pool('caches', [cache1, cache2, cache3, cache4], lb.hash(Request.refs.client));
  // The large writer takes three of four writes.
  const writers = pool('writers', [small, weighted(large, 3)], lb.weighted());
  // Reports have one server, and another one while that is away.
  const reporting = pool('reporting', [reports], lb.failover(), { failover: [standIn] });

  return defineRouter({
    name: 'distribution',
    endpoints: [clients, cache1, cache2, cache3, cache4, small, large, reports, standIn],
    routes: [
      route.first(
        Request,
        (r) => [
          when(r.kind.is('read')).to(caches),
          when(r.kind.is('write')).to(writers),
          otherwise.to(reporting),
        ],
        { from: clients },
      ),
    ],
  });
}

type Server = ReturnType<typeof tcp.connect<typeof Request>>;

export default distribution(Number(process.env.DISTRIBUTION_PORT ?? 9600));
