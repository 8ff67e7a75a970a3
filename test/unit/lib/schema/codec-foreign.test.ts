// Other people's layouts: golden bytes for what native messages do not have.
import { describe, expect, it } from 'vitest';
import { layout, schema, t } from '../../../../lib/index.js';
import { makeReader, makeWriter } from '../../../../lib/schema/codec/index.js';
import { codecsOf, forms, frameOf, planOf, thrown } from '../../../helpers/both-codecs.js';
import type { AnyReader, AnyWriter } from '../../../helpers/flyweights.js';

const big = { layout: layout.packed('be') };

const Packet = schema(
  'Packet',
  1,
  {
    ...{ target: t.bytes(6), protocol: t.u16, version: t.bits(4), ihl: t.bits(4), tos: t.u8 },
    port: t.u16.at('ihl', { scale: 4, plus: 8 }),
    checksum: t.u16,
    payload: t.rest,
  },
  big,
);
const packet = {
  ...{ target: Uint8Array.of(1, 2, 3, 4, 5, 6), protocol: 0x800, version: 4, ihl: 1, tos: 0 },
  ...{ port: 443, checksum: 0xabcd, payload: Uint8Array.of(7, 8, 9) },
};
const packetBytes = '010203040506' + '0800' + '41' + '00' + '0000' + '01bb' + 'abcd' + '070809';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe.each(forms.map(({ form, generates }, index) => ({ form, generates, index })))(
  'foreign layouts by $form',
  ({ generates, index }) => {
    const codecOf = (made: Parameters<typeof planOf>[0]) => codecsOf(planOf(made))[index]!;

    it('have integers of 3, 5 and 6 bytes in either order', () => {
      const fields = { a: t.u24, b: t.u40, c: t.u48 };
      const message = { a: 0x010203, b: 0x0102030405, c: 0xfffefdfcfbfa };
      const be = codecOf(schema('Odd', 1, fields, big));
      expect(hex(frameOf(be, message))).toBe('0102030102030405fffefdfcfbfa');
      const le = codecOf(schema('Odd', 1, fields, { layout: layout.packed('le') }));
      expect(hex(frameOf(le, message))).toBe('0302010504030201fafbfcfdfeff');
      for (const codec of [be, le]) {
        expect(codec.decode(frameOf(codec, message), 0, 14)).toEqual(message);
        expect(() => frameOf(codec, { ...message, a: 2 ** 24 })).toThrow(RangeError);
        expect(() => frameOf(codec, { ...message, c: 2 ** 48 })).toThrow(RangeError);
      }
    });

    it('have bits inside of containers, from the top or from the bottom', () => {
      const fields = { a: t.bits(3), b: t.bits(10), c: t.bits(3) };
      const message = { a: 0b101, b: 0b1111100000, c: 0b011 };
      expect(hex(frameOf(codecOf(schema('Bits', 1, fields, big)), message))).toBe('bf03');
      const little = schema('Bits', 1, fields, { layout: layout.packed('le') });
      expect(hex(frameOf(codecOf(little), message))).toBe('057f');
      const codec = codecOf(little);
      expect(codec.decode(Uint8Array.of(0x05, 0x7f), 0, 2)).toEqual(message);
      expect(() => frameOf(codec, { ...message, a: 8 })).toThrow(
        'Bits.a: expected an integer from 0 to 7',
      );
      expect(() => frameOf(codec, { ...message, b: -1 })).toThrow(RangeError);
      expect(() => frameOf(codec, { ...message, c: '1' })).toThrow(TypeError);
    });

    it('pad text with spaces', () => {
      const codec = codecOf(schema('Text', 1, { text: t.ascii(5, { pad: 'space' }) }, big));
      expect(hex(frameOf(codec, { text: 'a b' }))).toBe('6120622020');
      expect(codec.decode(Buffer.from('a b  '), 0, 5)).toEqual({ text: 'a b' });
      expect(codec.decode(Buffer.from('     '), 0, 5)).toEqual({ text: '' });
      expect(() => frameOf(codec, { text: 'a ' })).toThrow(RangeError);
      expect(() => codec.decode(Uint8Array.of(97, 0, 32, 32, 32), 0, 5)).toThrow(/other bytes/);
    });

    it('put fields where others say, zero what is between, and end with the rest', () => {
      const codec = codecOf(Packet);
      expect(hex(frameOf(codec, packet))).toBe(packetBytes);
      const bytes = Buffer.from(packetBytes, 'hex');
      expect(codec.decode(bytes, 0, bytes.length)).toEqual(packet);
      expect(codec.sizeOf({ ...packet, ihl: 15 })).toBe(8 + 60 + 4 + 3);
    });

    it('refuse a place inside of earlier fields, and one beyond the target', () => {
      const codec = codecOf(Packet);
      expect(() => codec.encode({ ...packet, ihl: 0 }, new Uint8Array(100), 0)).toThrow(
        'Packet.ihl: expected a place from 10 on for the fields behind it, received 8',
      );
      expect(() => codec.encode({ ...packet, ihl: 15 }, new Uint8Array(60), 0)).toThrow(RangeError);
      expect(() =>
        codec.encode({ ...packet, payload: new Uint8Array(50) }, new Uint8Array(60), 0),
      ).toThrow('expected room for 66 bytes');
    });

    it('read fields that lie over others, which nothing but writing them refuses', () => {
      const bytes = Buffer.from(packetBytes, 'hex');
      bytes[8] = 0x40;
      const values = codecOf(Packet).decode(bytes, 0, bytes.length);
      const payload = new Uint8Array(bytes.subarray(12));
      expect(values).toMatchObject({ ihl: 0, port: 0x4000, checksum: 0, payload });
      const reader = new (makeReader(planOf(Packet), generates))() as AnyReader;
      expect(reader.wrap(bytes).toObject()).toEqual(values);
      expect(() => codecOf(Packet).encode(values, new Uint8Array(100), 0)).toThrow(RangeError);
    });

    it('refuse a place beyond the message as bad bytes', () => {
      const bytes = Buffer.from(packetBytes, 'hex');
      bytes[8] = 0x4f;
      for (let end = 0; end <= bytes.length; end++) {
        const error = thrown(() => codecOf(Packet).decode(bytes, 0, end));
        expect(error).toMatchObject({ code: 'ERR_MESSAGE' });
      }
      expect(thrown(() => codecOf(Packet).decode(bytes, 0, bytes.length)).message).toBe(
        'Packet: expected 72 bytes, found 19',
      );
    });

    it('count the whole message in a size field where messages differ', () => {
      const Sized = schema('Sized', 5, { size: t.u8, type: t.u8, body: t.rest }, big);
      const codec = codecsOf(planOf(Sized, { type: 5n }, 'size'))[index]!;
      expect(hex(frameOf(codec, { body: Uint8Array.of(1, 2) }))).toBe('04050102');
      const more = Uint8Array.of(4, 5, 1, 2, 9, 9);
      expect(codec.decode(more, 0, 6)).toEqual({ body: Uint8Array.of(1, 2) });
      expect(() => codec.decode(more, 0, 3)).toThrow('Sized.size: expected 2 to 3, found 4');
      expect(() => codec.decode(Uint8Array.of(1, 5), 0, 2)).toThrow(/Sized.size/);
      expect(() => codec.decode(Uint8Array.of(2, 6), 0, 2)).toThrow(
        'Sized.type: expected 5, found 6',
      );
      expect(() => codec.encode({ body: new Uint8Array(254) }, new Uint8Array(300), 0)).toThrow(
        'Sized.size: expected an integer from 0 to 255, received 256',
      );
    });

    it('have at most 65,535 bytes, written, counted and read', () => {
      const Rest = schema('Rest', 1, { id: t.u8, body: t.rest }, big);
      const Far = schema('Far', 2, { at: t.u24, body: t.u8.at('at', { scale: 1 }) }, big);
      const Sized = schema('Sized', 3, { size: t.u32, body: t.rest }, big);
      const cases = [
        [planOf(Rest), (bytes: number) => ({ id: 1, body: new Uint8Array(bytes - 1) })],
        [planOf(Far), (bytes: number) => ({ at: bytes - 1, body: 7 })],
        [planOf(Sized, {}, 'size'), (bytes: number) => ({ body: new Uint8Array(bytes - 4) })],
      ] as const;
      const target = new Uint8Array(70_000);
      for (const [plan, made] of cases) {
        const codec = codecsOf(plan)[index]!;
        expect(codec.sizeOf(made(65_535))).toBe(65_535);
        expect(codec.encode(made(65_535), target, 0)).toBe(65_535);
        expect(codec.decode(target, 0, 65_535)).toEqual(made(65_535));
        const { name } = plan.model;
        const text = `${name}: expected at most 65535 bytes, received a message of 65536`;
        expect(() => codec.sizeOf(made(65_536))).toThrow(new RangeError(text));
        expect(() => codec.encode(made(65_536), target, 0)).toThrow(new RangeError(text));
        const view = new DataView(target.buffer);
        if (plan.model.name === 'Far') target.set([1, 0, 0]);
        if (plan.model.name === 'Sized') view.setUint32(0, 65_537);
        const read = () => codec.decode(target, 0, 65_537);
        const reader = new (makeReader(plan, generates))() as AnyReader;
        expect(thrown(read)).toMatchObject({ code: 'ERR_MESSAGE' });
        expect(thrown(read).message).toMatch(/expected at most 65535 bytes, found 6553[67]/);
        expect(() => reader.wrap(target, 0, 65_537)).toThrow(/expected at most 65535 bytes/);
      }
    });

    it('are read in place', () => {
      const reader = new (makeReader(planOf(Packet), generates))() as AnyReader;
      const bytes = Buffer.from(`ffff${packetBytes}ff`, 'hex');
      reader.wrap(bytes, 2, bytes.length - 1);
      expect([reader.port, reader.ihl, reader.payload]).toEqual([443, 1, packet.payload]);
      expect(reader.toObject()).toEqual(packet);
      expect([reader.$bytes, reader.$version]).toEqual([19, 1]);
      expect(() => reader.wrap(bytes, 2, 10)).toThrow(
        expect.objectContaining({ code: 'ERR_MESSAGE' }),
      );
    });

    it('are written when they are finished', () => {
      const writer = new (makeWriter(planOf(Packet)))() as AnyWriter;
      const target = new Uint8Array(40).fill(0xee);
      Object.assign(writer.wrap(target, 1), packet);
      expect(writer.finish()).toBe(19);
      expect(hex(target.subarray(1, 20))).toBe(packetBytes);
      expect(() => writer.finish()).toThrow(TypeError);
      Object.assign(writer.wrap(target), { ihl: 1 });
      expect(writer.finish()).toBe(16);
      expect(hex(target.subarray(0, 16))).toBe('00000000000000000100000000000000');
    });
  },
);
