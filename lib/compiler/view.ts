// Messages as the router sees them: the view of a message type, in which every field has a fixed
// place, and its fields there.

import { schemaJson } from '../schema/canonical.js';
import { expectation } from '../schema/codec/faults.js';
import { fixedCodec, isPut } from '../schema/codec/fixed.js';
import { viewsOf } from '../schema/codec/views.js';
import { initialBlock, initialMessage } from '../schema/initial.js';
import { schemaFromJson } from '../schema/load.js';
import {
  type BlockModel,
  type ByteOrder,
  type DynamicBase,
  type ElementModel,
  type EnumModel,
  type FieldModel,
  type FixedModel,
  type IntegerType,
  integerFacts,
  isBigint,
  isSlotType,
  nativeHeaderBytes,
  newestBytes,
  type SchemaModel,
  type TypeModel,
} from '../schema/model.js';
import { bytesOf } from '../schema/place-native.js';
import type { AnySchema } from '../schema/schema.js';
import type { BlockIr, ContainerIr, FieldIr, ViewIr, ViewPartIr } from './ir.js';

/**
 * What a field is to the router: an integer, one bit, bytes that are carried as they are, or a
 * slot, behind which the value lies elsewhere. `rest`: nothing that it can use.
 */
export type FieldType = IntegerType | 'bit' | 'bytes' | SlotType | 'rest';
export type SlotType = 'string' | 'blob' | 'group';

/** Whether the values of a field lie behind a slot. */
export function isSlot(type: FieldType): type is SlotType {
  return isSlotType({ kind: type });
}

/** A field at its place in the view. */
export interface PlacedField {
  readonly name: string;
  readonly type: FieldType;
  /** What the value means: what is only carried is copied to the same shape only. */
  readonly shape: string;
  /** Whether it can only be carried: no condition and no conversion looks into it. */
  readonly opaque: boolean;
  readonly order: ByteOrder;
  /** From the start of the view. */
  readonly offset: number;
  readonly bytes: number;
  /** Values by symbol of enumerations and booleans; null for everything else. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  readonly enumeration: EnumModel | null;
  /** Digits behind the point of a decimal; null for everything else. */
  readonly scale: number | null;
  /** Whether it counts nanoseconds: nothing else compares with those. */
  readonly isTimestamp: boolean;
  /** Bit numbers by name of flags; null for everything else. */
  readonly flags: Readonly<Record<string, number>> | null;
  /** Index of its presence bit; null: not optional. */
  readonly presence: number | null;
  /** Whether transforms may leave it out. */
  readonly omissible: boolean;
  /** The most bytes or entries of a slot; 0 for everything else. */
  readonly limit: number;
  readonly entry: readonly PlacedField[] | null;
  /** The field's bytes with a value that `encode` would take; null where it would not. */
  readonly encoded: (value: unknown) => Uint8Array | null;
  readonly ir: FieldIr;
}

/** Everything about a message type that the router needs. */
export interface Placement {
  readonly bytes: number;
  /** The fields in the order of the source, then a bit for each optional one. */
  readonly fields: readonly PlacedField[];
  readonly view: ViewIr | null;
  /** The fixed part of a message in which nothing was set; null: all zero. */
  readonly initial: Uint8Array | null;
}

const safeMax = BigInt(Number.MAX_SAFE_INTEGER);
const boolSymbols = Object.freeze({ false: 0n, true: 1n });
const placements = new WeakMap<AnySchema, Placement>();

/** The view of a message type and its fields there. */
export function placementOf(schema: AnySchema): Placement {
  const known = placements.get(schema);
  if (known !== undefined) return known;
  const { model, bytesMax } = schema;
  const made = model.layout.kind === 'native' ? nativeView(model) : foreignView(model, bytesMax);
  placements.set(schema, made);
  return made;
}

/** Fields of the message type that can be named. */
export function placedFields(schema: AnySchema): readonly PlacedField[] {
  return placementOf(schema).fields;
}

function nativeView(model: SchemaModel): Placement {
  const fields = blockFields(model.block, nativeHeaderBytes);
  const bytes = nativeHeaderBytes + newestBytes(model.block);
  const initial = initialMessage(model);
  const json = schemaJson(model, { type: null, size: null });
  return { bytes, fields, view: { kind: 'native', schema: json }, initial };
}

const models = new WeakMap<object, SchemaModel>();

/** The model of a native message type, from the IR, which may come from a file. */
export function nativeModel({ schema }: Extract<ViewIr, { kind: 'native' }>): SchemaModel {
  const known = models.get(schema as object);
  if (known !== undefined) return known;
  const { model } = schemaFromJson(schema);
  models.set(schema as object, model);
  return model;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The fields of a block whose start lies `start` bytes into the view, then their presence bits. */
function blockFields(block: BlockModel, start: number): PlacedField[] {
  const optionals = block.fields.filter(({ presence }) => presence !== null);
  const fields = block.fields.map((field) => {
    const presence = field.presence === null ? null : optionals.indexOf(field);
    const index = presence === null ? null : block.fields.length + presence;
    return placedField(field, start + field.offset, field.bytes, index);
  });
  return [...fields, ...optionals.map((field) => presenceBit(field, start))];
}

function presenceBit({ name, presence }: FieldModel, start: number): PlacedField {
  const { offset, bit } = presence ?? { offset: 0, bit: 0 };
  const place = { name: `${name}?`, order: 'le', offset: start + offset + (bit >> 3), bytes: 1 };
  const ir = { ...place, type: 'bit', symbols: null, bit: bit & 7, omissible: true } as FieldIr;
  return {
    ...{ name: place.name, type: 'bit', shape: 'bit', order: 'le', offset: ir.offset, bytes: 1 },
    opaque: true,
    ...{
      symbols: null,
      enumeration: null,
      scale: null,
      isTimestamp: false,
      flags: null,
      presence: null,
      omissible: true,
      limit: 0,
      entry: null,
      encoded: () => null,
      ir,
    },
  };
}

function placedField(
  model: FieldModel,
  offset: number,
  bytes: number,
  presence: number | null,
  container: ContainerIr | null = null,
): PlacedField {
  const { name, type } = model;
  const order = container === null ? model.order : 'le';
  const symbols = type.kind === 'bool' ? boolSymbols : type.kind === 'enum' ? type.symbols : null;
  const omissible = isSlotType(type) || presence !== null || model.fallback !== null;
  const limit = type.kind === 'group' ? type.countMax : isSlotType(type) ? type.bytesMax : 0;
  const entry = type.kind === 'group' ? blockFields(type.block, 0) : null;
  const routed = routedType(type);
  const ir: FieldIr = {
    ...{ name, type: routed, order, offset, bytes },
    symbols: symbols === null ? null : { ...symbols },
    ...(type.kind === 'integer' && type.safe ? { max: safeMax } : {}),
    ...(presence === null ? {} : { presence }),
    ...(type.kind === 'ascii' ? { pad: type.pad } : {}),
    ...(omissible ? { omissible } : {}),
    ...(isSlotType(type) ? { limit } : {}),
    ...(type.kind === 'group' ? { entry: blockIr(type.block, entry ?? []) } : {}),
    ...(container === null ? {} : { container }),
  };
  return {
    ...{ name, type: routed, shape: shapeOf(type, order), order, offset, bytes, symbols },
    opaque: isOpaque(type),
    enumeration: type.kind === 'enum' ? type : null,
    ...{
      scale: type.kind === 'decimal' ? type.scale : null,
      isTimestamp: type.kind === 'timestamp',
      flags: type.kind === 'flags' ? type.flags : null,
      presence,
      omissible,
      limit,
      entry,
      encoded: (value: unknown) => encodedConstant(type, order, bytes, value),
      ir,
    },
  };
}

/** A field of a message type that has no other, such as one that is kept of messages. */
export function loneField(name: string, type: FixedModel): PlacedField {
  const bytes = bytesOf(type);
  const place = { id: 1, explicitId: false, since: 1, order: 'le', offset: 0, bytes } as const;
  const model = { ...place, name, type, presence: null, fallback: null, base: null, doc: null };
  return placedField(model, 0, bytes, null);
}

/** A value of a fixed size as bytes; null where the type has no such value. */
function encodedConstant(
  type: TypeModel,
  order: ByteOrder,
  count: number,
  value: unknown,
): Uint8Array | null {
  if (isSlotType(type) || type.kind === 'rest' || typeof value !== expectation(type).type) {
    return null;
  }
  if (value === null || (type.kind === 'bytes' && !(value instanceof Uint8Array))) return null;
  const bytes = new Uint8Array(count);
  return fixedCodec(type, order).put(viewsOf(bytes, ''), 0, value) === isPut ? bytes : null;
}

function blockIr(block: BlockModel, fields: readonly PlacedField[]): BlockIr {
  const initial = hexOf(initialBlock(block));
  return { bytes: newestBytes(block), fields: fields.map(({ ir }) => ir), initial };
}

/** What the router can do with a field. */
function routedType(type: TypeModel): FieldType {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
    case 'timestamp':
    case 'enum':
    case 'bool':
      return type.base;
    case 'bits':
      return 'u32';
    // Carried as they are, but in the byte order of the output.
    case 'float':
      return type.base === 'f32' ? 'u32' : 'u64';
    case 'flags':
      return type.base;
    case 'string':
    case 'blob':
    case 'group':
    case 'rest':
      return type.kind;
    default:
      return 'bytes';
  }
}

/** The value of the symbol as which numbers without one are read; undefined: there is none. */
export function defaultOf({ enumeration }: PlacedField): bigint | undefined {
  const unknown = enumeration?.unknown;
  return unknown?.policy === 'default' ? enumeration?.symbols[unknown.symbol] : undefined;
}

function isOpaque({ kind }: TypeModel): boolean {
  return !['integer', 'decimal', 'timestamp', 'enum', 'bool', 'bits'].includes(kind);
}

function shapeOf(type: TypeModel, order: ByteOrder): string {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
    case 'timestamp':
      return isBigint(type.base) ? 'bigint' : 'number';
    case 'float':
      return type.base;
    case 'flags':
      return `flags ${JSON.stringify(type.flags)} ${type.base}`;
    case 'ascii':
      return type.pad === 'space' ? 'ascii padded with spaces' : 'ascii';
    case 'array':
      return `array of ${type.count} × ${elementShape(type.element, order)}`;
    default:
      return type.kind;
  }
}

/**
 * Equal texts mean equal bytes for equal values. Arrays are copied as they are, so the order of
 * the bytes belongs to them.
 */
function elementShape(type: ElementModel, order: ByteOrder): string {
  switch (type.kind) {
    case 'ascii':
      return `ascii(${type.bytes}) padded with ${type.pad}`;
    case 'bytes':
      return `bytes(${type.bytes})`;
    case 'float':
      return `${type.base} ${order}`;
    default: {
      const base = integerFacts[type.base].bytes === 1 ? type.base : `${type.base} ${order}`;
      return `${base}${meaningOf(type)}`;
    }
  }
}

/** What an integer counts or names. */
function meaningOf(type: ElementModel): string {
  if (type.kind === 'integer') return type.safe ? ' (u53)' : '';
  if (type.kind === 'decimal') return ` (decimal of ${type.scale} digits)`;
  if (type.kind === 'flags') return ` (flags ${JSON.stringify(type.flags)})`;
  if (type.kind !== 'enum') return ` (${type.kind})`;
  const symbols = Object.entries(type.symbols).map(([name, value]) => `${name} ${value}`);
  return ` (enum ${symbols.join(', ')}, others ${JSON.stringify(type.unknown)})`;
}

/** The fixed part as it is, its bits spread out, then each movable section and its bits. */
function foreignView(model: SchemaModel, bytesMax: number): Placement {
  const { fields } = model.block;
  const fixedBytes = newestBytes(model.block);
  const isPlain = fields.every(({ type, base }) => base === null && isPlainType(type));
  if (isPlain) {
    const placed = fields.map((field) => placedField(field, field.offset, field.bytes, null));
    return { bytes: fixedBytes, fields: placed, view: null, initial: foreignInitial(model) };
  }
  const parts: ViewPartIr[] = [];
  const places = new Map<FieldModel, PlacedField>();
  let end = fixedBytes;
  for (const base of new Set(fields.map((field) => field.base))) {
    const section = fields.filter((field) => field.base === base);
    const start = base === null ? 0 : end;
    if (base !== null) {
      const bytes = Math.max(...section.map(({ offset, bytes }) => offset + bytes));
      parts.push(sectionPart(base, bytes));
      end += bytes;
    }
    for (const field of section) {
      const { type, offset, bytes } = field;
      if (type.kind !== 'bits') {
        places.set(field, placedField(field, start + offset, bytes, null));
        continue;
      }
      const { shift, bits, containerBytes } = type;
      const { order } = field;
      const container = { offset: start + offset, bytes: containerBytes, order, shift, bits };
      parts.push({ kind: 'bits', container });
      places.set(field, placedField(field, end, 4, null, container));
      end += 4;
    }
  }
  const placed = fields.map((field) => places.get(field) as PlacedField);
  const view: ViewIr = { kind: 'foreign', fixedBytes, bytesMax, parts };
  return { bytes: end, fields: placed, view, initial: foreignInitial(model) };
}

/** The defaults at fixed places; only messages whose fields all have one can be written. */
function foreignInitial({ block }: SchemaModel): Uint8Array | null {
  const given = block.fields.filter(({ fallback, base }) => fallback !== null && base === null);
  if (given.length === 0) return null;
  const bytes = new Uint8Array(newestBytes(block));
  const views = viewsOf(bytes, '');
  for (const { type, order, offset, fallback } of given) {
    fixedCodec(type as FixedModel, order).put(views, offset, fallback);
  }
  return bytes;
}

function isPlainType({ kind }: TypeModel): boolean {
  return kind !== 'bits' && kind !== 'rest';
}

function sectionPart({ field, scale, plus }: DynamicBase, bytes: number): ViewPartIr {
  return { kind: 'section', field, scale, plus, bytes };
}
