// Order protocols A (clients, packed) and B (venues, C-aligned), both little-endian, written by
// hand with DataView. The router's own schemas and codec are not used: two implementations that
// agree show more than one that agrees with itself. 64-bit fields are read and written as two
// 32-bit halves, which costs no BigInt.

export const messageType = { newOrder: 1, execReport: 3, reject: 4 } as const;

/** Sizes and places of protocol A's fields. `size` is the whole message's. */
export const a = {
  headerBytes: 13,
  size: 0,
  type: 4,
  seq: 5,
  newOrder: { bytes: 29, price: 13, qty: 17, clOrdId: 21 },
  execReport: {
    bytes: 53,
    price: 13,
    qty: 17,
    clOrdId: 21,
    origClOrdId: 29,
    ordId: 37,
    execId: 45,
  },
  reject: { bytes: 25, code: 13, clOrdId: 17 },
} as const;

/** Sizes and places of protocol B's fields. */
export const b = {
  size: 0,
  type: 4,
  seq: 8,
  newOrder: { bytes: 40, price: 16, qty: 20, ordId: 24, clOrdId: 32 },
  execReport: { bytes: 48, price: 16, qty: 20, ordId: 24, execId: 32, clOrdId: 40 },
} as const;

/** Writes a 64-bit field from its halves. */
export function setU64(view: DataView, offset: number, low: number, high: number): void {
  view.setUint32(offset, low, true);
  view.setUint32(offset + 4, high, true);
}

/** Writes a NewOrder of protocol A; `seq` is the count of what this client sent, from 1. */
export function writeNewOrderA(
  view: DataView,
  offset: number,
  seq: number,
  price: number,
  qty: number,
  clOrdIdLow: number,
  clOrdIdHigh: number,
): void {
  view.setUint32(offset + a.size, a.newOrder.bytes, true);
  view.setUint8(offset + a.type, messageType.newOrder);
  setU64(view, offset + a.seq, seq, 0);
  view.setUint32(offset + a.newOrder.price, price, true);
  view.setUint32(offset + a.newOrder.qty, qty, true);
  setU64(view, offset + a.newOrder.clOrdId, clOrdIdLow, clOrdIdHigh);
}

/** Whether these bytes are one NewOrder of protocol B. */
export function isNewOrderB(view: DataView, bytes: number): boolean {
  return (
    bytes === b.newOrder.bytes &&
    view.getUint32(b.size, true) === bytes &&
    view.getUint32(b.type, true) === messageType.newOrder
  );
}

/** Writes the ExecReport that answers a NewOrder of protocol B, echoing its ids. */
export function writeExecReportB(
  view: DataView,
  order: DataView,
  seq: number,
  execIdLow: number,
  execIdHigh: number,
): void {
  view.setUint32(b.size, b.execReport.bytes, true);
  view.setUint32(b.type, messageType.execReport, true);
  setU64(view, b.seq, seq, 0);
  copyU32(view, b.execReport.price, order, b.newOrder.price);
  copyU32(view, b.execReport.qty, order, b.newOrder.qty);
  copyU64(view, b.execReport.ordId, order, b.newOrder.ordId);
  setU64(view, b.execReport.execId, execIdLow, execIdHigh);
  copyU64(view, b.execReport.clOrdId, order, b.newOrder.clOrdId);
}

function copyU32(to: DataView, toOffset: number, from: DataView, fromOffset: number): void {
  to.setUint32(toOffset, from.getUint32(fromOffset, true), true);
}

function copyU64(to: DataView, toOffset: number, from: DataView, fromOffset: number): void {
  copyU32(to, toOffset, from, fromOffset);
  copyU32(to, toOffset + 4, from, fromOffset + 4);
}

/** What a client does with each whole message: the bytes stand in `view` from `offset`. */
export type FrameHandler = (view: DataView, offset: number, type: number) => void;

/**
 * Cuts a byte stream of protocol A into messages, which may arrive in any pieces. Accepts what a
 * router may send to a client: ExecReport and Reject with exactly their sizes.
 */
export class FrameReader {
  readonly #onFrame: FrameHandler;
  readonly #carry = new Uint8Array(a.execReport.bytes);
  readonly #carryView = new DataView(this.#carry.buffer);
  #carriedBytes = 0;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  /** Bytes of an unfinished message. */
  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  /** Takes the next bytes; false when the stream makes no sense and cannot be read on. */
  push(chunk: Uint8Array, bytes: number): boolean {
    const view = new DataView(chunk.buffer, chunk.byteOffset, bytes);
    let offset = 0;
    while (this.#carriedBytes > 0 && offset < bytes) {
      const goal =
        this.#carriedBytes < a.headerBytes ? a.headerBytes : frameBytes(this.#carryView, 0);
      if (goal === undefined) return false;
      const take = Math.min(goal - this.#carriedBytes, bytes - offset);
      this.#carry.set(chunk.subarray(offset, offset + take), this.#carriedBytes);
      this.#carriedBytes += take;
      offset += take;
      if (this.#carriedBytes < a.headerBytes) break;
      const whole = frameBytes(this.#carryView, 0);
      if (whole === undefined) return false;
      if (this.#carriedBytes === whole) {
        this.#carriedBytes = 0;
        this.#onFrame(this.#carryView, 0, this.#carryView.getUint8(a.type));
      }
    }
    while (bytes - offset >= a.headerBytes) {
      const whole = frameBytes(view, offset);
      if (whole === undefined) return false;
      if (bytes - offset < whole) break;
      this.#onFrame(view, offset, view.getUint8(offset + a.type));
      offset += whole;
    }
    if (offset < bytes) {
      this.#carry.set(chunk.subarray(offset, bytes), 0);
      this.#carriedBytes = bytes - offset;
    }
    return true;
  }
}

/** The size of the message whose header stands at `offset`; undefined when it is none. */
function frameBytes(view: DataView, offset: number): number | undefined {
  const size = view.getUint32(offset + a.size, true);
  const type = view.getUint8(offset + a.type);
  if (type === messageType.execReport && size === a.execReport.bytes) return size;
  if (type === messageType.reject && size === a.reject.bytes) return size;
  return undefined;
}
