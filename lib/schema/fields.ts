// The field types of the schema language: `t.u32`, `t.enum('buy', 'sell')`, `t.bytes(16)`.
import { optionError } from '../errors.js';
import { exactInteger, isRecord, quotedList } from './options.js';
import { callerPlace } from './position.js';
import { type FieldSpec, type ScalarType, scalarFacts } from './types.js';

/** Integer types an enumeration can be stored as. */
export type EnumBase = 'u8' | 'u16' | 'u32' | 'i8' | 'i16' | 'i32';

const enumBases: readonly EnumBase[] = ['u8', 'u16', 'u32', 'i8', 'i16', 'i32'];
const fieldBytesMax = 4096;
const symbolsMax = 4096;

/** An enumeration with these symbols. */
export type EnumSpec<Symbols extends string, Base extends EnumBase = EnumBase> = FieldSpec<
  Base,
  Symbols,
  'enum'
>;

function scalar<Type extends ScalarType, Value>(
  type: Type,
): FieldSpec<Type, Value, Value extends bigint ? 'bigint' : 'number'> {
  const { bytes } = scalarFacts[type];
  const shape = bytes === 8 ? 'bigint' : 'number';
  return Object.freeze({ type, shape, bytes, symbols: null }) as FieldSpec<
    Type,
    Value,
    Value extends bigint ? 'bigint' : 'number'
  >;
}

function enumeration<const Symbols extends string>(...symbols: Symbols[]): EnumSpec<Symbols, 'u8'>;
function enumeration<
  const Values extends Readonly<Record<string, number>>,
  const Base extends EnumBase = 'u8',
>(values: Values, options?: { readonly base?: Base }): EnumSpec<keyof Values & string, Base>;
function enumeration(...given: readonly unknown[]): EnumSpec<string> {
  const [first, second] = given;
  if (isRecord(first)) return enumOf(Object.entries(first), second ?? {});
  return enumOf(
    given.map((symbol, index) => [symbol, index] as const),
    {},
  );
}

function enumOf(
  entries: readonly (readonly [unknown, unknown])[],
  options: unknown,
): EnumSpec<string> {
  const place = callerPlace();
  const given = isRecord(options) ? (options.base ?? 'u8') : options;
  const base = enumBases.find((candidate) => candidate === given);
  if (base === undefined) {
    throw optionError('ERR_SCHEMA', 't.enum.base', `one of ${quotedList(enumBases)}`, given, place);
  }
  if (entries.length < 1 || entries.length > symbolsMax) {
    const expected = `1 to ${symbolsMax} symbols`;
    throw optionError('ERR_SCHEMA', 't.enum', expected, entries.length, place);
  }
  const { bytes, low, high } = scalarFacts[base];
  const symbols: Record<string, bigint> = Object.create(null) as Record<string, bigint>;
  const taken = new Set<bigint>();
  for (const [symbol, number] of entries) {
    if (typeof symbol !== 'string' || symbol === '' || symbol === '__proto__') {
      throw optionError('ERR_SCHEMA', 't.enum', 'symbols that are not empty', symbol, place);
    }
    const value = exactInteger(number);
    if (value === undefined || value < low || value > high) {
      const expected = `an integer from ${low} to ${high} (base '${base}')`;
      throw optionError('ERR_SCHEMA', `t.enum.${symbol}`, expected, number, place);
    }
    if (symbol in symbols || taken.has(value)) {
      const expected = 'symbols and values that each occur once';
      throw optionError('ERR_SCHEMA', `t.enum.${symbol}`, expected, number, place);
    }
    symbols[symbol] = value;
    taken.add(value);
  }
  return Object.freeze({ type: base, shape: 'enum', bytes, symbols: Object.freeze(symbols) });
}

function sized<Shape extends 'bytes' | 'ascii', Value, Bytes extends number>(
  shape: Shape,
  bytes: Bytes,
): FieldSpec<'bytes', Value, Shape, Bytes> {
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > fieldBytesMax) {
    const expected = `an integer from 1 to ${fieldBytesMax}`;
    throw optionError('ERR_SCHEMA', `t.${shape}`, expected, bytes, callerPlace());
  }
  return Object.freeze({ type: 'bytes', shape, bytes, symbols: null });
}

const boolSymbols = Object.freeze({ false: 0n, true: 1n });

/**
 * Field types. Integers up to 32 bits are numbers in JavaScript, `u64` and `i64` are bigints.
 *
 * - `t.enum('buy', 'sell')`: symbols numbered from 0 in one byte; with explicit numbers and size
 *   `t.enum({ buy: 1, sell: 2 }, { base: 'u16' })`. A number without a symbol does not decode.
 * - `t.bool`: one byte, 0 or 1.
 * - `t.bytes(n)`: n bytes as they are, a Uint8Array.
 * - `t.ascii(n)`: up to n ASCII characters, padded with zero bytes, a string.
 */
export const t = Object.freeze({
  u8: scalar<'u8', number>('u8'),
  u16: scalar<'u16', number>('u16'),
  u32: scalar<'u32', number>('u32'),
  u64: scalar<'u64', bigint>('u64'),
  i8: scalar<'i8', number>('i8'),
  i16: scalar<'i16', number>('i16'),
  i32: scalar<'i32', number>('i32'),
  i64: scalar<'i64', bigint>('i64'),
  bool: Object.freeze({
    type: 'u8',
    shape: 'bool',
    bytes: 1,
    symbols: boolSymbols,
  }) as FieldSpec<'u8', boolean, 'bool'>,
  enum: enumeration,
  bytes: <const Bytes extends number>(
    bytes: Bytes,
  ): FieldSpec<'bytes', Uint8Array, 'bytes', Bytes> => sized('bytes', bytes),
  ascii: <const Bytes extends number>(bytes: Bytes): FieldSpec<'bytes', string, 'ascii', Bytes> =>
    sized('ascii', bytes),
});
