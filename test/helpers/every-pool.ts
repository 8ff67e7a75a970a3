// A configuration with a pool of every strategy, whose image is checked in: keys of integers, of
// text at a fixed place and behind a slot, ids, stand-ins and panic policies.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import {
  type Balancing,
  correlate,
  defineRouter,
  defineStrategy,
  lb,
  memory,
  otherwise,
  type PoolOptions,
  pool,
  route,
  schema,
  t,
  weighted,
  when,
} from '../../lib/index.js';

const Order = schema('Order', 1, {
  kind: t.u8,
  client: t.u64,
  delta: t.i32,
  symbol: t.ascii(12),
  note: t.string.max(40),
});
const { client, delta, symbol, note } = Order.refs;

const messages = { messages: Order, queue: { full: 'park' } } as const;
const source = memory('source', messages);
const [a, b, c, spare] = ['a', 'b', 'c', 'spare'].map((name) => memory(name, messages)) as [
  ReturnType<typeof memory<typeof Order>>,
  ReturnType<typeof memory<typeof Order>>,
  ReturnType<typeof memory<typeof Order>>,
  ReturnType<typeof memory<typeof Order>>,
];

const pairs = defineStrategy({
  name: 'pairs',
  compile: ({ members }) => ({ slots: members.map((_, at) => (at === 0 ? [0] : [at, at - 1])) }),
});

const strategies: readonly (readonly [Balancing, PoolOptions<'Order'>?])[] = [
  [lb.roundRobin(), { failover: [spare] }],
  [lb.weighted(), { panic: 'spread' }],
  [lb.failover()],
  [lb.leastLoaded({ measure: 'outstanding' })],
  [lb.twoChoices(), { failover: [spare], panic: 'park' }],
  [lb.hash(client, delta, symbol, note, { slots: 4099 }), { panic: 'park' }],
  [lb.sticky(delta, { a: -7, c: 12 })],
  [lb.custom(pairs, note), { failover: [spare] }],
];
/** The one whose messages wait for answers. */
const waiting = 3;
const asks = correlate('asks', { capacity: 100 });
/** Those to which a weight means something. */
const weighing = [1, 3, 4, 5, 6, 7];

/** The configuration, with every position the same. Rule i sends kind i to pool i. */
export function everyPoolIr(): RouterIr {
  const pools = strategies.map(([balancing, options], at) => {
    const last = weighing.includes(at) ? weighted(c, 3) : c;
    return pool(`p${at}`, [a, b, last], balancing, options);
  });
  const ir = defineRouter({
    name: 'every-pool',
    endpoints: [source, a, b, c, spare],
    routes: [
      route.first(
        Order,
        (o) => [
          ...pools.slice(1).map((one, at) => {
            const rule = when(o.kind.eq(at + 1)).to(one);
            return at + 1 === waiting ? rule.opens(asks, { key: [], save: {} }) : rule;
          }),
          otherwise.to(pools[0] as (typeof pools)[number]),
        ],
        { from: source },
      ),
    ],
  });
  const position = { file: 'every-pool.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
