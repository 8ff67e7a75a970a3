// Encoding and decoding of the order protocols and of a message with a header of its own.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { layout, schema, t } from '../../../../lib/index.js';
import { compileCodec } from '../../../../lib/schema/codec/index.js';
import { codecsOf, forms, planOf, thrown } from '../../../helpers/both-codecs.js';
import {
  CancelReplace,
  ExecReport,
  NewOrder,
  Reject,
  VenueCancelReplace,
  VenueExecReport,
  VenueNewOrder,
} from '../../../helpers/order-gateway.js';

type Message = Record<string, unknown>;

const venueSchemas = [VenueNewOrder, VenueCancelReplace, VenueExecReport];
const orderSchemas = [NewOrder, CancelReplace, ExecReport, Reject, ...venueSchemas];

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/order-protocols.json', import.meta.url), 'utf8'),
) as { schema: string; message: Message; hex: string }[];

describe('encode and decode', () => {
  it.each(vectors)('agree with the golden bytes of $schema $hex', (vector) => {
    const known = orderSchemas.find(({ name }) => name === vector.schema);
    expect(known).toBeDefined();
    const { model, templateId, bytesMin } = known as (typeof orderSchemas)[number];
    const message = Object.fromEntries(
      Object.entries(vector.message).map(([key, value]) => [
        key,
        typeof value === 'string' ? BigInt(value) : value,
      ]),
    );
    for (const codec of codecsOf(planOf({ model }, { type: templateId, size: BigInt(bytesMin) }))) {
      const target = new Uint8Array(bytesMin).fill(0xaa);
      expect(codec.encode(message, target, 0)).toBe(bytesMin);
      expect(Buffer.from(target).toString('hex')).toBe(vector.hex);
      expect(codec.decode(Buffer.from(vector.hex, 'hex'), 0, bytesMin)).toEqual(message);
    }
  });

  const packed = { layout: layout.packed() };
  const Sample = schema(
    'Sample',
    1,
    { count: t.u16, id: t.u64, side: t.enum('buy', 'sell'), tag: t.ascii(2), on: t.bool },
    packed,
  );
  const good = { count: 1, id: 1n, side: 'buy', tag: 'ab', on: true } as const;

  it('write nothing at or behind the end they are given', () => {
    const Text = schema('Text', 1, { id: t.u64, text: t.string, parts: t.group({ n: t.u8 }) });
    const Tail = schema('Tail', 1, { id: t.u64, text: t.rest }, packed);
    const long = 'x'.repeat(40);
    const cases = [
      [Sample, good],
      [Text, { id: 1n, text: long, parts: [] }],
      [Text, { id: 1n, text: '', parts: [{ n: 1 }, { n: 2 }] }],
      [Tail, { id: 1n, text: new Uint8Array(40) }],
    ] as const;
    for (const [made, message] of cases) {
      for (const codec of codecsOf(planOf(made))) {
        const bytes = codec.sizeOf(message);
        for (let room = 0; room < bytes; room++) {
          const target = new Uint8Array(200).fill(0xee);
          expect(() => codec.encode(message, target, 8, 8 + room)).toThrow(RangeError);
          expect(target.subarray(8 + room).every((byte) => byte === 0xee)).toBe(true);
        }
        expect(codec.encode(message, new Uint8Array(200), 8, 8 + bytes)).toBe(bytes);
        for (const end of [201, 1.5, -1, Number.NaN]) {
          expect(() => codec.encode(message, new Uint8Array(200), 8, end)).toThrow(RangeError);
        }
      }
    }
  });

  it('refuse a target without room, and places that are none', () => {
    for (const codec of codecsOf(planOf(Sample))) {
      expect(() => codec.encode(good, new Uint8Array(13), 0)).toThrow(
        'Sample.encode: expected room for 14 bytes, received a target with 13',
      );
      expect(() => codec.encode(good, new Uint8Array(64), -1)).toThrow(RangeError);
      expect(() => codec.encode(good, new Uint8Array(64), 0.5)).toThrow(RangeError);
      expect(() => codec.encode(good, new Uint8Array(64), 65)).toThrow(RangeError);
      expect(() => codec.encode(good, [] as unknown as Uint8Array, 0)).toThrow(TypeError);
      expect(() => codec.encode(null as unknown as object, new Uint8Array(64), 0)).toThrow(
        'Sample: expected an object of its fields, received null',
      );
      expect(() => codec.decode(new Uint8Array(64), 0, 65)).toThrow(RangeError);
      expect(() => codec.decode(new Uint8Array(64), 0.5, 64)).toThrow(RangeError);
      expect(() => codec.decode('bytes' as unknown as Uint8Array, 0, 1)).toThrow(TypeError);
    }
  });

  it('refuse bytes that are too few, or that a type does not have', () => {
    const bytes = new Uint8Array(14);
    for (const codec of codecsOf(planOf(Sample))) {
      codec.encode(good, bytes, 0);
      const refusal = (source: Uint8Array): string => {
        const error = thrown(() => codec.decode(source, 0, source.length));
        expect(error).toMatchObject({ code: 'ERR_MESSAGE', detail: { context: error.message } });
        return error.message;
      };
      const changed = (place: number, value: number): Uint8Array =>
        bytes.map((byte, index) => (index === place ? value : byte));
      expect(refusal(bytes.slice(1))).toBe('Sample: expected 14 bytes, found 13');
      expect(refusal(changed(10, 9))).toBe('Sample.side: expected one of buy, sell, found 9');
      expect(refusal(changed(11, 0))).toMatch(/^Sample.tag: expected .*, found other bytes$/);
      expect(refusal(changed(13, 2))).toBe('Sample.on: expected true or false, found 2');
    }
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

  const Native = schema('Native', 3, { id: t.u64, note: t.string, legs: t.group({ qty: t.u32 }) });
  const whole = { id: 5n, note: 'abc', legs: [{ qty: 1 }, { qty: 2 }] };

  it('take any place in any buffer, also ones that grow and shrink', () => {
    for (const codec of codecsOf(planOf(Native))) {
      const bytes = codec.sizeOf(whole);
      const resizable = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 256 }]) as ArrayBuffer;
      const growing = new Uint8Array(resizable);
      expect(() => codec.encode(whole, growing, 0)).toThrow(RangeError);
      (resizable as unknown as { resize(bytes: number): void }).resize(128);
      const inside = new Uint8Array(200).subarray(3, 180);
      for (const target of [growing, inside, Buffer.alloc(100), new Uint8Array(bytes + 8)]) {
        for (const offset of [0, 1, 8]) {
          expect(codec.encode(whole, target, offset)).toBe(bytes);
          expect(codec.decode(target, offset, offset + bytes)).toEqual(whole);
        }
      }
      (resizable as unknown as { resize(bytes: number): void }).resize(24);
      expect(() => codec.encode(whole, growing, 0)).toThrow(RangeError);
    }
  });

  it('name the schema in generated code and use none where none is wanted', () => {
    const [generated, closures] = forms.map(({ generates }) =>
      compileCodec(planOf(Native), generates).decode.toString(),
    );
    expect(generated).toContain('// Native');
    expect(closures).not.toContain('// Native');
  });

  it('give copies: what a message decodes to stays when its buffer is used again', () => {
    const Copied = schema('Copied', 4, {
      raw: t.bytes(3),
      data: t.blob,
      more: t.bytes(1).default(new Uint8Array([7])),
    });
    for (const codec of codecsOf(planOf(Copied))) {
      const raw = Uint8Array.of(1, 2, 3);
      const frame = new Uint8Array(codec.sizeOf({ raw, data: raw }));
      codec.encode({ raw, data: raw }, frame, 0);
      const message = codec.decode(frame, 0, frame.length);
      frame.fill(0);
      expect(message).toEqual({ raw, data: raw, more: Uint8Array.of(7) });
    }
  });

  it('do not let a message make a name of the schema do more than name', () => {
    const model = { ...Native.model, name: 'x\n*/}); globalThis.broken = 1; //\u2028' };
    for (const codec of codecsOf(planOf({ model }))) {
      const frame = new Uint8Array(codec.sizeOf(whole));
      codec.encode(whole, frame, 0);
      expect(codec.decode(frame, 0, frame.length)).toEqual(whole);
    }
    expect(globalThis).not.toHaveProperty('broken');
  });
});
