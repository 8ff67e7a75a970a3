// What a transform may return, field by field: the types of outputs from the types of fields.
import type { NeedOf } from '../../schema/infer.js';
import type {
  AsciiModel,
  BoolModel,
  BytesModel,
  EnumModel,
  FlagsModel,
  FloatModel,
  IntegerType,
  UnsignedType,
} from '../../schema/model.js';
import type { AnySchema, FieldsOf, HeaderOf } from '../../schema/schema.js';
import type {
  BitsSpec,
  FieldSpec,
  Fields,
  GroupOf,
  SlotSpec,
  TypeSpec,
} from '../../schema/spec.js';
import type { FittedText } from './text-types.js';
import type {
  BytesRef,
  GroupValue,
  IntegerModels,
  MaybeValue,
  Narrower,
  OpaqueRef,
  OptionalBytesRef,
  SlotModels,
  SymbolsOf,
  SymbolValue,
  Value,
  VariableRef,
} from './types.js';

type Special<Type extends IntegerType> =
  | (Type extends UnsignedType ? Value<'sequence'> : never)
  | (Type extends 'u64' ? Value<'return-address' | 'correlation-id' | 'found-id'> : never)
  | (Type extends 'u32' | 'u64' ? Value<'reject-code'> : never);

/** What can be written to a field of a given type. */
export type OutputOf<Spec extends FieldSpec> =
  | (NonNullable<Spec['type']> extends FlagsModel ? NonNullable<Spec['input']> : never)
  | OutputOfType<NonNullable<Spec['type']>>
  | (NeedOf<Spec> extends 'optional' ? MaybeOutput<NonNullable<Spec['type']>> : never);

type OutputOfType<Type extends TypeSpec> = Type extends EnumModel
  ? SymbolsOf<Type> | SymbolValue<SymbolsOf<Type>>
  : Type extends BoolModel
    ? boolean | SymbolValue<'false' | 'true'>
    : Type extends IntegerModels
      ? IntegerOutput<Type['base']>
      : Type extends BitsSpec
        ? IntegerOutput<'u32'>
        : Type extends FloatModel
          ? number | BytesRef<Type['base'] | (Type['base'] extends 'f64' ? 'f32' : never), number>
          : Type extends GroupOf<infer F>
            ? GroupValue<OutputsOfFields<F>>
            : Type extends SlotModels
              ? VariableRef<Type['kind']>
              : OpaqueRef<Type> | ConstantOf<Type>;

/** Constants, and text that was made to fit. */
type ConstantOf<Type extends TypeSpec> = Type extends AsciiModel
  ? string | FittedText<Type['bytes']>
  : Type extends BytesModel
    ? Uint8Array
    : never;

type IntegerOutput<Base extends IntegerType> =
  | number
  | bigint
  | Value<Narrower<Base> | 'mapped' | 'rescaled'>
  | Special<Base>;

/** What may be absent, for an output that may be absent too. */
type MaybeOutput<Type extends TypeSpec> = Type extends EnumModel
  ? MaybeValue<{ readonly symbol: SymbolsOf<Type> }>
  : Type extends BoolModel
    ? MaybeValue<{ readonly symbol: 'false' | 'true' }>
    : Type extends IntegerModels
      ? MaybeValue<Narrower<Type['base']> | 'mapped' | 'rescaled'>
      : Type extends SlotModels
        ? MaybeValue<{ readonly variable: Type['kind'] }>
        : Type extends FloatModel
          ? OptionalBytesRef<Type['base'] | (Type['base'] extends 'f64' ? 'f32' : never), number>
          : OpaqueRef<Type> extends BytesRef<infer Shape, infer Bytes>
            ? OptionalBytesRef<Shape, Bytes>
            : never;

/** Names of the fields that a transform may leave out. */
type OmissibleOutputs<F extends Fields> = {
  [Key in keyof F]: NeedOf<F[Key]> extends 'required'
    ? F[Key] extends FieldSpec<SlotSpec>
      ? Key
      : never
    : Key;
}[keyof F];

/** Values for the fields of a message or of the entries of a group. */
export type OutputsOfFields<F extends Fields> = {
  readonly [Key in Exclude<keyof F, OmissibleOutputs<F>>]: OutputOf<F[Key]>;
} & {
  readonly [Key in OmissibleOutputs<F>]?: OutputOf<F[Key]>;
};

/** What a transform returns: a value for every field that is not of the header. */
export type OutputsOf<S extends AnySchema> = Omit<OutputsOfFields<FieldsOf<S>>, HeaderOf<S>> & {
  readonly [Key in keyof FieldsOf<S> & HeaderOf<S>]?: OutputOf<FieldsOf<S>[Key]>;
};
