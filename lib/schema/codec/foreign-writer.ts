// Flyweights that write messages of foreign layouts. Where a field lies may depend on another, so
// the values wait for `finish`, which encodes them.
import { checkPlace } from './faults.js';
import { foreignCodec, isInObject } from './foreign.js';
import type { CodecParts } from './parts.js';
import { absentValue } from './plan.js';
import { viewsOf } from './views.js';

const valuesOf: unique symbol = Symbol('hyperroute.values');

interface ForeignWriter {
  readonly [valuesOf]: Record<string, unknown>;
}

/** As `makeWriter`; values are checked by `finish`. */
export function foreignWriter(parts: CodecParts): new () => object {
  const { model, root } = parts.layouts;
  const codec = foreignCodec(parts);
  const fields = root.fields.filter((field) => isInObject(parts, field));
  const blank = Object.fromEntries(fields.map((field) => [field.name, absentValue(field)]));
  const Writer = class {
    readonly [valuesOf]: Record<string, unknown> = { ...blank };
    #target: Uint8Array | null = null;
    #offset = 0;
    #end = 0;

    /** Starts a message at `offset` of `bytes`, with fallbacks and zeros; `end` bounds it. */
    wrap(bytes: Uint8Array, offset = 0, end = bytes?.length): this {
      this.#target = null;
      viewsOf(bytes, model.name);
      checkPlace(model.name, bytes, offset, end);
      Object.assign(this[valuesOf], blank);
      this.#target = bytes;
      this.#offset = offset;
      this.#end = end;
      return this;
    }

    /** Writes the message and returns its bytes. Throws TypeError or RangeError. */
    finish(): number {
      if (this.#target === null) {
        throw new TypeError(`${model.name}: expected a message that is wrapped`);
      }
      const bytes = codec.encode(this[valuesOf], this.#target, this.#offset, this.#end);
      this.#target = null;
      return bytes;
    }
  };
  for (const { name } of fields) {
    Object.defineProperty(Writer.prototype, name, {
      set(this: ForeignWriter, value: unknown) {
        this[valuesOf][name] = value;
      },
      enumerable: true,
      configurable: true,
    });
  }
  Object.defineProperty(Writer, 'name', { value: `${model.name}Writer` });
  return Writer;
}
