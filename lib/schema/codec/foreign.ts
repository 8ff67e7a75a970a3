// Messages of foreign layouts without generated code: sections of fixed fields, whose places may
// follow from earlier fields, and perhaps the rest of the message behind them.
//
// Writing is strict about such places and reading is not: `encode` refuses a section that starts
// before the end of the fields in front of it, which it would overwrite, and zeroes the bytes
// between the two. Decoding and readers take a section wherever it lies inside the message, over
// other fields as well: what another program wrote may be of use all the same. No place leads
// out of the message.

import { foreignMessageBytesMax } from '../model.js';
import { checkPlace, messageError, noRoom } from './faults.js';
import { type FixedCodec, isPut } from './fixed.js';
import { malformedAt, refuseValue } from './native.js';
import type { Codec, CodecParts } from './parts.js';
import type { FieldPlan, Layouts, Section } from './plan.js';
import { checkObject, givenValue, type Values } from './size.js';
import { type Views, viewsOf } from './views.js';

export function foreignCodec(parts: CodecParts): Codec {
  const { layouts } = parts;
  const { name } = layouts.model;
  const { fixed } = layouts.root;
  const members = layouts.sections.map((_section, index) =>
    fixed.filter((field) => field.section === index && field !== layouts.sizeField),
  );
  const sizeOf = sizeOfForeign(parts);
  return {
    sizeOf,
    encode: (message, target, offset, end = target?.length) => {
      checkObject(name, message);
      const views = viewsOf(target, name);
      checkPlace(name, target, offset, end);
      const run = new ForeignEncode(
        parts,
        views,
        offset,
        Math.min(end - offset, foreignMessageBytesMax),
      );
      const bytes = run.message(message as Values, members);
      if (bytes >= 0) return bytes;
      return noRoom(name, sizeOf(message), foreignMessageBytesMax, end - offset);
    },
    decode: (source, offset, end) => {
      const views = viewsOf(source, name);
      checkPlace(name, source, offset, end);
      const places = new Array<number>(layouts.sections.length + 1).fill(0);
      locate(parts, views, views.base + offset, views.base + end, places);
      return readObject(parts, views, places);
    },
  };
}

/** Where a section starts, counted from the start of the message. */
function startOf(section: Section, value: unknown): number {
  if (section.base === null) return 0;
  return Number(value) * section.base.scale + section.base.plus;
}

function baseField(layouts: Layouts, section: Section): FieldPlan | null {
  return section.base === null ? null : (layouts.root.fields[section.base.field] ?? null);
}

/** Whether a section that starts here lies behind the one before. */
function checkOrder(layouts: Layouts, section: Section, start: number, cursor: number): void {
  if (start >= cursor) return;
  const base = baseField(layouts, section);
  throw new RangeError(
    `${base?.path}: expected a place from ${cursor} on for the fields behind it, received ${start}`,
  );
}

function sizeOfForeign({ layouts, refuse }: CodecParts): (message: object) => number {
  const { sections, rest, model } = layouts;
  return (message) => {
    checkObject(model.name, message);
    let cursor = 0;
    for (const section of sections) {
      const base = baseField(layouts, section);
      const value = base === null ? 0 : givenValue(base, message as Values);
      if (base !== null && typeof value !== 'number' && typeof value !== 'bigint') {
        refuse(base.index, value);
      }
      const start = startOf(section, value);
      checkOrder(layouts, section, start, cursor);
      cursor = start + section.bytes;
    }
    if (rest !== null) {
      const tail = givenValue(rest, message as Values);
      if (!(tail instanceof Uint8Array)) return refuse(rest.index, tail);
      cursor += tail.length;
    }
    return cursor > foreignMessageBytesMax
      ? noRoom(model.name, cursor, foreignMessageBytesMax, 0)
      : cursor;
  };
}

class ForeignEncode {
  readonly #parts: CodecParts;
  readonly #views: Views;
  readonly #at: number;
  /** Bytes that may be written. */
  readonly #room: number;
  #cursor = 0;

  constructor(parts: CodecParts, views: Views, offset: number, room: number) {
    this.#parts = parts;
    this.#views = views;
    this.#at = views.base + offset;
    this.#room = room;
  }

  /** Returns the bytes written, or -1: no room. */
  message(values: Values, members: readonly (readonly FieldPlan[])[]): number {
    const { layouts, refuse } = this.#parts;
    const { sections, rest, sizeField } = layouts;
    for (const [index, section] of sections.entries()) {
      const base = baseField(layouts, section);
      const start = startOf(section, base === null ? 0 : givenValue(base, values));
      checkOrder(layouts, section, start, this.#cursor);
      if (!(start + section.bytes <= this.#room)) return -1;
      this.#zero(this.#cursor, start);
      this.#section(section, start, members[index] ?? [], values);
    }
    if (rest !== null) {
      const tail = givenValue(rest, values);
      if (!(tail instanceof Uint8Array)) return refuse(rest.index, tail);
      if (tail.length > this.#room - this.#cursor) return -1;
      this.#views.octets.set(tail, this.#at + this.#cursor);
      this.#cursor += tail.length;
    }
    if (sizeField !== null) this.#putSize(sizeField);
    return this.#cursor;
  }

  #section(section: Section, start: number, fields: readonly FieldPlan[], values: Values): void {
    for (const gap of section.gaps) this.#zero(start + gap.offset, start + gap.offset + gap.bytes);
    // The fields of a container are joined with what is there.
    for (const { type, model } of fields) {
      if (type.kind === 'bits') {
        this.#zero(start + model.offset, start + model.offset + type.containerBytes);
      }
    }
    for (const field of fields) {
      const { codecs, refuse } = this.#parts;
      const value = givenValue(field, values);
      const codec = codecs[field.index] as FixedCodec;
      const fault = codec.put(this.#views, this.#at + start + field.model.offset, value);
      if (fault !== isPut) refuseValue(refuse, field, value, fault, []);
    }
    this.#cursor = start + section.bytes;
  }

  #zero(from: number, to: number): void {
    if (to > from) this.#views.octets.fill(0, this.#at + from, this.#at + to);
  }

  #putSize(field: FieldPlan): void {
    const { codecs, refuse } = this.#parts;
    const codec = codecs[field.index] as FixedCodec;
    const at = this.#at + field.model.offset;
    // A field of 64 bits takes a bigint.
    if (codec.put(this.#views, at, this.#cursor) === isPut) return;
    if (codec.put(this.#views, at, BigInt(this.#cursor)) === isPut) return;
    refuse(field.index, this.#cursor);
  }
}

/** Throws because a message has fewer bytes than its fields. */
export function tooShort(name: string, bytes: number, found: number): never {
  throw messageError(`${name}: expected ${bytes} bytes, found ${Math.max(0, found)}`);
}

function tooLong(name: string, bytes: number): never {
  throw messageError(`${name}: expected at most ${foreignMessageBytesMax} bytes, found ${bytes}`);
}

/**
 * Finds the sections of a message between two positions and checks its header: `places` receives
 * the position of each section and, last, of the message's end. Throws ERR_MESSAGE.
 */
export function locate(
  parts: CodecParts,
  views: Views,
  at: number,
  end: number,
  places: number[],
): void {
  const { layouts, codecs, malformed } = parts;
  const { sections, root, header, sizeField, model } = layouts;
  let last = end;
  for (const [index, section] of sections.entries()) {
    const base = baseField(layouts, section);
    let start = at;
    if (base !== null) {
      const from = places[base.section] as number;
      const codec = codecs[base.index] as FixedCodec;
      start += startOf(section, codec.get(views, from + base.model.offset));
    }
    if (!(start + section.bytes <= last)) {
      tooShort(model.name, start + section.bytes - at, last - at);
    }
    // What lies behind a message of fixed size is none of its bytes.
    const bytes = start + section.bytes - at;
    if (bytes > foreignMessageBytesMax) tooLong(model.name, bytes);
    places[index] = start;
    if (index > 0) continue;
    for (const field of root.fields) {
      const constant = header.get(field.index);
      if (constant === undefined) continue;
      const found = (codecs[field.index] as FixedCodec).get(views, at + field.model.offset);
      if (found !== constant) malformed(field.index, found);
    }
    if (sizeField !== null) {
      const codec = codecs[sizeField.index] as FixedCodec;
      const bytes = Number(codec.get(views, at + sizeField.model.offset));
      if (!(bytes >= section.bytes && at + bytes <= end)) {
        const expected = `expected ${section.bytes} to ${end - at}`;
        throw messageError(`${sizeField.path}: ${expected}, found ${bytes}`);
      }
      last = at + bytes;
    }
  }
  const isWhole = sizeField !== null || layouts.rest !== null;
  if (isWhole && last - at > foreignMessageBytesMax) tooLong(model.name, last - at);
  places[sections.length] = last;
}

/** Header fields are no part of the object: `encode` knows them. */
export function isInObject({ layouts }: CodecParts, field: FieldPlan): boolean {
  return field.constant === undefined && field !== layouts.sizeField;
}

/** The object of a message that `locate` has found. */
export function readObject(
  parts: CodecParts,
  views: Views,
  places: readonly number[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of parts.layouts.root.fields) {
    if (isInObject(parts, field)) values[field.name] = readForeign(parts, field, views, places);
  }
  return values;
}

/** One value of a message that `locate` has found. */
export function readForeign(
  parts: CodecParts,
  field: FieldPlan,
  views: Views,
  places: readonly number[],
): unknown {
  const at = (places[field.section] as number) + field.model.offset;
  if (field.type.kind === 'rest') {
    return views.octets.slice(at, places[parts.layouts.sections.length]);
  }
  const value = (parts.codecs[field.index] as FixedCodec).get(views, at);
  return value ?? malformedAt(parts.malformed, field, views.view, at, []);
}
