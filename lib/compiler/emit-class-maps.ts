// Class maps: the values of a field between which no rule makes a difference are one class, and a
// class map says which class a message's value belongs to. What a matcher makes of the classes
// (rows of bits, a table of rules) is none of this file's business.
import type { Box } from './emit-conditions.js';
import { fieldKind, fieldRange, type IntegerField, keyOf } from './emit-fields.js';
import { type ClassMapName, classMapKinds } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';

/** Which boxes hold in which classes of a field. A box is named by its place in the list. */
export interface FieldClasses {
  readonly classCount: number;
  /** Boxes that hold from each class on, and those that no longer hold in it. */
  readonly begins: readonly (readonly number[])[];
  readonly ends: readonly (readonly number[])[];
}

/** Classes of an integer: class 0 starts at the least value, class n at starts[n - 1]. */
export interface IntegerClasses extends FieldClasses {
  readonly starts: readonly bigint[];
}

/** A class map in the image. */
export interface ClassMapRef {
  readonly map: ClassMapName;
  readonly load: number;
  readonly offset: number;
  readonly table: number;
  readonly classCount: number;
  readonly steps: number;
}

/** Cuts the field's range where the boxes' sets begin and end, and says which boxes hold where. */
export function integerClasses(
  boxes: readonly Box[],
  index: number,
  field: IntegerField,
): IntegerClasses {
  const [min, max] = fieldRange(field);
  const starts = new Set<bigint>();
  for (const box of boxes) {
    for (const [low, high] of box.get(index) ?? []) {
      if (low > min) starts.add(low);
      if (high < max) starts.add(high + 1n);
    }
  }
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1));
  const classAt = new Map(sorted.map((value, place) => [value, place + 1]));
  const begins: number[][] = Array.from({ length: sorted.length + 2 }, () => []);
  const ends: number[][] = Array.from({ length: sorted.length + 2 }, () => []);
  for (const [place, box] of boxes.entries()) {
    for (const [low, high] of box.get(index) ?? [[min, max] as const]) {
      begins[classAt.get(low) ?? 0]?.push(place);
      ends[classAt.get(high + 1n) ?? sorted.length + 1]?.push(place);
    }
  }
  return { classCount: sorted.length + 1, starts: sorted, begins, ends };
}

/** Appends the class map of an integer field: a table for one byte, a search for more. */
export function emitIntegerMap(
  builder: ImageBuilder,
  { starts, classCount }: IntegerClasses,
  field: IntegerField,
): ClassMapRef {
  const map = field.bytes === 1 ? 'direct' : 'search';
  const { first, steps } =
    map === 'direct'
      ? emitDirect(builder, starts, field)
      : builder.searchKeys(starts.map((value) => keyOf(field, value)));
  return { map, load: fieldKind(field), offset: field.offset, table: first, classCount, steps };
}

/** Appends the record of a matcher's field: its class map, and where the first class's row is. */
export function emitMatchField(builder: ImageBuilder, ref: ClassMapRef, rows: number): void {
  builder.sections.matchFields
    .u8(classMapKinds[ref.map], ref.load)
    .u16(ref.offset)
    .u32(ref.table, rows, ref.classCount - 1)
    .u8(ref.steps, 0, 0, 0, 0, 0, 0, 0);
}

/** A class for each of the 256 bytes that a one-byte field can hold. */
function emitDirect(
  builder: ImageBuilder,
  starts: readonly bigint[],
  field: IntegerField,
): { first: number; steps: number } {
  const { slots } = builder.sections;
  const first = slots.count;
  for (let byte = 0; byte < 256; byte += 1) {
    const value = valueOfByte(byte, field);
    slots.u16(starts.filter((start) => start <= value).length);
  }
  return { first, steps: 0 };
}

/** What a byte says of the field that has it, or has one bit of it. */
function valueOfByte(byte: number, { type, bit }: IntegerField): bigint {
  if (bit !== undefined) return BigInt((byte >> bit) & 1);
  return type === 'i8' ? BigInt.asIntN(8, BigInt(byte)) : BigInt(byte);
}
