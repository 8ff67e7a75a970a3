// Messages read and written through flyweights, field by field, whatever their schema.
import type { BlockModel, FieldModel, FieldValue } from '../../lib/schema/model.js';
import type { Values } from './random-models.js';

type Fields = Readonly<Record<string, unknown>>;

export interface AnyReader extends Fields {
  readonly $version: number;
  readonly $bytes: number;
  wrap(bytes: Uint8Array, offset?: number, end?: number): this;
  toObject(): Record<string, unknown>;
}

export interface AnyWriter {
  wrap(bytes: Uint8Array, offset?: number, end?: number): this;
  finish(): number;
}

interface AnyGroup extends Iterable<Fields> {
  readonly count: number;
  at(index: number): Fields;
}

interface AnyArray extends Iterable<FieldValue> {
  readonly length: number;
  at(index: number): FieldValue;
}

/** What the getters give, as `decode` would. */
export function readAll(reader: Fields, block: BlockModel): Values {
  return Object.fromEntries(block.fields.map((field) => [field.name, readField(reader, field)]));
}

function readField(reader: Fields, { name, type }: FieldModel): FieldValue {
  const value = reader[name];
  if (value === undefined) return undefined;
  if (type.kind === 'group') {
    const group = value as AnyGroup;
    return Array.from({ length: group.count }, (_, index) => readAll(group.at(index), type.block));
  }
  if (type.kind === 'flags') {
    const flags = value as Readonly<Record<string, boolean>>;
    return Object.fromEntries(Object.keys(type.flags).map((flag) => [flag, flags[flag]]));
  }
  if (type.kind !== 'array') return value as FieldValue;
  const array = value as AnyArray;
  return Array.from({ length: array.length }, (_, index) => array.at(index));
}

/** Sets what the message has: fixed fields first, then variable ones by their places. */
export function writeAll(writer: object, block: BlockModel, values: Values): void {
  const target = writer as Record<string, unknown>;
  const isVariable = ({ type }: FieldModel): boolean =>
    type.kind === 'string' || type.kind === 'blob' || type.kind === 'group';
  const ordered = [...block.fields].sort((one, other) => one.offset - other.offset);
  for (const field of ordered) {
    if (!isVariable(field) && values[field.name] !== undefined) {
      target[field.name] = values[field.name];
    }
  }
  for (const { name, type } of ordered.filter(isVariable)) {
    const value = values[name];
    if (value === undefined) continue;
    if (type.kind !== 'group') target[name] = value;
    else {
      const entries = value as readonly Values[];
      const open = target[name] as (count: number) => { next(): void };
      const entry = open.call(writer, entries.length);
      for (const inner of entries) {
        writeAll(entry, type.block, inner);
        entry.next();
      }
    }
  }
}
