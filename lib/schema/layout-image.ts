// The layout image: a message type as the engine and plug-ins know it, one flat, checked block.
// The native side of the format is native/include/hyperroute/layout_format.h; the format version
// rises with any change.
import { crc32c } from './crc32c.js';
import { initialBlock, initialMessage } from './initial.js';
import {
  type BlockModel,
  type ElementModel,
  type FieldModel,
  isSlotType,
  newestBytes,
  type SchemaModel,
  type TypeModel,
} from './model.js';

const magic = 0x4c4d5248; // "HRML" in memory.
const formatVersion = 1;
const crcStart = 16;
const none = 0xffff;

/** Sections in the order of the section table, with the bytes of one record. */
const recordBytes = {
  blocks: 24,
  slots: 16,
  fields: 56,
  symbols: 16,
  versions: 2,
  fingerprints: 2,
  bytes: 1,
} as const;
type SectionName = keyof typeof recordBytes;
const sectionNames = Object.keys(recordBytes) as SectionName[];
const headerBytes = 32 + 8 * sectionNames.length;

const layoutKinds = ['native', 'packed', 'c'];
const fieldTypes = [
  ...['integer', 'float', 'bool', 'flags', 'enum', 'decimal', 'timestamp', 'ascii', 'bytes'],
  ...['bits', 'string', 'blob', 'group', 'rest'],
];
const fieldBases = [
  ...['none', 'u8', 'u16', 'u24', 'u32', 'u40', 'u48', 'u64', 'i8', 'i16', 'i32', 'i64'],
  ...['f32', 'f64'],
];
const unknownPolicies = ['reject', 'raw', 'default'];
const flagBits = { removed: 1, fallback: 2, bigEndian: 4, safe: 8, spacePadded: 16 };

/** A little-endian byte string that grows. */
class Section {
  readonly #record: number;
  #bytes = new Uint8Array(256);
  #used = 0;

  constructor(record: number) {
    this.#record = record;
  }

  get count(): number {
    return this.#used / this.#record;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  append(bytes: Uint8Array): void {
    const end = this.#used + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#used);
    this.#used = end;
  }

  /** Appends integers, each [bytes, value]. */
  put(...numbers: readonly (readonly [1 | 2 | 4 | 8, number | bigint])[]): void {
    for (const [bytes, value] of numbers) {
      const octets = new Uint8Array(8);
      new DataView(octets.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
      this.append(octets.subarray(0, bytes));
    }
  }
}

type Sections = Readonly<Record<SectionName, Section>>;

interface PlacedBlock {
  readonly block: BlockModel;
  readonly parent: number;
  readonly depth: number;
  /** The blocks of its groups, by field. */
  readonly groups: Map<FieldModel, number>;
}

/**
 * The layout image of a message type: what `MessageLayout` of the addon and
 * `native/codec/layout.h` load. Pure; allocates. The bytes are the caller's.
 *
 * @example
 * const image = layoutImage(Order.model);
 */
export function layoutImage(model: SchemaModel): Uint8Array {
  const sections = Object.fromEntries(
    sectionNames.map((name) => [name, new Section(recordBytes[name])]),
  ) as Sections;
  const name = putText(sections, model.name);
  const blocks: PlacedBlock[] = [];
  collectBlocks(model.block, none, 0, blocks);
  for (const [index, placed] of blocks.entries()) putBlock(sections, model, placed, index);
  for (const fingerprint of model.fingerprints) sections.fingerprints.put([2, fingerprint]);
  return assemble(model, name, sections);
}

/** Appends the block and, each behind its parent, those of its groups. */
function collectBlocks(
  block: BlockModel,
  parent: number,
  depth: number,
  into: PlacedBlock[],
): number {
  const index = into.length;
  const placed: PlacedBlock = { block, parent, depth, groups: new Map() };
  into.push(placed);
  for (const field of slotFields(block)) {
    if (field.type.kind !== 'group') continue;
    placed.groups.set(field, collectBlocks(field.type.block, index, depth + 1, into));
  }
  return index;
}

function slotFields({ fields }: BlockModel): FieldModel[] {
  return fields.filter(({ type }) => isSlotType(type)).sort((a, b) => a.offset - b.offset);
}

function putBlock(
  sections: Sections,
  model: SchemaModel,
  placed: PlacedBlock,
  index: number,
): void {
  const { block, parent, depth } = placed;
  const isNative = model.layout.kind === 'native';
  const slots = slotFields(block);
  const live = [...block.fields].sort((a, b) => (a.name < b.name ? -1 : 1));
  const removed = block.removed
    .filter(({ fallback }) => fallback !== null)
    .sort((a, b) => a.offset - b.offset);
  // C++ does not write foreign layouts. The message's own initial bytes have its header.
  const initial = isNative ? sections.bytes.count : 0;
  if (isNative) sections.bytes.append(index === 0 ? initialMessage(model) : initialBlock(block));
  sections.blocks.put(
    [4, newestBytes(block)],
    [4, initial],
    [4, sections.slots.count],
    [4, sections.fields.count],
    [2, slots.length],
    [2, live.length + removed.length],
    [2, parent],
    [2, depth],
  );
  for (const bytes of block.versionBytes) sections.versions.put([2, bytes]);
  for (const slot of slots) putSlot(sections.slots, slot, placed.groups.get(slot) ?? none);
  const places = { isNative, slots, byName: live, source: block.fields };
  for (const field of live) putField(sections, field, false, places);
  for (const field of removed) putField(sections, field, true, places);
}

function putSlot(slots: Section, { type, offset, presence }: FieldModel, block: number): void {
  const max = type.kind === 'group' ? type.countMax : (type as { bytesMax: number }).bytesMax;
  slots.put(
    [2, offset],
    [2, presence?.offset ?? none],
    [4, presence === null ? 0 : 2 ** presence.bit],
    [4, max],
    [1, fieldTypes.indexOf(type.kind)],
    [1, 0],
    [2, block],
  );
}

interface Places {
  readonly isNative: boolean;
  readonly slots: readonly FieldModel[];
  /** As their records follow one another, and as indexes of the model count them. */
  readonly byName: readonly FieldModel[];
  readonly source: readonly FieldModel[];
}

function putField(
  sections: Sections,
  field: FieldModel,
  isRemoved: boolean,
  { isNative, slots, byName, source }: Places,
): void {
  const { type, presence, base } = field;
  const value: TypeModel = type.kind === 'array' ? type.element : type;
  const symbols = putSymbols(sections, value);
  const unknown = value.kind === 'enum' ? value.unknown : null;
  const byValue = value.kind === 'enum' ? symbolsOf(value) : [];
  const moved = base === null ? undefined : source[base.field];
  const slot = slots.indexOf(field);
  sections.fields.put(
    [4, putText(sections, field.name)],
    [4, field.id],
    [4, field.offset],
    [4, field.bytes],
    [4, type.kind === 'array' ? type.count : 0],
    [4, symbols],
    [2, sections.symbols.count - symbols],
    [2, unknown?.policy === 'default' ? byValue.findIndex(([n]) => n === unknown.symbol) : none],
    [2, presence?.offset ?? none],
    [1, presence?.bit ?? 0],
    [1, field.since],
    [1, fieldTypes.indexOf(value.kind)],
    [1, fieldBases.indexOf('base' in value ? value.base : 'none')],
    [1, flagsOf(field, value, isRemoved, isNative)],
    [1, unknown === null ? 0 : unknownPolicies.indexOf(unknown.policy)],
    [1, field.name.length],
    [1, value.kind === 'decimal' ? value.scale : 0],
    [1, value.kind === 'bits' ? value.bits : 0],
    [1, value.kind === 'bits' ? value.shift : 0],
    [2, slot < 0 ? none : slot],
    [2, moved === undefined ? none : byName.indexOf(moved)],
    [4, base?.scale ?? 0],
    [4, base?.plus ?? 0],
    [4, 0],
  );
}

function flagsOf(
  { fallback, order }: FieldModel,
  value: TypeModel,
  isRemoved: boolean,
  isNative: boolean,
): number {
  let flags = isRemoved ? flagBits.removed : 0;
  // Foreign messages are written by JavaScript, which knows their fallbacks itself.
  if (fallback !== null && isNative) flags |= flagBits.fallback;
  if (order === 'be') flags |= flagBits.bigEndian;
  if (value.kind === 'integer' && value.safe) flags |= flagBits.safe;
  if (value.kind === 'ascii' && value.pad === 'space') flags |= flagBits.spacePadded;
  return flags;
}

/** Names with their values (of flags: their bits), by value. */
function symbolsOf(type: TypeModel | ElementModel): (readonly [string, bigint])[] {
  const entries: [string, bigint][] =
    type.kind === 'enum'
      ? Object.entries(type.symbols)
      : type.kind === 'flags'
        ? Object.entries(type.flags).map(([name, bit]) => [name, BigInt(bit)])
        : [];
  return entries.sort(([, a], [, b]) => (a < b ? -1 : 1));
}

/** The index of the first. */
function putSymbols(sections: Sections, type: TypeModel): number {
  const first = sections.symbols.count;
  for (const [name, value] of symbolsOf(type)) {
    sections.symbols.put([8, value], [4, putText(sections, name)], [4, textBytes(name)]);
  }
  return first;
}

const encoder = new TextEncoder();

function textBytes(text: string): number {
  return encoder.encode(text).length;
}

function putText({ bytes }: Sections, text: string): number {
  const place = bytes.count;
  bytes.append(encoder.encode(text));
  return place;
}

function assemble(model: SchemaModel, name: number, sections: Sections): Uint8Array {
  const places: { readonly offset: number; readonly section: Section }[] = [];
  let end = headerBytes;
  for (const key of sectionNames) {
    places.push({ offset: end, section: sections[key] });
    end = Math.ceil((end + sections[key].bytes.length) / 8) * 8;
  }
  const header = new Section(1);
  header.put([4, magic], [2, formatVersion], [2, sectionNames.length], [4, end], [4, 0]);
  header.put([8, model.templateId], [4, name], [2, textBytes(model.name)]);
  header.put([1, layoutKinds.indexOf(model.layout.kind)], [1, model.version]);
  for (const { offset, section } of places) header.put([4, offset], [4, section.count]);
  const image = new Uint8Array(end);
  image.set(header.bytes);
  for (const { offset, section } of places) image.set(section.bytes, offset);
  new DataView(image.buffer).setUint32(12, crc32c(image.subarray(crcStart)), true);
  return image;
}
