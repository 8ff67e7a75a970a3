// A router that keeps replicas in step: every update reaches all of them, and others as far as they
// can take it.
//
//   hyperroute run examples/data-sync/router.config.ts
//
// listens on SYNC_PORT (9660) and connects to the ports after it: three replicas, a dashboard and
// an auditor.
import process from 'node:process';
import {
  always,
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
/** The newer of two values of a key is the one with the greater number, then the greater writer. */
const value = { writer: t.u8, number: t.u32, key: t.u32, value: t.bytes(200) };

/** A key has a new value. Each writer numbers its updates from 1 on. */
export const Update = schema('Update', 1, { ...header, ...value }, packed);
/** An update that no replica has. */
export const Refused = schema('Refused', 2, { ...header, number: t.u32, code: t.u32 }, packed);
const families = { type: 'type', size: 'size' } as const;
const Writers = union('Writers', families, [Update, Refused]);

/** A replica has missed something; another one is asked for a copy, and sends rows. */
export const Missed = schema('Missed', 3, { ...header, replica: t.u8 }, packed);
export const Copy = schema('Copy', 4, { ...header, reply: t.u64 }, packed);
export const Row = schema('Row', 5, { ...header, reply: t.u64, ...value }, packed);
export const Copied = schema('Copied', 6, { ...header, ...value }, packed);
export const Replicas = union('Replicas', families, [Update, Missed, Copy, Row, Copied]);

export const placeNames = ['replica1', 'replica2', 'replica3', 'dashboard', 'auditor'] as const;
/** The auditor sees one of so many updates. */
export const auditEvery = 100;

const host = '127.0.0.1';
const frames = framing.lengthPrefix({ bytes: 2, includesHeader: true });
const reconnect = { minMs: 20, maxMs: 100 };

/** The router's configuration for writers on `port` and places on the ports after it. */
export function dataSync(port: number) {
  const writers = tcp.listen('writers', { host, port, messages: Writers, framing: frames });
  const replica = (index: number) =>
    tcp.connect(`replica${index}`, {
      ...{ host, port: port + index, messages: Replicas, framing: frames, reconnect },
      // Writers go at the pace of the slowest replica, until that one is found to hang.
      queue: { full: 'block' },
      health: { every: '200ms', timeout: '200ms', probe: 'ping', fall: 2, rise: 1, over: 'udp' },
    });
  const [one, two, three] = [replica(1), replica(2), replica(3)];
  const watcher = (name: string, at: number) =>
    tcp.connect(name, {
      ...{ host, port: port + at, messages: Writers, framing: frames, reconnect },
      queue: { bytes: 256 * 1024, full: 'reject' },
    });
  const [dashboard, auditor] = [watcher('dashboard', 4), watcher('auditor', 5)];

  const replicas = pool('replicas', [one, two, three], lb.broadcast());
  const toRefused = transform(Update, Refused, (u) => ({ number: u.number, code: rejectCode() }));
  const toCopy = transform(Missed, Copy, () => ({ reply: returnAddress() }));
  const toCopied = transform(Row, Copied, (r) => ({
    ...{ writer: r.writer, number: r.number, key: r.key, value: r.value },
  }));

  return defineRouter({
    name: 'sync',
    endpoints: [writers, one, two, three, dashboard, auditor],
    routes: [
      route.all(
        Update,
        () => [
          // Room at all replicas is claimed before any of them gets the update.
          always.to(replicas).tap(auditor, { every: auditEvery }),
          // What the dashboard has no room for, it does not get; nobody waits for it.
          always.to(dashboard).bestEffort(),
        ],
        { from: writers, rejects: via(toRefused).to(returnTo(source)) },
      ),
      route.first(
        Missed,
        (m) => [when(m.replica.eq(1)).via(toCopy).to(two), otherwise.via(toCopy).to(one)],
        { from: [one, two, three] },
      ),
      route.first(Row, (r) => [otherwise.via(toCopied).to(returnTo(r.reply))], {
        from: [one, two, three],
      }),
    ],
    // One worker decides about all updates: replicas get those of several writers in one order.
    threading: 'shared',
  });
}

export default dataSync(Number(process.env.SYNC_PORT ?? 9660));
