// What the codecs throw: misuse of values names the field's path, bad bytes are ERR_MESSAGE.
import { messageFaults } from '../../codes.js';
import { describeValue, HyperRouteError } from '../../errors.js';
import { type IntegerType, integerFacts, type TypeModel } from '../model.js';
import type { FieldPlan, Layouts } from './plan.js';

/** Indexes of the entries and elements on the way to a value, outermost first. */
export type Indexes = readonly number[];

/** `Order.fills[3].qty`; an index too many is that of an element: `Order.values[7]`. */
export function pathOf(field: FieldPlan, indexes: Indexes): string {
  let next = 0;
  const path = field.path.replace(/\[\]/g, () => `[${indexes[next++] ?? ''}]`);
  return indexes.length > next ? `${path}[${indexes[next]}]` : path;
}

interface Expectation {
  /** What `typeof` says of the right type. */
  readonly type: string;
  readonly text: string;
}

/** What a field, or with `isElement` an element of it, takes. */
export function expectation(type: TypeModel, isElement = false): Expectation {
  switch (type.kind) {
    case 'integer':
      if (type.safe) return { type: 'number', text: 'an integer from 0 to 2^53 - 1' };
      return integerExpectation(type.base);
    case 'decimal':
      return integerExpectation(type.base);
    case 'timestamp':
      return { type: 'bigint', text: 'nanoseconds since 1970 as a bigint from 0 to 2^64 - 1' };
    case 'bits':
      return { type: 'number', text: `an integer from 0 to ${2 ** type.bits - 1}` };
    case 'float':
      return { type: 'number', text: `a number that an ${type.base} holds` };
    case 'bool':
      return { type: 'boolean', text: 'true or false' };
    case 'enum': {
      const raw = type.unknown.policy === 'raw' ? `, or a number of ${type.base}` : '';
      return { type: 'string', text: `one of ${Object.keys(type.symbols).join(', ')}${raw}` };
    }
    case 'flags': {
      const names = Object.keys(type.flags).join(', ');
      return { type: 'object', text: `an object with a boolean for each of ${names}` };
    }
    case 'ascii': {
      const end = type.pad === 'space' ? ', no space at the end' : '';
      return {
        type: 'string',
        text: `up to ${type.bytes} ASCII characters, none of them NUL${end}`,
      };
    }
    case 'bytes':
      return { type: 'object', text: `a Uint8Array of ${type.bytes} bytes` };
    case 'array':
      if (isElement) return expectation(type.element);
      return { type: 'object', text: `an array of ${type.count} elements` };
    case 'string':
      return { type: 'string', text: `well-formed text of up to ${type.bytesMax} bytes in UTF-8` };
    case 'blob':
      return { type: 'object', text: `a Uint8Array of up to ${type.bytesMax} bytes` };
    case 'group':
      if (isElement) return { type: 'object', text: 'an object of the fields of an entry' };
      return { type: 'object', text: `an array of up to ${type.countMax} entries` };
    case 'rest':
      return { type: 'object', text: 'a Uint8Array' };
  }
}

function integerExpectation(base: IntegerType): Expectation {
  const { bytes, low, high } = integerFacts[base];
  return bytes === 8
    ? { type: 'bigint', text: `a bigint from ${low} to ${high}` }
    : { type: 'number', text: `an integer from ${low} to ${high}` };
}

/** Whether the value is of the type at all; then it is its value that is wrong. */
function isRightType(type: TypeModel, isElement: boolean, value: unknown): boolean {
  if (isElement && type.kind === 'array') return isRightType(type.element, false, value);
  switch (type.kind) {
    case 'array':
    case 'group':
      return !isElement && Array.isArray(value);
    case 'bytes':
    case 'blob':
    case 'rest':
      return value instanceof Uint8Array;
    case 'flags':
      return false;
    case 'enum':
      if (typeof value === 'string') return true;
      return type.unknown.policy === 'raw' && typeof value === typeof integerZero(type.base);
    default:
      return typeof value === expectation(type).type;
  }
}

function integerZero(base: IntegerType): number | bigint {
  return integerFacts[base].bytes === 8 ? 0n : 0;
}

/** Throws for a value that `encode` or a setter was given. */
export type Refuse = (fieldIndex: number, value: unknown, ...indexes: number[]) => never;
/** Throws for bytes that are no value of the field. */
export type Malformed = (fieldIndex: number, value: unknown, ...indexes: number[]) => never;

function isElementPath(field: FieldPlan, indexes: Indexes): boolean {
  return indexes.length > (field.path.match(/\[\]/g)?.length ?? 0);
}

export function refuseOf(layouts: Layouts): Refuse {
  return (fieldIndex, value, ...indexes) => {
    const field = layouts.fields[fieldIndex] as FieldPlan;
    const isElement = isElementPath(field, indexes);
    const { text } = expectation(field.type, isElement);
    const path = pathOf(field, indexes);
    const message = `${path}: expected ${text}, received ${describeValue(value)}`;
    const isRange = isRightType(field.type, isElement, value);
    throw isRange ? new RangeError(message) : new TypeError(message);
  };
}

export function malformedOf(layouts: Layouts): Malformed {
  return (fieldIndex, value, ...indexes) => {
    const field = layouts.fields[fieldIndex] as FieldPlan;
    const constant = layouts.header.get(fieldIndex);
    const isElement = isElementPath(field, indexes);
    const expected =
      constant === undefined ? expectation(field.type, isElement).text : String(constant);
    const found = value === undefined ? 'other bytes' : describeValue(value);
    throw messageError(`${pathOf(field, indexes)}: expected ${expected}, found ${found}`);
  };
}

/** ERR_MESSAGE with this text. */
export function messageError(context: string): HyperRouteError<'ERR_MESSAGE'> {
  return new HyperRouteError('ERR_MESSAGE', context, { context });
}

const faultNames = new Map<number, string>(
  Object.entries(messageFaults).map(([name, code]) => [code, name]),
);

/** ERR_MESSAGE for a fault that the structure check found. */
export function faultError(name: string, fault: number): HyperRouteError<'ERR_MESSAGE'> {
  return messageError(`${name}: the bytes are no such message (${faultNames.get(fault)})`);
}

/** Throws because the target is too small or the message too large. */
export function noRoom(name: string, bytes: number, limit: number, targetBytes: number): never {
  if (bytes > limit) {
    throw new RangeError(
      `${name}: expected at most ${limit} bytes, received a message of ${bytes}`,
    );
  }
  throw new RangeError(
    `${name}.encode: expected room for ${bytes} bytes, received a target with ${targetBytes}`,
  );
}

/** Throws unless `offset` and `end` can be a place in `bytes`, which `viewsOf` has seen. */
export function checkPlace(name: string, bytes: Uint8Array, offset: number, end: number): void {
  if (!(offset >= 0) || !Number.isInteger(offset)) {
    throw new RangeError(`${name}: expected an offset from 0, received ${describeValue(offset)}`);
  }
  if (!(end <= bytes.length) || !Number.isInteger(end)) {
    const expected = `an end up to ${bytes.length}`;
    throw new RangeError(`${name}: expected ${expected}, received ${describeValue(end)}`);
  }
}
