// Message types: `schema(name, templateId, fields, { layout })` and what can be done with one.
import { HyperRouteError, optionError, type SourcePlace } from '../errors.js';
import { type Codec, compileCodec } from './codec.js';
import { isLayout, type Layout, type Placement, placeFields } from './layout.js';
import { viewOf } from './octets.js';
import { checkName, exactInteger, isRecord, OptionReader } from './options.js';
import { callerPlace } from './position.js';
import { type Fields, isScalarType, type PlacedField, scalarFacts } from './types.js';

declare const types: unique symbol;

type Simplify<T> = { [Key in keyof T]: T[Key] };

/** The JavaScript form of a message. Header fields are written by `encode` and may be left out. */
export type MessageOf<F extends Fields, Header extends string> = Simplify<
  { -readonly [Key in Exclude<keyof F, Header>]: NonNullable<F[Key]['value']> } & {
    -readonly [Key in keyof F & Header]?: NonNullable<F[Key]['value']>;
  }
>;

/** Fields that the router writes and checks itself, by their names; null where there is none. */
export interface HeaderNames {
  readonly type: string | null;
  readonly size: string | null;
}

/**
 * A message type. `Name` identifies it to the type checker, `Header` are the names of fields that
 * can be its type and its size field.
 */
export interface Schema<
  Name extends string = string,
  F extends Fields = Fields,
  Header extends string = string,
> {
  readonly name: Name;
  /** The value of the type field that tells this message from its family's others. */
  readonly templateId: bigint;
  /** Size of every message of this type. */
  readonly bytes: number;
  readonly fields: readonly PlacedField[];
  /** Which fields are the type and the size field, once a union or the schema has said so. */
  readonly header: HeaderNames;
  readonly place: SourcePlace;
  /**
   * Writes a message to `target` from `offset` on, padding cleared, type and size field filled.
   * Synchronous, allocates nothing after the first call; `target` is not kept. Returns the bytes
   * written. Throws TypeError or RangeError for a value or a target that does not fit; then the
   * bytes of `target` are unspecified.
   */
  encode(message: MessageOf<F, Header>, target: Uint8Array, offset?: number): number;
  /**
   * Reads the message that starts at `offset` of `source` into a new object that shares no memory
   * with it. Synchronous. Throws HyperRouteError ERR_MESSAGE when too few bytes are there, when
   * the type or size field has another value, or for a number that an enum does not name.
   */
  decode(source: Uint8Array, offset?: number): MessageOf<F, Header>;
  /** Exists for the type checker only. */
  readonly [types]?: { readonly name: Name; readonly fields: F; readonly header: Header };
}

export type AnySchema = Schema<string, Fields, string>;

/** The JavaScript type of a schema's messages. */
export type InferMessage<S extends AnySchema> =
  S extends Schema<string, infer F, infer Header> ? MessageOf<F, Header> : never;

export type NameOf<S extends AnySchema> =
  S extends Schema<infer Name, Fields, string> ? Name : never;
export type FieldsOf<S extends AnySchema> = S extends Schema<string, infer F, string> ? F : never;
export type HeaderOf<S extends AnySchema> =
  S extends Schema<string, Fields, infer Header> ? Header : never;

export interface SchemaOptions<Type extends string, Size extends string> {
  /** Where the fields lie: `layout.packed('le')`, `layout.c()`. */
  readonly layout: Layout;
  /**
   * Names of the type and the size field where they are not called `type` and `size`, or where
   * the schema is used outside a union.
   */
  readonly header?: { readonly type?: Type; readonly size?: Size };
}

/** Called by `union`: gives a member its header fields. Throws ERR_SCHEMA. */
export const bindHeader: unique symbol = Symbol('hyperroute.bindHeader');

class MessageSchema {
  readonly name: string;
  readonly templateId: bigint;
  readonly bytes: number;
  readonly fields: readonly PlacedField[];
  readonly place: SourcePlace;
  #header: HeaderNames = { type: null, size: null };
  #isBound = false;
  #codec: Codec | null = null;

  constructor(name: string, templateId: bigint, placement: Placement, place: SourcePlace) {
    this.name = name;
    this.templateId = templateId;
    this.bytes = placement.bytes;
    this.fields = Object.freeze(placement.fields);
    this.place = place;
  }

  get header(): HeaderNames {
    return this.#header;
  }

  [bindHeader](header: HeaderNames, option: string, place: SourcePlace): void {
    const { type, size } = this.#header;
    if (this.#isBound && (type !== header.type || size !== header.size)) {
      const known = describe(this.#header);
      const expected = `the same header fields as before for ${this.name} (${known})`;
      throw optionError('ERR_SCHEMA', option, expected, describe(header), place);
    }
    this.#checkHeaderField(header.type, this.templateId, `${option}.type`, place);
    this.#checkHeaderField(header.size, BigInt(this.bytes), `${option}.size`, place);
    this.#header = Object.freeze(header);
    this.#isBound = true;
    this.#codec = null;
  }

  #checkHeaderField(name: string | null, value: bigint, option: string, place: SourcePlace): void {
    if (name === null) return;
    const field = this.fields.find((candidate) => candidate.name === name);
    if (field === undefined || field.symbols !== null || !isScalarType(field.type)) {
      const expected = `the name of an integer field of ${this.name}`;
      throw optionError('ERR_SCHEMA', option, expected, name, place);
    }
    const { low, high } = scalarFacts[field.type];
    if (value >= low && value <= high) return;
    const expected = `a field of ${this.name} that can hold ${value}`;
    throw optionError('ERR_SCHEMA', option, expected, `${name} (${field.type})`, place);
  }

  encode(message: object, target: Uint8Array, offset = 0): number {
    if (!(offset >= 0 && offset + this.bytes <= target.length) || !Number.isInteger(offset)) {
      throw new RangeError(
        `${this.name}.encode: expected room for ${this.bytes} bytes at offset ${offset}, ` +
          `received a target of ${target.length} bytes`,
      );
    }
    this.#codec ??= this.#compile();
    this.#codec.encode(message, viewOf(target), target.byteOffset + offset);
    return this.bytes;
  }

  decode(source: Uint8Array, offset = 0): Record<string, unknown> {
    if (!(offset >= 0) || !Number.isInteger(offset)) {
      throw new RangeError(`${this.name}.decode: expected an offset from 0, received ${offset}`);
    }
    if (offset + this.bytes > source.length) {
      const found = Math.max(0, source.length - offset);
      const context = `${this.name}: expected ${this.bytes} bytes, found ${found}`;
      throw new HyperRouteError('ERR_MESSAGE', context, { context });
    }
    this.#codec ??= this.#compile();
    return this.#codec.decode(viewOf(source), source.byteOffset + offset);
  }

  #compile(): Codec {
    const { type, size } = this.#header;
    const header = new Map<string, bigint>();
    if (type !== null) header.set(type, this.templateId);
    if (size !== null) header.set(size, BigInt(this.bytes));
    return compileCodec({ name: this.name, bytes: this.bytes, fields: this.fields, header });
  }
}

function describe({ type, size }: HeaderNames): string {
  return `type: ${type ?? 'none'}, size: ${size ?? 'none'}`;
}

/** Whether a value was made by `schema`. */
export function isSchema(value: unknown): value is AnySchema {
  return value instanceof MessageSchema;
}

/**
 * Defines a message type of a fixed size.
 *
 * `templateId` is the value of the type field that tells it from the other members of its union.
 * Fields lie in the order given, by the rule of `options.layout`. Fields called `type` and `size`
 * become the header when a `union` names them; other names are told by `options.header`.
 * Call it once at start-up, on any thread. Throws HyperRouteError ERR_SCHEMA.
 *
 * @example
 * ```ts
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
  options: SchemaOptions<Type, Size>,
): Schema<Name, F, Type | Size> {
  const place = callerPlace();
  const path = `schema ${checkName(name, 'schema.name', 'ERR_SCHEMA', place)}`;
  const id = exactInteger(templateId);
  if (id === undefined || id < 0n || id > scalarFacts.u64.high) {
    const expected = 'an integer from 0 to 2^64 - 1';
    throw optionError('ERR_SCHEMA', `${path}.templateId`, expected, templateId, place);
  }
  if (!isRecord(fields)) {
    throw optionError('ERR_SCHEMA', `${path}.fields`, 'an object of field types', fields, place);
  }
  const reader = new OptionReader(options ?? {}, path, place, 'ERR_SCHEMA');
  const rule = reader.raw('layout');
  if (!isLayout(rule)) throw layoutError(path, rule, place);
  const header = reader.raw('header');
  reader.done();
  const placement = placeFields(fields, rule, `${path}.fields`, place);
  const made = new MessageSchema(name, id, placement, place);
  if (header !== undefined)
    made[bindHeader](readHeader(header, path, place), `${path}.header`, place);
  return made as unknown as Schema<Name, F, Type | Size>;
}

function layoutError(path: string, received: unknown, place: SourcePlace): Error {
  // The code is that of a configuration: the schema is sound, an option of it is not.
  const expected =
    "a layout such as layout.packed('le') or layout.c(); there is no native layout to fall back on";
  return optionError('ERR_CONFIG', `${path}.layout`, expected, received, place);
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
