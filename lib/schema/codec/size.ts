// How many bytes `encode` writes for a message, without writing them.
import { describeValue } from '../../errors.js';
import { nativeHeaderBytes } from '../model.js';
import type { Refuse } from './faults.js';
import {
  type BlockPlan,
  type DataPlan,
  type FieldPlan,
  type GroupPlan,
  hasSlots,
  isGroup,
  type Layouts,
} from './plan.js';
import { textBytes, unfitText } from './text.js';

/** A message or an entry of a group, as it was given. */
export type Values = Readonly<Record<string, unknown>>;

/** The value to write: a constant, the message's, or the fallback. */
export function givenValue(field: FieldPlan, values: Values): unknown {
  if (field.constant !== undefined) return field.constant;
  const value = values[field.name];
  if (value !== undefined || field.model.presence !== null) return value;
  return field.model.fallback ?? undefined;
}

/** Throws TypeError for a message that is no object. */
export function checkObject(name: string, message: unknown): void {
  if (typeof message === 'object' && message !== null) return;
  throw new TypeError(
    `${name}: expected an object of its fields, received ${describeValue(message)}`,
  );
}

export function sizeOfNative(
  { model, root }: Layouts,
  refuse: Refuse,
): (message: object) => number {
  const bytes = nativeHeaderBytes + root.bytes;
  return (message) => {
    checkObject(model.name, message);
    if (!hasSlots(root)) return bytes;
    return nativeHeaderBytes + slotsEnd(root, message as Values, root.bytes, refuse, []);
  };
}

/** The offset behind the block's variable data, when it starts at `cursor`. */
function slotsEnd(
  block: BlockPlan,
  values: Values,
  cursor: number,
  refuse: Refuse,
  indexes: number[],
): number {
  let end = cursor;
  for (const field of block.slots) {
    const value = givenValue(field, values);
    if (value === undefined && field.model.presence !== null) continue;
    if (isGroup(field)) end = groupEnd(field, value, end, refuse, indexes);
    else end += dataBytes(field as DataPlan, value, refuse, indexes);
  }
  return end;
}

function dataBytes(field: DataPlan, value: unknown, refuse: Refuse, indexes: number[]): number {
  const { kind, bytesMax } = field.type;
  let bytes = unfitText;
  if (kind === 'string') {
    if (typeof value === 'string') bytes = textBytes(value);
  } else if (value instanceof Uint8Array) bytes = value.length;
  if (bytes === unfitText || bytes > bytesMax) refuse(field.index, value, ...indexes);
  return bytes;
}

function groupEnd(
  { index: fieldIndex, block, type }: GroupPlan,
  value: unknown,
  cursor: number,
  refuse: Refuse,
  indexes: number[],
): number {
  if (!Array.isArray(value) || value.length > type.countMax) {
    return refuse(fieldIndex, value, ...indexes);
  }
  const count = value.length;
  if (count === 0) return cursor;
  let end = cursor + (-cursor & 7) + 8 + count * block.bytes;
  if (!hasSlots(block)) return end;
  const depth = indexes.length;
  for (let index = 0; index < count; index++) {
    indexes[depth] = index;
    const values: unknown = value[index];
    if (typeof values !== 'object' || values === null) refuse(fieldIndex, values, ...indexes);
    end = slotsEnd(block, values as Values, end, refuse, indexes);
  }
  indexes.length = depth;
  return end;
}
