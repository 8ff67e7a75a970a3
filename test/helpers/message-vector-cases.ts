// What the files of test/vectors/messages are made from: native messages.
import { t } from '../../lib/schema/fields.js';
import { schema } from '../../lib/schema/schema.js';
import { foreignVectors } from './message-vector-foreign.js';
import { hostileFrames, patched } from './message-vector-hostile.js';
import type { VectorSource } from './message-vectors.js';

const Fixed = schema('Fixed', 0xfffe, {
  ...{ n8: t.u8, n16: t.u16, n32: t.u32, n64: t.u64, exact: t.u53 },
  ...{ s8: t.i8, s16: t.i16, s32: t.i32, s64: t.i64, single: t.f32, double: t.f64, yes: t.bool },
  status: t.flags({ open: 0, urgent: 3, last: 15 }),
  many: t.flags({ low: 0, high: 63 }),
  side: t.enum('buy', 'sell'),
  kind: t.enum({ low: -2, none: 0, high: 5 }, { base: 'i16', unknown: 'raw' }),
  venue: t.enum({ other: 1, home: 7 }, { base: 'u32', unknown: { default: 'other' } }),
  wide: t.enum({ least: 0, most: 2n ** 64n - 1n }, { base: 'u64', unknown: 'raw' }),
  ...{ price: t.decimal(4), small: t.decimal(2, { base: 'i16' }), at: t.timestamp },
  ...{ symbol: t.ascii(8), note: t.ascii(5), key: t.bytes(3), hash: t.bytes(16) },
  ...{ values: t.array(t.f32, 3), flagged: t.array(t.bool, 2), codes: t.array(t.ascii(4), 2) },
  ...{ sides: t.array(t.enum('buy', 'sell'), 3), times: t.array(t.timestamp, 2) },
  fee: t.u32.default(12),
  tags: t.flags('a', 'b').default({ b: true }),
  pad: t.array(t.i16, 3).default([1, -1, 0]),
});

const zeros = {
  ...{ n8: 0, n16: 0, n32: 0, n64: 0n, exact: 0, s8: 0, s16: 0, s32: 0, s64: 0n },
  ...{ single: 0, double: 0, yes: false, status: {}, many: {}, side: 'buy', kind: 'none' },
  ...{ venue: 'other', wide: 'least', price: 0n, small: 0, at: 0n, symbol: '', note: '' },
  ...{ key: new Uint8Array(3), hash: new Uint8Array(16), values: [0, 0, 0] },
  ...{ flagged: [false, false], codes: ['', ''], sides: ['buy', 'buy', 'buy'], times: [0n, 0n] },
};
const most = {
  ...{ n8: 255, n16: 65_535, n32: 4_294_967_295, n64: 2n ** 64n - 1n, exact: 2 ** 53 - 1 },
  ...{ s8: 127, s16: 32_767, s32: 2 ** 31 - 1, s64: 2n ** 63n - 1n, single: 2 ** 127 },
  ...{ double: Number.MAX_VALUE, yes: true, status: { open: true, urgent: true, last: true } },
  ...{ many: { low: true, high: true }, side: 'sell', kind: 'high', venue: 'home', wide: 'most' },
  ...{ price: 2n ** 63n - 1n, small: 32_767, at: 2n ** 64n - 1n, symbol: 'ABCDEFGH' },
  ...{ note: '12345', key: new Uint8Array(3).fill(255), hash: new Uint8Array(16).fill(254) },
  ...{ values: [1.5, -2.25, 2 ** -149], flagged: [true, true], codes: ['WXYZ', 'a'] },
  ...{ sides: ['sell', 'buy', 'sell'], times: [2n ** 64n - 1n, 1n], fee: 2 ** 32 - 1 },
  ...{ tags: { a: true, b: false }, pad: [-32_768, 32_767, 5] },
};
const least = {
  ...{ ...zeros, s8: -128, s16: -32_768, s32: -(2 ** 31), s64: -(2n ** 63n), kind: 'low' },
  ...{ price: -(2n ** 63n), small: -32_768, single: -(2 ** 127), double: -Number.MAX_VALUE },
};

const fixed: VectorSource = {
  schemas: [Fixed],
  messages: [
    { name: 'zeros', value: { ...zeros, fee: 0, tags: {}, pad: [0, 0, 0] } },
    { name: 'defaults', value: zeros },
    { name: 'most', value: most },
    { name: 'least', value: least },
    {
      name: 'nan',
      value: { ...zeros, single: Number.NaN, double: Number.NaN, values: [Number.NaN, -0, 1] },
    },
    {
      name: 'infinities',
      value: { ...zeros, single: Number.POSITIVE_INFINITY, double: Number.NEGATIVE_INFINITY },
    },
    { name: 'raw-numbers', value: { ...zeros, kind: -1, wide: 2n ** 60n + 1n } },
  ],
  readable: (frame) => {
    const place = (name: string): number => placeOf(Fixed, name);
    return {
      'unnamed-flags': patched(frame('zeros'), [place('status') + 1, [0x7f]]),
      'unnamed-symbol': patched(frame('zeros'), [place('venue'), [0xff, 0xff, 0, 0]]),
      'other-nan': patched(frame('zeros'), [place('single'), [1, 0, 0x80, 0xff]]),
    };
  },
  hostile: (frame) => [
    ...[['bool', 'yes', [2]] as const, ['symbol', 'side', [2]] as const].map(
      ([name, field, bytes]) => ({
        ...{ name, fault: 'BAD_VALUE', path: `Fixed.${field}` },
        bytes: patched(frame('most'), [placeOf(Fixed, field), bytes]),
      }),
    ),
    {
      ...{ name: 'unsafe-u53', fault: 'BAD_VALUE', path: 'Fixed.exact' },
      bytes: patched(frame('zeros'), [placeOf(Fixed, 'exact'), [0, 0, 0, 0, 0, 0, 0x20, 0]]),
    },
    {
      ...{ name: 'ascii-above-127', fault: 'BAD_VALUE', path: 'Fixed.symbol' },
      bytes: patched(frame('most'), [placeOf(Fixed, 'symbol') + 7, [0x80]]),
    },
    {
      ...{ name: 'ascii-behind-its-end', fault: 'BAD_VALUE', path: 'Fixed.note' },
      bytes: patched(frame('most'), [placeOf(Fixed, 'note') + 2, [0]]),
    },
    {
      ...{ name: 'bool-in-array', fault: 'BAD_VALUE', path: 'Fixed.flagged' },
      bytes: patched(frame('most'), [placeOf(Fixed, 'flagged') + 1, [0xff]]),
    },
    {
      ...{ name: 'symbol-in-array', fault: 'BAD_VALUE', path: 'Fixed.sides' },
      bytes: patched(frame('most'), [placeOf(Fixed, 'sides') + 2, [9]]),
    },
  ],
};

/** From the start of the message. */
function placeOf(of: typeof Fixed, name: string): number {
  const field = of.model.block.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`no field ${name}`);
  return 8 + field.offset;
}

const names = Array.from({ length: 33 }, (_unused, index) => `o${index}`);
const Optionals = schema('Optionals', 3, {
  ...Object.fromEntries(names.map((name) => [name, t.u8.optional()])),
  kind: t.enum({ one: 1, two: 2 }).optional(),
  list: t.array(t.u16, 2).optional(),
  text: t.string.max(8).optional(),
  last: t.f64.optional(),
});

const optionals: VectorSource = {
  schemas: [Optionals],
  messages: [
    { name: 'none', value: {} },
    {
      name: 'all',
      value: {
        ...Object.fromEntries(names.map((name, index) => [name, index])),
        ...{ kind: 'two', list: [1, 2], text: 'text', last: -1 },
      },
    },
    { name: 'first-and-last', value: { o0: 0, o32: 255, last: 0 } },
    { name: 'there-and-empty', value: { text: '' } },
  ],
};

const Nested = schema('Nested', 0, {
  text: t.string.max(8),
  data: t.blob.max(300),
  a: t
    .group({
      n: t.u16,
      b: t
        .group({ m: t.i8, c: t.group({ d: t.group({ x: t.u64 }).max(2), s: t.string.max(5) }) })
        .optional(),
      label: t.string.max(4).optional(),
    })
    .max(3),
  tail: t.string.max(4),
});

const nested: VectorSource = {
  schemas: [Nested],
  messages: [
    { name: 'empty', value: { text: '', data: new Uint8Array(0), a: [], tail: '' } },
    {
      name: 'texts',
      value: { text: 'é€😀'.slice(0, 2), data: new Uint8Array(0), a: [], tail: '😀' },
    },
    {
      name: 'fullest',
      value: {
        text: '12345678',
        data: Uint8Array.from({ length: 300 }, (_unused, index) => index & 255),
        a: [{ n: 1 }, { n: 2, b: [], label: '' }, { n: 3, label: 'abcd' }],
        tail: 'wxyz',
      },
    },
    {
      name: 'deepest',
      value: {
        ...{ text: 'a', data: Uint8Array.of(1) },
        a: [
          { n: 1, b: [{ m: -1, c: [{ d: [{ x: 1n }, { x: 2n }], s: 'one' }] }], label: 'p' },
          { n: 2 },
          {
            n: 3,
            b: [
              { m: 5, c: [] },
              {
                m: 6,
                c: [
                  { d: [], s: '' },
                  { d: [{ x: 3n }], s: 'three' },
                ],
              },
            ],
          },
        ],
        tail: 'z',
      },
    },
  ],
  readable: (frame) => ({
    'bytes-behind': Uint8Array.from([...frame('texts'), 1, 2, 3]),
    'gap-before-text': patched(Uint8Array.from([...frame('empty'), 9, 9, 0x61]), [
      8,
      [34, 0, 0, 0, 1, 0, 0, 0],
    ]),
  }),
  hostile: hostileFrames,
};

const First = schema('Trade', 12, {
  id: t.u64,
  side: t.enum('buy', 'sell'),
  odd: t.u32.optional(),
  fee: t.u32.default(12),
  tag: t.string.max(8).optional(),
  legs: t.group({ qty: t.u32, side: t.enum('buy', 'sell') }).max(4),
});
const Second = First.extend(
  {
    rate: t.f64.default(0.25),
    desk: t.ascii(4).default('MAIN'),
    late: t.bool.optional(),
    memo: t.string.max(8),
  },
  {
    remove: ['odd', 'tag', 'fee'],
    rename: { id: 'number' },
    symbols: { side: { short: 2 } },
    groups: { legs: { fields: { cost: t.i16.default(-3), name: t.string.max(4).optional() } } },
  },
);
const Third = Second.extend({
  notes: t.group({ text: t.string.max(8) }).max(2),
  scale: t.array(t.i16, 2).default([7, -7]),
});

const versions: VectorSource = {
  schemas: [First, Second, Third],
  messages: [
    {
      name: 'first',
      writer: 0,
      value: {
        ...{ id: 7n, side: 'sell', odd: 3, fee: 1, tag: 'old' },
        legs: [
          { qty: 1, side: 'buy' },
          { qty: 2, side: 'sell' },
        ],
      },
    },
    { name: 'first-bare', writer: 0, value: { id: 1n, side: 'buy', legs: [] } },
    {
      name: 'second',
      writer: 1,
      value: {
        ...{ number: 8n, side: 'buy', rate: 1, desk: 'X', late: true, memo: 'new' },
        legs: [
          { qty: 5, side: 'sell', cost: 4, name: 'leg' },
          { qty: 6, side: 'buy' },
        ],
      },
    },
    { name: 'new-symbol', writer: 1, value: { number: 8n, side: 'short', memo: '', legs: [] } },
    {
      name: 'third',
      writer: 2,
      value: {
        ...{ number: 9n, side: 'sell', memo: '', scale: [1, 2] },
        legs: [{ qty: 7, side: 'buy', name: '' }],
        notes: [{ text: 'a' }, { text: 'note' }],
      },
    },
  ],
  hostile: (frame) => [
    {
      ...{ name: 'first-with-the-block-of-the-second', reader: 2, fault: 'BAD_BLOCK' },
      bytes: patched(frame('first'), [4, frame('second').subarray(4, 6)]),
    },
    {
      ...{ name: 'newer-with-a-smaller-block', reader: 0, fault: 'BAD_BLOCK' },
      bytes: patched(frame('second'), [4, [32, 0]]),
    },
    {
      ...{ name: 'newer-with-an-odd-block', reader: 0, fault: 'BAD_BLOCK' },
      bytes: patched(frame('second'), [4, [(frame('second')[4] ?? 0) + 4]]),
    },
    {
      ...{ name: 'second-with-the-fingerprint-of-the-first', reader: 1, fault: 'WRONG_SCHEMA' },
      bytes: patched(frame('second'), [6, frame('first').subarray(6, 8)]),
    },
    {
      ...{ name: 'new-symbol-for-an-old-reader', reader: 0, fault: 'BAD_VALUE' },
      ...{ path: 'Trade.side', bytes: patched(frame('first'), [8 + sideOffset, [2]]) },
    },
    {
      ...{ name: 'first-with-the-stride-of-the-second', reader: 2, fault: 'BAD_STRIDE' },
      bytes: patched(frame('first'), [strideOf(frame('first')), [24]]),
    },
  ],
};

const sideOffset = First.model.block.fields.find(({ name }) => name === 'side')?.offset ?? 0;

/** Where the stride of the entries of `legs` lies. */
function strideOf(frame: Uint8Array): number {
  const legs = First.model.block.fields.find(({ name }) => name === 'legs');
  const view = new DataView(frame.buffer, frame.byteOffset);
  return 8 + view.getUint32(8 + (legs?.offset ?? 0), true);
}

/** The two messages that docs/wire-format.md shows byte by byte. */
const Pulse = schema('Pulse', 2, { device: t.u32, level: t.i16, on: t.bool });
const Order = schema('Order', 7, {
  id: t.u64,
  side: t.enum('buy', 'sell'),
  limit: t.u32.optional(),
  note: t.string.max(16).optional(),
  fills: t.group({ quantity: t.u32, venues: t.group({ code: t.u16 }).max(4) }).max(8),
});
const OrderV2 = Order.extend(
  { fee: t.u16.default(5), desk: t.string.max(8) },
  { groups: { fills: { fields: { tax: t.i16.default(-1) } } } },
);

export const vectorSources: Readonly<Record<string, VectorSource>> = {
  fixed,
  optionals,
  nested,
  versions,
  'worked-pulse': {
    schemas: [Pulse],
    messages: [{ name: 'pulse', value: { device: 258, level: -2, on: true } }],
  },
  'worked-order': {
    schemas: [Order, OrderV2],
    messages: [
      {
        name: 'order-1',
        writer: 0,
        value: {
          ...{ id: 10n, side: 'sell', note: 'ok' },
          fills: [
            { quantity: 3, venues: [{ code: 513 }] },
            { quantity: 4, venues: [] },
          ],
        },
      },
      {
        name: 'order-2',
        writer: 1,
        value: {
          ...{ id: 10n, side: 'sell', limit: 77, fee: 6, desk: 'east' },
          fills: [{ quantity: 3, venues: [], tax: 9 }],
        },
      },
    ],
  },
  ...foreignVectors,
};
