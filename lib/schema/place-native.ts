// Places of fields in native layouts: one tranche for each version, never moved afterwards.
import { optionError, type SourcePlace } from '../errors.js';
import { alignUp, type Declared, declareFields } from './declare.js';
import {
  type BlockModel,
  type FieldModel,
  groupDepthMax,
  integerFacts,
  newestBytes,
  type PresenceModel,
  type TypeModel,
} from './model.js';
import type { FieldSpec, TypeSpec } from './spec.js';

const blockBytesMax = 65_528;
const slotBytes = 8;
const groupHeaderBytes = 8;
const presenceBytes = 4;
const presenceBits = 32;

/** Where in the schema a block lies: for errors, and for the bound on nesting. */
export interface BlockContext {
  readonly option: string;
  readonly place: SourcePlace;
  readonly depth: number;
}

/** A block of a version before which it did not exist. Throws ERR_SCHEMA. */
export function placeNative(fields: unknown, version: number, context: BlockContext): BlockModel {
  const { option, place, depth } = context;
  if (depth > groupDepthMax) {
    const expected = `groups nested at most ${groupDepthMax} deep`;
    throw optionError('ERR_SCHEMA', option, expected, depth, place);
  }
  const declared = declareFields(fields, [], option, place);
  if (declared.length === 0) {
    throw optionError('ERR_SCHEMA', option, 'at least one field', fields, place);
  }
  const tranche = placeTranche(declared, 0, version, context);
  const versionBytes = [...new Array<number>(version - 1).fill(0), tranche.bytes];
  return { fields: tranche.fields, removed: [], versionBytes };
}

/** The fields that a version adds behind `offset`, in the order given, and where they end. */
export function placeTranche(
  declared: readonly Declared[],
  offset: number,
  version: number,
  context: BlockContext,
): { readonly fields: readonly FieldModel[]; readonly bytes: number } {
  const inIdOrder = [...declared].sort((a, b) => a.id - b.id);
  const optionals = inIdOrder.filter(({ spec }) => spec.options.need === 'optional');
  const presence = new Map<Declared, PresenceModel>();
  optionals.forEach((field, index) => {
    const word = Math.floor(index / presenceBits);
    presence.set(field, { offset: offset + word * presenceBytes, bit: index % presenceBits });
  });
  let end = offset + Math.ceil(optionals.length / presenceBits) * presenceBytes;
  const placed = new Map<Declared, FieldModel>();
  const sized = inIdOrder.map((field) => ({ field, type: resolveType(field, version, context) }));
  const inOrder = sized.sort(
    (a, b) => alignmentOf(b.type) - alignmentOf(a.type) || a.field.id - b.field.id,
  );
  for (const { field, type } of inOrder) {
    const { name, id, explicitId, spec, fallback } = field;
    end = alignUp(end, alignmentOf(type));
    const bytes = bytesOf(type);
    placed.set(field, {
      ...{ name, id, explicitId, since: version, type, order: 'le', offset: end, bytes },
      ...{ presence: presence.get(field) ?? null, fallback, base: null, doc: spec.options.doc },
    });
    end += bytes;
  }
  const blockBytes = alignUp(end, 8);
  if (blockBytes > blockBytesMax) {
    const expected = `at most ${blockBytesMax} bytes of fixed fields`;
    throw optionError('ERR_SCHEMA', context.option, expected, blockBytes, context.place);
  }
  return { fields: declared.map((field) => placed.get(field) as FieldModel), bytes: blockBytes };
}

function resolveType({ name, spec }: Declared, version: number, context: BlockContext): TypeModel {
  const { option, place, depth } = context;
  const path = `${option}.${name}`;
  refuseForeign(spec, path, place);
  const type = spec.type as Exclude<TypeSpec, { kind: 'bits' }>;
  if (type.kind !== 'group') return type;
  const inner = { option: path, place, depth: depth + 1 };
  const block = placeNative(type.fields, version, inner);
  return { kind: 'group', countMax: type.countMax, block };
}

function refuseForeign(spec: FieldSpec, path: string, place: SourcePlace): void {
  const { type, options } = spec;
  const element = type.kind === 'array' ? type.element : type;
  const isOdd = element.kind === 'integer' && /^u(24|40|48)$/.test(element.base);
  const isSpaced = element.kind === 'ascii' && element.pad === 'space';
  const isForeign = isOdd || isSpaced || type.kind === 'bits' || type.kind === 'rest';
  if (!isForeign && options.at === null) return;
  const expected = 'a type of native layouts; this one needs layout.packed() or layout.c()';
  const received = options.at === null ? type.kind : 'at';
  throw optionError('ERR_SCHEMA', path, expected, isOdd ? element.base : received, place);
}

/** Bytes of a value in the block; a slot's where the value lies elsewhere. */
export function bytesOf(type: TypeModel): number {
  switch (type.kind) {
    case 'float':
      return type.base === 'f32' ? 4 : 8;
    case 'ascii':
    case 'bytes':
      return type.bytes;
    case 'array':
      return bytesOf(type.element) * type.count;
    case 'bits':
      return type.containerBytes;
    case 'rest':
      return 0;
    case 'string':
    case 'blob':
    case 'group':
      return slotBytes;
    default:
      return integerFacts[type.base].bytes;
  }
}

function alignmentOf(type: TypeModel): number {
  switch (type.kind) {
    case 'ascii':
    case 'bytes':
      return type.bytes % 8 === 0 ? 8 : 1;
    case 'array':
      return alignmentOf(type.element);
    case 'string':
    case 'blob':
    case 'group':
      return 4;
    default:
      return bytesOf(type);
  }
}

/** The most bytes that the variable data of a block can take. */
export function variableBytesMax(block: BlockModel): number {
  return block.fields.reduce((bytes, field) => bytes + dataBytesMax(field), 0);
}

/** The most bytes that lie behind a field's slot, with the padding before a group. */
export function dataBytesMax({ type }: FieldModel): number {
  if (type.kind === 'string' || type.kind === 'blob') return type.bytesMax;
  if (type.kind !== 'group') return 0;
  const entry = newestBytes(type.block) + variableBytesMax(type.block);
  return 7 + groupHeaderBytes + type.countMax * entry;
}
