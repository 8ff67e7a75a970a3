// The field types of the schema language: `t.u32`, `t.enum('buy', 'sell')`, `t.string.max(64)`.

import { optionError } from '../errors.js';
import { collection } from './collection.js';
import type { DecodedFields, EncodableFields } from './infer.js';
import type {
  ArrayModel,
  BlobModel,
  BoolModel,
  DecimalModel,
  FlagsModel,
  FloatModel,
  FloatType,
  IntegerModel,
  IntegerType,
  RestModel,
  ScalarType,
  StringModel,
  TimestampModel,
  UnsignedType,
} from './model.js';
import { isScalarType, nativeMessageBytesMax } from './model.js';
import { isRecord } from './options.js';
import { callerPlace } from './position.js';
import {
  type AsciiSpec,
  type BitsSpec,
  type BytesSpec,
  type ElementSpec,
  type EnumSpec,
  FieldSpec,
  type Fields,
  type GroupOf,
  VariableSpec,
} from './spec.js';
import { bitFlags, type EnumOptions, enumerate, type UnknownOf } from './symbols.js';

const fieldBytesMax = 4096;
const arrayCountMax = 4096;
const groupCountMax = 65_535;
const bitsMax = 32;
const scaleMax = 18;

/** The JavaScript value of an integer type. */
export type IntegerValue<Base extends IntegerType> = Base extends 'u64' | 'i64' ? bigint : number;

type Required<Type extends IntegerModel | FloatModel, Value> = FieldSpec<Type, Value, 'required'>;

function integer<const Base extends IntegerType>(
  base: Base,
): Required<IntegerModel & { readonly base: Base }, IntegerValue<Base>> {
  return new FieldSpec(Object.freeze({ kind: 'integer', base, safe: false })) as never;
}

function float<const Base extends FloatType>(
  base: Base,
): Required<FloatModel & { readonly base: Base }, number> {
  return new FieldSpec(Object.freeze({ kind: 'float', base })) as never;
}

function enumeration<const Symbols extends string>(...symbols: Symbols[]): EnumSpec<Symbols>;
function enumeration<
  const Values extends Readonly<Record<string, number | bigint>>,
  const Options extends EnumOptions<keyof Values & string> = Record<never, never>,
>(
  values: Values,
  options?: Options,
): EnumSpec<keyof Values & string, (keyof Values & string) | UnknownOf<Options>>;
function enumeration(...given: readonly unknown[]): FieldSpec {
  const [first, second] = given;
  const entries = isRecord(first) ? Object.entries(first) : given.map((name, at) => [name, at]);
  const options = isRecord(first) ? (second ?? {}) : {};
  return new FieldSpec(enumerate(entries as [unknown, unknown][], options, callerPlace()));
}

type FlagsSpec<Names extends string> = FieldSpec<
  FlagsModel,
  { [Name in Names]: boolean },
  'required',
  { readonly [Name in Names]?: boolean }
>;

function flags<const Names extends string>(...names: Names[]): FlagsSpec<Names>;
function flags<const Bits extends Readonly<Record<string, number>>>(
  bits: Bits,
  options?: { readonly base?: UnsignedType },
): FlagsSpec<keyof Bits & string>;
function flags(...given: readonly unknown[]): FieldSpec {
  const [first, second] = given;
  const entries = isRecord(first) ? Object.entries(first) : given.map((name, at) => [name, at]);
  const options = isRecord(first) ? (second ?? {}) : {};
  return new FieldSpec(bitFlags(entries as [unknown, unknown][], options, callerPlace()));
}

type DecimalSpec<Base extends ScalarType> = FieldSpec<
  DecimalModel & { readonly base: Base },
  IntegerValue<Base>,
  'required'
>;

function decimal(scale: number): DecimalSpec<'i64'>;
function decimal<const Base extends ScalarType>(
  scale: number,
  options: { readonly base: Base },
): DecimalSpec<Base>;
function decimal(scale: number, options: { readonly base?: unknown } = {}): unknown {
  checkCount('t.decimal.scale', scale, 0, scaleMax);
  const base = options.base ?? 'i64';
  if (!isScalarType(base)) {
    const expected = 'an integer type such as i64';
    throw optionError('ERR_SCHEMA', 't.decimal.base', expected, base, callerPlace());
  }
  return new FieldSpec(Object.freeze({ kind: 'decimal', base, scale }));
}

function ascii<const Bytes extends number>(
  bytes: Bytes,
  options: { readonly pad?: 'zero' | 'space' } = {},
): AsciiSpec<Bytes> {
  checkCount('t.ascii', bytes, 1, fieldBytesMax);
  const pad = options.pad ?? 'zero';
  if (pad !== 'zero' && pad !== 'space') {
    throw optionError('ERR_SCHEMA', 't.ascii.pad', `'zero' or 'space'`, pad, callerPlace());
  }
  return new FieldSpec(Object.freeze({ kind: 'ascii', bytes, pad })) as never;
}

function bytesOf<const Bytes extends number>(bytes: Bytes): BytesSpec<Bytes> {
  checkCount('t.bytes', bytes, 1, fieldBytesMax);
  return new FieldSpec(Object.freeze({ kind: 'bytes', bytes })) as never;
}

const elementKinds = [
  'integer',
  'float',
  'bool',
  'flags',
  'enum',
  'decimal',
  'timestamp',
  'ascii',
  'bytes',
];

function array<Value>(
  element: ElementSpec<Value>,
  count: number,
): FieldSpec<ArrayModel, Value[], 'required', readonly Value[]> {
  const isElement = element instanceof FieldSpec && elementKinds.includes(element.type.kind);
  if (!isElement || element.options.need !== 'required' || element.options.at !== null) {
    const expected = 'a type of fixed size that is neither optional nor an array itself';
    throw optionError('ERR_SCHEMA', 't.array.element', expected, element, callerPlace());
  }
  checkCount('t.array.count', count, 1, arrayCountMax);
  return new FieldSpec(Object.freeze({ kind: 'array', element: element.type, count })) as never;
}

function group<const F extends Fields>(
  fields: F,
): VariableSpec<GroupOf<F>, DecodedFields<F>[], 'required', readonly EncodableFields<F>[]> {
  if (!isRecord(fields)) {
    const expected = 'an object of field types';
    throw optionError('ERR_SCHEMA', 't.group', expected, fields, callerPlace());
  }
  return new VariableSpec({ kind: 'group', countMax: groupCountMax, fields }) as never;
}

function bits(count: number): FieldSpec<BitsSpec, number, 'required'> {
  checkCount('t.bits', count, 1, bitsMax);
  return new FieldSpec(Object.freeze({ kind: 'bits', bits: count }));
}

function checkCount(option: string, value: unknown, low: number, high: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return;
  const expected = `an integer from ${low} to ${high}`;
  throw optionError('ERR_SCHEMA', option, expected, value, callerPlace());
}

/**
 * Field types. Every one has `.id(n)`, `.doc(text)` and `.optional()`, those of fixed size have
 * `.default(value)`: strings, blobs and groups that are missing are empty.
 *
 * - `t.u8` … `t.u32`, `t.i8` … `t.i32`: numbers; `t.u64`, `t.i64`: bigints; `t.u53`: eight bytes
 *   that hold a number up to 2^53 - 1. `t.f32`, `t.f64`: numbers. `t.bool`: one byte, 0 or 1.
 * - `t.decimal(4)`: a count of ten-thousandths, a bigint; with `{ base: 'i32' }` a number.
 * - `t.timestamp`: nanoseconds since 1970 in UTC, a bigint.
 * - `t.enum('buy', 'sell')`: symbols numbered from 0 in one byte, or with numbers, base and what
 *   becomes of others `t.enum({ buy: 1, sell: 2 }, { base: 'u16', unknown: 'raw' })`.
 * - `t.flags('open', 'urgent')`: named bits from the lowest on, an object of booleans.
 * - `t.ascii(n)`: up to n ASCII characters padded with zero bytes; `t.bytes(n)`: n bytes.
 * - `t.array(t.f32, 8)`: eight values, one behind the other.
 * - `t.string`, `t.blob`: UTF-8 text and bytes of any size, bounded by `.max(bytes)`.
 * - `t.group({ … })`: any number of entries with these fields, bounded by `.max(count)`.
 *
 * Of foreign layouts only: `t.u24`, `t.u40`, `t.u48` (numbers), `t.ascii(n, { pad: 'space' })`,
 * `t.bits(n)` (fields that share whole bytes), `.at('field', { scale, plus })` on any of them, and
 * `t.rest` (the bytes that follow). Of native layouts only: optional fields, `t.string`, `t.blob`
 * and `t.group`.
 */
export const t = collection('t', 'a field type', 'ERR_SCHEMA', {
  u8: integer('u8'),
  u16: integer('u16'),
  u24: integer('u24'),
  u32: integer('u32'),
  u40: integer('u40'),
  u48: integer('u48'),
  u64: integer('u64'),
  i8: integer('i8'),
  i16: integer('i16'),
  i32: integer('i32'),
  i64: integer('i64'),
  u53: new FieldSpec(Object.freeze({ kind: 'integer', base: 'u64', safe: true })) as FieldSpec<
    IntegerModel & { readonly base: 'u64' },
    number,
    'required'
  >,
  f32: float('f32'),
  f64: float('f64'),
  bool: new FieldSpec(Object.freeze({ kind: 'bool', base: 'u8' })) as FieldSpec<
    BoolModel,
    boolean,
    'required'
  >,
  timestamp: new FieldSpec(Object.freeze({ kind: 'timestamp', base: 'u64' })) as FieldSpec<
    TimestampModel,
    bigint,
    'required'
  >,
  enum: enumeration,
  flags,
  decimal,
  ascii,
  bytes: bytesOf,
  array,
  string: new VariableSpec({ kind: 'string', bytesMax: nativeMessageBytesMax }) as VariableSpec<
    StringModel,
    string,
    'required'
  >,
  blob: new VariableSpec({ kind: 'blob', bytesMax: nativeMessageBytesMax }) as VariableSpec<
    BlobModel,
    Uint8Array,
    'required'
  >,
  group,
  bits,
  rest: new FieldSpec(Object.freeze({ kind: 'rest' })) as FieldSpec<
    RestModel,
    Uint8Array,
    'required'
  >,
});
