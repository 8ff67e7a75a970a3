// What the oracle says of a message.
import type { Transformed } from './interpret-transform.js';

export type DecidedTarget =
  | { readonly kind: 'endpoint'; readonly endpoint: number }
  | { readonly kind: 'return-source' }
  | {
      readonly kind: 'return-address';
      readonly address: bigint;
      /** Endpoints that carry the message: the address is stale when it names another one. */
      readonly endpoints: readonly number[];
    }
  /** The same, of an address that a correlation has kept. */
  | {
      readonly kind: 'correlated';
      readonly address: bigint;
      readonly endpoints: readonly number[];
    };

/** One copy of a message: where it goes and what it becomes on the way. */
export interface Delivery {
  readonly target: DecidedTarget;
  /** null: a reject's notice before a rule was found. */
  readonly rule: number | null;
  /** null: it leaves as it came. */
  readonly transform: number | null;
  /** Size of the message that leaves. */
  readonly outputBytes: number;
  /** Left out where it cannot be sent; nothing else waits for it. */
  readonly bestEffort: boolean;
  readonly priority: number;
}

/** Mirrors the native Decision; null where that has kNoIndex. */
export interface Decision {
  readonly outcome: 'deliver' | 'discard' | 'reject';
  readonly route: number | null;
  /** The first that held; when rejected, the one it failed for. */
  readonly rule: number | null;
  /** 0 unless rejected. */
  readonly rejectCode: number;
  /** Copies on best effort that have nowhere to go. */
  readonly skipped: number;
  /** The taps of the rules that held: they count the message once it has left. */
  readonly taps: readonly number[];
  /** At least one where it is delivered; else none. */
  readonly deliveries: readonly Delivery[];
}

/** A message's whole way: the decision, what left, and what was sent because of a reject. */
export interface Interpreted {
  readonly decision: Decision;
  /**
   * What leaves, for each of `decision.deliveries`; null for one on best effort whose transform
   * refuses the message. Empty where it is not delivered.
   */
  readonly delivered: readonly (Transformed | null)[];
  /** Why it was rejected, by the decision or by a transform; 0: it was not. */
  readonly rejectCode: number;
  /** The reject's own decision, when the message was rejected. */
  readonly reject: Decision | null;
  /** What leaves for each of `reject.deliveries`; empty: the reject was counted and dropped. */
  readonly rejected: readonly (Transformed | null)[];
}
