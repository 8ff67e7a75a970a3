// The text that writes and reads one value of fixed size in generated code. It reaches the buffer
// as `V` (DataView), `U` (octets), `Q` and `I` (aligned 64-bit words, only when `isAligned`) and
// `views` (all of them), and the schema's tables as constants named by the field's index.
import {
  type BitsModel,
  type ElementModel,
  type EnumModel,
  type FieldValue,
  type FixedModel,
  type FlagsModel,
  type FloatModel,
  type IntegerType,
  integerFacts,
} from '../model.js';
import { accessorOf, elementBytes, f32Limit } from './fixed.js';
import { indent, quoted } from './generate.js';
import type { FieldPlan } from './plan.js';

/** Where a value lies and how errors about it are told. */
export interface Spot {
  readonly field: FieldPlan;
  /** Expression of the position. */
  readonly at: string;
  /** Whether the position is a multiple of 8 wherever `Q` and `I` exist. */
  readonly isAligned: boolean;
  /** Arguments behind the field's index: `, k0, k1`. */
  readonly indexes: string;
  /** What to do with bytes that are no value, if not the usual: an expression. */
  readonly otherwise?: string;
}

const chainMax = 4;
const inlineElementsMax = 32;

function isLittle({ field }: Spot): boolean {
  return field.model.order === 'le';
}

function setter(base: IntegerType, spot: Spot, value: string): string {
  return `V.set${accessorOf(base)}(${spot.at}, ${value}, ${isLittle(spot)});`;
}

function getter(base: IntegerType, spot: Spot): string {
  if (spot.isAligned && base === 'u64') return `Q[(${spot.at}) >> 3]`;
  if (spot.isAligned && base === 'i64') return `I[(${spot.at}) >> 3]`;
  const order = integerFacts[base].bytes === 1 ? '' : `, ${isLittle(spot)}`;
  return `V.get${accessorOf(base)}(${spot.at}${order})`;
}

function refuse({ field, indexes }: Spot): string {
  return `refuse(${field.index}, x${indexes});`;
}

/** What to do with bytes that are no value: an expression. */
export function bad({ field, at, indexes, otherwise }: Spot): string {
  return otherwise ?? `bad(${field.index}, views, ${at}${indexes})`;
}

/** Tests for an `x` that the integer type does not hold. */
const misfits: Readonly<Record<string, string>> = {
  u8: "typeof x !== 'number' || (x & 255) !== x",
  u16: "typeof x !== 'number' || (x & 65535) !== x",
  u32: "typeof x !== 'number' || (x >>> 0) !== x",
  u64: "typeof x !== 'bigint' || BigInt.asUintN(64, x) !== x",
  i8: "typeof x !== 'number' || ((x << 24) >> 24) !== x",
  i16: "typeof x !== 'number' || ((x << 16) >> 16) !== x",
  i32: "typeof x !== 'number' || (x | 0) !== x",
  i64: "typeof x !== 'bigint' || BigInt.asIntN(64, x) !== x",
};

/** Statements that write the variable `x`, or refuse it. */
export function writeLines(type: FixedModel, spot: Spot): string[] {
  switch (type.kind) {
    case 'integer':
      return type.safe ? writeSafe(spot) : writeInteger(type.base, spot);
    case 'decimal':
    case 'timestamp':
      return writeInteger(type.base, spot);
    case 'float':
      return writeFloat(type, spot);
    case 'bool':
      return [`if (x !== true && x !== false) ${refuse(spot)}`, setter('u8', spot, 'x ? 1 : 0')];
    case 'enum':
      return writeEnum(type, spot);
    case 'flags':
      return writeFlags(type, spot);
    case 'ascii': {
      const padding = type.pad === 'space' ? 0x20 : 0;
      return [`if (!putAscii(U, ${spot.at}, ${type.bytes}, x, ${padding})) ${refuse(spot)}`];
    }
    case 'array':
      return writeArray(type.element, type.count, spot);
    case 'bits':
      return writeBits(type, spot);
    default:
      return writeByCodec(spot);
  }
}

function writeByCodec(spot: Spot): string[] {
  const { field, at, indexes } = spot;
  return [
    `const fault = put${field.index}(views, ${at}, x);`,
    `if (fault !== 0) refuseBy(${field.index}, x, fault${indexes});`,
  ];
}

function writeInteger(base: IntegerType, spot: Spot): string[] {
  const misfit = misfits[base];
  if (misfit === undefined) return writeByCodec(spot);
  const isWord = spot.isAligned && integerFacts[base].bytes === 8;
  // A store into a word keeps the low 64 bits, whatever the sign.
  const store = isWord ? `Q[(${spot.at}) >> 3] = x;` : setter(base, spot, 'x');
  return [`if (${misfit}) ${refuse(spot)}`, store];
}

/** The container was cleared before; those of 64 bits are no integers of a number. */
function writeBits({ bits, shift, containerBytes }: BitsModel, spot: Spot): string[] {
  const base = `u${containerBytes * 8}` as IntegerType;
  if (isWide(base)) return writeByCodec(spot);
  const joined = `(${getter(base, spot)} | (x << ${shift})) >>> 0`;
  return [
    `if (typeof x !== 'number' || (x >>> 0) !== x || x > ${2 ** bits - 1}) ${refuse(spot)}`,
    setter(base, spot, joined),
  ];
}

function readBits({ bits, shift, containerBytes }: BitsModel, spot: Spot): string {
  const base = `u${containerBytes * 8}` as IntegerType;
  if (isWide(base)) return readByCodec(spot);
  return `(((${getter(base, spot)} >>> ${shift}) & ${2 ** bits - 1}) >>> 0)`;
}

function writeSafe(spot: Spot): string[] {
  const { at } = spot;
  const isFirstLow = isLittle(spot);
  const [low, high] = isFirstLow ? [at, `${at} + 4`] : [`${at} + 4`, at];
  return [
    `if (typeof x !== 'number' || !Number.isSafeInteger(x) || x < 0) ${refuse(spot)}`,
    `V.setUint32(${low}, x >>> 0, ${isFirstLow});`,
    `V.setUint32(${high}, (x - (x >>> 0)) / 4294967296, ${isFirstLow});`,
  ];
}

function writeFloat({ base }: FloatModel, spot: Spot): string[] {
  const { at } = spot;
  const little = isLittle(spot);
  if (base === 'f64') {
    return [
      `if (typeof x !== 'number') ${refuse(spot)}`,
      `if (x !== x) V.setBigUint64(${at}, 0x7ff8000000000000n, ${little});`,
      `else V.setFloat64(${at}, x, ${little});`,
    ];
  }
  return [
    `if (typeof x === 'number' && x < ${f32Limit} && x > -${f32Limit}) {`,
    `  V.setFloat32(${at}, x, ${little});`,
    // What is left of numbers is not finite.
    `} else if (x !== x) V.setUint32(${at}, 0x7fc00000, ${little});`,
    `else if (x !== Infinity && x !== -Infinity) ${refuse(spot)}`,
    `else V.setFloat32(${at}, x, ${little});`,
  ];
}

function isWide(base: IntegerType): boolean {
  return integerFacts[base].bytes === 8;
}

function writeEnum({ base, symbols, unknown }: EnumModel, spot: Spot): string[] {
  if (isWide(base) || unknown.policy === 'raw') return writeByCodec(spot);
  const pairs = Object.entries(symbols);
  const lookup = `numberOf${spot.field.index}.get(x)`;
  const chain = pairs.map(([symbol, value]) => `x === ${quoted(symbol)} ? ${value} : `);
  const number = pairs.length <= chainMax ? `${chain.join('')}undefined` : lookup;
  return [`const y = ${number};`, `if (y === undefined) ${refuse(spot)}`, setter(base, spot, 'y')];
}

function writeFlags({ base, flags }: FlagsModel, spot: Spot): string[] {
  if (isWide(base)) return writeByCodec(spot);
  const bits = Object.entries(flags).flatMap(([name, bit]) => [
    `z = x[${quoted(name)}];`,
    `if (z === true) { y |= ${1 << bit}; left--; }`,
    'else if (z === false) left--;',
    `else if (z !== undefined) ${refuse(spot)}`,
  ]);
  // An object that has these names and no others is told by counting; the rest by looking closely.
  return [
    `if (typeof x !== 'object' || x === null) ${refuse(spot)}`,
    'let y = 0, z, left = 0;',
    'for (const name in x) left++;',
    'const isBare = left === 0;',
    ...bits,
    `if ((isBare || left !== 0) && !isFlags(x, flags${spot.field.index})) ${refuse(spot)}`,
    setter(base, spot, 'y >>> 0'),
  ];
}

function writeArray(element: ElementModel, count: number, spot: Spot): string[] {
  // A codec of its own knows the whole array only.
  if (!isInline(element)) return writeByCodec(spot);
  const bytes = elementBytes({ element });
  const inner: Spot = { ...spot, at: 'p', indexes: `${spot.indexes}, j` };
  return [
    `if (!Array.isArray(x) || x.length !== ${count}) ${refuse(spot)}`,
    'const list = x;',
    `for (let j = 0, p = ${spot.at}; j < ${count}; j++, p += ${bytes}) {`,
    '  const x = list[j];',
    ...indent(writeLines(element, inner)),
    '}',
  ];
}

/** Whether generated code writes and reads the type itself. */
export function isInline(type: ElementModel): boolean {
  if (type.kind === 'integer') return accessorOf(type.base) !== undefined;
  return type.kind === 'decimal' || type.kind === 'timestamp' || type.kind === 'float';
}

/** An expression of the value; `x` is a variable it may use. */
export function readExpression(type: FixedModel, spot: Spot): string {
  const { field, at } = spot;
  switch (type.kind) {
    case 'integer':
      return readInteger(type.base, type.safe, spot);
    case 'decimal':
    case 'timestamp':
      return getter(type.base, spot);
    case 'float':
      return `V.get${type.base === 'f32' ? 'Float32' : 'Float64'}(${at}, ${isLittle(spot)})`;
    case 'bool':
      return `((x = V.getUint8(${at})) < 2 ? x === 1 : ${bad(spot)})`;
    case 'enum':
      return readEnum(type, spot);
    case 'flags':
      return readFlags(type, spot);
    case 'ascii': {
      if (type.bytes === 8 && type.pad === 'zero') {
        return `(cache${field.index}.get(V, U, ${at}) ?? ${bad(spot)})`;
      }
      const padding = type.pad === 'space' ? 0x20 : 0;
      return `(getAscii(U, ${at}, ${type.bytes}, ${padding}) ?? ${bad(spot)})`;
    }
    case 'bytes':
      return `U.slice(${at}, ${at} + ${type.bytes})`;
    case 'array':
      return readArray(type.element, type.count, spot);
    case 'bits':
      return readBits(type, spot);
  }
}

function readByCodec(spot: Spot): string {
  return `(get${spot.field.index}(views, ${spot.at}) ?? ${bad(spot)})`;
}

function readInteger(base: IntegerType, isSafe: boolean, spot: Spot): string {
  if (accessorOf(base) === undefined) return readByCodec(spot);
  if (!isSafe) return getter(base, spot);
  const little = isLittle(spot);
  const [low, high] = little ? [spot.at, `${spot.at} + 4`] : [`${spot.at} + 4`, spot.at];
  const value = `x * 4294967296 + V.getUint32(${low}, ${little})`;
  return `((x = V.getUint32(${high}, ${little})) < 2097152 ? ${value} : ${bad(spot)})`;
}

function readEnum({ base, symbols, unknown }: EnumModel, spot: Spot): string {
  const pairs = Object.entries(symbols);
  if (isWide(base)) return readByCodec(spot);
  const other =
    unknown.policy === 'raw'
      ? 'x'
      : unknown.policy === 'default'
        ? quoted(unknown.symbol)
        : bad(spot);
  const found = `x = ${getter(base, spot)}`;
  if (pairs.length > chainMax) return `(symbolOf${spot.field.index}.get(${found}) ?? ${other})`;
  const [first, ...more] = pairs.map(([symbol, value]) => [quoted(symbol), value] as const);
  if (first === undefined) return `(${found}, ${other})`;
  const chain = more.map(([symbol, value]) => `x === ${value} ? ${symbol} : `).join('');
  return `((${found}) === ${first[1]} ? ${first[0]} : ${chain}${other})`;
}

function readFlags({ base, flags }: FlagsModel, spot: Spot): string {
  if (isWide(base)) return readByCodec(spot);
  const entries = Object.entries(flags).map(
    ([name, bit]) => `${property(name)}: (x & ${1 << bit}) !== 0`,
  );
  return `(x = ${getter(base, spot)}, { ${entries.join(', ')} })`;
}

function readArray(element: ElementModel, count: number, spot: Spot): string {
  if (count > inlineElementsMax || !isInline(element)) return readByCodec(spot);
  // A bad element is told as the whole array's, as the codec does.
  if (element.kind === 'integer' && element.safe) return readByCodec(spot);
  const bytes = elementBytes({ element });
  const elements = Array.from({ length: count }, (_, index) =>
    readExpression(element, { ...spot, at: `${spot.at} + ${index * bytes}` }),
  );
  return `[${elements.join(', ')}]`;
}

/** The name of a property in an object literal; `__proto__` too is one like any other. */
export function property(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : quoted(name);
}

/** A literal of a value that holds nothing by reference; undefined where there is none. */
export function literal(value: FieldValue): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'boolean':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'string':
      return quoted(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    default:
      return undefined;
  }
}
