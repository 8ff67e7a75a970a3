// Where a flyweight writer stands: in its message, in its block, in the order of the variable
// fields. Plain functions over one shape of object for all schemas.
import { describeValue } from '../../errors.js';
import { nativeMessageBytesMax } from '../model.js';
import { noRoom } from './faults.js';
import { type FixedCodec, isPut } from './fixed.js';
import { refuseValue } from './native.js';
import type { CodecParts } from './parts.js';
import { type BlockPlan, type DataPlan, type FieldPlan, type GroupPlan, isGroup } from './plan.js';
import { noTextRoom, putText, unfitText } from './text.js';
import { type Views, viewsOf } from './views.js';

const nowhere = new Uint8Array(8);

/** The message that is being written. */
export class Draft {
  readonly parts: CodecParts;
  views: Views = viewsOf(nowhere, '');
  /** Position of the message, and from which its slots count. */
  at = 0;
  body = 0;
  /** Position behind what was written, and up to which it may be. */
  cursor = 0;
  limit = 0;

  constructor(parts: CodecParts) {
    this.parts = parts;
  }

  /** Makes sure of room behind the cursor; throws RangeError. */
  reserve(bytes: number): void {
    if (this.cursor + bytes <= this.limit) return;
    const { name } = this.parts.layouts.model;
    noRoom(name, this.cursor + bytes - this.at, nativeMessageBytesMax, this.limit - this.at);
  }
}

/** The block that is being written: the message's, or the entry's of a group. */
export class Pen {
  readonly draft: Draft;
  readonly block: BlockPlan;
  readonly parent: Pen | null;
  /** The fixed part as it is before anything is set. */
  readonly template: Uint8Array;
  /** Pens of the block's groups by index of the field. */
  readonly children: Pen[] = [];
  /** Enumerations for which zero, which is there before anything is set, is no symbol. */
  readonly unset: readonly FieldPlan[];
  /** Position of the block. */
  at = 0;
  /** Whether the block can still be written. */
  isOpen = false;
  /** How many of the variable fields are done. */
  slotsDone = 0;
  /** The group that is being written, one of the children. */
  child: Pen | null = null;
  /** The entry, and how many there are. */
  index = 0;
  count = 0;

  constructor(draft: Draft, block: BlockPlan, parent: Pen | null) {
    this.draft = draft;
    this.block = block;
    this.parent = parent;
    this.template = templateOf(draft.parts, block);
    this.unset = block.fixed.filter(mustBeSet);
  }
}

/** The property of a writer that holds its pen. */
export const penOf: unique symbol = Symbol('hyperroute.pen');

function mustBeSet({ type, model, constant }: FieldPlan): boolean {
  if (type.kind !== 'enum' || type.unknown.policy !== 'reject') return false;
  if (constant !== undefined || model.presence !== null || model.fallback !== null) return false;
  return !Object.values(type.symbols).includes(0n);
}

function templateOf(parts: CodecParts, block: BlockPlan): Uint8Array {
  const bytes = new Uint8Array(block.bytes);
  const views = viewsOf(bytes, '');
  for (const field of block.fixed) {
    const { model, constant } = field;
    const value = constant ?? (model.presence === null ? model.fallback : null);
    if (value === null) continue;
    const codec = parts.codecs[field.index] as FixedCodec;
    const fault = codec.put(views, views.base + model.offset, value);
    if (fault !== isPut) refuseValue(parts.refuse, field, value, fault, []);
    setPresence(views.view, views.base, field, true);
  }
  return bytes;
}

function setPresence(view: DataView, at: number, field: FieldPlan, isThere: boolean): void {
  const { presence } = field.model;
  if (presence === null) return;
  const word = view.getUint32(at + presence.offset, true);
  const bit = 1 << presence.bit;
  view.setUint32(at + presence.offset, (isThere ? word | bit : word & ~bit) >>> 0, true);
}

function indexesOf({ parent, index }: Pen): number[] {
  return parent === null ? [] : [...indexesOf(parent), index];
}

function checkOpen(pen: Pen, field: FieldPlan): void {
  if (pen.isOpen) return;
  const context = pen.parent === null ? 'a message that is wrapped' : 'an entry that is open';
  throw new TypeError(`${field.path}: expected to be set in ${context}`);
}

function refuse(pen: Pen, field: FieldPlan, value: unknown): never {
  return pen.draft.parts.refuse(field.index, value, ...indexesOf(pen));
}

/** Writes a field of fixed size; undefined takes an optional one away again. */
export function putFixed(pen: Pen, field: FieldPlan, value: unknown): void {
  checkOpen(pen, field);
  const { model } = field;
  const { views, parts } = pen.draft;
  const at = pen.at + model.offset;
  const isAbsent = value === undefined && model.presence !== null;
  if (isAbsent) views.octets.fill(0, at, at + model.bytes);
  else {
    const fault = (parts.codecs[field.index] as FixedCodec).put(views, at, value);
    if (fault !== isPut) refuseValue(parts.refuse, field, value, fault, indexesOf(pen));
  }
  setPresence(views.view, pen.at, field, !isAbsent);
}

function putSlot(pen: Pen, field: FieldPlan, offset: number, amount: number): void {
  const { view } = pen.draft.views;
  const at = pen.at + field.model.offset;
  view.setUint32(at, amount === 0 ? 0 : offset, true);
  view.setUint32(at + 4, amount, true);
  setPresence(view, pen.at, field, true);
}

/**
 * Makes a variable field the next one: those before it that were not set get their fallbacks. The
 * data of a message lies in this order, so none can be set twice or later.
 */
function advance(pen: Pen, field: FieldPlan, place: number): void {
  checkOpen(pen, field);
  if (place < pen.slotsDone) {
    const order = pen.block.slots.map(({ name }) => name).join(', ');
    throw new TypeError(`${field.path}: expected variable fields once and in the order ${order}`);
  }
  closeChild(pen);
  putFallbacks(pen, place);
  pen.slotsDone = place + 1;
}

function closeChild(pen: Pen): void {
  const { child } = pen;
  while (child?.isOpen) nextEntry(child);
  pen.child = null;
}

/** Ends a message as it is: no writer of it or of its entries writes any more. */
export function abandon(pen: Pen): void {
  for (let open: Pen | null = pen; open !== null; open = open.child) open.isOpen = false;
  pen.child = null;
}

function putFallbacks(pen: Pen, end: number): void {
  for (; pen.slotsDone < end; pen.slotsDone++) {
    const field = pen.block.slots[pen.slotsDone] as FieldPlan;
    const value = field.constant ?? (field.model.presence === null ? field.model.fallback : null);
    if (value === null) continue;
    if (isGroup(field)) putEntries(pen, field, value as readonly object[]);
    else putData(pen, field as DataPlan, value);
  }
}

function putEntries(pen: Pen, field: GroupPlan, entries: readonly object[]): void {
  const child = openGroup(pen, field, entries.length);
  for (const entry of entries) {
    const values = entry as Readonly<Record<string, unknown>>;
    for (const member of field.block.fixed) {
      const value = values[member.name];
      if (value !== undefined && member.constant === undefined) putFixed(child, member, value);
    }
    for (const [place, member] of field.block.slots.entries()) {
      const value = values[member.name];
      if (value === undefined || member.constant !== undefined) continue;
      advance(child, member, place);
      if (isGroup(member)) putEntries(child, member, value as readonly object[]);
      else putData(child, member as DataPlan, value);
    }
    nextEntry(child);
  }
  pen.child = null;
}

/** Writes a string or blob as the next variable field. */
export function putVariable(pen: Pen, field: DataPlan, place: number, value: unknown): void {
  advance(pen, field, place);
  if (value !== undefined || field.model.presence === null) putData(pen, field, value);
}

function putData(pen: Pen, field: DataPlan, value: unknown): void {
  const { draft } = pen;
  const { octets } = draft.views;
  const { kind, bytesMax } = field.type;
  let bytes = unfitText;
  if (kind === 'string') {
    if (typeof value === 'string') {
      bytes = putText(draft.views, draft.cursor, draft.limit, value, bytesMax);
      if (bytes === noTextRoom) draft.reserve(Buffer.byteLength(value));
    }
  } else if (value instanceof Uint8Array && value.length <= bytesMax) {
    bytes = value.length;
    draft.reserve(bytes);
    octets.set(value, draft.cursor);
  }
  if (bytes < 0) refuse(pen, field, value);
  putSlot(pen, field, draft.cursor - draft.body, bytes);
  draft.cursor += bytes;
}

const loopBytesMax = 128;

/** Copies bytes; a loop beats the engine's own copy for a few. */
export function putBytes(octets: Uint8Array, at: number, bytes: Uint8Array): void {
  const count = bytes.length;
  if (count > loopBytesMax) octets.set(bytes, at);
  else for (let index = 0; index < count; index++) octets[at + index] = bytes[index] as number;
}

/** Starts a group of `count` entries as the next variable field and gives the pen of its first. */
export function putGroup(pen: Pen, field: GroupPlan, place: number, count: number): Pen {
  const { countMax } = field.type;
  if (!Number.isInteger(count) || count < 0 || count > countMax) {
    const expected = `expected a count from 0 to ${countMax}, received ${describeValue(count)}`;
    const message = `${field.path}: ${expected}`;
    throw typeof count === 'number' ? new RangeError(message) : new TypeError(message);
  }
  advance(pen, field, place);
  return openGroup(pen, field, count);
}

const groupHeaderBytes = 8;

function openGroup(pen: Pen, field: GroupPlan, count: number): Pen {
  const { draft } = pen;
  const { octets, view } = draft.views;
  const child = pen.children[field.index] as Pen;
  const { bytes } = field.block;
  const padding = -(draft.cursor - draft.body) & 7;
  const start = draft.cursor + padding;
  if (count > 0) {
    draft.reserve(padding + groupHeaderBytes + count * bytes);
    for (let at = draft.cursor; at < start; at++) octets[at] = 0;
    view.setUint32(start, bytes, true);
    view.setUint32(start + 4, 0, true);
    for (let index = 0; index < count; index++) {
      putBytes(octets, start + groupHeaderBytes + index * bytes, child.template);
    }
    draft.cursor = start + groupHeaderBytes + count * bytes;
  }
  putSlot(pen, field, start - draft.body, count);
  child.at = start + groupHeaderBytes;
  child.index = 0;
  child.count = count;
  child.slotsDone = 0;
  child.child = null;
  child.isOpen = count > 0;
  pen.child = child;
  return child;
}

function checkSet(pen: Pen): void {
  const { views, parts } = pen.draft;
  for (const field of pen.unset) {
    const { get } = parts.codecs[field.index] as FixedCodec;
    if (get(views, pen.at + field.model.offset) === undefined) refuse(pen, field, undefined);
  }
}

/**
 * Completes the block: what was not set gets its fallback. Throws TypeError for an enumeration that
 * has to be set; what was written so far stays, and it can be set then.
 */
export function closeBlock(pen: Pen): void {
  checkSet(pen);
  closeChild(pen);
  putFallbacks(pen, pen.block.slots.length);
}

/** Moves to the next entry; behind the last one none is open. */
export function nextEntry(pen: Pen): void {
  if (!pen.isOpen) {
    const path = `${pen.draft.parts.layouts.model.name}: a group of ${pen.count}`;
    throw new RangeError(`${path} has no further entry`);
  }
  closeBlock(pen);
  pen.index += 1;
  pen.at += pen.block.bytes;
  pen.slotsDone = 0;
  pen.isOpen = pen.index < pen.count;
}
