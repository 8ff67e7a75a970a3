// A running memory endpoint: JavaScript as a source and a destination of a router, through two
// rings in one SharedArrayBuffer.
import { describeValue, HyperRouteError } from '../errors.js';
import { RingConsumer, RingProducer, ringMemoryBytes } from './ring.js';

/** Called with the reader standing before the first of a batch: `while (batch.next()) …`. */
export type BatchHandler = (batch: RingConsumer) => void;

/** Batches handled in one turn before other events of the loop get theirs. */
const batchesPerTurnMax = 64;
/** Messages that `for await` copies out at a time. */
const iteratorBacklogMax = 1024;
/** After which a handler that took nothing is asked again. */
const retryMs = 1;
const lineBytes = 64;

/** How many bytes after the start of these the next cache line begins. */
export type BytesToLine = (bytes: Uint8Array) => number;

/** The memory of a ring at a cache line's boundary inside a SharedArrayBuffer. */
function allocateRing(capacityBytes: number, bytesToLine: BytesToLine): Uint8Array {
  const bytes = ringMemoryBytes(capacityBytes);
  const buffer = new SharedArrayBuffer(bytes + lineBytes);
  return new Uint8Array(buffer, bytesToLine(new Uint8Array(buffer)), bytes);
}

/**
 * JavaScript's end of a memory endpoint; get it with `router.memory(name)`. Use it on the thread
 * that started the router. Nothing blocks. Once the router closes, offers answer CLOSED; what was
 * offered before is still routed, and what was routed to JavaScript can still be read.
 */
export class MemoryEndpoint {
  readonly name: string;
  readonly mode: 'wake' | 'poll';
  /** @internal What the native side is opened with. */
  readonly memory: { readonly outbound: Uint8Array; readonly inbound: Uint8Array };
  #producer: RingProducer | undefined;
  #consumer: RingConsumer | undefined;
  #handler: BatchHandler | undefined;
  #running = false;
  /** The subscriber takes nothing for now, and says when it does again. */
  #isPaused = false;
  #closed = false;
  readonly #turn = (): void => this.#drain();

  /** @internal */
  constructor(name: string, mode: 'wake' | 'poll', ringBytes: number, bytesToLine: BytesToLine) {
    this.name = name;
    this.mode = mode;
    this.memory = {
      outbound: allocateRing(ringBytes, bytesToLine),
      inbound: allocateRing(ringBytes, bytesToLine),
    };
  }

  /** @internal Once native code has formatted the rings. */
  open(wakeRouter: () => void): void {
    // What is left can be read when the router is gone; then there is nobody to wake.
    const wake = (): void => {
      if (!this.#closed) wakeRouter();
    };
    this.#producer = new RingProducer(this.memory.outbound, wake);
    this.#consumer = new RingConsumer(this.memory.inbound, wake);
  }

  /**
   * The writing end, for messages written in place: `claim`, write fields, `commit`, and `flush`
   * once a batch (or leave it to the end of the turn).
   */
  get out(): RingProducer {
    if (this.#producer !== undefined) return this.#producer;
    throw new HyperRouteError('ERR_CLOSED', `memory endpoint ${this.name} is closed`, {
      context: this.name,
    });
  }

  /**
   * Gives a copy of `message` to the router. Returns the position after it, or a negative offer
   * code: BACK_PRESSURE (try later), TOO_LARGE (never fits), CLOSED. Throws TypeError for what is
   * not a Uint8Array.
   */
  offer(message: Uint8Array): number {
    return this.out.offer(message);
  }

  /** Makes everything committed visible now rather than at the end of the turn. */
  flush(): void {
    this.out.flush();
  }

  /**
   * Handles what has arrived, on this turn: calls `handler` once if there is anything. The bytes it
   * sees are valid until it returns. Returns whether there was anything. For mode `poll`; with
   * `wake` use `subscribe`. Throws HyperRouteError ERR_CLOSED once the memory of the ring holds
   * what no router writes: something wrote into the bytes of a batch or past them.
   */
  poll(handler: BatchHandler): boolean {
    const consumer = this.#consumer;
    if (consumer === undefined) return false;
    handler(consumer);
    const isRead = consumer.release();
    if (!consumer.corrupt) return isRead;
    throw new HyperRouteError('ERR_CLOSED', `memory endpoint ${this.name}: its ring is corrupt`, {
      context: this.name,
    });
  }

  /**
   * Calls `handler` for every batch that arrives, on this thread's event loop, until the returned
   * function is called. Message bytes are valid until the handler returns; `copy()` keeps them.
   * One subscriber at a time. Mode `wake` only.
   */
  subscribe(handler: BatchHandler): () => void {
    if (this.mode !== 'wake') throw new TypeError(`${this.name} has mode 'poll': call poll()`);
    if (typeof handler !== 'function') {
      throw new TypeError(`subscribe: expected a function, received ${describeValue(handler)}`);
    }
    if (this.#handler !== undefined) throw new TypeError(`${this.name} has a subscriber already`);
    this.#handler = handler;
    this.#isPaused = false;
    this.onWake();
    return () => {
      if (this.#handler === handler) this.#handler = undefined;
    };
  }

  /** Copies of the messages as they arrive: convenient, slower than `subscribe`. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    return this.messages();
  }

  /**
   * @internal The same, so many at a time; after `signal` only what has been taken from the ring
   * still comes.
   */
  async *messages(
    signal?: AbortSignal,
    backlogMax = iteratorBacklogMax,
  ): AsyncGenerator<Uint8Array, void, void> {
    const waiting: Uint8Array[] = [];
    let wake: (() => void) | undefined;
    const take = (batch: RingConsumer): void => {
      while (waiting.length < backlogMax && batch.next()) waiting.push(batch.copy());
      this.#isPaused = waiting.length > 0;
      // Not for nothing: the loop below would go round without ever yielding.
      if (waiting.length > 0) wake?.();
    };
    const stop = this.subscribe(take);
    const onAbort = (): void => {
      stop();
      wake?.();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
          yield message;
        }
        if (signal?.aborted) return;
        if (this.poll(take)) continue;
        if (this.#closed) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.#isPaused = false;
          this.#onClose = resolve;
          this.onWake();
        });
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      stop();
    }
  }

  #onClose: (() => void) | undefined;

  /** @internal The router woke this thread, or a subscriber came. */
  onWake(): void {
    if (this.#running) return;
    this.#running = true;
    this.#turn();
  }

  #drain(): void {
    try {
      this.#running = this.#drainSome();
    } catch (error) {
      if (this.#consumer?.corrupt) this.#onClose?.();
      // The rest of the batch is still there, and nobody would wake this side for it.
      else setImmediate(this.#turn);
      // Uncaught like any other error of the event loop; native code calls this function.
      setImmediate(() => {
        throw error;
      });
    }
  }

  /** Handles batches until there are none, or it is others' turn. Returns whether it goes on. */
  #drainSome(): boolean {
    const consumer = this.#consumer;
    for (let batches = 0; batches < batchesPerTurnMax; batches++) {
      const handler = this.#handler;
      if (consumer === undefined || handler === undefined || this.#isPaused) return false;
      if (this.poll(handler)) continue;
      if (this.#closed || consumer.park()) return false;
      if (this.poll(handler)) continue;
      // The handler takes nothing although there is something: it has to be asked again.
      setTimeout(this.#turn, retryMs);
      return true;
    }
    setImmediate(this.#turn);
    return true;
  }

  /** @internal Nothing more is offered; what was is visible to the router. */
  endOffers(): void {
    this.#producer?.close();
  }

  /** @internal The native side is gone. */
  close(): void {
    this.endOffers();
    this.#closed = true;
    this.onWake();
    this.#onClose?.();
  }
}
