// The two ends of a record ring in a SharedArrayBuffer, for JavaScript (layout: version 1 of
// native/ring/ring_layout.h). Native code formats the ring; the other end is the router's.
//
// Messages are written and read by plain typed-array accesses; one Atomics.store a batch publishes
// them, because it costs as much as ten plain stores.
import { offerCodes } from '../codes.js';
import { commitError, countError, messageError, sizeError } from './ring-errors.js';

const headerBytes = 384;
const tailIndex = 64 / 4;
const headIndex = 128 / 4;
const consumerParkedIndex = 192 / 4;
const producerParkedIndex = 256 / 4;
const producerClosedIndex = 320 / 4;
const consumerClosedIndex = 324 / 4;
const capacityIndex = 8 / 4;
const recordHeaderBytes = 8;
const commitRecord = 1;
const commitPadding = 2;

/** Bytes of memory that a ring of this capacity needs. */
export function ringMemoryBytes(capacityBytes: number): number {
  return headerBytes + capacityBytes;
}

function spanBytes(messageBytes: number): number {
  return (messageBytes + recordHeaderBytes + 7) & ~7;
}

/** The writing end. One thread; never blocks. Allocates nothing after construction. */
export class RingProducer {
  /** The ring's data area: a claimed message lies in it at the offset that `claim` returned. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The same as 32-bit words; a claimed offset is a multiple of 8. */
  readonly words: Uint32Array;
  readonly messageBytesMax: number;
  /** Messages of the last `claimBatch`. */
  batchCount = 0;
  /** Bytes from one message of the last `claimBatch` to the next, a multiple of 8. */
  batchStride = 0;
  readonly #control: Int32Array;
  readonly #wake: () => void;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #flushLater: () => void;
  #tail: number;
  #freeEnd: number;
  /** Position up to which everything is published; positions do not wrap, the tail does. */
  #publishedPosition = 0;
  /** Up to here a record needs no second look: there is room, and the data area goes on. */
  #plainEnd: number;
  /** Where the open claim ends; the tail: there is none. */
  #claimEnd: number;
  /** Offset in `bytes` behind the last message of the latest claim. */
  #messageEnd = 0;
  /** The tail that the reader may have seen. */
  #published: number;
  #scheduled = false;
  #closed = false;

  /** `wake` is called when the reader sleeps and there is something to read. */
  constructor(memory: Uint8Array, wake: () => void) {
    const { buffer, byteOffset } = memory;
    this.#control = new Int32Array(buffer, byteOffset, headerBytes / 4);
    this.#capacity = (this.#control[capacityIndex] ?? 0) >>> 0;
    this.#mask = this.#capacity - 1;
    this.messageBytesMax = this.#capacity / 4 - recordHeaderBytes;
    this.bytes = new Uint8Array(buffer, byteOffset + headerBytes, this.#capacity);
    this.view = new DataView(buffer, byteOffset + headerBytes, this.#capacity);
    this.words = new Uint32Array(buffer, byteOffset + headerBytes, this.#capacity / 4);
    this.#wake = wake;
    this.#tail = Atomics.load(this.#control, tailIndex); // R2: this side's own; any order will do.
    this.#published = this.#tail;
    this.#claimEnd = this.#tail;
    this.#plainEnd = this.#tail;
    this.#freeEnd = 0;
    this.#refreshFreeEnd();
    this.#flushLater = () => {
      this.#scheduled = false;
      this.flush();
    };
  }

  /**
   * Room for a message of `messageBytes`: its offset in `bytes`, or a negative offer code
   * (BACK_PRESSURE, TOO_LARGE, CLOSED). It must be written before `commit()`, and nothing at or
   * behind `claimEnd`, where messages lie that are not read yet. One claim is open at a time, and
   * another `claim` before `commit` gives it up, also one that fails. Throws RangeError for what is
   * no size.
   */
  claim(messageBytes: number): number {
    const tail = this.#tail;
    const end = (tail + ((messageBytes + recordHeaderBytes + 7) & ~7)) | 0;
    // Anything but a whole number would end up in the record's header, where the reader relies on
    // it.
    const plain = messageBytes >>> 0 === messageBytes && messageBytes <= this.messageBytesMax;
    if (!plain || ((this.#plainEnd - end) | 0) < 0) return this.#claimCarefully(messageBytes);
    return this.#open(tail & this.#mask, messageBytes, end);
  }

  /**
   * Offset in `bytes` where the message of the open claim ends, of a batch its last one: the `end`
   * for `encode` and for a writer's `wrap`, which write nothing there. 0 without an open claim.
   */
  get claimEnd(): number {
    return this.#claimEnd === this.#tail ? 0 : this.#messageEnd;
  }

  /**
   * Ends the claim. The message is visible to the reader after `flush()`, which happens by itself
   * at the end of the current turn. With `messageBytes` it has only so many of the bytes that were
   * claimed, as a writer's `finish()` tells them. Returns the position after the message. Throws
   * TypeError without a claim, RangeError for more bytes than it has.
   */
  commit(messageBytes?: number): number {
    if (messageBytes !== undefined) this.#shrink(messageBytes);
    const end = this.#claimEnd;
    if (end === this.#tail) throw new TypeError('commit without a claim');
    this.#tail = end;
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flushLater);
    }
    return this.#publishedPosition + ((this.#tail - this.#published) | 0);
  }

  /**
   * Room for up to `count` messages of the same size, side by side: the offset of the first, or a
   * negative offer code. `batchCount` of them fit before the end of the room or of the data area;
   * message i lies at offset + i × `batchStride`. Write them all, then `commit()` once. Cheaper a
   * message than `claim`, otherwise the same. Throws RangeError for what is no size or no count.
   */
  claimBatch(messageBytes: number, count: number): number {
    if (count >>> 0 !== count || count === 0) {
      this.#claimEnd = this.#tail;
      throw countError(count);
    }
    const first = this.claim(messageBytes);
    if (first < 0) return first;
    const stride = spanBytes(messageBytes);
    const fitting = Math.trunc(((this.#plainEnd - this.#tail) | 0) / stride);
    const messages = Math.max(1, Math.min(count, fitting));
    const { words } = this;
    let word = (first - recordHeaderBytes) >>> 2;
    for (let message = 1; message < messages; message++) {
      word += stride >>> 2;
      words[word] = messageBytes;
      words[word + 1] = commitRecord;
    }
    this.#claimEnd = (this.#tail + messages * stride) | 0;
    this.#messageEnd = first + (messages - 1) * stride + messageBytes;
    this.batchCount = messages;
    this.batchStride = stride;
    return first;
  }

  /**
   * Copies a message in: the position after it, or a negative offer code. Throws TypeError for what
   * is not a Uint8Array (a Buffer is one).
   */
  offer(message: Uint8Array): number {
    if (!(message instanceof Uint8Array)) throw messageError(message);
    const offset = this.claim(message.byteLength);
    if (offset < 0) return offset;
    this.bytes.set(message, offset);
    return this.commit();
  }

  /** Makes what was committed visible, and wakes the reader if it sleeps. */
  flush(): void {
    if (this.#published === this.#tail) return;
    this.#publishedPosition += (this.#tail - this.#published) | 0;
    this.#published = this.#tail;
    // R2 and S1: publishes the plain stores before it, and comes before the load of the parked
    // word; pairs with A2 and P1 of the reader. Atomics are seq_cst.
    Atomics.store(this.#control, tailIndex, this.#tail);
    // P2: the reader set it before it looked at the tail for the last time.
    if (Atomics.load(this.#control, consumerParkedIndex) === 0) return;
    // P2: taken once, so that a sleep costs one wake.
    if (Atomics.exchange(this.#control, consumerParkedIndex, 0) !== 0) this.#wake();
  }

  /** Publishes and says that nothing will follow: every later claim answers CLOSED. */
  close(): void {
    this.flush();
    Atomics.store(this.#control, producerClosedIndex, 1); // R4: after the last message.
    // No room is left that a claim could find without asking why.
    this.#freeEnd = this.#tail;
    this.#plainEnd = this.#tail;
    this.#closed = true;
  }

  /** The record's header: the reader looks at nothing beyond the tail, so it may be complete. */
  #open(start: number, messageBytes: number, end: number): number {
    const { words } = this;
    words[start >>> 2] = messageBytes;
    words[(start >>> 2) + 1] = commitRecord;
    this.#claimEnd = end;
    this.#messageEnd = start + recordHeaderBytes + messageBytes;
    return start + recordHeaderBytes;
  }

  /** Gives back what a message does not need of its claim. */
  #shrink(messageBytes: number): void {
    const word = (this.#tail & this.#mask) >>> 2;
    const claimedBytes = this.words[word] ?? 0;
    const isSingle = ((this.#claimEnd - this.#tail) | 0) === spanBytes(claimedBytes);
    if (this.#claimEnd === this.#tail || !isSingle) {
      throw new TypeError('commit of a size without a claim of one message');
    }
    if (messageBytes >>> 0 !== messageBytes || messageBytes > claimedBytes) {
      throw commitError(claimedBytes, messageBytes);
    }
    this.words[word] = messageBytes;
    this.#claimEnd = (this.#tail + spanBytes(messageBytes)) | 0;
  }

  /** A claim that is wrong, that finds no room, or that may have to start at the front again. */
  #claimCarefully(messageBytes: number): number {
    // The claim before this one is given up, whatever comes of this one.
    this.#claimEnd = this.#tail;
    if (messageBytes > this.messageBytesMax) return offerCodes.TOO_LARGE;
    if (messageBytes >>> 0 !== messageBytes) throw sizeError(messageBytes);
    const span = spanBytes(messageBytes);
    let start = this.#tail & this.#mask;
    const left = this.#capacity - start;
    const wanted = span > left ? span + left : span;
    // The 8 bytes at the tail are kept free, hence the header on top.
    if (((this.#freeEnd - this.#tail) | 0) < wanted + recordHeaderBytes) {
      const code = this.#checkRoom(wanted);
      if (code < 0) return code;
    }
    if (span > left) {
      this.words[start >>> 2] = left - recordHeaderBytes;
      this.words[(start >>> 2) + 1] = commitPadding;
      this.#tail = (this.#tail + left) | 0;
      start = 0;
    }
    const room = (this.#freeEnd - recordHeaderBytes - this.#tail) | 0;
    this.#plainEnd = (this.#tail + Math.min(room, this.#capacity - start)) | 0;
    return this.#open(start, messageBytes, (this.#tail + span) | 0);
  }

  #refreshFreeEnd(): void {
    // A3: the reader has done with what it released; pairs with R3.
    this.#freeEnd = (Atomics.load(this.#control, headIndex) + this.#capacity) | 0;
  }

  #checkRoom(wanted: number): number {
    // A4: pairs with the reader's R4.
    const closed = this.#closed || Atomics.load(this.#control, consumerClosedIndex) !== 0;
    if (closed) return offerCodes.CLOSED;
    this.#refreshFreeEnd();
    if (((this.#freeEnd - this.#tail) | 0) >= wanted + recordHeaderBytes) return 0;
    // A caller that tries again without yielding would wait for ever for what nobody can see.
    this.flush();
    return offerCodes.BACK_PRESSURE;
  }
}

/**
 * The reading end, and the flyweight over the message at hand: `while (ring.next()) …`, then
 * `release()`. One thread; never blocks; allocates nothing after construction.
 */
export class RingConsumer {
  /** The ring's data area: the message at hand is `length` bytes of it at `offset`. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the message at hand starts, a multiple of 8. Valid until `release()`. */
  offset = 0;
  /** Bytes of the message at hand. */
  length = 0;
  readonly #words: Uint32Array;
  readonly #control: Int32Array;
  readonly #wake: () => void;
  readonly #capacity: number;
  readonly #mask: number;
  #position: number;
  #released: number;
  #tail: number;
  #corrupt = false;

  /** `wake` is called when the writer sleeps for want of room and there is some. */
  constructor(memory: Uint8Array, wake: () => void) {
    const { buffer, byteOffset } = memory;
    this.#wake = wake;
    this.#control = new Int32Array(buffer, byteOffset, headerBytes / 4);
    this.#capacity = (this.#control[capacityIndex] ?? 0) >>> 0;
    this.#mask = this.#capacity - 1;
    this.bytes = new Uint8Array(buffer, byteOffset + headerBytes, this.#capacity);
    this.view = new DataView(buffer, byteOffset + headerBytes, this.#capacity);
    this.#words = new Uint32Array(buffer, byteOffset + headerBytes, this.#capacity / 4);
    this.#position = Atomics.load(this.#control, headIndex); // R3: this side's own.
    this.#released = this.#position;
    this.#tail = this.#position;
  }

  /** Moves on to the next message; false where there is none, or where the ring is `corrupt`. */
  next(): boolean {
    // A padding record is followed by a message, so the second round is the last.
    for (let round = 0; round < 2; round++) {
      if (this.#position === this.#tail && !this.#seeTail()) return false;
      const start = this.#position & this.#mask;
      const messageBytes = this.#words[start >>> 2] ?? 0;
      const commit = this.#words[(start >>> 2) + 1] ?? 0;
      if (!this.#fits(messageBytes, commit, start)) return this.#fail();
      this.#position = (this.#position + spanBytes(messageBytes)) | 0;
      if (commit !== commitRecord) continue;
      this.offset = start + recordHeaderBytes;
      this.length = messageBytes;
      return true;
    }
    return this.#fail();
  }

  /**
   * Whether the ring's memory holds what no writer leaves there. Then there is no telling where
   * messages start: nothing more is read, and the other side is told that nothing will be.
   */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Looks for more; false: there is nothing. */
  #seeTail(): boolean {
    if (this.#corrupt) return false;
    // A2: everything before the tail is in place; pairs with R2.
    const tail = Atomics.load(this.#control, tailIndex);
    if (tail === this.#position) return false;
    const isInside = (tail - this.#released) >>> 0 <= this.#capacity;
    if ((tail & (recordHeaderBytes - 1)) !== 0 || !isInside) return this.#fail();
    this.#tail = tail;
    return true;
  }

  /** Whether a header tells of a record before the tail: another side wrote it, perhaps wrongly. */
  #fits(messageBytes: number, commit: number, start: number): boolean {
    if (messageBytes > this.#capacity - recordHeaderBytes) return false;
    const span = spanBytes(messageBytes);
    const left = this.#capacity - start;
    if (span > left || span > ((this.#tail - this.#position) | 0)) return false;
    if (commit === commitRecord) return messageBytes <= this.#capacity / 4 - recordHeaderBytes;
    return commit === commitPadding && span === left;
  }

  #fail(): false {
    this.#corrupt = true;
    this.#tail = this.#position;
    this.close();
    return false;
  }

  /** A copy of the message at hand. Allocates. */
  copy(): Uint8Array {
    return this.bytes.slice(this.offset, this.offset + this.length);
  }

  /**
   * Gives back the room of every message that `next()` has shown; their bytes may change now.
   * Returns whether there was any.
   */
  release(): boolean {
    if (this.#released === this.#position) return false;
    this.#released = this.#position;
    // R3 and S1: after the last read of them, and before the load of the parked word.
    Atomics.store(this.#control, headIndex, this.#position);
    // P2: a writer that found the ring full sleeps until there is room; taken once a sleep.
    if (Atomics.load(this.#control, producerParkedIndex) === 0) return true;
    // P2, as in flush().
    if (Atomics.exchange(this.#control, producerParkedIndex, 0) !== 0) this.#wake();
    return true;
  }

  /** Says that this side sleeps; false if there is something to read after all: do not sleep. */
  park(): boolean {
    if (this.#corrupt) return true;
    Atomics.store(this.#control, consumerParkedIndex, 1); // P1: before the last look below.
    // S2: pairs with the writer's S1; one of the two sides sees the other.
    if (Atomics.load(this.#control, tailIndex) === this.#position) return true;
    Atomics.store(this.#control, consumerParkedIndex, 0); // P1: awake again.
    return false;
  }

  /** Whether the other side has said that nothing will follow. */
  get producerClosed(): boolean {
    return Atomics.load(this.#control, producerClosedIndex) !== 0; // A4: pairs with R4.
  }

  /** Says that nothing more will be read. */
  close(): void {
    Atomics.store(this.#control, consumerClosedIndex, 1); // R4: after the last read.
  }
}
