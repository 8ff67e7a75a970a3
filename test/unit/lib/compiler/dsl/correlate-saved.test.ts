// What a correlation keeps, and what transforms can make of it.
import { describe, expect, it } from 'vitest';
import { emit } from '../../../../../lib/compiler/emit.js';
import { initialState, interpret } from '../../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import {
  correlate,
  defineRouter,
  layout,
  memory,
  otherwise,
  rejectCodes,
  route,
  schema,
  t,
  transform,
  union,
  when,
} from '../../../../../lib/index.js';
import type { FieldSpec } from '../../../../../lib/schema/spec.js';
import { refusal } from '../../../../helpers/refusal.js';

const side = t.enum({ buy: 1, sell: 2, short: 5 });
const flags = t.flags({ firm: 0, hidden: 3 });
const kept = {
  side,
  firm: t.bool,
  price: t.decimal(4),
  qty: t.u32,
  at: t.timestamp,
  name: t.ascii(6),
  raw: t.bytes(3),
  rate: t.f32,
  flags,
};
const Ask = schema('Ask', 1, { id: t.u64, ...kept });
const Sent = schema('Sent', 2, { id: t.u64 });
const Answer = schema('Answer', 3, { id: t.u64, final: t.bool });
const Result = schema(
  'Result',
  4,
  {
    id: t.u64,
    side: t.enum({ B: 66, S: 83 }),
    same: side,
    firm: t.bool,
    price: t.decimal(2, { base: 'i32' }),
    qty: t.u16,
    at: t.timestamp,
    name: t.ascii(4),
    raw: t.bytes(3),
    rate: t.f64,
    flags,
    number: t.u8,
  },
  { layout: layout.packed('be') },
);

const asks = correlate('asks', { capacity: 9, key: { id: t.u64 }, saved: kept });
const toSent = transform(Ask, Sent, () => ({ id: asks.id() }));
const toResult = transform(Answer, Result, () => ({
  id: asks.foundId(),
  side: asks.saved.side.map({ buy: 'B', sell: 'S', short: 'S' }),
  same: asks.saved.side,
  firm: asks.saved.firm,
  price: asks.saved.price.rescale(2).orReject('TICK'),
  qty: asks.saved.qty.to('u16').orReject('QTY'),
  at: asks.saved.at,
  name: asks.saved.name.fit(4).orReject('NAME'),
  raw: asks.saved.raw,
  rate: asks.saved.rate,
  flags: asks.saved.flags,
  number: asks.saved.firm.tabulate((firm) => (firm ? 7 : 3)),
}));

const left = memory('left', { messages: union('Left', {}, [Ask]) });
const right = memory('right', { messages: union('Right', {}, [Sent, Answer]) });
const out = memory('out', { messages: Result });

function askAndAnswer() {
  return defineRouter({
    endpoints: [left, right, out],
    routes: [
      route.first(Ask, (o) => [
        otherwise
          .via(toSent)
          .to(right)
          .opens(asks, {
            key: [o.id],
            save: {
              ...{ side: o.side, firm: o.firm, price: o.price, qty: o.qty, at: o.at },
              ...{ name: o.name, raw: o.raw, rate: o.rate, flags: o.flags },
            },
          }),
      ]),
      route.first(Answer, () => [otherwise.via(toResult).to(out)], {
        lookup: (r) => asks.byKey(r.id),
      }),
    ],
  });
}

const ask = {
  ...{ id: 5n, side: 'short', firm: true, price: -123_400n, qty: 65_535, at: 1_700_000_000n },
  ...{ name: 'ABCD', raw: Uint8Array.of(9, 0, 255), rate: 1.5 },
  flags: { firm: true, hidden: true },
} as const;

function encoded<M>(type: { readonly bytesMax: number; encode(m: M, b: Uint8Array): number }) {
  return (message: M): Uint8Array => {
    const bytes = new Uint8Array(type.bytesMax);
    return bytes.subarray(0, type.encode(message, bytes));
  };
}

describe('what a correlation keeps', () => {
  const ir = askAndAnswer();
  const answered = (change: Partial<Record<keyof typeof ask, unknown>>) => {
    const state = initialState(ir);
    const message = encoded(Ask)({ ...ask, ...change } as never);
    interpret(ir, state, 0, message, 0n);
    return interpret(ir, state, 1, encoded(Answer)({ id: 5n, final: true }), 0n);
  };

  it('of every type of a fixed size is written and converted as if the message had it', () => {
    const { delivered, rejectCode } = answered({});
    expect(rejectCode).toBe(0);
    expect(Result.decode(delivered[0]?.output as Uint8Array)).toEqual({
      ...{ id: 1n << 32n, side: 'S', same: 'short', firm: true, price: -1234, qty: 65_535 },
      ...{ at: 1_700_000_000n, name: 'ABCD', raw: Uint8Array.of(9, 0, 255), rate: 1.5 },
      ...{ flags: { firm: true, hidden: true }, number: 7 },
    });
  });

  it('rejects with the code of a conversion that it does not survive', () => {
    const codeOf = (name: string): number | undefined => ir.rejectCodes[name];
    expect(answered({ qty: 65_536 }).rejectCode).toBe(codeOf('QTY'));
    expect(answered({ price: 1n }).rejectCode).toBe(codeOf('TICK'));
    expect(answered({ name: 'ABCDE' }).rejectCode).toBe(codeOf('NAME'));
    const message = encoded(Ask)(ask as never);
    const field = ir.schemas[0]?.fields.find(({ name }) => name === 'side');
    message[field?.offset ?? 0] = 77;
    const state = initialState(ir);
    interpret(ir, state, 0, message, 0n);
    const made = interpret(ir, state, 1, encoded(Answer)({ id: 5n, final: true }), 0n);
    expect(made.rejectCode).toBe(rejectCodes.BAD_ENUM);
  });

  it('is refused where it does not fit, by its name and at its place', () => {
    const of = (name: string, value: () => unknown) =>
      refusal(() =>
        transform(Answer, Result, () => ({ ...({} as object), [name]: value() }) as never),
      );
    expect(of('qty', () => asks.saved.qty)).toMatchObject({
      code: 'ERR_ROUTE',
      detail: { option: 'transform Answer->Result.qty', received: 'asks.saved.qty (u32)' },
    });
    expect(of('qty', () => asks.saved.qty).message).toContain('correlate-saved.test.ts');
    expect(of('qty', () => asks.saved.qty.to('u16')).detail.expected).toContain('orReject');
    expect(of('price', () => asks.saved.price).detail.received).toContain('asks.saved.price');
    expect(of('name', () => asks.saved.name).detail.received).toBe('ascii of 6 bytes');
    expect(of('side', () => asks.saved.side).detail.received).toBe('buy -> buy');
    expect(of('flags', () => asks.saved.rate).detail.received).toBe('f32 of 4 bytes');
    expect(of('number', () => asks.foundId()).detail.expected).toBe(
      'a field of type u64 for the found-id',
    );
  });

  it('is there for transforms only: no condition can ask for it', () => {
    const asked = refusal(() =>
      route.first(Ask, () => [
        when((asks.saved.qty as never as { eq: (n: number) => never }).eq(1)).to(out as never),
      ]),
    );
    expect(asked.detail).toMatchObject({
      option: 'asks.saved.qty',
      expected: 'a use in the callback of a transform',
      received: 'one in route Ask',
    });
    expect(refusal(() => asks.saved.qty).detail.expected).toBe(
      'a use inside the callback that it belongs to',
    );
    const inTransform = refusal(() =>
      transform(Ask, Sent, () => {
        (asks.saved.qty as never as { eq: (n: number) => never }).eq(1);
        return { id: asks.id() };
      }),
    );
    expect(inTransform.detail.received).toBe('a condition that is built but not used');
  });

  it('is of messages whose fields mean the same', () => {
    const Other = schema('Other', 9, {
      id: t.u64,
      side: t.enum({ buy: 1, sell: 2, short: 5 }, { unknown: 'raw' }),
      rate: t.u32,
      flags: t.flags({ firm: 1, hidden: 3 }),
    });
    const few = correlate('few', { capacity: 1, saved: { side, rate: t.f32, flags } });
    const saving = (change: object) =>
      refusal(() =>
        route.first(Other, (o) => [
          otherwise.to(out as never).opens(few, {
            key: [] as never,
            save: { side: o.side, rate: o.rate, flags: o.flags, ...change } as never,
          }),
        ]),
      );
    expect(saving({}).detail.option).toBe('opens(few).save.side');
    expect(saving({}).detail.expected).toBe('a field like side (u8, 1 bytes, of buy, sell, short)');
  });

  it('is taken over by an image in which it means the same only', () => {
    const routerKeeping = (value: FieldSpec): RouterIr => {
      const Kept = schema('Kept', 1, { value });
      const values = correlate('values', { capacity: 9, saved: { value } as never });
      const to = memory('to', { messages: union('Out', {}, [Kept, Sent]) });
      const from = memory('from', { messages: union('In', {}, [Kept, Sent]) });
      const opening = (o: { value: unknown }) => [
        otherwise.to(to).opens(values, { key: [] as never, save: { value: o.value } as never }),
      ];
      const found = route.first(Sent, () => [otherwise.to(to)], {
        lookup: (s) => values.byId(s.id),
      });
      return defineRouter({
        endpoints: [from, to],
        routes: [route.first(Kept, opening as never), found],
      });
    };
    // The same image but for what the correlation says of itself.
    const base = routerKeeping(t.u8);
    const imageKeeping = (value: FieldSpec): string => {
      const { correlations = [] } = routerKeeping(value);
      return Buffer.from(emit({ ...base, correlations })).toString('hex');
    };
    const alike = [t.u8, t.u64, t.timestamp, t.decimal(2), t.decimal(3)];
    const buyAndSell = [t.enum({ buy: 1, sell: 2 }), t.enum({ buy: 2, sell: 1 })];
    const flagged = [t.flags({ firm: 0 }), t.flags({ firm: 1 })];
    const named = [...buyAndSell, t.enum({ b: 1, s: 2 }), ...flagged];
    const kinds = [...alike, ...named, t.f32, t.u32];
    expect(new Set(kinds.map(imageKeeping)).size).toBe(kinds.length);
    const again = t.enum({ buy: 1, sell: 2 });
    expect(imageKeeping(again)).toBe(imageKeeping(buyAndSell[0] as FieldSpec));
  });
});
