// How the fields of a message lie in memory: packed, or aligned as a C compiler does it.
import { optionError, type SourcePlace } from '../errors.js';
import { callerPlace } from './position.js';
import type { ByteOrder, Fields, PlacedField } from './types.js';

/** A rule that gives every field its offset. */
export interface Layout {
  readonly kind: 'packed' | 'c';
  readonly order: ByteOrder;
}

function layoutOf(kind: Layout['kind'], order: unknown): Layout {
  if (order !== 'le' && order !== 'be') {
    const option = `layout.${kind}`;
    throw optionError('ERR_SCHEMA', option, `a byte order, 'le' or 'be'`, order, callerPlace());
  }
  return Object.freeze({ kind, order });
}

/**
 * Layouts of binary formats that others define.
 *
 * - `layout.packed('le')`: fields follow each other without gaps.
 * - `layout.c('be')`: each field at a multiple of its size and the message padded to its largest
 *   field, as a C compiler lays out a struct; little-endian by default.
 */
export const layout = Object.freeze({
  packed: (order: ByteOrder = 'le'): Layout => layoutOf('packed', order),
  c: (order: ByteOrder = 'le'): Layout => layoutOf('c', order),
});

/** Whether a value is a layout, made here or by another copy of the package. */
export function isLayout(value: unknown): value is Layout {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, order } = value as Partial<Layout>;
  return (kind === 'packed' || kind === 'c') && (order === 'le' || order === 'be');
}

/** Fields at their places, and the message's size. */
export interface Placement {
  readonly fields: readonly PlacedField[];
  readonly bytes: number;
}

const fieldPattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const fieldsMax = 1024;
/** A message's largest size: every offset fits 16 bits with one value to spare. */
export const messageBytesMax = 65_535;

/** Gives every field its place, in the order of the object. Throws ERR_SCHEMA. */
export function placeFields(
  fields: Fields,
  rule: Layout,
  option: string,
  place: SourcePlace,
): Placement {
  const entries = Object.entries(fields);
  if (entries.length < 1 || entries.length > fieldsMax) {
    throw optionError('ERR_SCHEMA', option, `1 to ${fieldsMax} fields`, entries.length, place);
  }
  const placed: PlacedField[] = [];
  let offset = 0;
  let alignmentMax = 1;
  for (const [name, spec] of entries) {
    if (!fieldPattern.test(name)) {
      const expected = 'field names of a letter, then up to 63 letters, digits or "_"';
      throw optionError('ERR_SCHEMA', option, expected, name, place);
    }
    if (spec?.type === undefined || spec.shape === undefined || spec.bytes === undefined) {
      const expected = 'a field type such as t.u32';
      throw optionError('ERR_SCHEMA', `${option}.${name}`, expected, spec, place);
    }
    const { type, shape, bytes, symbols } = spec;
    const alignment = rule.kind === 'packed' || type === 'bytes' ? 1 : bytes;
    alignmentMax = Math.max(alignmentMax, alignment);
    offset = alignUp(offset, alignment);
    placed.push({ name, type, shape, order: rule.order, offset, bytes, symbols });
    offset += bytes;
  }
  const bytes = alignUp(offset, alignmentMax);
  if (bytes > messageBytesMax) {
    throw optionError('ERR_SCHEMA', option, `at most ${messageBytesMax} bytes`, bytes, place);
  }
  return { fields: placed, bytes };
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
