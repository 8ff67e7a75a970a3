// Transforms of messages with variable data, optional fields, versions and bits, in JavaScript.
import { describe, expect, it } from 'vitest';
import {
  type AnySchema,
  compileTransform,
  layout,
  schema,
  type Transform,
  t,
  transform,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const From = schema('From', 1, {
  ...{ id: t.u64, side: t.enum('buy', 'sell'), qty: t.u32, price: t.decimal(4) },
  ...{ tag: t.string.max(16), note: t.string.max(8).optional(), hint: t.u16.optional() },
  kind: t.enum({ one: 1, two: 2 }).optional(),
  ...{ blob: t.blob.max(64), ratio: t.f32, levels: t.array(t.u16, 3), at: t.timestamp },
  fills: t.group({
    ...{ qty: t.u16, venue: t.string.max(8), hint: t.u8.optional() },
    legs: t.group({ price: t.i32, name: t.string }).max(4),
  }),
});
type Input = Parameters<typeof From.encode>[0];

const anOrder: Input = {
  ...{ id: 7n, side: 'sell', qty: 500, price: 1_012_500n, tag: 'alpha', blob: new Uint8Array(3) },
  ...{ ratio: 0.5, levels: [1, 2, 3], at: 99n },
  fills: [
    { qty: 1, venue: 'X', hint: 9, legs: [{ price: -5, name: 'near' }] },
    {
      qty: 2,
      venue: '',
      legs: [
        { price: 6, name: '' },
        { price: 7, name: 'far' },
      ],
    },
  ],
};

function encoded(made: { encode: typeof From.encode; sizeOf: typeof From.sizeOf }, value: Input) {
  const bytes = new Uint8Array(made.sizeOf(value));
  made.encode(value, bytes);
  return bytes;
}

function run<To extends string>(made: Transform<'From', To>, value: Input = anOrder) {
  return compileTransform(made)(encoded(From, value));
}

describe('a transform between native messages', () => {
  const To = schema('To', 2, {
    ...{ id: t.u64, way: t.enum({ B: 66, S: 83 }), qty: t.u64, price: t.decimal(2) },
    ...{ tag: t.string.max(32), note: t.string.optional(), hint: t.u32.optional(), blob: t.blob },
    ...{ ratio: t.f64, levels: t.array(t.u16, 3), rest: t.u8.default(42), when: t.timestamp },
    legs: t.group({
      ...{ count: t.u32, where: t.string, hint: t.u16.default(3) },
      parts: t.group({ name: t.string, price: t.i64 }),
    }),
  });
  const toTo = transform(From, To, (o) => ({
    ...{ id: o.id, way: o.side.map({ buy: 'B', sell: 'S' }), qty: o.qty, tag: o.tag, note: o.note },
    ...{ price: o.price.rescale(2).orReject('PRICE_TICK'), hint: o.hint, blob: o.blob },
    ...{ ratio: o.ratio, levels: o.levels, when: o.at },
    legs: o.fills.map((fill) => ({
      ...{ count: fill.qty, where: fill.venue, hint: fill.hint.orElse(77) },
      parts: fill.legs.map((leg) => ({ name: leg.name, price: leg.price })),
    })),
  }));

  it('moves fixed fields, strings, blobs and groups inside groups', () => {
    const { rejectCode, output } = run(toTo);
    expect(rejectCode).toBe(0);
    expect(To.decode(output)).toEqual({
      ...{ id: 7n, way: 'S', qty: 500n, price: 10_125n, tag: 'alpha', note: undefined },
      ...{ hint: undefined, blob: new Uint8Array(3), ratio: 0.5, levels: [1, 2, 3], rest: 42 },
      when: 99n,
      legs: [
        { count: 1, where: 'X', hint: 9, parts: [{ name: 'near', price: -5n }] },
        {
          ...{ count: 2, where: '', hint: 77 },
          parts: [
            { name: '', price: 6n },
            { name: 'far', price: 7n },
          ],
        },
      ],
    });
  });

  it('gives the bytes that encode gives', () => {
    const { output } = run(toTo, { ...anOrder, note: 'n', hint: 1 });
    const again = new Uint8Array(output.length);
    expect(To.encode(To.decode(output), again)).toBe(output.length);
    expect(output).toEqual(again);
  });

  it('rejects a price that has more digits than the output', () => {
    const { rejectName, output } = run(toTo, { ...anOrder, price: 1_012_501n });
    expect([rejectName, output.length]).toEqual(['PRICE_TICK', 0]);
  });

  it('reads what older versions have not as their defaults', () => {
    const Later = From.extend(
      { fee: t.u32.default(5), memo: t.string },
      { groups: { fills: { fields: { tax: t.i8.default(-1) } } } },
    );
    const Out = schema('Out', 3, { fee: t.u32, memo: t.string, taxes: t.group({ tax: t.i8 }) });
    const toOut = transform(Later, Out, (o) => ({
      ...{ fee: o.fee, memo: o.memo },
      taxes: o.fills.map((fill) => ({ tax: fill.tax })),
    }));
    const { output } = compileTransform(toOut)(encoded(From, anOrder));
    expect(Out.decode(output)).toEqual({ fee: 5, memo: '', taxes: [{ tax: -1 }, { tax: -1 }] });
  });

  it('does not convert what is absent', () => {
    const Out = schema('Out', 3, { kind: t.enum({ one: 1, two: 2 }).optional() });
    const toOut = transform(From, Out, (o) => ({ kind: o.kind }));
    // An absent kind is 0 on the wire, which is no symbol.
    expect(Out.decode(run(toOut).output)).toEqual({ kind: undefined });
    expect(Out.decode(run(toOut, { ...anOrder, kind: 'two' }).output)).toEqual({ kind: 'two' });
  });

  it('fills in for what is absent, or rejects', () => {
    const Out = schema('Out', 3, { hint: t.u16, kind: t.enum({ one: 1, two: 2 }) });
    const toOut = transform(From, Out, (o) => ({
      ...{ hint: o.hint.orRejectAbsent('NO_HINT'), kind: o.kind.orElse('two') },
    }));
    expect(run(toOut).rejectName).toBe('NO_HINT');
    const { output } = run(toOut, { ...anOrder, hint: 3 });
    expect(Out.decode(output)).toEqual({ hint: 3, kind: 'two' });
    const other = run(toOut, { ...anOrder, hint: 3, kind: 'one' });
    expect(Out.decode(other.output)).toEqual({ hint: 3, kind: 'one' });
  });

  it('rejects more bytes than the output takes', () => {
    const Out = schema('Out', 3, { tag: t.string.max(4) });
    const toOut = transform(From, Out, (o) => ({ tag: o.tag.orReject('TAG_TOO_LONG') }));
    expect(run(toOut).rejectName).toBe('TAG_TOO_LONG');
    expect(Out.decode(run(toOut, { ...anOrder, tag: 'beta' }).output)).toEqual({ tag: 'beta' });
  });

  it('refuses bytes that are no message of its input', () => {
    const made = compileTransform(toTo);
    expect(refusal(() => made(encoded(From, anOrder).subarray(0, 40))).code).toBe('ERR_MESSAGE');
  });
});

describe('a transform to and from bits', () => {
  const Header = schema(
    'Header',
    4,
    { version: t.bits(4), ihl: t.bits(4), flags: t.bits(3), offset: t.bits(13), ttl: t.u24 },
    { layout: layout.packed('be') },
  );

  it('reads them as numbers and checks what does not fit', () => {
    const Out = schema('Out', 5, { version: t.u8, offset: t.u16, ttl: t.u32 });
    const toOut = transform(Header, Out, (o) => ({
      version: o.version.to('u8').orReject('V'),
      offset: o.offset.to('u16').orReject('O'),
      ttl: o.ttl,
    }));
    const message = new Uint8Array(6);
    Header.encode({ version: 4, ihl: 5, flags: 2, offset: 8191, ttl: 0x123456 }, message);
    expect([...message]).toEqual([0x45, 0x5f, 0xff, 0x12, 0x34, 0x56]);
    const { output } = compileTransform(toOut)(message);
    expect(Out.decode(output)).toEqual({ version: 4, offset: 8191, ttl: 0x123456 });
  });

  it('writes them beside each other', () => {
    const toHeader = transform(From, Header, (o) => ({
      ...{ version: 4, ihl: 5, flags: 0, ttl: 64 },
      offset: o.qty,
    }));
    expect([...run(toHeader).output]).toEqual([0x45, 0x01, 0xf4, 0, 0, 64]);
    expect(run(toHeader, { ...anOrder, qty: 8192 }).rejectName).toBe('OUT_OF_RANGE');
  });
});

describe('what a transform leaves out', () => {
  const fields = {
    ...{ version: t.bits(4).default(4), ihl: t.bits(4).default(5), ttl: t.u8.default(64) },
    ...{ length: t.u16, ratio: t.f32.default(0.5), tag: t.ascii(3).default('ab') },
  };

  it.each(['le', 'be'] as const)('has its default in foreign layouts too: %s', (order) => {
    const Header = schema('Header', 4, fields, { layout: layout.packed(order) });
    const expected = { version: 4, ihl: 5, ttl: 64, length: 500, ratio: 0.5, tag: 'ab' };
    const bare = transform(From, Header, (o) => ({ length: o.qty.to('u16').orReject('LONG') }));
    expect(Header.decode(run(bare).output)).toEqual(expected);
    const other = transform(From, Header, (o) => ({
      ...{ length: 500, ihl: 10, version: o.qty, ttl: 1 },
    }));
    const { output } = run(other, { ...anOrder, qty: 3 });
    expect(Header.decode(output)).toEqual({ ...expected, version: 3, ihl: 10, ttl: 1 });
  });
});

describe('a transform is refused', () => {
  const cases: [string, AnySchema, (o: never) => unknown, RegExp][] = [
    [
      'when nothing is said of an absent field',
      schema('Out', 3, { hint: t.u16 }),
      (o: { hint: unknown }) => ({ hint: o.hint }),
      /orElse/,
    ],
    [
      'when a string may be longer than its output',
      schema('Out', 3, { tag: t.string.max(4) }),
      (o: { tag: unknown }) => ({ tag: o.tag }),
      /at most 4 bytes/,
    ],
    [
      'when a group goes over as it is',
      schema('Out', 3, { fills: t.group({ qty: t.u16 }) }),
      (o: { fills: unknown }) => ({ fills: o.fills }),
      /\.map/,
    ],
    [
      'when decimals differ in their digits',
      schema('Out', 3, { price: t.decimal(2) }),
      (o: { price: unknown }) => ({ price: o.price }),
      /digits/,
    ],
    [
      'when a required field of the entries is left out',
      schema('Out', 3, { fills: t.group({ qty: t.u16 }) }),
      (o: { fills: { map(build: () => object): unknown } }) => ({ fills: o.fills.map(() => ({})) }),
      /a value for/,
    ],
  ];

  it.each(cases)('%s', (_about, to, build, expected) => {
    const { code, message } = refusal(() =>
      compileTransform(transform(From, to, build as never) as never),
    );
    expect(code).toBe('ERR_ROUTE');
    expect(message).toMatch(expected);
  });
});
