// Flyweights over messages of foreign layouts.
import { checkPlace } from './faults.js';
import { type Flyweight, openAt, type Part, Place, placeOf } from './flyweight.js';
import { locate, readForeign, readObject } from './foreign.js';
import type { CodecParts } from './parts.js';
import type { FieldPlan } from './plan.js';
import { fixedPart, gettersOf, type ReadField } from './reader.js';
import { viewsOf } from './views.js';

/** As `makeReader`; header fields can be read, too. */
export function foreignReader(parts: CodecParts): new () => object {
  const { root, model, sections } = parts.layouts;
  const Reader = class {
    readonly [placeOf] = new Place(0);

    constructor() {
      const place = this[placeOf];
      for (const field of root.fields) {
        const part = fixedPart(parts, field, place);
        if (part !== null) place.parts[field.index] = part;
      }
    }

    /** Checks the message from `offset` to `end` and moves to it. Throws ERR_MESSAGE. */
    wrap(bytes: Uint8Array, offset = 0, end = bytes?.length): this {
      const place = this[placeOf];
      place.drop();
      const views = viewsOf(bytes, model.name);
      checkPlace(model.name, bytes, offset, end);
      const at = views.base + offset;
      locate(parts, views, at, views.base + end, place.places);
      place.views = views;
      place.view = views.view;
      place.octets = views.octets;
      place.at = at;
      place.version = 1;
      place.bytes = messageEnd(place, sections.length) - at;
      return this;
    }

    /** A copy of the message, as `decode` gives it. */
    toObject(): Record<string, unknown> {
      return readObject(parts, this[placeOf].views, this[placeOf].places);
    }

    /** Always 1: foreign layouts have no versions. */
    get $version(): number {
      return this[placeOf].version & 255;
    }

    /** Bytes of the message. */
    get $bytes(): number {
      return this[placeOf].bytes;
    }
  };
  const getters = gettersOf(root, (field) => readerOf(parts, field));
  Object.defineProperties(Reader.prototype, Object.getOwnPropertyDescriptors(getters));
  Object.defineProperty(Reader, 'name', { value: `${model.name}Reader` });
  return Reader as new () => Flyweight;
}

function messageEnd({ places }: Place, sections: number): number {
  return places[sections] as number;
}

function readerOf(parts: CodecParts, field: FieldPlan): ReadField {
  const { index, type, model, section } = field;
  if (type.kind !== 'array' && type.kind !== 'flags') {
    return ({ views, places }) => readForeign(parts, field, views, places);
  }
  return (place) =>
    (place.parts[index] as Part)[openAt](place, (place.places[section] as number) + model.offset);
}
