// What is found out about routes as people write them, and about large ones.
import { describe, expect, it } from 'vitest';
import {
  findOverlaps,
  findShadowed,
  findUncovered,
  readableWitness,
  type Witness,
} from '../../../../../lib/compiler/analysis/index.js';
import { findErrors } from '../../../../../lib/compiler/check.js';
import { decide, initialState } from '../../../../../lib/compiler/interpret.js';
import type { RouterIr, RuleIr } from '../../../../../lib/compiler/ir.js';
import {
  type Check,
  type Condition,
  decide as decideBy,
  defineRouter,
  discard,
  layout,
  memory,
  not,
  or,
  otherwise,
  type Refs,
  type Rule,
  raw,
  route,
  schema,
  t,
  union,
  validate,
  when,
} from '../../../../../lib/index.js';

const Order = schema('Order', 7, {
  side: t.enum({ buy: 1, sell: 2 }),
  price: t.i64,
  qty: t.u32,
  tier: t.u8.optional(),
  note: t.string.max(40),
});
type OrderRefs = Refs<typeof Order>;

const packed = { layout: layout.packed('be') } as const;
const Cancel = schema('Cancel', 2, { size: t.u16, type: t.u8, id: t.u64 }, packed);
const Other = schema('Other', 3, { size: t.u16, type: t.u8, id: t.u64, more: t.u32 }, packed);
const Cancels = union('Cancels', { type: 'type', size: 'size' }, [Cancel, Other]);

function orders(
  rules: (o: OrderRefs) => readonly Rule<'Order'>[],
  checks?: (o: OrderRefs) => readonly Check[],
): RouterIr {
  return defineRouter({
    endpoints: [memory('in', { messages: Order })],
    routes: [route.first(Order, rules)],
    ...(checks === undefined ? {} : { validate: [validate(Order, checks)] }),
  });
}

function withMode(ir: RouterIr, mode: 'unique' | 'all'): RouterIr {
  const [first, ...rest] = ir.routes as [RouterIr['routes'][0], ...RouterIr['routes']];
  return { ...ir, routes: [{ ...first, mode }, ...rest] };
}

function decision(ir: RouterIr, { source, message }: Witness) {
  const { rule, rejectCode } = decide(ir, initialState(ir), source, message);
  return { rule, rejectCode };
}

describe('coverage', () => {
  it('is proved by rules that take every value between them', () => {
    const ir = orders((o) => [
      when(o.qty.lt(100)).to(discard),
      when(o.qty.gte(100), o.price.lt(0)).to(discard),
      when(o.price.gte(0)).to(discard),
    ]);
    expect(findUncovered(ir, 0)).toMatchObject({ verdict: 'proved', witness: null });
  });

  it('is refuted by a value of an enumeration that no symbol has', () => {
    const ir = orders((o) => [
      when(o.side.is('buy')).to(discard),
      when(o.side.is('sell')).to(discard),
    ]);
    const { verdict, witness } = findUncovered(ir, 0);
    expect(verdict).toBe('refuted');
    expect(witness?.fields).toEqual({ side: 0n });
    expect(decision(ir, witness as Witness)).toEqual({ rule: null, rejectCode: 4 });
  });

  it('leaves out messages that a check rejects', () => {
    const rules = (o: OrderRefs) => [when(o.qty.gt(0)).to(discard)];
    expect(findUncovered(orders(rules), 0).verdict).toBe('refuted');
    const checked = orders(rules, (o) => [o.qty.gte(1).else('QTY')]);
    expect(findUncovered(checked, 0).verdict).toBe('proved');
  });

  it('thinks of absent fields', () => {
    const compared = (o: OrderRefs): Condition => o.tier.gte(0);
    const open = orders((o) => [when(compared(o)).to(discard)]);
    const { witness } = findUncovered(open, 0);
    expect(Order.decode((witness as Witness).message).tier).toBeUndefined();
    const closed = orders((o) => [
      when(compared(o)).to(discard),
      when(not(o.tier.present())).to(discard),
    ]);
    expect(findUncovered(closed, 0).verdict).toBe('proved');
  });

  it('is proved of raw messages and of routes with `otherwise`', () => {
    const echo = defineRouter({
      endpoints: [memory('in', { messages: raw })],
      routes: [route.first(raw, () => [otherwise.to(discard)])],
    });
    expect(findUncovered(echo, 0).verdict).toBe('proved');
    expect(
      findUncovered(
        orders(() => [otherwise.to(discard)]),
        0,
      ).verdict,
    ).toBe('proved');
  });

  it('is refuted where `decide` answers null, unless a check rejects the message', () => {
    const sides = (checks: (o: OrderRefs) => readonly Check[]): RouterIr =>
      defineRouter({
        endpoints: [memory('in', { messages: Order })],
        routes: [
          decideBy(
            Order,
            (o) => ({ side: o.side, qty: o.qty.bands(100) }),
            ({ side, qty }) =>
              side === 'unknown' || (side === 'sell' && qty === 0) ? null : discard,
          ),
        ],
        validate: [validate(Order, checks)],
      });
    const known = (o: OrderRefs): Check => or(o.side.is('buy'), o.side.is('sell')).else('SIDE');
    const { verdict, witness } = findUncovered(
      sides((o) => [known(o)]),
      0,
    );
    expect(verdict).toBe('refuted');
    expect(witness?.fields).toEqual({ side: 'sell', qty: 0n });
    const ir = sides((o) => [known(o), or(o.side.is('buy'), o.qty.gte(100)).else('QTY')]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
    expect(decision(ir, witness as Witness).rejectCode).not.toBe(4);
  });

  it('makes whole messages of a union, with size and type', () => {
    const ir = defineRouter({
      endpoints: [memory('in', { messages: Cancels })],
      routes: [route.first(Other, (o) => [when(o.id.lt(5), o.more.gte(9)).to(discard)])],
    });
    const { witness } = findUncovered(ir, 0);
    expect(Other.decode((witness as Witness).message)).toEqual({ id: 5n, more: 0 });
    expect(decision(ir, witness as Witness)).toEqual({ rule: null, rejectCode: 4 });
  });

  it('is undecided where arithmetic is beyond the search, and says so', () => {
    const ir = orders((o) => [
      when(o.price.mul(o.qty).ne(1_000_000_007n * 998_244_353n)).to(discard),
    ]);
    expect(findUncovered(ir, 0, { budget: 20_000 })).toMatchObject({
      verdict: 'undecided',
      witness: null,
      doubt: 'arithmetic',
    });
  });

  it('is undecided when the budget is used up', () => {
    const ir = orders((o) => [
      when(o.qty.lt(5), o.price.lt(5)).to(discard),
      when(or(o.qty.gte(5), o.price.gte(5))).to(discard),
    ]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
    expect(findUncovered(ir, 0, { budget: 1 })).toMatchObject({
      verdict: 'undecided',
      doubt: 'budget',
    });
  });
});

describe('arithmetic', () => {
  it('is refuted with values that were searched for', () => {
    const ir = orders(
      (o) => [when(o.price.mul(o.qty).ne(600)).to(discard)],
      (o) => [o.price.gt(20).else('PRICE')],
    );
    const { verdict, witness } = findUncovered(ir, 0);
    expect(verdict).toBe('refuted');
    const { price, qty } = Order.decode((witness as Witness).message);
    expect(price * BigInt(qty)).toBe(600n);
    expect(price).toBeGreaterThan(20n);
  });

  it('is proved by ranges', () => {
    const ir = orders((o) => [when(o.qty.add(o.qty).lte(2n * 0xffff_ffffn)).to(discard)]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
  });
});

describe('shadowed rules', () => {
  it('are found with the rule that takes their messages', () => {
    const ir = orders((o) => [
      when(o.qty.gte(10)).to(discard),
      when(o.side.is('buy')).to(discard),
      when(o.side.is('buy'), o.price.gt(3)).to(discard),
      when(o.qty.between(20, 30)).to(discard),
      when(o.qty.gte(5), o.qty.lt(3)).to(discard),
      otherwise.to(discard),
    ]);
    const { verdict, shadowed, witnesses } = findShadowed(ir, 0);
    expect(verdict).toBe('refuted');
    expect(shadowed).toEqual([
      { rule: 2, reason: 'covered', by: 1 },
      { rule: 3, reason: 'covered', by: 0 },
      { rule: 4, reason: 'never', by: null },
    ]);
    for (const [rule, witness] of witnesses) expect(decision(ir, witness).rule).toBe(rule);
    expect([...witnesses.keys()]).toEqual([0, 1, 5]);
  });

  it('are taken by several rules together', () => {
    const ir = orders((o) => [
      when(o.qty.lt(10)).to(discard),
      when(o.qty.gte(10)).to(discard),
      otherwise.to(discard),
    ]);
    expect(findShadowed(ir, 0).shadowed).toEqual([{ rule: 2, reason: 'covered', by: null }]);
  });

  it('are only those that never hold where every rule sends', () => {
    const ir = orders((o) => [
      when(o.qty.gte(10)).to(discard),
      when(o.qty.gte(20)).to(discard),
      when(o.qty.gte(5), o.qty.lt(3)).to(discard),
    ]);
    const { shadowed } = findShadowed(withMode(ir, 'all'), 0);
    expect(shadowed).toEqual([{ rule: 2, reason: 'never', by: null }]);
  });

  it('are the rules that no cell of a table names, or only cells of no message', () => {
    const ir = orders((o) => [0, 1, 2, 3].map((rule) => when(o.qty.eq(rule)).to(discard)));
    const [first] = ir.routes as [RouterIr['routes'][0]];
    const rules = first.rules.map((rule): RuleIr => ({ ...rule, when: null }));
    const qty = ir.schemas[0]?.fields.findIndex(({ name }) => name === 'qty') ?? 0;
    const table = {
      dimensions: [{ field: qty, starts: [10n, 1n << 40n] }],
      cells: [0, 1, 3],
    };
    const tabulated = { ...ir, routes: [{ ...first, rules, table }] };
    expect(findShadowed(tabulated, 0).shadowed.map(({ rule }) => rule)).toEqual([2, 3]);
    expect(findUncovered(tabulated, 0).verdict).toBe('proved');
    expect(findOverlaps(tabulated, 0).verdict).toBe('proved');
  });
});

describe('overlaps', () => {
  it('are refused in a route of mode unique, with a message for which both rules hold', () => {
    const ir = orders((o) => [
      when(o.side.is('buy')).to(discard),
      when(o.qty.gte(10)).to(discard),
      otherwise.to(discard),
    ]);
    expect(findErrors(ir)).toEqual([]);
    const [error, ...more] = findErrors(withMode(ir, 'unique'));
    expect(more).toEqual([]);
    expect(error?.code).toBe('ERR_ROUTE_OVERLAP');
    expect(error?.message).toMatch(
      /rules\[1\]: .* rules\[0\] \(line \d+\), received side buy, qty/,
    );
    expect(error?.detail).toMatchObject({ place: { line: expect.any(Number) } });
  });

  it('are none where unique rules exclude each other', () => {
    const ir = orders((o) => [
      when(o.side.is('buy'), o.qty.lt(10)).to(discard),
      when(o.side.is('sell')).to(discard),
      when(o.side.is('buy'), o.qty.gte(10)).to(discard),
    ]);
    expect(findErrors(withMode(ir, 'unique'))).toEqual([]);
    expect(findOverlaps(ir, 0)).toMatchObject({ verdict: 'proved', overlaps: [], undecided: [] });
  });

  it('that cannot be decided are refused in a route of mode unique', () => {
    const ir = orders((o) => [
      when(o.price.mul(o.qty).eq(1_000_000_007n * 998_244_353n)).to(discard),
      when(o.price.gt(1_000_000_007n)).to(discard),
    ]);
    const [error] = findErrors(withMode(ir, 'unique'));
    expect(error?.code).toBe('ERR_ROUTE_OVERLAP');
    expect(error?.message).toMatch(/arithmetic/);
  });

  it('are listed up to a limit', () => {
    const ir = orders((o) => [1, 2, 3, 4].map((qty) => when(o.qty.gte(qty)).to(discard)));
    expect(findOverlaps(ir, 0).overlaps).toHaveLength(6);
    expect(findOverlaps(ir, 0, { limit: 2 })).toMatchObject({ truncated: true });
    expect(findOverlaps(ir, 0, { limit: 2 }).overlaps).toHaveLength(2);
  });

  it('are readable', () => {
    const ir = orders((o) => [
      when(o.side.is('sell'), o.price.lt(-3)).to(discard),
      when(o.qty.gte(7)).to(discard),
    ]);
    const [overlap] = findOverlaps(ir, 0).overlaps;
    const text = readableWitness(overlap?.witness as Witness);
    expect(text).toBe(`side sell, price ${-(2n ** 63n)}, qty 7`);
  });
});

describe('routes with very many rules', () => {
  const count = 4_000;
  const ir = orders((o) => [when(o.qty.eq(0)).to(discard), otherwise.to(discard)]);
  const [first] = ir.routes as [RouterIr['routes'][0]];
  const [rule, last] = first.rules as [RuleIr, RuleIr];
  const qty = ir.schemas[0]?.fields.findIndex(({ name }) => name === 'qty') ?? 0;
  const exact = Array.from({ length: count }, (_, index): RuleIr => {
    const value = BigInt(index * 3);
    const condition = { kind: 'in', value: { kind: 'field', field: qty } } as const;
    return { ...rule, when: { ...condition, intervals: [[value, value]] } };
  });
  const large = (rules: readonly RuleIr[]): RouterIr => ({ ...ir, routes: [{ ...first, rules }] });

  it('are looked at without comparing each rule with each other one', () => {
    expect(findOverlaps(large(exact), 0)).toMatchObject({ verdict: 'proved' });
    expect(findShadowed(large([...exact, last]), 0)).toMatchObject({ verdict: 'proved' });
    expect(findUncovered(large(exact), 0).witness?.fields).toEqual({ qty: 1n });
  });

  it('give away the one rule that another hides', () => {
    const { overlaps } = findOverlaps(large([...exact, exact[777] as RuleIr]), 0);
    expect(overlaps.map(({ rules }) => rules)).toEqual([[777, count]]);
    expect(findShadowed(large([...exact, exact[777] as RuleIr]), 0).shadowed).toEqual([
      { rule: count, reason: 'covered', by: 777 },
    ]);
  });
});
