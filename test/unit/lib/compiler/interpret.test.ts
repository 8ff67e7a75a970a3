// The oracle itself, held against results worked out by hand.
import { describe, expect, it } from 'vitest';
import {
  type InterpreterState,
  initialState,
  interpret,
} from '../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
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
  raw,
  rejectCodes,
  returnTo,
  route,
  schema,
  source,
  t,
  transform,
  udp,
  validate,
  when,
} from '../../../../lib/index.js';
import {
  CancelReplace,
  ExecReport,
  NewOrder,
  orderGateway,
  Reject,
  VenueExecReport,
  VenueNewOrder,
} from '../../../helpers/order-gateway.js';

const clients = 0;
const venue1 = 1;
const block = 4;
const address = 0x0001_0002_0003_0004n;

function newOrder(price: number, qty: number, clOrdId = 7n): Uint8Array {
  const bytes = new Uint8Array(NewOrder.bytesMax);
  NewOrder.encode({ seq: 1n, price, qty, clOrdId }, bytes);
  return bytes;
}

describe('the order gateway', () => {
  const ir = orderGateway();

  it('sends large orders to the block venue, transformed, with the return address', () => {
    const result = interpret(ir, initialState(ir), clients, newOrder(3, 10_000), address);
    expect(result.decision).toEqual({
      outcome: 'deliver',
      route: 0,
      rule: 0,
      rejectCode: 0,
      skipped: 0,
      taps: [],
      deliveries: [
        {
          target: { kind: 'endpoint', endpoint: block },
          rule: 0,
          transform: 0,
          outputBytes: 40,
          bestEffort: false,
          priority: 0,
        },
      ],
    });
    expect(VenueNewOrder.decode(result.delivered[0]?.output as Uint8Array)).toEqual({
      seq: 0n,
      price: 3,
      qty: 10_000,
      ordId: address,
      clOrdId: 7n,
    });
    expect(result.delivered[0]?.patch).toEqual({ offset: 8, bytes: 8, order: 'le' });
  });

  it('takes the other venues in turn and skips dead ones', () => {
    const state = initialState(ir);
    const picks = (count: number) =>
      Array.from({ length: count }, () => {
        const { decision } = interpret(ir, state, clients, newOrder(1, 1), address);
        const target = decision.deliveries[0]?.target;
        return target?.kind === 'endpoint' ? target.endpoint : null;
      });
    expect(picks(4)).toEqual([1, 2, 3, 1]);
    state.alive[2] = 0;
    expect(picks(4)).toEqual([3, 1, 3, 1]);
    state.alive[2] = 255;
    expect(picks(2)).toEqual([2, 3]);
  });

  it('rejects to the client when no venue is alive, with the reason', () => {
    const state: InterpreterState = initialState(ir);
    state.alive.fill(0);
    const result = interpret(ir, state, clients, newOrder(1, 1, 99n), address);
    expect(result).toMatchObject({
      decision: { outcome: 'reject', route: 0, rule: 1, rejectCode: rejectCodes.NO_DESTINATION },
      reject: {
        outcome: 'deliver',
        deliveries: [{ target: { kind: 'return-source' }, transform: 1, outputBytes: 25 }],
      },
    });
    expect(Reject.decode(result.rejected[0]?.output as Uint8Array)).toEqual({
      seq: 0n,
      code: rejectCodes.NO_DESTINATION,
      clOrdId: 99n,
    });
  });

  it('rejects what fails a check before any rule, and nothing at the limit', () => {
    const over = interpret(ir, initialState(ir), clients, newOrder(1_000_000_001, 1), address);
    expect(over.decision).toMatchObject({
      outcome: 'reject',
      route: 0,
      rule: null,
      rejectCode: 1000,
    });
    expect(Reject.decode(over.rejected[0]?.output as Uint8Array).code).toBe(1000);
    const at = interpret(ir, initialState(ir), clients, newOrder(1_000_000_000, 1), address);
    expect(at.decision.outcome).toBe('deliver');
    const largest = interpret(
      ir,
      initialState(ir),
      clients,
      newOrder(2 ** 32 - 1, 2 ** 32 - 1),
      0n,
    );
    expect(largest.rejectCode).toBe(1000);
  });

  it('answers to the address that the report carries', () => {
    const report = new Uint8Array(VenueExecReport.bytesMax);
    const fields = { price: 2, qty: 3, ordId: address, execId: 5n, clOrdId: 6n };
    VenueExecReport.encode({ seq: 9n, ...fields }, report);
    const { decision, delivered } = interpret(ir, initialState(ir), venue1, report, 0n);
    expect(decision.deliveries[0]?.target).toEqual({
      kind: 'return-address',
      address,
      endpoints: [clients],
    });
    expect(ExecReport.decode(delivered[0]?.output as Uint8Array)).toEqual({
      seq: 0n,
      origClOrdId: 0n,
      ...fields,
    });
  });

  it('rejects without a route what its frame check refuses, and drops it', () => {
    const good = newOrder(1, 1);
    const changed = (index: number, value: number) =>
      Uint8Array.from(good, (byte, at) => (at === index ? value : byte));
    const cases: [Uint8Array, number][] = [
      [good.slice(0, 4), rejectCodes.MALFORMED],
      [new Uint8Array(0), rejectCodes.MALFORMED],
      [good.slice(0, 28), rejectCodes.MALFORMED],
      [Uint8Array.of(...good, 0), rejectCodes.MALFORMED],
      [changed(0, 30), rejectCodes.MALFORMED],
      [changed(4, 9), rejectCodes.UNKNOWN_TYPE],
    ];
    for (const [message, code] of cases) {
      const result = interpret(ir, initialState(ir), clients, message, address);
      expect(result).toMatchObject({
        decision: { outcome: 'reject', route: null, rule: null, rejectCode: code },
        reject: { outcome: 'discard' },
        rejected: [],
      });
    }
  });

  it('rejects a known message that no route serves', () => {
    const bytes = new Uint8Array(CancelReplace.bytesMax);
    CancelReplace.encode({ seq: 1n, price: 1, qty: 1, clOrdId: 1n, origClOrdId: 0n }, bytes);
    const { decision } = interpret(ir, initialState(ir), clients, bytes, 0n);
    expect(decision).toMatchObject({ route: null, rejectCode: rejectCodes.NO_ROUTE });
  });
});

const M = schema(
  'M',
  1,
  { n: t.u32, s: t.i16, id: t.u64, side: t.enum('buy', 'sell'), text: t.ascii(3) },
  { layout: layout.c('be') },
);
const m = udp('m', { port: 0, messages: M });
const sample = { n: 5, s: -2, id: 2n ** 64n - 1n, side: 'sell', text: 'ab' } as const;

function message(fields: Partial<Record<keyof typeof sample, unknown>> = {}): Uint8Array {
  const bytes = new Uint8Array(M.bytesMax);
  M.encode({ ...sample, ...fields } as never, bytes);
  return bytes;
}

function matches(build: (o: Refs<typeof M>) => Condition, bytes = message()): number | boolean {
  const ir = defineRouter({
    endpoints: [m],
    routes: [route.first(M, (o) => [when(build(o)).to(discard)])],
  });
  const { decision, rejectCode } = interpret(ir, initialState(ir), 0, bytes, 0n);
  if (decision.outcome === 'discard') return true;
  return rejectCode === rejectCodes.NO_ROUTE ? false : rejectCode;
}

describe('conditions', () => {
  const cases: [string, (o: Refs<typeof M>) => Condition, boolean | number][] = [
    ['n = 5', (o) => o.n.eq(5), true],
    ['n ≠ 5', (o) => o.n.ne(5), false],
    ['s < -1, signed', (o) => o.s.lt(-1), true],
    ['s > n, signed against unsigned', (o) => o.s.gt(o.n), false],
    ['id at the top of its range', (o) => o.id.gte(2n ** 64n - 1n), true],
    ['n in a list', (o) => o.n.in([1, 5, 9]), true],
    ['n between', (o) => o.n.between(6, 9), false],
    ['a symbol', (o) => o.side.is('sell'), true],
    ['and', (o) => and(o.n.eq(5), o.s.eq(0)), false],
    ['or', (o) => or(o.n.eq(4), o.s.eq(-2)), true],
    ['not', (o) => not(o.n.eq(5)), false],
    ['a negative difference', (o) => o.s.sub(o.n).eq(-7), true],
    ['a product of more than 64 bits', (o) => o.id.mul(o.n).eq((2n ** 64n - 1n) * 5n), true],
    ['an overflow', (o) => o.id.mul(o.id).mul(2).gt(0), rejectCodes.OUT_OF_RANGE],
    [
      'the largest value of 128 bits',
      (o) =>
        o.n
          .mul(0)
          .add(2n ** 127n - 1n)
          .gt(0),
      true,
    ],
    [
      'one above it',
      (o) =>
        o.n
          .mul(0)
          .add(2n ** 127n - 1n)
          .add(1)
          .gt(0),
      rejectCodes.OUT_OF_RANGE,
    ],
    ['an overflow behind a false term', (o) => and(o.n.eq(4), o.id.mul(o.id).gt(0)), false],
    [
      'an overflow before a false term',
      (o) => and(o.id.mul(o.id).gt(0), o.n.eq(4)),
      rejectCodes.OUT_OF_RANGE,
    ],
    ['an overflow behind a true term', (o) => or(o.n.eq(5), o.id.mul(o.id).gt(0)), true],
  ];

  it.each(cases)('%s', (_name, build, expected) => {
    expect(matches(build)).toBe(expected);
  });
});

describe('transforms', () => {
  const To = schema(
    'To',
    2,
    {
      kind: t.u8,
      n: t.u16,
      s: t.i64,
      side: t.enum({ sell: 83, buy: 66 }),
      text: t.ascii(3),
      count: t.u32,
      total: t.u16,
    },
    { layout: layout.c(), header: { type: 'kind', size: 'total' } },
  );
  const to = udp('to', { port: 0, messages: To });
  const toTo = transform(M, To, (o) => ({
    n: o.n.to('u16').orReject('N_RANGE', 1234),
    s: o.s,
    side: o.side,
    text: o.text,
    count: 77,
  }));
  const ir: RouterIr = defineRouter({
    endpoints: [m, to],
    routes: [route.first(M, () => [otherwise.via(toTo).to(to)])],
  });

  it('convert sizes, byte orders, signs and symbols, and clear the padding', () => {
    const { delivered } = interpret(ir, initialState(ir), 0, message(), 0n);
    const output = delivered[0]?.output as Uint8Array;
    expect(Buffer.from(output).toString('hex')).toBe(
      '0200050000000000' + 'feffffffffffffff' + '536162004d000000' + '2000000000000000',
    );
    const { kind: _kind, ...decoded } = To.decode(output) as Record<string, unknown>;
    expect(decoded).toEqual({ n: 5, s: -2n, side: 'sell', text: 'ab', count: 77 });
  });

  it('reject what does not fit with the code that was given for it', () => {
    expect(interpret(ir, initialState(ir), 0, message({ n: 65_535 }), 0n).rejectCode).toBe(0);
    const result = interpret(ir, initialState(ir), 0, message({ n: 65_536 }), 0n);
    expect(result).toMatchObject({
      decision: { outcome: 'deliver', rule: 0 },
      delivered: [],
      rejectCode: 1234,
      reject: { outcome: 'discard' },
    });
  });

  it('reject an enum value without a symbol', () => {
    const bytes = message();
    bytes[16] = 9;
    const { rejectCode } = interpret(ir, initialState(ir), 0, bytes, 0n);
    expect(rejectCode).toBe(rejectCodes.BAD_ENUM);
  });
});

describe('rejects', () => {
  it('that fail themselves are dropped: a message is rejected once', () => {
    const ir = defineRouter({
      endpoints: [m],
      validate: [validate(M, (o) => [o.n.gt(5).else('SMALL')])],
      routes: [route.first(M, () => [otherwise.to(discard)], { rejects: returnTo(source) })],
    });
    const whole = interpret(ir, initialState(ir), 0, message(), 0n);
    expect(whole).toMatchObject({
      rejectCode: 1000,
      reject: { deliveries: [{ target: { kind: 'return-source' } }] },
    });
    expect(whole.rejected[0]?.output).toEqual(message());
  });
});

describe('raw routes', () => {
  it('send any bytes back as they came, without looking', () => {
    const echo = udp('echo', { port: 0 });
    const ir = defineRouter({
      endpoints: [echo],
      routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
    });
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3)]) {
      const { decision, delivered } = interpret(ir, initialState(ir), 0, bytes, 0n);
      const target = { kind: 'return-source' };
      const delivery = { target, transform: null, outputBytes: bytes.length };
      expect(decision).toMatchObject({ outcome: 'deliver', deliveries: [delivery] });
      expect(delivered[0]?.output).toEqual(bytes);
    }
  });
});
