// Flyweights that write messages in place, field by field: a class per schema with a setter per
// field. Built from closures: what a process forbids does not matter here.
import { nativeHeaderBytes, nativeMessageBytesMax } from '../model.js';
import { checkPlace, noRoom } from './faults.js';
import { foreignWriter } from './foreign-writer.js';
import { putHeader } from './native.js';
import { partsOf } from './parts.js';
import {
  abandon,
  closeBlock,
  Draft,
  nextEntry,
  Pen,
  penOf,
  putBytes,
  putFixed,
  putGroup,
  putVariable,
} from './pen.js';
import { type BlockPlan, type CodecPlan, type DataPlan, type FieldPlan, isGroup } from './plan.js';
import { viewsOf } from './views.js';

interface BlockWriter {
  readonly [penOf]: Pen;
}

type WriterClass = new (pen: Pen) => BlockWriter;

/** A class of flyweights that write the schema's messages. */
export function makeWriter(plan: CodecPlan): new () => object {
  const parts = partsOf(plan);
  const { isNative, model, root } = parts.layouts;
  if (!isNative) return foreignWriter(parts);
  const classes = parts.layouts.blocks.map(() => undefined as unknown as WriterClass);
  for (const block of parts.layouts.blocks) classes[block.index] = blockClass(block, classes);
  const Message = classes[0] as WriterClass;
  const Writer = class extends Message {
    constructor() {
      super(new Pen(new Draft(parts), root, null));
    }

    /**
     * Starts a message at `offset` of `bytes`: its fixed part is written at once, with fallbacks,
     * zeros and nothing optional. Nothing is written at or behind `end`. Throws RangeError when
     * there is no room.
     */
    wrap(bytes: Uint8Array, offset = 0, end = bytes?.length): this {
      abandon(this[penOf]);
      const views = viewsOf(bytes, model.name);
      checkPlace(model.name, bytes, offset, end);
      startMessage(this[penOf], views.base + offset, end - offset, views);
      return this;
    }

    /** Completes the message and returns its bytes. */
    finish(): number {
      const pen = this[penOf];
      if (!pen.isOpen) throw new TypeError(`${model.name}: expected a message that is wrapped`);
      closeBlock(pen);
      pen.isOpen = false;
      return pen.draft.cursor - pen.draft.at;
    }
  };
  Object.defineProperty(Writer, 'name', { value: `${model.name}Writer` });
  return Writer as unknown as new () => object;
}

function startMessage(pen: Pen, at: number, room: number, views: Draft['views']): void {
  const { draft, template } = pen;
  const { layouts } = draft.parts;
  const bytes = nativeHeaderBytes + template.length;
  if (room < bytes) noRoom(layouts.model.name, bytes, nativeMessageBytesMax, room);
  putHeader(views.view, at, layouts);
  putBytes(views.octets, at + nativeHeaderBytes, template);
  draft.views = views;
  draft.at = at;
  draft.body = at + nativeHeaderBytes;
  draft.cursor = at + bytes;
  draft.limit = at + Math.min(room, nativeMessageBytesMax);
  pen.at = draft.body;
  pen.slotsDone = 0;
  pen.isOpen = true;
}

function blockClass(block: BlockPlan, classes: readonly WriterClass[]): WriterClass {
  const groups = block.slots.filter(isGroup);
  const Made = class {
    readonly [penOf]: Pen;
    /** Writers of the entries of the block's groups by index of the field. */
    readonly [entriesOf]: BlockWriter[] = [];

    constructor(pen: Pen) {
      this[penOf] = pen;
      for (const field of groups) {
        const child = new Pen(pen.draft, field.block, pen);
        pen.children[field.index] = child;
        const Entry = classes[field.block.index] as WriterClass;
        this[entriesOf][field.index] = new Entry(child);
      }
    }
  };
  if (block.depth > 0) {
    Object.defineProperty(Made.prototype, 'next', { value: next, configurable: true });
  }
  for (const field of block.fixed) define(Made, field, fixedSetter(field));
  for (const [place, field] of block.slots.entries()) {
    define(Made, field, isGroup(field) ? groupOpener(field, place) : dataSetter(field, place));
  }
  return Made;
}

const entriesOf: unique symbol = Symbol('hyperroute.entries');

interface GroupsWriter extends BlockWriter {
  readonly [entriesOf]: BlockWriter[];
}

/** Moves to the next entry of the group; behind the last one nothing can be set. */
function next(this: BlockWriter): BlockWriter {
  nextEntry(this[penOf]);
  return this;
}

/** Removed fields have a place and a constant, and no name any more. */
function define(Made: WriterClass, field: FieldPlan, descriptor: PropertyDescriptor): void {
  if (field.constant !== undefined) return;
  const base = { enumerable: true, configurable: true };
  Object.defineProperty(Made.prototype, field.name, { ...base, ...descriptor });
}

function fixedSetter(field: FieldPlan): PropertyDescriptor {
  return {
    set(this: BlockWriter, value: unknown) {
      putFixed(this[penOf], field, value);
    },
  };
}

function dataSetter(field: FieldPlan, place: number): PropertyDescriptor {
  return {
    set(this: BlockWriter, value: unknown) {
      putVariable(this[penOf], field as DataPlan, place, value);
    },
  };
}

function groupOpener(field: FieldPlan, place: number): PropertyDescriptor {
  return {
    value(this: GroupsWriter, count: number): BlockWriter {
      if (isGroup(field)) putGroup(this[penOf], field, place, count);
      return this[entriesOf][field.index] as BlockWriter;
    },
  };
}
