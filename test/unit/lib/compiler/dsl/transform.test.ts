// Transforms as IR, and every output that would lose something.
import { describe, expect, it } from 'vitest';
import type { OutputIr } from '../../../../../lib/compiler/ir.js';
import {
  defineRouter,
  layout,
  otherwise,
  type Refs,
  rejectCode,
  returnAddress,
  route,
  schema,
  sequence,
  type Transform,
  t,
  transform,
  udp,
} from '../../../../../lib/index.js';
import type { FieldSpec } from '../../../../../lib/schema/spec.js';
import { refusal } from '../../../../helpers/refusal.js';

const packed = { layout: layout.packed() };
const From = schema(
  'From',
  1,
  {
    n: t.u32,
    s: t.i16,
    id: t.u64,
    side: t.enum('buy', 'sell'),
    on: t.bool,
    raw4: t.bytes(4),
    text: t.ascii(4),
  },
  packed,
);

type O = Refs<typeof From>;

/** A transform into one field `v`, without the type checker's help: what JavaScript could write. */
function made(spec: FieldSpec, build: (o: O) => unknown): Transform<'From', 'To'> {
  const To = schema('To', 1, { v: spec }, packed);
  return transform(From, To as never, ((o: O) => ({ v: build(o) })) as never) as never;
}

function outputOf(spec: FieldSpec, build: (o: O) => unknown): OutputIr | undefined {
  const [source, out] = [udp('source', { port: 0, messages: From }), udp('out', { port: 0 })];
  const toOut = made(spec, build);
  const ir = defineRouter({
    endpoints: [source, out],
    routes: [route.first(From, () => [otherwise.via(toOut).to(out)])],
  });
  return ir.transforms[0]?.outputs[0];
}

describe('an output is written', () => {
  const outOfRange = 8;
  const badEnum = 9;
  const cases: [string, FieldSpec, (o: O) => unknown, Partial<OutputIr>][] = [
    [
      'from a field of the same type',
      t.u32,
      (o) => o.n,
      { value: { kind: 'field', field: 0 }, rangeCode: outOfRange },
    ],
    ['from a narrower field', t.i64, (o) => o.n, { value: { kind: 'field', field: 0 } }],
    [
      'from a field that is narrowed with a code',
      t.u16,
      (o) => o.n.to('u16').orReject('TOO_LARGE'),
      { value: { kind: 'field', field: 0 }, rangeCode: 1000 },
    ],
    [
      'from a field that is widened',
      t.u64,
      (o) => o.n.to('u64'),
      { value: { kind: 'field', field: 0 } },
    ],
    ['from a number', t.i16, () => -3, { value: { kind: 'const', value: -3n } }],
    [
      'from a symbol',
      t.enum({ no: 4, yes: 5 }),
      () => 'yes',
      { value: { kind: 'const', value: 5n } },
    ],
    ['from a boolean', t.bool, () => true, { value: { kind: 'const', value: 1n } }],
    [
      'from an enum, by name',
      t.enum({ sell: 8, buy: 9 }),
      (o) => o.side,
      {
        value: {
          kind: 'map',
          field: 3,
          pairs: [
            [0n, 9n],
            [1n, 8n],
          ],
          code: badEnum,
        },
      },
    ],
    [
      'from an enum, mapped to symbols',
      t.enum('1', '2'),
      (o) => o.side.map({ buy: '2', sell: '1' }),
      {
        value: {
          kind: 'map',
          field: 3,
          pairs: [
            [0n, 1n],
            [1n, 0n],
          ],
          code: badEnum,
        },
      },
    ],
    [
      'from an enum, mapped to numbers',
      t.u16,
      (o) => o.side.map({ buy: 500, sell: 600n }),
      {
        value: {
          kind: 'map',
          field: 3,
          pairs: [
            [0n, 500n],
            [1n, 600n],
          ],
          code: badEnum,
        },
      },
    ],
    [
      'from bytes of the same size',
      t.bytes(4),
      (o) => o.raw4,
      { value: { kind: 'field', field: 5 } },
    ],
    [
      'with the return address',
      t.u64,
      () => returnAddress(),
      { value: { kind: 'return-address' } },
    ],
    ['with the sequence number', t.u16, () => sequence(), { value: { kind: 'sequence' } }],
  ];

  it.each(cases)('%s', (_name, spec, build, expected) => {
    expect(outputOf(spec, build)).toMatchObject(expected);
  });
});

describe('an output is refused', () => {
  const cases: [string, FieldSpec, (o: O) => unknown, RegExp][] = [
    ['when a field may not fit', t.u16, (o) => o.n, /a value of u16 .*orReject/],
    ['when a signed field may be negative', t.u64, (o) => o.s, /a value of u64/],
    [
      'when a narrowing says nothing about the rest',
      t.u16,
      (o) => o.n.to('u16'),
      /\.orReject\('CODE'\)/,
    ],
    [
      'when it is narrowed to a type the field cannot hold',
      t.u8,
      (o) => o.n.to('u16').orReject('X'),
      /a value of u8/,
    ],
    ['when a constant does not fit', t.u8, () => 256, /0 to 255/],
    ['when a text is given for a number', t.u8, () => '1', /a value of u8/],
    ['when a symbol does not exist', t.enum('a'), () => 'b', /one of a/],
    ['when a symbol has no counterpart', t.enum('buy'), (o) => o.side, /one of buy/],
    [
      'when a mapped number does not fit',
      t.u8,
      (o) => o.side.map({ buy: 1, sell: 256 }),
      /0 to 255/,
    ],
    ['when a map lacks a symbol', t.u8, (o) => o.side.map({ buy: 1 } as never), /a number/],
    [
      'when a map has a stranger',
      t.u8,
      (o) => o.side.map({ buy: 1, sell: 2, x: 3 } as never),
      /symbols of side/,
    ],
    ['when bytes have another size', t.bytes(5), (o) => o.raw4, /5 bytes/],
    ['when bytes are text', t.bytes(4), (o) => o.text, /4 bytes/],
    ['when the return address does not fit', t.u32, () => returnAddress(), /u64/],
    ['when the reject code does not fit', t.u16, () => rejectCode(), /u32, u64/],
    ['when the sequence number would be signed', t.i32, () => sequence(), /u8, u16, u32, u64/],
    ['when it is undefined', t.u8, () => undefined, /a value of u8/],
  ];

  it.each(cases)('%s', (_name, spec, build, expected) => {
    const error = refusal(() => made(spec, build));
    expect(error.code).toBe('ERR_ROUTE');
    expect(error.detail.expected).toMatch(expected);
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });

  it('when the schema has no such field', () => {
    const To = schema('To', 1, { v: t.u32 }, packed);
    const build = () => transform(From, To, ((o: O) => ({ v: o.n, w: 1 })) as never);
    expect(refusal(build).detail).toMatchObject({
      option: 'transform From->To.w',
      expected: 'fields of To: v',
      received: 'w',
    });
  });

  it('when a field is missing, at the latest by the router', () => {
    const To = schema('To', 1, { v: t.u32, w: t.u8 }, packed);
    const toOut = transform(From, To, ((o: O) => ({ v: o.n })) as never);
    const [source, out] = [udp('source', { port: 0, messages: From }), udp('out', { port: 0 })];
    const error = refusal(() =>
      defineRouter({
        endpoints: [source, out],
        routes: [route.first(From, () => [otherwise.via(toOut).to(out)])],
      }),
    );
    expect(error.detail).toMatchObject({
      option: 'transform From->To.w',
      expected: 'a value for the u8',
    });
  });

  it('when a header field is missing that no union writes', () => {
    const To = schema('To', 1, { type: t.u8, v: t.u32 }, packed);
    const toOut = transform(From, To, (o) => ({ v: o.n }));
    const [source, out] = [udp('source', { port: 0, messages: From }), udp('out', { port: 0 })];
    const routes = [route.first(From, () => [otherwise.via(toOut).to(out)])];
    expect(refusal(() => defineRouter({ endpoints: [source, out], routes })).detail).toMatchObject({
      option: 'transform From->To.type',
      expected: 'a value for the u8, which the router writes only where a union names it',
    });
  });
});
