// Runs the functions behind slow endpoints: one message after another, or a few at a time, never
// more than is declared; what a function throws is counted and reported.
//
// Thread: the one that started the router.
import { offerCodes } from '../codes.js';
import type { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { HyperRouteError, isHyperRouteError } from '../errors.js';
import { sleep } from './ports.js';

/** Gives a message back to the router, which copies it. Throws if it can never be taken. */
export type SlowReply = (message: Uint8Array) => void;

/** Handles one message. `message` is its own copy, and stays what it is. */
export type SlowFunction = (message: Uint8Array, reply: SlowReply) => void | Promise<void>;

export interface SlowRunOptions {
  /** Messages that are handled at a time, 1 to 1024; default 1, which keeps their order. */
  readonly concurrency?: number;
  /** Called with what the function throws; default: a process warning, at most one a second. */
  readonly onError?: (error: unknown, message: Uint8Array) => void;
}

export interface SlowCounts {
  /** Messages that the function was called with and has finished, well or not. */
  readonly handled: number;
  /** Replies that the router has taken. */
  readonly replied: number;
  /** Messages for which it threw or rejected. */
  readonly failed: number;
  /** Replies that found the router closed. */
  readonly repliesLost: number;
  /** What the last failure was; null if there was none. */
  readonly lastError: string | null;
}

/** A function that runs. */
export interface SlowHandle {
  counts(): SlowCounts;
  /** Calls the function no more; messages wait in the endpoint's queue. */
  stop(): void;
}

export const slowConcurrencyMax = 1024;
/** Replies that wait because the router's ring is full; no message is begun meanwhile. */
const repliesWaitingMax = 1024;
const retryMs = 1;
const warnEveryMs = 1000;
/** Of a failure that belongs to no message any more. */
const noMessage = new Uint8Array(0);

export class SlowRunner implements SlowHandle {
  readonly name: string;
  readonly #call: SlowFunction;
  readonly #concurrency: number;
  readonly #onError: ((error: unknown, message: Uint8Array) => void) | undefined;
  readonly #counts = { handled: 0, replied: 0, failed: 0, repliesLost: 0 };
  #lastError: string | null = null;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #memory: MemoryEndpoint | undefined;
  readonly #stop = new AbortController();

  constructor(name: string, call: SlowFunction, options: SlowRunOptions) {
    const { concurrency = 1, onError } = options;
    if (typeof call !== 'function') throw new TypeError(`slow('${name}'): expected a function`);
    const isCount = Number.isInteger(concurrency) && concurrency >= 1;
    if (!isCount || concurrency > slowConcurrencyMax) {
      throw new RangeError(`concurrency: expected an integer from 1 to ${slowConcurrencyMax}`);
    }
    this.name = name;
    this.#call = call;
    this.#concurrency = concurrency;
    this.#onError = onError;
  }

  /** Handles what arrives at this end; what is left at a former one is still handled. */
  attach(memory: MemoryEndpoint): void {
    if (memory === this.#memory || this.isStopped) return;
    this.#memory = memory;
    this.#run(memory).catch((error) => this.#note(error, noMessage));
  }

  counts(): SlowCounts {
    return { ...this.#counts, lastError: this.#lastError };
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(memory: MemoryEndpoint): Promise<void> {
    const line = new ReplyLine(memory, this.#counts, (error) => this.#note(error, noMessage));
    const working = new Set<Promise<void>>();
    // One at a time: what is in the ring when it is stopped stays there.
    for await (const message of memory.messages(this.#stop.signal, 1)) {
      const work = this.#handle(message, line);
      if (work !== undefined) {
        working.add(work);
        void work.then(() => working.delete(work));
      }
      if (working.size >= this.#concurrency) await Promise.race(working);
      if (line.isWaiting) await line.flushed();
    }
    await Promise.all(working);
    await line.flushed();
  }

  /** Calls the function; undefined: it has finished. */
  #handle(message: Uint8Array, line: ReplyLine): Promise<void> | undefined {
    const end = (): void => {
      this.#counts.handled++;
    };
    const fail = (error: unknown): void => {
      this.#note(error, message);
      end();
    };
    try {
      const work = this.#call(message, (reply) => line.send(reply));
      if (typeof work?.then === 'function') return work.then(end, fail);
      end();
    } catch (error) {
      fail(error);
    }
    return undefined;
  }

  #note(error: unknown, message: Uint8Array): void {
    this.#counts.failed++;
    this.#lastError = error instanceof Error ? error.message : String(error);
    if (this.#onError !== undefined) {
      // What it throws is the user's own error, uncaught like any other of a callback.
      const { onError } = { onError: this.#onError };
      queueMicrotask(() => onError(error, message));
      return;
    }
    const now = performance.now();
    if (now - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = now;
    const text = `slow function '${this.name}' failed (${this.#counts.failed} in all)`;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`${text}: ${this.#lastError}`, { code: 'HYPERROUTE_SLOW', detail });
  }
}

/** Replies on their way to the router, in order. */
class ReplyLine {
  readonly #memory: MemoryEndpoint;
  readonly #counts: { replied: number; repliesLost: number };
  readonly #onError: (error: unknown) => void;
  readonly #waiting: Uint8Array[] = [];

  constructor(
    memory: MemoryEndpoint,
    counts: { replied: number; repliesLost: number },
    onError: (error: unknown) => void,
  ) {
    this.#memory = memory;
    this.#counts = counts;
    this.#onError = onError;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  send(reply: Uint8Array): void {
    if (!(reply instanceof Uint8Array)) throw new TypeError('reply: expected a Uint8Array');
    if (reply.length > this.#memory.out.messageBytesMax) throw neverFits(reply);
    if (!this.isWaiting && this.#offer(reply)) return;
    if (this.#waiting.length >= repliesWaitingMax) {
      const context = `${repliesWaitingMax} replies wait for room in the router's ring`;
      throw new HyperRouteError('ERR_LIMIT', context, { context });
    }
    this.#waiting.push(reply.slice());
  }

  /** Resolves when no reply waits; asks again as long as the router lives. */
  async flushed(): Promise<void> {
    while (this.isWaiting) {
      const [first] = this.#waiting;
      try {
        if (first !== undefined && !this.#offer(first)) {
          await sleep(retryMs);
          continue;
        }
      } catch (error) {
        // Whoever replied has returned long since; one that found the router closed is counted.
        if (!isHyperRouteError(error, 'ERR_CLOSED')) this.#onError(error);
      }
      this.#waiting.shift();
    }
  }

  /** Whether the router has taken it. */
  #offer(reply: Uint8Array): boolean {
    const position = this.#memory.offer(reply);
    if (position >= 0) {
      this.#counts.replied++;
      return true;
    }
    if (position === offerCodes.BACK_PRESSURE) return false;
    if (position === offerCodes.CLOSED) {
      this.#counts.repliesLost++;
      const context = `the reply of '${this.#memory.name}' found the router closed`;
      throw new HyperRouteError('ERR_CLOSED', context, { context });
    }
    throw neverFits(reply);
  }
}

function neverFits(reply: Uint8Array): RangeError {
  return new RangeError(`a reply of ${reply.length} bytes never fits the endpoint's ring`);
}
