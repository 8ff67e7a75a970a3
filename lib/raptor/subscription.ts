// A subscription: what any session sends under a label, as batches or with `for await`.
import type { RaptorBatch } from './batch.js';
import type { RaptorLabel } from './label.js';
import type { NativeRaptorNode } from './native.js';

/**
 * Called with the reader standing before the first of a batch: `while (batch.next()) …`. Where it
 * returns early it is called again at once for the rest, until it reads nothing: what is left then
 * is skipped, which is for good. A handler that wants the rest later calls `pause()`.
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
  readonly #giveLater: (subscription: RaptorSubscription) => void;
  #handler: RaptorBatchHandler | undefined;
  #isClosed = false;
  #isPaused = false;
  #skipped = 0;
  /** What is left of a batch in which it was paused; native code gives no more meanwhile. */
  #held: Uint8Array[] = [];
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
    giveLater: (subscription: RaptorSubscription) => void,
  ) {
    this.#native = native;
    this.#giveLater = giveLater;
    this.#id = id;
    this.label = label;
    this.#handler = handler;
    this.#onClose = onClose;
    if (handler === undefined) this.pause();
  }

  /** Messages that the handler was shown and did not read; they are lost. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Takes no more until `resume()`: messages wait, and in the end their publishers do. The handler
   * may call it: what it leaves of its batch comes first after `resume()`.
   */
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
    this.#isPaused = false;
    this.#held = [];
    this.#handler = undefined;
    this.#wake?.();
  }

  /** @internal The next messages of the batch are for this subscription. */
  take(batch: RaptorBatch): void {
    if (this.#handler === undefined) {
      this.#keep(batch);
      return;
    }
    while (batch.nextSubscription() === this.#id) {
      if (this.#isPaused || this.#held.length > 0) {
        this.#held.push(batch.takeRest());
        return;
      }
      const before = batch.position;
      try {
        this.#handler?.(batch);
      } finally {
        const isDone = this.#isClosed || (batch.position === before && !this.#isPaused);
        if (isDone) this.#skip(batch);
      }
    }
  }

  /** @internal Gives what was held back, now that nothing else lies in the buffer of `batch`. */
  giveHeld(batch: RaptorBatch): void {
    if (this.#isPaused || this.#held.length === 0) return;
    batch.restore(this.#held);
    this.#held = [];
    try {
      this.take(batch);
    } finally {
      if (batch.nextSubscription() !== 0) this.#held.push(batch.takeRest());
      if (this.#held.length === 0) this.#tellPaused();
      else if (!this.#isPaused) this.#giveLater(this);
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
    // What was held back comes before anything new.
    if (isPaused || this.#held.length === 0) this.#tellPaused();
    else this.#giveLater(this);
  }

  #tellPaused(): void {
    if (!this.#isClosed) this.#native.pause(this.#id, this.#isPaused);
  }

  #skip(batch: RaptorBatch): void {
    if (batch.nextSubscription() !== this.#id) return;
    while (batch.next()) this.#skipped++;
  }
}
