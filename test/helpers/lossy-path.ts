// What a bad path does to datagrams, decided by a seed and without a clock or a socket: equal
// datagrams at equal times fare equally. lossy-proxy.ts puts it between two processes.
import { Random } from './random.js';

/** Shares are of the datagrams, from 0 to 1. */
export interface Impairments {
  /** Lost, each for itself. */
  readonly loss: number;
  /** Begin a burst: this one and all that come within `burstMs` are lost. */
  readonly burst: number;
  readonly burstMs: number;
  /** Every datagram takes so long. */
  readonly delayMs: number;
  /** Held back for up to `reorderMs` more, so that later ones overtake them. */
  readonly reorder: number;
  readonly reorderMs: number;
  /** Arrive twice, the second time up to `reorderMs` later. */
  readonly duplicate: number;
  /** Arrive with one to four bits wrong, or cut short. */
  readonly corrupt: number;
  /** Larger ones vanish, and nobody is told. */
  readonly mtuBytes: number;
}

export const unimpaired: Impairments = {
  loss: 0,
  burst: 0,
  burstMs: 5,
  delayMs: 0,
  reorder: 0,
  reorderMs: 3,
  duplicate: 0,
  corrupt: 0,
  mtuBytes: 65_535,
};

/** What became of the datagrams that a path was given. */
export interface PathCounts {
  taken: number;
  delivered: number;
  lost: number;
  lostInBursts: number;
  tooLarge: number;
  partitioned: number;
  reordered: number;
  duplicated: number;
  corrupted: number;
  /** Dropped because `queuedCountMax` were under way. */
  overflowed: number;
  /** The largest one delivered since forgetLargest(). */
  largestBytes: number;
}

interface Queued<Tag> {
  readonly dueMs: number;
  readonly datagram: Buffer;
  readonly tag: Tag;
}

/** Datagrams under way at a time. */
export const queuedCountMax = 8192;
const cutShare = 0.25;
const flippedBitsMax = 4;

/** What a corrupted datagram suffers: its end is cut off, or some of its bits are wrong. */
interface Damage {
  readonly isCut: boolean;
  readonly place: number;
  readonly flips: number;
}

function damaged(datagram: Buffer, { isCut, place, flips }: Damage): Buffer {
  const wrong = Buffer.from(datagram);
  if (isCut) return wrong.subarray(0, Math.floor(place * wrong.length));
  const bits = wrong.length * 8;
  const firstBit = Math.floor(place * bits);
  // Apart from each other, so that none undoes the one before it.
  for (let flip = 0; flip < Math.min(flips, bits); flip++) {
    const bit = (firstBit + flip * 13) % bits;
    wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  return wrong;
}

/** One direction of a path. `Tag`: what the owner wants to know of a datagram that arrives. */
export class LossyPath<Tag> {
  impairments: Impairments;
  isPartitioned = false;
  readonly counts: PathCounts = {
    taken: 0,
    delivered: 0,
    lost: 0,
    lostInBursts: 0,
    tooLarge: 0,
    partitioned: 0,
    reordered: 0,
    duplicated: 0,
    corrupted: 0,
    overflowed: 0,
    largestBytes: 0,
  };
  readonly #random: Random;
  readonly #deliver: (datagram: Buffer, tag: Tag) => void;
  /** By the time they are due, equal ones as they came. */
  readonly #queue: Queued<Tag>[] = [];
  #burstEndMs = Number.NEGATIVE_INFINITY;

  constructor(
    seed: number,
    impairments: Partial<Impairments>,
    deliver: (datagram: Buffer, tag: Tag) => void,
  ) {
    this.#random = new Random(seed);
    this.impairments = { ...unimpaired, ...impairments };
    this.#deliver = deliver;
  }

  /** A datagram enters; what has no delay arrives before this returns. */
  take(datagram: Buffer, tag: Tag, nowMs: number): void {
    this.counts.taken += 1;
    const { delayMs, reorder, reorderMs, duplicate, corrupt } = this.impairments;
    // Each is drawn for each datagram: another share of one thing changes nothing of the others.
    const isLost = this.#isLost(nowMs);
    const isReordered = this.#happens(reorder);
    const isDuplicated = this.#happens(duplicate);
    const isCorrupted = this.#happens(corrupt);
    const heldMs = this.#fraction() * reorderMs;
    const againMs = this.#fraction() * reorderMs;
    const damage = this.#damage();
    if (this.isPartitioned) {
      this.counts.partitioned += 1;
      return;
    }
    if (datagram.length > this.impairments.mtuBytes) {
      this.counts.tooLarge += 1;
      return;
    }
    if (isLost) return;
    if (isReordered) this.counts.reordered += 1;
    if (isCorrupted) this.counts.corrupted += 1;
    if (isDuplicated) this.counts.duplicated += 1;
    const arriving = isCorrupted ? damaged(datagram, damage) : datagram;
    this.#enqueue(arriving, tag, delayMs + (isReordered ? heldMs : 0), nowMs);
    // The second one is as it was sent: a path corrupts after it has copied.
    if (isDuplicated) this.#enqueue(datagram, tag, delayMs + againMs, nowMs);
  }

  /** What is due arrives. */
  run(nowMs: number): void {
    const first = this.#queue.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.#queue.splice(0, first === -1 ? this.#queue.length : first);
    for (const { datagram, tag } of due) this.#arrive(datagram, tag);
  }

  /** When run() has something to do; Infinity: nothing is under way. */
  nextDueMs(): number {
    return this.#queue[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  forgetLargest(): void {
    this.counts.largestBytes = 0;
  }

  #isLost(nowMs: number): boolean {
    const { loss, burst, burstMs } = this.impairments;
    const isLost = this.#happens(loss);
    const begins = this.#happens(burst);
    if (begins && nowMs >= this.#burstEndMs) this.#burstEndMs = nowMs + burstMs;
    if (nowMs < this.#burstEndMs) {
      this.counts.lostInBursts += 1;
      return true;
    }
    if (isLost) this.counts.lost += 1;
    return isLost;
  }

  #fraction(): number {
    return this.#random.u32() / 2 ** 32;
  }

  #happens(share: number): boolean {
    return this.#fraction() < share;
  }

  #damage(): Damage {
    const isCut = this.#happens(cutShare);
    return { isCut, place: this.#fraction(), flips: 1 + this.#random.below(flippedBitsMax) };
  }

  #enqueue(datagram: Buffer, tag: Tag, delayMs: number, nowMs: number): void {
    if (delayMs === 0) {
      this.#arrive(datagram, tag);
      return;
    }
    if (this.#queue.length >= queuedCountMax) {
      this.counts.overflowed += 1;
      return;
    }
    const dueMs = nowMs + delayMs;
    let place = this.#queue.length;
    while (place > 0 && (this.#queue[place - 1]?.dueMs ?? 0) > dueMs) place -= 1;
    this.#queue.splice(place, 0, { dueMs, datagram, tag });
  }

  #arrive(datagram: Buffer, tag: Tag): void {
    this.counts.delivered += 1;
    this.counts.largestBytes = Math.max(this.counts.largestBytes, datagram.length);
    this.#deliver(datagram, tag);
  }
}
