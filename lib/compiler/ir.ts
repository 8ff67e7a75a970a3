/**
 * The intermediate representation of a router configuration: plain readonly data that survives
 * structured cloning and JSON (bigints as in `serialize`), produced by `defineRouter`, checked by
 * `check`, executed naively by `interpret` and turned into a route image by `emit`.
 *
 * Indices refer to the arrays of `RouterIr`. Every integer that a message field can hold is a
 * bigint, whatever its width, so that comparisons are exact.
 */
import type { ByteOrder, IntegerType } from '../schema/model.js';
import type { FieldType } from './placed.js';

/** Where in the user's configuration something was written. Line and column count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type { ByteOrder, FieldType, IntegerType };

/** A field at a fixed place of a message. `bytes` is its size, `offset` counts from the start. */
export interface FieldIr {
  readonly name: string;
  readonly type: FieldType;
  readonly order: ByteOrder;
  readonly offset: number;
  readonly bytes: number;
  /** An enum's symbols, values by name; null for plain numbers. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
}

/** A message type with a fixed size. `templateId` is the value of its family's discriminator. */
export interface SchemaIr {
  readonly name: string;
  readonly templateId: bigint;
  readonly bytes: number;
  readonly fields: readonly FieldIr[];
  /** Index of the field that holds the whole message's size, written and checked by the router. */
  readonly sizeField: number | null;
  /** Index of the field that holds the template id, written and checked by the router. */
  readonly typeField: number | null;
  readonly position: SourcePosition;
}

/** The message types that an endpoint carries. Family 0 is `raw`: opaque bytes, no members. */
export interface FamilyIr {
  readonly name: string;
  /** Place of the discriminator, the same in every member; null: raw, or a single member. */
  readonly discriminator: FieldIr | null;
  /** Place of the size field, the same in every member; null if there is none. */
  readonly size: FieldIr | null;
  /** Schema indices. */
  readonly members: readonly number[];
}

export interface EndpointIr {
  readonly name: string;
  readonly kind: 'udp' | 'tcp-listen' | 'tcp-connect' | 'memory';
  readonly family: number;
  /** Validated, completed with defaults, JSON-safe: what the native backend is opened with. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly position: SourcePosition;
}

export interface PoolIr {
  readonly name: string;
  readonly strategy: 'round-robin';
  /** Endpoint indices, at least one, all of one family. */
  readonly members: readonly number[];
  readonly position: SourcePosition;
}

/** An integer expression over a message's fields; exact in 128 bits, overflow rejects. */
export type ExprIr =
  | { readonly kind: 'field'; readonly field: number }
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'add' | 'sub' | 'mul'; readonly left: ExprIr; readonly right: ExprIr };

/** Closed intervals [low, high], ascending, disjoint, not adjacent. */
export type IntervalsIr = readonly (readonly [bigint, bigint])[];

/** A condition. `in`: the value of the expression lies in one of the intervals. */
export type ConditionIr =
  | { readonly kind: 'in'; readonly value: ExprIr; readonly intervals: IntervalsIr }
  | {
      readonly kind: 'compare';
      readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte';
      readonly left: ExprIr;
      readonly right: ExprIr;
    }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly ConditionIr[] }
  | { readonly kind: 'not'; readonly term: ConditionIr };

/** A check of `validate`: when the condition is false the message is rejected with `code`. */
export interface CheckIr {
  readonly condition: ConditionIr;
  readonly code: number;
  readonly position: SourcePosition;
}

/** What a transform writes into one field of its output. */
export type ValueIr =
  | { readonly kind: 'field'; readonly field: number }
  | { readonly kind: 'const'; readonly value: bigint }
  /** Enum to enum by value: pairs [from, to]; anything else rejects with `code`. */
  | {
      readonly kind: 'map';
      readonly field: number;
      readonly pairs: readonly (readonly [bigint, bigint])[];
      readonly code: number;
    }
  /** The u64 return address of the connection or sender the message in hand came from. */
  | { readonly kind: 'return-address' }
  /** The destination connection's next number, written when the message is sent. */
  | { readonly kind: 'sequence' }
  /** The code the message is being rejected with; only in transforms of a reject action. */
  | { readonly kind: 'reject-code' };

export interface OutputIr {
  /** Index of the field in the output schema. */
  readonly field: number;
  readonly value: ValueIr;
  /** Reject code when the value does not fit the output field (never silently truncated). */
  readonly rangeCode: number;
}

/** Builds a message of schema `to` from one of schema `from`. Fields not listed are zero. */
export interface TransformIr {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** One entry for each field of `to` except size and type field, which are constants. */
  readonly outputs: readonly OutputIr[];
  readonly position: SourcePosition;
}

export type TargetIr =
  | { readonly kind: 'endpoint'; readonly endpoint: number }
  | { readonly kind: 'pool'; readonly pool: number }
  /** Back to the connection or datagram sender the message in hand came from. */
  | { readonly kind: 'return-source' }
  /** To the return address carried in this field (u64) of the message in hand. */
  | { readonly kind: 'return-field'; readonly field: number }
  | { readonly kind: 'discard' };

/** Where a message goes and what it becomes on the way; no transform: the same bytes. */
export interface ActionIr {
  readonly transform: number | null;
  readonly target: TargetIr;
}

export interface RuleIr {
  readonly name: string;
  /** null: `otherwise`. */
  readonly when: ConditionIr | null;
  readonly action: ActionIr;
  readonly position: SourcePosition;
}

/** One `route.first`: the first rule whose condition holds decides; none: reject NO_ROUTE. */
export interface RouteIr {
  readonly name: string;
  /** Schema index; null for a route over raw messages. */
  readonly schema: number | null;
  /** Endpoint indices whose messages it serves; a (endpoint, schema) pair has at most one route. */
  readonly sources: readonly number[];
  readonly checks: readonly CheckIr[];
  readonly rules: readonly RuleIr[];
  /** Where rejected messages go; null: they are counted by code and dropped. */
  readonly reject: ActionIr | null;
  readonly position: SourcePosition;
}

export type ThreadingIr =
  | { readonly model: 'inline' | 'shared' | 'dedicated' }
  | {
      readonly model: 'map';
      readonly workers: readonly {
        readonly name: string;
        readonly endpoints: readonly number[];
        readonly cpu: number | null;
        readonly idle: IdleIr;
      }[];
    };

/** `block`: spin `spinNs`, then sleep in the kernel. */
export type IdleIr = 'spin' | 'yield' | 'backoff' | 'block';

export interface RouterIr {
  readonly version: 1;
  readonly name: string;
  readonly schemas: readonly SchemaIr[];
  readonly families: readonly FamilyIr[];
  readonly endpoints: readonly EndpointIr[];
  readonly pools: readonly PoolIr[];
  readonly transforms: readonly TransformIr[];
  readonly routes: readonly RouteIr[];
  /** User reject codes (from 1000) by name, for tables and errors. */
  readonly rejectCodes: Readonly<Record<string, number>>;
  readonly threading: ThreadingIr;
  readonly idle: IdleIr;
  /** CPU of the single worker of `shared`, or null. */
  readonly cpu: number | null;
  /** In-router latency is recorded for one message in this many; 0: never. */
  readonly sampleEvery: number;
  readonly drainTimeoutMs: number;
  readonly position: SourcePosition;
}
