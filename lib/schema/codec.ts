// Encoding and decoding of whole messages. Each schema gets one function each way, generated from
// its fields; where code generation is forbidden, a list of closures does the same more slowly.
// JavaScript only: the router itself never calls this.
import { describeValue, HyperRouteError } from '../errors.js';
import { asciiOf, bytesOf, putAscii, putBytes } from './octets.js';
import { type PlacedField, scalarFacts } from './types.js';

/** What a codec is made from. `header` fields are written as constants and checked. */
export interface CodecPlan {
  readonly name: string;
  readonly bytes: number;
  readonly fields: readonly PlacedField[];
  readonly header: ReadonlyMap<string, bigint>;
}

export interface Codec {
  /** Writes the message at `offset` of the view; throws TypeError or RangeError. */
  readonly encode: (message: object, view: DataView, offset: number) => void;
  /** Reads a message at `offset` of the view; throws HyperRouteError ERR_MESSAGE. */
  readonly decode: (view: DataView, offset: number) => Record<string, unknown>;
}

/** Helpers and tables that generated code reaches by these names. */
interface Tools {
  readonly numberOf: readonly (ReadonlyMap<unknown, number> | null)[];
  readonly symbolOf: readonly (ReadonlyMap<number, unknown> | null)[];
  readonly refuse: (fieldIndex: number, value: unknown) => never;
  readonly malformed: (fieldIndex: number, value: unknown) => never;
  readonly putBytes: typeof putBytes;
  readonly putAscii: typeof putAscii;
  readonly bytesOf: typeof bytesOf;
  readonly asciiOf: typeof asciiOf;
}

/** Builds the codec of a schema. `generates` is false in tests of the fallback only. */
export function compileCodec(plan: CodecPlan, generates = true): Codec {
  const tools = toolsOf(plan);
  if (generates) {
    try {
      return generate(plan, tools);
    } catch (error) {
      // EvalError: this process forbids code generation; anything else is a defect of ours.
      if (!(error instanceof EvalError)) throw error;
    }
  }
  return assemble(plan, tools);
}

function toolsOf(plan: CodecPlan): Tools {
  const entries = plan.fields.map((field) =>
    Object.entries(field.symbols ?? {}).map(
      ([symbol, value]) =>
        [field.shape === 'bool' ? symbol === 'true' : symbol, Number(value)] as const,
    ),
  );
  return {
    numberOf: entries.map((pairs) => (pairs.length === 0 ? null : new Map(pairs))),
    symbolOf: entries.map((pairs) =>
      pairs.length === 0 ? null : new Map(pairs.map(([symbol, value]) => [value, symbol])),
    ),
    refuse: (fieldIndex, value) => refuse(plan, fieldIndex, value),
    malformed: (fieldIndex, value) => malformed(plan, fieldIndex, value),
    putBytes,
    putAscii,
    bytesOf,
    asciiOf,
  };
}

function expectation(field: PlacedField): { readonly type: string; readonly text: string } {
  if (field.shape === 'bytes')
    return { type: 'object', text: `a Uint8Array of ${field.bytes} bytes` };
  if (field.shape === 'ascii') {
    return { type: 'string', text: `up to ${field.bytes} ASCII characters, none of them NUL` };
  }
  if (field.shape === 'bool') return { type: 'boolean', text: 'true or false' };
  if (field.symbols !== null) {
    return { type: 'string', text: `one of ${Object.keys(field.symbols).join(', ')}` };
  }
  const { low, high } = scalarFacts[field.type === 'bytes' ? 'u8' : field.type];
  const word = field.shape === 'bigint' ? 'a bigint' : 'an integer';
  return { type: field.shape, text: `${word} from ${low} to ${high}` };
}

function refuse(plan: CodecPlan, fieldIndex: number, value: unknown): never {
  const field = plan.fields[fieldIndex] as PlacedField;
  const { type, text } = expectation(field);
  const message = `${plan.name}.${field.name}: expected ${text}, received ${describeValue(value)}`;
  throw typeof value === type ? new RangeError(message) : new TypeError(message);
}

function malformed(plan: CodecPlan, fieldIndex: number, value: unknown): never {
  const field = plan.fields[fieldIndex] as PlacedField;
  const constant = plan.header.get(field.name);
  const expected = constant === undefined ? expectation(field).text : String(constant);
  const context = `${plan.name}.${field.name}: expected ${expected}, found ${describeValue(value)}`;
  throw new HyperRouteError('ERR_MESSAGE', context, { context });
}

const accessorNames: Readonly<Record<string, string>> = {
  u8: 'Uint8',
  u16: 'Uint16',
  u32: 'Uint32',
  u64: 'BigUint64',
  i8: 'Int8',
  i16: 'Int16',
  i32: 'Int32',
  i64: 'BigInt64',
};

/** Tests, in JavaScript, for a value `x` that the integer type cannot hold. */
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

function literal(field: PlacedField, value: bigint): string {
  return field.shape === 'bigint' ? `${value}n` : `${value}`;
}

function encodeLine(plan: CodecPlan, field: PlacedField, index: number): string {
  const at = `o + ${field.offset}`;
  const put = (text: string): string =>
    `v.set${accessorNames[field.type]}(${at}, ${text}, ${field.order === 'le'});`;
  const constant = plan.header.get(field.name);
  if (constant !== undefined) return put(literal(field, constant));
  const read = `x = m.${field.name};`;
  if (field.shape === 'bytes' || field.shape === 'ascii') {
    const helper = field.shape === 'bytes' ? 'putBytes' : 'putAscii';
    return `${read} if (!tools.${helper}(v, ${at}, ${field.bytes}, x)) tools.refuse(${index}, x);`;
  }
  if (field.symbols !== null) {
    const test = `if (y === undefined) tools.refuse(${index}, x);`;
    return `${read} y = tools.numberOf[${index}].get(x); ${test} ${put('y')}`;
  }
  return `${read} if (${misfits[field.type]}) tools.refuse(${index}, x); ${put('x')}`;
}

function decodeExpression(field: PlacedField, index: number): string {
  const at = `o + ${field.offset}`;
  if (field.shape === 'bytes') return `tools.bytesOf(v, ${at}, ${field.bytes})`;
  if (field.shape === 'ascii') {
    return `tools.asciiOf(v, ${at}, ${field.bytes}) ?? tools.malformed(${index}, 'other bytes')`;
  }
  const get = `v.get${accessorNames[field.type]}(${at}, ${field.order === 'le'})`;
  if (field.symbols === null) return get;
  return `tools.symbolOf[${index}].get(x = ${get}) ?? tools.malformed(${index}, x)`;
}

/** The bytes of a message that belong to no field; encoding clears them. */
function gapOffsets(plan: CodecPlan): number[] {
  const gaps: number[] = [];
  let offset = 0;
  for (const field of plan.fields) {
    for (; offset < field.offset; offset++) gaps.push(offset);
    offset = field.offset + field.bytes;
  }
  for (; offset < plan.bytes; offset++) gaps.push(offset);
  return gaps;
}

/** Field names are identifiers (`placeFields` saw to it), so they are safe inside the text. */
function generate(plan: CodecPlan, tools: Tools): Codec {
  const writes = plan.fields.map((field, index) => encodeLine(plan, field, index));
  const gaps = gapOffsets(plan).map((offset) => `v.setUint8(o + ${offset}, 0);`);
  const checks: string[] = [];
  const reads: string[] = [];
  plan.fields.forEach((field, index) => {
    const constant = plan.header.get(field.name);
    const expression = decodeExpression(field, index);
    if (constant === undefined) reads.push(`${field.name}: ${expression},`);
    else {
      const test = `(x = ${expression}) !== ${literal(field, constant)}`;
      checks.push(`if (${test}) tools.malformed(${index}, x);`);
    }
  });
  // The schema's name in each body keeps V8 from sharing type feedback between equal bodies.
  const name = `// ${plan.name}`;
  const encode = ['let x, y;', ...writes, ...gaps].join('\n  ');
  const decode = ['let x;', ...checks, `return { ${reads.join(' ')} };`].join('\n  ');
  const text = [
    `'use strict';`,
    `function encode(m, v, o) { ${name}\n  ${encode}\n}`,
    `function decode(v, o) { ${name}\n  ${decode}\n}`,
    'return { encode, decode };',
  ].join('\n');
  return new Function('tools', text)(tools) as Codec;
}

type Writer = (view: DataView, at: number, value: unknown) => boolean;
type Reader = (view: DataView, at: number) => unknown;

/** Writes an integer or says that it does not fit. */
function integerWriter(field: PlacedField): Writer {
  const isLittle = field.order === 'le';
  const { low, high, bytes } = scalarFacts[field.type === 'bytes' ? 'u8' : field.type];
  const put = DataView.prototype[`set${accessorNames[field.type]}` as 'setUint32'];
  const isFit =
    bytes === 8
      ? (value: unknown) => typeof value === 'bigint' && value >= low && value <= high
      : (value: unknown) =>
          Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
  return (view, at, value) => {
    if (!isFit(value)) return false;
    put.call(view, at, value as number, isLittle);
    return true;
  };
}

function writerOf(field: PlacedField, index: number, tools: Tools): Writer {
  if (field.shape === 'bytes') return (view, at, value) => putBytes(view, at, field.bytes, value);
  if (field.shape === 'ascii') return (view, at, value) => putAscii(view, at, field.bytes, value);
  const write = integerWriter(field);
  const numbers = tools.numberOf[index] ?? null;
  return numbers === null ? write : (view, at, value) => write(view, at, numbers.get(value));
}

function readerOf(field: PlacedField, index: number, tools: Tools): Reader {
  if (field.shape === 'bytes') return (view, at) => bytesOf(view, at, field.bytes);
  if (field.shape === 'ascii') {
    return (view, at) => asciiOf(view, at, field.bytes) ?? tools.malformed(index, 'other bytes');
  }
  const isLittle = field.order === 'le';
  const get = DataView.prototype[`get${accessorNames[field.type]}` as 'getUint32'];
  const symbols = tools.symbolOf[index] ?? null;
  if (symbols === null) return (view, at) => get.call(view, at, isLittle);
  return (view, at) => {
    const value = get.call(view, at, isLittle);
    return symbols.get(value) ?? tools.malformed(index, value);
  };
}

function assemble(plan: CodecPlan, tools: Tools): Codec {
  const gaps = gapOffsets(plan);
  const parts = plan.fields.map((field, index) => {
    const value = plan.header.get(field.name);
    const constant = field.shape === 'bigint' || value === undefined ? value : Number(value);
    const [write, read] = [writerOf(field, index, tools), readerOf(field, index, tools)];
    return { name: field.name, offset: field.offset, constant, write, read };
  });
  return {
    encode: (message, view, offset) => {
      parts.forEach((part, index) => {
        const value = part.constant ?? (message as Record<string, unknown>)[part.name];
        if (!part.write(view, offset + part.offset, value)) tools.refuse(index, value);
      });
      for (const gap of gaps) view.setUint8(offset + gap, 0);
    },
    decode: (view, offset) => {
      const message: Record<string, unknown> = {};
      parts.forEach((part, index) => {
        if (part.constant === undefined) return;
        const found = part.read(view, offset + part.offset);
        if (found !== part.constant) tools.malformed(index, found);
      });
      for (const part of parts) {
        if (part.constant === undefined) message[part.name] = part.read(view, offset + part.offset);
      }
      return message;
    },
  };
}
