// What clients and venues write down, and the messages by which they hand it to the parent.
// Records are rows of 32-bit words in one array: two million orders cost no objects. Low halves
// of 64-bit fields stand before the high ones.

/** A client's row for each order it sent, in the order of sending: clOrdId low = row + 1. */
export const orderRow = {
  words: 9,
  price: 0,
  qty: 1,
  /** How many reports and rejects arrived for it. */
  reports: 2,
  rejects: 3,
  /** Code of the last reject. */
  code: 4,
  /** ordId and execId of the first report. */
  ordId: 5,
  execId: 7,
} as const;

/** A client's row for each answer that fits none of its orders. */
export const strayRow = {
  words: 5,
  type: 0,
  clOrdId: 1,
  price: 3,
  qty: 4,
} as const;

/** A venue's row for each order it received, in the order of arrival: execId low = row + 1. */
export const venueRow = {
  words: 6,
  price: 0,
  qty: 1,
  ordId: 2,
  clOrdId: 4,
} as const;

/** Answers that fit no order are written down up to this many; beyond they are counted. */
export const strayMax = 65_536;

export interface ClientRecords {
  readonly type: 'records';
  /** Orders sent; the rest of its share was given up. */
  readonly sentCount: number;
  readonly orders: Uint32Array;
  /** Time from sending to the first answer, by row; 0 without an answer. */
  readonly latencyNs: Float64Array;
  readonly strays: Uint32Array;
  readonly strayCount: number;
  /** Messages whose seq was not one more than that of the message before. */
  readonly sequenceErrors: number;
  /** Reports whose origClOrdId was not 0. */
  readonly fieldErrors: number;
  /** Why the client stopped early; empty if it did not. */
  readonly trouble: string;
}

export interface VenueRecords {
  readonly type: 'records';
  readonly orders: Uint32Array;
  readonly orderCount: number;
  /** Orders beyond what the venue had room to write down. */
  readonly unrecordedCount: number;
  readonly malformedCount: number;
  readonly sequenceErrors: number;
  /** Datagrams that the kernel dropped at this venue's socket; -1 where it does not tell. */
  readonly kernelDrops: number;
}

export interface ClientStart {
  readonly type: 'start';
  readonly clientIndex: number;
  readonly clientCount: number;
  readonly orderCount: number;
  readonly seed: number;
  readonly host: string;
  readonly port: number;
}

export interface VenueStart {
  readonly type: 'start';
  readonly venueIndex: number;
  readonly host: string;
  /** The venue writes down at most this many orders. */
  readonly recordMax: number;
}

export interface ClientProgress {
  readonly type: 'progress';
  readonly sentCount: number;
  readonly reportCount: number;
  readonly rejectCount: number;
  readonly lostCount: number;
  /** Bucket indices and counts since the last progress, alternating. */
  readonly latencyDelta: readonly number[];
}

export interface VenueProgress {
  readonly type: 'progress';
  readonly orderCount: number;
}

export interface VenueReady {
  readonly type: 'ready';
  readonly port: number;
  readonly receiveBufferBytes: number;
}

/** The child cannot do its work. */
export interface Failed {
  readonly type: 'failed';
  readonly reason: string;
}

/** Every message between the parent and its children. */
export type ParentMessage = ClientStart | VenueStart | { readonly type: 'go' | 'finish' };
export type ClientMessage =
  | { readonly type: 'ready' | 'done' }
  | Failed
  | ClientProgress
  | ClientRecords;
export type VenueMessage = VenueReady | Failed | VenueProgress | VenueRecords;

/** An array of rows that grows up to a bound. */
export class RowBuffer {
  readonly #rowWords: number;
  readonly #rowMax: number;
  #words: Uint32Array;
  #rowCount = 0;

  constructor(rowWords: number, rowMax: number) {
    this.#rowWords = rowWords;
    this.#rowMax = rowMax;
    this.#words = new Uint32Array(rowWords * Math.min(rowMax, 4096));
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Where the next row begins in `words`; -1 when the bound is reached. */
  add(): number {
    if (this.#rowCount === this.#rowMax) return -1;
    const start = this.#rowCount * this.#rowWords;
    if (start === this.#words.length) this.#grow();
    this.#rowCount += 1;
    return start;
  }

  /** The array that holds the rows; another one after `add` had to grow it. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** The rows alone. */
  finish(): Uint32Array {
    return this.#words.slice(0, this.#rowCount * this.#rowWords);
  }

  #grow(): void {
    const rows = Math.min(this.#rowMax, this.#rowCount * 2);
    const larger = new Uint32Array(rows * this.#rowWords);
    larger.set(this.#words);
    this.#words = larger;
  }
}
