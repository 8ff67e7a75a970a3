// What the type checker knows of a message type: its messages, its fields, what it can do.
import type { SourcePlace } from '../errors.js';
import type { Json } from './canonical.js';
import type { Addable, Changes, Extended } from './extend.js';
import type { DecodedFields, EncodableFields, Reader, Simplify, Writer } from './infer.js';
import type { Layout } from './layout.js';
import type { SchemaModel } from './model.js';
import type { FieldReferences } from './references.js';
import type { Fields } from './spec.js';

declare const types: unique symbol;

/** A message as `decode` gives it. Header fields are there and need not be given to `encode`. */
export type MessageOf<F extends Fields, Header extends string> = Simplify<
  Omit<DecodedFields<F>, Header> & Partial<Pick<DecodedFields<F>, keyof F & Header>>
>;

/** A message as `encode` takes it. */
export type InputMessageOf<F extends Fields, Header extends string> = Simplify<
  Omit<EncodableFields<F>, Header> &
    Partial<Pick<EncodableFields<F>, keyof EncodableFields<F> & Header>>
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
  /** What tells this message from its family's others. */
  readonly templateId: bigint;
  /** Everything about the fields and where they lie. */
  readonly model: SchemaModel;
  /** The least and the most bytes of a message of this type. */
  readonly bytesMin: number;
  readonly bytesMax: number;
  /** Which fields are the type and the size field, once a union or the schema has said so. */
  readonly header: HeaderNames;
  readonly place: SourcePlace;
  /** The fields by name, for what is said about them outside of callbacks: `Order.refs.client`. */
  readonly refs: FieldReferences<Name, F>;
  /** SHA-256 of the canonical JSON, in hexadecimal. */
  readonly hash: string;
  /**
   * Writes a message to `target` from `offset` on, padding cleared, header filled in. Nothing is
   * written at or behind `end`, which is the target's end if not given. Synchronous; `target` is
   * not kept. Returns the bytes written. Throws TypeError or RangeError for a value or a target
   * that does not fit; then the bytes from `offset` to `end` are unspecified.
   */
  encode(
    message: InputMessageOf<F, Header>,
    target: Uint8Array,
    offset?: number,
    end?: number,
  ): number;
  /** The bytes that `encode` will write for this message. Throws as `encode`. */
  sizeOf(message: InputMessageOf<F, Header>): number;
  /**
   * Reads the message between `offset` and `end` of `source` into a new object that shares no
   * memory with it. Synchronous. Throws HyperRouteError ERR_MESSAGE for bytes that are no message
   * of this type. Nothing outside of `offset` and `end` is read; of a message of a newer version,
   * what this one does not know is not either.
   */
  decode(source: Uint8Array, offset?: number, end?: number): MessageOf<F, Header>;
  /** A new flyweight that reads messages where they lie. */
  reader(): Reader<F>;
  /** A new flyweight that writes messages where they shall lie. */
  writer(): Writer<F>;
  /**
   * The next version: `fields` lie behind those there are, and `changes` say what else is new.
   * Messages of all versions are read by all. Native layouts only. Throws ERR_SCHEMA.
   *
   * @example
   * ```ts
   * const OrderV2 = Order.extend({ venue: t.u16.default(0) }, { remove: ['tag'] });
   * ```
   */
  extend<const More extends Fields, const C extends Changes = Record<never, never>>(
    fields: More & Addable<More>,
    changes?: C,
  ): Schema<Name, Extended<F, More, C>, Header>;
  /** The schema as canonical JSON data, which `schemaFromJson` reads. */
  toJSON(): Json;
  /** Exists for the type checker only. */
  readonly [types]?: { readonly name: Name; readonly fields: F; readonly header: Header };
}

/** A schema of which only is known that it is one. */
export type AnySchema = Omit<Schema<string, Fields, string>, SchemaMethods> & {
  readonly [types]?: { readonly name: string; readonly fields: Fields; readonly header: string };
};
type SchemaMethods =
  | 'refs'
  | 'encode'
  | 'sizeOf'
  | 'decode'
  | 'reader'
  | 'writer'
  | 'extend'
  | typeof types;

type TypesOf<S> = S extends { readonly [types]?: infer T } ? NonNullable<T> : never;
export type NameOf<S extends AnySchema> = TypesOf<S> extends { name: infer N } ? N & string : never;
export type FieldsOf<S extends AnySchema> =
  TypesOf<S> extends { fields: infer F extends Fields } ? F : never;
export type HeaderOf<S extends AnySchema> =
  TypesOf<S> extends { header: infer H } ? H & string : never;

/** The JavaScript type of a schema's messages, as `decode` gives them. */
export type InferMessage<S extends AnySchema> = MessageOf<FieldsOf<S>, HeaderOf<S>>;
/** The same as `encode` takes them: what is optional or has a default may be left out. */
export type InferInput<S extends AnySchema> = InputMessageOf<FieldsOf<S>, HeaderOf<S>>;

export interface SchemaOptions<Type extends string, Size extends string> {
  /** Where the fields lie: `layout.packed('le')`, `layout.c()`; if not given, the native layout. */
  readonly layout?: Layout;
  /**
   * Names of the type and the size field of a foreign layout where they are not called `type` and
   * `size`, or where the schema is used outside a union.
   */
  readonly header?: { readonly type?: Type; readonly size?: Size };
  /** What the message means; part of the canonical JSON. */
  readonly doc?: string;
}
