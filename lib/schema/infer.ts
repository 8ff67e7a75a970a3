// From the types of fields to the types of messages: what `decode` gives, what `encode` takes, and
// what flyweights look like.
import type { ArrayModel, FlagsModel } from './model.js';
import type { FieldSpec, Fields, GroupOf, Need, SlotSpec } from './spec.js';

export type Simplify<T> = T extends infer O ? { [Key in keyof O]: O[Key] } : never;

export type ValueOf<Spec extends FieldSpec> = NonNullable<Spec['value']>;
export type NeedOf<Spec extends FieldSpec> = NonNullable<Spec['need']>;
type InputValue<Spec extends FieldSpec> = NonNullable<Spec['input']>;

/** A value as `decode` gives it: an optional field is there, perhaps as undefined. */
type OutputValue<Spec extends FieldSpec> =
  NeedOf<Spec> extends 'optional' ? ValueOf<Spec> | undefined : ValueOf<Spec>;

/** Names of the fields that a message may leave out. */
type Omissible<F extends Fields> = {
  [Key in keyof F]: NeedOf<F[Key]> extends 'required' ? never : Key;
}[keyof F];

/** A message or an entry of a group, as `decode` gives it. */
export type DecodedFields<F extends Fields> = { -readonly [Key in keyof F]: OutputValue<F[Key]> };

/** A message or an entry of a group, as `encode` takes it. */
export type EncodableFields<F extends Fields> = Simplify<
  { readonly [Key in Exclude<keyof F, Omissible<F>>]: InputValue<F[Key]> } & {
    readonly [Key in Omissible<F>]?: InputValue<F[Key]> | undefined;
  }
>;

/** The values of an array field, read in place. */
export interface ArrayReader<Value> extends Iterable<Value> {
  readonly length: number;
  at(index: number): Value;
}

/** The entries of a group, read in place through one flyweight that `at` moves. */
export interface GroupReader<F extends Fields> extends Iterable<EntryReader<F>> {
  readonly count: number;
  at(index: number): EntryReader<F>;
}

type ReaderValue<Spec extends FieldSpec> =
  Spec extends FieldSpec<GroupOf<infer F>>
    ? GroupReader<F>
    : Spec extends FieldSpec<ArrayModel, (infer Value)[], Need, unknown>
      ? ArrayReader<Value>
      : Spec extends FieldSpec<FlagsModel>
        ? Readonly<ValueOf<Spec>>
        : ValueOf<Spec>;

/** One entry of a group. */
export type EntryReader<F extends Fields> = {
  readonly [Key in keyof F]: NeedOf<F[Key]> extends 'optional'
    ? ReaderValue<F[Key]> | undefined
    : ReaderValue<F[Key]>;
};

/** Reads messages where they lie. One object serves any number of messages, one at a time. */
export type Reader<F extends Fields> = EntryReader<F> & {
  /**
   * Looks at the message from `offset` to `end` of `bytes` and checks its structure, so that no
   * getter can leave it. Throws HyperRouteError ERR_MESSAGE; then, as before the first message, the
   * reader has none and getters throw TypeError. `bytes` is used until the next `wrap` and must not
   * change meanwhile. Entries, arrays and flags got before show the next message or none.
   */
  wrap(bytes: Uint8Array, offset?: number, end?: number): Reader<F>;
  /** The message as a new object, as `decode` gives it. */
  toObject(): DecodedFields<F>;
  /** The version that wrote the message; 1 in foreign layouts. */
  readonly $version: number;
  /** Bytes from `offset` to `end`. */
  readonly $bytes: number;
};

type SlotKeys<F extends Fields> = {
  [Key in keyof F]: F[Key] extends FieldSpec<GroupOf> ? Key : never;
}[keyof F];

/** Setters of a message or an entry; a group is begun with its count of entries. */
export type EntryWriter<F extends Fields> = {
  -readonly [Key in Exclude<keyof F, SlotKeys<F>>]:
    | InputValue<F[Key]>
    | (NeedOf<F[Key]> extends 'optional' ? undefined : never);
} & {
  readonly [Key in SlotKeys<F>]: F[Key] extends FieldSpec<GroupOf<infer Inner>>
    ? (count: number) => EntryWriter<Inner> & { next(): EntryWriter<Inner> }
    : never;
};

/** Writes messages where they shall lie. One object serves any number of messages in turn. */
export type Writer<F extends Fields> = EntryWriter<F> & {
  /**
   * Begins a message at `offset` of `target`: writes its header and clears its fixed part. Set
   * fields of fixed size in any order; strings, blobs and groups in the order of the schema.
   * Nothing is written at or behind `end`, which is the target's end if not given: what does not
   * fit is refused by its setter or by `finish`. Throws RangeError when the fixed part does not
   * fit; then the writer has no message.
   */
  wrap(target: Uint8Array, offset?: number, end?: number): Writer<F>;
  /** Ends the message and returns its bytes. */
  finish(): number;
};

/** Fields that a later version may add: none that older messages would have to have. */
export type Addable<F extends Fields> = {
  readonly [Key in keyof F]: NeedOf<F[Key]> extends 'required'
    ? F[Key] extends FieldSpec<SlotSpec>
      ? F[Key]
      : 'a new field must be .optional() or have a .default()'
    : F[Key];
};
