// The types that users of the routing language meet. They exist for the type checker; what they
// refuse is refused again by the builders and by `check`, for JavaScript has no types.

import type {
  ArrayModel,
  AsciiModel,
  BoolModel,
  BytesModel,
  DecimalModel,
  EnumModel,
  FlagsModel,
  FloatModel,
  IntegerModel,
  IntegerType,
  TimestampModel,
  UnsignedType,
} from '../../schema/model.js';
import type { AnySchema, FieldsOf, HeaderOf } from '../../schema/schema.js';
import type { FieldSpec, TypeSpec } from '../../schema/spec.js';

declare const accepts: unique symbol;
declare const carries: unique symbol;
declare const brand: unique symbol;
declare const valueType: unique symbol;
declare const fromType: unique symbol;
declare const toType: unique symbol;

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

/** An operand of arithmetic or of a comparison. */
export type Operand = number | bigint | Expression;

/** An exact integer expression; a message whose arithmetic leaves 128 bits is rejected. */
export interface Expression {
  add(other: Operand): Expression;
  sub(other: Operand): Expression;
  mul(other: Operand): Expression;
  eq(other: Operand): Condition;
  ne(other: Operand): Condition;
  lt(other: Operand): Condition;
  lte(other: Operand): Condition;
  gt(other: Operand): Condition;
  gte(other: Operand): Condition;
}

/** A value of an integer type that a transform can write. */
export interface Value<out Type extends string> {
  readonly [valueType]: Type;
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

/** An integer field of the message in hand. */
export interface NumberRef<Type extends IntegerType> extends Expression, Value<Type> {
  /** Both bounds are included. */
  between(low: number | bigint, high: number | bigint): Condition;
  in(values: readonly (number | bigint)[]): Condition;
  /** The value as another type, for a transform. */
  to<To extends IntegerType>(type: To): Type extends Narrower<To> ? Value<To> : Narrowing<To>;
}

/** A symbol of an enumeration that a transform can write. */
export interface SymbolValue<out Symbols extends string> {
  readonly [valueType]: { readonly symbol: Symbols };
}

/** An enumeration field of the message in hand. */
export interface EnumRef<Symbols extends string> extends SymbolValue<Symbols> {
  is(symbol: Symbols): Condition;
  in(symbols: readonly Symbols[]): Condition;
  /**
   * Replaces every symbol by one of another enumeration, or by a number. A value that is no
   * symbol rejects the message with BAD_ENUM.
   */
  map<const To extends string>(symbols: Readonly<Record<Symbols, To>>): SymbolValue<To>;
  map(numbers: Readonly<Record<Symbols, number | bigint>>): Value<'mapped'>;
}

/** A boolean field of the message in hand. */
export interface BoolRef extends SymbolValue<'false' | 'true'> {
  is(value: boolean): Condition;
}

/** A field of bytes or ASCII; a transform can copy it to one of the same kind and size. */
export interface BytesRef<out Shape extends string, out Bytes extends number> {
  readonly [valueType]: { readonly shape: Shape; readonly bytes: Bytes };
}

/** The reference to a field of a given type. */
export type RefOf<Spec extends FieldSpec> = RefOfType<NonNullable<Spec['type']>>;

type RefOfType<Type extends TypeSpec> = Type extends EnumModel
  ? EnumRef<SymbolsOf<Type>>
  : Type extends BoolModel
    ? BoolRef
    : Type extends IntegerModel | DecimalModel | TimestampModel
      ? NumberRef<Type['base']>
      : Type extends AsciiModel | BytesModel
        ? BytesRef<Type['kind'], Type['bytes']>
        : Type extends FloatModel | FlagsModel
          ? BytesRef<Type['base'], number>
          : Type extends ArrayModel
            ? BytesRef<'array', number>
            : never;

type SymbolsOf<Type extends EnumModel> = Type extends EnumModel<infer Symbols> ? Symbols : never;

/** The fields of the message in hand, as a callback gets them. */
export type Refs<S extends AnySchema> = {
  readonly [Key in keyof FieldsOf<S>]: RefOf<FieldsOf<S>[Key]>;
};

type Special<Type extends IntegerType> =
  | (Type extends UnsignedType ? Value<'sequence'> : never)
  | (Type extends 'u64' ? Value<'return-address'> : never)
  | (Type extends 'u32' | 'u64' ? Value<'reject-code'> : never);

/** What can be written to a field of a given type. */
export type OutputOf<Spec extends FieldSpec> = OutputOfType<NonNullable<Spec['type']>>;

type OutputOfType<Type extends TypeSpec> = Type extends EnumModel
  ? SymbolsOf<Type> | SymbolValue<SymbolsOf<Type>>
  : Type extends BoolModel
    ? boolean | SymbolValue<'false' | 'true'>
    : Type extends IntegerModel | DecimalModel | TimestampModel
      ? number | bigint | Value<Narrower<Type['base']> | 'mapped'> | Special<Type['base']>
      : RefOfType<Type>;

/** What a transform returns: a value for every field that is not of the header. */
export type OutputsOf<S extends AnySchema> = {
  readonly [Key in Exclude<keyof FieldsOf<S>, HeaderOf<S>>]: OutputOf<FieldsOf<S>[Key]>;
} & {
  readonly [Key in keyof FieldsOf<S> & HeaderOf<S>]?: OutputOf<FieldsOf<S>[Key]>;
};

/** Builds messages of type `To` from messages of type `From`. */
export interface Transform<in From extends string, out To extends string> {
  readonly name: string;
  readonly [fromType]: (name: From) => void;
  readonly [toType]: To;
}

/** Where a message goes and what it becomes on the way. */
export interface Action<in Name extends string> {
  readonly [fromType]: (name: Name) => void;
}

/** An entry of `route.first`. */
export interface Rule<in Name extends string> {
  readonly [brand]: (name: Name) => void;
}

/** After `via(transform)`: where the transformed message goes. */
export interface RuleVia<in From extends string, out To extends string> {
  to(destination: Destination<To>): Rule<From>;
}

/** After `when(…)`, and `otherwise` itself. */
export interface RuleStart {
  /** Transforms the message on its way. */
  via<From extends string, To extends string>(transform: Transform<From, To>): RuleVia<From, To>;
  /** Sends the message as it came. */
  to<Name extends string>(destination: Destination<Name>): Rule<Name>;
}

/** After `via(transform)` in `rejects`. */
export interface ActionVia<in From extends string, out To extends string> {
  to(destination: Destination<To>): Action<From>;
}

/** How a pool picks the member for a message. */
export interface Balancing {
  readonly strategy: 'round-robin';
}
