// What the files of test/vectors/messages are made from: messages of layouts that others defined.
import { t } from '../../lib/schema/fields.js';
import { layout } from '../../lib/schema/layout.js';
import { schema } from '../../lib/schema/schema.js';
import { patched } from './message-vector-hostile.js';
import type { VectorSource } from './message-vectors.js';

const Packet = schema(
  'Packet',
  0x11,
  {
    version: t.bits(4),
    ihl: t.bits(4),
    type: t.u8,
    total: t.u24,
    id: t.u48,
    far: t.u40,
    flags: t.bits(3),
    fragment: t.bits(13),
    name: t.ascii(6, { pad: 'space' }),
    price: t.decimal(4, { base: 'u32' }),
    port: t.u16.at('ihl', { scale: 4, plus: 10 }),
    up: t.bool,
    payload: t.rest,
  },
  { layout: layout.packed('be'), header: { type: 'type' } },
);
const packet = {
  ...{ version: 4, ihl: 5, total: 0xabcdef, id: 2 ** 48 - 1, far: 0x0102030405, flags: 5 },
  ...{ fragment: 8191, name: 'a b', price: 1_012_500, port: 40_000, up: true },
};

const Struct = schema(
  'Struct',
  2,
  {
    size: t.u16,
    type: t.u8,
    on: t.bool,
    at: t.f64,
    side: t.enum({ buy: 66, sell: 83 }),
    low: t.bits(3),
    mid: t.bits(12),
    high: t.bits(17),
    list: t.array(t.i16, 3),
    key: t.bytes(5),
    count: t.i64,
  },
  { layout: layout.c('le'), header: { type: 'type', size: 'size' } },
);
const struct = {
  ...{ on: true, at: -0.5, side: 'sell', low: 5, mid: 0xabc, high: 0x1ffff },
  ...{ list: [-1, 0, 32_767], key: Uint8Array.of(1, 2, 3, 4, 5), count: -(2n ** 63n) },
};

export const foreignVectors: Readonly<Record<string, VectorSource>> = {
  'foreign-packet': {
    schemas: [Packet],
    messages: [
      { name: 'with-payload', value: { ...packet, payload: Uint8Array.of(1, 2, 3) } },
      { name: 'without-payload', value: { ...packet, payload: new Uint8Array(0) } },
      { name: 'further-behind', value: { ...packet, ihl: 7, payload: Uint8Array.of(255) } },
    ],
    hostile: (frame) => [
      {
        ...{ name: 'place-behind-the-end', fault: null },
        bytes: patched(frame('with-payload'), [0, [0x4f]]),
      },
      { name: 'cut', fault: null, bytes: frame('without-payload').subarray(0, 32) },
      {
        ...{ name: 'other-type', fault: null, path: 'Packet.type' },
        bytes: patched(frame('with-payload'), [1, [0x12]]),
      },
      {
        ...{ name: 'name-above-127', fault: null, path: 'Packet.name' },
        bytes: patched(frame('with-payload'), [18, [0xe9]]),
      },
    ],
  },
  'foreign-struct': {
    schemas: [Struct],
    messages: [{ name: 'values', value: struct }],
    hostile: (frame) => [
      {
        ...{ name: 'other-size', fault: null, path: 'Struct.size' },
        bytes: patched(frame('values'), [0, [1]]),
      },
      {
        ...{ name: 'unknown-symbol', fault: null, path: 'Struct.side' },
        bytes: patched(frame('values'), [16, [67]]),
      },
      { name: 'cut', fault: null, bytes: frame('values').subarray(0, frame('values').length - 1) },
    ],
  },
};
