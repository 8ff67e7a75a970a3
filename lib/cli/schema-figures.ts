// The figures of a schema that `schema print` and `schema sizes` show: bytes, shares, padding.
import {
  type BlockModel,
  type FieldModel,
  nativeHeaderBytes,
  newestBytes,
} from '../schema/model.js';
import { dataBytesMax } from '../schema/place-native.js';
import type { AnySchema } from '../schema/schema.js';

/** The fixed part of a message, or of the entries of a group. */
export interface BlockFigures {
  /** Empty for the message itself, else `fills[]`. */
  readonly path: string;
  readonly bytes: number;
  readonly fields: readonly FieldFigures[];
  /** Bytes of the bits that say which optional fields are there. */
  readonly presenceBytes: number;
  /** Bytes of removed fields. */
  readonly removedBytes: number;
  readonly paddingBytes: number;
}

export interface FieldFigures {
  readonly field: FieldModel;
  readonly isRemoved: boolean;
  /** Bytes in the block; 0 for what shares the bytes of an earlier field. */
  readonly bytes: number;
  /** Of the block, 0 to 1. */
  readonly share: number;
  /** The most bytes behind the field's slot: of text, blob or entries. */
  readonly variableBytesMax: number;
}

const presenceWordBytes = 4;

export function headerBytes({ model }: AnySchema): number {
  return model.layout.kind === 'native' ? nativeHeaderBytes : 0;
}

/** Header and newest fixed part: what every message takes. */
export function fixedBytes(schema: AnySchema): number {
  return headerBytes(schema) + newestBytes(schema.model.block);
}

/** Figures of a message's block and of its groups' blocks, outermost first. */
export function blockFigures(block: BlockModel, path = ''): readonly BlockFigures[] {
  const bytes = newestBytes(block);
  const taken = new Set<number>();
  const figures = (field: FieldModel): FieldFigures => {
    const isShared = field.type.kind === 'bits' && taken.has(field.offset);
    taken.add(field.offset);
    const own = isShared ? 0 : field.bytes;
    const isRemoved = block.removed.includes(field);
    const share = bytes === 0 || field.base !== null ? 0 : own / bytes;
    return { field, isRemoved, bytes: own, share, variableBytesMax: dataBytesMax(field) };
  };
  const all = [...block.fields, ...block.removed].map(figures);
  const fixed = all.filter(({ field }) => field.base === null);
  const sum = (some: readonly FieldFigures[]): number =>
    some.reduce((total, each) => total + each.bytes, 0);
  const words = new Set(all.map(({ field }) => field.presence?.offset ?? -1));
  words.delete(-1);
  const presenceBytes = words.size * presenceWordBytes;
  const own = {
    path,
    bytes,
    fields: all.sort((a, b) => placeOf(a) - placeOf(b)),
    presenceBytes,
    removedBytes: sum(fixed.filter(({ isRemoved }) => isRemoved)),
    paddingBytes: bytes - sum(fixed) - presenceBytes,
  };
  const groups = block.fields.flatMap(({ name, type }) =>
    type.kind === 'group' ? blockFigures(type.block, `${path}${path && '.'}${name}[]`) : [],
  );
  return [own, ...groups];
}

/** Fields at fixed places first, in the order of their bytes. */
function placeOf({ field }: FieldFigures): number {
  const section = field.base === null ? 0 : 2 ** 40 * (field.base.field + 1);
  const bit = field.type.kind === 'bits' ? field.type.shift / 64 : 0;
  return section + field.offset + (field.order === 'be' ? -bit : bit);
}
