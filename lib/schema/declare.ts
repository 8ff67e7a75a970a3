// What both kinds of layout need of a field as it was written: its name, its id, its default.
import { optionError, type SourcePlace } from '../errors.js';
import type { FieldModel, FieldValue } from './model.js';
import { isRecord } from './options.js';
import { FieldSpec, fieldIdMax, type TypeSpec } from './spec.js';
import { valueFault } from './values.js';

/** A field with its name and id, not placed yet. */
export interface Declared {
  readonly name: string;
  readonly id: number;
  readonly explicitId: boolean;
  readonly spec: FieldSpec;
  readonly fallback: FieldValue | null;
}

const namePattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** Members of every object: no field and no flag can be called like one. */
export const objectNames: ReadonlySet<string> = new Set([
  ...['constructor', 'prototype', 'toString', 'toLocaleString', 'valueOf', 'hasOwnProperty'],
  ...['isPrototypeOf', 'propertyIsEnumerable'],
]);
/** Those and members of flyweights: no field can be called like one. */
const reservedNames = new Set([...objectNames, 'wrap', 'finish', 'toObject', 'next']);
const fieldsMax = 1024;

/**
 * Reads an object of field types. `known`: the fields of the block so far, whose names and ids are
 * taken. Throws ERR_SCHEMA.
 */
export function declareFields(
  fields: unknown,
  known: readonly FieldModel[],
  option: string,
  place: SourcePlace,
): Declared[] {
  if (!isRecord(fields)) {
    throw optionError('ERR_SCHEMA', option, 'an object of field types', fields, place);
  }
  const entries = Object.entries(fields);
  if (entries.length + known.length > fieldsMax) {
    throw optionError('ERR_SCHEMA', option, `1 to ${fieldsMax} fields`, entries.length, place);
  }
  const names = new Set(known.map(({ name }) => name));
  const ids = new Set(known.map(({ id }) => id));
  const isExplicit = entries.some(([, spec]) => spec instanceof FieldSpec && hasId(spec));
  let idNext = Math.max(0, ...ids) + 1;
  return entries.map(([name, spec]) => {
    const path = `${option}.${name}`;
    checkFieldName(name, option, place);
    if (!(spec instanceof FieldSpec)) {
      throw optionError('ERR_SCHEMA', path, 'a field type such as t.u32', spec, place);
    }
    if (names.has(name)) {
      throw optionError('ERR_SCHEMA', path, 'a name that no other field has', name, place);
    }
    names.add(name);
    if (isExplicit && !hasId(spec)) {
      const expected = 'an id (.id(n)) on every field of a version, or on none';
      throw optionError('ERR_SCHEMA', path, expected, 'none', place);
    }
    const id = spec.options.id ?? idNext++;
    if (id > fieldIdMax) {
      const expected = `an id from 1 to ${fieldIdMax}: behind that one, .id(n) says a free one`;
      throw optionError('ERR_SCHEMA', path, expected, id, place);
    }
    if (ids.has(id)) {
      const expected = 'an id that no other field has or had';
      throw optionError('ERR_SCHEMA', path, expected, id, place);
    }
    ids.add(id);
    return { name, id, explicitId: isExplicit, spec, fallback: fallbackOf(spec, path, place) };
  });
}

function hasId(spec: FieldSpec): boolean {
  return spec.options.id !== null;
}

/** Refuses what is no name of a field. Throws ERR_SCHEMA. */
export function checkFieldName(name: string, option: string, place: SourcePlace): void {
  if (!namePattern.test(name)) {
    const expected = 'field names of a letter, then up to 63 letters, digits or "_"';
    throw optionError('ERR_SCHEMA', option, expected, name, place);
  }
  if (reservedNames.has(name)) {
    const expected = 'a name that readers and writers do not use themselves';
    throw optionError('ERR_SCHEMA', `${option}.${name}`, expected, name, place);
  }
}

function fallbackOf(spec: FieldSpec, path: string, place: SourcePlace): FieldValue | null {
  const { need, fallback } = spec.options;
  if (need !== 'defaulted') return null;
  const type: TypeSpec = spec.type;
  const fault = valueFault(type, fallback);
  if (fault === null) return completed(type, fallback as FieldValue);
  throw optionError('ERR_SCHEMA', `${path}.default`, fault, fallback, place);
}

/** A default as `decode` gives it: every flag is there, and no memory is the caller's. */
function completed(type: TypeSpec, value: FieldValue): FieldValue {
  if (value instanceof Uint8Array) return value.slice();
  if (type.kind === 'array') {
    return (value as readonly FieldValue[]).map((item) => completed(type.element, item));
  }
  if (type.kind !== 'flags') return value;
  const given = value as Readonly<Record<string, boolean>>;
  return Object.fromEntries(Object.keys(type.flags).map((name) => [name, given[name] ?? false]));
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
