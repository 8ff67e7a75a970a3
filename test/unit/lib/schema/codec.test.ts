// Encoding and decoding: generated code and its fallback, on random and on golden messages.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnySchema, layout, schema, t } from '../../../../lib/index.js';
import { compileCodec } from '../../../../lib/schema/codec.js';
import { viewOf } from '../../../../lib/schema/octets.js';
import { type FieldSpec, isScalarType, scalarFacts } from '../../../../lib/schema/types.js';
import {
  CancelReplace,
  ExecReport,
  NewOrder,
  Reject,
  VenueCancelReplace,
  VenueExecReport,
  VenueNewOrder,
} from '../../../helpers/order-gateway.js';
import { Random, testSeed } from '../../../helpers/random.js';

type Message = Record<string, unknown>;

const orderSchemas: readonly AnySchema[] = [
  NewOrder,
  CancelReplace,
  ExecReport,
  Reject,
  VenueNewOrder,
  VenueCancelReplace,
  VenueExecReport,
];

const specs: readonly FieldSpec[] = [
  t.u8,
  t.u16,
  t.u32,
  t.u64,
  t.i8,
  t.i16,
  t.i32,
  t.i64,
  t.bool,
  t.bytes(3),
  t.ascii(5),
  t.enum('buy', 'sell'),
  t.enum({ low: -5, high: 300 }, { base: 'i16' }),
];

function randomSchema(random: Random): AnySchema {
  const fields: Record<string, FieldSpec> = {};
  const count = 1 + random.below(8);
  for (let index = 0; index < count; index++) fields[`f${index}`] = random.pick(specs);
  const order = random.pick(['le', 'be'] as const);
  const rule = random.pick([layout.packed(order), layout.c(order)]);
  return schema('Random', 1, fields, { layout: rule }) as unknown as AnySchema;
}

function randomValue(random: Random, { shape, type, bytes, symbols }: FieldSpec): unknown {
  if (shape === 'bool') return random.below(2) === 1;
  if (symbols !== null) return random.pick(Object.keys(symbols));
  if (shape === 'bytes') return Uint8Array.from({ length: bytes }, () => random.below(256));
  if (shape === 'ascii') {
    return String.fromCharCode(
      ...Array.from({ length: random.below(bytes + 1) }, () => 1 + random.below(127)),
    );
  }
  if (!isScalarType(type)) throw new Error(type);
  const value = random.bigint(scalarFacts[type].low, scalarFacts[type].high);
  return shape === 'bigint' ? value : Number(value);
}

function fallbackOf(made: AnySchema) {
  const { name, bytes, fields } = made;
  return compileCodec({ name, bytes, fields, header: new Map() }, false);
}

describe('encode and decode', () => {
  it('give back every message of every random schema, whatever lay in the buffer before', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < 400; round++) {
      const made = randomSchema(random);
      const message: Message = {};
      for (const field of made.fields) message[field.name] = randomValue(random, field);
      const offset = random.below(9);
      const [one, two] = [0xff, 0x00].map((fill) => new Uint8Array(made.bytes + 16).fill(fill));
      const bytes = made.encode(message as never, one!, offset);
      expect(bytes, `seed ${seed}`).toBe(made.bytes);
      expect(made.decode(one!, offset), `seed ${seed}`).toEqual(message);
      fallbackOf(made).encode(message, viewOf(two!), offset);
      const written = (buffer: Uint8Array) => buffer.slice(offset, offset + bytes);
      expect(written(two!), `seed ${seed}: fallback and padding`).toEqual(written(one!));
      expect(fallbackOf(made).decode(viewOf(one!), offset), `seed ${seed}`).toEqual(message);
      const outside = [...one!.slice(0, offset), ...one!.slice(offset + bytes)];
      expect(
        outside.every((byte) => byte === 0xff),
        `seed ${seed}: outside`,
      ).toBe(true);
    }
  });

  const vectors = JSON.parse(
    readFileSync(new URL('../../../vectors/order-protocols.json', import.meta.url), 'utf8'),
  ) as { schema: string; message: Message; hex: string }[];

  it.each(vectors)(
    'agree with the golden bytes of $schema $hex',
    ({ schema: name, message, hex }) => {
      const made = orderSchemas.find((known) => known.name === name) as AnySchema;
      const typed = Object.fromEntries(
        Object.entries(message).map(([key, value]) => [
          key,
          typeof value === 'string' ? BigInt(value) : value,
        ]),
      );
      const target = new Uint8Array(made.bytes).fill(0xaa);
      made.encode(typed as never, target);
      expect(Buffer.from(target).toString('hex')).toBe(hex);
      expect(made.decode(Buffer.from(hex, 'hex'))).toEqual(typed);
    },
  );

  const Sample = schema(
    'Sample',
    1,
    { count: t.u16, id: t.u64, side: t.enum('buy', 'sell'), tag: t.ascii(2), on: t.bool },
    { layout: layout.packed() },
  );
  const good = { count: 1, id: 1n, side: 'buy', tag: 'ab', on: true } as const;
  const bad: [string, unknown, string][] = [
    ['count', 65_536, 'RangeError'],
    ['count', -1, 'RangeError'],
    ['count', 1.5, 'RangeError'],
    ['count', Number.NaN, 'RangeError'],
    ['count', 1n, 'TypeError'],
    ['count', undefined, 'TypeError'],
    ['id', 1, 'TypeError'],
    ['id', -1n, 'RangeError'],
    ['id', 1n << 64n, 'RangeError'],
    ['side', 'hold', 'RangeError'],
    ['tag', 'abc', 'RangeError'],
    ['tag', 'ä', 'RangeError'],
    ['on', 1, 'TypeError'],
  ];

  it.each(bad)('refuse %s = %s with a %s that names the field', (name, value, error) => {
    const target = new Uint8Array(Sample.bytes);
    const message = { ...good, [name]: value } as never;
    const thrown = (body: () => unknown): Error => {
      try {
        body();
      } catch (caught) {
        return caught as Error;
      }
      throw new Error('nothing was thrown');
    };
    for (const encode of [
      () => Sample.encode(message, target),
      () => fallbackOf(Sample).encode(message, viewOf(target), 0),
    ]) {
      expect(thrown(encode).name).toBe(error);
      expect(thrown(encode).message).toContain(`Sample.${name}: expected`);
    }
  });

  it('refuse a target without room and an offset that is none', () => {
    expect(() => Sample.encode(good, new Uint8Array(Sample.bytes - 1))).toThrow(RangeError);
    expect(() => Sample.encode(good, new Uint8Array(64), -1)).toThrow(RangeError);
    expect(() => Sample.encode(good, new Uint8Array(64), 0.5)).toThrow(RangeError);
  });

  it('refuse bytes that are too few, or that no enum names', () => {
    const bytes = new Uint8Array(Sample.bytes);
    Sample.encode(good, bytes);
    const refusal = (source: Uint8Array) => {
      expect(() => Sample.decode(source)).toThrow(
        expect.objectContaining({ code: 'ERR_MESSAGE' }) as Error,
      );
    };
    refusal(bytes.slice(1));
    refusal(Uint8Array.from(bytes, (byte, index) => (index === 10 ? 9 : byte)));
    refusal(Uint8Array.from(bytes, (byte, index) => (index === 11 ? 0 : byte)));
    refusal(Uint8Array.from(bytes, (byte, index) => (index === 13 ? 2 : byte)));
  });

  it('write and check the header fields of a union', () => {
    const bytes = new Uint8Array(29);
    const message = { seq: 1n, price: 2, qty: 3, clOrdId: 4n };
    NewOrder.encode(message, bytes);
    expect([bytes[0], bytes[4]]).toEqual([29, 1]);
    expect(NewOrder.decode(bytes)).toEqual(message);
    bytes[4] = 3;
    expect(() => NewOrder.decode(bytes)).toThrow(/NewOrder.type: expected 1, found 3/);
    bytes[4] = 1;
    bytes[0] = 30;
    expect(() => NewOrder.decode(bytes)).toThrow(/NewOrder.size: expected 29, found 30/);
  });

  it('read from and write to a view into a larger buffer', () => {
    const whole = new Uint8Array(64);
    const part = whole.subarray(10, 10 + Sample.bytes);
    Sample.encode(good, part);
    expect(Sample.decode(part)).toEqual(good);
    expect(whole.slice(0, 10).every((byte) => byte === 0)).toBe(true);
  });
});
