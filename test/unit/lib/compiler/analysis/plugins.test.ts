// Proofs about routes in which a plug-in has a say: nothing is claimed that depends on it.
import { describe, expect, it } from 'vitest';
import { conditionText, fieldsRead } from '../../../../../lib/compiler/analysis/condition-text.js';
import {
  findOverlaps,
  findShadowed,
  findUncovered,
} from '../../../../../lib/compiler/analysis/index.js';
import type { ConditionIr, SchemaIr } from '../../../../../lib/compiler/ir.js';
import {
  defineRouter,
  layout,
  memory,
  not,
  plugin,
  type Refs,
  type RouterIr,
  type Rule,
  route,
  schema,
  t,
  when,
} from '../../../../../lib/index.js';

const packed = { layout: layout.packed('be') } as const;
const Order = schema('Order', 1, { tier: t.u8, price: t.u32 }, packed);
const geo = plugin('/opt/geo.so');
const out = memory('out', { messages: Order });
type O = Refs<typeof Order>;

function routerOf(rules: (o: O) => readonly Rule<'Order'>[]): RouterIr {
  const from = memory('from', { messages: Order });
  return defineRouter({
    endpoints: [from, out],
    routes: [route.first(Order, rules, { from })],
  });
}

const inside = (o: O) => geo.match('inside', [o.price]);

describe('a rule that a plug-in decides', () => {
  it('neither covers a route nor leaves it open, as far as anybody can tell', () => {
    const both = routerOf((o) => [when(inside(o)).to(out), when(not(inside(o))).to(out)]);
    expect(findUncovered(both, 0)).toMatchObject({ verdict: 'undecided', witness: null });
  });

  it('covers what other conditions cover without it', () => {
    const ir = routerOf((o) => [
      when(inside(o)).to(out),
      when(o.tier.lt(9)).to(out),
      when(o.tier.gte(9)).to(out),
    ]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
  });

  it('is apart from rules that its other conditions exclude, and may overlap all others', () => {
    const ir = routerOf((o) => [
      when(o.tier.eq(1), inside(o)).to(out),
      when(o.tier.eq(2)).to(out),
      when(o.tier.eq(1), o.price.gt(5)).to(out),
    ]);
    const { verdict, overlaps, undecided } = findOverlaps(ir, 0);
    expect({ verdict, overlaps }).toEqual({ verdict: 'undecided', overlaps: [] });
    expect(undecided.map(({ rules }) => rules)).toEqual([[0, 2]]);
  });

  it('shadows nothing by itself', () => {
    const ir = routerOf((o) => [when(inside(o)).to(out), when(o.tier.eq(2)).to(out)]);
    expect(findShadowed(ir, 0).shadowed).toEqual([]);
  });
});

describe('a condition that a plug-in decides', () => {
  it('is shown with its name and the fields that it is shown', () => {
    const ir = routerOf((o) => [when(not(geo.match('near', [o.price, o.tier]))).to(out)]);
    const condition = ir.routes[0]?.rules[0]?.when as ConditionIr;
    const schemaIr = ir.schemas[0] as SchemaIr;
    expect(conditionText(condition, schemaIr)).toBe('not (plug-in near(price, tier))');
    const names = fieldsRead(condition).map((field) => schemaIr.fields[field]?.name);
    expect(names).toEqual(['price', 'tier']);
  });
});
