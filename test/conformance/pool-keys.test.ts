// Pools of one route that hash different fields: each message goes where its own key says.
import { expect, it } from 'vitest';
import { emit } from '../../lib/compiler/emit.js';
import { initialState, interpret } from '../../lib/compiler/interpret.js';
import {
  defineRouter,
  lb,
  memory,
  otherwise,
  pool,
  route,
  schema,
  t,
  when,
} from '../../lib/index.js';
import { RandomValues } from '../helpers/random-values.js';
import { loadImage } from '../helpers/route-image.js';

const Order = schema('Order', 1, { client: t.u32, account: t.u32, kind: t.u8 });

it('goes to the member that the key of its own rule’s pool names', () => {
  const source = memory('in', { messages: Order });
  const members = Array.from({ length: 8 }, (_, n) => memory(`out-${n}`, { messages: Order }));
  const byClient = pool('by-client', members, lb.hash(Order.refs.client));
  const byAccount = pool('by-account', members, lb.hash(Order.refs.account));
  const ir = defineRouter({
    endpoints: [source, ...members],
    routes: [
      route.first(Order, (o) => [when(o.kind.eq(1)).to(byClient), otherwise.to(byAccount)], {
        from: source,
      }),
    ],
  });
  const native = loadImage(emit(ir));
  const state = initialState(ir);
  const random = new RandomValues(1);
  const bytes = new Uint8Array(Order.bytesMax);
  for (let count = 0; count < 500; count += 1) {
    const order = { client: random.u32(), account: random.u32(), kind: random.below(2) };
    const message = bytes.slice(0, Order.encode(order, bytes));
    expect(native.step(0, message, 0n)).toEqual(interpret(ir, state, 0, message, 0n));
  }
});
