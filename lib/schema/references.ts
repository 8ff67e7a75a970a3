// Names of fields outside of callbacks: `Order.refs.client`. They say which field is meant, and
// nothing about a message in hand.
import type { FieldSpec, Fields } from './spec.js';
import type { AnySchema } from './types.js';

declare const reference: unique symbol;

/** What a field is to those that are told of it by reference. */
export type ReferenceKind = 'integer' | 'text' | 'other';

type KindOfType<Kind> = Kind extends 'integer' | 'decimal' | 'timestamp' | 'enum' | 'bool' | 'bits'
  ? 'integer'
  : Kind extends 'ascii' | 'bytes' | 'string' | 'blob'
    ? 'text'
    : 'other';

type KindOf<Spec extends FieldSpec> =
  NonNullable<Spec['need']> extends 'optional'
    ? 'other'
    : KindOfType<NonNullable<Spec['type']>['kind']>;

/** A field of a message type, by name. `schema.refs` has one for each field. */
export class FieldReference<
  out Name extends string = string,
  out Kind extends ReferenceKind = ReferenceKind,
> {
  readonly schema: AnySchema;
  readonly field: string;
  /** Exists for the type checker only. */
  declare readonly [reference]?: { readonly name: Name; readonly kind: Kind };

  constructor(schema: AnySchema, field: string) {
    this.schema = schema;
    this.field = field;
    Object.freeze(this);
  }
}

/** References to all fields of a message type. */
export type FieldReferences<Name extends string, F extends Fields> = {
  readonly [Key in keyof F]: FieldReference<Name, KindOf<F[Key]>>;
};
