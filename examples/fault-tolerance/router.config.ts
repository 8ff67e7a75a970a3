// A router whose servers die, hang, fail and come back.
//
//   hyperroute run examples/fault-tolerance/router.config.ts
//
// listens on TOLERANCE_PORT (9640) and connects to the servers on the ports after it: six of a
// pool, the reserve that takes over when all of them are gone, and a ledger that stands alone.
import process from 'node:process';
import {
  defineRouter,
  framing,
  layout,
  lb,
  otherwise,
  pool,
  rejectCode,
  returnAddress,
  returnTo,
  route,
  schema,
  source,
  t,
  tcp,
  transform,
  union,
  via,
  when,
} from 'hyperroute';

const packed = { layout: layout.packed('le') };
const header = { size: t.u16, type: t.u8 };
const families = { type: 'type', size: 'size' } as const;

/** What clients ask: work for an account, or an entry in the ledger. */
export const Ask = schema(
  'Ask',
  1,
  { ...header, number: t.u32, account: t.u32, kind: t.enum({ work: 1, entry: 2 }) },
  packed,
);
/** What they hear: who has done it, or why nobody has. */
export const Done = schema('Done', 2, { ...header, number: t.u32, server: t.u8 }, packed);
export const Refused = schema('Refused', 3, { ...header, number: t.u32, code: t.u32 }, packed);
const Clients = union('Clients', families, [Ask, Done, Refused]);

/** What servers get and answer: the same with the address that the answer goes back to. */
export const Job = schema('Job', 1, { ...header, reply: t.u64, number: t.u32 }, packed);
export const Result = schema(
  'Result',
  2,
  { ...header, reply: t.u64, number: t.u32, server: t.u8 },
  packed,
);
const Servers = union('Servers', families, [Job, Result]);

const host = '127.0.0.1';
const frames = framing.lengthPrefix({ bytes: 2, includesHeader: true });

/** The servers, in the order of their ports. */
export const serverNames = [
  ...Array.from({ length: 6 }, (_none, index) => `server${index + 1}`),
  ...['reserve', 'ledger'],
];

/** The router's configuration for clients on `port` and servers on the ports after it. */
export function tolerance(port: number) {
  const clients = tcp.listen('clients', { host, port, messages: Clients, framing: frames });
  const all = serverNames.map((name, index) =>
    tcp.connect(name, {
      host,
      port: port + 1 + index,
      messages: Servers,
      framing: frames,
      reconnect: { minMs: 20, maxMs: 100 },
      // Somebody who hangs keeps the connection up, but does not answer.
      health: { every: '200ms', timeout: '200ms', probe: 'ping', expect: 'pong', fall: 3, rise: 1 },
      // Only for the ledger: no pool could send to another one.
      ...(name === 'ledger' ? { breaker: { consecutive: 3, for: '600ms' } } : {}),
    }),
  );
  const [reserve, ledger] = all.slice(-2) as [(typeof all)[number], (typeof all)[number]];

  const servers = pool('servers', all.slice(0, -2), lb.hash(Ask.refs.account), {
    // One whose connections break again and again is left out, but never more than half of them.
    eject: { consecutive: 3, for: '600ms', max: 0.5 },
    // One that is back gets its accounts one after the other.
    slowStart: '600ms',
    failover: [reserve],
  });

  const toJob = transform(Ask, Job, (a) => ({ reply: returnAddress(), number: a.number }));
  const toDone = transform(Result, Done, (r) => ({ number: r.number, server: r.server }));
  const toRefused = transform(Ask, Refused, (a) => ({ number: a.number, code: rejectCode() }));

  return defineRouter({
    name: 'tolerance',
    endpoints: [clients, ...all],
    routes: [
      route.first(
        Ask,
        (a) => [when(a.kind.is('entry')).via(toJob).to(ledger), otherwise.via(toJob).to(servers)],
        { from: clients, rejects: via(toRefused).to(returnTo(source)) },
      ),
      route.first(Result, (r) => [otherwise.via(toDone).to(returnTo(r.reply))], { from: all }),
    ],
  });
}

export default tolerance(Number(process.env.TOLERANCE_PORT ?? 9640));
