// A subscription: what any session sends under a label, as batches or with `for await`.
import type { RaptorBatch } from './batch.js';
import type { RaptorLabel } from './label.js';
import type { NativeRaptorNode } from './native.js';

/**
 * Called with the reader standing before the first of a batch: `while (batch.next()) …`. It is
 * called again for what it leaves; what it leaves without reading anything is skipped.
 */
export type RaptorBatchHandler = (batch: RaptorBatch) => void;

/** A message that `for await` gives: its own copy. */
export interface RaptorMessage {
  readonly bytes: Uint8Array;
  /** Who sent it; `node.publication(label, { session })` answers it. */
  readonly session: number;
}

/** Messages that wait for `for await` before their publishers have to. */
const backlogMax = 1024;

/**
 * The receiving end of a label; get it with `node.subscription(label, onBatch)`, or without a
 * handler for `for await`. Use it on the thread that opened the node. While nobody iterates,
 * messages wait, and in the end their publishers do.
 */
export class RaptorSubscription implements AsyncIterable<RaptorMessage> {
  readonly label: RaptorLabel;
  readonly #native: NativeRaptorNode;
  readonly #id: number;
  readonly #onClose: () => void;
  #handler: RaptorBatchHandler | undefined;
  #isClosed = false;
  #isPaused = false;
  #skipped = 0;
  // Of `for await`.
  #isIterated = false;
  #waiting: RaptorMessage[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  /** @internal */
  constructor(
    native: NativeRaptorNode,
    id: number,
    label: RaptorLabel,
    handler: RaptorBatchHandler | undefined,
    onClose: () => void,
  ) {
    this.#native = native;
    this.#id = id;
    this.label = label;
    this.#handler = handler;
    this.#onClose = onClose;
    if (handler === undefined) this.pause();
  }

  /** Messages that the handler was shown and did not read. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes no more until `resume()`: messages wait, and in the end their publishers do. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /** Gets no more. What had come and was not handled is gone. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#native.unsubscribe(this.#id);
    this.end();
    this.#onClose();
  }

  /** @internal Nothing more will come. */
  end(): void {
    this.#isClosed = true;
    this.#handler = undefined;
    this.#wake?.();
  }

  /** @internal The next messages of the batch are for this subscription. */
  take(batch: RaptorBatch): void {
    const handler = this.#handler ?? this.#keep;
    for (;;) {
      const before = batch.position;
      handler(batch);
      if (batch.nextSubscription() !== this.#id) return;
      if (batch.position !== before && !this.#isClosed) continue;
      while (batch.next()) this.#skipped++;
      return;
    }
  }

  /** Copies of the messages as they arrive, until the subscription or its node closes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RaptorMessage, void, void> {
    if (this.#handler !== undefined || this.#isIterated) {
      throw new TypeError('the subscription has a reader already');
    }
    this.#isIterated = true;
    this.resume();
    try {
      for (;;) {
        const message = this.#nextMessage();
        if (message !== undefined) yield message;
        else if (this.#isClosed) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#isIterated = false;
      this.pause();
    }
  }

  #nextMessage(): RaptorMessage | undefined {
    const message = this.#waiting[this.#taken];
    if (message === undefined) return undefined;
    this.#taken++;
    if (this.#taken === this.#waiting.length) {
      this.#waiting = [];
      this.#taken = 0;
      this.resume();
    }
    return message;
  }

  readonly #keep = (batch: RaptorBatch): void => {
    while (batch.next()) this.#waiting.push({ bytes: batch.copy(), session: batch.session });
    if (this.#waiting.length - this.#taken >= backlogMax || !this.#isIterated) this.pause();
    this.#wake?.();
  };

  #setPaused(isPaused: boolean): void {
    if (this.#isClosed || this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.#native.pause(this.#id, isPaused);
  }
}
