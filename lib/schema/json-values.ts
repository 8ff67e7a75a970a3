// Values of fields as JSON, each way one function. `undefined` from either means: not such a value.

import type { Json } from './canonical.js';
import { f32Limit, isFlags } from './codec/fixed.js';
import {
  type DecimalModel,
  type EnumModel,
  type FieldValue,
  type FlagsModel,
  type FloatModel,
  type IntegerModel,
  type IntegerType,
  integerFacts,
  isBigint,
  type TypeModel,
} from './model.js';

/** Types whose values are made of nothing that has a path of its own. */
export type SingleModel = Exclude<TypeModel, { kind: 'array' } | { kind: 'group' }>;

const digitsMax = 20;
const integerPattern = /^-?\d+$/;
/** A half of a surrogate pair on its own: no text that UTF-8 could hold. */
const loneSurrogate = /\p{Surrogate}/u;

interface Range {
  readonly low: bigint;
  readonly high: bigint;
  readonly isBig: boolean;
}

function rangeOf(base: IntegerType, isSafe = false): Range {
  const { low, high } = integerFacts[base];
  if (isSafe) return { low, high: BigInt(Number.MAX_SAFE_INTEGER), isBig: false };
  return { low, high, isBig: isBigint(base) };
}

function integerRange(type: IntegerModel): Range {
  return rangeOf(type.base, type.safe);
}

/** The JSON of a value; undefined when it is no value of the type. */
export function valueToJson(type: SingleModel, value: unknown): Json | undefined {
  switch (type.kind) {
    case 'integer':
      return integerToJson(integerRange(type), value);
    case 'timestamp':
      return integerToJson(rangeOf(type.base), value);
    case 'bits':
      return integerToJson({ low: 0n, high: 2n ** BigInt(type.bits) - 1n, isBig: false }, value);
    case 'decimal':
      return decimalToJson(type, value);
    case 'float':
      return typeof value === 'number' && isFloat(type, value) ? floatToJson(value) : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'enum':
      return enumToJson(type, value);
    case 'flags':
      return flagsToJson(type, value);
    case 'ascii':
      return isAscii(value, type.bytes, type.pad) ? value : undefined;
    case 'string':
      return isText(value, type.bytesMax) ? value : undefined;
    default: {
      const { low, high } = sizesOf(type);
      if (!(value instanceof Uint8Array) || value.length < low || value.length > high) return;
      return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
    }
  }
}

/** The value of a JSON; undefined when it is none of the type. */
export function valueFromJson(type: SingleModel, json: unknown): FieldValue {
  switch (type.kind) {
    case 'integer':
      return integerFromJson(integerRange(type), json);
    case 'timestamp':
      return integerFromJson(rangeOf(type.base), json);
    case 'bits':
      return integerFromJson({ low: 0n, high: 2n ** BigInt(type.bits) - 1n, isBig: false }, json);
    case 'decimal':
      return decimalFromJson(type, json);
    case 'float':
      return floatFromJson(type, json);
    case 'bool':
      return typeof json === 'boolean' ? json : undefined;
    case 'enum':
      return enumFromJson(type, json);
    case 'flags':
      return flagsFromJson(type, json);
    case 'ascii':
      return isAscii(json, type.bytes, type.pad) ? json : undefined;
    case 'string':
      return isText(json, type.bytesMax) ? json : undefined;
    default:
      return bytesFromJson(sizesOf(type), json);
  }
}

/** What JSON has to be there, as words. */
export function expectedJson(type: TypeModel): string {
  switch (type.kind) {
    case 'integer':
      return integerText(integerRange(type));
    case 'timestamp':
      return `nanoseconds since 1970: ${integerText(rangeOf(type.base))}`;
    case 'bits':
      return `an integer from 0 to ${2 ** type.bits - 1}`;
    case 'decimal':
      return `a decimal number of ${type.base} units as a text, with up to ${type.scale} places`;
    case 'float':
      return `a number that an ${type.base} holds, 'NaN', 'Infinity', '-Infinity' or '-0'`;
    case 'bool':
      return 'true or false';
    case 'enum': {
      const raw = type.unknown.policy === 'raw' ? `, or a number of ${type.base}` : '';
      return `one of ${Object.keys(type.symbols).join(', ')}${raw}`;
    }
    case 'flags':
      return `an array of names out of ${Object.keys(type.flags).join(', ')}`;
    case 'ascii': {
      const end = type.pad === 'space' ? ', no space at the end' : '';
      return `up to ${type.bytes} ASCII characters, none of them NUL${end}`;
    }
    case 'string':
      return `well-formed text of up to ${type.bytesMax} bytes in UTF-8`;
    case 'array':
      return `an array of ${type.count} elements`;
    case 'group':
      return `an array of up to ${type.countMax} entries`;
    case 'bytes':
      return `${type.bytes} bytes in base64`;
    case 'blob':
      return `up to ${type.bytesMax} bytes in base64`;
    case 'rest':
      return 'bytes in base64';
  }
}

function integerText({ low, high, isBig }: Range): string {
  const form = isBig ? ' as a text (or a number if it is safe)' : '';
  return `an integer from ${low} to ${high}${form}`;
}

function integerToJson({ low, high, isBig }: Range, value: unknown): Json | undefined {
  if (isBig) {
    return typeof value === 'bigint' && value >= low && value <= high ? String(value) : undefined;
  }
  const isInteger = typeof value === 'number' && Number.isSafeInteger(value);
  // Adding 0 makes -0 the 0 that it is in an integer.
  return isInteger && value >= Number(low) && value <= Number(high) ? value + 0 : undefined;
}

function integerFromJson({ low, high, isBig }: Range, json: unknown): FieldValue {
  const value = exactOf(json, isBig);
  if (value === undefined || value < low || value > high) return undefined;
  return isBig ? value : Number(value);
}

function exactOf(json: unknown, mayBeText: boolean): bigint | undefined {
  if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json);
  if (!mayBeText || typeof json !== 'string' || json.length > digitsMax) return undefined;
  return integerPattern.test(json) ? BigInt(json) : undefined;
}

function decimalToJson({ base, scale }: DecimalModel, value: unknown): Json | undefined {
  const units = integerToJson(rangeOf(base), value);
  if (units === undefined) return undefined;
  const text = String(units);
  const [sign, digits] = text.startsWith('-') ? ['-', text.slice(1)] : ['', text];
  if (scale === 0) return text;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** Digits that every number keeps, whatever it is rounded to. */
const significantMax = 15;
const decimalPattern = /^(-?)(\d{1,20})(?:\.(\d{1,18}))?$/;

function decimalFromJson({ base, scale }: DecimalModel, json: unknown): FieldValue {
  if (typeof json !== 'string' && typeof json !== 'number') return undefined;
  const found = decimalPattern.exec(String(json));
  if (found === null) return undefined;
  const [, sign, whole = '', places = ''] = found;
  const isExact = typeof json === 'string' || (whole + places).length <= significantMax;
  if (places.length > scale || !isExact) return undefined;
  const units = BigInt(`${whole}${places.padEnd(scale, '0')}`);
  const { low, high, isBig } = rangeOf(base);
  const value = sign === '-' ? -units : units;
  if (value < low || value > high) return undefined;
  return isBig ? value : Number(value);
}

const floatTexts: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

function isFloat({ base }: FloatModel, value: number): boolean {
  return base === 'f64' || !Number.isFinite(value) || Math.abs(value) < f32Limit;
}

function floatToJson(value: number): Json {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function floatFromJson(type: FloatModel, json: unknown): FieldValue {
  const value = typeof json === 'number' ? json : floatTexts.get(json);
  if (value === undefined || !isFloat(type, value)) return undefined;
  return type.base === 'f32' ? Math.fround(value) : value;
}

function symbolOf({ symbols }: EnumModel, number: bigint): string | undefined {
  return Object.keys(symbols).find((symbol) => symbols[symbol] === number);
}

function enumToJson(type: EnumModel, value: unknown): Json | undefined {
  if (typeof value === 'string') return Object.hasOwn(type.symbols, value) ? value : undefined;
  const number = integerToJson(rangeOf(type.base), value);
  if (type.unknown.policy !== 'raw' || number === undefined) return undefined;
  const symbol = symbolOf(type, BigInt(number as string));
  return symbol ?? (Number.isSafeInteger(Number(number)) ? Number(number) : number);
}

function enumFromJson(type: EnumModel, json: unknown): FieldValue {
  if (typeof json === 'string' && Object.hasOwn(type.symbols, json)) return json;
  if (type.unknown.policy !== 'raw') return undefined;
  const number = integerFromJson(rangeOf(type.base), json);
  return number === undefined ? undefined : (symbolOf(type, BigInt(number as number)) ?? number);
}

function flagsToJson({ flags }: FlagsModel, value: unknown): Json | undefined {
  if (!isFlags(value, flags)) return undefined;
  const names = Object.keys(flags);
  const isSound = names.every((name) => ['boolean', 'undefined'].includes(typeof value[name]));
  return isSound ? names.filter((name) => value[name] === true) : undefined;
}

function flagsFromJson({ flags }: FlagsModel, json: unknown): FieldValue {
  const names = Object.keys(flags);
  if (!Array.isArray(json) || json.length > names.length) return undefined;
  if (!json.every((name) => typeof name === 'string' && Object.hasOwn(flags, name)))
    return undefined;
  return Object.fromEntries(names.map((name) => [name, json.includes(name)]));
}

function isAscii(value: unknown, bytes: number, pad: 'zero' | 'space'): value is string {
  if (typeof value !== 'string' || value.length > bytes) return false;
  if (pad === 'space' && value.endsWith(' ')) return false;
  return [...value].every((character) => character > '\0' && character <= '\x7f');
}

function isText(value: unknown, bytesMax: number): value is string {
  if (typeof value !== 'string' || value.length > bytesMax) return false;
  return Buffer.byteLength(value) <= bytesMax && !loneSurrogate.test(value);
}

interface Sizes {
  readonly low: number;
  readonly high: number;
}

function sizesOf(type: Extract<TypeModel, { kind: 'bytes' | 'blob' | 'rest' }>): Sizes {
  if (type.kind === 'bytes') return { low: type.bytes, high: type.bytes };
  return { low: 0, high: type.kind === 'blob' ? type.bytesMax : restBytesMax };
}

/** No foreign message is larger. */
const restBytesMax = 65_535;

function bytesFromJson({ low, high }: Sizes, json: unknown): FieldValue {
  if (typeof json !== 'string' || json.length > Math.ceil(high / 3) * 4) return undefined;
  const bytes = Buffer.from(json, 'base64');
  if (bytes.length < low || bytes.length > high) return undefined;
  // What Buffer skips or leaves out does not come back.
  return bytes.toString('base64') === json ? new Uint8Array(bytes) : undefined;
}
