// Messages as JSON, for logs, tests and connectors: everything a message holds comes back.
import { describeValue, HyperRouteError } from '../errors.js';
import type { Json } from './canonical.js';
import { expectation } from './codec/faults.js';
import { expectedJson, valueFromJson, valueToJson } from './json-values.js';
import type { BlockModel, FieldModel, FieldValue, TypeModel } from './model.js';
import { isRecord } from './options.js';
import { type AnySchema, type InferInput, type InferMessage, isSchema } from './schema.js';

/** A message as JSON data: what `JSON.stringify` takes and `JSON.parse` gives. */
export interface MessageJson {
  readonly [field: string]: Json;
}

/**
 * A message as JSON data from which `messageFromJson` makes the same message again.
 *
 * Integers of 64 bits and timestamps (nanoseconds since 1970) become decimal texts, decimals texts
 * with their point (`'101.2500'`), enumerations their symbol or, where it has none, the number;
 * flags the names of those that are set, bytes and blobs base64, NaN, infinities and -0 texts.
 * Absent optional fields are left out. Any thread; synchronous. Throws TypeError or RangeError that
 * names the path of a value that is none of its field, as `encode` does.
 *
 * @example
 * ```ts
 * console.log(JSON.stringify(messageToJson(Order, Order.decode(bytes))));
 * ```
 */
export function messageToJson<const S extends AnySchema>(
  schema: S,
  message: InferInput<S>,
): MessageJson {
  const { name, model, header } = checked(schema, 'messageToJson');
  return blockToJson(model.block, message, name, [header.type, header.size]);
}

/**
 * The message that JSON data stands for, in the shape that `decode` gives: every field is there,
 * absent optional ones as undefined, missing ones with a default as that. Numbers may stand for
 * 64-bit integers and decimals where they are exact, null for an absent optional field. Header
 * fields of foreign layouts may be missing.
 *
 * Any thread; synchronous; keeps nothing of `json`, which may come from anywhere: sizes are bound
 * by the schema's maxima and depth by its groups. Throws HyperRouteError ERR_MESSAGE that names the
 * path (`Order.fills[3].qty: expected …, received …`), for keys that are no fields too.
 *
 * @example
 * ```ts
 * const order = messageFromJson(Order, JSON.parse(line));
 * ```
 */
export function messageFromJson<const S extends AnySchema>(
  schema: S,
  json: unknown,
): InferMessage<S> {
  const { name, model, header } = checked(schema, 'messageFromJson');
  return blockFromJson(model.block, json, name, [header.type, header.size]) as InferMessage<S>;
}

function checked(schema: AnySchema, caller: string): AnySchema {
  if (isSchema(schema)) return schema;
  throw new TypeError(`${caller}: expected a schema, received ${describeValue(schema)}`);
}

/** Names of fields that need not be given, whatever their need is. */
type Omitted = readonly (string | null)[];

function misuse(type: TypeModel, path: string, value: unknown, isElement = false): Error {
  const { type: word, text } = expectation(type, isElement);
  const message = `${path}: expected ${text}, received ${describeValue(value)}`;
  return typeof value === word ? new RangeError(message) : new TypeError(message);
}

function blockToJson(
  block: BlockModel,
  values: unknown,
  path: string,
  omitted: Omitted = [],
): Record<string, Json> {
  if (!isRecord(values)) {
    throw new TypeError(`${path}: expected an object, received ${describeValue(values)}`);
  }
  const json: Record<string, Json> = {};
  for (const field of block.fields) {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined;
    const isMissing = value === undefined && (mayMiss(field) || omitted.includes(field.name));
    if (isMissing && field.fallback === null) continue;
    const given = isMissing ? field.fallback : value;
    json[field.name] = typeToJson(field.type, given, `${path}.${field.name}`);
  }
  return json;
}

function mayMiss({ presence, fallback }: FieldModel): boolean {
  return presence !== null || fallback !== null;
}

function typeToJson(type: TypeModel, value: unknown, path: string): Json {
  if (type.kind === 'group') {
    if (!Array.isArray(value) || value.length > type.countMax) throw misuse(type, path, value);
    return Array.from(value, (entry, index) => blockToJson(type.block, entry, `${path}[${index}]`));
  }
  if (type.kind === 'array') {
    if (!Array.isArray(value) || value.length !== type.count) throw misuse(type, path, value);
    return Array.from(value, (item, index) => typeToJson(type.element, item, `${path}[${index}]`));
  }
  const json = valueToJson(type, value);
  if (json === undefined) throw misuse(type, path, value);
  return json;
}

function refused(path: string, expected: string, received: unknown): Error {
  const context = `${path}: expected ${expected}, received ${describeValue(received)}`;
  return new HyperRouteError('ERR_MESSAGE', context, { context });
}

function blockFromJson(
  block: BlockModel,
  json: unknown,
  path: string,
  omitted: Omitted = [],
): Record<string, FieldValue> {
  if (!isRecord(json)) throw refused(path, 'an object of fields', json);
  const values: Record<string, FieldValue> = {};
  let known = 0;
  for (const field of block.fields) {
    const { name } = field;
    const isGiven = Object.hasOwn(json, name);
    if (isGiven) known += 1;
    const given = isGiven ? json[name] : undefined;
    const isAbsent = given === undefined || (given === null && field.presence !== null);
    if (isAbsent && field.presence !== null) values[name] = undefined;
    else if (isAbsent && field.fallback !== null) values[name] = copyOf(field.fallback);
    else if (given !== undefined || !omitted.includes(name)) {
      values[name] = typeFromJson(field.type, given, `${path}.${name}`);
    }
  }
  if (known < Object.keys(json).length) throw unknownKey(block, json, path);
  return values;
}

function unknownKey(block: BlockModel, json: object, path: string): Error {
  const names = block.fields.map(({ name }) => name);
  const key = Object.keys(json).find((each) => !names.includes(each)) ?? '';
  const shown = /^\w{1,64}$/.test(key) ? key : '…';
  return refused(`${path}.${shown}`, `a field of ${names.join(', ')}`, key);
}

/** Of defaults only bytes, arrays and flags can be changed. */
function copyOf(value: FieldValue): FieldValue {
  return structuredClone(value);
}

function typeFromJson(type: TypeModel, json: unknown, path: string): FieldValue {
  if (type.kind === 'group') {
    if (!Array.isArray(json) || json.length > type.countMax) {
      throw refused(path, expectedJson(type), json);
    }
    return json.map((entry, index) => blockFromJson(type.block, entry, `${path}[${index}]`));
  }
  if (type.kind === 'array') {
    if (!Array.isArray(json) || json.length !== type.count) {
      throw refused(path, expectedJson(type), json);
    }
    return json.map((item, index) => typeFromJson(type.element, item, `${path}[${index}]`));
  }
  const value = valueFromJson(type, json);
  if (value === undefined) throw refused(path, expectedJson(type), json);
  return value;
}
