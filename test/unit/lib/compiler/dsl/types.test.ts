// What must not type-check does not, and is refused at run time as well: configurations are loaded
// with their types stripped. The compiler checks the @ts-expect-error lines, the tests run them.
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  defineRouter,
  discard,
  framing,
  type InferMessage,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  raw,
  rejectCode,
  returnAddress,
  returnTo,
  route,
  schema,
  sequence,
  source,
  t,
  tcp,
  transform,
  udp,
  union,
  validate,
  via,
  when,
} from '../../../../../lib/index.js';
import { NewOrder, type Reject, toReject, toVenue } from '../../../../helpers/order-gateway.js';
import { refusal } from '../../../../helpers/refusal.js';

const packed = { layout: layout.packed() };
const A = schema(
  'A',
  1,
  { n: t.u32, s: t.i32, id: t.u64, side: t.enum('buy', 'sell'), b: t.bytes(4) },
  packed,
);
const B = schema('B', 2, { n: t.u16, side: t.enum('buy', 'sell', 'cross') }, packed);
const a = udp('a', { port: 0, messages: A });
const b = udp('b', { port: 0, messages: B });
const opaque = udp('opaque', { port: 0 });
const toB = transform(A, B, (o) => ({ n: o.n.to('u16').orReject('N'), side: o.side }));

/** What the types refuse is refused with a code as well. */
function refused(body: () => unknown): void {
  expect(refusal(body).code).toMatch(/^ERR_(CONFIG|SCHEMA|ROUTE)$/);
}

/** A router whose one route is given; what is wrong with it is found at the latest here. */
function run(makeRoute: () => ReturnType<typeof route.first>) {
  return defineRouter({ endpoints: [a, b, opaque], routes: [makeRoute()] });
}

describe('messages', () => {
  it('have the types of their fields; header fields may be left out', () => {
    expectTypeOf<InferMessage<typeof A>>().toEqualTypeOf<{
      n: number;
      s: number;
      id: bigint;
      side: 'buy' | 'sell';
      b: Uint8Array;
    }>();
    expectTypeOf<InferMessage<typeof Reject>>().toEqualTypeOf<{
      seq: bigint;
      code: number;
      clOrdId: bigint;
      size?: number;
      type?: number;
    }>();
    const target = new Uint8Array(64);
    // @ts-expect-error: a u64 is a bigint.
    expect(() => A.encode({ n: 1, s: 1, id: 1, side: 'buy', b: target }, target)).toThrow();
    // @ts-expect-error: a missing field.
    expect(() => A.encode({ n: 1, s: 1, id: 1n, b: target }, target)).toThrow();
  });

  it('need layouts, members and names that exist', () => {
    // @ts-expect-error: no layout.
    refused(() => schema('S', 1, { n: t.u8 }, { layout: 'packed' }));
    // @ts-expect-error: no such byte order.
    refused(() => layout.packed('little'));
    // @ts-expect-error: no such field.
    refused(() => union('U', { type: 'kind' }, [NewOrder]));
  });
});

describe('impossible comparisons', () => {
  it('neither type-check nor pass', () => {
    // @ts-expect-error: a text is no number.
    refused(() => run(() => route.first(A, (o) => [when(o.n.eq('1')).to(discard)])));
    // @ts-expect-error: no such symbol.
    refused(() => run(() => route.first(A, (o) => [when(o.side.is('hold')).to(discard)])));
    // @ts-expect-error: bytes have no conditions.
    expect(() => run(() => route.first(A, (o) => [when(o.b.eq(1)).to(discard)]))).toThrow();
    // @ts-expect-error: an enum has no arithmetic.
    expect(() => run(() => route.first(A, (o) => [when(o.side.gt(1)).to(discard)]))).toThrow();
    // @ts-expect-error: no such field.
    refused(() => run(() => route.first(A, (o) => [when(o.qty.gt(1)).to(discard)])));
    // @ts-expect-error: a boolean is no condition.
    refused(() => run(() => route.first(A, (o) => [when(!o.n.gt(1)).to(discard)])));
    // @ts-expect-error: when needs a condition.
    refused(() => run(() => route.first(A, () => [when().to(discard)])));
    // @ts-expect-error: a check needs a code.
    refused(() => validate(A, (o) => [o.n.gt(1)]));
  });
});

describe('outputs of a transform', () => {
  it('that are missing, unknown or lossy neither type-check nor pass', () => {
    const all = { side: 'buy' } as const;
    // @ts-expect-error: u32 into u16.
    refused(() => transform(A, B, (o) => ({ ...all, n: o.n })));
    // @ts-expect-error: a conversion that can fail without orReject.
    refused(() => transform(A, B, (o) => ({ ...all, n: o.n.to('u16') })));
    // @ts-expect-error: signed into unsigned.
    refused(() => transform(A, B, (o) => ({ ...all, n: o.s })));
    // @ts-expect-error: widened is not narrowed.
    refused(() => transform(A, B, (o) => ({ ...all, n: o.n.to('u64') })));
    // @ts-expect-error: an unknown output.
    refused(() => transform(A, B, () => ({ ...all, n: 1, m: 2 })));
    // @ts-expect-error: no such symbol.
    refused(() => transform(A, B, () => ({ n: 1, side: 'hold' })));
    // @ts-expect-error: a return address is a u64.
    refused(() => transform(A, B, () => ({ ...all, n: returnAddress() })));
    // @ts-expect-error: a reject code needs 32 bits.
    refused(() => transform(A, B, () => ({ ...all, n: rejectCode() })));
    // @ts-expect-error: a sequence number is unsigned.
    refused(() => transform(B, A, (o) => ({ n: o.n, s: sequence(), id: 1, side: 'buy', b: o.n })));
    // @ts-expect-error: the enum of B has more symbols than that of A.
    refused(() => transform(B, schema('C', 1, { side: t.enum('buy', 'sell') }, packed), (o) => o));
    // @ts-expect-error: a missing output.
    const partial = transform(A, B, () => ({ n: 1 }));
    refused(() => run(() => route.first(A, () => [otherwise.via(partial).to(b)])));
  });

  it('that fit do both', () => {
    const wide = schema('W', 1, { n: t.i64, m: t.u64, k: t.enum('x', 'y'), q: t.u8 }, packed);
    const made = transform(A, wide, (o) => ({
      n: o.n,
      m: o.n.to('u32'),
      k: o.side.map({ buy: 'y', sell: 'x' }),
      q: o.side.map({ buy: 1, sell: 2 }),
    }));
    expect(made.name).toBe('A->W');
  });
});

describe('destinations', () => {
  it('that do not carry what leaves neither type-check nor pass', () => {
    // @ts-expect-error: b carries B.
    refused(() => run(() => route.first(A, () => [otherwise.to(b)])));
    // @ts-expect-error: after the transform it is a B.
    refused(() => run(() => route.first(A, () => [otherwise.via(toB).to(a)])));
    // @ts-expect-error: the transform takes an A.
    refused(() => run(() => route.first(B, () => [otherwise.via(toB).to(b)])));
    // @ts-expect-error: a does not carry B.
    refused(() => run(() => route.first(B, () => [otherwise.to(discard)], { from: a })));
    // @ts-expect-error: b carries messages, not raw bytes.
    refused(() => run(() => route.first(raw, () => [otherwise.to(b)])));
    // @ts-expect-error: raw messages come from raw endpoints.
    refused(() => run(() => route.first(raw, () => [otherwise.to(opaque)], { from: a })));
    // @ts-expect-error: the members of a pool take the same messages.
    const mixed = pool('mixed', [a, b], lb.roundRobin());
    refused(() => run(() => route.first(A, () => [otherwise.to(mixed)])));
    // @ts-expect-error: a return address is a u64 field.
    refused(() => run(() => route.first(A, (o) => [otherwise.to(returnTo(o.n))])));
    const other = { rejects: via(toReject).to(returnTo(source)) };
    // @ts-expect-error: the reject's transform takes another schema.
    refused(() => run(() => route.first(A, () => [otherwise.to(discard)], other)));
    const open = { rejects: via(toVenue) };
    // @ts-expect-error: an action without a destination.
    refused(() => run(() => route.first(NewOrder, () => [otherwise.to(discard)], open)));
  });

  it('that do, and raw ones, do both', () => {
    const ir = run(() =>
      route.first(
        A,
        (o) => [
          when(o.n.eq(1)).via(toB).to(b),
          when(o.n.eq(2)).to(a),
          when(o.n.eq(3)).to(pool('pair', [opaque], lb.roundRobin())),
          when(o.n.eq(4)).to(returnTo(o.id)),
          otherwise.to(opaque),
        ],
        { rejects: via(toB).to(b) },
      ),
    );
    expect(ir.routes[0]?.rules).toHaveLength(5);
  });
});

describe('endpoints', () => {
  it('with options that do not exist or are missing neither type-check nor pass', () => {
    // @ts-expect-error: no port.
    refused(() => udp('u', {}));
    // @ts-expect-error: a misspelt option.
    refused(() => udp('u', { port: 0, mesages: A }));
    // @ts-expect-error: no framing.
    refused(() => tcp.listen('l', { port: 0 }));
    // @ts-expect-error: no host.
    refused(() => tcp.connect('c', { port: 1, framing: framing.fixed(4) }));
    // @ts-expect-error: no such mode.
    refused(() => memory('m', { mode: 'spin' }));
    // @ts-expect-error: includesHeader has no default.
    refused(() => framing.lengthPrefix({ bytes: 4 }));
  });
});
