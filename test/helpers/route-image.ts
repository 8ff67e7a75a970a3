// The native route image as tests see it: load one, and walk messages through its step.
import type { Decision, Interpreted } from '../../lib/compiler/interpret.js';
import type { CorrelationCounts } from '../../lib/compiler/interpret-correlation.js';
import { native } from '../../lib/native.js';

/** `RouteImage` of the addon. `step` returns what `interpret` returns for the same message. */
export interface NativeRouteImage {
  summary(): {
    readonly endpoints: number;
    readonly pools: number;
    readonly routes: number;
    readonly transforms: number;
    readonly rejectCodeMax: number;
  };
  /** 0 cannot be used, 255 can, between: its share of the messages. */
  setAlive(endpoint: number, alive: number): void;
  setLoad(endpoint: number, queuedBytes: number, outstanding: number): void;
  /** Starts the random numbers anew. */
  seed(value: bigint): void;
  /** What time it is: correlations forget what has waited for too long. */
  setClock(nowNs: bigint): void;
  correlations(): readonly CorrelationCounts[];
  step(source: number, message: Uint8Array, returnAddress: bigint): Interpreted;
  decisions(sources: Uint8Array, messages: Uint8Array, ends: Uint8Array, results: Uint8Array): void;
}

interface RouteImageAddon {
  readonly RouteImage: new (bytes: Uint8Array) => NativeRouteImage;
}

/** Verifies an image and makes it ready. Throws with code ERR_IMAGE_CORRUPT and the reason. */
export function loadImage(bytes: Uint8Array): NativeRouteImage {
  const { RouteImage } = native() as unknown as RouteImageAddon;
  return new RouteImage(bytes);
}

/** A decision in the four words that the addon gives for it; the last one mixes all its copies. */
export function packedDecision(decision: Decision): number[] {
  const { outcome, route, rule, rejectCode, deliveries, taps, skipped } = decision;
  const first = outcomes.indexOf(outcome) | (((route ?? -1) + 1) << 8);
  let copies = Math.imul(taps.length, 256) + skipped;
  for (const { target, transform } of deliveries) {
    const endpoint = target.kind === 'endpoint' ? target.endpoint : noWord;
    copies = Math.imul(copies ^ endpoint ^ Math.imul((transform ?? -1) + 1, 0x10001), 0x01000193);
  }
  return [first >>> 0, rule ?? noWord, rejectCode, copies >>> 0];
}

const outcomes = ['deliver', 'discard', 'reject'];
const noWord = 0xffffffff;

/** Decides many messages in one call; four words for each, as `packedDecision`. */
export function nativeDecisions(
  image: NativeRouteImage,
  messages: readonly { readonly source: number; readonly message: Uint8Array }[],
): Uint32Array {
  const bytes = (words: Uint16Array | Uint32Array): Uint8Array => new Uint8Array(words.buffer);
  const sources = Uint16Array.from(messages, ({ source }) => source);
  let end = 0;
  const ends = Uint32Array.from(messages, ({ message }) => {
    end += message.length;
    return end;
  });
  const joined = new Uint8Array(end);
  for (const [index, { message }] of messages.entries()) {
    joined.set(message, (ends[index] ?? 0) - message.length);
  }
  const results = new Uint32Array(4 * messages.length);
  image.decisions(bytes(sources), joined, bytes(ends), bytes(results));
  return results;
}
