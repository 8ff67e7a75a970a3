// Native messages without generated code: the same steps by tables and closures. What code
// generation is measured and tested against, and what runs where it is forbidden.
import { nativeHeaderBytes, nativeMessageBytesMax } from '../model.js';
import { compileBind } from './bind.js';
import { checkPlace, faultError, type Malformed, noRoom, type Refuse } from './faults.js';
import { type FixedCodec, isPut, isRefusedElement, rawNumber } from './fixed.js';
import type { Codec, CodecParts } from './parts.js';
import {
  absentValue,
  type BlockPlan,
  copyValue,
  type DataPlan,
  type FieldPlan,
  type GroupPlan,
  hasSlots,
  isGroup,
  type Layouts,
} from './plan.js';
import { checkObject, givenValue, sizeOfNative, type Values } from './size.js';
import { getText, noTextRoom, putText, unfitText } from './text.js';
import { type Views, viewsOf } from './views.js';

export function nativeCodec(parts: CodecParts): Codec {
  const { layouts } = parts;
  const { name } = layouts.model;
  const bind = compileBind(layouts, false);
  const sizeOf = sizeOfNative(layouts, parts.refuse);
  return {
    sizeOf,
    encode: (message, target, offset, end = target?.length) => {
      checkObject(name, message);
      const views = viewsOf(target, name);
      checkPlace(name, target, offset, end);
      const at = views.base + offset;
      const limit = Math.min(views.base + end, at + nativeMessageBytesMax);
      const run = new EncodeRun(parts, views, at, limit);
      if (!run.message(message as Values)) {
        return noRoom(name, sizeOf(message), nativeMessageBytesMax, end - offset);
      }
      return run.cursor - at;
    },
    decode: (source, offset, end) => {
      const views = viewsOf(source, name);
      checkPlace(name, source, offset, end);
      const at = views.base + offset;
      const fault = bind(views.view, at, views.base + end);
      if (fault !== 0) throw faultError(name, fault);
      const body = at + nativeHeaderBytes;
      const version = views.view.getUint8(at + 2);
      return objectAt(parts, layouts.root, { views, body, at: body, version, indexes: [] });
    },
  };
}

/** The header that every message of the newest version starts with. */
export function putHeader(view: DataView, at: number, { model, root }: Layouts): void {
  view.setUint16(at, Number(model.templateId), true);
  view.setUint16(at + 2, model.version, true);
  view.setUint16(at + 4, root.bytes, true);
  view.setUint16(at + 6, model.fingerprints[model.version - 1] ?? 0, true);
}

class EncodeRun {
  readonly #codecs: readonly (FixedCodec | null)[];
  readonly #layouts: Layouts;
  readonly #refuse: Refuse;
  readonly #views: Views;
  readonly #at: number;
  readonly #body: number;
  readonly #limit: number;
  readonly #indexes: number[] = [];
  /** Position behind what was written. */
  cursor: number;

  constructor(parts: CodecParts, views: Views, at: number, limit: number) {
    this.#codecs = parts.codecs;
    this.#layouts = parts.layouts;
    this.#refuse = parts.refuse;
    this.#views = views;
    this.#at = at;
    this.#body = at + nativeHeaderBytes;
    this.#limit = limit;
    this.cursor = this.#body;
  }

  /** False: no room. */
  message(values: Values): boolean {
    const { root } = this.#layouts;
    if (this.#body + root.bytes > this.#limit) return false;
    putHeader(this.#views.view, this.#at, this.#layouts);
    this.cursor = this.#body + root.bytes;
    this.#fixed(root, this.#body, values);
    return this.#slots(root, this.#body, values);
  }

  #fixed(block: BlockPlan, at: number, values: Values): void {
    const { octets } = this.#views;
    for (const gap of block.gaps) octets.fill(0, at + gap.offset, at + gap.offset + gap.bytes);
    for (const word of block.presenceWords) octets.fill(0, at + word, at + word + 4);
    for (const field of block.fixed) {
      const { model, index } = field;
      const value = givenValue(field, values);
      if (value === undefined && model.presence !== null) {
        octets.fill(0, at + model.offset, at + model.offset + model.bytes);
        continue;
      }
      const codec = this.#codecs[index] as FixedCodec;
      const fault = codec.put(this.#views, at + model.offset, value);
      if (fault !== isPut) refuseValue(this.#refuse, field, value, fault, this.#indexes);
      this.#setPresence(field, at);
    }
  }

  #setPresence({ model: { presence } }: FieldPlan, at: number): void {
    if (presence === null) return;
    const { view } = this.#views;
    const word = at + presence.offset;
    view.setUint32(word, (view.getUint32(word, true) | (1 << presence.bit)) >>> 0, true);
  }

  #slots(block: BlockPlan, at: number, values: Values): boolean {
    for (const field of block.slots) {
      const place = at + field.model.offset;
      const value = givenValue(field, values);
      if (value === undefined && field.model.presence !== null) {
        this.#putSlot(place, 0, 0);
        continue;
      }
      const isDone = isGroup(field)
        ? this.#group(field, place, value)
        : this.#data(field as DataPlan, place, value);
      if (!isDone) return false;
      this.#setPresence(field, at);
    }
    return true;
  }

  #putSlot(place: number, offset: number, amount: number): void {
    this.#views.view.setUint32(place, amount === 0 ? 0 : offset, true);
    this.#views.view.setUint32(place + 4, amount, true);
  }

  #data(field: DataPlan, place: number, value: unknown): boolean {
    const { octets } = this.#views;
    const { kind, bytesMax } = field.type;
    let bytes = unfitText;
    if (kind === 'string') {
      if (typeof value === 'string') {
        bytes = putText(this.#views, this.cursor, this.#limit, value, bytesMax);
      }
    } else if (value instanceof Uint8Array && value.length <= bytesMax) {
      bytes = value.length > this.#limit - this.cursor ? noTextRoom : value.length;
      if (bytes > 0) octets.set(value, this.cursor);
    }
    if (bytes === noTextRoom) return false;
    if (bytes === unfitText) this.#refuse(field.index, value, ...this.#indexes);
    this.#putSlot(place, this.cursor - this.#body, bytes);
    this.cursor += bytes;
    return true;
  }

  #group(field: GroupPlan, place: number, value: unknown): boolean {
    const { block, type } = field;
    if (!Array.isArray(value) || value.length > type.countMax) {
      return this.#refuse(field.index, value, ...this.#indexes);
    }
    const count = value.length;
    const { octets, view } = this.#views;
    const padding = -(this.cursor - this.#body) & 7;
    const start = this.cursor + padding;
    if (count > 0) {
      if (start + 8 + count * block.bytes > this.#limit) return false;
      octets.fill(0, this.cursor, start + 8);
      view.setUint16(start, block.bytes, true);
      this.cursor = start + 8 + count * block.bytes;
    }
    this.#putSlot(place, start - this.#body, count);
    const isDone = this.#entries(field, start + 8, value, (entry, values) => {
      this.#fixed(block, entry, values);
      return true;
    });
    if (!isDone || !hasSlots(block)) return isDone;
    return this.#entries(field, start + 8, value, (entry, values) =>
      this.#slots(block, entry, values),
    );
  }

  #entries(
    { index: fieldIndex, block }: GroupPlan,
    start: number,
    entries: readonly unknown[],
    put: (at: number, values: Values) => boolean,
  ): boolean {
    const depth = this.#indexes.length;
    for (let index = 0; index < entries.length; index++) {
      this.#indexes[depth] = index;
      const values = entries[index];
      if (typeof values !== 'object' || values === null) {
        this.#refuse(fieldIndex, values, ...this.#indexes);
      }
      if (!put(start + index * block.bytes, values as Values)) return false;
    }
    this.#indexes.length = depth;
    return true;
  }
}

/** Refuses a value for what `put` returned. */
export function refuseValue(
  refuse: Refuse,
  { index }: FieldPlan,
  value: unknown,
  fault: number,
  indexes: readonly number[],
): never {
  const element = fault - isRefusedElement;
  if (element < 0) return refuse(index, value, ...indexes);
  return refuse(index, (value as readonly unknown[])[element], ...indexes, element);
}

/** ERR_MESSAGE for a fixed value that `get` did not know. */
export function malformedAt(
  malformed: Malformed,
  { index, type, model }: FieldPlan,
  view: DataView,
  at: number,
  indexes: readonly number[],
): never {
  const found = rawNumber(type as Parameters<typeof rawNumber>[0], model.order, view, at);
  return malformed(index, found, ...indexes);
}

/** A block of a message whose structure was checked. */
export interface BlockPlace {
  readonly views: Views;
  readonly body: number;
  readonly at: number;
  readonly version: number;
  readonly indexes: readonly number[];
}

/** The block as an object. */
export function objectAt(
  parts: CodecParts,
  block: BlockPlan,
  place: BlockPlace,
): Record<string, unknown> {
  return new DecodeRun(parts, place).block(block, place.at);
}

class DecodeRun {
  readonly #codecs: readonly (FixedCodec | null)[];
  readonly #malformed: Malformed;
  readonly #views: Views;
  readonly #body: number;
  readonly #version: number;
  readonly #indexes: number[];

  constructor(parts: CodecParts, { views, body, version, indexes }: BlockPlace) {
    this.#codecs = parts.codecs;
    this.#malformed = parts.malformed;
    this.#views = views;
    this.#body = body;
    this.#version = version;
    this.#indexes = [...indexes];
  }

  block(block: BlockPlan, at: number): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const field of block.fields) values[field.name] = this.#value(field, at);
    return values;
  }

  #value(field: FieldPlan, at: number): unknown {
    const { presence, since, offset } = field.model;
    if (since > this.#version) return copyValue(absentValue(field));
    const { view } = this.#views;
    if (presence !== null) {
      const word = view.getUint32(at + presence.offset, true);
      if (((word >>> presence.bit) & 1) === 0) return undefined;
    }
    const codec = this.#codecs[field.index];
    if (codec === null || codec === undefined) return this.#variable(field, at + offset);
    const value = codec.get(this.#views, at + offset);
    if (value !== undefined) return value;
    return malformedAt(this.#malformed, field, view, at + offset, this.#indexes);
  }

  #variable(field: FieldPlan, place: number): unknown {
    const { view, octets } = this.#views;
    const at = this.#body + view.getUint32(place, true);
    const amount = view.getUint32(place + 4, true);
    if (isGroup(field)) return this.#group(field.block, at, amount);
    if (field.type.kind === 'blob') return octets.slice(at, at + amount);
    return (
      getText(view, octets, at, amount) ?? this.#malformed(field.index, undefined, ...this.#indexes)
    );
  }

  #group(block: BlockPlan, at: number, count: number): unknown {
    const entries: unknown[] = [];
    const stride = count === 0 ? 0 : this.#views.view.getUint16(at, true);
    const depth = this.#indexes.length;
    for (let index = 0; index < count; index++) {
      this.#indexes[depth] = index;
      entries.push(this.block(block, at + 8 + index * stride));
    }
    this.#indexes.length = depth;
    return entries;
  }
}
