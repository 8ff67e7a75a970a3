// Writes the sections of a route image and joins them into the block that the engine loads.
import { crc32c } from '../schema/crc32c.js';
import {
  imageBytesMax,
  imageCrcStart,
  imageEndpointsMax,
  imageFormatVersion,
  imageHeaderBytes,
  imageMagic,
  type SectionName,
  sectionRecordBytes,
} from './emit-format.js';

const initialBytes = 256;

/** A number that would wrap would make an image that is valid and means something else. */
function fitting(value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`route image: ${value} in a field of 0 to ${max}`);
}

/** A growing array of records of one size, written field by field in little-endian order. */
export class Section {
  readonly #recordBytes: number;
  #view = new DataView(new ArrayBuffer(initialBytes));
  #used = 0;

  constructor(recordBytes: number) {
    this.#recordBytes = recordBytes;
  }

  /** Complete records so far: the index of the next one. */
  get count(): number {
    return this.#used / this.#recordBytes;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#used);
  }

  u8(...values: number[]): this {
    for (const value of values) {
      const at = this.#claim(1);
      this.#view.setUint8(at, fitting(value, 0xff));
    }
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) {
      const at = this.#claim(2);
      this.#view.setUint16(at, fitting(value, 0xffff), true);
    }
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) {
      const at = this.#claim(4);
      this.#view.setUint32(at, fitting(value, 0xffff_ffff), true);
    }
    return this;
  }

  u64(value: bigint): this {
    const at = this.#claim(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  /** Fills up with zeros until the next record is the first of a line of the cache. */
  alignLine(): this {
    const bytes = alignUp(this.#used) - this.#used;
    this.#claim(bytes);
    return this;
  }

  /**
   * The number of the record that was written last: that of an equal one in `known`, and then it
   * is taken back, or its own, which is noted there.
   */
  share(known: Map<string, number>): number {
    const start = this.#used - this.#recordBytes;
    const key = Buffer.from(this.#view.buffer, start, this.#recordBytes).toString('latin1');
    const number = known.get(key);
    if (number === undefined) {
      known.set(key, this.count - 1);
      return this.count - 1;
    }
    new Uint8Array(this.#view.buffer).fill(0, start, this.#used);
    this.#used = start;
    return number;
  }

  append(bytes: Uint8Array): this {
    const at = this.#claim(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, at);
    return this;
  }

  /** Makes room; it may replace the view, so callers claim before they look at it. */
  #claim(bytes: number): number {
    const at = this.#used;
    this.#used += bytes;
    if (this.#used > this.#view.byteLength) {
      const grown = new Uint8Array(Math.max(this.#used, this.#view.byteLength * 2));
      grown.set(new Uint8Array(this.#view.buffer, 0, at));
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

const i128Min = -(1n << 127n);
const i128Max = (1n << 127n) - 1n;

/** The sections of an image under construction, with the constants that are shared. */
export class ImageBuilder {
  readonly sections: Readonly<Record<SectionName, Section>>;
  /** Of plug-ins, by the numbers under which the image names them. */
  readonly libraries: readonly string[];
  /** Of the actions of rules, by what their records hold. */
  readonly actionNumbers = new Map<string, number>();
  readonly #wideIndex = new Map<bigint, number>();
  readonly #bytesIndex = new Map<string, number>();
  readonly #carriersIndex = new Map<number, number>();
  readonly #keyIndex = new Map<string, number>();
  #rejectCodeMax = 0;

  constructor(libraries: readonly string[] = []) {
    this.libraries = libraries;
    const entries = Object.entries(sectionRecordBytes);
    this.sections = Object.fromEntries(
      entries.map(([name, recordBytes]) => [name, new Section(recordBytes)]),
    ) as Record<SectionName, Section>;
  }

  /** Notes a reject code that the image can produce and returns it. */
  code(code: number): number {
    this.#rejectCodeMax = Math.max(this.#rejectCodeMax, code);
    return code;
  }

  /** Index of a single 128-bit constant, shared with earlier equal ones. */
  wide(value: bigint): number {
    const known = this.#wideIndex.get(value);
    if (known !== undefined) return known;
    const index = this.appendWide(value);
    this.#wideIndex.set(value, index);
    return index;
  }

  /** Appends a 128-bit constant, clipped to the range there is, and returns its index. */
  appendWide(value: bigint): number {
    const clipped = value < i128Min ? i128Min : value > i128Max ? i128Max : value;
    const index = this.sections.wides.count;
    this.sections.wides.u64(BigInt.asUintN(64, clipped)).u64(BigInt.asUintN(64, clipped >> 64n));
    return index;
  }

  /** Index of constant bytes, shared with earlier equal ones. */
  constant(bytes: Uint8Array): number {
    const key = bytes.join();
    const known = this.#bytesIndex.get(key);
    if (known !== undefined) return known;
    const index = this.sections.bytes.count;
    this.sections.bytes.append(bytes);
    this.#bytesIndex.set(key, index);
    return index;
  }

  /** Where the fields of a key start that are called so; written by `write` at the first time. */
  key(name: string, write: () => void): number {
    const known = this.#keyIndex.get(name);
    if (known !== undefined) return known;
    const first = this.sections.keyFields.count;
    write();
    this.#keyIndex.set(name, first);
    return first;
  }

  /** Index of the endpoints that carry a schema, shared by all return addresses for it. */
  carriers(schema: number, messageBytes: number, endpoints: readonly number[]): number {
    const known = this.#carriersIndex.get(schema);
    if (known !== undefined) return known;
    const section = this.sections.carriers;
    const index = section.count;
    section.u16(schema, 0).u32(messageBytes);
    for (let first = 0; first < imageEndpointsMax; first += 32) {
      const named = endpoints.filter((endpoint) => endpoint >= first && endpoint < first + 32);
      section.u32(named.reduce((word, endpoint) => word | (1 << (endpoint - first)), 0) >>> 0);
    }
    this.#carriersIndex.set(schema, index);
    return index;
  }

  /**
   * Appends ascending keys for the engine's search, padded with the greatest key to one less than
   * a power of two. Returns where they start and the steps of the search.
   */
  searchKeys(keys: readonly bigint[]): { first: number; steps: number } {
    const { bounds } = this.sections;
    const first = bounds.count;
    const steps = keys.length === 0 ? 0 : 32 - Math.clz32(keys.length);
    for (const key of keys) bounds.u64(key);
    for (let index = keys.length; index < 2 ** steps - 1; index += 1) bounds.u64(keyMax);
    return { first, steps };
  }

  /**
   * Appends ascending keys as the engine's search tree: where each level starts, the highest one
   * first; the keys; the levels above them, the lowest one first. Returns where the keys start and
   * the number of levels above them.
   */
  searchTree(keys: readonly bigint[]): { first: number; levels: number } {
    const { bounds } = this.sections;
    const levels = treeLevels(keys);
    const starts: bigint[] = [];
    let end = 0;
    for (const level of levels) {
      if (end > 0) starts.unshift(BigInt(end));
      end += level.length;
    }
    bounds.alignLine();
    for (let at = starts.length; at % treeNodeKeys !== 0; at += 1) bounds.u64(0n);
    for (const start of starts) bounds.u64(start);
    const first = bounds.count;
    for (const level of levels) for (const key of level) bounds.u64(key);
    return { first, levels: starts.length };
  }

  /** Bytes of the image as it stands. */
  get imageBytes(): number {
    let total = tableEnd();
    for (const section of Object.values(this.sections)) total += alignUp(section.bytes.length);
    return total;
  }

  /** Joins header, section table and sections, and seals them with the check sum. */
  finish(): Uint8Array {
    const image = new Uint8Array(this.imageBytes);
    if (image.length > imageBytesMax) throw new RangeError('the image is larger than its bound');
    const view = new DataView(image.buffer);
    const names = Object.keys(this.sections) as SectionName[];
    view.setUint32(0, imageMagic, true);
    view.setUint16(4, imageFormatVersion, true);
    view.setUint16(6, names.length, true);
    view.setUint32(8, image.length, true);
    view.setUint32(16, this.#rejectCodeMax, true);
    let offset = tableEnd();
    for (const [index, name] of names.entries()) {
      const section = this.sections[name];
      view.setUint32(imageHeaderBytes + index * 8, offset, true);
      view.setUint32(imageHeaderBytes + index * 8 + 4, section.count, true);
      image.set(section.bytes, offset);
      offset += alignUp(section.bytes.length);
    }
    view.setUint32(12, crc32c(image.subarray(imageCrcStart)), true);
    return image;
  }
}

/** The greatest key there is; pads the keys of a search. */
export const keyMax = (1n << 64n) - 1n;

function tableEnd(): number {
  return alignUp(imageHeaderBytes + Object.keys(sectionRecordBytes).length * 8);
}

/** Keys in a node of a search tree: a line of the cache. */
export const treeNodeKeys = 8;

/** The levels above so many keys. */
export function treeLevelCount(keyCount: number): number {
  let levels = 0;
  for (let nodes = Math.ceil(keyCount / treeNodeKeys); nodes > 1; levels += 1) {
    nodes = Math.ceil(nodes / (treeNodeKeys + 1));
  }
  return levels;
}

/** The levels of a search tree, the keys first: each is whole nodes. */
function treeLevels(keys: readonly bigint[]): bigint[][] {
  const levels = [filledUp([...keys], Math.ceil(keys.length / treeNodeKeys))];
  // Keys below one node of the level that was made last.
  let span = treeNodeKeys;
  for (let nodes = keys.length / treeNodeKeys; Math.ceil(nodes) > 1; ) {
    const count = Math.ceil(nodes);
    const level: bigint[] = [];
    for (let node = 0; node < count; node += 1) {
      // The leftmost of nine needs no key to be found.
      if (node % (treeNodeKeys + 1) !== 0) level.push(keys[node * span] ?? keyMax);
    }
    nodes = count / (treeNodeKeys + 1);
    levels.push(filledUp(level, Math.ceil(nodes)));
    span *= treeNodeKeys + 1;
  }
  return levels;
}

/** A node whose only child is the leftmost has no key of its own. */
function filledUp(keys: bigint[], nodeCount: number): bigint[] {
  while (keys.length < nodeCount * treeNodeKeys) keys.push(keyMax);
  return keys;
}

const lineBytes = 64;

function alignUp(bytes: number): number {
  return Math.ceil(bytes / lineBytes) * lineBytes;
}
