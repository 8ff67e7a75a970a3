// Facts about integer fields that the emitter needs: how the engine reads one, and the order of its
// values.
import { isIntegerType } from '../schema/model.js';
import type { ContainerIr, FieldIr, IntegerType } from './ir.js';

/** A field that holds an integer or a bit: the only kind that conditions and conversions read. */
export type IntegerField = FieldIr & { readonly type: IntegerType | 'bit' };

export function isInteger(field: FieldIr): field is IntegerField {
  return field.type === 'bit' || isIntegerType(field.type);
}

export function isSigned(field: IntegerField): boolean {
  return field.type.startsWith('i');
}

const bigEndian = 8;
const signed = 16;

/** The kind of a single bit of a byte; its number lies above. */
const bitKind = 6;

/** Width, byte order and sign in one byte, as the engine's FieldKind; or which bit of a byte. */
export function fieldKind(field: IntegerField): number {
  if (field.bit !== undefined) return bitKind | (field.bit << 5);
  const order = field.order === 'be' && field.bytes > 1 ? bigEndian : 0;
  return field.bytes - 1 + order + (isSigned(field) ? signed : 0);
}

/** Smallest and greatest value of the field. */
export function fieldRange(field: IntegerField): readonly [bigint, bigint] {
  if (field.bit !== undefined) return [0n, 1n];
  const bits = BigInt(field.bytes * 8);
  return isSigned(field)
    ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
    : [0n, (1n << bits) - 1n];
}

/** Smallest and greatest value that may be written to the field. */
export function outputRange(field: IntegerField): readonly [bigint, bigint] {
  const [low, high] = fieldRange(field);
  return [low, field.max ?? high];
}

/** A key whose unsigned 64-bit order is the order of the field's values. */
export function keyOf(field: IntegerField, value: bigint): bigint {
  return isSigned(field) ? value + (1n << 63n) : value;
}

/** Writes an integer into message bytes at the field's place. */
export function storeInteger(bytes: Uint8Array, field: IntegerField, value: bigint): void {
  let rest = BigInt.asUintN(field.bytes * 8, value);
  for (let index = 0; index < field.bytes; index += 1) {
    const place = field.order === 'le' ? index : field.bytes - 1 - index;
    bytes[field.offset + place] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Sets the bits of a container to zero. */
export function clearBits(bytes: Uint8Array, container: ContainerIr): void {
  const { offset, bytes: count, order, shift, bits } = container;
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  for (let index = 0; index < count; index += 1) {
    const low = BigInt(8 * (order === 'le' ? index : count - 1 - index));
    bytes[offset + index] = (bytes[offset + index] ?? 0) & ~Number((mask >> low) & 0xffn);
  }
}

/** Adds a value to the bits of a container that are zero so far. */
export function orBits(bytes: Uint8Array, container: ContainerIr, value: bigint): void {
  const { offset, bytes: count, order, shift } = container;
  for (let index = 0; index < count; index += 1) {
    const low = BigInt(8 * (order === 'le' ? index : count - 1 - index));
    const octet = Number(((value << BigInt(shift)) >> low) & 0xffn);
    bytes[offset + index] = (bytes[offset + index] ?? 0) | octet;
  }
}
