// What the type checker knows of messages. Every `@ts-expect-error` has to be one: what must not
// compile, does not, and what it would do at run time is refused there too.
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type InferInput,
  type InferMessage,
  layout,
  type Reader,
  schema,
  schemaFromJson,
  t,
  union,
  type Writer,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const Order = schema('Order', 7, {
  ...{ id: t.u64, symbol: t.ascii(8), side: t.enum('buy', 'sell'), qty: t.u32 },
  ...{ price: t.decimal(4), tick: t.decimal(2, { base: 'i32' }), tag: t.string.max(32).optional() },
  kind: t.enum({ one: 1, two: 2 }, { base: 'u16', unknown: 'raw' }),
  ...{ flags: t.flags('open', 'urgent'), at: t.timestamp, safe: t.u53, on: t.bool },
  ...{ raw: t.bytes(4), data: t.blob, values: t.array(t.f32, 3), level: t.u8.default(1) },
  fills: t.group({ qty: t.u32, note: t.string.optional(), legs: t.group({ px: t.i64 }) }).max(16),
});

function refused(act: () => unknown): void {
  expect(refusal(act).code).toBe('ERR_SCHEMA');
}

const order: InferInput<typeof Order> = {
  ...{ id: 1n, symbol: 'A', side: 'buy', qty: 1, price: 1n, tick: 1, kind: 'one', safe: 1 },
  ...{ flags: {}, at: 0n, on: true, raw: new Uint8Array(4), data: new Uint8Array(0) },
  ...{ values: [1, 2, 3], fills: [] },
};

function encoded(message: InferInput<typeof Order>): Uint8Array {
  const bytes = new Uint8Array(Order.sizeOf(message));
  Order.encode(message, bytes);
  return bytes;
}

describe('the messages of a schema', () => {
  it('have the types of their fields', () => {
    type Message = InferMessage<typeof Order>;
    expectTypeOf<Message['id']>().toEqualTypeOf<bigint>();
    expectTypeOf<Message['symbol']>().toEqualTypeOf<string>();
    expectTypeOf<Message['side']>().toEqualTypeOf<'buy' | 'sell'>();
    expectTypeOf<Message['kind']>().toEqualTypeOf<'one' | 'two' | number>();
    expectTypeOf<Message['price']>().toEqualTypeOf<bigint>();
    expectTypeOf<Message['tick']>().toEqualTypeOf<number>();
    expectTypeOf<Message['safe']>().toEqualTypeOf<number>();
    expectTypeOf<Message['tag']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Message['flags']>().toEqualTypeOf<{ open: boolean; urgent: boolean }>();
    expectTypeOf<Message['values']>().toEqualTypeOf<number[]>();
    expectTypeOf<Message['level']>().toEqualTypeOf<number>();
    expectTypeOf<Message['fills'][number]['note']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Message['fills'][number]['legs'][number]['px']>().toEqualTypeOf<bigint>();
    const message: Message = Order.decode(encoded(order));
    expect(message).toMatchObject({ ...order, flags: { open: false, urgent: false }, level: 1 });
  });

  it('may leave out what is optional or has a default, and nothing else', () => {
    const target = new Uint8Array(256);
    expect(Order.encode(order, target)).toBeGreaterThan(0);
    expectTypeOf<InferInput<typeof Order>['level']>().toEqualTypeOf<number | undefined>();
    const { qty: _qty, ...incomplete } = order;
    // @ts-expect-error: qty is required.
    expect(() => Order.encode(incomplete, target)).toThrow(TypeError);
    // @ts-expect-error: a u64 is a bigint.
    expect(() => Order.encode({ ...order, id: 1 }, target)).toThrow(TypeError);
    // @ts-expect-error: no such symbol.
    expect(() => Order.encode({ ...order, side: 'hold' }, target)).toThrow(RangeError);
    // @ts-expect-error: no such flag is of no use, and a flag is no number.
    expect(() => Order.encode({ ...order, flags: { open: 1 } }, target)).toThrow(TypeError);
    // @ts-expect-error: entries have fields.
    expect(() => Order.encode({ ...order, fills: [{}] }, target)).toThrow(TypeError);
  });

  it('are read and written by flyweights of the same types', () => {
    type R = Reader<(typeof Order)['reader'] extends () => Reader<infer F> ? F : never>;
    const reader: R = Order.reader();
    const writer = Order.writer();
    const target = new Uint8Array(256);
    Order.encode({ ...order, fills: [{ qty: 3, legs: [{ px: -1n }] }] }, target);
    reader.wrap(target);
    expectTypeOf(reader.side).toEqualTypeOf<'buy' | 'sell'>();
    expectTypeOf(reader.tag).toEqualTypeOf<string | undefined>();
    expectTypeOf(reader.values.at(0)).toEqualTypeOf<number>();
    expectTypeOf(reader.values.length).toEqualTypeOf<number>();
    expectTypeOf(reader.flags.urgent).toEqualTypeOf<boolean>();
    expectTypeOf(reader.fills.at(0).legs.at(0).px).toEqualTypeOf<bigint>();
    expect(reader.fills.at(0).legs.at(0).px).toBe(-1n);
    // @ts-expect-error: readers do not write.
    expect(() => (reader.qty = 1)).toThrow(TypeError);
    // @ts-expect-error: no such field.
    expect(reader.quantity).toBeUndefined();
    writer.wrap(target);
    expectTypeOf(writer.fills).parameter(0).toEqualTypeOf<number>();
    // @ts-expect-error: a u64 is a bigint.
    expect(() => (writer.id = 1)).toThrow(TypeError);
    expectTypeOf<Writer<{ a: typeof t.u8 }>['a']>().toEqualTypeOf<number>();
  });
});

describe('schemas that must not compile', () => {
  it('do not', () => {
    // @ts-expect-error: no type.
    refused(() => schema('S', 1, { a: 'u8' }));
    // @ts-expect-error: the default of a number.
    refused(() => schema('S', 1, { a: t.u8.default('1') }));
    // @ts-expect-error: a text that is missing is empty.
    refused(() => schema('S', 1, { a: t.string.default('x') }));
    // @ts-expect-error: a group that is missing is empty.
    refused(() => schema('S', 1, { a: t.group({ b: t.u8 }).max(3).default([]) }));
    // @ts-expect-error: no symbol of it.
    refused(() => t.enum({ a: 1 }, { unknown: { default: 'b' } }));
    // @ts-expect-error: an array has elements of fixed size.
    refused(() => t.array(t.string, 3));
    // @ts-expect-error: an array has no optional elements.
    refused(() => t.array(t.u8.optional(), 3));
    // @ts-expect-error: only variable fields have a maximum.
    expect(() => t.u8.max(3)).toThrow(TypeError);
    // @ts-expect-error: native messages have a header of their own.
    refused(() => schema('S', 1, { type: t.u8 }, { header: { type: 'type' } }));
    const Plain = schema('P', 1, { type: t.u8 }, { layout: layout.c() });
    // @ts-expect-error: no field of the member.
    refused(() => union('U', { type: 'kind' }, [Plain]));
  });
});

describe('later versions', () => {
  const V2 = Order.extend(
    { venue: t.u16.default(0), note: t.string },
    {
      remove: ['tag'],
      rename: { qty: 'quantity' },
      symbols: { side: { short: 2 } },
      groups: { fills: { fields: { fee: t.u32.optional() }, rename: { qty: 'amount' } } },
    },
  );

  it('have the fields and symbols that were added, under the names that were given', () => {
    type Message = InferMessage<typeof V2>;
    expectTypeOf<Message['venue']>().toEqualTypeOf<number>();
    expectTypeOf<Message['quantity']>().toEqualTypeOf<number>();
    expectTypeOf<Message['side']>().toEqualTypeOf<'buy' | 'sell' | 'short'>();
    expectTypeOf<Message['fills'][number]['fee']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Message['fills'][number]['amount']>().toEqualTypeOf<number>();
    expectTypeOf<Message>().not.toHaveProperty('tag');
    expectTypeOf<Message>().not.toHaveProperty('qty');
    const { qty, fills: _fills, ...rest } = order;
    const target = new Uint8Array(256);
    V2.encode({ ...rest, quantity: qty, note: '', fills: [{ amount: 1, legs: [] }] }, target);
    expect(V2.decode(target).fills[0]?.amount).toBe(1);
  });

  it('cannot require what older messages have not', () => {
    // @ts-expect-error: a new field is optional or has a default.
    refused(() => Order.extend({ venue: t.u16 }));
    expect(Order.extend({ legs: t.group({ px: t.i32 }) }).model.version).toBe(2);
  });

  it('are plain objects where only their JSON is known', () => {
    const loaded = schemaFromJson(JSON.parse(JSON.stringify(V2)));
    expectTypeOf(loaded.name).toEqualTypeOf<string>();
    expect(loaded.name).toBe('Order');
  });
});
