// What a route takes for its `rejects`, and what it says of anything else.
import { describe, expect, it } from 'vitest';
import {
  type Action,
  defineRouter,
  discard,
  HyperRouteError,
  memory,
  otherwise,
  route,
  schema,
  t,
  transform,
  via,
  when,
} from '../../../../../lib/index.js';

const Order = schema('Order', 1, { qty: t.u32 });
const ends = memory('ends', { messages: Order });
const same = transform(Order, Order, (o) => ({ qty: o.qty }));

function refusal(rejects: unknown): string {
  try {
    route.first(Order, () => [otherwise.to(discard)], { rejects: rejects as Action<'Order'> });
  } catch (error) {
    if (!(error instanceof HyperRouteError)) throw error;
    return error.message.replace(/^\S+ | \(called from .*\)$/g, '');
  }
  return 'no error';
}

/** A value of the language that outlives its callback. */
function kept<Value>(make: (o: { readonly qty: { gte(value: number): never } }) => Value): Value {
  const found: Value[] = [];
  try {
    route.first(Order, (o) => {
      found.push(make(o as never));
      return [otherwise.to(discard)];
    });
  } catch {
    // What is made and not used is refused as well.
  }
  const [first] = found;
  if (first === undefined) throw new Error('the callback was not called');
  return first;
}

describe('the rejects of a route', () => {
  it('are an action or a destination', () => {
    const actions = [ends, via(same).to(ends), discard].map((rejects) => {
      const rules = () => [otherwise.to(ends)];
      const made = route.first(Order, rules, { from: ends, rejects });
      return defineRouter({ endpoints: [ends], routes: [made] }).routes[0]?.reject;
    });
    expect(actions.map((action) => [action?.transform, action?.target.kind])).toEqual([
      [null, 'endpoint'],
      [0, 'endpoint'],
      [null, 'discard'],
    ]);
  });

  it('are no action without its destination', () => {
    expect(refusal(via(same))).toBe(
      'route Order.rejects: expected an action that ends with .to(destination), ' +
        'received one without it',
    );
  });

  it('are no rule, whether it has its destination or not', () => {
    const rule =
      'route Order.rejects: expected a destination or via(…).to(…): ' +
      'no rule is asked about a rejected message, received a rule';
    expect(refusal(otherwise)).toBe(rule);
    expect(refusal(otherwise.via(same))).toBe(rule);
    expect(refusal(kept(() => otherwise.to(ends)))).toBe(rule);
    expect(refusal(kept((o) => when(o.qty.gte(1)).to(ends)))).toBe(rule);
  });

  it('are no field or condition, although those have methods named `to`', () => {
    for (const other of [kept((o) => o.qty), kept((o) => o.qty.gte(1)), {}, 5]) {
      const text = refusal(other);
      expect(text).toContain('route Order.rejects: expected an endpoint');
      expect(text).not.toContain('without it');
    }
  });
});
