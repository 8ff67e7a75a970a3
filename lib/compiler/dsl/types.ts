// The types that users of the routing language meet. They exist for the type checker; what they
// refuse is refused again by the builders and by `check`, for JavaScript has no types.

import type { NeedOf } from '../../schema/infer.js';
import type {
  ArrayModel,
  AsciiModel,
  BlobModel,
  BoolModel,
  BytesModel,
  DecimalModel,
  EnumModel,
  FlagsModel,
  FloatModel,
  IntegerModel,
  IntegerType,
  RestModel,
  StringModel,
  TimestampModel,
  UnsignedType,
} from '../../schema/model.js';
import type { AnySchema, FieldsOf } from '../../schema/schema.js';
import type { BitsSpec, FieldSpec, Fields, GroupOf, TypeSpec } from '../../schema/spec.js';
import type { Banded, Dimension } from './decide-types.js';
import type { Expression, Unit } from './expression-types.js';
import type { MaybeTabulating, OwnConditions, Tabulating } from './own-types.js';
import type { Bits, Counted, Fitting, FlagsConditions, TextConditions } from './text-types.js';

declare const accepts: unique symbol;
declare const carries: unique symbol;
declare const brand: unique symbol;
declare const valueType: unique symbol;
declare const fromType: unique symbol;
declare const toType: unique symbol;
declare const maybeType: unique symbol;

/** The name under which raw messages pass for a type; no schema can have it. */
export type RawName = '(raw)';

/** Where messages of the named types can be sent. */
export interface Destination<in Name extends string> {
  readonly [accepts]: (name: Name) => void;
}

/** What messages of the named types come from. */
export interface Source<in Name extends string> {
  readonly [carries]: (name: Name) => void;
}

/** A condition over the fields of a message. Used up by when, and, or, not or else. */
export interface Condition {
  readonly [brand]: 'condition';
  /**
   * In `validate`: rejects the message with this code when the condition is false. Codes are
   * named; the number is 1000 or above, given once or chosen by the compiler.
   */
  else(name: string, code?: number): Check;
}

/** A condition and the code of its failure: an entry of `validate`. */
export interface Check {
  readonly [brand]: 'check';
}

/** A value of an integer type that a transform can write. */
export interface Value<out Type extends string> {
  readonly [valueType]: Type;
}

/** A value that may be absent: an optional field's. */
export interface MaybeValue<out Type> {
  readonly [maybeType]: Type;
}

/** An optional field of the message in hand. */
export interface Optional {
  /** True when the field is there. */
  present(): Condition;
}

/** The integer types whose every value is a value of `Type`. */
export type Narrower<Type extends IntegerType> = {
  u8: 'u8';
  u16: 'u8' | 'u16';
  u24: 'u8' | 'u16' | 'u24';
  u32: 'u8' | 'u16' | 'u24' | 'u32';
  u40: 'u8' | 'u16' | 'u24' | 'u32' | 'u40';
  u48: 'u8' | 'u16' | 'u24' | 'u32' | 'u40' | 'u48';
  u64: UnsignedType | 'u24' | 'u40' | 'u48';
  i8: 'i8';
  i16: 'i8' | 'i16' | 'u8';
  i32: 'i8' | 'i16' | 'i32' | 'u8' | 'u16' | 'u24';
  i64: Exclude<IntegerType, 'u64'>;
}[Type];

/** A conversion that not every value survives: it says what happens to the others. */
export interface Narrowing<Type extends IntegerType> {
  /** Rejects messages whose value does not fit, with this code (see `Condition.else`). */
  orReject(name: string, code?: number): Value<Type>;
}

/** What can be asked of an integer field. Of an optional one that is absent, nothing is true. */
export interface NumberConditions<U extends Unit = Unit> extends Expression<U> {
  /** Both bounds are included. */
  between(low: number | bigint, high: number | bigint): Condition;
  in(values: readonly (number | bigint)[]): Condition;
  /** The bits that the mask names; of signed fields those of two's complement. */
  bits(mask: number | bigint): Bits;
  /** The first `bits` bits of an unsigned field are those of `value`, the rest of which is zero. */
  prefix(value: number | bigint, bits: number): Condition;
}

/** An integer field of the message in hand. */
export interface NumberRef<Type extends IntegerType, U extends Unit = 'plain'>
  extends NumberConditions<U>,
    OwnConditions<number>,
    Tabulating<number>,
    Banded<never>,
    Value<Type> {
  /** The value as another type, for a transform. */
  to<To extends IntegerType>(type: To): Type extends Narrower<To> ? Value<To> : Narrowing<To>;
  to(type: 'u53'): Narrowing<'u64'>;
  /** A decimal with this many digits behind the point, for a transform; exact or rejected. */
  rescale(digits: number): Rescaling;
}

/** A conversion to other digits behind the point: it says what happens to what does not fit. */
export interface Rescaling {
  /** Rejects messages whose value is not exact with fewer digits, or too large. */
  orReject(name: string, code?: number): Value<'rescaled'>;
}

/** An integer that may be absent, for a transform. */
export interface MaybeNumber<Type extends string> extends MaybeValue<Type> {
  /** This value where the field is absent. */
  orElse(value: number | bigint): Value<Type>;
  /** Messages without the field are rejected with this code. */
  orRejectAbsent(name: string, code?: number): Value<Type>;
}

/** A conversion that not every value survives, of a field that may be absent. */
export interface MaybeNarrowing<Type extends string> {
  /** Rejects messages whose value does not fit, with this code. */
  orReject(name: string, code?: number): MaybeNumber<Type>;
}

/** An optional integer field of the message in hand. */
export interface OptionalNumberRef<Type extends IntegerType, U extends Unit = 'plain'>
  extends NumberConditions<U>,
    OwnConditions<number>,
    MaybeTabulating<number>,
    Banded<undefined>,
    Optional,
    MaybeNumber<Type> {
  to<To extends IntegerType>(
    type: To,
  ): Type extends Narrower<To> ? MaybeNumber<To> : MaybeNarrowing<To>;
  rescale(digits: number): MaybeNarrowing<'rescaled'>;
}

/** A symbol of an enumeration that a transform can write. */
export interface SymbolValue<out Symbols extends string> {
  readonly [valueType]: { readonly symbol: Symbols };
}

/** What can be asked of an enumeration field. */
export interface EnumConditions<Symbols extends string> {
  is(symbol: Symbols): Condition;
  in(symbols: readonly Symbols[]): Condition;
}

/** An enumeration field of the message in hand. */
export interface EnumRef<Symbols extends string>
  extends EnumConditions<Symbols>,
    Dimension<Symbols | 'unknown'>,
    OwnConditions<Symbols>,
    Tabulating<Symbols>,
    SymbolValue<Symbols> {
  /**
   * Replaces every symbol by one of another enumeration, or by a number. A value that is no
   * symbol rejects the message with BAD_ENUM.
   */
  map<const To extends string>(symbols: Readonly<Record<Symbols, To>>): SymbolValue<To>;
  map(numbers: Readonly<Record<Symbols, number | bigint>>): Value<'mapped'>;
}

/** A symbol that may be absent, for a transform. */
export interface MaybeSymbol<Symbols extends string>
  extends MaybeValue<{ readonly symbol: Symbols }> {
  orElse(symbol: Symbols): SymbolValue<Symbols>;
  orRejectAbsent(name: string, code?: number): SymbolValue<Symbols>;
}

/** An optional enumeration field of the message in hand. */
export interface OptionalEnumRef<Symbols extends string>
  extends EnumConditions<Symbols>,
    Dimension<Symbols | 'unknown' | undefined>,
    OwnConditions<Symbols>,
    MaybeTabulating<Symbols>,
    Optional,
    MaybeSymbol<Symbols> {
  map<const To extends string>(symbols: Readonly<Record<Symbols, To>>): MaybeSymbol<To>;
  map(numbers: Readonly<Record<Symbols, number | bigint>>): MaybeNumber<'mapped'>;
}

/** A boolean field of the message in hand. */
export interface BoolRef
  extends Dimension<boolean>,
    OwnConditions<boolean>,
    Tabulating<boolean>,
    SymbolValue<'false' | 'true'> {
  is(value: boolean): Condition;
}

/** A boolean that may be absent, for a transform. */
export interface OptionalBoolValue extends MaybeValue<{ readonly symbol: 'false' | 'true' }> {
  orElse(value: boolean): SymbolValue<'false' | 'true'>;
  orRejectAbsent(name: string, code?: number): SymbolValue<'false' | 'true'>;
}

/** An optional boolean field of the message in hand. */
export interface OptionalBoolRef
  extends Dimension<boolean | undefined>,
    OwnConditions<boolean>,
    MaybeTabulating<boolean>,
    Optional,
    OptionalBoolValue {
  is(value: boolean): Condition;
}

/** A field of bytes or ASCII; a transform can copy it to one of the same kind and size. */
export interface BytesRef<out Shape extends string, out Bytes extends number> {
  readonly [valueType]: { readonly shape: Shape; readonly bytes: Bytes };
}

/** The same of an optional field. */
export interface OptionalBytesRef<out Shape extends string, out Bytes extends number>
  extends Optional,
    MaybeValue<{ readonly shape: Shape; readonly bytes: Bytes }> {
  orRejectAbsent(name: string, code?: number): BytesRef<Shape, Bytes>;
}

/** A string or blob of the message in hand; absent, it is copied as an empty one. */
export interface VariableRef<out Kind extends string> {
  readonly [valueType]: { readonly variable: Kind };
  /** In a transform: rejects messages with more bytes than the output takes. */
  orReject(name: string, code?: number): VariableRef<Kind>;
}

/** The bytes that follow a foreign message: nothing that a route or a transform can use. */
export interface RestRef {
  readonly [valueType]: { readonly rest: never };
}

/** The entries of a group that a transform writes. */
export interface GroupValue<out Outputs> {
  readonly [valueType]: { readonly entries: Outputs };
}

/** A group of the message in hand. */
export interface GroupRef<F extends Fields> {
  /** How many entries there are. */
  readonly count: Expression<'plain'>;
  /** An entry for each entry: `build` gets the fields of one and runs once, now. */
  map<const Outputs>(build: (entry: RefsOf<F>) => Outputs): GroupValue<Outputs>;
}

/** The reference to a field of a given type. */
export type RefOf<Spec extends FieldSpec> =
  NonNullable<Spec['type']> extends FlagsModel
    ? PlainRefOf<Spec> & FlagsConditions<keyof NonNullable<Spec['value']> & string>
    : PlainRefOf<Spec>;

type PlainRefOf<Spec extends FieldSpec> =
  NeedOf<Spec> extends 'optional'
    ? OptionalRefOfType<NonNullable<Spec['type']>>
    : RefOfType<NonNullable<Spec['type']>>;

export type IntegerModels = IntegerModel | DecimalModel | TimestampModel;
export type SlotModels = StringModel | BlobModel;

export type RefOfType<Type extends TypeSpec> = Type extends EnumModel
  ? EnumRef<SymbolsOf<Type>>
  : Type extends BoolModel
    ? BoolRef
    : Type extends IntegerModels
      ? NumberRef<Type['base'], UnitOf<Type>>
      : Type extends BitsSpec
        ? NumberRef<'u32'>
        : Type extends SlotModels
          ? VariableRefOf<Type>
          : Type extends GroupOf<infer F>
            ? GroupRef<F>
            : Type extends RestModel
              ? RestRef
              : OpaqueRef<Type> & ConditionsOf<Type>;

type OptionalRefOfType<Type extends TypeSpec> = Type extends EnumModel
  ? OptionalEnumRef<SymbolsOf<Type>>
  : Type extends BoolModel
    ? OptionalBoolRef
    : Type extends IntegerModels
      ? OptionalNumberRef<Type['base'], UnitOf<Type>>
      : Type extends SlotModels
        ? VariableRefOf<Type> & Optional & MaybeValue<{ readonly variable: Type['kind'] }>
        : Type extends GroupOf<infer F>
          ? GroupRef<F> & Optional
          : OpaqueRef<Type> extends BytesRef<infer Shape, infer Bytes>
            ? OptionalBytesRef<Shape, Bytes> & ConditionsOf<Type>
            : never;

type VariableRefOf<Type extends SlotModels> = VariableRef<Type['kind']> & ConditionsOf<Type>;

/** What a condition can ask of a field that a transform only copies. */
type ConditionsOf<Type extends TypeSpec> = Type extends StringModel
  ? TextConditions<string> & Counted
  : Type extends AsciiModel
    ? TextConditions<string> & Fitting
    : Type extends BytesModel
      ? TextConditions<Uint8Array>
      : unknown;

type UnitOf<Type extends IntegerModels> = Type extends DecimalModel
  ? 'decimal'
  : Type extends TimestampModel
    ? 'timestamp'
    : 'plain';

export type OpaqueRef<Type extends TypeSpec> = Type extends AsciiModel | BytesModel
  ? BytesRef<Type['kind'], Type['bytes']>
  : Type extends FloatModel | FlagsModel
    ? BytesRef<Type['base'], number>
    : Type extends ArrayModel
      ? BytesRef<'array', number>
      : never;

export type SymbolsOf<Type extends EnumModel> =
  Type extends EnumModel<infer Symbols> ? Symbols : never;

/** Fields as a callback gets them. */
export type RefsOf<F extends Fields> = { readonly [Key in keyof F]: RefOf<F[Key]> };

/** The fields of the message in hand, as a callback gets them. */
export type Refs<S extends AnySchema> = RefsOf<FieldsOf<S>>;

/** Builds messages of type `To` from messages of type `From`. */
export interface Transform<in From extends string, out To extends string> {
  readonly name: string;
  readonly [fromType]: (name: From) => void;
  readonly [toType]: To;
}
