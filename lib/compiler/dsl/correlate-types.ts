// The types of correlations. They exist for the type checker; what they refuse is refused again by
// the builders and by `check`.
import type {
  AsciiModel,
  BoolModel,
  BytesModel,
  EnumModel,
  FlagsModel,
  FloatModel,
} from '../../schema/model.js';
import type { Duration } from '../../schema/options.js';
import type { FieldSpec, TypeSpec } from '../../schema/spec.js';
import type {
  Destination,
  IntegerModels,
  OpaqueRef,
  RefOfType,
  SymbolsOf,
  SymbolValue,
  Value,
} from './types.js';

declare const lookupBrand: unique symbol;
declare const keyBrand: unique symbol;

/** Types of fields by which a correlation can find. */
export type KeyType = IntegerModels | EnumModel | BoolModel | AsciiModel | BytesModel;
/** Types of fields that a correlation can keep. */
export type KeptType = KeyType | FloatModel | FlagsModel;

/** Fields by name, as `t` writes them. */
export type KeptFields = Readonly<Record<string, FieldSpec<KeptType>>>;
export type KeyFields = Readonly<Record<string, FieldSpec<KeyType>>>;

type RefOfKept<Type> = Type extends IntegerModels
  ? Value<Type['base']>
  : Type extends EnumModel
    ? SymbolValue<SymbolsOf<Type>>
    : Type extends BoolModel
      ? SymbolValue<'false' | 'true'>
      : OpaqueRef<Type extends TypeSpec ? Type : never>;

type Convertible = 'to' | 'rescale' | 'tabulate' | 'map' | 'fit';

/** A field that is kept, in a transform: it converts like one of the message in hand. */
export type KeptValue<Spec> =
  Spec extends FieldSpec<infer Type>
    ? RefOfKept<Type> & Pick<RefOfType<Type>, keyof RefOfType<Type> & Convertible>
    : never;

/** The fields of a message that can stand for one of a correlation. */
export type KeptRef<Spec> = Spec extends FieldSpec<infer Type> ? RefOfKept<Type> : never;

/** The fields of a message that can stand for those of a key, in the order of the key. */
export type KeyRefs<K extends KeyFields> = readonly KeptRef<K[keyof K]>[];

/** What a route looks up before its rules are asked; made by `byId` and `byKey`. */
export interface Lookup {
  readonly [lookupBrand]: true;
}

/** Messages that wait for what belongs to them, found again by an id or by a key. */
export interface Correlation<K extends KeyFields = KeyFields, S extends KeptFields = KeptFields> {
  readonly name: string;
  /** Exists for the type checker only. */
  readonly [keyBrand]?: K;
  /** In a transform of a rule that opens an entry, for a u64 field: the entry's id. */
  id(): Value<'correlation-id'>;
  /** In the transforms of a route with a lookup, for a u64 field: the id of the entry found. */
  foundId(): Value<'found-id'>;
  /**
   * In the transforms of a route with a lookup: what is kept of the message found. It is written
   * and converted like a field of the message in hand; no condition can ask for it.
   */
  readonly saved: { readonly [Name in keyof S]: KeptValue<S[Name]> };
  /**
   * The connection or datagram sender that the message came from which was found. One that has
   * gone rejects with STALE_RETURN_ADDRESS.
   */
  source(): Destination<string>;
  /** The endpoint that the message went to which was found. */
  destination(): Destination<string>;
  /** For `lookup`: by the id that `id()` wrote, in a u64 field that every message has. */
  byId(id: Value<'u64'>): Lookup;
  /** For `lookup`: by the key with which an entry was opened, the newest one that was. */
  byKey(...key: KeyRefs<K>): Lookup;
}

/** What a rule remembers of a message. */
export type Opening<K extends KeyFields, S extends KeptFields> = OpeningKey<K> & OpeningSave<S>;

/** Nothing where the correlation has no key. */
type OpeningKey<K extends KeyFields> = keyof K extends never
  ? { readonly key?: KeyRefs<K> }
  : {
      /** As many fields as the correlation's key has, of the same types and in the same order. */
      readonly key: KeyRefs<K>;
    };

/** Nothing where the correlation keeps nothing. */
type OpeningSave<S extends KeptFields> = keyof S extends never
  ? { readonly save?: Readonly<Record<never, never>> }
  : {
      /** A field for each that the correlation keeps. */
      readonly save: { readonly [Name in keyof S]: KeptRef<S[Name]> };
    };

/** Options of `correlate`. */
export interface CorrelateOptions<K extends KeyFields, S extends KeptFields> {
  /** Messages that can wait at a time; memory for all of them is taken when the router starts. */
  readonly capacity: number;
  /** How long a message waits before it is forgotten; default '30s'. */
  readonly timeout?: Duration;
  /**
   * What happens when `capacity` messages wait. `reject`, the default: the next one is rejected
   * with CORRELATION_FULL. `evict-oldest`: the oldest one is forgotten.
   */
  readonly full?: 'reject' | 'evict-oldest';
  /** What `byKey` finds by: integers, enumerations, booleans, text and bytes of a fixed size. */
  readonly key?: K;
  /** What is kept of a message: integers, text and bytes of a fixed size. */
  readonly saved?: S;
}
