// Schemas from their JSON: checked as if they had been written in TypeScript.
import { optionError, type SourcePlace } from '../errors.js';
import { fingerprintsOf, schemaJsonFormat } from './canonical.js';
import { extendBlock } from './extend.js';
import { t } from './fields.js';
import { layout } from './layout.js';
import {
  type BlockModel,
  type FieldModel,
  groupDepthMax,
  type SchemaModel,
  schemaVersionMax,
  type TypeModel,
} from './model.js';
import { isRecord, OptionReader } from './options.js';
import { callerPlace } from './position.js';
import { type AnySchema, freeze, MessageSchema, type Schema, schema } from './schema.js';
import { FieldSpec, type Fields, type TypeSpec } from './spec.js';

/** A field as the JSON has it. */
interface FieldJson {
  readonly name: string;
  readonly since: number;
  readonly isRemoved: boolean;
  readonly isByPosition: boolean;
  readonly id: number | null;
  readonly spec: FieldSpec;
  /** Fields of a group's entries; null for everything else. */
  readonly inner: readonly FieldJson[] | null;
}

const fieldsMax = 1024;

/**
 * The schema that `toJSON` wrote: same bytes, same hash. Of its messages TypeScript knows nothing,
 * so they are plain objects. Throws HyperRouteError ERR_SCHEMA for JSON that is none.
 */
export function schemaFromJson(json: unknown): Schema {
  const place = callerPlace();
  const reader = new OptionReader(json, 'schema', place, 'ERR_SCHEMA');
  if (reader.raw('format') !== schemaJsonFormat) {
    throw reader.error('format', String(schemaJsonFormat), reader.raw('format'));
  }
  const name = reader.raw('name');
  if (typeof name !== 'string') throw reader.error('name', 'a name', name);
  const templateId = reader.raw('templateId');
  if (typeof templateId !== 'string' || !/^\d{1,20}$/.test(templateId)) {
    throw reader.error('templateId', 'an integer as a text', templateId);
  }
  const version = reader.integer('version', 1, schemaVersionMax, undefined);
  const [rule, header, doc] = [reader.raw('layout'), reader.raw('header'), reader.raw('doc')];
  const path = `schema ${name}`;
  const isNative = rule === 'native';
  const fields = readFields(reader.raw('fields'), {
    ...{ low: 1, high: isNative ? version : 1, depth: 0 },
    ...{ option: `${path}.fields`, place },
  });
  reader.done();
  const options = { ...(doc === undefined ? {} : { doc: doc as string }) };
  if (!isNative) {
    const rules = { ...options, layout: readLayout(rule, path, place), ...readHeader(header) };
    return schema(name, BigInt(templateId), specsOf(fields, 1), rules) as unknown as Schema;
  }
  const first = schema(name, BigInt(templateId), specsOf(fields, 1), options) as AnySchema;
  const block = grow(first.model.block, fields, version, `${path}.fields`, place);
  const fingerprints = fingerprintsOf(block, version);
  const model: SchemaModel = { ...first.model, version, block, fingerprints };
  return new MessageSchema(freeze(model), place) as unknown as Schema;
}

function readLayout(rule: unknown, path: string, place: SourcePlace) {
  const reader = new OptionReader(rule, `${path}.layout`, place, 'ERR_SCHEMA');
  const kind = reader.choice('kind', ['packed', 'c'], undefined);
  const order = reader.choice('order', ['le', 'be'], undefined);
  reader.done();
  return layout[kind](order);
}

function readHeader(header: unknown): { readonly header?: object } {
  if (!isRecord(header)) return header === undefined ? {} : { header: header as object };
  const named = Object.entries(header).filter(([, name]) => name !== null);
  return { header: Object.fromEntries(named) };
}

/** The versions after the first, one by one, and at last what is removed. */
function grow(
  first: BlockModel,
  fields: readonly FieldJson[],
  version: number,
  option: string,
  place: SourcePlace,
): BlockModel {
  let block = first;
  for (let next = 2; next <= version; next++) {
    const context = { option, place, depth: 0 };
    const { fields: added, ...changes } = changesOf(fields, next);
    block = extendBlock(block, added, changes, next, context);
  }
  return settle(block, fields);
}

interface VersionJson {
  readonly fields: Fields;
  readonly groups: Readonly<Record<string, VersionJson>>;
}

function changesOf(fields: readonly FieldJson[], version: number): VersionJson {
  const groups = fields.filter(({ inner, since }) => inner !== null && since < version);
  return {
    fields: specsOf(fields, version),
    groups: Object.fromEntries(
      groups.map(({ name, inner }) => [name, changesOf(inner ?? [], version)]),
    ),
  };
}

/** The fields that a version brought, as they would be written. */
function specsOf(fields: readonly FieldJson[], version: number): Fields {
  const own = fields.filter(({ since }) => since === version);
  return Object.fromEntries(
    own.map(({ name, spec, inner }) => [name, withInner(spec, inner, version)]),
  );
}

function withInner(
  spec: FieldSpec,
  inner: readonly FieldJson[] | null,
  version: number,
): FieldSpec {
  if (inner === null) return spec;
  return new FieldSpec({ ...spec.type, fields: specsOf(inner, version) } as TypeSpec, spec.options);
}

/** Removed fields out of the way, and ids as they were given. */
function settle(block: BlockModel, fields: readonly FieldJson[]): BlockModel {
  const jsonOf = (field: FieldModel): FieldJson | undefined =>
    fields.find(({ id }) => id === field.id);
  const settled = block.fields.map((field): FieldModel => {
    const json = jsonOf(field);
    const type: TypeModel =
      field.type.kind === 'group'
        ? { ...field.type, block: settle(field.type.block, json?.inner ?? []) }
        : field.type;
    return { ...field, type, explicitId: json?.isByPosition !== true };
  });
  const isRemoved = (field: FieldModel): boolean => jsonOf(field)?.isRemoved === true;
  return {
    ...block,
    fields: settled.filter((field) => !isRemoved(field)),
    removed: settled.filter(isRemoved),
  };
}

/** Where in the JSON fields are read. */
interface FieldsContext {
  /** Versions that can have brought them: the group's and later ones. */
  readonly low: number;
  readonly high: number;
  readonly option: string;
  readonly place: SourcePlace;
  /** Groups around them. */
  readonly depth: number;
}

function readFields(value: unknown, context: FieldsContext): readonly FieldJson[] {
  const { option, place, depth } = context;
  if (depth > groupDepthMax) {
    const expected = `groups nested at most ${groupDepthMax} deep`;
    throw optionError('ERR_SCHEMA', option, expected, `${depth} groups`, place);
  }
  if (!Array.isArray(value) || value.length > fieldsMax) {
    const expected = `an array of up to ${fieldsMax} fields`;
    throw optionError('ERR_SCHEMA', option, expected, value, place);
  }
  const fields = value.map((item, index) =>
    readField(item, { ...context, option: `${option}[${index}]` }),
  );
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return fields;
  throw optionError('ERR_SCHEMA', option, 'a name that no other field has', twice, place);
}

function readField(value: unknown, context: FieldsContext): FieldJson {
  const { low, high, option, place, depth } = context;
  const reader = new OptionReader(value, option, place, 'ERR_SCHEMA');
  const name = reader.raw('name');
  if (typeof name !== 'string') throw reader.error('name', 'a name', name);
  // Foreign fields have neither: they lie in the order of the list.
  const id = reader.optionalInteger('id', 1, 65_535);
  const since = reader.integer('since', low, high, 1);
  const isRemoved = reader.boolean('removed', false);
  const isByPosition = reader.boolean('byPosition', false);
  const isOptional = reader.boolean('optional', false);
  const [type, fallback] = [reader.raw('type'), reader.raw('default')];
  const [at, doc] = [reader.raw('at'), reader.raw('doc')];
  reader.done();
  let spec = readType(type, `${option}.type`, place);
  const isGroup = spec.type.kind === 'group';
  if (id !== null) spec = spec.id(id);
  if (doc !== undefined) spec = spec.doc(doc as string);
  if (at !== undefined) spec = readAt(spec, at, `${option}.at`, place);
  if (isOptional) spec = spec.optional();
  else if (fallback !== undefined) spec = spec.default(defaultOf(spec.type, fallback));
  const inner = { ...context, low: since, depth: depth + 1, option: `${option}.type.fields` };
  return {
    ...{ name, since, isRemoved, isByPosition, id, spec },
    inner: isGroup ? readFields((type as { readonly fields?: unknown }).fields, inner) : null,
  };
}

function readAt(spec: FieldSpec, value: unknown, option: string, place: SourcePlace): FieldSpec {
  const reader = new OptionReader(value, option, place, 'ERR_SCHEMA');
  const field = reader.raw('field');
  if (typeof field !== 'string') throw reader.error('field', 'the name of a field', field);
  const scale = reader.integer('scale', 0, 65_535, undefined);
  const plus = reader.integer('plus', 0, 65_535, 0);
  reader.done();
  return spec.at(field, { scale, plus });
}

const plainTypes: Readonly<Record<string, FieldSpec>> = {
  ...{ u8: t.u8, u16: t.u16, u24: t.u24, u32: t.u32, u40: t.u40, u48: t.u48, u64: t.u64 },
  ...{ i8: t.i8, i16: t.i16, i32: t.i32, i64: t.i64, u53: t.u53, f32: t.f32, f64: t.f64 },
  ...{ bool: t.bool, timestamp: t.timestamp, rest: t.rest },
};

function readType(
  value: unknown,
  option: string,
  place: SourcePlace,
  isElement = false,
): FieldSpec {
  if (typeof value === 'string' && Object.hasOwn(plainTypes, value)) {
    return plainTypes[value] as FieldSpec;
  }
  const reader = new OptionReader(value, option, place, 'ERR_SCHEMA');
  const number = (name: string): number => reader.integer(name, 0, 2 ** 31, undefined);
  switch (reader.raw('kind')) {
    case 'enum': {
      const given = reader.raw('symbols');
      const entries = isRecord(given) ? Object.entries(given) : [];
      const symbols = entries.map(([name, text]) => [name, bigintOf(text)] as const);
      const options = { base: reader.raw('base'), unknown: reader.raw('unknown') };
      return t.enum(Object.fromEntries(symbols), options as object) as FieldSpec;
    }
    case 'flags': {
      const flags = reader.raw('flags') as Record<string, number>;
      return t.flags(flags, { base: reader.raw('base') as 'u8' });
    }
    case 'decimal':
      return t.decimal(number('scale'), { base: reader.raw('base') as 'i64' });
    case 'ascii':
      return t.ascii(number('bytes'), { pad: reader.raw('pad') as 'zero' });
    case 'bytes':
      return t.bytes(number('bytes'));
    case 'array': {
      if (isElement) throw reader.error('kind', 'a type that is no array itself', 'array');
      const element = readType(reader.raw('element'), `${option}.element`, place, true);
      return t.array(element as never, number('count')) as FieldSpec;
    }
    case 'bits':
      return t.bits(number('bits'));
    case 'string':
      return t.string.max(number('bytesMax'));
    case 'blob':
      return t.blob.max(number('bytesMax'));
    case 'group':
      return t.group({}).max(number('countMax'));
    default:
      throw optionError('ERR_SCHEMA', option, 'the JSON of a field type', value, place);
  }
}

/** A 64-bit integer from its text; other values are refused by the type they belong to. */
function bigintOf(text: unknown): bigint | number {
  return typeof text === 'string' && /^-?\d{1,20}$/.test(text) ? BigInt(text) : Number.NaN;
}

/** The inverse of the JSON form of a default. */
function defaultOf(type: TypeSpec, value: unknown): unknown {
  if (type.kind === 'array' && Array.isArray(value)) {
    return value.map((item) => defaultOf(type.element, item));
  }
  if (type.kind === 'flags' && Array.isArray(value)) {
    return Object.fromEntries(value.map((name: string) => [name, true]));
  }
  if (typeof value !== 'string') return value;
  if (type.kind === 'bytes') return new Uint8Array(Buffer.from(value, 'hex'));
  if (type.kind === 'float') return Number(value);
  const isBig = type.kind === 'integer' || type.kind === 'decimal' || type.kind === 'timestamp';
  return isBig ? bigintOf(value) : value;
}
