// Why a message is rejected, in words.
import { describe, expect, it } from 'vitest';
import { rejectReason } from '../../../../lib/cli/reasons.js';
import { initialState, interpret } from '../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  defineRouter,
  layout,
  memory,
  otherwise,
  route,
  schema,
  t,
  transform,
  union,
  validate,
  when,
} from '../../../../lib/index.js';

const packed = { layout: layout.packed('le') } as const;

/** What is said of these bytes from the endpoint `input`, the first one. */
function reasonOf(ir: RouterIr, message: Uint8Array): string | null {
  const arrived = { source: 0, message };
  return rejectReason(ir, arrived, interpret(ir, initialState(ir), 0, message, 0n));
}

describe('the reason for bytes that are no message', () => {
  const Small = schema('Small', 1, { size: t.u8, type: t.u8, value: t.u16 }, packed);
  const Large = schema('Large', 2, { size: t.u8, type: t.u8, value: t.u64 }, packed);
  const Both = union('Both', { type: 'type', size: 'size' }, [Small, Large]);
  const input = memory('input', { messages: Both });
  const ir = defineRouter({
    endpoints: [input, memory('output', { messages: Small })],
    routes: [route.first(Small, () => [otherwise.to(input)], { from: input })],
  });

  it.each([
    ['a byte', [4], 'its type is in 1 byte at offset 1: the message has 1 byte'],
    ['an unknown type', [4, 9, 0, 0], 'its type is 9; input carries Small (1), Large (2)'],
    ['too few bytes', [3, 1, 0], 'Small has 4 bytes: the message has 3 bytes'],
    ['another size', [5, 1, 0, 0], 'size says 5: the message has 4 bytes'],
    ['no route', [10, 2, ...Array(8).fill(0)], 'no route takes messages of its type from input'],
    ['a message', [4, 1, 0, 0], null],
  ])('says of %s what is wrong', (_what, bytes, reason) => {
    expect(reasonOf(ir, Uint8Array.from(bytes as number[]))).toBe(reason);
  });

  it('says of the package’s own messages what the check of their structure found', () => {
    const Order = schema('Order', 1, { qty: t.u32, note: t.string.max(20) });
    const own = memory('own', { messages: Order });
    const router = defineRouter({
      endpoints: [own],
      routes: [route.first(Order, () => [otherwise.to(own)], { from: own })],
    });
    const bytes = new Uint8Array(Order.bytesMax);
    const message = bytes.slice(0, Order.encode({ qty: 1, note: 'x' }, bytes));
    expect(reasonOf(router, message)).toBeNull();
    expect(reasonOf(router, message.subarray(0, 3))).toBe(
      'no Order: it ends before its fixed part does (TRUNCATED); the message has 3 bytes',
    );
    expect(reasonOf(router, message.subarray(0, -1))).toMatch(
      /^no Order: a field of variable size lies outside of it, or out of order \(BAD_SLOT\);/,
    );
  });
});

describe('the reason for a transform that rejects', () => {
  const Order = schema('Order', 1, {
    qty: t.u16,
    side: t.enum({ buy: 1, sell: 2, short: 3 }),
    price: t.decimal(2),
    name: t.ascii(6),
    note: t.string.max(20),
    tier: t.u8.optional(),
  });
  const Out = schema('Out', 2, {
    small: t.u8,
    letter: t.enum({ B: 1, S: 2 }),
    whole: t.decimal(0),
    short: t.ascii(3),
    memo: t.string.max(4),
    tier: t.u8,
  });
  const orders = memory('input', { messages: Order });
  const outs = memory('output', { messages: Out });
  const convert = transform(Order, Out, (o) => ({
    small: o.qty.to('u8').orReject('QTY'),
    letter: o.side.map({ buy: 'B', sell: 'S', short: 'B' }),
    whole: o.price.rescale(0).orReject('TICK'),
    short: o.name.fit(3).orReject('NAME'),
    memo: o.note.orReject('NOTE'),
    tier: o.tier.orRejectAbsent('TIER'),
  }));
  const ir = defineRouter({
    endpoints: [orders, outs],
    validate: [validate(Order, (o) => [o.qty.lt(1000).else('LARGE')])],
    routes: [
      route.first(Order, (o) => [when(o.qty.gt(0)).via(convert).to(outs)], { from: orders }),
    ],
  });
  const sound = { qty: 5, side: 'buy', price: 500n, name: 'abc', note: 'abc', tier: 1 } as const;

  function reasonFor(change: object): string | null {
    const bytes = new Uint8Array(Order.bytesMax);
    const size = Order.encode({ ...sound, ...change } as never, bytes);
    return reasonOf(ir, bytes.slice(0, size));
  }

  it.each([
    [{}, null],
    [{ qty: 500 }, 'small: qty 500 (u16) does not fit u8'],
    [{ price: 550n }, /^whole: price 550 is no whole multiple of 10\^2, or does not fit/],
    [{ name: 'abcd' }, 'short: name "abcd" does not fit 3 bytes of ASCII'],
    [{ note: 'abcde' }, 'memo: note has more than 4 bytes'],
    [{ tier: undefined }, 'tier: tier is absent'],
    [{ note: 'abcde', qty: 500 }, 'small: qty 500 (u16) does not fit u8'],
  ])('names the field, and what it cannot hold, of %o', (change, expected) => {
    const reason = reasonFor(change);
    if (expected === null) expect(reason).toBeNull();
    else expect(reason?.replace('Order->Out cannot write ', '')).toMatch(expected);
  });

  it('is left to the checks and rules where they reject', () => {
    expect(reasonFor({ qty: 2000 })).toBeNull();
    expect(reasonFor({ qty: 0 })).toBeNull();
  });
});
