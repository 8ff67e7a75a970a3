// A router that reads its messages: topics, the start of a text, amounts, flags and networks.
//
//   hyperroute run examples/content-routing/router.config.ts
//
// listens on CONTENT_PORT (9620) and sends to the ports after it, one for each desk.
import process from 'node:process';
import {
  defineMatcher,
  defineRouter,
  discard,
  or,
  otherwise,
  route,
  schema,
  t,
  udp,
  when,
} from 'hyperroute';

/** Something that happened in a shop. */
export const Event = schema('Event', 1, {
  topic: t.string.max(80),
  amount: t.decimal(2, { base: 'i32' }),
  from: t.u32,
  country: t.ascii(2),
  flags: t.flags('urgent', 'test'),
  weekday: t.u8,
});

/** Where events go, in the order of their ports. */
export const desks = ['fraud', 'payments', 'security', 'branches', 'weekend', 'archive'] as const;

/** Amounts just below a limit, which somebody may have been told of. */
const justBelow = defineMatcher({
  name: 'just-below',
  compile: (limits: readonly number[]) => ({
    intervals: limits.map((limit) => [limit - 500, limit - 1] as const),
  }),
});

const host = '127.0.0.1';

/** The router's configuration for events on `port` and desks on the ports after it. */
export function contentRouting(port: number) {
  const events = udp('events', { host, port, messages: Event });
  const [fraud, payments, security, branches, weekend, archive] = desks.map((name, index) =>
    udp(name, { host, port: 0, remote: { host, port: port + 1 + index }, messages: Event }),
  ) as [Desk, Desk, Desk, Desk, Desk, Desk];

  return defineRouter({
    name: 'content',
    endpoints: [events, fraud, payments, security, branches, weekend, archive],
    routes: [
      route.first(
        Event,
        (e) => [
          when(e.flags.has('test')).to(discard),
          // Cents: from 9,995.00 to 9,999.99, and the same below 50,000.
          when(e.amount.by(justBelow, [1_000_000, 5_000_000])).to(fraud),
          when(e.topic.matches('payments/+/refused', { style: 'mqtt' }), e.amount.gte(100_000)).to(
            fraud,
          ),
          when(e.topic.matches('payments/#', { style: 'mqtt' })).to(payments),
          when(or(e.topic.startsWith('login/'), e.country.in(['XX', 'YY']))).to(security),
          // 10.20.0.0/16
          when(e.from.prefix(0x0a14_0000, 16)).to(branches),
          when(e.weekday.where((day) => day === 0 || day === 6)).to(weekend),
          otherwise.to(archive),
        ],
        { from: events },
      ),
    ],
  });
}

type Desk = ReturnType<typeof udp<typeof Event>>;

export default contentRouting(Number(process.env.CONTENT_PORT ?? 9620));
