/**
 * The intermediate representation of a router configuration: plain readonly data that survives
 * structured cloning and JSON (bigints as in `serialize`), produced by `defineRouter`, checked by
 * `check`, executed naively by `interpret` and turned into a route image by `emit`.
 *
 * Indices refer to the arrays of `RouterIr`. Every integer that a message field can hold is a
 * bigint, whatever its width, so that comparisons are exact.
 */
import type { EndpointIr, PoolIr } from './ir-destinations.js';
import type { FamilyIr, IntegerType, SchemaIr, SourcePosition } from './ir-messages.js';
import type { PluginCallIr, PluginConditionIr } from './ir-plugins.js';

export type * from './ir-destinations.js';
export type * from './ir-messages.js';
export type * from './ir-plugins.js';

/** An integer expression over a message's fields; exact in 128 bits, overflow rejects. */
export type ExprIr =
  | { readonly kind: 'field'; readonly field: number }
  /** The bytes of a string, or the entries of a group. */
  | { readonly kind: 'count'; readonly field: number }
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'add' | 'sub' | 'mul'; readonly left: ExprIr; readonly right: ExprIr };

/** Closed intervals [low, high], ascending, disjoint, not adjacent. */
export type IntervalsIr = readonly (readonly [bigint, bigint])[];

/** How a text is held against a pattern: topics are split into levels, some of which are open. */
export type TextTest = 'is' | 'prefix' | 'topic';
/** What separates the levels of a topic, and what stands for any: `a/+/#` or `a.*.>`. */
export type TopicStyle = 'mqtt' | 'nats';

/** Holds for a text that meets one of the patterns, which are bytes in hexadecimal. */
export interface TextConditionIr {
  readonly kind: 'text';
  readonly field: number;
  readonly test: TextTest;
  /** Of topics. */
  readonly style?: TopicStyle;
  readonly patterns: readonly string[];
}

/** Holds when the bits of the field that the mask names are as in `equal`. */
export interface BitsConditionIr {
  readonly kind: 'bits';
  readonly field: number;
  readonly mask: bigint;
  readonly equal: bigint;
}

/** A condition. `in`: the value of the expression lies in one of the intervals. */
export type ConditionIr =
  | PluginConditionIr
  | TextConditionIr
  | BitsConditionIr
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
  /** Where the condition is a plug-in's: the n-th of `code` and these is its answer n, from 1. */
  readonly moreCodes?: readonly number[];
  readonly position: SourcePosition;
}

/** What a transform makes of the value of a field. */
export type ConversionIr =
  | { readonly kind: 'field'; readonly field: number }
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
  /** Text of a fixed size into another; what does not fit, or is no ASCII, rejects. */
  | { readonly kind: 'text'; readonly field: number }
  /** f32 to f64. */
  | { readonly kind: 'float'; readonly field: number };

/** What a transform writes into one field of its output. */
export type ValueIr =
  | ConversionIr
  | { readonly kind: 'const'; readonly value: bigint }
  /** Constant bytes, in hexadecimal, for text or bytes of a fixed size. */
  | { readonly kind: 'bytes'; readonly bytes: string }
  /** A string or blob; more bytes than the output's limit reject. */
  | { readonly kind: 'variable'; readonly field: number }
  /** The entries of a group, each made into one of the output's. */
  | { readonly kind: 'group'; readonly field: number; readonly outputs: readonly OutputIr[] }
  /** The u64 return address of the connection or sender the message in hand came from. */
  | { readonly kind: 'return-address' }
  /** The destination connection's next number, written when the message is sent. */
  | { readonly kind: 'sequence' }
  /** The u64 id of the entry that the rule opens. */
  | { readonly kind: 'correlation-id'; readonly correlation: number }
  /** The same of the entry that the route's lookup found. */
  | { readonly kind: 'found-id'; readonly correlation: number }
  /** What that one keeps: `field` counts among the correlation's `saved`. */
  | { readonly kind: 'saved'; readonly correlation: number; readonly value: ConversionIr }
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
  /** Writes the message instead, but for its header; its answer -n is the n-th of the codes. */
  readonly plugin?: { readonly call: PluginCallIr; readonly codes: readonly number[] };
  readonly position: SourcePosition;
}

export type TargetIr =
  | { readonly kind: 'endpoint'; readonly endpoint: number }
  | { readonly kind: 'pool'; readonly pool: number }
  /** Back to the connection or datagram sender the message in hand came from. */
  | { readonly kind: 'return-source' }
  /** To the return address carried in this field (u64) of the message in hand. */
  | { readonly kind: 'return-field'; readonly field: number }
  /** Where the message came from that the route's lookup found, and where that one went. */
  | { readonly kind: 'correlated-source'; readonly correlation: number }
  | { readonly kind: 'correlated-destination'; readonly correlation: number }
  | { readonly kind: 'discard' };

/** Where a message goes and what it becomes on the way; no transform: the same bytes. */
export interface ActionIr {
  readonly transform: number | null;
  readonly target: TargetIr;
}

/** A copy for one message in `every`, besides where the message goes; never holds it up. */
export interface TapIr {
  readonly action: ActionIr;
  readonly every: number;
}

/** A rule remembers the message: `key` finds it again later, `saved` is what is kept of it. */
export interface OpenIr {
  readonly correlation: number;
  /** Field indices, as many as the correlation's `key`. */
  readonly key: readonly number[];
  /** Field indices, as many as the correlation's `saved`. */
  readonly saved: readonly number[];
}

export interface RuleIr {
  readonly name: string;
  /** null: `otherwise`. */
  readonly when: ConditionIr | null;
  readonly action: ActionIr;
  readonly taps?: readonly TapIr[];
  /** In a route of mode `all`: sent if there is room; other rules do not wait for it. */
  readonly bestEffort?: boolean;
  /** 0, the default, is the most important, 7 the first to be shed. */
  readonly priority?: number;
  readonly open?: OpenIr;
  /** Forgets what the route's lookup found. */
  readonly closes?: boolean;
  readonly position: SourcePosition;
}

/** A field whose ranges of values `decide` tells apart. */
export interface DimensionIr {
  readonly field: number;
  /** Ascending values at which a new class starts; class 0 is what lies below the first. */
  readonly starts: readonly bigint[];
}

/** A decision for every combination of classes, the last dimension counting fastest. */
export interface DecisionTableIr {
  readonly dimensions: readonly DimensionIr[];
  /** Rule indices; -1: no rule. */
  readonly cells: readonly number[];
}

/** Finds what a rule of another route has remembered; nothing found: reject NOT_CORRELATED. */
export interface LookupIr {
  readonly correlation: number;
  /** By the id that `correlationId` wrote, one u64 field, or by the key's fields. */
  readonly by: 'id' | 'key';
  readonly fields: readonly number[];
}

/** A value that a correlation keeps, or by which it finds. */
export interface SavedIr {
  readonly name: string;
  readonly type: IntegerType | 'bytes';
  readonly bytes: number;
  /** Of `bytes` that are text, as of a field. */
  readonly pad?: 'zero' | 'space';
  /** The greatest value, where that is less than the type's. */
  readonly max?: bigint;
  /** What its values stand for, where that is more than numbers; equal texts mean the same. */
  readonly meaning?: string;
}

/** Messages that wait for what belongs to them: the one table that a router writes. */
export interface CorrelationIr {
  readonly name: string;
  readonly capacity: number;
  /** After this time an entry is forgotten, and counts as a failure of its destination. */
  readonly timeoutMs: number;
  /** What happens when it is full: the oldest entry goes, or the message is rejected. */
  readonly full: 'evict-oldest' | 'reject';
  readonly key: readonly SavedIr[];
  readonly saved: readonly SavedIr[];
  readonly position: SourcePosition;
}

/**
 * Rules for one message type. `first`: the first rule whose condition holds decides. `unique`: the
 * same, of rules that never hold together. `all`: each rule that holds sends the message; all of
 * them, or, unless a rule says `bestEffort`, none. No rule: reject NO_ROUTE.
 */
export interface RouteIr {
  readonly name: string;
  /** Default 'first'. */
  readonly mode?: 'first' | 'unique' | 'all';
  /** Decides instead of the rules' conditions, which are null then. */
  readonly table?: DecisionTableIr;
  readonly lookup?: LookupIr;
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
  readonly correlations?: readonly CorrelationIr[];
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
