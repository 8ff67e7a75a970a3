// A publication: the sending end of a stream to one session or to all of them.
import { offerCodes } from '../codes.js';
import type { RaptorMode } from '../endpoints/raptor.js';
import { describeValue } from '../errors.js';
import type { Duration } from '../schema/options.js';
import { OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';
import { labelWords, type RaptorLabel } from './label.js';
import type {
  NativeRaptorNode,
  NativeRaptorNodeCalls,
  RaptorPublicationCounters,
} from './native.js';

export interface PublicationOptions {
  /** What its messages are promised; default 'ordered'. */
  readonly mode?: RaptorMode;
  /** For mode 'deadline': how long a message is worth sending. */
  readonly deadline?: Duration;
  /** 0, sent first, to 7; default 0. */
  readonly priority?: number;
  /** Largest message; default the node's `maxMessageBytes`. */
  readonly maxMessageBytes?: number;
  /**
   * Room for what is not acknowledged, a power of two from 4,096 to 64 MiB that holds two of the
   * largest message, each 1,104 bytes of it with a header of 8. Default: the least that does, of
   * 262,144 or more; 1 MiB for messages of up to 262,144.
   */
  readonly ringBytes?: number;
  /** For one session alone; default: for all there are and all that will be. */
  readonly session?: number;
  /**
   * What one receiver without room means for the others. 'wait' (default): BACK_PRESSURE for all.
   * 'drop': that one misses the message, and after `maxMisses` (1024) in a row gets no more.
   */
  readonly slow?: 'wait' | 'drop';
  readonly maxMisses?: number;
}

const modes = ['ordered', 'unordered', 'latest', 'deadline', 'unreliable'] as const;
const priorityMax = 7;
// What messages take in a ring, as in native/wire/raptor_frames.h.
const recordHeaderBytes = 8;
const recordPayloadBytesMax = 1104;
const ringBytesMin = 4096;
const ringBytesMax = 2 ** 26;
const deadlineMsMax = 3_600_000;
const u32Max = 2 ** 32 - 1;

/** The least ring that holds two messages of so many bytes: native/raptor/stream_mode.h. */
function leastRingBytes(messageBytes: number): number {
  const recordCount = Math.max(1, Math.ceil(messageBytes / recordPayloadBytesMax));
  const recordBytes = recordCount * recordHeaderBytes + ((messageBytes + 7) & ~7);
  let bytes = ringBytesMin;
  while (bytes < 2 * recordBytes) bytes *= 2;
  return bytes;
}

function readRingBytes(reader: OptionReader, messageBytes: number): number {
  const given = reader.optionalInteger('ringBytes', ringBytesMin, ringBytesMax);
  const least = leastRingBytes(messageBytes);
  if (given === null || ((given & (given - 1)) === 0 && given >= least)) return given ?? 0;
  const room = `two messages of ${messageBytes} bytes with their headers`;
  const expected = `a power of two from ${least}, the least that holds ${room}`;
  throw reader.error('ringBytes', expected, given);
}

/** The options as the addon takes them. Throws HyperRouteError ERR_CONFIG. */
export function nativePublicationOptions(
  label: RaptorLabel,
  options: PublicationOptions,
  messageBytesMax: number,
): Readonly<Record<string, unknown>> {
  const reader = new OptionReader(options, 'publication', callerPlace(), 'ERR_CONFIG');
  const mode = reader.choice('mode', modes, 'ordered');
  const isTimed = mode === 'deadline';
  if (!isTimed && (reader.raw('deadline') ?? null) !== null) {
    throw reader.error('deadline', "none but with mode 'deadline'", reader.raw('deadline'));
  }
  const bytesMax = reader.integer('maxMessageBytes', 1, messageBytesMax, messageBytesMax);
  const { low, high } = labelWords(label);
  const complete = {
    labelLow: low,
    labelHigh: high,
    mode: modes.indexOf(mode),
    deadlineMs: isTimed ? reader.duration('deadline', 1, deadlineMsMax, undefined) : 0,
    priority: reader.integer('priority', 0, priorityMax, 0),
    maxMessageBytes: bytesMax,
    ringBytes: readRingBytes(reader, bytesMax),
    session: reader.integer('session', 0, u32Max, 0),
    drops: reader.choice('slow', ['wait', 'drop'], 'wait') === 'drop',
    missesMax: reader.integer('maxMisses', 1, u32Max, 1024),
  };
  reader.done();
  return complete;
}

/**
 * The sending end of a stream; get it with `node.publication(label)`. Use it on the thread that
 * opened the node. Nothing blocks.
 */
export class RaptorPublication {
  readonly label: RaptorLabel;
  readonly #native: NativeRaptorNode;
  readonly #calls: NativeRaptorNodeCalls;
  readonly #node: number;
  readonly #flushLater: () => void;
  readonly #onClose: () => void;
  readonly #id: number;
  /** What it had counted when it closed. */
  #last: RaptorPublicationCounters | undefined;

  /** @internal */
  constructor(
    native: NativeRaptorNode,
    calls: NativeRaptorNodeCalls,
    id: number,
    label: RaptorLabel,
    flushLater: () => void,
    onClose: () => void,
  ) {
    this.#native = native;
    this.#calls = calls;
    this.#node = native.number();
    this.#onClose = onClose;
    this.#id = id;
    this.label = label;
    this.#flushLater = flushLater;
  }

  /**
   * Takes a copy of `message` for every receiver, or nothing: the bytes are the caller's again at
   * once. Returns the position behind it, which only grows, or a negative offer code, with which
   * nobody gets it and nothing of it is kept:
   *
   * - BACK_PRESSURE: a receiver has no room, for it has not acknowledged enough (never told with
   *   `slow: 'drop'`). Keep the message and offer it again in a later turn of the event loop
   *   (`setImmediate`, or a timer), of a polled node after its next `poll()`: in a loop that does
   *   neither nothing arrives, so there is never more room. Or give it up: no offer waits for it.
   * - NOT_CONNECTED: there is no session that takes it. Offer it again after the next `session`.
   * - TOO_LARGE: more than `maxMessageBytes`; CLOSED. Neither changes with time.
   *
   * It leaves at the end of the turn, or with `node.flush()`. Throws TypeError for what is not a
   * Uint8Array, or one whose buffer has been transferred away. Allocates nothing.
   *
   * @example
   * ```ts
   * import { setImmediate } from 'node:timers/promises';
   * while (ticks.offer(message) === offerCodes.BACK_PRESSURE) await setImmediate();
   * ```
   */
  offer(message: Uint8Array): number {
    if (this.#last !== undefined) return offerCodes.CLOSED;
    const position = this.#calls.offer(this.#node, this.#id, message);
    if (position === undefined) {
      throw new TypeError(`offer: expected a Uint8Array, received ${describeValue(message)}`);
    }
    if (position >= 0) this.#flushLater();
    return position;
  }

  /** A snapshot; once it is closed, of what it had counted then. */
  counters(): RaptorPublicationCounters {
    return this.#last ?? this.#native.publicationCounters(this.#id);
  }

  /** Offers nothing more; what was offered still arrives. Idempotent. */
  close(): void {
    if (this.#last !== undefined) return;
    this.end();
    this.#native.endPublication(this.#id);
    this.#onClose();
    this.#flushLater();
  }

  /** @internal Nothing more is offered. */
  end(): void {
    this.#last = { ...this.#native.publicationCounters(this.#id), receivers: 0 };
  }
}
