// A schema as its codecs see it: the fields of each block in the orders in which they are written
// and read, and the bytes that belong to none. Made once per schema.
import {
  type BlobModel,
  type BlockModel,
  type DynamicBase,
  type FieldModel,
  type FieldValue,
  type FixedModel,
  type GroupModel,
  integerFacts,
  isSlotType,
  type RestModel,
  type SchemaModel,
  type SlotModel,
  type StringModel,
  type TypeModel,
} from '../model.js';

/** What a codec is made from. */
export interface CodecPlan {
  readonly model: SchemaModel;
  /** Foreign layouts: fields written as constants and checked, by name. */
  readonly header: ReadonlyMap<string, bigint>;
  /** Foreign layouts: the field that holds the message's bytes when they vary, or null. */
  readonly sizeField: string | null;
}

/** A field with what the codecs ask of it again and again. */
export interface FieldPlan<Type extends TypeModel = TypeModel> {
  /** Its number among all fields of the schema, groups' included. */
  readonly index: number;
  readonly name: string;
  /** `Order.fills[].qty`; each `[]` stands for an index. */
  readonly path: string;
  readonly model: FieldModel;
  readonly type: Type;
  /** What is written whatever the message says: a header field's, a removed field's fallback. */
  readonly constant: FieldValue | undefined;
  /** Fields of the entries of a group. */
  readonly block: BlockPlan | null;
  /** Foreign: number of the section it lies in; 0 starts with the message. */
  readonly section: number;
}

/** A run of bytes without a field. */
export interface Gap {
  readonly offset: number;
  readonly bytes: number;
}

export interface BlockPlan {
  /** Its number among the blocks of the schema; 0 is the message's. */
  readonly index: number;
  /** Groups around it. */
  readonly depth: number;
  /** In the order of the source: what an object of this block consists of. */
  readonly fields: readonly FieldPlan[];
  /** Values with a place in the block that are written, in the order of the source. */
  readonly fixed: readonly FieldPlan<FixedModel>[];
  /** Variable fields that are written, by offset. */
  readonly slots: readonly FieldPlan<SlotModel>[];
  /** Variable fields that are read, by offset. */
  readonly bound: readonly FieldPlan<SlotModel>[];
  /** Offsets of the u32 words of presence bits. */
  readonly presenceWords: readonly number[];
  /** Bytes of the block that no written field has, each run as long as can be. */
  readonly gaps: readonly Gap[];
  /** Bytes of the block that is written. */
  readonly bytes: number;
  readonly versionBytes: readonly number[];
}

/** A run of foreign fields behind one another, at a place of their own. */
export interface Section {
  /** null: the message's start. */
  readonly base: DynamicBase | null;
  /** Bytes up to the end of its last field of fixed size. */
  readonly bytes: number;
  readonly gaps: readonly Gap[];
}

export interface Layouts {
  readonly model: SchemaModel;
  readonly isNative: boolean;
  readonly root: BlockPlan;
  /** All fields by index, removed ones that are written included. */
  readonly fields: readonly FieldPlan[];
  readonly blocks: readonly BlockPlan[];
  /** Foreign layouts only; native ones have none. */
  readonly sections: readonly Section[];
  readonly rest: FieldPlan<RestModel> | null;
  readonly sizeField: FieldPlan | null;
  /** Foreign: values of header fields by index of the field. */
  readonly header: ReadonlyMap<number, number | bigint>;
}

export type GroupPlan = FieldPlan<GroupModel> & { readonly block: BlockPlan };
export type DataPlan = FieldPlan<StringModel | BlobModel>;

export function isGroup(field: FieldPlan): field is GroupPlan {
  return field.block !== null;
}

/** Whether writing and reading the block's entries goes beyond its fixed part. */
export function hasSlots(block: BlockPlan): boolean {
  return block.slots.length > 0 || block.bound.length > 0;
}

/** Works out everything that does not depend on a message. */
export function layoutsOf({ model, header, sizeField }: CodecPlan): Layouts {
  const fields: FieldPlan[] = [];
  const blocks: BlockPlan[] = [];
  const isNative = model.layout.kind === 'native';
  const collector: Collector = { fields, blocks, header };
  const root = blockPlan(model.block, model.name, 0, collector);
  const rest = root.fields.find((field) => field.type.kind === 'rest') ?? null;
  const constants = new Map<number, number | bigint>();
  for (const field of root.fields) {
    if (!header.has(field.name)) continue;
    constants.set(field.index, field.constant as number | bigint);
  }
  return {
    model,
    isNative,
    root,
    fields,
    blocks,
    sections: isNative ? [] : sectionsOf(root),
    rest: rest as FieldPlan<RestModel> | null,
    sizeField: root.fields.find((field) => field.name === sizeField) ?? null,
    header: constants,
  };
}

interface Collector {
  readonly fields: FieldPlan[];
  readonly blocks: BlockPlan[];
  readonly header: ReadonlyMap<string, bigint>;
}

function blockPlan(model: BlockModel, path: string, depth: number, into: Collector): BlockPlan {
  const index = into.blocks.length;
  into.blocks.push(undefined as unknown as BlockPlan);
  let section = 0;
  let base: DynamicBase | null = null;
  const sectionOf = (field: FieldModel): number => {
    if (!isSameBase(base, field.base)) section += 1;
    base = field.base;
    return section;
  };
  const fields = model.fields.map((field) => {
    const constant = depth === 0 ? headerConstant(field, into.header) : undefined;
    return fieldPlan(field, constant, sectionOf(field), path, depth, into);
  });
  const removed = model.removed
    .filter((field) => field.fallback !== null)
    .map((field) => fieldPlan(field, field.fallback as FieldValue, 0, path, depth, into));
  const written = [...fields, ...removed];
  const byOffset = (one: FieldPlan, other: FieldPlan): number =>
    one.model.offset - other.model.offset;
  const all = [...model.fields, ...model.removed];
  const words = all.flatMap(({ presence }) => (presence === null ? [] : [presence.offset]));
  const presenceWords = [...new Set(words)].sort((one, other) => one - other);
  const bytes = model.versionBytes[model.versionBytes.length - 1] ?? 0;
  const isSlot = (field: FieldPlan): field is FieldPlan<SlotModel> => isSlotType(field.type);
  const plan: BlockPlan = {
    index,
    depth,
    fields,
    fixed: written.filter(isFixed),
    slots: written.filter(isSlot).sort(byOffset),
    bound: fields.filter(isSlot).sort(byOffset),
    presenceWords,
    gaps: gapsOf(
      [...written.map(({ model: field }) => field), ...presenceWords.map(wordAt)],
      bytes,
    ),
    bytes,
    versionBytes: model.versionBytes,
  };
  into.blocks[index] = plan;
  return plan;
}

function wordAt(offset: number): Gap {
  return { offset, bytes: 4 };
}

function isFixed(field: FieldPlan): field is FieldPlan<FixedModel> {
  return field.type.kind !== 'rest' && !isSlotType(field.type);
}

function isSameBase(one: DynamicBase | null, other: DynamicBase | null): boolean {
  if (one === null || other === null) return one === other;
  return one.field === other.field && one.scale === other.scale && one.plus === other.plus;
}

function headerConstant(
  field: FieldModel,
  header: ReadonlyMap<string, bigint>,
): FieldValue | undefined {
  const value = header.get(field.name);
  if (value === undefined) return undefined;
  const { type } = field;
  const isWide = type.kind === 'integer' && !type.safe && integerFacts[type.base].bytes === 8;
  return isWide ? value : Number(value);
}

function fieldPlan(
  model: FieldModel,
  constant: FieldValue | undefined,
  section: number,
  parent: string,
  depth: number,
  into: Collector,
): FieldPlan {
  const index = into.fields.length;
  into.fields.push(undefined as unknown as FieldPlan);
  const path = `${parent}.${model.name}`;
  const { type, name } = model;
  const block = type.kind === 'group' ? blockPlan(type.block, `${path}[]`, depth + 1, into) : null;
  const plan: FieldPlan = { index, name, path, model, type, constant, block, section };
  into.fields[index] = plan;
  return plan;
}

/** What the given pieces leave free of a block. */
function gapsOf(pieces: readonly Gap[], bytes: number): Gap[] {
  const gaps: Gap[] = [];
  let offset = 0;
  for (const piece of [...pieces].sort((one, other) => one.offset - other.offset)) {
    if (piece.offset > offset) gaps.push({ offset, bytes: piece.offset - offset });
    offset = Math.max(offset, piece.offset + piece.bytes);
  }
  if (bytes > offset) gaps.push({ offset, bytes: bytes - offset });
  return gaps;
}

function sectionsOf(root: BlockPlan): Section[] {
  const sections: Section[] = [];
  for (const field of root.fields) {
    const members = root.fixed.filter(({ section }) => section === field.section);
    if (sections.length > field.section) continue;
    const { base } = field.model;
    const ends = members.map(({ model }) => model.offset + model.bytes);
    // The rest may start behind padding.
    const tail = root.fields.find(
      ({ section, type }) => section === field.section && type.kind === 'rest',
    );
    const end = Math.max(0, ...ends, tail?.model.offset ?? 0);
    const isWhole = tail === undefined && root.fields.every(({ model }) => model.base === null);
    const bytes = isWhole ? Math.max(end, root.bytes) : end;
    sections.push({
      base,
      bytes,
      gaps: gapsOf(
        members.map(({ model }) => model),
        bytes,
      ),
    });
  }
  return sections;
}

/** The value of a field that the message does not have: older ones lack it, or nobody set it. */
export function absentValue({ model, type }: FieldPlan): FieldValue {
  if (model.presence !== null && model.fallback === null) return undefined;
  return model.fallback ?? zeroValue(type);
}

function zeroValue(type: TypeModel): FieldValue {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'flags':
      return Object.fromEntries(Object.keys(type.flags).map((name) => [name, false]));
    case 'enum':
      return Object.keys(type.symbols).find((symbol) => type.symbols[symbol] === 0n);
    case 'ascii':
    case 'string':
      return '';
    case 'bytes':
      return new Uint8Array(type.bytes);
    case 'blob':
    case 'rest':
      return new Uint8Array(0);
    case 'array':
      return Array.from({ length: type.count }, () => zeroValue(type.element));
    case 'group':
      return [];
    case 'integer':
      return !type.safe && integerFacts[type.base].bytes === 8 ? 0n : 0;
    case 'decimal':
      return integerFacts[type.base].bytes === 8 ? 0n : 0;
    case 'timestamp':
      return 0n;
    default:
      return 0;
  }
}

/** A value that shares nothing with the given one, so that a message's owner may change it. */
export function copyValue(value: FieldValue): FieldValue {
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyValue);
  const entries = Object.entries(value as Readonly<Record<string, FieldValue>>);
  return Object.fromEntries(entries.map(([name, inner]) => [name, copyValue(inner)]));
}
