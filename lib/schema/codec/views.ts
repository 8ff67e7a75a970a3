// Typed views over the memory that messages lie in. Making them costs more than a message, so the
// last ones stay: per byte array that was given, and per buffer.
import { describeValue } from '../../errors.js';

/**
 * How the bytes of a buffer are reached. Positions count from the start of the buffer, not of the
 * byte array that was given, so that multiples of 8 are aligned.
 */
export interface Views {
  /** Position of the start of the byte array that `viewsOf` was given last for this buffer. */
  base: number;
  readonly view: DataView;
  readonly octets: Uint8Array;
  /** Aligned 64-bit words; null where they would have the wrong byte order or a changing size. */
  readonly words: BigUint64Array | null;
  readonly signedWords: BigInt64Array | null;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const viewsOfBuffer = new WeakMap<ArrayBufferLike, Views>();

function isResizable(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean };
  return resizable === true || growable === true;
}

function makeViews(buffer: ArrayBufferLike): Views {
  // Without a length given, views of resizable buffers keep to the buffer's size.
  const common = { base: 0, view: new DataView(buffer), octets: new Uint8Array(buffer) };
  if (!isLittleEndian || isResizable(buffer)) return { ...common, words: null, signedWords: null };
  const count = Math.floor(buffer.byteLength / 8);
  return {
    ...common,
    words: new BigUint64Array(buffer, 0, count),
    signedWords: new BigInt64Array(buffer, 0, count),
  };
}

let lastBytes: Uint8Array = new Uint8Array(0);
let lastBuffer: ArrayBufferLike = lastBytes.buffer;
let lastViews: Views = makeViews(lastBuffer);

/**
 * The views over the buffer of `bytes`: one object for all byte arrays in the buffer, so take
 * `base` at once. Throws TypeError, which names the schema, for anything but a Uint8Array.
 */
export function viewsOf(bytes: Uint8Array, name: string): Views {
  return bytes === lastBytes ? lastViews : otherViews(bytes, name);
}

function otherViews(bytes: Uint8Array, name: string): Views {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`${name}: expected a Uint8Array, received ${describeValue(bytes)}`);
  }
  const { buffer } = bytes;
  if (buffer !== lastBuffer) {
    let views = viewsOfBuffer.get(buffer);
    if (views === undefined) {
      views = makeViews(buffer);
      viewsOfBuffer.set(buffer, views);
    }
    lastBuffer = buffer;
    lastViews = views;
  }
  lastBytes = bytes;
  lastViews.base = bytes.byteOffset;
  return lastViews;
}

/** The error of a reader that has no message. */
export function wrapFirst(): never {
  throw new TypeError('wrap a message first');
}

const unread = { get: wrapFirst };

/** What a reader without a message looks at: whatever it reads there is a TypeError. */
export const noViews: Views = Object.freeze(
  Object.defineProperties({} as Views, {
    ...{ base: unread, view: unread, octets: unread, words: unread, signedWords: unread },
  }),
);

const accessors = ['Uint8', 'Uint16', 'Uint32', 'BigUint64', 'Int8', 'Int16', 'Int32', 'BigInt64'];

/** As `noViews` its view. */
export const noView = Object.freeze(
  Object.fromEntries([...accessors, 'Float32', 'Float64'].map((name) => [`get${name}`, wrapFirst])),
) as unknown as DataView;

/** The version of no message: no field is newer; the last eight bits are 0. */
export const noVersion = 256;

/** Positions up to here can be shifted as 32-bit integers. */
const shiftableMax = 2 ** 31 - 1;

/** Whether a message from `at` to `end` can be reached through aligned words. */
export function isAligned(views: Views, at: number, end: number): boolean {
  return views.words !== null && (at & 7) === 0 && end <= shiftableMax;
}
