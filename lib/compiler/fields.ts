// Fields of messages as exact integers, byte by byte: for the interpreter, which wants nothing
// clever under it.
import { integerFacts, isIntegerType } from '../schema/model.js';
import type { FieldIr } from './ir.js';

export function readBytes(message: Uint8Array, { offset, bytes }: FieldIr): Uint8Array {
  return message.subarray(offset, offset + bytes);
}

/** The value of an integer field. */
export function readField(message: Uint8Array, field: FieldIr): bigint {
  const octets = [...readBytes(message, field)];
  if (field.order === 'le') octets.reverse();
  const pattern = octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
  return field.type.startsWith('i') ? BigInt.asIntN(field.bytes * 8, pattern) : pattern;
}

/** Writes an integer field; false, and nothing written, when the value does not fit. */
export function writeField(message: Uint8Array, field: FieldIr, value: bigint): boolean {
  if (!isIntegerType(field.type)) return false;
  const { low, high } = integerFacts[field.type];
  if (value < low || value > high) return false;
  for (let index = 0; index < field.bytes; index++) {
    const shift = BigInt(8 * (field.order === 'le' ? index : field.bytes - 1 - index));
    message[field.offset + index] = Number((value >> shift) & 0xffn);
  }
  return true;
}
