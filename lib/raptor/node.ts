// A stand-alone end of Raptor: publications and subscriptions over one socket, without a router.
import { EventEmitter } from 'node:events';
import { warnOfKeyLog } from '../endpoints/raptor-native.js';
import { HyperRouteError } from '../errors.js';
import { nativeCall } from '../native.js';
import { type Duration, OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';
import { batchBufferBytes, RaptorBatch } from './batch.js';
import { type NodeEvents, tell } from './events.js';
import { labelWords, type RaptorLabel } from './label.js';
import {
  type NativeRaptorNode,
  type NativeRaptorNodeCalls,
  nativeRaptorNode,
  type RaptorNodeCounters,
} from './native.js';
import {
  type NodePlan,
  type RaptorNodeOptions,
  type RaptorRemote,
  readLink,
  readNodeOptions,
  readSignal,
} from './options.js';
import {
  nativePublicationOptions,
  type PublicationOptions,
  RaptorPublication,
} from './publication.js';
import { type RaptorSession, sessionOf } from './sessions.js';
import { type RaptorBatchHandler, RaptorSubscription } from './subscription.js';

/** What `Symbol.asyncDispose` waits for receivers before it closes. */
const disposeMs = 1000;
const drainCheckMs = 1;
const drainMsMax = 86_400_000;

/** Uncaught, like any other error of the event loop. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/**
 * A stand-alone end of Raptor; get it with `raptor.open(…)`. Use it on the thread that opened it;
 * nothing blocks. It keeps the process alive until it is closed or `unref()`ed.
 *
 * Events: `session` (one is there), `sessionEnd`, `connectFailed` (it is tried again),
 * `receiverDropped` (a publication goes to a slow session no more), `receiverLeftOut` (a
 * publication cannot go to a session), `close`.
 */
export class RaptorNode extends EventEmitter<NodeEvents> {
  readonly #native: NativeRaptorNode;
  readonly #calls: NativeRaptorNodeCalls;
  readonly #number: number;
  readonly #plan: NodePlan;
  readonly #batch: RaptorBatch;
  readonly #subscriptions = new Map<number, RaptorSubscription>();
  readonly #publications = new Map<number, RaptorPublication>();
  readonly #unabort: () => void;
  /** Subscriptions that were resumed and have messages of a batch that is gone. */
  readonly #resumed = new Set<RaptorSubscription>();
  #isHandling = false;
  #isFlushDue = false;
  #isClosed = false;

  /** @internal */
  constructor(options: RaptorNodeOptions) {
    super();
    const plan = readNodeOptions(options);
    const { isPolled, messageBytesMax, signal } = plan;
    signal?.throwIfAborted();
    const bytes = new Uint8Array(new SharedArrayBuffer(batchBufferBytes(messageBytesMax)));
    const Native = nativeRaptorNode();
    const onWake = isPolled ? undefined : () => this.#handle();
    this.#plan = plan;
    this.#batch = new RaptorBatch(bytes);
    this.#native = nativeCall(() => new Native(plan.native, bytes, onWake));
    this.#calls = Native;
    this.#number = this.#native.number();
    const onAbort = (): void => this.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#unabort = () => signal?.removeEventListener('abort', onAbort);
    try {
      for (const link of plan.links) nativeCall(() => this.#native.connect(link));
    } catch (error) {
      this.close();
      throw error;
    }
    warnOfKeyLog('a raptor node', plan.native);
  }

  /** Where it is bound, as `address:port`; null once it is closed. */
  get address(): string | null {
    return this.#native.address();
  }

  /** The port it is bound to; 0 once it is closed. */
  get port(): number {
    return Number(this.address?.split(':').at(-1) ?? 0);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Keeps a session with one more listener up, until the returned function is called. Throws
   * HyperRouteError ERR_CONFIG (also where it has that listener, at the same address with the same
   * key), ERR_LIMIT, ERR_CLOSED, ERR_STATE (it was opened for one peer).
   */
  connect(remote: RaptorRemote): () => void {
    const reader = new OptionReader(remote, 'connect', callerPlace(), 'ERR_CONFIG');
    const options = readLink(reader, this.#plan.insecure);
    const link = nativeCall(() => this.#native.connect(options));
    return () => this.#native.disconnect(link);
  }

  /**
   * A stream to every session that is there or will be, or to one; to one that has ended meanwhile
   * it answers NOT_CONNECTED. Throws HyperRouteError ERR_CONFIG, ERR_LIMIT, ERR_CLOSED.
   *
   * @example
   * ```ts
   * const ticks = node.publication('ticks', { mode: 'latest' });
   * if (ticks.offer(Buffer.from('42')) < 0) console.log('nobody is there, or has room');
   * ```
   */
  publication(label: RaptorLabel, options: PublicationOptions = {}): RaptorPublication {
    const complete = nativePublicationOptions(label, options, this.#plan.messageBytesMax);
    const id = nativeCall(() => this.#native.publish(complete));
    const forget = (): void => void this.#publications.delete(id);
    const native = this.#native;
    const calls = this.#calls;
    const flushLater = this.#flushLater;
    const publication = new RaptorPublication(native, calls, id, label, flushLater, forget);
    this.#publications.set(id, publication);
    // Its opening leaves like a message does.
    this.#flushLater();
    return publication;
  }

  /**
   * What any session sends under `label`: to `onBatch`, or for `for await`. One subscription a
   * label. Throws HyperRouteError ERR_CONFIG, ERR_STATE (there is one), ERR_LIMIT, ERR_CLOSED.
   *
   * @example
   * ```ts
   * node.subscription('ticks', (batch) => {
   *   while (batch.next()) console.log(batch.view.getUint8(batch.offset), batch.length);
   * });
   * ```
   */
  subscription(label: RaptorLabel, onBatch?: RaptorBatchHandler): RaptorSubscription {
    if (onBatch !== undefined && typeof onBatch !== 'function') {
      throw new TypeError('subscription: expected a function to handle batches');
    }
    const { low, high } = labelWords(label);
    const native = this.#native;
    const id = nativeCall(() => native.subscribe(low, high));
    const forget = (): void => void this.#subscriptions.delete(id);
    const later = this.#giveLater;
    const subscription = new RaptorSubscription(native, id, label, onBatch, forget, later);
    this.#subscriptions.set(id, subscription);
    return subscription;
  }

  /**
   * Of a polled node: handles what has arrived and what is due, and sends what was offered. To be
   * called all the time, at least every few milliseconds while sessions are there. With the event
   * loop it is never needed.
   */
  poll(): void {
    if (this.#isHandling || this.#isClosed) return;
    this.#giveHeld();
    if (this.#isClosed) return;
    this.#calls.poll(this.#number);
    this.#handle();
  }

  /** Sends what was offered now rather than at the end of the turn. */
  flush(): void {
    this.#calls.flush(this.#number);
  }

  /** The sessions that are there, with counters. A snapshot; not for every message. */
  sessions(): readonly RaptorSession[] {
    return this.#native.sessions().map(sessionOf);
  }

  /** A snapshot of what the node counts. */
  counters(): RaptorNodeCounters {
    return this.#native.counters();
  }

  /** Ends one session; one of `connect` is made again. */
  closeSession(session: number): void {
    this.#native.closeSession(session);
  }

  /** Waits until there is a session. Rejects with ERR_CLOSED, or when `signal` aborts. */
  async connected({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw this.#closedError('connected');
    if (this.#native.sessions().length > 0) return;
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => () => {
        this.off('session', opened).off('close', closed);
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      const opened = done(resolve);
      const closed = done(() => reject(this.#closedError('connected')));
      const aborted = done(() => reject(signal?.reason));
      this.once('session', opened).once('close', closed);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /**
   * Ends every publication and waits until each receiver has taken all of it, or is gone. Rejects
   * with ERR_TIMEOUT after `timeout` (default: never; a day at most), with ERR_CONFIG, or when
   * `signal` aborts. A polled node must be polled meanwhile.
   */
  async drain(
    options: { readonly timeout?: Duration; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const reader = new OptionReader(options, 'drain', callerPlace(), 'ERR_CONFIG');
    const isTimed = reader.raw('timeout') !== undefined;
    const timeoutMs = isTimed
      ? reader.duration('timeout', 0, drainMsMax, undefined)
      : Number.POSITIVE_INFINITY;
    const signal = readSignal(reader);
    reader.done();
    const until = Date.now() + timeoutMs;
    for (const publication of [...this.#publications.values()]) publication.close();
    while (!this.#native.isDrained()) {
      signal?.throwIfAborted();
      if (Date.now() > until) {
        const context = 'drain: a receiver has not got everything';
        throw new HyperRouteError('ERR_TIMEOUT', context, { context });
      }
      await new Promise((resolve) => setTimeout(resolve, drainCheckMs));
    }
  }

  /** Tells every peer that this end is gone and closes the socket. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unabort();
    for (const publication of this.#publications.values()) publication.end();
    this.#native.close();
    for (const subscription of [...this.#subscriptions.values()]) subscription.end();
    this.#subscriptions.clear();
    this.#publications.clear();
    this.emit('close');
  }

  /** Drains for a second at most, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed && !this.#plan.isPolled) {
      await this.drain({ timeout: disposeMs }).catch(() => undefined);
    }
    this.close();
  }

  /** Keeps the process alive again. */
  ref(): this {
    this.#native.setReferenced(true);
    return this;
  }

  /** Lets the process exit although the node is open. */
  unref(): this {
    this.#native.setReferenced(false);
    return this;
  }

  #closedError(context: string): HyperRouteError<'ERR_CLOSED'> {
    return new HyperRouteError('ERR_CLOSED', `${context}: the node is closed`, { context });
  }

  /** Messages and events lie in the buffer. */
  #handle(): void {
    const batch = this.#batch;
    if (!batch.begin()) return;
    this.#isHandling = true;
    const hasEvents = batch.hasEvents;
    for (let id = batch.nextSubscription(); id !== 0; id = batch.nextSubscription()) {
      const subscription = this.#subscriptions.get(id);
      try {
        if (subscription !== undefined) subscription.take(batch);
        else while (batch.next());
      } catch (error) {
        // The rest of the batch is handled.
        throwLater(error);
      }
    }
    if (hasEvents) this.#tellEvents();
    this.#isHandling = false;
    if (this.#isFlushDue) this.#flushDue();
  }

  #tellEvents(): void {
    for (const event of this.#native.takeEvents()) {
      const label = this.#publications.get(event.publication)?.label;
      try {
        tell(this, event, label);
      } catch (error) {
        throwLater(error);
      }
    }
  }

  readonly #giveLater = (subscription: RaptorSubscription): void => {
    const isScheduled = this.#resumed.size > 0;
    this.#resumed.add(subscription);
    if (!isScheduled && !this.#plan.isPolled) setImmediate(() => this.#giveHeldNow());
  };

  #giveHeldNow(): void {
    this.#giveHeld();
    this.#flushDue();
  }

  #giveHeld(): void {
    if (this.#resumed.size === 0) return;
    const resumed = [...this.#resumed];
    this.#resumed.clear();
    this.#isHandling = true;
    for (const subscription of resumed) {
      try {
        subscription.giveHeld(this.#batch);
      } catch (error) {
        throwLater(error);
      }
    }
    this.#isHandling = false;
  }

  /** What handlers offer leaves once all of them have run, ahead of what microtasks offer. */
  readonly #flushLater = (): void => {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    if (!this.#plan.isPolled && !this.#isHandling) queueMicrotask(this.#flushDue);
  };

  readonly #flushDue = (): void => {
    this.#isFlushDue = false;
    this.#calls.flush(this.#number);
  };
}
