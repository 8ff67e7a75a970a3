// What one wake-up brought, as JavaScript reads it: records in one buffer that native code fills
// (native/addon/raptor_node_loop.cc) and that is filled anew once everything has been handled.

const headBytes = 16;
const recordBytes = 16;
/** Beside the largest message; more is read by the next round. */
const smallBytes = 1 << 18;

export function batchBufferBytes(messageBytesMax: number): number {
  return headBytes + recordBytes + ((messageBytesMax + 7) & ~7) + smallBytes;
}

/**
 * The messages of one subscription that arrived together, and the flyweight over the one at hand:
 * `while (batch.next()) …`. Valid until the handler returns; `copy()` keeps a message.
 */
export class RaptorBatch {
  /** The message at hand is `length` bytes of it at `offset`, a multiple of 8. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset = 0;
  length = 0;
  /** The session that the message at hand came from. */
  session = 0;
  readonly #words: Uint32Array;
  #position = 0;
  #end = 0;
  #subscription = 0;

  /** @internal */
  constructor(bytes: Uint8Array) {
    const { buffer, byteOffset, byteLength } = bytes;
    this.bytes = bytes;
    this.view = new DataView(buffer, byteOffset, byteLength);
    this.#words = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
  }

  /** Moves on to the next message; false where there is none. */
  next(): boolean {
    const position = this.#position;
    if (position >= this.#end) return false;
    const words = this.#words;
    const word = position >>> 2;
    if (words[word + 1] !== this.#subscription) return false;
    const messageBytes = words[word] ?? 0;
    this.session = words[word + 2] ?? 0;
    this.offset = position + recordBytes;
    this.length = messageBytes;
    this.#position = position + recordBytes + ((messageBytes + 7) & ~7);
    return true;
  }

  /** A copy of the message at hand. Allocates. */
  copy(): Uint8Array {
    return this.bytes.slice(this.offset, this.offset + this.length);
  }

  /** @internal Native code has filled the buffer. Whether there are messages, or events. */
  begin(): boolean {
    const words = this.#words;
    const end = words[0] ?? 0;
    this.#position = headBytes;
    this.#end = end;
    return end > headBytes || words[1] !== 0;
  }

  /** @internal Whether events wait as well. */
  get hasEvents(): boolean {
    return this.#words[1] !== 0;
  }

  /** @internal The subscription of the next message; 0: there is none. */
  nextSubscription(): number {
    if (this.#position >= this.#end) return 0;
    this.#subscription = this.#words[(this.#position >>> 2) + 1] ?? 0;
    return this.#subscription;
  }

  /** @internal A copy of what its subscription has left to read, which is passed over. */
  takeRest(): Uint8Array {
    const from = this.#position;
    while (this.next());
    return this.bytes.slice(from, this.#position);
  }

  /** @internal Puts in what `takeRest` gave of one filling of the buffer, which is handled. */
  restore(rests: readonly Uint8Array[]): void {
    let end = headBytes;
    for (const rest of rests) {
      this.bytes.set(rest, end);
      end += rest.length;
    }
    this.#position = headBytes;
    this.#end = end;
  }

  /** @internal Where it stands. */
  get position(): number {
    return this.#position;
  }
}
