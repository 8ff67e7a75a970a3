// Of the intermediate representation: endpoints and pools.
import type { SourcePosition } from './ir-messages.js';
import type { PluginCallIr } from './ir-plugins.js';

export interface EndpointIr {
  readonly name: string;
  readonly kind:
    | 'udp'
    | 'tcp-listen'
    | 'tcp-connect'
    | 'raptor-listen'
    | 'raptor-connect'
    | 'memory';
  readonly family: number;
  /** Validated, completed with defaults, JSON-safe: what the native backend is opened with. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly control?: EndpointControlIr;
  readonly position: SourcePosition;
}

/** How it is found out that a destination works. */
export interface HealthIr {
  readonly kind: 'tcp' | 'udp';
  /** Where it is asked; null: where the endpoint sends to. */
  readonly address: { readonly host: string; readonly port: number } | null;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Bytes to send and bytes the answer starts with, in hexadecimal; '': none. */
  readonly probe: string;
  readonly expect: string;
  /** Answers in a row that make it usable, and failures in a row that end that. */
  readonly rise: number;
  readonly fall: number;
}

/** What keeps a destination from being sent more than it can take. */
export interface EndpointControlIr {
  readonly health?: HealthIr;
  /** After so many failures in a row it is left alone for a while. */
  readonly breaker?: { readonly consecutive: number; readonly forMs: number };
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** Messages that a correlation waits for. */
  readonly inFlightMax?: number;
  /** By priority, 0 to 7: the share of its queue, 0 to 1, above which it takes none of them. */
  readonly shed?: readonly number[];
}

/** A member of a pool. */
export interface MemberIr {
  readonly endpoint: number;
  /** Its share of the messages, beside the other members' shares; 1 or more. */
  readonly weight: number;
  /** Of `sticky`: the value of the key that names it. */
  readonly id?: bigint;
}

/** The fields of one message type that a strategy decides by, in order. */
export interface PoolKeyIr {
  readonly schema: number;
  readonly fields: readonly number[];
}

/** What `least-loaded` and `two-choices` compare: bytes queued, or requests without an answer. */
export type LoadMeasure = 'queue' | 'outstanding';

/** How a pool picks a member. A key is needed for every message type that is sent to the pool. */
export type StrategyIr =
  | { readonly kind: 'round-robin' | 'weighted' | 'failover' }
  | { readonly kind: 'least-loaded' | 'two-choices'; readonly measure: LoadMeasure }
  /** Maglev with that prime number of slots. */
  | { readonly kind: 'hash'; readonly keys: readonly PoolKeyIr[]; readonly slots: number }
  /** The member whose id the key holds; by hash of the key where no member has it. */
  | { readonly kind: 'sticky'; readonly keys: readonly PoolKeyIr[] }
  /** Every member gets the message. */
  | { readonly kind: 'broadcast'; readonly delivery: 'all-or-none' | 'best-effort' }
  /** A plug-in's, which may do without a key. */
  | { readonly kind: 'plugin'; readonly keys: readonly PoolKeyIr[]; readonly call: PluginCallIr }
  /** A user's: each slot ranks members (indices of `members`); the key's hash picks the slot. */
  | {
      readonly kind: 'table';
      readonly name: string;
      readonly keys: readonly PoolKeyIr[];
      readonly slots: readonly (readonly number[])[];
    };

/** When a member is left out for a while. */
export interface EjectIr {
  readonly consecutive: number;
  readonly forMs: number;
  /** The greatest share of the members that may be left out at a time, 0 to 1. */
  readonly maxShare: number;
}

/** Endpoints that share a stream of messages. Without its options: see each of them. */
export interface PoolIr {
  readonly name: string;
  readonly strategy: StrategyIr;
  /** At least one, all of one family. */
  readonly members: readonly MemberIr[];
  /** Endpoints that take over, in this order, while no member can be used; default none. */
  readonly failover?: readonly number[];
  /** What becomes of messages while nobody can be used; default 'reject'. */
  readonly panic?: 'reject' | 'spread' | 'park';
  readonly eject?: EjectIr;
  /** How long a member that has come back takes to get its whole share; default 0. */
  readonly slowStartMs?: number;
  readonly position: SourcePosition;
}
