// Places of fields in foreign layouts: packed, or aligned as a C compiler does it.

import { optionError, type SourcePlace } from '../errors.js';
import { placeBits } from './bits.js';
import { collection } from './collection.js';
import { alignUp, declareFields } from './declare.js';
import {
  type BlockModel,
  type ByteOrder,
  type DynamicBase,
  type FieldModel,
  foreignMessageBytesMax,
  isSlotType,
  type TypeModel,
} from './model.js';
import { bytesOf } from './place-native.js';
import { callerPlace } from './position.js';
import type { FieldSpec } from './spec.js';

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
 * Layouts of binary formats that others define. Without one a schema has the native layout.
 *
 * - `layout.packed('le')`: fields follow each other without gaps.
 * - `layout.c('be')`: each field at a multiple of its size and the message padded to its largest
 *   field, as a C compiler lays out a struct; little-endian by default.
 */
export const layout = collection('layout', 'a layout', 'ERR_SCHEMA', {
  packed: (order: ByteOrder = 'le'): Layout => layoutOf('packed', order),
  c: (order: ByteOrder = 'le'): Layout => layoutOf('c', order),
});

/** Whether a value is a layout, made here or by another copy of the package. */
export function isLayout(value: unknown): value is Layout {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, order } = value as Partial<Layout>;
  return (kind === 'packed' || kind === 'c') && (order === 'le' || order === 'be');
}

export const messageBytesMax = foreignMessageBytesMax;

/** Gives every field its place, in the order of the object. Throws ERR_SCHEMA. */
export function placeForeign(
  fields: unknown,
  rule: Layout,
  option: string,
  place: SourcePlace,
): BlockModel {
  const declared = declareFields(fields, [], option, place);
  if (declared.length === 0) {
    throw optionError('ERR_SCHEMA', option, '1 to 1024 fields', fields, place);
  }
  const bitPlaces = placeBits(declared, rule.order, option, place);
  const placed: FieldModel[] = [];
  let section = { base: null as DynamicBase | null, offset: 0, alignment: 1 };
  let fixedBytes = 0;
  for (const [index, field] of declared.entries()) {
    const path = `${option}.${field.name}`;
    const bits = bitPlaces[index] ?? null;
    const type = bits?.type ?? foreignType(field.spec, path, place);
    if (field.spec.options.at !== null) {
      if (section.base === null) fixedBytes = alignUp(section.offset, section.alignment);
      section = { base: dynamicBase(field.spec, placed, path, place), offset: 0, alignment: 1 };
    }
    if (placed.at(-1)?.type.kind === 'rest') {
      throw optionError('ERR_SCHEMA', path, 'nothing behind t.rest', field.name, place);
    }
    const alignment = rule.kind === 'packed' ? 1 : alignmentOf(type);
    section.alignment = Math.max(section.alignment, alignment);
    const isInContainer = bits !== null && !bits.isFirst;
    const offset = isInContainer
      ? (placed.at(-1)?.offset ?? 0)
      : alignUp(section.offset, alignment);
    const bytes = bytesOf(type);
    const { name, id, explicitId, spec, fallback } = field;
    placed.push({
      ...{ name, id, explicitId, since: 1, type, order: rule.order, offset, bytes },
      ...{ presence: null, fallback, base: section.base, doc: spec.options.doc },
    });
    section.offset = offset + bytes;
  }
  const isOpen = section.base !== null || placed.at(-1)?.type.kind === 'rest';
  const end = isOpen ? section.offset : alignUp(section.offset, section.alignment);
  const bytes = section.base === null ? end : fixedBytes;
  if (Math.max(bytes, end) > messageBytesMax) {
    throw optionError('ERR_SCHEMA', option, `at most ${messageBytesMax} bytes`, end, place);
  }
  return { fields: placed, removed: [], versionBytes: [bytes] };
}

function alignmentOf(type: TypeModel): number {
  if (type.kind === 'ascii' || type.kind === 'bytes' || type.kind === 'rest') return 1;
  if (type.kind === 'array') return alignmentOf(type.element);
  const bytes = bytesOf(type);
  return (bytes & (bytes - 1)) === 0 ? bytes : 1;
}

function foreignType(spec: FieldSpec, path: string, place: SourcePlace): TypeModel {
  const { type, options } = spec;
  const isNative = isSlotType(type);
  if (isNative || options.need === 'optional') {
    const expected = 'a type of foreign layouts; this one needs the native layout';
    const received = isNative ? type.kind : 'optional';
    throw optionError('ERR_SCHEMA', path, expected, received, place);
  }
  return type as TypeModel;
}

function dynamicBase(
  spec: FieldSpec,
  placed: readonly FieldModel[],
  path: string,
  place: SourcePlace,
): DynamicBase {
  const at = spec.options.at as { field: string; scale: number; plus: number };
  const field = placed.findIndex(({ name }) => name === at.field);
  const type = placed[field]?.type;
  const isUnsigned = type?.kind === 'bits' || (type?.kind === 'integer' && /^u/.test(type.base));
  if (!isUnsigned) {
    const expected = 'the name of an earlier unsigned integer or bits field';
    throw optionError('ERR_SCHEMA', `${path}.at`, expected, at.field, place);
  }
  return { field, scale: at.scale, plus: at.plus };
}
