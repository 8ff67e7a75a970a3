// Text inside messages: ASCII by character codes, which beats the engine's own conversions for
// what fields usually hold, and TextEncoder and TextDecoder for the rest.
import { type ExactText, exactText } from './source-text.js';
import type { Views } from './views.js';

const shortMax = 48;
const encoder = new TextEncoder();
/** A byte order mark is part of the text; bytes that are no UTF-8 do not decode. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const loneSurrogate = /\p{Surrogate}/u;

/** No text: it is no UTF-16, or takes more bytes than there are. */
export const unfitText = -1;
/** The text takes more bytes than the target has left. */
export const noTextRoom = -2;

/**
 * Writes text as UTF-8 from `at` on, at most `bytesMax` bytes and none from `end` on. Returns the
 * bytes written, or `unfitText`, or `noTextRoom`; bytes up to `end` may be changed even then.
 */
export function putText(
  { view, octets }: Pick<Views, 'view' | 'octets'>,
  at: number,
  end: number,
  text: string,
  bytesMax: number,
): number {
  const count = text.length;
  if (count > shortMax || count > bytesMax || count > end - at) {
    return putLongText(octets, at, end, text, bytesMax);
  }
  let seen = 0;
  let index = 0;
  for (; index + 4 <= count; index += 4) {
    const one = text.charCodeAt(index);
    const two = text.charCodeAt(index + 1);
    const three = text.charCodeAt(index + 2);
    const four = text.charCodeAt(index + 3);
    seen |= one | two | three | four;
    view.setInt32(at + index, one | (two << 8) | (three << 16) | (four << 24), true);
  }
  for (; index < count; index++) {
    const code = text.charCodeAt(index);
    seen |= code;
    octets[at + index] = code;
  }
  return seen < 128 ? count : putLongText(octets, at, end, text, bytesMax);
}

function putLongText(
  octets: Uint8Array,
  at: number,
  end: number,
  text: string,
  bytesMax: number,
): number {
  const bytes = textBytes(text);
  if (bytes < 0 || bytes > bytesMax) return unfitText;
  if (bytes > end - at) return noTextRoom;
  encoder.encodeInto(text, octets.subarray(at, at + bytes));
  return bytes;
}

/** Bytes of the text as UTF-8; -1 when it has half a surrogate pair, which UTF-8 cannot hold. */
export function textBytes(text: string): number {
  const bytes = Buffer.byteLength(text, 'utf8');
  return bytes !== text.length && loneSurrogate.test(text) ? unfitText : bytes;
}

const highBits = 0x80808080;
/** Without generated code nothing is made by one call. */
const exact: ExactText = exactText() ?? (() => undefined);

/** The UTF-8 text of `bytes` bytes at `at`; undefined when they are none. */
export function getText(
  view: DataView,
  octets: Uint8Array,
  at: number,
  bytes: number,
): string | undefined {
  return exact(view, at, bytes) ?? otherText(view, octets, at, bytes);
}

function otherText(
  view: DataView,
  octets: Uint8Array,
  at: number,
  bytes: number,
): string | undefined {
  if (bytes > shortMax) return getLongText(octets, at, bytes);
  let seen = 0;
  let index = at;
  const end = at + bytes;
  for (; index + 4 <= end; index += 4) seen |= view.getInt32(index, true);
  for (; index < end; index++) seen |= octets[index] as number;
  return (seen & highBits) === 0 ? shortText(octets, at, bytes) : getLongText(octets, at, bytes);
}

/** The text of the slot at `at`, whose offset counts from `body`; undefined as `getText`. */
export function slotText({ view, octets }: Views, body: number, at: number): string | undefined {
  const start = body + view.getInt32(at, true);
  const bytes = view.getInt32(at + 4, true);
  return exact(view, start, bytes) ?? otherText(view, octets, start, bytes);
}

function getLongText(octets: Uint8Array, at: number, bytes: number): string | undefined {
  try {
    return decoder.decode(octets.subarray(at, at + bytes));
  } catch {
    return undefined;
  }
}

/**
 * ASCII text in pieces of a fixed number of characters, each made by one call: several times as
 * fast as one call per character. Nothing behind the text is looked at.
 */
function shortText(octets: Uint8Array, at: number, bytes: number): string {
  let text = '';
  let index = at;
  const end = at + bytes;
  for (; index + 16 <= end; index += 16) text += sixteenCharacters(octets, index);
  for (; index + 8 <= end; index += 8) text += eightCharacters(octets, index);
  for (; index + 4 <= end; index += 4) text += fourCharacters(octets, index);
  for (; index < end; index++) text += String.fromCharCode(octets[index] as number);
  return text;
}

function fourCharacters(octets: Uint8Array, at: number): string {
  return String.fromCharCode(
    octets[at] as number,
    octets[at + 1] as number,
    octets[at + 2] as number,
    octets[at + 3] as number,
  );
}

function eightCharacters(octets: Uint8Array, at: number): string {
  return String.fromCharCode(
    octets[at] as number,
    octets[at + 1] as number,
    octets[at + 2] as number,
    octets[at + 3] as number,
    octets[at + 4] as number,
    octets[at + 5] as number,
    octets[at + 6] as number,
    octets[at + 7] as number,
  );
}

function sixteenCharacters(octets: Uint8Array, at: number): string {
  return String.fromCharCode(
    octets[at] as number,
    octets[at + 1] as number,
    octets[at + 2] as number,
    octets[at + 3] as number,
    octets[at + 4] as number,
    octets[at + 5] as number,
    octets[at + 6] as number,
    octets[at + 7] as number,
    octets[at + 8] as number,
    octets[at + 9] as number,
    octets[at + 10] as number,
    octets[at + 11] as number,
    octets[at + 12] as number,
    octets[at + 13] as number,
    octets[at + 14] as number,
    octets[at + 15] as number,
  );
}

/** Writes ASCII characters and their padding; false when the text does not fit. */
export function putAscii(
  octets: Uint8Array,
  at: number,
  bytes: number,
  text: unknown,
  padding: number,
): boolean {
  if (typeof text !== 'string') return false;
  const count = text.length;
  if (count > bytes) return false;
  let code = 0;
  let seen = 0;
  for (let index = 0; index < count; index++) {
    code = text.charCodeAt(index);
    // The sign says that there was a zero.
    seen |= code | (code - 1);
    octets[at + index] = code;
  }
  if (seen >>> 0 > 127) return false;
  if (count > 0 && code === padding) return false;
  for (let index = count; index < bytes; index++) octets[at + index] = padding;
  return true;
}

const nul = 0;

/** The text up to its padding; undefined when the bytes are none that `putAscii` writes. */
export function getAscii(
  octets: Uint8Array,
  at: number,
  bytes: number,
  padding: number,
): string | undefined {
  let count = bytes;
  while (count > 0 && octets[at + count - 1] === padding) count -= 1;
  let seen = 0;
  for (let index = 0; index < count; index++) {
    const code = octets[at + index] as number;
    if (code === nul) return undefined;
    seen |= code;
  }
  if (seen > 127) return undefined;
  return count <= shortMax ? shortText(octets, at, count) : octetText(octets, at, count);
}

function octetText(octets: Uint8Array, at: number, bytes: number): string {
  return decoder.decode(octets.subarray(at, at + bytes));
}

const symbolsMax = 256;

/**
 * Zero-padded ASCII of eight bytes, as instruments and currencies are: the last texts stay, found
 * by their bytes, because making a string costs more than the rest of such a field.
 */
export class SymbolCache {
  readonly #low = new Int32Array(symbolsMax);
  readonly #high = new Int32Array(symbolsMax);
  /** Position 0 is right from the start: eight zero bytes are the empty text. */
  readonly #texts: string[] = new Array<string>(symbolsMax).fill('');

  /** As `getAscii`. */
  get(view: DataView, octets: Uint8Array, at: number): string | undefined {
    const low = view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    const hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    const place = (hash >>> 24) & (symbolsMax - 1);
    if (this.#low[place] === low && this.#high[place] === high) return this.#texts[place];
    const text = getAscii(octets, at, 8, nul);
    if (text === undefined) return undefined;
    this.#low[place] = low;
    this.#high[place] = high;
    this.#texts[place] = text;
    return text;
  }
}
