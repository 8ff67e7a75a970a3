// Several copies of a message, as people write them: what is built, and what is refused.
import { describe, expect, it } from 'vitest';
import { findErrors } from '../../../../../lib/compiler/check.js';
import { initialState, interpret } from '../../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import {
  always,
  defineRouter,
  discard,
  lb,
  memory,
  otherwise,
  pool,
  route,
  schema,
  t,
  when,
} from '../../../../../lib/index.js';

const Tick = schema('Tick', 1, { symbol: t.u16, price: t.u32 });
const feed = memory('feed', { messages: Tick });
const [a, b, c] = ['a', 'b', 'c'].map((name) => memory(name, { messages: Tick })) as [
  ReturnType<typeof memory<typeof Tick>>,
  ReturnType<typeof memory<typeof Tick>>,
  ReturnType<typeof memory<typeof Tick>>,
];

function router(...routes: Parameters<typeof defineRouter>[0]['routes']): RouterIr {
  return defineRouter({ endpoints: [feed, a, b, c], routes });
}

function tick(symbol: number, price: number): Uint8Array {
  const bytes = new Uint8Array(Tick.bytesMax);
  Tick.encode({ symbol, price }, bytes);
  return bytes;
}

/** The endpoints that get a message from the feed, in the order in which it leaves. */
function sent(ir: RouterIr, message: Uint8Array, state = initialState(ir)): (number | null)[] {
  const { decision } = interpret(ir, state, 0, message, 0n);
  return decision.deliveries.map(({ target }) =>
    target.kind === 'endpoint' ? target.endpoint : null,
  );
}

function errorOf(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return null;
}

describe('route.all', () => {
  it('sends a copy for every rule that holds, in their order', () => {
    const ir = router(
      route.all(
        Tick,
        (o) => [when(o.symbol.eq(1)).to(a), when(o.price.gt(5)).to(b), always.to(c)],
        { from: feed },
      ),
    );
    expect(sent(ir, tick(1, 9))).toEqual([1, 2, 3]);
    expect(sent(ir, tick(2, 9))).toEqual([2, 3]);
    expect(sent(ir, tick(2, 1))).toEqual([3]);
  });

  it('rejects what no rule holds for, and discards what is only discarded', () => {
    const ir = router(
      route.all(Tick, (o) => [when(o.symbol.eq(1)).to(a), when(o.symbol.eq(2)).to(discard)], {
        from: feed,
      }),
    );
    const outcome = (symbol: number) =>
      interpret(ir, initialState(ir), 0, tick(symbol, 1), 0n).decision.outcome;
    expect([outcome(1), outcome(2), outcome(3)]).toEqual(['deliver', 'discard', 'reject']);
  });

  it('has no word for what no other rule takes, and `always` has no other place', () => {
    const all = () => route.all(Tick, () => [otherwise.to(a)], { from: feed });
    expect(errorOf(all)).toMatchObject({ code: 'ERR_ROUTE' });
    const first = () => route.first(Tick, () => [always.to(a)], { from: feed });
    expect(errorOf(first)).toMatchObject({ code: 'ERR_ROUTE' });
    const lax = () => route.first(Tick, () => [otherwise.to(a).bestEffort()], { from: feed });
    expect(errorOf(lax)).toMatchObject({ code: 'ERR_ROUTE' });
  });

  it('is refused where a message could leave more often than is allowed', () => {
    const everyone = pool('everyone', [a, b, c], lb.broadcast());
    const many = (count: number) => () =>
      router(route.all(Tick, () => Array.from({ length: count }, () => always.to(everyone))));
    expect(errorOf(many(21))).toBe(null);
    expect(errorOf(many(22))).toMatchObject({ code: 'ERR_ROUTE_LIMIT' });
  });
});

describe('a pool of which every member gets the message', () => {
  it('sends to those that can be used, or rejects where none can', () => {
    const both = pool('both', [a, b], lb.broadcast());
    const ir = router(route.first(Tick, () => [otherwise.to(both)], { from: feed }));
    const state = initialState(ir);
    expect(sent(ir, tick(1, 1), state)).toEqual([1, 2]);
    state.alive[1] = 0;
    expect(sent(ir, tick(1, 1), state)).toEqual([2]);
    state.alive[2] = 0;
    expect(interpret(ir, state, 0, tick(1, 1), 0n).rejectCode).toBe(5);
  });

  it('counts members that get no copy as skipped', () => {
    const skipped = (delivery: 'all-or-none' | 'best-effort') => {
      const all = pool('all', [a, b, c], lb.broadcast({ delivery }));
      const ir = router(route.first(Tick, () => [otherwise.to(all)], { from: feed }));
      const state = initialState(ir);
      return [1, 2, 3].map((dead) => {
        state.alive[dead] = 0;
        return interpret(ir, state, 0, tick(1, 1), 0n).decision.skipped;
      });
    };
    expect(skipped('best-effort')).toEqual([1, 2, 0]);
    expect(skipped('all-or-none')).toEqual([1, 2, 0]);
  });
});

describe('a tap', () => {
  it('takes one message in so many of its rule, from the first on', () => {
    const ir = router(
      route.first(Tick, (o) => [when(o.symbol.eq(1)).to(a).tap(c, { every: 3 }), otherwise.to(b)], {
        from: feed,
      }),
    );
    const state = initialState(ir);
    const seen = [1, 1, 2, 1, 1, 2, 1].map((symbol) => sent(ir, tick(symbol, 1), state));
    expect(seen).toEqual([[1, 3], [1], [2], [1], [1, 3], [2], [1]]);
  });

  it('is refused with a count that is none', () => {
    for (const every of [0, -1, 1.5, Number.NaN]) {
      const make = () => route.first(Tick, () => [otherwise.to(a).tap(b, { every })]);
      expect(errorOf(make), `${every}`).toMatchObject({ code: 'ERR_ROUTE' });
    }
  });
});

describe('what a rule does besides', () => {
  it('is in the configuration as it was written', () => {
    const ir = router(
      route.all(Tick, () => [always.to(a).priority(7).bestEffort().tap(b, { every: 2 })]),
    );
    expect(ir.routes[0]).toMatchObject({
      mode: 'all',
      rules: [{ priority: 7, bestEffort: true, taps: [{ every: 2 }] }],
    });
  });

  it('is checked where it does not come from the language', () => {
    const ir = router(route.all(Tick, () => [always.to(a)]));
    const [first] = ir.routes;
    if (first === undefined) throw new Error('a route');
    const rule = first.rules[0] as (typeof first.rules)[0];
    const action = rule.action;
    const refused = [
      { ...rule, priority: 8 },
      { ...rule, priority: 0.5 },
      { ...rule, taps: [{ action, every: 0 }] },
      { ...rule, taps: [{ action: { transform: null, target: { kind: 'discard' } }, every: 1 }] },
      { ...rule, taps: [{ action: { transform: 9, target: action.target }, every: 1 }] },
    ] as (typeof rule)[];
    for (const [index, changed] of refused.entries()) {
      const errors = findErrors({ ...ir, routes: [{ ...first, rules: [changed] }] });
      expect(
        errors.map(({ code }) => code),
        `${index}`,
      ).toEqual(['ERR_ROUTE']);
    }
    const lax = { ...first, mode: 'first' as const, rules: [{ ...rule, bestEffort: true }] };
    expect(findErrors({ ...ir, routes: [lax] })).toHaveLength(1);
    const strange = { ...first, mode: 'some' as 'all' };
    expect(findErrors({ ...ir, routes: [strange] })).toHaveLength(1);
  });
});
