// How values of fixed size are written and read: one pair of closures per field. Generated code
// does the usual types itself and calls these for the rest.
import {
  type ArrayModel,
  type BitsModel,
  type ByteOrder,
  type EnumModel,
  type FixedModel,
  type FlagsModel,
  type FloatModel,
  type IntegerType,
  integerFacts,
} from '../model.js';
import { getAscii, putAscii, SymbolCache } from './text.js';
import type { Views } from './views.js';

/** The value was written. */
export const isPut = 0;
/** The value is none of the type. */
export const isRefused = 1;
/** Added to the index of the element that was refused. */
export const isRefusedElement = 2;

export interface FixedCodec {
  /** Writes the value, or returns why not: `isRefused`, or an index + `isRefusedElement`. */
  readonly put: (views: Views, at: number, value: unknown) => number;
  /** Reads the value; undefined when the bytes are none. */
  readonly get: (views: Views, at: number) => unknown;
}

type Put = (views: Views, at: number, value: unknown) => boolean;
type Get = (views: Views, at: number) => unknown;

function codec(put: Put, get: Get): FixedCodec {
  return { put: (views, at, value) => (put(views, at, value) ? isPut : isRefused), get };
}

export function fixedCodec(type: FixedModel, order: ByteOrder): FixedCodec {
  const isLittle = order === 'le';
  switch (type.kind) {
    case 'integer':
      return type.safe ? safeCodec(isLittle) : integerCodec(type.base, isLittle);
    case 'decimal':
      return integerCodec(type.base, isLittle);
    case 'timestamp':
      return integerCodec('u64', isLittle);
    case 'float':
      return floatCodec(type, isLittle);
    case 'bool':
      return boolCodec;
    case 'enum':
      return enumCodec(type, isLittle);
    case 'flags':
      return flagsCodec(type, isLittle);
    case 'ascii':
      return asciiCodec(type.bytes, type.pad === 'space' ? 0x20 : 0);
    case 'bytes':
      return bytesCodec(type.bytes);
    case 'bits':
      return bitsCodec(type, isLittle);
    case 'array':
      return arrayCodec(type, order);
  }
}

const accessors = {
  u8: 'Uint8',
  u16: 'Uint16',
  u32: 'Uint32',
  u64: 'BigUint64',
  i8: 'Int8',
  i16: 'Int16',
  i32: 'Int32',
  i64: 'BigInt64',
} as const;

/** The name of the DataView's method without `get` or `set`; undefined for u24 and the like. */
export function accessorOf(base: IntegerType): string | undefined {
  return Object.hasOwn(accessors, base) ? accessors[base as keyof typeof accessors] : undefined;
}

/** Whether the value is an integer that the type holds. */
export function holds(base: IntegerType): (value: unknown) => boolean {
  const { bytes, low, high } = integerFacts[base];
  if (bytes === 8) {
    return (value) => typeof value === 'bigint' && value >= low && value <= high;
  }
  const [lowest, highest] = [Number(low), Number(high)];
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest;
}

interface RawInteger {
  readonly put: (view: DataView, at: number, value: number | bigint) => void;
  readonly get: (view: DataView, at: number) => number | bigint;
}

/** Reads and writes an integer without checks. */
export function rawInteger(base: IntegerType, isLittle: boolean): RawInteger {
  const name = accessorOf(base);
  if (name === undefined) return oddInteger(integerFacts[base].bytes, isLittle);
  const put = DataView.prototype[`set${name}` as 'setUint32'];
  const get = DataView.prototype[`get${name}` as 'getUint32'];
  return {
    put: (view, at, value) => put.call(view, at, value as number, isLittle),
    get: (view, at) => get.call(view, at, isLittle),
  };
}

/** Integers of 3, 5 and 6 bytes: byte by byte, lowest first. */
function oddInteger(bytes: number, isLittle: boolean): RawInteger {
  const place = (at: number, index: number): number =>
    isLittle ? at + index : at + bytes - 1 - index;
  return {
    put: (view, at, value) => {
      let left = Number(value);
      for (let index = 0; index < bytes; index++) {
        view.setUint8(place(at, index), left % 256);
        left = Math.floor(left / 256);
      }
    },
    get: (view, at) => {
      let value = 0;
      for (let index = bytes - 1; index >= 0; index--) {
        value = value * 256 + view.getUint8(place(at, index));
      }
      return value;
    },
  };
}

function integerCodec(base: IntegerType, isLittle: boolean): FixedCodec {
  const isFit = holds(base);
  const raw = rawInteger(base, isLittle);
  return codec(
    ({ view }, at, value) => {
      if (!isFit(value)) return false;
      raw.put(view, at, value as number);
      return true;
    },
    ({ view }, at) => raw.get(view, at),
  );
}

/** A u64 as a number: two halves. */
function safeCodec(isLittle: boolean): FixedCodec {
  const [low, high] = isLittle ? [0, 4] : [4, 0];
  return codec(
    ({ view }, at, value) => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return false;
      view.setUint32(at + low, value % 2 ** 32, isLittle);
      view.setUint32(at + high, Math.floor(value / 2 ** 32), isLittle);
      return true;
    },
    ({ view }, at) => {
      const upper = view.getUint32(at + high, isLittle);
      return upper < 2 ** 21 ? upper * 2 ** 32 + view.getUint32(at + low, isLittle) : undefined;
    },
  );
}

/** From here on a number rounds to infinity as an f32. */
export const f32Limit = 3.4028235677973366e38;

function floatCodec({ base }: FloatModel, isLittle: boolean): FixedCodec {
  if (base === 'f64') {
    return codec(
      ({ view }, at, value) => {
        if (typeof value !== 'number') return false;
        // The quiet NaN without a payload, whichever one the value is.
        if (Number.isNaN(value)) view.setBigUint64(at, 0x7ff8000000000000n, isLittle);
        else view.setFloat64(at, value, isLittle);
        return true;
      },
      ({ view }, at) => view.getFloat64(at, isLittle),
    );
  }
  return codec(
    ({ view }, at, value) => {
      if (typeof value !== 'number') return false;
      if (Number.isFinite(value) && Math.abs(value) >= f32Limit) return false;
      if (Number.isNaN(value)) view.setUint32(at, 0x7fc00000, isLittle);
      else view.setFloat32(at, value, isLittle);
      return true;
    },
    ({ view }, at) => view.getFloat32(at, isLittle),
  );
}

const boolCodec: FixedCodec = codec(
  ({ view }, at, value) => {
    if (typeof value !== 'boolean') return false;
    view.setUint8(at, value ? 1 : 0);
    return true;
  },
  ({ view }, at) => {
    const found = view.getUint8(at);
    return found < 2 ? found === 1 : undefined;
  },
);

/** What a number on the wire means, and a symbol in a message. */
export interface EnumTables {
  readonly numberOf: ReadonlyMap<unknown, number | bigint>;
  readonly symbolOf: ReadonlyMap<number | bigint, string>;
  /** What a number without a symbol decodes as; undefined: not at all, or as itself. */
  readonly unknown: string | undefined;
  readonly isRaw: boolean;
}

export function enumTables({ base, symbols, unknown }: EnumModel): EnumTables {
  const isWide = integerFacts[base].bytes === 8;
  const pairs = Object.entries(symbols).map(
    ([symbol, value]) => [symbol, isWide ? value : Number(value)] as const,
  );
  return {
    numberOf: new Map(pairs),
    symbolOf: new Map(pairs.map(([symbol, value]) => [value, symbol])),
    unknown: unknown.policy === 'default' ? unknown.symbol : undefined,
    isRaw: unknown.policy === 'raw',
  };
}

function enumCodec(type: EnumModel, isLittle: boolean): FixedCodec {
  const { numberOf, symbolOf, unknown, isRaw } = enumTables(type);
  const raw = rawInteger(type.base, isLittle);
  const isFit = holds(type.base);
  return codec(
    ({ view }, at, value) => {
      const number = numberOf.get(value) ?? (isRaw && isFit(value) ? value : undefined);
      if (number === undefined) return false;
      raw.put(view, at, number as number);
      return true;
    },
    ({ view }, at) => {
      const number = raw.get(view, at);
      return symbolOf.get(number) ?? (isRaw ? number : unknown);
    },
  );
}

/**
 * Whether a value can be the flags of these names: a plain object without others, or one of a class
 * that has them all, as a reader's flags.
 */
export function isFlags(
  value: unknown,
  flags: Readonly<Record<string, number>>,
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return Object.keys(flags).every((name) => name in value);
  }
  for (const name in value) if (flags[name] === undefined) return false;
  return true;
}

function flagsCodec({ base, flags }: FlagsModel, isLittle: boolean): FixedCodec {
  const raw = rawInteger(base, isLittle);
  const masks = Object.entries(flags).map(([name, bit]) => [name, 1n << BigInt(bit)] as const);
  const isWide = integerFacts[base].bytes === 8;
  return codec(
    ({ view }, at, value) => {
      if (!isFlags(value, flags)) return false;
      let bits = 0n;
      for (const [name, mask] of masks) {
        const flag = value[name];
        if (flag === true) bits |= mask;
        else if (flag !== false && flag !== undefined) return false;
      }
      raw.put(view, at, isWide ? bits : Number(bits));
      return true;
    },
    ({ view }, at) => {
      const bits = BigInt(raw.get(view, at));
      const value: Record<string, boolean> = {};
      for (const [name, mask] of masks) value[name] = (bits & mask) !== 0n;
      return value;
    },
  );
}

const symbolBytes = 8;

function asciiCodec(bytes: number, padding: number): FixedCodec {
  const put: Put = ({ octets }, at, value) => putAscii(octets, at, bytes, value, padding);
  if (bytes !== symbolBytes || padding !== 0) {
    return codec(put, ({ octets }, at) => getAscii(octets, at, bytes, padding));
  }
  const cache = new SymbolCache();
  return codec(put, ({ view, octets }, at) => cache.get(view, octets, at));
}

function bytesCodec(bytes: number): FixedCodec {
  return codec(
    ({ octets }, at, value) => {
      if (!(value instanceof Uint8Array) || value.length !== bytes) return false;
      octets.set(value, at);
      return true;
    },
    ({ octets }, at) => octets.slice(at, at + bytes),
  );
}

/** The bits around the field keep their values: the container is cleared before its first. */
function bitsCodec({ bits, shift, containerBytes }: BitsModel, isLittle: boolean): FixedCodec {
  const container = `u${containerBytes * 8}` as IntegerType;
  const raw = rawInteger(container, isLittle);
  const isWide = containerBytes === 8;
  const [low, mask] = [BigInt(shift), (1n << BigInt(bits)) - 1n];
  const highest = Number(mask);
  return codec(
    ({ view }, at, value) => {
      if (typeof value !== 'number' || !Number.isInteger(value)) return false;
      if (value < 0 || value > highest) return false;
      const old = BigInt(raw.get(view, at)) & ~(mask << low);
      const next = old | (BigInt(value) << low);
      raw.put(view, at, isWide ? next : Number(next));
      return true;
    },
    ({ view }, at) => Number((BigInt(raw.get(view, at)) >> low) & mask),
  );
}

function arrayCodec({ element, count }: ArrayModel, order: ByteOrder): FixedCodec {
  const { put, get } = fixedCodec(element, order);
  const bytes = elementBytes({ element });
  return {
    put: (views, at, value) => {
      if (!Array.isArray(value) || value.length !== count) return isRefused;
      for (let index = 0; index < count; index++) {
        const isFine = put(views, at + index * bytes, value[index]) === isPut;
        if (!isFine) return index + isRefusedElement;
      }
      return isPut;
    },
    get: (views, at) => {
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) {
        const value = get(views, at + index * bytes);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
  };
}

const floatBytes = { f32: 4, f64: 8 } as const;

/** Bytes from one element of an array to the next. */
export function elementBytes({ element }: Pick<ArrayModel, 'element'>): number {
  if (element.kind === 'ascii' || element.kind === 'bytes') return element.bytes;
  if (element.kind === 'float') return floatBytes[element.base];
  return integerFacts[element.base].bytes;
}

/** The number at a place, for the text of an error; undefined where bytes say more. */
export function rawNumber(
  type: FixedModel,
  order: ByteOrder,
  view: DataView,
  at: number,
): number | bigint | undefined {
  if (type.kind !== 'integer' && type.kind !== 'enum' && type.kind !== 'bool') return undefined;
  return rawInteger(type.base, order === 'le').get(view, at);
}
