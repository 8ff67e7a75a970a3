// Conditions as IR, and the ways of joining them that JavaScript hides.
import { describe, expect, it } from 'vitest';
import type { ConditionIr, IntervalsIr } from '../../../../../lib/compiler/ir.js';
import {
  and,
  type Condition,
  defineRouter,
  discard,
  layout,
  not,
  or,
  otherwise,
  type Refs,
  type RouterIr,
  type Rule,
  route,
  schema,
  t,
  udp,
  validate,
  when,
} from '../../../../../lib/index.js';
import { refusal } from '../../../../helpers/refusal.js';

const M = schema(
  'M',
  1,
  {
    small: t.u8,
    signed: t.i8,
    wide: t.u64,
    qty: t.u32,
    side: t.enum({ buy: 1, sell: 2, cross: 7 }),
    on: t.bool,
    tag: t.bytes(4),
  },
  { layout: layout.packed() },
);
type O = Refs<typeof M>;
const endpoint = udp('in', { port: 0, messages: M });

function router(rules: (o: O) => readonly Rule<'M'>[]): RouterIr {
  return defineRouter({ endpoints: [endpoint], routes: [route.first(M, rules)] });
}

function conditionOf(build: (o: O) => Condition): ConditionIr | null | undefined {
  return router((o) => [when(build(o)).to(discard)]).routes[0]?.rules[0]?.when;
}

function intervalsOf(build: (o: O) => Condition): IntervalsIr {
  const condition = conditionOf(build);
  if (condition?.kind !== 'in') throw new Error(`no intervals: ${condition?.kind}`);
  return condition.intervals;
}

describe('a comparison of a field becomes intervals within its range', () => {
  const cases: [string, (o: O) => Condition, IntervalsIr][] = [
    ['eq', (o) => o.small.eq(5), [[5n, 5n]]],
    [
      'ne',
      (o) => o.small.ne(5),
      [
        [0n, 4n],
        [6n, 255n],
      ],
    ],
    ['ne of the lowest value', (o) => o.small.ne(0), [[1n, 255n]]],
    ['lt', (o) => o.signed.lt(0), [[-128n, -1n]]],
    ['lte', (o) => o.signed.lte(0), [[-128n, 0n]]],
    ['gt', (o) => o.wide.gt(7n), [[8n, 2n ** 64n - 1n]]],
    ['gte of a number', (o) => o.qty.gte(10_000), [[10_000n, 2n ** 32n - 1n]]],
    ['between', (o) => o.qty.between(2, 4n), [[2n, 4n]]],
    [
      'in, sorted, joined and without doubles',
      (o) => o.small.in([9, 3, 2, 3, 7]),
      [
        [2n, 3n],
        [7n, 7n],
        [9n, 9n],
      ],
    ],
    ['is', (o) => o.side.is('sell'), [[2n, 2n]]],
    [
      'in of symbols',
      (o) => o.side.in(['cross', 'buy']),
      [
        [1n, 1n],
        [7n, 7n],
      ],
    ],
    ['is of a boolean', (o) => o.on.is(false), [[0n, 0n]]],
  ];

  it.each(cases)('%s', (_name, build, expected) => {
    expect(intervalsOf(build)).toEqual(expected);
  });
});

describe('other conditions keep their shape', () => {
  it('arithmetic and comparisons between fields are compared exactly', () => {
    expect(conditionOf((o) => o.qty.mul(o.wide).sub(1).lte(10n))).toEqual({
      kind: 'compare',
      op: 'lte',
      left: {
        kind: 'sub',
        left: {
          kind: 'mul',
          left: { kind: 'field', field: 3 },
          right: { kind: 'field', field: 2 },
        },
        right: { kind: 'const', value: 1n },
      },
      right: { kind: 'const', value: 10n },
    });
    expect(conditionOf((o) => o.qty.gt(o.small))).toMatchObject({
      kind: 'compare',
      right: { kind: 'field', field: 0 },
    });
  });

  it('and, or and not nest; several conditions of when must all hold', () => {
    const built = router((o) => [
      when(not(or(o.small.eq(1), and(o.qty.eq(2), o.on.is(true)))), o.qty.gt(0)).to(discard),
    ]).routes[0]?.rules[0]?.when;
    expect(built).toMatchObject({
      kind: 'and',
      terms: [
        { kind: 'not', term: { kind: 'or', terms: [{ kind: 'in' }, { kind: 'and' }] } },
        { kind: 'in' },
      ],
    });
  });
});

describe('an impossible condition is refused with its position', () => {
  const cases: [string, (o: O) => unknown, string, RegExp][] = [
    ['a constant outside the range of the field', (o) => o.small.eq(256), 'small.eq', /0 to 255/],
    ['a fraction', (o) => o.small.eq(1.5), 'small.eq', /an integer/],
    ['a text', (o) => o.small.eq('1' as never), 'small.eq', /an integer/],
    ['a comparison that is never true', (o) => o.small.lt(0), 'small.lt', /can be true/],
    ['bounds in the wrong order', (o) => o.small.between(5, 4), 'small.between', /can be true/],
    ['an empty list', (o) => o.small.in([]), 'small.in', /1 to/],
    [
      'a symbol that does not exist',
      (o) => o.side.is('hold' as never),
      'side.is',
      /buy, sell, cross/,
    ],
    ['a text for a boolean', (o) => o.on.is('true' as never), 'on.is', /true or false/],
    [
      'a field that does not exist',
      (o) => (o as never as { qyt: { eq(v: number): Condition } }).qyt.eq(1),
      'M.qyt',
      /a field of M: small/,
    ],
    ['no condition at all', () => when(true as never), 'when', /a condition/],
    ['an empty or', () => or(), 'or', /at least one/],
  ];

  it.each(cases)('%s', (_name, build, option, expected) => {
    const error = refusal(() => router((o) => [when(build(o) as Condition).to(discard)]));
    expect(error.code).toBe('ERR_ROUTE');
    expect(error.detail.option).toBe(option);
    expect(error.detail.expected).toMatch(expected);
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });
});

describe('conditions that are not joined by and, or, not are found out', () => {
  const cases: [string, (o: O) => Condition, RegExp][] = [
    ['&&', (o) => o.small.eq(1) && o.qty.eq(2), /not used/],
    ['||', (o) => o.small.eq(1) || o.qty.eq(2), /joined otherwise/],
    [
      '|| inside of and',
      (o) => and(o.small.eq(1) || o.qty.eq(2), o.on.is(true)),
      /joined otherwise/,
    ],
    ['a ternary', (o) => (o.small.eq(1) ? o.qty.eq(2) : o.qty.eq(3)), /not used/],
  ];

  it.each(cases)('%s', (_name, build, received) => {
    const error = refusal(() => router((o) => [when(build(o)).to(discard)]));
    expect(error.code).toBe('ERR_ROUTE');
    expect(String(error.detail.received)).toMatch(received);
    expect(error.message).toContain('`&&`');
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });

  it('`!` gives no condition', () => {
    const negated = (o: O) => !o.small.eq(1) as never;
    expect(refusal(() => router((o) => [when(negated(o)).to(discard)])).detail.option).toBe('when');
  });

  it('JavaScript operators give no condition, and the error says so', () => {
    const compared = (o: O) => ((o.small as never) > 5) as never;
    const error = refusal(() => router((o) => [when(compared(o)).to(discard)]));
    expect(error.message).toContain('`>`, `===` and `!` do not work here');
  });

  it('|| in a validation, at every place of the list', () => {
    for (const at of [0, 1, 2]) {
      const error = refusal(() =>
        validate(M, (o) =>
          [0, 1, 2].map((index) => {
            const condition = index === at ? o.small.eq(1) || o.qty.eq(2) : o.small.gt(index);
            return condition.else(`CODE_${index}`);
          }),
        ),
      );
      expect(error.detail.received).toBe('a condition joined otherwise');
    }
  });

  it('a condition used twice', () => {
    const error = refusal(() =>
      router((o) => {
        const small = o.small.eq(1);
        return [when(small).to(discard), when(small).to(discard)];
      }),
    );
    expect(error.detail.expected).toMatch(/used once/);
  });

  it('a rule that is built but not returned', () => {
    const error = refusal(() =>
      router((o) => {
        when(o.small.eq(1)).to(discard);
        return [otherwise.to(discard)];
      }),
    );
    expect(error.detail.received).toBe('a rule that is built but not used');
  });

  it('a condition without a code in a validation', () => {
    const error = refusal(() => validate(M, (o) => [o.small.eq(1) as never]));
    expect(error.detail.expected).toMatch(/\.else\('QTY'\)/);
  });

  it('a field used outside of its callback', () => {
    let leaked: O['small'] | undefined;
    router((o) => {
      leaked = o.small;
      return [otherwise.to(discard)];
    });
    expect(refusal(() => leaked?.eq(1)).detail.expected).toMatch(/inside the callback/);
    const error = refusal(() => router(() => [when(leaked?.eq(1) as Condition).to(discard)]));
    expect(error.detail.expected).toMatch(/inside the callback/);
  });
});
