// Layouts, and every mistake in a schema or a union.
import { describe, expect, it } from 'vitest';
import { type AnySchema, layout, schema, t, union } from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const packed = { layout: layout.packed('le') };

function offsets({ model, bytesMax }: AnySchema): number[] {
  return [...model.block.fields.map(({ offset }) => offset), bytesMax];
}

describe('layouts', () => {
  const fields = { a: t.u8, b: t.u32, c: t.u16, d: t.u64, e: t.u8 };

  it('pack fields without gaps', () => {
    expect(offsets(schema('P', 1, fields, packed))).toEqual([0, 1, 5, 7, 15, 16]);
  });

  it('align fields and pad the end as a C compiler does', () => {
    expect(offsets(schema('C', 1, fields, { layout: layout.c() }))).toEqual([0, 4, 8, 16, 24, 32]);
  });

  it('align byte strings to single bytes', () => {
    const made = schema('B', 1, { a: t.u8, b: t.bytes(5), c: t.u16 }, { layout: layout.c('be') });
    expect(offsets(made)).toEqual([0, 1, 6, 8]);
    expect(made.model.block.fields[2]?.order).toBe('be');
  });
});

describe('fields of bits', () => {
  const containers = (...widths: number[]) => {
    const fields = Object.fromEntries(widths.map((bits, index) => [`f${index}`, t.bits(bits)]));
    const { model } = schema('B', 1, fields, { layout: layout.packed('be') }) as AnySchema;
    return model.block.fields.map(({ offset, type }) =>
      type.kind === 'bits' ? [offset, type.containerBytes, type.shift] : [],
    );
  };

  it('share containers as small as they fit, and larger ones where nothing else does', () => {
    expect(containers(4, 4, 3, 13)).toEqual([
      ...[
        [0, 1, 4],
        [0, 1, 0],
      ],
      ...[
        [1, 2, 13],
        [1, 2, 0],
      ],
    ]);
    // The first 16 bits would be a container, but what is left would not.
    expect(containers(16, 20, 28)).toEqual([
      [0, 8, 48],
      [0, 8, 28],
      [0, 8, 0],
    ]);
    expect(containers(8, 8)).toEqual([
      [0, 1, 0],
      [1, 1, 0],
    ]);
  });
});

type Refused = [string, () => unknown, string, string, RegExp];

const refusedOptions: Refused[] = [
  [
    'with a layout that is none',
    () => schema('S', 1, { a: t.u8 }, { layout: 'packed' as never }),
    'ERR_SCHEMA',
    'schema S.layout',
    /layout\.packed/,
  ],
  [
    'with a misspelt option',
    () => schema('S', 1, { a: t.u8 }, { layuot: 1 } as never),
    'ERR_SCHEMA',
    'schema S.layuot',
    /no such option/,
  ],
];

const refusedFields: Refused[] = [
  [
    'with a field that a reader has as a method',
    () => schema('S', 1, { wrap: t.u8 }),
    'ERR_SCHEMA',
    'schema S.fields.wrap',
    /readers and writers/,
  ],
  [
    'with a type of foreign layouts in the native one',
    () => schema('S', 1, { a: t.u24 }),
    'ERR_SCHEMA',
    'schema S.fields.a',
    /native layouts/,
  ],
  [
    'with a type of the native layout in a foreign one',
    () => schema('S', 1, { a: t.string }, packed),
    'ERR_SCHEMA',
    'schema S.fields.a',
    /foreign layouts/,
  ],
  [
    'with a default that is no value of its type',
    () => schema('S', 1, { a: t.u8.default(256) }),
    'ERR_SCHEMA',
    'schema S.fields.a.default',
    /0 to 255/,
  ],
  [
    'with a default of flags that is a list',
    () => schema('S', 1, { a: t.flags('x').default([] as never) }),
    'ERR_SCHEMA',
    'schema S.fields.a.default',
    /booleans for x/,
  ],
  [
    'with ids on some fields only',
    () => schema('S', 1, { a: t.u8.id(4), b: t.u8 }),
    'ERR_SCHEMA',
    'schema S.fields.b',
    /on every field/,
  ],
  [
    'with one id twice',
    () => schema('S', 1, { a: t.u8.id(4), b: t.u8.id(4) }),
    'ERR_SCHEMA',
    'schema S.fields.b',
    /no other field/,
  ],
];

const objectNames = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'];
const refusedFlags = objectNames.map(
  (name): Refused => [
    `with flags called ${name}`,
    () => schema('S', 1, { a: t.flags('open', name) }),
    'ERR_SCHEMA',
    't.flags',
    /objects do not have/,
  ],
);

const refusedPlaces: Refused[] = [
  [
    'with a template id that the native header cannot hold',
    () => schema('S', 65_536, { a: t.u8 }),
    'ERR_SCHEMA',
    'schema S.templateId',
    /65535/,
  ],
  [
    'with bits that fill no whole container',
    () => schema('S', 1, { a: t.bits(4), b: t.u8 }, packed),
    'ERR_SCHEMA',
    'schema S.fields.a',
    /8, 16, 32 or 64 bits/,
  ],
  [
    'with a place that depends on a later field',
    () => schema('S', 1, { a: t.u8.at('b', { scale: 1 }), b: t.u8 }, packed),
    'ERR_SCHEMA',
    'schema S.fields.a.at',
    /earlier/,
  ],
  [
    'with something behind the rest',
    () => schema('S', 1, { a: t.rest, b: t.u8 }, packed),
    'ERR_SCHEMA',
    'schema S.fields.b',
    /nothing behind/,
  ],
  [
    'with groups nested too deep',
    () => {
      const four = t.group({ e: t.group({ e: t.group({ e: t.group({ e: t.u8 }) }) }) });
      return schema('S', 1, { e: t.group({ e: four }) });
    },
    'ERR_SCHEMA',
    'schema S.fields.e.e.e.e.e',
    /nested at most 4/,
  ],
  [
    'with a name that is none',
    () => schema('1st', 1, { a: t.u8 }, packed),
    'ERR_SCHEMA',
    'schema.name',
    /a letter/,
  ],
  [
    'with a negative template id',
    () => schema('S', -1, { a: t.u8 }, packed),
    'ERR_SCHEMA',
    'schema S.templateId',
    /0 to 2\^64/,
  ],
  ['without fields', () => schema('S', 1, {}, packed), 'ERR_SCHEMA', 'schema S.fields', /1 to/],
  [
    'with a field that is no type',
    () => schema('S', 1, { a: 'u8' as never }, packed),
    'ERR_SCHEMA',
    'schema S.fields.a',
    /t\.u32/,
  ],
  [
    'with a field name that is none',
    () => schema('S', 1, { 'a-b': t.u8 }, packed),
    'ERR_SCHEMA',
    'schema S.fields',
    /field names/,
  ],
  [
    'with an option that does not exist',
    () => schema('S', 1, { a: t.u8 }, { ...packed, layuot: 1 } as never),
    'ERR_SCHEMA',
    'schema S.layuot',
    /no such option/,
  ],
  [
    'with a header field that does not exist',
    () => schema('S', 1, { a: t.u8 }, { ...packed, header: { type: 'b' as 'a' } }),
    'ERR_SCHEMA',
    'schema S.header.type',
    /integer field of S/,
  ],
  [
    'with a template id that its type field cannot hold',
    () => schema('S', 300, { a: t.u8 }, { ...packed, header: { type: 'a' } }),
    'ERR_SCHEMA',
    'schema S.header.type',
    /can hold 300/,
  ],
  [
    'that is too large',
    () =>
      schema(
        'S',
        1,
        Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`f${index}`, t.bytes(4096)])),
        packed,
      ),
    'ERR_SCHEMA',
    'schema S.fields',
    /at most 65535 bytes/,
  ],
  [
    'with an enum of equal numbers',
    () => t.enum({ a: 1, b: 1 }),
    'ERR_SCHEMA',
    't.enum.b',
    /occur once/,
  ],
  [
    'with an enum number its base cannot hold',
    () => t.enum({ a: 256 }),
    'ERR_SCHEMA',
    't.enum.a',
    /0 to 255/,
  ],
  [
    'with an enum of an unknown base',
    () => t.enum({ a: 1 }, { base: 'u24' as 'u8' }),
    'ERR_SCHEMA',
    't.enum.base',
    /'u8'/,
  ],
  ['with bytes of no size', () => t.bytes(0), 'ERR_SCHEMA', 't.bytes', /1 to 4096/],
  [
    'with an unknown byte order',
    () => layout.packed('middle' as 'le'),
    'ERR_SCHEMA',
    'layout.packed',
    /'le' or 'be'/,
  ],
];

describe('a schema is refused', () => {
  it.each([...refusedOptions, ...refusedFlags, ...refusedFields, ...refusedPlaces])(
    '%s',
    (_name, body, code, option, expected) => {
      const { detail, ...error } = refusal(body);
      expect(error.code).toBe(code);
      expect(detail.option).toBe(option);
      expect(detail.expected).toMatch(expected);
      expect(error.message).toContain('received');
      expect(detail.place?.file).toBe(import.meta.filename);
    },
  );
});

describe('a union is refused', () => {
  const make = (name: string, id: number, fields = { size: t.u32, type: t.u8 }) =>
    schema(name, id, fields, packed);
  const cases: [string, () => unknown, string, RegExp][] = [
    [
      'without members',
      () => union('U', { type: 'type' }, [] as never),
      'union U.members',
      /at least one/,
    ],
    [
      'with a member that is no schema',
      () => union('U', { type: 'type' } as never, ['A' as never]),
      'union U.members[0]',
      /a schema/,
    ],
    [
      'of several members without a type field',
      () => union('U', {}, [make('A', 1), make('B', 2)]),
      'union U.type',
      /tells the members apart/,
    ],
    [
      'with two members of one template id',
      () => union('U', { type: 'type' }, [make('A', 1), make('B', 1)]),
      'union U.members[1]',
      /A does not/,
    ],
    [
      'with a header field at two places',
      () =>
        union('U', { type: 'type' }, [
          make('A', 1),
          schema('B', 2, { type: t.u8, size: t.u32 }, packed),
        ]),
      'union U.type',
      /one place/,
    ],
    [
      'with a header field that a member lacks',
      () =>
        union('U', { type: 'type', size: 'size' }, [
          make('A', 1),
          schema('B', 2, { pad: t.u32, type: t.u8 }, packed) as never,
        ]),
      'union U.members[1].size',
      /integer field of B/,
    ],
    [
      'that gives a member other header fields than the one before',
      () => {
        const member = make('A', 1);
        union('U', { type: 'type', size: 'size' }, [member]);
        return union('V', { type: 'type' }, [member]);
      },
      'union V.members[0]',
      /same header fields/,
    ],
  ];

  it.each(cases)('%s', (_name, body, option, expected) => {
    const error = refusal(body);
    expect(error.code).toBe('ERR_SCHEMA');
    expect(error.detail.option).toBe(option);
    expect(error.detail.expected).toMatch(expected);
  });
});
