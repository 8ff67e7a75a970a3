// Flyweights over received messages: a class per schema with a getter per field. After `wrap` has
// checked the message's structure, reading needs no further check and copies nothing it need not.
import { isSlotType, nativeHeaderBytes } from '../model.js';
import { compileBind } from './bind.js';
import { checkPlace, faultError } from './faults.js';
import { elementBytes, type FixedCodec, fixedCodec, rawInteger } from './fixed.js';
import {
  ArrayReader,
  type Flyweight,
  fixedGroup,
  flagsClass,
  GroupReader,
  openAt,
  type Part,
  Place,
  placeOf,
  type ReadElement,
} from './flyweight.js';
import { foreignReader } from './foreign-reader.js';
import { malformedAt, objectAt } from './native.js';
import { type CodecParts, partsOf } from './parts.js';
import {
  absentValue,
  type BlockPlan,
  type CodecPlan,
  copyValue,
  type FieldPlan,
  isGroup,
} from './plan.js';
import { generatedReader } from './source-reader.js';
import { getText } from './text.js';
import { type Views, viewsOf } from './views.js';

/** Reads a field of the block that a place is at. */
export type ReadField = (place: Place) => unknown;

/** How flyweights without generated code reach a message. */
interface Access {
  /** Getters of the fields of each block, by index of the block. */
  readonly getters: readonly object[];
  /** The whole block as an object. */
  readonly objects: readonly ((place: Place) => Record<string, unknown>)[];
  /** Checks a message and moves the place to it. */
  readonly wrap: (place: Place, bytes: Uint8Array, offset: number, end: number) => void;
}

/**
 * A class of flyweights for the schema's messages: `new` makes one, `wrap` moves it to a message.
 * Where the process allows it, its getters are generated code.
 */
export function makeReader(plan: CodecPlan, generates = true): new () => object {
  const parts = partsOf(plan);
  const { isNative, model } = parts.layouts;
  if (!isNative) return foreignReader(parts);
  const Generated = generates ? generatedReader(parts) : undefined;
  if (Generated !== undefined) {
    Object.defineProperty(Generated, 'name', { value: `${model.name}Reader` });
    return Generated;
  }
  const access = closureAccess(parts);
  const Entry = entryClasses(parts, access);
  const Reader = class extends (Entry as new () => Flyweight & { toObject(): object }) {
    /** Checks the message from `offset` to `end` and moves to it. Throws ERR_MESSAGE. */
    wrap(bytes: Uint8Array, offset = 0, end = bytes?.length): this {
      try {
        access.wrap(this[placeOf], bytes, offset, end);
      } catch (error) {
        this[placeOf].drop();
        throw error;
      }
      return this;
    }

    /** Version of the schema that the message was written with. */
    get $version(): number {
      return this[placeOf].version & 255;
    }

    /** Bytes of the message. */
    get $bytes(): number {
      return this[placeOf].bytes;
    }
  };
  Object.defineProperty(Reader, 'name', { value: `${model.name}Reader` });
  return Reader;
}

/** The class of the message's fields; those of its groups' entries are made on the way. */
function entryClasses(parts: CodecParts, access: Access): new () => Flyweight {
  const makers = new Map<BlockPlan, () => Flyweight & { toObject(): object }>();
  const classes = parts.layouts.blocks.map((block) => {
    const Made = class {
      readonly [placeOf] = new Place(block.depth);

      constructor() {
        for (const field of block.fields) {
          const part = partOf(parts, field, this[placeOf], makers);
          if (part !== null) this[placeOf].parts[field.index] = part;
        }
      }

      /** A copy of what is here, as `decode` gives it. */
      toObject(): Record<string, unknown> {
        return (access.objects[block.index] as Access['objects'][number])(this[placeOf]);
      }
    };
    const getters = Object.getOwnPropertyDescriptors(access.getters[block.index] as object);
    Object.defineProperties(Made.prototype, getters);
    makers.set(block, () => new Made());
    return Made;
  });
  return classes[0] as new () => Flyweight;
}

function partOf(
  parts: CodecParts,
  field: FieldPlan,
  place: Place,
  makers: ReadonlyMap<BlockPlan, () => Flyweight & { toObject(): object }>,
): Part | null {
  if (isGroup(field)) {
    const make = makers.get(field.block);
    return make === undefined ? null : new GroupReader(make());
  }
  return fixedPart(parts, field, place);
}

/** The flyweight of an array or flags field; null for others. */
export function fixedPart(parts: CodecParts, field: FieldPlan, place: Place): Part | null {
  const { type, model } = field;
  if (type.kind === 'flags') {
    const { get } = rawInteger(type.base, model.order === 'le');
    const Flags = flagsClass(type.flags, type.base === 'u64');
    return new Flags(({ views }, at) => get(views.view, at));
  }
  if (type.kind !== 'array') return null;
  const { get } = fixedCodec(type.element, model.order);
  const read: ReadElement = (outer, at) =>
    get(outer.views, at) ?? parts.malformed(field.index, undefined, ...outer.indexes);
  return new ArrayReader(place, type.count, elementBytes(type), read);
}

/** What a getter gives for a message that is older than the field. */
export function absentPart(field: FieldPlan): () => unknown {
  const value = absentValue(field);
  if (value === undefined) return () => undefined;
  if (isGroup(field)) {
    const group = fixedGroup(value as readonly object[]);
    return () => group;
  }
  const { kind } = field.type;
  // These are read through flyweights, which nobody may change either.
  if (kind === 'flags' || kind === 'array') {
    const shared = Object.freeze(copyValue(value));
    return () => shared;
  }
  return () => copyValue(value);
}

function closureAccess(parts: CodecParts): Access {
  const { layouts } = parts;
  const bind = compileBind(layouts, false);
  return {
    getters: layouts.blocks.map((block) => gettersOf(block, (field) => readerOf(parts, field))),
    objects: layouts.blocks.map((block) => ({ views, body, at, version, indexes }) => {
      return objectAt(parts, block, { views, body, at, version, indexes });
    }),
    wrap: (place, bytes, offset, end) => {
      const views = viewsOf(bytes, layouts.model.name);
      checkPlace(layouts.model.name, bytes, offset, end);
      const at = views.base + offset;
      const fault = bind(views.view, at, views.base + end);
      if (fault !== 0) throw faultError(layouts.model.name, fault);
      moveTo(place, views, at, views.base + end);
    },
  };
}

/** Moves a place to a message that was checked. */
function moveTo(place: Place, views: Views, at: number, end: number): void {
  if (place.views !== views) {
    place.views = views;
    place.view = views.view;
    place.octets = views.octets;
  }
  place.body = at + nativeHeaderBytes;
  place.at = at + nativeHeaderBytes;
  place.version = views.view.getUint8(at + 2);
  place.bytes = end - at;
}

/** An object with a getter for each field. */
export function gettersOf(block: BlockPlan, readerFor: (field: FieldPlan) => ReadField): object {
  const getters = {};
  for (const field of block.fields) {
    const read = readerFor(field);
    Object.defineProperty(getters, field.name, {
      get(this: Flyweight) {
        return read(this[placeOf]);
      },
      enumerable: true,
      configurable: true,
    });
  }
  return getters;
}

function readerOf(parts: CodecParts, field: FieldPlan): ReadField {
  const { since, presence } = field.model;
  const read = presentReader(parts, field);
  const absent = since > 1 ? absentPart(field) : null;
  if (presence === null && absent === null) return read;
  return (place) => {
    if (absent !== null && place.version < since) return absent();
    if (presence !== null) {
      const word = place.view.getUint32(place.at + presence.offset, true);
      if (((word >>> presence.bit) & 1) === 0) return undefined;
    }
    return read(place);
  };
}

function presentReader(parts: CodecParts, field: FieldPlan): ReadField {
  const { index, type, model } = field;
  const { offset } = model;
  if (type.kind === 'group' || type.kind === 'array' || type.kind === 'flags') {
    return (place) => (place.parts[index] as Part)[openAt](place, place.at + offset);
  }
  if (isSlotType(type)) {
    return ({ view, octets, at, body, indexes }) => {
      const start = body + view.getUint32(at + offset, true);
      const bytes = view.getUint32(at + offset + 4, true);
      if (type.kind === 'blob') return octets.slice(start, start + bytes);
      return getText(view, octets, start, bytes) ?? parts.malformed(index, undefined, ...indexes);
    };
  }
  const { get } = parts.codecs[index] as FixedCodec;
  return ({ views, at, indexes }) =>
    get(views, at + offset) ??
    malformedAt(parts.malformed, field, views.view, at + offset, indexes);
}
