// Schemas as JSON: one text for one schema, what is hashed, and how it is read back.
import { createHash } from 'node:crypto';

import type { BlockModel, FieldModel, FieldValue, SchemaModel, TypeModel } from './model.js';

/** The form of the JSON; raised when it changes. */
export const schemaJsonFormat = 1;

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A schema as canonical JSON data: fields by id, keys in order, nothing that can be derived. */
export function schemaJson(
  model: SchemaModel,
  header: { readonly type: string | null; readonly size: string | null },
): Json {
  const { name, templateId, layout, version, block, doc } = model;
  return {
    format: schemaJsonFormat,
    name,
    templateId: String(templateId),
    layout: layout.kind === 'native' ? 'native' : { kind: layout.kind, order: layout.order },
    ...(header.type === null && header.size === null ? {} : { header: { ...header } }),
    version,
    ...(doc === null ? {} : { doc }),
    fields: fieldsJson(block, layout.kind === 'native'),
  };
}

/** Native fields by id; foreign ones in their order, which is that of the bytes. */
function fieldsJson(block: BlockModel, isNative: boolean): Json[] {
  const removed = block.removed.map((field) => ({ field, isRemoved: true }));
  const all = [...block.fields.map((field) => ({ field, isRemoved: false })), ...removed];
  if (isNative) all.sort((a, b) => a.field.id - b.field.id);
  return all.map(({ field, isRemoved }) => ({
    ...(isNative ? idJson(field) : {}),
    name: field.name,
    type: typeJson(field.type),
    ...(isRemoved ? { removed: true } : {}),
    ...(field.presence === null ? {} : { optional: true }),
    ...(field.fallback === null ? {} : { default: valueJson(field.type, field.fallback) }),
    ...atJson(field, block),
    ...(field.doc === null ? {} : { doc: field.doc }),
  }));
}

function idJson({ id, explicitId, since }: FieldModel): Record<string, Json> {
  return { id, ...(explicitId ? {} : { byPosition: true }), since };
}

function atJson(field: FieldModel, block: BlockModel): Record<string, Json> {
  const { base } = field;
  // What follows a field with a place of its own shares it; only the first says so.
  const before = block.fields[block.fields.indexOf(field) - 1];
  if (base === null || before?.base === base) return {};
  const name = block.fields[base.field]?.name ?? '';
  return { at: { field: name, scale: base.scale, plus: base.plus } };
}

function typeJson(type: TypeModel): Json {
  switch (type.kind) {
    case 'integer':
      return type.safe ? 'u53' : type.base;
    case 'float':
      return type.base;
    case 'bool':
    case 'timestamp':
    case 'rest':
      return type.kind;
    case 'enum': {
      const { kind, base, symbols, unknown } = type;
      const values = Object.entries(symbols).sort(([, a], [, b]) => (a < b ? -1 : 1));
      const policy = unknown.policy === 'default' ? { default: unknown.symbol } : unknown.policy;
      const texts = Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
      return { kind, base, symbols: texts, unknown: policy };
    }
    case 'flags': {
      const bits = Object.entries(type.flags).sort(([, a], [, b]) => a - b);
      return { kind: 'flags', base: type.base, flags: Object.fromEntries(bits) };
    }
    case 'decimal':
      return { kind: 'decimal', base: type.base, scale: type.scale };
    case 'ascii':
      return { kind: 'ascii', bytes: type.bytes, pad: type.pad };
    case 'bytes':
      return { kind: 'bytes', bytes: type.bytes };
    case 'array':
      return { kind: 'array', element: typeJson(type.element), count: type.count };
    case 'bits':
      return { kind: 'bits', bits: type.bits };
    case 'string':
    case 'blob':
      return { kind: type.kind, bytesMax: type.bytesMax };
    case 'group':
      return { kind: 'group', countMax: type.countMax, fields: fieldsJson(type.block, true) };
  }
}

/** A default as JSON; 64-bit integers, bytes and floats that JSON lacks as text. */
function valueJson(type: TypeModel, value: FieldValue): Json {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type.kind === 'float') return floatJson(value as number);
  if (type.kind === 'array') {
    return (value as readonly FieldValue[]).map((item) => valueJson(type.element, item));
  }
  if (type.kind !== 'flags') return value as Json;
  const set = Object.entries(value as Record<string, boolean>).filter(([, bit]) => bit);
  return set.map(([name]) => name).sort();
}

/** JSON has no negative zero either: as a number it would come back as 0, which is another. */
function floatJson(value: number): Json {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

/** The one text of a JSON value: keys in order, no spaces. */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const members = entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of a JSON value's canonical text, in hexadecimal. */
export function canonicalHash(value: Json): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

/**
 * The u16 that tells a schema from another with the same template id, for each version: a hash of
 * where everything lies that the versions up to it brought. Names, documentation, defaults and
 * symbols do not enter it; they change nothing about the bytes.
 */
export function fingerprintsOf(block: BlockModel, version: number): number[] {
  const hash = createHash('sha256');
  return Array.from({ length: version }, (_unused, index) => {
    hash.update(canonicalText([index + 1, trancheJson(block, index + 1)]));
    return hash.copy().digest().readUInt16LE(0);
  });
}

function trancheJson(block: BlockModel, version: number): Json[] {
  const all = [...block.fields, ...block.removed].sort((a, b) => a.id - b.id);
  return all.flatMap(({ id, since, type, offset, bytes, presence }): Json[] => {
    const inner = type.kind === 'group' ? trancheJson(type.block, version) : [];
    if (since > version || (since < version && inner.length === 0)) return [];
    return [[id, since, wireKind(type), offset, bytes, presence !== null, inner]];
  });
}

/** What a field is on the wire, whatever it is called or counts. */
function wireKind(type: TypeModel): string {
  if (type.kind === 'array') return `array of ${wireKind(type.element)} × ${type.count}`;
  if (type.kind === 'decimal') return `${type.base} / 10^${type.scale}`;
  return 'base' in type ? `${type.kind} ${type.base}` : type.kind;
}
