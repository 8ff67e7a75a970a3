// A configuration that sends several copies of a message, whose image is checked in: rules that all
// count, taps, pools of which every member gets the message, priorities, best effort.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import {
  always,
  defineRouter,
  lb,
  memory,
  otherwise,
  pool,
  raw,
  route,
  schema,
  sequence,
  t,
  transform,
  when,
} from '../../lib/index.js';

export const Tick = schema('Tick', 1, { symbol: t.u16, price: t.u32, seq: t.u32 });
const numbered = transform(Tick, Tick, (tick) => ({
  symbol: tick.symbol,
  price: tick.price,
  seq: sequence(),
}));

/** The configuration, with every position the same. */
export function fanOutIr(): RouterIr {
  const feed = memory('feed', { messages: Tick });
  const side = memory('side', { messages: Tick });
  const bytes = memory('bytes', {});
  const [a, b, audit] = ['a', 'b', 'audit'].map((name) => memory(name, { messages: Tick })) as [
    ReturnType<typeof memory<typeof Tick>>,
    ReturnType<typeof memory<typeof Tick>>,
    ReturnType<typeof memory<typeof Tick>>,
  ];
  const both = pool('both', [a, b], lb.broadcast());
  const either = pool('either', [a, b], lb.broadcast({ delivery: 'best-effort' }));
  const ir = defineRouter({
    name: 'fan-out',
    endpoints: [feed, side, bytes, a, b, audit],
    routes: [
      route.all(
        Tick,
        (tick) => [
          when(tick.symbol.eq(1)).to(both).priority(2),
          when(tick.price.gte(100)).via(numbered).to(a).bestEffort(),
          always.to(audit).tap(side, { every: 10 }).tap(b, { every: 3, via: numbered }),
        ],
        { from: feed },
      ),
      route.first(
        Tick,
        (tick) => [when(tick.symbol.lt(5)).to(either).tap(audit, { every: 2 }), otherwise.to(both)],
        { from: side },
      ),
      route.all(raw, () => [always.to(bytes), always.to(bytes).bestEffort()], { from: bytes }),
    ],
  });
  const position = { file: 'fan-out.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
