// Message types: `schema(name, templateId, fields)` and what can be done with one.
import { optionError, type SourcePlace } from '../errors.js';
import { canonicalHash, fingerprintsOf, type Json, schemaJson } from './canonical.js';
import {
  bindMessage,
  type Codec,
  type CodecPlan,
  compileCodec,
  makeReader,
  makeWriter,
} from './codec/index.js';
import { type Changes, extendBlock } from './extend.js';
import { isLayout, type Layout, messageBytesMax, placeForeign } from './layout.js';
import {
  integerFacts,
  isScalarType,
  nativeHeaderBytes,
  nativeMessageBytesMax,
  type SchemaModel,
  schemaVersionMax,
} from './model.js';
import { checkName, exactInteger, isRecord, OptionReader } from './options.js';
import { placeNative, variableBytesMax } from './place-native.js';
import { callerPlace } from './position.js';
import { FieldReference } from './references.js';
import type { Fields } from './spec.js';
import type { AnySchema, HeaderNames, Schema, SchemaOptions } from './types.js';

export type * from './types.js';

/** Called by `union`: gives a member its header fields. Throws ERR_SCHEMA. */
export const bindHeader: unique symbol = Symbol('hyperroute.bindHeader');

const noHeader: HeaderNames = Object.freeze({ type: null, size: null });

/** What every schema is at run time. */
export class MessageSchema {
  readonly name: string;
  readonly templateId: bigint;
  readonly model: SchemaModel;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly place: SourcePlace;
  #header: HeaderNames = noHeader;
  #isBound = false;
  #refs: Readonly<Record<string, FieldReference>> | null = null;
  #codec: Codec | null = null;
  #bind: ((source: Uint8Array, offset: number, end: number) => number) | null = null;
  #reader: (new () => object) | null = null;
  #writer: (new () => object) | null = null;

  constructor(model: SchemaModel, place: SourcePlace) {
    this.name = model.name;
    this.templateId = model.templateId;
    this.model = model;
    this.place = place;
    const { low, high } = bytesOf(model);
    this.bytesMin = low;
    this.bytesMax = high;
  }

  get header(): HeaderNames {
    return this.#header;
  }

  get refs(): Readonly<Record<string, FieldReference>> {
    this.#refs ??= Object.freeze(
      Object.fromEntries(
        this.model.block.fields.map(({ name }) => [name, new FieldReference(this, name)]),
      ),
    );
    return this.#refs;
  }

  get hash(): string {
    return canonicalHash(this.toJSON());
  }

  [bindHeader](header: HeaderNames, option: string, place: SourcePlace): void {
    const { type, size } = this.#header;
    if (this.#isBound && (type !== header.type || size !== header.size)) {
      const known = describe(this.#header);
      const expected = `the same header fields as before for ${this.name} (${known})`;
      throw optionError('ERR_SCHEMA', option, expected, describe(header), place);
    }
    this.#checkHeaderField(header.type, this.templateId, `${option}.type`, place);
    this.#checkHeaderField(header.size, BigInt(this.bytesMin), `${option}.size`, place);
    this.#header = Object.freeze(header);
    this.#isBound = true;
    this.#codec = null;
    this.#reader = null;
    this.#writer = null;
  }

  #checkHeaderField(name: string | null, value: bigint, option: string, place: SourcePlace): void {
    if (name === null) return;
    const field = this.model.block.fields.find((candidate) => candidate.name === name);
    const type = field?.type;
    if (type?.kind !== 'integer' || !isScalarType(type.base) || field?.base !== null) {
      const expected = `the name of an integer field of ${this.name}`;
      throw optionError('ERR_SCHEMA', option, expected, name, place);
    }
    const { low, high } = integerFacts[type.base];
    if (value >= low && value <= high) return;
    const expected = `a field of ${this.name} that can hold ${value}`;
    throw optionError('ERR_SCHEMA', option, expected, `${name} (${type.base})`, place);
  }

  encode(message: object, target: Uint8Array, offset = 0, end = target?.length): number {
    this.#codec ??= compileCodec(this.#plan());
    return this.#codec.encode(message, target, offset, end);
  }

  sizeOf(message: object): number {
    this.#codec ??= compileCodec(this.#plan());
    return this.#codec.sizeOf(message);
  }

  decode(source: Uint8Array, offset = 0, end = source?.length): Record<string, unknown> {
    this.#codec ??= compileCodec(this.#plan());
    return this.#codec.decode(source, offset, end);
  }

  /** What `decode` would refuse about the structure: 0 or one of `messageFaults`. */
  bind(source: Uint8Array, offset = 0, end = source?.length): number {
    this.#bind ??= bindMessage(this.model);
    return this.#bind(source, offset, end);
  }

  reader(): object {
    this.#reader ??= makeReader(this.#plan());
    return new (this.#reader as new () => object)();
  }

  writer(): object {
    this.#writer ??= makeWriter(this.#plan());
    return new (this.#writer as new () => object)();
  }

  extend(fields: Fields, changes: Changes = {}): MessageSchema {
    const place = callerPlace();
    const option = `schema ${this.name}.extend`;
    const version = this.model.version + 1;
    if (this.model.layout.kind !== 'native') {
      const expected = 'a schema of the native layout; other formats have versions of their own';
      throw optionError('ERR_SCHEMA', option, expected, this.model.layout.kind, place);
    }
    if (version > schemaVersionMax) {
      const expected = `at most ${schemaVersionMax} versions`;
      throw optionError('ERR_SCHEMA', option, expected, version, place);
    }
    const context = { option, place, depth: 0 };
    const block = extendBlock(this.model.block, fields, changes, version, context);
    const fingerprints = fingerprintsOf(block, version);
    return new MessageSchema(freeze({ ...this.model, version, block, fingerprints }), place);
  }

  toJSON(): Json {
    return schemaJson(this.model, this.#header);
  }

  #plan(): CodecPlan {
    const { type, size } = this.#header;
    const header = new Map<string, bigint>();
    if (type !== null) header.set(type, this.templateId);
    const isFixed = this.bytesMin === this.bytesMax;
    if (size !== null && isFixed) header.set(size, BigInt(this.bytesMin));
    return { model: this.model, header, sizeField: isFixed ? null : size };
  }
}

function bytesOf({ layout, block }: SchemaModel): { readonly low: number; readonly high: number } {
  const [first, newest] = [block.versionBytes[0] ?? 0, block.versionBytes.at(-1) ?? 0];
  if (layout.kind === 'native') {
    const high = nativeHeaderBytes + newest + variableBytesMax(block);
    return { low: nativeHeaderBytes + first, high: Math.min(high, nativeMessageBytesMax) };
  }
  const isOpen = block.fields.some(({ type, base }) => base !== null || type.kind === 'rest');
  const ends = block.fields.map(({ offset, bytes, base }) => (base?.plus ?? 0) + offset + bytes);
  return { low: Math.max(newest, ...ends), high: isOpen ? messageBytesMax : newest };
}

function describe({ type, size }: HeaderNames): string {
  return `type: ${type ?? 'none'}, size: ${size ?? 'none'}`;
}

/** Freezes a model with everything in it. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Uint8Array) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

/** Whether a value was made by `schema`. */
export function isSchema(value: unknown): value is AnySchema {
  return value instanceof MessageSchema;
}

/**
 * Defines a message type, by default in the native layout.
 *
 * `templateId` tells it from other messages: in the native layout it is in every message's header
 * (at most 65,535), in others it is the value of the type field. In foreign layouts fields lie in
 * the order given, by the rule of `options.layout`; fields called `type` and `size` become the
 * header when a `union` names them; other names are told by `options.header`.
 * Call it once at start-up, on any thread. Throws HyperRouteError ERR_SCHEMA.
 *
 * @example
 * ```ts
 * const Reading = schema('Reading', 7, { device: t.u64, unit: t.string.max(8).optional() });
 * const NewOrder = schema('NewOrder', 1, { size: t.u32, type: t.u8, price: t.u32, id: t.u64 },
 *   { layout: layout.packed('le') });
 * ```
 */
export function schema<
  const Name extends string,
  const F extends Fields,
  const Type extends keyof F & string = Extract<keyof F & string, 'type'>,
  const Size extends keyof F & string = Extract<keyof F & string, 'size'>,
>(
  name: Name,
  templateId: number | bigint,
  fields: F,
  options: SchemaOptions<Type, Size> & { readonly layout: Layout },
): Schema<Name, F, Type | Size>;
export function schema<const Name extends string, const F extends Fields>(
  name: Name,
  templateId: number | bigint,
  fields: F,
  options?: { readonly doc?: string },
): Schema<Name, F, never>;
export function schema(
  name: string,
  templateId: number | bigint,
  fields: Fields,
  options: SchemaOptions<string, string> = {},
): unknown {
  const place = callerPlace();
  const path = `schema ${checkName(name, 'schema.name', 'ERR_SCHEMA', place)}`;
  const reader = new OptionReader(options, path, place, 'ERR_SCHEMA');
  const [rule, header, doc] = [reader.raw('layout'), reader.raw('header'), reader.raw('doc')];
  reader.done();
  if (rule !== undefined && !isLayout(rule)) {
    const expected = "a layout such as layout.packed('le') or layout.c()";
    throw optionError('ERR_SCHEMA', `${path}.layout`, expected, rule, place);
  }
  if (doc !== undefined && typeof doc !== 'string') {
    throw optionError('ERR_SCHEMA', `${path}.doc`, 'a text', doc, place);
  }
  const id = exactInteger(templateId);
  const idMax = integerFacts[rule === undefined ? 'u16' : 'u64'].high;
  if (id === undefined || id < 0n || id > idMax) {
    const expected = `an integer from 0 to ${rule === undefined ? idMax : '2^64 - 1'}`;
    throw optionError('ERR_SCHEMA', `${path}.templateId`, expected, templateId, place);
  }
  if (!isRecord(fields)) {
    throw optionError('ERR_SCHEMA', `${path}.fields`, 'an object of field types', fields, place);
  }
  const made = new MessageSchema(
    modelOf(name, id, fields, rule ?? null, doc ?? null, path, place),
    place,
  );
  if (header !== undefined) {
    if (rule === undefined) {
      const expected = 'no header fields: native messages have a header of their own';
      throw optionError('ERR_SCHEMA', `${path}.header`, expected, header, place);
    }
    made[bindHeader](readHeader(header, path, place), `${path}.header`, place);
  }
  return made;
}

function modelOf(
  name: string,
  templateId: bigint,
  fields: Fields,
  rule: Layout | null,
  doc: string | null,
  path: string,
  place: SourcePlace,
): SchemaModel {
  const option = `${path}.fields`;
  const common = { name, templateId, version: 1, doc };
  if (rule !== null) {
    const { kind, order } = rule;
    const block = placeForeign(fields, rule, option, place);
    return freeze({ ...common, layout: { kind, order }, fingerprints: [], block });
  }
  const block = placeNative(fields, 1, { option, place, depth: 0 });
  const fingerprints = fingerprintsOf(block, 1);
  return freeze({ ...common, layout: { kind: 'native', order: 'le' }, fingerprints, block });
}

function readHeader(value: unknown, path: string, place: SourcePlace): HeaderNames {
  const reader = new OptionReader(value, `${path}.header`, place, 'ERR_SCHEMA');
  const read = (name: string): string | null => {
    const field = reader.raw(name) ?? null;
    if (field === null || typeof field === 'string') return field;
    throw reader.error(name, 'the name of a field', field);
  };
  const header = { type: read('type'), size: read('size') };
  reader.done();
  return header;
}
