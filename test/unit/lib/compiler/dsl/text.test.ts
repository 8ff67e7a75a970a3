// Conditions on text, flags, bits and counts: what holds for a message, and what is refused.
import { describe, expect, it } from 'vitest';
import { holds } from '../../../../../lib/compiler/interpret-condition.js';
import { viewOf } from '../../../../../lib/compiler/interpret-view.js';
import type { ConditionIr, SchemaIr } from '../../../../../lib/compiler/ir.js';
import {
  type Condition,
  compileTransform,
  defineRouter,
  discard,
  type InferInput,
  layout,
  not,
  otherwise,
  type Refs,
  type RouterIr,
  route,
  schema,
  t,
  transform,
  udp,
  when,
} from '../../../../../lib/index.js';
import { refusal } from '../../../../helpers/refusal.js';

const Native = schema('Native', 1, {
  symbol: t.ascii(8),
  topic: t.string.max(40),
  note: t.string.max(20).optional(),
  digest: t.bytes(3),
  marks: t.flags('urgent', 'hidden', 'test'),
  word: t.u32,
  signed: t.i16,
  coarse: t.decimal(2),
  fine: t.decimal(4),
  at: t.timestamp,
  rate: t.f64,
  limit: t.u16.optional(),
  fills: t.group({ n: t.u8 }).max(9),
});
const Padded = schema(
  'Padded',
  2,
  { text: t.ascii(6, { pad: 'space' }) },
  {
    layout: layout.packed(),
  },
);
type N = Refs<typeof Native>;

const plain: InferInput<typeof Native> = {
  ...{ symbol: 'BTCUSD', topic: 'a/b/c', digest: Uint8Array.of(1, 2, 3) },
  marks: { urgent: true, hidden: false, test: true },
  ...{ word: 0xc0a80105, signed: -2, coarse: 150n, fine: 15_000n, at: 7n, rate: 1, fills: [] },
};

function router(build: (o: N) => Condition): RouterIr {
  const endpoint = udp('in', { port: 0, messages: Native });
  return defineRouter({
    endpoints: [endpoint],
    routes: [route.first(Native, (o) => [when(build(o)).to(discard), otherwise.to(discard)])],
  });
}

function conditionOf(ir: RouterIr): { condition: ConditionIr; schema: SchemaIr } {
  const [condition, schemaIr] = [ir.routes[0]?.rules[0]?.when, ir.schemas[0]];
  if (!condition || schemaIr === undefined) throw new Error('no condition');
  return { condition, schema: schemaIr };
}

function isTrue(build: (o: N) => Condition, change: Partial<InferInput<typeof Native>>): boolean {
  const message = new Uint8Array(Native.bytesMax);
  const bytes = Native.encode({ ...plain, ...change }, message);
  const { condition, schema: ir } = conditionOf(router(build));
  const whole = message.subarray(0, bytes);
  return holds(condition, { schema: ir, view: viewOf(ir, whole) as Uint8Array, message: whole });
}

describe('text', () => {
  const cases: [string, (o: N) => Condition, string, string[], string[]][] = [
    ['is the same', (o) => o.symbol.is('BTC'), 'symbol', ['BTC'], ['BT', 'BTCU', 'btc', '']],
    ['is as long as the field', (o) => o.symbol.is('BTCUSDTX'), 'symbol', ['BTCUSDTX'], ['BTC']],
    ['is one of some', (o) => o.symbol.in(['A', 'BB']), 'symbol', ['A', 'BB'], ['AB', 'B']],
    ['starts with', (o) => o.symbol.startsWith('BTC'), 'symbol', ['BTC', 'BTCX'], ['BT', 'XBTC']],
    ['of any size is', (o) => o.topic.is('é/b'), 'topic', ['é/b'], ['e/b', 'é/']],
    ['of any size starts with', (o) => o.topic.startsWith('a/'), 'topic', ['a/', 'a/b'], ['a', '']],
    ['that is empty is empty', (o) => o.topic.is(''), 'topic', [''], ['a']],
    ['counts its bytes', (o) => o.topic.bytes.gt(2), 'topic', ['é/'], ['é', 'ab']],
  ];
  it.each(cases)('%s', (_name, build, field, matching, others) => {
    for (const text of matching) expect(isTrue(build, { [field]: text }), text).toBe(true);
    for (const text of others) expect(isTrue(build, { [field]: text }), text).toBe(false);
  });

  it('padded with spaces ends before them', () => {
    const build = transform(Padded, Padded, (o) => ({ text: o.text }));
    expect(compileTransform(build)).toBeDefined();
    const endpoint = udp('in', { port: 0, messages: Padded });
    const ir = defineRouter({
      endpoints: [endpoint],
      routes: [route.first(Padded, (o) => [when(o.text.is('A B')).to(discard)])],
    });
    const { condition, schema: of } = conditionOf(ir);
    const held = (text: string): boolean => {
      const message = Buffer.from(text);
      return holds(condition, { schema: of, view: message, message });
    };
    expect(['A B   ', 'A B  C', 'A B\0\0\0'].map(held)).toEqual([true, false, false]);
  });

  it('of an optional field that is absent holds for nothing', () => {
    expect(isTrue((o) => o.note.is(''), {})).toBe(false);
    expect(isTrue((o) => o.note.is(''), { note: '' })).toBe(true);
    expect(isTrue((o) => not(o.note.startsWith('x')), {})).toBe(true);
    expect(isTrue((o) => o.note.matches('#', { style: 'mqtt' }), {})).toBe(false);
  });

  it('of a fixed number of bytes is bytes', () => {
    expect(isTrue((o) => o.digest.is(Uint8Array.of(1, 2, 3)), {})).toBe(true);
    expect(isTrue((o) => o.digest.startsWith(Uint8Array.of(1)), {})).toBe(true);
    expect(isTrue((o) => o.digest.startsWith(Uint8Array.of(1, 2, 4)), {})).toBe(false);
  });
});

describe('topics', () => {
  const mqtt: [string, string[], string[]][] = [
    ['a/b', ['a/b'], ['a', 'a/b/', 'a/b/c', '/a/b']],
    ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/b/c', 'a/b/cc']],
    ['a/#', ['a', 'a/', 'a/b/c'], ['ab', '', '/a']],
    ['#', ['', 'a', '/a/$b', '$SYS/x'], []],
    ['+', ['', 'a', '$x'], ['/', 'a/b']],
    ['+/+', ['/', 'a/b'], ['a', 'a/b/c']],
    ['a//b', ['a//b'], ['a/b', 'a/x/b']],
  ];
  it.each(mqtt)('of MQTT meet %s', (pattern, matching, others) => {
    const build = (o: N) => o.topic.matches(pattern, { style: 'mqtt' });
    for (const topic of matching) expect(isTrue(build, { topic }), topic).toBe(true);
    for (const topic of others) expect(isTrue(build, { topic }), topic).toBe(false);
  });

  const nats: [string, string[], string[]][] = [
    ['a.b', ['a.b'], ['a', 'a.b.c', 'a/b']],
    ['a.*.c', ['a.b.c', 'a..c'], ['a.c']],
    ['a.>', ['a.b', 'a.b.c', 'a.'], ['a', 'ab']],
    ['>', ['a', 'a.b', ''], []],
  ];
  it.each(nats)('of NATS meet %s', (pattern, matching, others) => {
    const build = (o: N) => o.topic.matches(pattern, { style: 'nats' });
    for (const topic of matching) expect(isTrue(build, { topic }), topic).toBe(true);
    for (const topic of others) expect(isTrue(build, { topic }), topic).toBe(false);
  });

  it('with a wildcard inside of a level, or behind the last, are refused', () => {
    const styled = (pattern: string, style: 'mqtt' | 'nats') =>
      refusal(() => router((o) => o.topic.matches(pattern, { style }))).detail.expected;
    expect(styled('a+/b', 'mqtt')).toBe('+ and # as levels of their own');
    expect(styled('a/#/b', 'mqtt')).toBe('# as the last level');
    expect(styled('>.a', 'nats')).toBe('> as the last level');
    expect(styled('a*', 'nats')).toBe('* and > as levels of their own');
    // @ts-expect-error: the style is not guessed.
    expect(refusal(() => router((o) => o.topic.matches('a'))).code).toBe('ERR_ROUTE');
  });
});

describe('flags and bits', () => {
  it('hold by all, any and none of their names', () => {
    expect(isTrue((o) => o.marks.has('urgent', 'test'), {})).toBe(true);
    expect(isTrue((o) => o.marks.has('urgent', 'hidden'), {})).toBe(false);
    expect(isTrue((o) => o.marks.any('hidden', 'test'), {})).toBe(true);
    expect(isTrue((o) => o.marks.any('hidden'), {})).toBe(false);
    expect(isTrue((o) => o.marks.none('hidden'), {})).toBe(true);
    expect(isTrue((o) => o.marks.none('hidden', 'test'), {})).toBe(false);
  });

  it('of integers hold by a mask or a prefix', () => {
    expect(isTrue((o) => o.word.bits(0xff00).eq(0x0100), {})).toBe(true);
    expect(isTrue((o) => o.word.bits(0xff00).eq(0x0200), {})).toBe(false);
    expect(isTrue((o) => o.word.bits(0x8001).any(), {})).toBe(true);
    expect(isTrue((o) => o.word.bits(0x8001).all(), {})).toBe(false);
    expect(isTrue((o) => o.word.bits(0x30).none(), {})).toBe(true);
    expect(isTrue((o) => o.signed.bits(0xffff).eq(0xfffe), {})).toBe(true);
    expect(isTrue((o) => o.word.prefix(0xc0a80000, 16), {})).toBe(true);
    expect(isTrue((o) => o.word.prefix(0xc0a90000, 16), {})).toBe(false);
    expect(isTrue((o) => o.limit.bits(1).none(), {})).toBe(false);
    expect(isTrue((o) => o.fills.count.eq(2), { fills: [{ n: 1 }, { n: 2 }] })).toBe(true);
  });
});

describe('decimals', () => {
  it('of different scales compare and add up exactly', () => {
    expect(isTrue((o) => o.coarse.eq(o.fine), {})).toBe(true);
    expect(isTrue((o) => o.coarse.eq(o.fine), { fine: 15_001n })).toBe(false);
    expect(isTrue((o) => o.fine.gt(o.coarse), { fine: 15_001n })).toBe(true);
    expect(isTrue((o) => o.coarse.add(o.fine).eq(30_000), {})).toBe(true);
    expect(isTrue((o) => o.coarse.mul(o.coarse).eq(o.fine), { fine: 22_500n })).toBe(true);
  });
});

describe('what can never hold, or is no comparison,', () => {
  const cases: [string, (o: N) => unknown][] = [
    // @ts-expect-error: a timestamp is no decimal.
    ['a timestamp with a decimal', (o) => o.at.gt(o.fine)],
    // @ts-expect-error: nor is their sum anything.
    ['a decimal and a timestamp', (o) => o.fine.add(o.at).gt(1)],
    // @ts-expect-error: floating-point numbers are not compared.
    ['a float', (o) => o.rate.gt(1)],
    // @ts-expect-error: text is no number.
    ['a number with text', (o) => o.word.eq(o.symbol)],
    // @ts-expect-error: bytes are bytes.
    ['text with bytes', (o) => o.digest.is('abc')],
    ['bytes of another number', (o) => o.digest.is(new Uint8Array(2))],
    ['longer text', (o) => o.symbol.is('123456789')],
    ['text that is not ASCII', (o) => o.symbol.startsWith('é')],
    ['half a character', (o) => o.topic.is('\ud800')],
    ['text with NUL', (o) => o.topic.is('a\0')],
    ['no prefix', (o) => o.topic.startsWith('')],
    // @ts-expect-error: no such flag.
    ['an unknown flag', (o) => o.marks.has('loud')],
    // @ts-expect-error: at least one.
    ['no flag', (o) => o.marks.any()],
    ['a mask of nothing', (o) => o.word.bits(0).any()],
    ['bits outside the mask', (o) => o.word.bits(1).eq(2)],
    ['a prefix with bits behind it', (o) => o.word.prefix(0xc0a80001, 16)],
    ['a prefix of a signed field', (o) => o.signed.prefix(0, 1)],
  ];
  it.each(cases)('%s is refused', (_name, build) => {
    expect(refusal(() => router(build as (o: N) => Condition)).code).toBe('ERR_ROUTE');
  });
});
