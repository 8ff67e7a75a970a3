/**
 * The intermediate representation of a router configuration: plain readonly data that survives
 * structured cloning and JSON (bigints as in `serialize`), produced by `defineRouter`, checked by
 * `check`, executed naively by `interpret` and turned into a route image by `emit`.
 *
 * Indices refer to the arrays of `RouterIr`. Every integer that a message field can hold is a
 * bigint, whatever its width, so that comparisons are exact.
 */
import type { Json } from '../schema/canonical.js';
import type { ByteOrder, IntegerType } from '../schema/model.js';
import type { FieldType } from './view.js';

/** Where in the user's configuration something was written. Line and column count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type { ByteOrder, FieldType, IntegerType };

/**
 * A field at a fixed place of a message's view (see `ViewIr`; mostly the message itself). `bytes`
 * is its size, `offset` counts from the start. Of a slot (string, blob, group) it is the slot.
 */
export interface FieldIr {
  readonly name: string;
  readonly type: FieldType;
  readonly order: ByteOrder;
  readonly offset: number;
  readonly bytes: number;
  /** An enum's symbols, values by name; null for plain numbers. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  /** The greatest value, where that is less than the type's. */
  readonly max?: bigint;
  /** Of a `bit`, which bit of the byte it is. */
  readonly bit?: number;
  /** Of an optional field, the index of the bit that says whether it is there. */
  readonly presence?: number;
  /** Whether a transform may leave it out: what it holds then is in the initial bytes. */
  readonly omissible?: boolean;
  /** The most bytes or entries of a slot. */
  readonly limit?: number;
  /** The entries of a group. */
  readonly entry?: BlockIr;
  /** Where a field of bits lies in the message, whose view has it spread out. */
  readonly container?: ContainerIr;
}

/** Entries of a group. */
export interface BlockIr {
  readonly bytes: number;
  readonly fields: readonly FieldIr[];
  /** An entry in which nothing was set, in hexadecimal. */
  readonly initial: string;
}

/** Bits of an integer. */
export interface ContainerIr {
  readonly offset: number;
  readonly bytes: number;
  readonly order: ByteOrder;
  readonly shift: number;
  readonly bits: number;
}

/**
 * The bytes in which the router finds a message's fields at fixed places. A message that has no
 * ViewIr is its own view. A native message of the newest version, or of one to come, is its own
 * view too; an older one is completed with what later versions brought. Messages of other layouts
 * have their bits spread out and their movable parts put in place.
 */
export type ViewIr =
  | {
      readonly kind: 'native';
      /** The schema as canonical JSON, which `nativeModel` reads. */
      readonly schema: Json;
    }
  | {
      readonly kind: 'foreign';
      /** The part of the message that is always there, at the start of the view. */
      readonly fixedBytes: number;
      readonly bytesMax: number;
      /** What is put behind it, one after the other. */
      readonly parts: readonly ViewPartIr[];
    };

export type ViewPartIr =
  /** `bytes` of the message from the value of a field × scale + plus on. */
  | {
      readonly kind: 'section';
      readonly field: number;
      readonly scale: number;
      readonly plus: number;
      readonly bytes: number;
    }
  /** Bits of a container in the view so far, as a u32 in little-endian order. */
  | { readonly kind: 'bits'; readonly container: ContainerIr };

/** A message type. `templateId` is the value of its family's discriminator. */
export interface SchemaIr {
  readonly name: string;
  readonly templateId: bigint;
  /** Bytes of the view; without one those of the message. */
  readonly bytes: number;
  readonly fields: readonly FieldIr[];
  /** Index of the field that holds the whole message's size, written and checked by the router. */
  readonly sizeField: number | null;
  /** Index of the field that holds the template id, written and checked by the router. */
  readonly typeField: number | null;
  readonly view?: ViewIr;
  /**
   * The fixed part of a message in which nothing was set, in hexadecimal: of native types always,
   * of others where fields have defaults.
   */
  readonly initial?: string;
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
  /** Enum to enum by value: pairs [from, to]; others become `otherwise`, or reject with `code`. */
  | {
      readonly kind: 'map';
      readonly field: number;
      readonly pairs: readonly (readonly [bigint, bigint])[];
      readonly otherwise?: bigint;
      readonly code: number;
    }
  /** An integer × 10^power, exact; what is not a whole number or does not fit rejects. */
  | { readonly kind: 'scale'; readonly field: number; readonly power: number }
  /** f32 to f64. */
  | { readonly kind: 'float'; readonly field: number }
  /** A string or blob; more bytes than the output's limit reject. */
  | { readonly kind: 'variable'; readonly field: number }
  /** The entries of a group, each made into one of the output's. */
  | { readonly kind: 'group'; readonly field: number; readonly outputs: readonly OutputIr[] }
  /** The u64 return address of the connection or sender the message in hand came from. */
  | { readonly kind: 'return-address' }
  /** The destination connection's next number, written when the message is sent. */
  | { readonly kind: 'sequence' }
  /** The code the message is being rejected with; only in transforms of a reject action. */
  | { readonly kind: 'reject-code' };

/** What an optional source field that is absent becomes. */
export type AbsentIr =
  /** The output is absent too. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'reject'; readonly code: number };

export interface OutputIr {
  /** Index of the field in the output schema. */
  readonly field: number;
  readonly value: ValueIr;
  /** Reject code when the value does not fit the output field (never silently truncated). */
  readonly rangeCode: number;
  /** Where the value comes from an optional field. */
  readonly absent?: AbsentIr;
}

/** Builds a message of `to` from one of `from`. Fields not listed are as in its initial bytes. */
export interface TransformIr {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** One entry for each field of `to` except size and type field, which are constants, and
   * those that may be left out. */
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
