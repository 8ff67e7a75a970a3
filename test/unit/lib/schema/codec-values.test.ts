// Values that a type does not take, and bytes that it does not have.
import { describe, expect, it } from 'vitest';
import { layout, schema, t } from '../../../../lib/index.js';
import { makeReader } from '../../../../lib/schema/codec/index.js';
import { codecsOf, forms, frameOf, planOf, thrown } from '../../../helpers/both-codecs.js';
import type { AnyReader } from '../../../helpers/flyweights.js';

const Values = schema('Values', 9, {
  ...{ u8: t.u8, i16: t.i16, u32: t.u32, u64: t.u64, i64: t.i64, n: t.u53 },
  ...{ f32: t.f32, f64: t.f64, on: t.bool, at: t.timestamp },
  price: t.decimal(4, { base: 'i32' }),
  side: t.enum('buy', 'sell'),
  kind: t.enum({ a: 1, b: 2 }, { base: 'u16', unknown: 'raw' }),
  mode: t.enum({ a: 1, b: 2 }, { unknown: { default: 'b' } }),
  many: t.enum('one', 'two', 'three', 'four', 'five', 'six'),
  status: t.flags('open', 'urgent'),
  symbol: t.ascii(8),
  code: t.ascii(3),
  raw: t.bytes(2),
  list: t.array(t.i8, 3),
  names: t.array(t.ascii(2), 2),
  note: t.string.max(8),
  tag: t.string.max(4).optional(),
  data: t.blob.max(4),
  fills: t.group({ qty: t.u32, legs: t.group({ id: t.u8, tags: t.array(t.u8, 2) }).max(3) }).max(3),
});

const fill = { qty: 1, legs: [{ id: 1, tags: [1, 2] }] };
const good = {
  ...{ u8: 1, i16: -1, u32: 1, u64: 1n, i64: -1n, n: 2 ** 53 - 1, f32: 1.5, f64: 0.1, on: true },
  ...{ at: 1n, price: -5, side: 'sell', kind: 'a', mode: 'a', many: 'five' },
  ...{
    status: { open: true, urgent: false },
    symbol: 'EURUSD',
    code: '',
    raw: Uint8Array.of(1, 2),
  },
  ...{ list: [1, -2, 3], names: ['', 'ab'], note: 'žluť', tag: undefined },
  ...{ data: Uint8Array.of(9), fills: [fill, fill] },
};

const range = RangeError;
const type = TypeError;
const refused: [string, unknown, ErrorConstructor, string?][] = [
  ['u8', 256, range],
  ['u8', -1, range],
  ['u8', 1.5, range],
  ['u8', '1', type],
  ['u8', undefined, type],
  ['i16', 32768, range],
  ['u32', 2 ** 32, range],
  ['u32', Number.NaN, range],
  ['u64', 1, type],
  ['u64', -1n, range],
  ['u64', 1n << 64n, range],
  ['i64', 1n << 63n, range],
  ['n', 2 ** 53, range],
  ['n', -1, range],
  ['n', 1n, type],
  ['f32', 3.5e38, range],
  ['f32', '1', type],
  ['f64', 1n, type],
  ['on', 1, type],
  ['at', 5, type],
  ['at', -1n, range],
  ['price', 2 ** 31, range],
  ['side', 'hold', range],
  ['side', 0, type],
  ['kind', 65536, range],
  ['kind', 1n, type],
  ['kind', 'c', range],
  ['many', 'seven', range],
  ['many', 'constructor', range],
  ['status', { open: 1 }, type],
  ['status', null, type],
  ['status', [], type],
  ['status', ['open'], type],
  ['status', { open: true, urgnet: true }, type],
  ['status', new Map([['open', true]]), type],
  ['status', 'open', type],
  ['symbol', 'ninechars', range],
  ['symbol', 'ä', range],
  ['symbol', 'a\0b', range],
  ['code', 5, type],
  ['raw', Uint8Array.of(1), range],
  ['raw', [1, 2], type],
  ['list', [1, 2], range],
  ['list', 'abc', type],
  ['list', [1, 128, 3], range, 'list[1]'],
  ['list', [1, 2, '3'], type, 'list[2]'],
  ['names', ['a', 'abc'], range, 'names[1]'],
  ['note', 'nine char', range],
  ['note', 'ééééé', range],
  ['note', '\ud800', range],
  ['note', 'a\udc00b', range],
  ['note', undefined, type],
  ['note', 7, type],
  ['tag', null, type],
  ['tag', 'abcde', range],
  ['data', new Uint8Array(5), range],
  ['data', 'abc', type],
  ['fills', [fill, fill, fill, fill], range],
  ['fills', {}, type],
  ['fills', undefined, type],
  ['fills', [fill, null], type, 'fills[1]'],
  ['fills', [fill, { ...fill, qty: -1 }], range, 'fills[1].qty'],
  ['fills', [fill, { qty: 1 }], type, 'fills[1].legs'],
  [
    'fills',
    [fill, { qty: 1, legs: [fill.legs[0], { id: 1, tags: [1, 256] }] }],
    range,
    'fills[1].legs[1].tags[1]',
  ],
];

describe.each(forms.map(({ form }, index) => ({ form, index })))('values by $form', ({ index }) => {
  const codec = codecsOf(planOf(Values))[index]!;

  it('go through unchanged', () => {
    const frame = frameOf(codec, good);
    expect(codec.decode(frame, 0, frame.length)).toEqual(good);
  });

  it.each(refused)('refuse %s = %s as a %o', (name, value, kind, path = name) => {
    const error = thrown(() => codec.encode({ ...good, [name]: value }, new Uint8Array(500), 0));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(/: expected .+, received /);
    expect(error.message.startsWith(`Values.${path}: expected `)).toBe(true);
  });

  it('take a number where an enumeration is raw, and give it back', () => {
    const frame = frameOf(codec, { ...good, kind: 77 });
    expect(codec.decode(frame, 0, frame.length)).toEqual({ ...good, kind: 77 });
  });

  it('take flags without some names, of any plain object and as a reader gives them', () => {
    const frame = frameOf(codec, { ...good, status: { open: true } });
    const reader = new (makeReader(planOf(Values), forms[index]!.generates))() as AnyReader;
    const bare = Object.assign(Object.create(null), { open: true });
    for (const status of [bare, reader.wrap(frame).status]) {
      expect(frameOf(codec, { ...good, status })).toEqual(frame);
    }
  });

  it('ignore keys of messages and entries that are no fields', () => {
    const [first] = good.fills;
    const more = { ...good, other: 1, fills: [{ ...first, other: 1 }] };
    expect(frameOf(codec, more)).toEqual(frameOf(codec, { ...good, fills: [first] }));
  });

  it('write one NaN, whichever it is', () => {
    const odd = new Float64Array(1);
    new BigUint64Array(odd.buffer)[0] = 0xfff4_0000_0000_0001n;
    const frame = frameOf(codec, { ...good, f32: odd[0], f64: odd[0] });
    expect(frame).toEqual(frameOf(codec, { ...good, f32: Number.NaN, f64: Number.NaN }));
    expect(codec.decode(frame, 0, frame.length)).toMatchObject({
      f32: Number.NaN,
      f64: Number.NaN,
    });
  });

  const { fields } = Values.model.block;
  const placeOf = (name: string): number => 8 + fields.find((field) => field.name === name)!.offset;
  const spoilt: [string, number, number, RegExp | undefined][] = [
    ['on', 0, 2, /^Values.on: expected true or false, found 2$/],
    ['side', 0, 2, /^Values.side: expected one of buy, sell, found 2$/],
    ['many', 0, 6, /^Values.many: expected one of .*, found 6$/],
    ['n', 6, 0x20, /^Values.n: expected an integer from 0 to 2\^53 - 1, found 9288674231451647n$/],
    ['symbol', 0, 200, /^Values.symbol: .* found other bytes$/],
    ['symbol', 7, 65, /^Values.symbol: /],
    ['code', 2, 65, /^Values.code: /],
    ['names', 1, 65, /^Values.names: /],
    ['status', 0, 0xff, undefined],
    ['mode', 0, 9, undefined],
    ['kind', 0, 9, undefined],
  ];
  it.each(spoilt)('decode %s with byte %i as %i, or refuse it', (name, byte, value, message) => {
    const frame = frameOf(codec, good);
    frame[placeOf(name) + byte] = value;
    if (message === undefined) {
      const expected = { status: { open: true, urgent: true }, mode: 'b', kind: 9 };
      expect(codec.decode(frame, 0, frame.length)[name]).toEqual(expected[name as 'mode']);
      return;
    }
    const error = thrown(() => codec.decode(frame, 0, frame.length));
    expect(error).toMatchObject({ code: 'ERR_MESSAGE' });
    expect(error.message).toMatch(message);
  });

  it('refuse text that is no UTF-8, also far inside of groups', () => {
    const Texts = schema('Texts', 1, { list: t.group({ name: t.string, bits: t.u8 }) });
    const texts = codecsOf(planOf(Texts))[index]!;
    const frame = frameOf(texts, {
      list: [
        { name: 'ab', bits: 1 },
        { name: 'xyz', bits: 2 },
      ],
    });
    frame[frame.length - 1] = 0xff;
    expect(thrown(() => texts.decode(frame, 0, frame.length)).message).toMatch(
      /^Texts.list\[1\].name: expected well-formed text .*, found other bytes$/,
    );
  });

  it('name the fault of a structure that is broken', () => {
    const frame = frameOf(codec, good);
    frame[3] = 1;
    expect(thrown(() => codec.decode(frame, 0, frame.length)).message).toBe(
      'Values: the bytes are no such message (BAD_FLAGS)',
    );
  });

  it('refuse to grow beyond 16 MiB', () => {
    const Huge = schema('Huge', 1, { a: t.blob.max(16_000_000), b: t.blob.max(16_000_000) });
    const huge = codecsOf(planOf(Huge))[index]!;
    const half = new Uint8Array(9_000_000);
    const target = new Uint8Array(20_000_000);
    expect(() => huge.encode({ a: half, b: half }, target, 0)).toThrow(/at most 16777216 bytes/);
    expect(huge.encode({ a: half, b: new Uint8Array(0) }, target, 0)).toBe(9_000_024);
  });

  it('keep text of every size, however alike it is', () => {
    const Text = schema('Text', 1, { text: t.string.max(200) });
    const codec = codecsOf(planOf(Text))[index]!;
    const reader = new (makeReader(planOf(Text), forms[index]!.generates))() as AnyReader;
    for (let count = 0; count <= 50; count++) {
      const texts = ['a', '\0', 'ab', '\x7f', 'é', '€'].map((unit) =>
        unit.repeat(count).slice(0, count),
      );
      for (let at = 0; at < count; at++) texts.push(`${'a'.repeat(at)}ü${'a'.repeat(count - at)}`);
      // Twice: the second time some of them are known.
      for (const text of [...texts, ...texts]) {
        const frame = frameOf(codec, { text });
        expect(codec.decode(frame, 0, frame.length)).toEqual({ text });
        const { text: found } = reader.wrap(frame);
        expect(found).toBe(text);
        const spoilt = frame.fill(0xff, frame.length - 1);
        if (count > 0)
          expect(thrown(() => reader.wrap(spoilt).toObject()).message).toMatch(/Text.text/);
      }
    }
  });

  it('keep text of every length and alphabet, a byte order mark included', () => {
    const Long = schema('Long', 1, { text: t.string.max(4000) });
    const long = codecsOf(planOf(Long))[index]!;
    for (const letter of ['a', 'é', '€', '😀', '\ufeff', '\0']) {
      for (let count = 0; count < 70; count++) {
        const message = { text: letter.repeat(count) };
        const frame = frameOf(long, message);
        expect(long.decode(frame, 0, frame.length)).toEqual(message);
        const spacious = new Uint8Array(frame.length + 64).fill(0xff);
        spacious.set(frame);
        expect(long.decode(spacious, 0, frame.length)).toEqual(message);
      }
    }
  });
});

describe('header fields and layouts of others', () => {
  it('are no part of the message', () => {
    const Framed = schema(
      'Framed',
      1,
      { size: t.u16, kind: t.u8, n: t.u8 },
      { layout: layout.packed() },
    );
    for (const codec of codecsOf(planOf(Framed, { size: 4n, kind: 1n }))) {
      expect(frameOf(codec, { n: 7 })).toEqual(Uint8Array.of(4, 0, 1, 7));
      expect(codec.decode(Uint8Array.of(4, 0, 1, 7), 0, 4)).toEqual({ n: 7 });
    }
  });
});
