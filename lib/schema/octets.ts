// Byte strings inside messages: fixed bytes and zero-padded ASCII, read and written in place.

/** Copies `value` to the view; false when it is no Uint8Array of exactly this size. */
export function putBytes(view: DataView, at: number, bytes: number, value: unknown): boolean {
  if (!(value instanceof Uint8Array) || value.length !== bytes) return false;
  new Uint8Array(view.buffer, view.byteOffset + at, bytes).set(value);
  return true;
}

/** Writes ASCII characters and zero padding; false when the text does not fit or is not ASCII. */
export function putAscii(view: DataView, at: number, bytes: number, value: unknown): boolean {
  if (typeof value !== 'string' || value.length > bytes) return false;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code === 0 || code > 127) return false;
    view.setUint8(at + index, code);
  }
  for (let index = value.length; index < bytes; index++) view.setUint8(at + index, 0);
  return true;
}

/** A copy of the bytes: it stays valid when the buffer is used again. */
export function bytesOf(view: DataView, at: number, bytes: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, bytes).slice();
}

/** The text up to its zero padding; undefined when other bytes than ASCII are among them. */
export function asciiOf(view: DataView, at: number, bytes: number): string | undefined {
  let text = '';
  let isPadding = false;
  for (let index = 0; index < bytes; index++) {
    const code = view.getUint8(at + index);
    if (code === 0) isPadding = true;
    else if (isPadding || code > 127) return undefined;
    else text += String.fromCharCode(code);
  }
  return text;
}

let lastView: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));

/**
 * A view over the whole buffer of `bytes`. The last one is kept, because making one costs more
 * than a message; a caller that rotates buffers gets a new one each time.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (lastView.buffer !== bytes.buffer || lastView.byteLength !== bytes.buffer.byteLength) {
    lastView = new DataView(bytes.buffer);
  }
  return lastView;
}
