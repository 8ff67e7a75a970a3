// Texts, bits and counts in what is found out about routes.
import { describe, expect, it } from 'vitest';
import {
  findOverlaps,
  findShadowed,
  findUncovered,
  type Witness,
} from '../../../../../lib/compiler/analysis/index.js';
import { decide, initialState } from '../../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import {
  defineRouter,
  discard,
  memory,
  not,
  type Refs,
  type Rule,
  route,
  schema,
  t,
  when,
} from '../../../../../lib/index.js';

const Quote = schema('Quote', 3, {
  symbol: t.ascii(12),
  topic: t.string.max(40),
  comment: t.string.max(20).optional(),
  options: t.flags({ hidden: 0, post: 1, reduce: 2 }, { base: 'u8' }),
  mask: t.u16,
});

function quotes(rules: (q: Refs<typeof Quote>) => readonly Rule<'Quote'>[]): RouterIr {
  return defineRouter({
    endpoints: [memory('in', { messages: Quote })],
    routes: [route.first(Quote, rules)],
  });
}

function ruleOf(ir: RouterIr, { source, message }: Witness): number | null {
  return decide(ir, initialState(ir), source, message).rule;
}

describe('texts', () => {
  it('have witnesses that the interpreter agrees with', () => {
    const ir = quotes((q) => [
      when(q.symbol.startsWith('BTC')).to(discard),
      when(q.symbol.is('BTCUSD')).to(discard),
      when(q.topic.matches('orders/+/new', { style: 'mqtt' })).to(discard),
    ]);
    const { overlaps, undecided } = findOverlaps(ir, 0);
    expect(overlaps.map(({ rules }) => rules)).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(undecided).toEqual([]);
    expect(overlaps[0]?.witness.fields).toMatchObject({ symbol: '"BTCUSD"' });
    const { verdict, witness } = findUncovered(ir, 0);
    expect(verdict).toBe('refuted');
    expect(ruleOf(ir, witness as Witness)).toBeNull();
  });

  it('are proved about where a condition and its opposite decide', () => {
    const ir = quotes((q) => [
      when(q.symbol.startsWith('BTC')).to(discard),
      when(not(q.symbol.startsWith('BTC'))).to(discard),
      when(q.symbol.startsWith('BTC'), q.mask.gt(4)).to(discard),
    ]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
    expect(findShadowed(ir, 0).shadowed).toEqual([{ rule: 2, reason: 'covered', by: 0 }]);
  });

  it('are undecided where it depends on which texts there are', () => {
    const ir = quotes((q) => [
      when(q.symbol.startsWith('BTC')).to(discard),
      when(q.symbol.startsWith('BTCUSD')).to(discard),
    ]);
    const { shadowed, undecided } = findShadowed(ir, 0);
    expect(shadowed).toEqual([]);
    expect(undecided).toEqual([{ rule: 1, doubt: 'text' }]);
  });

  it('of optional fields come with the field', () => {
    const ir = quotes((q) => [when(not(q.comment.is('urgent'))).to(discard)]);
    const { witness } = findUncovered(ir, 0);
    expect(Quote.decode((witness as Witness).message).comment).toBe('urgent');
  });
});

describe('bits', () => {
  it('are decided exactly', () => {
    const ir = quotes((q) => [
      when(q.options.has('hidden')).to(discard),
      when(q.options.none('hidden', 'post')).to(discard),
      when(q.options.has('post'), not(q.options.has('hidden'))).to(discard),
      when(q.options.any('post', 'hidden')).to(discard),
    ]);
    expect(findUncovered(ir, 0).verdict).toBe('proved');
    expect(findShadowed(ir, 0).shadowed).toEqual([{ rule: 3, reason: 'covered', by: null }]);
    const exclusive = findOverlaps(ir, 0).overlaps.map(({ rules }) => rules.join());
    expect(exclusive).toEqual(['0,3', '2,3']);
  });

  it('and ranges of one field are decided together', () => {
    const ir = quotes((q) => [
      when(q.mask.bits(0xff00).eq(0x1200), q.mask.lt(0x1200)).to(discard),
      when(q.mask.bits(0xff00).eq(0x1200), q.mask.gt(0x12f0)).to(discard),
    ]);
    expect(findShadowed(ir, 0).shadowed).toEqual([{ rule: 0, reason: 'never', by: null }]);
    const { witnesses } = findShadowed(ir, 0);
    expect(witnesses.get(1)?.fields).toMatchObject({ mask: 0x12f1n });
  });
});
