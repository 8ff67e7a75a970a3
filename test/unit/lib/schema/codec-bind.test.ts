// The structure check, rule by rule, in the order in which the rules decide.
import { describe, expect, it } from 'vitest';
import { messageFaults } from '../../../../lib/codes.js';
import { layout, schema, t } from '../../../../lib/index.js';
import { bindMessage } from '../../../../lib/schema/codec/index.js';
import type { SchemaModel } from '../../../../lib/schema/model.js';
import { codecsOf, forms, frameOf, planOf } from '../../../helpers/both-codecs.js';

const First = schema('Order', 0x0102, {
  id: t.u64,
  note: t.string.max(8).optional(),
  data: t.blob.max(8),
  legs: t.group({ qty: t.u32, tag: t.string.max(4) }).max(3),
});
const Order = First.extend(
  { venue: t.u16.default(1) },
  { groups: { legs: { fields: { fee: t.u64.default(0n) } } } },
);
const legs = [
  { qty: 1, tag: 'a', fee: 3n },
  { qty: 2, tag: 'bc', fee: 4n },
];
const message = { id: 1n, note: 'abc', data: Uint8Array.of(1, 2), legs, venue: 2 };

/** Places inside the message, header included. */
const at = {
  ...{ template: 0, version: 2, flags: 3, block: 4, fingerprint: 6, presence: 8 },
  ...{ note: 24, data: 32, legs: 40, group: 64 },
};
const bodyAt = 8;

type Change = (view: DataView, frame: Uint8Array) => Uint8Array | undefined;

function faultOf(model: SchemaModel, generates: boolean, change: Change, writer = Order): string {
  const frame = frameOf(codecsOf(planOf(writer))[0]!, message);
  const view = new DataView(frame.buffer);
  const changed = change(view, frame) ?? frame;
  const fault = bindMessage(model, generates)(changed, 0, changed.length);
  const [name] = Object.entries(messageFaults).find(([, code]) => code === fault) ?? ['none'];
  return name;
}

const put16 =
  (place: number, value: number): Change =>
  (view) => {
    view.setUint16(place, value, true);
    return undefined;
  };
const put32 =
  (place: number, value: number): Change =>
  (view) => {
    view.setUint32(place, value, true);
    return undefined;
  };
const put8 =
  (place: number, value: number): Change =>
  (view) => {
    view.setUint8(place, value);
    return undefined;
  };
const all =
  (...changes: Change[]): Change =>
  (view, frame) => {
    for (const change of changes) change(view, frame);
    return undefined;
  };
/** Makes the message one of a newer writer, whose blocks are larger: it declares them only. */
const newer = put8(at.version, 3);

describe.each(forms)('binding by $form', ({ generates }) => {
  const fault = (change: Change): string => faultOf(Order.model, generates, change);

  it('finds the places that these tests change', () => {
    const places = Order.model.block.fields.map(({ name, offset }) => [name, offset + bodyAt]);
    expect(Object.fromEntries(places)).toMatchObject({
      note: at.note,
      data: at.data,
      legs: at.legs,
    });
    const frame = frameOf(codecsOf(planOf(Order))[0]!, message);
    expect(new DataView(frame.buffer).getUint32(at.legs, true) + bodyAt).toBe(at.group);
    expect(fault(() => undefined)).toBe('none');
  });

  const cases: [string, Change, string][] = [
    ['a frame of 7 bytes', (_view, frame) => frame.slice(0, 7), 'TRUNCATED'],
    ['no frame', () => new Uint8Array(0), 'TRUNCATED'],
    [
      'a frame above 16 MiB, before anything in it',
      () => new Uint8Array(16 * 1024 * 1024 + 1),
      'TOO_LARGE',
    ],
    ['another template, before the version', all(put16(0, 7), put8(2, 0)), 'WRONG_TEMPLATE'],
    ['version 0, before the flags', all(put8(at.version, 0), put8(at.flags, 1)), 'BAD_VERSION'],
    ['a flag, before the block', all(put8(at.flags, 128), put16(at.block, 0)), 'BAD_FLAGS'],
    ['a block of another size', put16(at.block, 56), 'BAD_BLOCK'],
    ['a block before the fingerprint', all(put16(at.block, 0), put16(6, 0)), 'BAD_BLOCK'],
    ['an older version with this block', put8(at.version, 1), 'BAD_BLOCK'],
    ['a newer version with a smaller block', all(newer, put16(at.block, 40)), 'BAD_BLOCK'],
    ['a newer version with a block of 49 bytes', all(newer, put16(at.block, 49)), 'BAD_BLOCK'],
    ['another fingerprint', put16(at.fingerprint, 1), 'WRONG_SCHEMA'],
    ['a block that is cut', (_view, frame) => frame.slice(0, 55), 'TRUNCATED'],
    ['a newer block beyond the frame', all(newer, put16(at.block, 4096)), 'TRUNCATED'],
    ['a string that is there and absent', put32(at.presence, 0), 'BAD_SLOT'],
    ['a slot with an offset and no bytes', put32(at.data + 4, 0), 'BAD_SLOT'],
    ['a slot with bytes and no offset', put32(at.data, 0), 'BAD_SLOT'],
    ['a slot inside the block', put32(at.note, 40), 'BAD_SLOT'],
    ['a slot before the one before', put32(at.data, 50), 'BAD_SLOT'],
    ['a slot behind the end', put32(at.data, 4096), 'BAD_SLOT'],
    ['more bytes than there are, before the maximum', put32(at.data + 4, 4096), 'BAD_SLOT'],
    ['bytes that wrap around', put32(at.data + 4, 0xffffffff), 'BAD_SLOT'],
    ['more bytes than the maximum', put32(at.note + 4, 9), 'TOO_LONG'],
    [
      'an unaligned group, before its count',
      all(put32(at.legs, 57), put32(at.legs + 4, 99)),
      'BAD_SLOT',
    ],
    ['more entries than the maximum', put32(at.legs + 4, 4), 'TOO_LONG'],
    ['more entries than there are', put32(at.legs + 4, 3), 'BAD_SLOT'],
    ['entries of another size', put16(at.group, 32), 'BAD_STRIDE'],
    ['entries of no size', put16(at.group, 0), 'BAD_STRIDE'],
    [
      'the stride before what is reserved',
      all(put16(at.group, 8), put16(at.group + 2, 1)),
      'BAD_STRIDE',
    ],
    ['something in the first reserved place', put16(at.group + 2, 1), 'BAD_SLOT'],
    ['something in the second reserved place', put32(at.group + 4, 1), 'BAD_SLOT'],
    ['an entry whose text lies in the entries', put32(at.group + 8 + 4, 72), 'BAD_SLOT'],
  ];
  it.each(cases)('finds %s', (_what, change, expected) => {
    expect(fault(change)).toBe(expected);
  });

  it('allows trailing bytes, and a newer writer that appended to the block', () => {
    expect(fault((_view, frame) => Uint8Array.from([...frame, 1, 2, 3]))).toBe('none');
    const Newer = Order.extend({ more: t.string, extra: t.u64.default(1n) });
    const frame = frameOf(codecsOf(planOf(Newer))[0]!, { ...message, more: 'new' });
    expect(bindMessage(Order.model, generates)(frame, 0, frame.length)).toBe(0);
    expect(codecsOf(planOf(Order))[0]!.decode(frame, 0, frame.length)).toEqual(message);
  });

  it('refuses misuse: places outside of the bytes, and foreign layouts', () => {
    const bind = bindMessage(Order.model, generates);
    expect(() => bind(new Uint8Array(8), 0, 9)).toThrow(RangeError);
    expect(() => bind(new Uint8Array(8), -1, 8)).toThrow(RangeError);
    const Foreign = schema('Foreign', 1, { a: t.u8 }, { layout: layout.packed() });
    expect(() => bindMessage(Foreign.model, generates)).toThrow(TypeError);
  });
});
