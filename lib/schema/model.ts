// What a schema is once everything is decided: plain, frozen data with every field at its place.
// The codecs, the compiler, the native layout and the canonical JSON are made from this.

export type UnsignedType = 'u8' | 'u16' | 'u32' | 'u64';
export type SignedType = 'i8' | 'i16' | 'i32' | 'i64';
/** Integers with a machine type of their own. */
export type ScalarType = UnsignedType | SignedType;
/** Unsigned integers of foreign layouts only. */
export type OddType = 'u24' | 'u40' | 'u48';
export type IntegerType = ScalarType | OddType;
export type FloatType = 'f32' | 'f64';
export type ByteOrder = 'le' | 'be';

/** What happens when a number arrives that an enumeration does not name. */
export type UnknownSymbol =
  | { readonly policy: 'reject' }
  /** It decodes as the number itself. */
  | { readonly policy: 'raw' }
  /** It decodes as this symbol. */
  | { readonly policy: 'default'; readonly symbol: string };

/** An integer. `safe`: a u64 held as a JavaScript number, at most 2^53 - 1 (`t.u53`). */
export interface IntegerModel {
  readonly kind: 'integer';
  readonly base: IntegerType;
  readonly safe: boolean;
}

export interface FloatModel {
  readonly kind: 'float';
  readonly base: FloatType;
}

/** One byte: 0 is false, 1 is true, anything else does not decode. */
export interface BoolModel {
  readonly kind: 'bool';
  readonly base: 'u8';
}

/** Named bits of an integer; decoding ignores bits without a name. */
export interface FlagsModel {
  readonly kind: 'flags';
  readonly base: UnsignedType;
  /** Bit numbers by name, 0 is the lowest. */
  readonly flags: Readonly<Record<string, number>>;
}

export interface EnumModel<Symbols extends string = string> {
  readonly kind: 'enum';
  readonly base: ScalarType;
  /** Values by symbol. */
  readonly symbols: Readonly<Record<Symbols, bigint>>;
  readonly unknown: UnknownSymbol;
}

/** A number of units of 10^-scale; in JavaScript the count of units. */
export interface DecimalModel {
  readonly kind: 'decimal';
  readonly base: ScalarType;
  readonly scale: number;
}

/** Nanoseconds since 1970-01-01T00:00:00Z, a u64. */
export interface TimestampModel {
  readonly kind: 'timestamp';
  readonly base: 'u64';
}

/** Up to `bytes` ASCII characters, padded at the end. */
export interface AsciiModel {
  readonly kind: 'ascii';
  readonly bytes: number;
  /** `space` in foreign layouts only. */
  readonly pad: 'zero' | 'space';
}

export interface BytesModel {
  readonly kind: 'bytes';
  readonly bytes: number;
}

/** A fixed number of elements, one behind the other. */
export interface ArrayModel {
  readonly kind: 'array';
  readonly element: ElementModel;
  readonly count: number;
}

/** An unsigned integer of `bits` bits (at most 32) inside its container; foreign layouts only. */
export interface BitsModel {
  readonly kind: 'bits';
  readonly bits: number;
  /** Bytes of the container, which lies at the field's offset: 1, 2, 4 or 8. */
  readonly containerBytes: number;
  /** Bits of the container, as one integer in the layout's byte order, below this field. */
  readonly shift: number;
}

/** UTF-8 text of up to `bytesMax` bytes. */
export interface StringModel {
  readonly kind: 'string';
  readonly bytesMax: number;
}

/** Up to `bytesMax` bytes. */
export interface BlobModel {
  readonly kind: 'blob';
  readonly bytesMax: number;
}

/** Up to `countMax` entries with fields of their own. */
export interface GroupModel {
  readonly kind: 'group';
  readonly countMax: number;
  readonly block: BlockModel;
}

/** The bytes from here to the end of the message; the last field of a foreign layout only. */
export interface RestModel {
  readonly kind: 'rest';
}

/** What an array can consist of. */
export type ElementModel =
  | IntegerModel
  | FloatModel
  | BoolModel
  | FlagsModel
  | EnumModel
  | DecimalModel
  | TimestampModel
  | AsciiModel
  | BytesModel;
/** Values with a fixed size. */
export type FixedModel = ElementModel | ArrayModel | BitsModel;
/** Values behind a slot {u32 offset, u32 bytes or count}, of native layouts. */
export type SlotModel = StringModel | BlobModel | GroupModel;
export type TypeModel = FixedModel | SlotModel | RestModel;

/** Whether the values of a type lie behind a slot; also of types that have no place yet. */
export function isSlotType<Type extends { readonly kind: string }>(
  type: Type,
): type is Extract<Type, { readonly kind: 'string' | 'blob' | 'group' }> {
  return type.kind === 'string' || type.kind === 'blob' || type.kind === 'group';
}

/** The JavaScript value of a field, as `decode` gives it. */
export type FieldValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | undefined
  | readonly FieldValue[]
  | { readonly [name: string]: FieldValue };

/** Where the bit lies that says whether an optional field is there: in a u32 of the block. */
export interface PresenceModel {
  /** From the start of the block, a multiple of 4. */
  readonly offset: number;
  readonly bit: number;
}

/** A field of foreign layouts whose place depends on an earlier one: value × scale + plus. */
export interface DynamicBase {
  /** Index of the other field in its block; an unsigned integer or bits field. */
  readonly field: number;
  readonly scale: number;
  /** Bytes from the start of the message that are added. */
  readonly plus: number;
}

/** A field at its place in a message or in an entry of a group. */
export interface FieldModel {
  readonly name: string;
  /** What tells the field across versions; 1 and up, unique in its block. */
  readonly id: number;
  /** Whether the id was written down (`t.u32.id(3)`) or follows from the position. */
  readonly explicitId: boolean;
  /** The version that added it; 1 in foreign layouts. */
  readonly since: number;
  readonly type: TypeModel;
  readonly order: ByteOrder;
  /**
   * From the start of the block: in native layouts from the end of the message's header, or from
   * the start of the entry; in foreign ones from the start of the message, or, with `base`, from
   * the place that this gives.
   */
  readonly offset: number;
  /** Bytes in the block: the value's, or the slot's (8), or the container's of a bits field. */
  readonly bytes: number;
  readonly presence: PresenceModel | null;
  /** What older messages have and `encode` writes when the value is missing; null: required. */
  readonly fallback: FieldValue | null;
  /** null: at a fixed place. Fields that follow a dynamic one in its section share its base. */
  readonly base: DynamicBase | null;
  readonly doc: string | null;
}

/** The fixed part of a message, or of the entries of a group. */
export interface BlockModel {
  /** In the order of the source, without removed ones. */
  readonly fields: readonly FieldModel[];
  /** Fields that a version removed. Their places stay; a fallback is still written there. */
  readonly removed: readonly FieldModel[];
  /**
   * Bytes of the block in each version, oldest first: entry v - 1 for version v. 0: the group did
   * not exist then. One entry in foreign layouts.
   */
  readonly versionBytes: readonly number[];
}

/** Bytes of a block in the newest version, the one that is written. */
export function newestBytes({ versionBytes }: BlockModel): number {
  return versionBytes.at(-1) ?? 0;
}

/** How the fields of a message lie. */
export interface LayoutRule {
  readonly kind: 'native' | 'packed' | 'c';
  readonly order: ByteOrder;
}

/** A message type with everything decided. */
export interface SchemaModel {
  readonly name: string;
  /** At most 65,535 in native layouts. */
  readonly templateId: bigint;
  readonly layout: LayoutRule;
  /** The newest version, 1 and up: the one that is written. */
  readonly version: number;
  /** For each version, oldest first, the u16 in the header; empty in foreign layouts. */
  readonly fingerprints: readonly number[];
  readonly block: BlockModel;
  readonly doc: string | null;
}

/** Bytes of the header of native messages. */
export const nativeHeaderBytes = 8;
/** A native message's largest size, header included. */
export const nativeMessageBytesMax = 16 * 1024 * 1024;
/** A foreign message's largest size: every offset fits 16 bits with one value to spare. */
export const foreignMessageBytesMax = 65_535;
/** Groups inside groups, the outermost counted. */
export const groupDepthMax = 4;
export const schemaVersionMax = 255;

interface IntegerFacts {
  readonly bytes: 1 | 2 | 3 | 4 | 5 | 6 | 8;
  readonly low: bigint;
  readonly high: bigint;
}

function factsOf(bytes: IntegerFacts['bytes'], isSigned: boolean): IntegerFacts {
  const bits = BigInt(bytes * 8);
  if (!isSigned) return { bytes, low: 0n, high: (1n << bits) - 1n };
  return { bytes, low: -(1n << (bits - 1n)), high: (1n << (bits - 1n)) - 1n };
}

/** Size and range of every integer type. */
export const integerFacts: Readonly<Record<IntegerType, IntegerFacts>> = {
  u8: factsOf(1, false),
  u16: factsOf(2, false),
  u24: factsOf(3, false),
  u32: factsOf(4, false),
  u40: factsOf(5, false),
  u48: factsOf(6, false),
  u64: factsOf(8, false),
  i8: factsOf(1, true),
  i16: factsOf(2, true),
  i32: factsOf(4, true),
  i64: factsOf(8, true),
};

export function isScalarType(type: unknown): type is ScalarType {
  return isIntegerType(type) && type !== 'u24' && type !== 'u40' && type !== 'u48';
}

export function isIntegerType(type: unknown): type is IntegerType {
  return typeof type === 'string' && Object.hasOwn(integerFacts, type);
}

/** Whether every value of `from` is a value of `to`. */
export function widens(from: IntegerType, to: IntegerType): boolean {
  const [inner, outer] = [integerFacts[from], integerFacts[to]];
  return inner.low >= outer.low && inner.high <= outer.high;
}

/** Whether integers of this type are bigints in JavaScript; smaller ones are numbers. */
export function isBigint(type: IntegerType): boolean {
  return integerFacts[type].bytes === 8;
}
