// What flyweights made from closures consist of: the place they are at, and the parts of
// them that stand for arrays, flags and groups. One shape for all schemas, so that code shared
// between them meets one kind of object only.
import { describeValue } from '../../errors.js';
import { noVersion, noView, noViews, type Views } from './views.js';

const nowhere = new Uint8Array(0);

/** Where a flyweight is. */
export class Place {
  views: Views = noViews;
  view: DataView = noView;
  octets: Uint8Array = nowhere;
  /** Position from which offsets in slots count. */
  body = 0;
  /** Position of the block. */
  at = 0;
  version = noVersion;
  /** Bytes of the message, header included, as far as it was given. */
  bytes = 0;
  /** Indexes of the entries around this one, then its own. */
  readonly indexes: number[];
  /** Foreign: positions of the sections and of the end. */
  readonly places: number[] = [];
  /** The flyweights of array, flags and group fields by index of the field. */
  readonly parts: Part[] = [];

  constructor(depth: number) {
    this.indexes = new Array<number>(depth).fill(0);
  }

  /** Leaves the message: whatever is read without one is a TypeError. */
  drop(): void {
    this.views = noViews;
    this.view = noView;
    this.octets = nowhere;
    this.version = noVersion;
    this.bytes = 0;
  }

  /** Takes over the message of an outer place. */
  follow(outer: Place): void {
    if (this.views !== outer.views) {
      this.views = outer.views;
      this.view = outer.view;
      this.octets = outer.octets;
    }
    this.body = outer.body;
    this.version = outer.version;
    for (let depth = 0; depth < outer.indexes.length; depth++) {
      this.indexes[depth] = outer.indexes[depth] as number;
    }
  }
}

/** The property of a flyweight that holds its place. */
export const placeOf: unique symbol = Symbol('hyperroute.place');

export interface Flyweight {
  readonly [placeOf]: Place;
}

/** Moves a part; a symbol, because flags can have any name. */
export const openAt: unique symbol = Symbol('hyperroute.openAt');
const bitsOf: unique symbol = Symbol('hyperroute.bits');
const readBits: unique symbol = Symbol('hyperroute.readBits');

/** A flyweight that belongs to a field of another one. */
export interface Part {
  /** Moves it to the field's value, which lies at `at` of the outer place's buffer. */
  [openAt](outer: Place, at: number): object;
}

export function outOfRange(index: unknown, count: number): never {
  throw new RangeError(
    `expected an index from 0 to ${count - 1}, received ${describeValue(index)}`,
  );
}

/** Reads one element. */
export type ReadElement = (place: Place, at: number) => unknown;

/** The elements of an array field, read when asked for. */
export class ArrayReader implements Part {
  readonly length: number;
  #outer: Place;
  #start = 0;
  readonly #bytes: number;
  readonly #read: ReadElement;

  constructor(outer: Place, count: number, bytes: number, read: ReadElement) {
    this.length = count;
    this.#outer = outer;
    this.#bytes = bytes;
    this.#read = read;
  }

  [openAt](outer: Place, at: number): this {
    this.#outer = outer;
    this.#start = at;
    return this;
  }

  at(index: number): unknown {
    if (index >>> 0 !== index || index >= this.length) outOfRange(index, this.length);
    return this.#read(this.#outer, this.#start + index * this.#bytes);
  }

  *[Symbol.iterator](): Generator<unknown> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}

/** The bits of a flags field, as they were when the field was read; a getter for each name. */
export class FlagsReader implements Part {
  [bitsOf]: number | bigint = 0;
  readonly [readBits]: ReadElement;

  constructor(read: ReadElement) {
    this[readBits] = read;
  }

  [openAt](outer: Place, at: number): this {
    this[bitsOf] = this[readBits](outer, at) as number | bigint;
    return this;
  }
}

/** A class of flags readers with a getter for each of the names. */
export function flagsClass(
  flags: Readonly<Record<string, number>>,
  isWide: boolean,
): typeof FlagsReader {
  const Made = class extends FlagsReader {};
  for (const [name, bit] of Object.entries(flags)) {
    const [mask, wideMask] = [bit < 32 ? 1 << bit : 0, 1n << BigInt(bit)];
    const get = isWide
      ? function get(this: FlagsReader): boolean {
          return ((this[bitsOf] as bigint) & wideMask) !== 0n;
        }
      : function get(this: FlagsReader): boolean {
          return ((this[bitsOf] as number) & mask) !== 0;
        };
    Object.defineProperty(Made.prototype, name, { get, enumerable: true, configurable: true });
  }
  return Made;
}

const groupHeaderBytes = 8;

/** The entries of a group: one flyweight that moves from entry to entry. */
export class GroupReader implements Part {
  /** Entries of the group. */
  count = 0;
  #start = 0;
  #stride = 0;
  readonly #entry: Flyweight & { toObject(): object };
  readonly #place: Place;
  readonly #depth: number;

  constructor(entry: Flyweight & { toObject(): object }) {
    this.#entry = entry;
    this.#place = entry[placeOf];
    this.#depth = this.#place.indexes.length - 1;
  }

  [openAt](outer: Place, at: number): this {
    const { view, body } = outer;
    this.count = view.getUint32(at + 4, true);
    if (this.count === 0) return this;
    const start = body + view.getUint32(at, true);
    this.#stride = view.getUint16(start, true);
    this.#start = start + groupHeaderBytes;
    this.#place.follow(outer);
    return this;
  }

  /** For messages that are older than the group. */
  empty(): this {
    this.count = 0;
    return this;
  }

  /** The entry flyweight, moved to this entry: the one that was given before moves, too. */
  at(index: number): object {
    if (index >>> 0 !== index || index >= this.count) outOfRange(index, this.count);
    this.#place.at = this.#start + index * this.#stride;
    this.#place.indexes[this.#depth] = index;
    return this.#entry;
  }

  *[Symbol.iterator](): Generator<object> {
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }

  /** Copies of all entries. */
  toObject(): object[] {
    const entries: object[] = [];
    for (let index = 0; index < this.count; index++) {
      this.at(index);
      entries.push(this.#entry.toObject());
    }
    return entries;
  }
}

/** Entries that a fallback gives: objects that already exist, behind the same interface. */
export function fixedGroup(entries: readonly object[]): object {
  return Object.freeze({
    count: entries.length,
    at: (index: number) => entries[index] ?? outOfRange(index, entries.length),
    [Symbol.iterator]: () => entries[Symbol.iterator](),
    toObject: () => structuredClone([...entries]),
  });
}
