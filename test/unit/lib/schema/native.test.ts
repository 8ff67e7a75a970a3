// The native layout: where fields lie, what versions add, and the JSON that says it all.
import { describe, expect, it } from 'vitest';
import { type AnySchema, layout, schema, schemaFromJson, t } from '../../../../lib/index.js';
import type { BlockModel } from '../../../../lib/schema/model.js';
import { refusal } from '../../../helpers/refusal.js';

const NewOrder = schema('NewOrder', 1, {
  ...{ id: t.u64, symbol: t.ascii(8), price: t.u32, qty: t.u32, side: t.enum('buy', 'sell') },
  ...{ type: t.enum('limit', 'market'), at: t.timestamp, text: t.string },
  fills: t.group({ qty: t.u32, price: t.u32 }),
});

function places({ block }: { readonly block: BlockModel }): Record<string, number> {
  return Object.fromEntries(block.fields.map(({ name, offset }) => [name, offset]));
}

describe('the native layout', () => {
  it('places fields by alignment, then id, and pads to eight bytes', () => {
    expect(places(NewOrder.model)).toEqual({
      ...{ id: 0, symbol: 8, at: 16, price: 24, qty: 28, text: 32, fills: 40, side: 48, type: 49 },
    });
    expect(NewOrder.model.block.versionBytes).toEqual([56]);
    expect(NewOrder.bytesMin).toBe(64);
  });

  it('goes by ids where they are given, whatever the order of the source', () => {
    const a = schema('S', 1, { x: t.u8.id(1), y: t.u8.id(2), z: t.u64.id(3) });
    const b = schema('S', 1, { z: t.u64.id(3), y: t.u8.id(2), x: t.u8.id(1) });
    expect(places(a.model)).toEqual({ z: 0, x: 8, y: 9 });
    expect(places(b.model)).toEqual(places(a.model));
    expect(b.model.fingerprints).toEqual(a.model.fingerprints);
    expect(b.hash).toBe(a.hash);
  });

  it('puts presence words first, one for every 32 optional fields', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 33 }, (_unused, index) => [`f${index}`, t.u8.optional()]),
    );
    const { block } = schema('S', 1, fields).model;
    expect(block.fields[31]?.presence).toEqual({ offset: 0, bit: 31 });
    expect(block.fields[32]?.presence).toEqual({ offset: 4, bit: 0 });
    expect(block.fields[0]?.offset).toBe(8);
    expect(block.versionBytes).toEqual([48]);
  });

  it('lays groups out like messages, in entries of their own', () => {
    const type = NewOrder.model.block.fields.find(({ name }) => name === 'fills')?.type;
    expect(type?.kind).toBe('group');
    if (type?.kind !== 'group') return;
    expect(places(type)).toEqual({ qty: 0, price: 4 });
    expect(type.block.versionBytes).toEqual([8]);
  });
});

describe('a later version', () => {
  const V2 = NewOrder.extend(
    { venue: t.u16.default(7), note: t.string.optional() },
    {
      ...{ remove: ['text'], rename: { qty: 'quantity' }, symbols: { side: { short: 2 } } },
      groups: { fills: { fields: { fee: t.u32.default(0) } } },
    },
  );

  it('moves nothing that was there and adds a tranche', () => {
    const { block, version, fingerprints } = V2.model;
    expect(version).toBe(2);
    expect(places(V2.model)).toEqual({
      ...{ id: 0, symbol: 8, at: 16, price: 24, quantity: 28, fills: 40, side: 48, type: 49 },
      ...{ note: 60, venue: 68 },
    });
    expect(block.versionBytes).toEqual([56, 72]);
    expect(block.removed.map(({ name }) => name)).toEqual(['text']);
    expect(fingerprints[0]).toBe(NewOrder.model.fingerprints[0]);
  });

  it('adds to groups and enumerations', () => {
    const [fills, side] = ['fills', 'side'].map(
      (name) => V2.model.block.fields.find((field) => field.name === name)?.type,
    );
    expect(fills?.kind === 'group' && fills.block.versionBytes).toEqual([8, 16]);
    expect(side?.kind === 'enum' && side.symbols).toEqual({ buy: 0n, sell: 1n, short: 2n });
  });

  it('leaves the version before as it was', () => {
    expect(NewOrder.model.version).toBe(1);
    expect(NewOrder.model.block.fields.map(({ name }) => name)).toContain('qty');
  });

  const cases: [string, () => unknown, string, RegExp][] = [
    [
      'a field that older messages would have to have',
      () => NewOrder.extend({ venue: t.u16 as never }),
      'schema NewOrder.extend.fields.venue',
      /can do without/,
    ],
    [
      'an id that a removed field had',
      () => V2.extend({ again: t.string.id(8) }),
      'schema NewOrder.extend.fields.again',
      /has or had/,
    ],
    [
      'a field behind the largest id, by position',
      () => schema('S', 1, { a: t.u8.id(65_535) }).extend({ b: t.u8.default(0) }),
      'schema S.extend.fields.b',
      /from 1 to 65535/,
    ],
    [
      'the name of a removed field',
      () => V2.extend({ text: t.string }),
      'schema NewOrder.extend.fields.text',
      /no other field/,
    ],
    [
      'to remove what every message needs',
      () => NewOrder.extend({}, { remove: ['price'] }),
      'schema NewOrder.extend.remove',
      /optional/,
    ],
    [
      'to rename what is not there',
      () => NewOrder.extend({}, { rename: { nothing: 'something' } }),
      'schema NewOrder.extend.rename',
      /a field of/,
    ],
    [
      'to give two fields one name',
      () => NewOrder.extend({}, { rename: { qty: 'price' } }),
      'schema NewOrder.extend.rename',
      /no other field/,
    ],
    [
      'to give a symbol a number that is taken',
      () => NewOrder.extend({}, { symbols: { side: { short: 1 } } }),
      'schema NewOrder.extend.symbols.side.short',
      /once/,
    ],
    [
      'symbols of what is no enumeration',
      () => NewOrder.extend({}, { symbols: { qty: { many: 1 } } }),
      'schema NewOrder.extend.symbols.qty',
      /an enumeration/,
    ],
    [
      'a foreign layout',
      () => schema('F', 1, { a: t.u8 }, { layout: layout.c() }).extend({ b: t.u8.default(0) }),
      'schema F.extend',
      /native layout/,
    ],
  ];

  it.each(cases)('refuses %s', (_about, make, option, expected) => {
    const { code, detail } = refusal(make);
    expect([code, detail.option]).toEqual(['ERR_SCHEMA', option]);
    expect(detail.expected).toMatch(expected);
  });
});

function field(members: object): object {
  return { id: 1, name: 'a', since: 1, type: 'u8', ...members };
}

/** Groups in groups as JSON. */
function groups(depth: number): object {
  let type: object = { kind: 'group', countMax: 1, fields: [] };
  for (let count = 1; count < depth; count++) {
    type = { kind: 'group', countMax: 1, fields: [field({ type })] };
  }
  return { ...type, ...(depth === 1 ? { fields: [field({})] } : {}) };
}

function arrays(depth: number): object {
  let type: unknown = 'u8';
  for (let count = 0; count < depth; count++) type = { kind: 'array', element: type, count: 1 };
  return type as object;
}

/** The JSON with one node replaced, for every node and every thing that can stand there. */
function* damaged(json: unknown, junk: readonly unknown[]): Generator<unknown> {
  yield* junk;
  if (typeof json !== 'object' || json === null) return;
  for (const key of Object.keys(json)) {
    const inner = (json as Record<string, unknown>)[key];
    for (const other of [undefined, ...damaged(inner, junk)]) {
      yield Array.isArray(json)
        ? json.map((item, index) => (String(index) === key ? other : item))
        : { ...json, [key]: other };
    }
  }
}

describe('the JSON of a schema', () => {
  const Everything = schema('Everything', 9, {
    ...{ a: t.u8.default(3), b: t.i64.default(-5n), c: t.f64.default(Number.NaN), d: t.bool },
    e: t.flags({ open: 0, urgent: 9 }).default({ urgent: true }).doc('What to do with it.'),
    f: t.enum({ x: -1, y: 300 }, { base: 'i16', unknown: { default: 'y' } }),
    ...{ g: t.decimal(4), h: t.decimal(2, { base: 'u32' }), i: t.bytes(3).optional() },
    ...{ j: t.array(t.u16, 3).default([1, 2, 3]), k: t.blob.max(9), l: t.u53.default(5) },
    m: t.group({ n: t.group({ o: t.string.max(4).optional() }).max(3), p: t.timestamp }).max(2),
  });
  const Later = Everything.extend({ q: t.u8.default(1) }).extend(
    { r: t.group({ s: t.u8 }) },
    { remove: ['a', 'k'], groups: { m: { groups: { n: { fields: { u: t.u8.optional() } } } } } },
  );
  const Packet = schema(
    'Packet',
    4,
    {
      ...{ version: t.bits(4), ihl: t.bits(4), kind: t.u24, mac: t.bytes(6), etherType: t.u16 },
      ...{ port: t.u16.at('ihl', { scale: 4, plus: 14 }), other: t.u16, data: t.rest },
    },
    { layout: layout.packed('be'), header: { type: 'etherType' } },
  );

  it.each([NewOrder, Everything, Later, Packet].map((made) => [made.name, made] as const))(
    'loads back to the same schema: %s',
    (_name, made: AnySchema & { toJSON(): unknown }) => {
      const loaded = schemaFromJson(JSON.parse(JSON.stringify(made)));
      expect(loaded.toJSON()).toEqual(made.toJSON());
      expect(loaded.hash).toBe(made.hash);
      expect(loaded.model.fingerprints).toEqual(made.model.fingerprints);
      expect(loaded.model.block.versionBytes).toEqual(made.model.block.versionBytes);
      expect(places(loaded.model)).toEqual(places(made.model));
    },
  );

  it.each([
    ['-0', t.f64.default(-0), t.f64.default(0), [-0]],
    [
      '-0 of an array',
      t.array(t.f32, 2).default([-0, 1]),
      t.array(t.f32, 2).default([0, 1]),
      [-0, 1],
    ],
    ['an infinity', t.f32.default(-Infinity), t.f32.default(0), [-Infinity]],
  ])('keeps a default of %s', (_what, spec, other, expected) => {
    const made = schema('Zero', 1, { a: spec });
    const loaded = schemaFromJson(JSON.parse(JSON.stringify(made)));
    expect([loaded.model.block.fields[0]?.fallback].flat()).toStrictEqual(expected);
    expect(loaded.hash).toBe(made.hash);
    expect(made.hash).not.toBe(schema('Zero', 1, { a: other }).hash);
  });

  it('is another one as soon as anything changes', () => {
    const other = schema('Everything', 9, { a: t.u8.default(4) });
    expect(other.hash).not.toBe(schema('Everything', 9, { a: t.u8.default(3) }).hash);
  });

  it.each([Later, Packet].map((made) => [made.name, made] as const))(
    'is refused as such, or loads to one that loads, wherever it is damaged: %s',
    (_name, made: AnySchema & { toJSON(): unknown }) => {
      const junk = [null, [], {}, 'x', '', -1, 1.5, 70_000, true, [null], { kind: 'flags' }];
      let refusals = 0;
      for (const json of damaged(JSON.parse(JSON.stringify(made)), junk)) {
        try {
          const loaded = schemaFromJson(json);
          expect(schemaFromJson(JSON.parse(JSON.stringify(loaded))).hash).toBe(loaded.hash);
        } catch (error) {
          expect(error, JSON.stringify(json)).toMatchObject({ code: 'ERR_SCHEMA' });
          refusals += 1;
        }
      }
      expect(refusals).toBeGreaterThan(500);
    },
  );

  it.each([
    ['another format', { format: 2 }, 'schema.format'],
    ['a type that there is not', { fields: [{ id: 1, name: 'a', since: 1, type: 'u7' }] }, 'type'],
    [
      'a field of a version to come',
      { fields: [{ id: 1, name: 'a', since: 2, type: 'u8' }] },
      'since',
    ],
    ['a template id as a number', { templateId: 1 }, 'schema.templateId'],
    ['a member that is unknown', { colour: 'red' }, 'schema.colour'],
    ['fields that are no list', { fields: {} }, 'fields'],
    ['a place that is null', { fields: [field({ type: 'u8', at: null })] }, 'fields[0].at'],
    [
      'a place of no field',
      { fields: [field({ type: 'u8', at: { field: 1, scale: 1 } })] },
      'field',
    ],
    ['two fields of one name', { fields: [field({}), field({ id: 2 })] }, 'fields'],
    [
      'a field that is older than its group',
      { version: 2, fields: [field({}), field({ id: 2, name: 'b', since: 2, type: groups(1) })] },
      'since',
    ],
    ['groups nested too deep', { fields: [field({ type: groups(5) })] }, 'type.fields'],
    ['groups nested without end', { fields: [field({ type: groups(5000) })] }, 'type.fields'],
    ['arrays in arrays', { fields: [field({ type: arrays(2) })] }, 'element.kind'],
    ['arrays nested without end', { fields: [field({ type: arrays(5000) })] }, 'element.kind'],
  ])('is refused with %s', (_about, change, option) => {
    const good = JSON.parse(JSON.stringify(schema('S', 1, { a: t.u8 })));
    const { code, detail } = refusal(() => schemaFromJson({ ...good, ...change }));
    expect(code).toBe('ERR_SCHEMA');
    expect(detail.option).toContain(option);
  });
});
