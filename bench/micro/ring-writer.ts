// The least that JavaScript can do to publish: a producer of the native record ring written out by
// hand for one message of five u32 fields. What the package's own publisher is held against.
//
// The layout is the one that native/ring/ring_layout.h describes (version 1).
const headerBytes = 384;
const tailIndex = 64 >> 2;
const headIndex = 128 >> 2;
const consumerParkedIndex = 192 >> 2;
const payloadBytes = 20;
const spanBytes = 32;
const commitRecord = 1;

/** Messages of a batch. */
export const batchCount = 16;

/** What a measured publisher of messages of five u32 fields offers. */
export interface Publisher {
  /**
   * Publishes that many batches, each ended by making it visible. The loop is the publisher's own,
   * so that it is compiled for this publisher alone, as a program's would be.
   */
  readonly publish: (batches: number) => void;
  /** Waits until the consumer has taken everything, checking what arrived; not timed. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * A ring of `capacityBytes` (a power of two) that the same thread empties in `settle()`. The span
 * of a record divides the capacity, so no record meets the end of the data.
 */
export function handWrittenPublisher(capacityBytes: number): Publisher {
  const words = new Int32Array(new SharedArrayBuffer(headerBytes + capacityBytes));
  const mask = capacityBytes - 1;
  let tail = 0;
  let head = 0;
  let wakes = 0;
  return {
    publish(batches) {
      let number = 0;
      for (let batch = 0; batch < batches; batch++) {
        for (let index = 0; index < batchCount; index++) {
          const at = (headerBytes + (tail & mask)) >> 2;
          words[at] = payloadBytes;
          words[at + 1] = commitRecord;
          words[at + 2] = number;
          words[at + 3] = number + 1;
          words[at + 4] = number * 2;
          words[at + 5] = number & 7;
          words[at + 6] = 1_000_000 - number;
          tail = (tail + spanBytes) | 0;
          number++;
        }
        // S1 seq_cst: publishes the batch, and the load of the parked word must not pass it.
        Atomics.store(words, tailIndex, tail);
        // S2 seq_cst: a consumer that sleeps would need a wake here.
        if (Atomics.load(words, consumerParkedIndex) !== 0) wakes++;
      }
    },
    async settle() {
      // A2: the same thread wrote it.
      const end = Atomics.load(words, tailIndex);
      for (; head !== end; head = (head + spanBytes) | 0) {
        const at = (headerBytes + (head & mask)) >> 2;
        const [bytes, commit, a, b, c, d, e] = words.subarray(at, at + 7);
        if (bytes !== payloadBytes || commit !== commitRecord) throw new Error('a torn record');
        checkFields(a, b, c, d, e);
      }
      // R3 release: hands the bytes back.
      Atomics.store(words, headIndex, head);
      if (wakes > 0) throw new Error('nobody sleeps here');
    },
    async close() {},
  };
}

/** Every message carries its number and four values made from it. */
export function checkFields(
  a: number | undefined,
  b: number | undefined,
  c: number | undefined,
  d: number | undefined,
  e: number | undefined,
): void {
  const number = a ?? 0;
  const right =
    b === number + 1 && c === number * 2 && d === (number & 7) && e === 1_000_000 - number;
  if (!right) throw new Error(`message ${a} arrived as ${b}, ${c}, ${d}, ${e}`);
}
