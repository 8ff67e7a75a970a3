// Predicates, matchers and tables by functions of the user's: what is compiled of them, and what
// is refused.
import { describe, expect, it } from 'vitest';
import { initialState, interpret } from '../../../../../lib/compiler/interpret.js';
import type { ConditionIr, ValueIr } from '../../../../../lib/compiler/ir.js';
import {
  type Condition,
  defineMatcher,
  defineRouter,
  layout,
  or,
  otherwise,
  type Refs,
  type RouterIr,
  route,
  schema,
  t,
  transform,
  udp,
  validate,
  when,
} from '../../../../../lib/index.js';
import { refusal } from '../../../../helpers/refusal.js';
import { impossible, limits } from '../../../../helpers/reusable-checks.js';

const packed = { layout: layout.packed() };
const Order = schema(
  'Order',
  1,
  {
    tier: t.u8,
    delta: t.i8,
    port: t.u16,
    price: t.u32,
    side: t.enum({ buy: 1, sell: 2, short: 5 }),
    kind: t.enum({ market: 1, limit: 2 }, { unknown: { default: 'limit' } }),
    live: t.bool,
  },
  packed,
);
const Native = schema('Native', 2, { tier: t.u8.optional(), live: t.bool });
type O = Refs<typeof Order>;

function routerOf(build: (o: O) => Condition): RouterIr {
  const [source, out] = [udp('source', { port: 0, messages: Order }), udp('out', { port: 0 })];
  return defineRouter({
    endpoints: [source, out],
    routes: [route.first(Order, (o) => [when(build(o)).to(out)])],
  });
}

function conditionOf(build: (o: O) => Condition): ConditionIr | null | undefined {
  return routerOf(build).routes[0]?.rules[0]?.when;
}

function intervalsOf(build: (o: O) => Condition): unknown {
  const condition = conditionOf(build);
  return condition?.kind === 'in' ? condition.intervals : condition;
}

const isPrime = (value: number): boolean => {
  for (let factor = 2; factor * factor <= value; factor += 1) {
    if (value % factor === 0) return false;
  }
  return value >= 2;
};

describe('a predicate', () => {
  it('becomes the intervals of the values for which it holds', () => {
    expect(intervalsOf((o) => o.tier.where((value) => value >= 250 || value === 3))).toEqual([
      [3n, 3n],
      [250n, 255n],
    ]);
    expect(intervalsOf((o) => o.delta.where((value) => value < -126))).toEqual([[-128n, -127n]]);
    const ports = intervalsOf((o) => o.port.where((value) => value % 2 === 1)) as bigint[][];
    expect(ports).toHaveLength(32_768);
    expect(ports.at(-1)).toEqual([65_535n, 65_535n]);
  });

  it('gets the symbols of an enumeration, and true and false', () => {
    expect(intervalsOf((o) => o.side.where((side) => side.startsWith('s')))).toEqual([
      [2n, 2n],
      [5n, 5n],
    ]);
    expect(intervalsOf((o) => o.live.where((live) => !live))).toEqual([[0n, 0n]]);
  });

  it('means the numbers without a symbol where it means the symbol they are read as', () => {
    expect(intervalsOf((o) => o.kind.where((kind) => kind === 'limit'))).toEqual([
      [0n, 0n],
      [2n, 255n],
    ]);
  });

  it('decides as it would have itself, message by message', () => {
    const ir = routerOf((o) => o.tier.where(isPrime));
    for (let tier = 0; tier < 256; tier += 1) {
      const message = new Uint8Array(Order.bytesMax);
      Order.encode(
        { tier, delta: 0, port: 0, price: 0, side: 'buy', kind: 'limit', live: true },
        message,
      );
      const { outcome } = interpret(ir, initialState(ir), 0, message, 0n).decision;
      expect(outcome, String(tier)).toBe(isPrime(tier) ? 'deliver' : 'reject');
    }
  });

  it('of an optional field holds for no message without it', () => {
    const [source, out] = [udp('source', { port: 0, messages: Native }), udp('out', { port: 0 })];
    const ir = defineRouter({
      endpoints: [source, out],
      routes: [route.first(Native, (o) => [when(o.tier.where(() => true)).to(out)])],
    });
    expect(ir.routes[0]?.rules[0]?.when).toMatchObject({ kind: 'and', terms: [{}, {}] });
  });

  it('is asked in validations too, and stray operators are still found', () => {
    const checks = validate(Order, (o) => [o.tier.where(isPrime).else('TIER')]);
    expect(checks).toBeDefined();
    const error = refusal(() => conditionOf((o) => o.tier.where(isPrime) || o.live.is(true)));
    expect(error.code).toBe('ERR_ROUTE');
  });

  it.each<[string, (o: O) => Condition, string, string]>([
    ['throws', (o) => o.tier.where((value) => fail(value === 7)), 'every value', 'for 7'],
    ['answers no boolean', (o) => o.tier.where((v) => v as never), 'true or false', '0 for 0'],
    ['is none', (o) => o.tier.where('x' as never), 'a function', 'x'],
    ['holds for nothing', (o) => o.tier.where(() => false), 'that can be true', 'never'],
    ['is of a large field', (o) => o.price.where(() => true), '65536 values', 'price (u32)'],
  ])('that %s is refused with its place', (_name, build, expected, received) => {
    const { code, detail } = refusal(() => conditionOf(build));
    expect(code).toBe('ERR_ROUTE');
    expect(detail.expected).toContain(expected);
    expect(String(detail.received)).toContain(received);
    expect(detail.place?.file).toContain('own.test.ts');
  });

  it('that gets an error from this package is refused with the line of its own', () => {
    const build = (o: O) => o.tier.where(() => schema('1 x', 1, {}) !== undefined);
    const { detail } = refusal(() => conditionOf(build));
    expect(detail.received).toMatch(
      /^an error for 0: HyperRouteError: .* \(at \/.*\/own\.test\.ts:\d+:\d+\)$/,
    );
  });

  it('that remembers what it was asked is refused', () => {
    let asked = 0;
    const error = refusal(() => conditionOf((o) => o.tier.where(() => ++asked % 5 === 0)));
    expect(error.detail.expected).toBe('the same answer whenever it is asked');
  });
});

function fail(isWrong: boolean): boolean {
  if (isWrong) throw new Error('seven');
  return true;
}

describe('a matcher', () => {
  const multipleOf = defineMatcher({
    name: 'multiple-of',
    compile: (step: number, { low, high }) => {
      const values: bigint[] = [];
      for (let value = low; value <= high; value += BigInt(step)) values.push(value);
      return { values };
    },
  });
  const band = defineMatcher({
    name: 'band',
    compile: ([low, high]: readonly [number, number]) => ({ intervals: [[low, high]] }),
  });
  const anything = defineMatcher({
    name: 'anything',
    compile: (_args, { low, high }) => ({ intervals: [[low, high]] }),
  });

  it('becomes the values it names, of a field of any size', () => {
    expect(intervalsOf((o) => o.tier.by(multipleOf, 100))).toEqual([
      [0n, 0n],
      [100n, 100n],
      [200n, 200n],
    ]);
    expect(intervalsOf((o) => o.price.by(band, [5, 4_000_000_000]))).toEqual([
      [5n, 4_000_000_000n],
    ]);
    expect(intervalsOf((o) => o.delta.by(anything))).toEqual([[-128n, 127n]]);
  });

  it('joins other conditions', () => {
    expect(conditionOf((o) => or(o.price.by(band, [1, 2]), o.live.is(true)))?.kind).toBe('or');
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['values outside the field', () => ({ values: [256] })],
    ['values that are no integers', () => ({ values: [1.5] })],
    ['an interval that ends before it starts', () => ({ intervals: [[5, 4]] })],
    ['an interval of three', () => ({ intervals: [[1, 2, 3]] })],
    ['an error', () => fail(true)],
    ['no values', () => ({ values: [] })],
    ['another one each time', () => ({ values: [Math.floor(Math.random() * 2 ** 7), turn++] })],
  ])('whose answer is %s is refused by name', (_name, compile) => {
    const odd = defineMatcher({ name: 'odd', compile: compile as never });
    const { code, detail } = refusal(() => conditionOf((o) => o.tier.by(odd)));
    expect(code).toBe('ERR_ROUTE');
    expect(detail.option).toContain('tier.by');
    expect(detail.place?.file).toContain('own.test.ts');
  });
  let turn = 0;

  it('is made by defineMatcher, with a name and a function', () => {
    const plain = { name: 'plain', compile: () => ({ values: [1] }) };
    expect(refusal(() => conditionOf((o) => o.tier.by(plain))).detail.expected).toContain(
      'defineMatcher',
    );
    expect(refusal(() => defineMatcher({ ...plain, name: '1 x' })).code).toBe('ERR_ROUTE');
    expect(refusal(() => defineMatcher({ ...plain, compile: 5 as never })).code).toBe('ERR_ROUTE');
  });
});

describe('what is said of a matcher', () => {
  const asked = { turn: 0 };

  it.each<[string, () => unknown, RegExp]>([
    [
      'that throws',
      () => fail(true),
      /mine\): expected an answer, received an error: Error: .* \(at \/.*own\.test\.ts:\d+:\d+\)/,
    ],
    [
      'whose value is too large',
      () => ({ values: [1, 256] }),
      /tier\.by\(mine\)\.values\[1\]: expected an integer from 0 to 255, received 256/,
    ],
    [
      'whose value is no integer',
      () => ({ values: [1.5] }),
      /values\[0\]: expected an integer from 0 to 255, received 1\.5/,
    ],
    [
      'whose interval is turned round',
      () => ({
        intervals: [
          [1, 2],
          [9, 5],
        ],
      }),
      /tier\.by\(mine\)\.intervals\[1\]: expected the lower bound first, received \[9,5\]/,
    ],
    [
      'whose interval has three ends',
      () => ({ intervals: [[1, 2, 3]] }),
      /intervals\[0\]: expected \[low, high\], both included, received \[1,2,3\]/,
    ],
    [
      'that answers in both ways',
      () => ({ values: [1], intervals: [[1, 2]] }),
      /tier\.by\(mine\): expected \{ values: \[…\] \} or \{ intervals: /,
    ],
    [
      'that means nothing',
      () => ({ values: [] }),
      /tier\.by\(mine\): expected an answer with at least one value/,
    ],
    [
      'that changes its mind',
      () => ({ values: [asked.turn++] }),
      /the same answer .*, received \{"values":\[\d\]\}, then \{"values":\[\d\]\}/,
    ],
  ])('%s is what is wrong with which part of its answer', (_what, compile, message) => {
    const mine = defineMatcher({ name: 'mine', compile: compile as never });
    const error = refusal(() => conditionOf((o) => o.tier.by(mine)));
    expect(error.message).toMatch(message);
  });
});

describe('a tabulated output', () => {
  const Out = schema('Out', 1, { v: t.u16 }, packed);
  const Named = schema('Named', 1, { v: t.enum({ low: 1, high: 2 }) }, packed);
  const Flag = schema('Flag', 1, { v: t.bool }, packed);

  function written(To: unknown, build: (o: O) => unknown): ValueIr | undefined {
    const [source, out] = [udp('source', { port: 0, messages: Order }), udp('out', { port: 0 })];
    const made = transform(Order, To as typeof Out, (o) => ({ v: build(o) as number }));
    const ir = defineRouter({
      endpoints: [source, out],
      routes: [route.first(Order, () => [otherwise.via(made).to(out)])],
    });
    return ir.transforms[0]?.outputs[0]?.value;
  }

  it('is a map with an entry for each value', () => {
    const value = written(Out, (o) => o.tier.tabulate((tier) => tier * 3));
    expect(value).toMatchObject({ kind: 'map', code: 8 });
    const { pairs } = value as Extract<ValueIr, { kind: 'map' }>;
    expect(pairs).toHaveLength(256);
    expect(pairs[255]).toEqual([255n, 765n]);
  });

  it('writes symbols and booleans', () => {
    expect(written(Named, (o) => o.side.tabulate((s) => (s === 'buy' ? 'low' : 'high')))).toEqual({
      ...{ kind: 'map', field: 4, code: 9 },
      pairs: [
        [1n, 1n],
        [2n, 2n],
        [5n, 2n],
      ],
    });
    expect(written(Flag, (o) => o.delta.tabulate((d) => d < 0))).toMatchObject({ code: 8 });
  });

  it('rejects where the function has no answer, with the code that is said', () => {
    const half = (o: O) => o.tier.tabulate((tier) => (tier < 2 ? tier : undefined));
    expect(written(Out, (o) => half(o).orReject('TIER', 1234))).toEqual({
      ...{ kind: 'map', field: 0, code: 1234 },
      pairs: [
        [0n, 0n],
        [1n, 1n],
      ],
    });
    expect(refusal(() => written(Out, half)).detail.expected).toContain('orReject');
    const kinds = (o: O) => o.kind.tabulate((kind) => (kind === 'limit' ? 1 : undefined));
    const { detail } = refusal(() => written(Out, (o) => kinds(o).orReject('KIND')));
    expect(detail).toMatchObject({ expected: 'an answer for every value' });
  });

  it('says for a number without a symbol what it says for the default', () => {
    const value = written(Out, (o) => o.kind.tabulate((kind) => kind.length));
    expect(value).toMatchObject({ kind: 'map', otherwise: 5n });
  });

  it.each<[string, unknown, (o: O) => unknown]>([
    ['too large', Out, (o) => o.tier.tabulate((tier) => tier * 1000)],
    ['no integer', Out, (o) => o.tier.tabulate((tier) => tier / 2)],
    ['no symbol', Named, (o) => o.tier.tabulate(() => 'medium')],
    ['a symbol for a number', Out, (o) => o.tier.tabulate(() => 'low')],
    ['a number for a boolean', Flag, (o) => o.tier.tabulate(() => 1)],
    ['never there', Out, (o) => o.tier.tabulate(() => undefined).orReject('X')],
  ])('whose answer is %s is refused', (_name, To, build) => {
    const { code, detail } = refusal(() => written(To, build));
    expect(code).toBe('ERR_ROUTE');
    expect(detail.option).toContain('.v');
  });
});

describe('checks of another module', () => {
  function checked(checks: Parameters<typeof validate<typeof Order>>[1]): RouterIr {
    const [source, out] = [udp('source', { port: 0, messages: Order }), udp('out', { port: 0 })];
    return defineRouter({
      endpoints: [source, out],
      validate: [validate(Order, checks)],
      routes: [route.first(Order, () => [otherwise.to(out)])],
    });
  }

  it('are used like those that stand in the configuration, and know where they stand', () => {
    const ir = checked((o) => [...limits(o, 1000), o.live.is(true).else('LIVE')]);
    const files = ir.routes[0]?.checks.map(({ position }) => position.file.split('/').at(-1));
    expect(files).toEqual(['reusable-checks.ts', 'reusable-checks.ts', 'own.test.ts']);
    expect(ir.rejectCodes).toEqual({ NOTIONAL: 1000, PORT: 1001, LIVE: 1002 });
  });

  it('are blamed where their mistake is', () => {
    const { detail } = refusal(() => checked((o) => impossible(o)));
    expect(detail.place?.file).toContain('reusable-checks.ts');
    expect(detail.option).toBe('port.lt');
  });

  it('that are made but not used are found', () => {
    const { detail } = refusal(() =>
      checked((o) => {
        limits(o, 1);
        return [o.live.is(true).else('LIVE')];
      }),
    );
    expect(detail.place?.file).toContain('reusable-checks.ts');
  });
});
