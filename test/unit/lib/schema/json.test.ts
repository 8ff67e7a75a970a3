// Messages as JSON: what each type becomes, what is accepted, and what is refused and where.
import { describe, expect, it } from 'vitest';
import {
  isHyperRouteError,
  layout,
  messageFromJson,
  messageToJson,
  schema,
  t,
} from '../../../../lib/index.js';

const Order = schema('Order', 7, {
  id: t.u64,
  delta: t.i64.optional(),
  count: t.u53,
  qty: t.u32,
  price: t.decimal(4),
  fee: t.decimal(2, { base: 'i16' }).default(-5),
  at: t.timestamp,
  side: t.enum('buy', 'sell'),
  venue: t.enum({ x: 1 }, { base: 'u64', unknown: 'raw' }),
  status: t.flags('open', 'urgent'),
  symbol: t.ascii(8),
  key: t.bytes(3),
  ratio: t.f64,
  small: t.f32.optional(),
  live: t.bool,
  levels: t.array(t.i8, 2),
  tag: t.string.max(8).optional(),
  data: t.blob.max(5),
  fills: t.group({ qty: t.u32, legs: t.group({ n: t.u64 }).max(2) }).max(3),
});

const order = {
  ...{ id: 2n ** 64n - 1n, delta: -5n, count: 9, qty: 4, price: 1_012_500n, fee: -5, at: 17n },
  ...{ side: 'sell', venue: 2n ** 60n, status: { open: false, urgent: true }, symbol: 'ACME' },
  ...{ key: new Uint8Array([1, 2, 255]), ratio: -0, small: Number.NaN, live: true },
  ...{ levels: [-1, 1], tag: undefined, data: new Uint8Array(0) },
  fills: [
    { qty: 1, legs: [] },
    { qty: 2, legs: [{ n: 3n }] },
  ],
} as const satisfies object;
const json = {
  ...{ id: '18446744073709551615', delta: '-5', count: 9, qty: 4, price: '101.2500' },
  ...{ fee: '-0.05', at: '17', side: 'sell', venue: '1152921504606846976', status: ['urgent'] },
  ...{ symbol: 'ACME', key: 'AQL/', ratio: '-0', small: 'NaN', live: true, levels: [-1, 1] },
  ...{
    data: '',
    fills: [
      { qty: 1, legs: [] },
      { qty: 2, legs: [{ n: '3' }] },
    ],
  },
};

function refusalOf(change: object): string {
  try {
    messageFromJson(Order, { ...json, ...change });
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_MESSAGE')) return error.message;
    throw error;
  }
  throw new Error('expected ERR_MESSAGE, nothing was thrown');
}

const refusals: readonly (readonly [what: string, change: object, message: RegExp])[] = [
  [
    'a number that is not exact',
    { id: 2 ** 53 },
    /^Order\.id: expected an integer from 0 to 18446744073709551615 .*received 9007199254740992$/,
  ],
  [
    'a number out of range',
    { qty: 2 ** 32 },
    /^Order\.qty: expected an integer from 0 to 4294967295, received 4294967296$/,
  ],
  ['a text for a number', { qty: '4' }, /^Order\.qty: .*received "4"$/],
  ['too many digits', { id: '1'.repeat(1000) }, /^Order\.id: /],
  ['spaces in a number', { id: ' 1' }, /^Order\.id: /],
  ['too many decimal places', { price: '1.00001' }, /^Order\.price: .*up to 4 places/],
  ['a decimal out of range', { fee: '327.68' }, /^Order\.fee: /],
  ['a decimal number of 16 digits', { price: 123_456_789_012.3456 }, /^Order\.price: /],
  ['an exponent', { price: '1e3' }, /^Order\.price: /],
  [
    'a missing field',
    { side: undefined },
    /^Order\.side: expected one of buy, sell, received undefined$/,
  ],
  ['null where there must be a value', { qty: null }, /^Order\.qty: .*received null$/],
  [
    'an unknown symbol',
    { side: 'short' },
    /^Order\.side: expected one of buy, sell, received "short"$/,
  ],
  ['a number for a symbol', { side: 0 }, /^Order\.side: /],
  ['an unknown flag', { status: ['closed'] }, /^Order\.status: .*open, urgent/],
  ['the name of a member of every object', { status: ['toString'] }, /^Order\.status: /],
  ['a text that is no ASCII', { symbol: 'ü' }, /^Order\.symbol: /],
  ['half a surrogate pair', { tag: '\ud83d' }, /^Order\.tag: /],
  ['a text that is too long in UTF-8', { tag: 'üüüüü' }, /^Order\.tag: .*8 bytes/],
  ['bytes of another size', { key: 'AQI=' }, /^Order\.key: expected 3 bytes in base64/],
  ['bytes that are no base64', { key: 'AQ*/' }, /^Order\.key: /],
  ['too many bytes', { data: 'AAAAAAAA' }, /^Order\.data: expected up to 5 bytes in base64/],
  ['an array of another count', { levels: [1] }, /^Order\.levels: expected an array of 2/],
  ['an element', { levels: [1, 200] }, /^Order\.levels\[1\]: expected an integer from -128 to 127/],
  [
    'a value in a group',
    {
      fills: [
        { qty: 1, legs: [] },
        { qty: -1, legs: [] },
      ],
    },
    /^Order\.fills\[1\]\.qty: /,
  ],
  [
    'a value in a group of a group',
    { fills: [{ qty: 1, legs: [{ n: '1' }, { n: {} }] }] },
    /^Order\.fills\[0\]\.legs\[1\]\.n: /,
  ],
  [
    'too many entries',
    { fills: new Array(4).fill({}) },
    /^Order\.fills: expected an array of up to 3 entries/,
  ],
  ['an entry that is none', { fills: ['x'] }, /^Order\.fills\[0\]: expected an object of fields/],
  ['an unknown key', { quantity: 1 }, /^Order\.quantity: expected a field of id, delta/],
  [
    'an unknown key in a group',
    { fills: [{ qty: 1, legs: [], n: 1 }] },
    /^Order\.fills\[0\]\.n: expected a field of qty, legs/,
  ],
  [
    'a key that could be a prototype',
    JSON.parse('{"__proto__": 1}'),
    /^Order\.__proto__: expected a field/,
  ],
];

describe('a message', () => {
  it('becomes JSON that people can read', () => {
    expect(messageToJson(Order, order as never)).toEqual(json);
  });

  it('comes back from the text of its JSON in the shape that decode gives', () => {
    const back = messageFromJson(Order, JSON.parse(JSON.stringify(json)));
    expect(back).toEqual(order);
    expect(Object.keys(back)).toEqual(Object.keys(order));
    const bytes = new Uint8Array(Order.sizeOf(back));
    Order.encode(back, bytes);
    expect(Order.decode(bytes)).toEqual(order);
  });

  it('gets what it may leave out from the schema', () => {
    const { fee: _fee, delta: _delta, ...rest } = json;
    const back = messageFromJson(Order, { ...rest, small: null });
    expect(back).toMatchObject({ fee: -5, delta: undefined, small: undefined });
    expect(messageToJson(Order, { ...back, fee: undefined } as never)).toMatchObject({
      fee: '-0.05',
    });
  });

  it.each([
    ['a safe number for a bigint', { id: 5, at: 6 }, { id: 5n, at: 6n }],
    ['fewer decimal places', { price: '7.5', fee: '1' }, { price: 75_000n, fee: 100 }],
    ['a number for a decimal', { price: -0.1 }, { price: -1_000n }],
    ['a number of an enumeration', { venue: 77 }, { venue: 77n }],
    ['a number that has a symbol', { venue: 1 }, { venue: 'x' }],
    ['infinities', { ratio: '-Infinity' }, { ratio: Number.NEGATIVE_INFINITY }],
    ['a number that an f32 rounds', { small: 0.1 }, { small: Math.fround(0.1) }],
  ])('accepts what people write: %s', (_what, change, expected) => {
    expect(messageFromJson(Order, { ...json, ...change })).toMatchObject(expected);
  });

  it.each(refusals)('is refused with the path: %s', (_what, change, message) => {
    const all = Object.defineProperties({}, Object.getOwnPropertyDescriptors(change));
    const text = Object.hasOwn(all, '__proto__')
      ? JSON.stringify(json).replace('{', '{"__proto__":1,')
      : null;
    const read = () => messageFromJson(Order, JSON.parse(text ?? ''));
    if (text !== null) expect(read).toThrow(message);
    else expect(refusalOf(all)).toMatch(message);
  });

  it.each([
    ['a number for a bigint', { id: 5 }, TypeError, /^Order\.id: /],
    ['a number out of range', { qty: -1 }, RangeError, /^Order\.qty: /],
    ['an entry', { fills: [{ qty: 'x', legs: [] }] }, TypeError, /^Order\.fills\[0\]\.qty: /],
    ['a missing field', { side: undefined }, TypeError, /^Order\.side: /],
    ['a text that is too long', { tag: '123456789' }, RangeError, /^Order\.tag: /],
  ])('that encode would refuse becomes no JSON: %s', (_what, change, kind, message) => {
    const make = () => messageToJson(Order, { ...order, ...change } as never);
    expect(make).toThrow(kind);
    expect(make).toThrow(message);
  });

  it('of a foreign layout may leave its header out', () => {
    const Wire = schema(
      'Wire',
      3,
      { size: t.u16, type: t.u8, n: t.u24, name: t.ascii(4, { pad: 'space' }), tail: t.rest },
      { layout: layout.packed('be'), header: { type: 'type', size: 'size' } },
    );
    const message = { n: 70_000, name: 'ab', tail: new Uint8Array([1]) };
    const made = messageToJson(Wire, message);
    expect(made).toEqual({ n: 70_000, name: 'ab', tail: 'AQ==' });
    expect(messageFromJson(Wire, made)).toEqual(message);
    expect(() => messageFromJson(Wire, { ...made, name: 'ab ' })).toThrow(/^Wire\.name: /);
    const bytes = new Uint8Array(11);
    Wire.encode(message, bytes);
    const decoded = Wire.decode(bytes);
    expect(messageFromJson(Wire, messageToJson(Wire, decoded))).toEqual(decoded);
  });

  it('needs a schema', () => {
    expect(() => messageToJson({} as never, {} as never)).toThrow(TypeError);
    expect(() => messageFromJson({} as never, {})).toThrow(/expected a schema/);
  });
});
