// Fields of messages as exact integers, byte by byte: for the interpreter, which wants nothing
// clever under it.
import { integerFacts, isIntegerType } from '../schema/model.js';
import type { ContainerIr, FieldIr } from './ir.js';

export function readBytes(message: Uint8Array, { offset, bytes }: FieldIr): Uint8Array {
  return message.subarray(offset, offset + bytes);
}

/** The value of an integer field, or of a bit. */
export function readField(message: Uint8Array, field: FieldIr): bigint {
  if (field.bit !== undefined) return BigInt(((message[field.offset] ?? 0) >> field.bit) & 1);
  // In two halves, because four bytes are exact in a number.
  let high = 0;
  let low = 0;
  for (let index = 0; index < field.bytes; index++) {
    const place = field.order === 'le' ? field.bytes - 1 - index : index;
    const octet = message[field.offset + place] ?? 0;
    if (index < field.bytes - 4) high = high * 256 + octet;
    else low = low * 256 + octet;
  }
  const pattern = (BigInt(high) << 32n) | BigInt(low);
  return field.type.startsWith('i') ? BigInt.asIntN(field.bytes * 8, pattern) : pattern;
}

/** Writes an integer field; false, and nothing written, when the value does not fit. */
export function writeField(message: Uint8Array, field: FieldIr, value: bigint): boolean {
  if (!isIntegerType(field.type)) return false;
  const { low, high } = integerFacts[field.type];
  if (value < low || value > (field.max ?? high)) return false;
  for (let index = 0; index < field.bytes; index++) {
    const shift = BigInt(8 * (field.order === 'le' ? index : field.bytes - 1 - index));
    message[field.offset + index] = Number((value >> shift) & 0xffn);
  }
  return true;
}

/** The bits of a container that a field has. */
export function readContainer(message: Uint8Array, container: ContainerIr): bigint {
  const { offset, bytes, order, shift, bits } = container;
  const octets = [...message.subarray(offset, offset + bytes)];
  if (order === 'le') octets.reverse();
  const pattern = octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
  return (pattern >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n);
}

/** As `writeField`; a field of bits goes to its place in the container. */
export function writeMember(message: Uint8Array, field: FieldIr, value: bigint): boolean {
  const { container } = field;
  if (container === undefined) return writeField(message, field, value);
  const { offset, bytes, order, shift, bits } = container;
  if (value < 0n || value >= 1n << BigInt(bits)) return false;
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  for (let index = 0; index < bytes; index++) {
    const low = BigInt(8 * (order === 'le' ? index : bytes - 1 - index));
    const others = (message[offset + index] ?? 0) & ~Number((mask >> low) & 0xffn);
    message[offset + index] = others | Number(((value << BigInt(shift)) >> low) & 0xffn);
  }
  return true;
}
