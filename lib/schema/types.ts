// The vocabulary of message fields, shared by the schema builders and the compiler.

export type UnsignedType = 'u8' | 'u16' | 'u32' | 'u64';
export type SignedType = 'i8' | 'i16' | 'i32' | 'i64';
export type ScalarType = UnsignedType | SignedType;
/** What a field is on the wire: an integer, or bytes that are carried as they are. */
export type FieldType = ScalarType | 'bytes';
export type ByteOrder = 'le' | 'be';

/** How a field shows in JavaScript. */
export type FieldShape = 'number' | 'bigint' | 'enum' | 'bool' | 'bytes' | 'ascii';

/**
 * A field type as `t` builds it. `Type` is the type on the wire, `Value` what `decode` gives and
 * `encode` takes, `Shape` how conditions and transforms see it, `Bytes` its size where that is
 * not told by the type.
 */
export interface FieldSpec<
  Type extends FieldType = FieldType,
  Value = unknown,
  Shape extends FieldShape = FieldShape,
  Bytes extends number = number,
> {
  readonly type: Type;
  readonly shape: Shape;
  readonly bytes: Bytes;
  /** Symbols of an enum by name; null for everything else. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  /** Exists for the type checker only. */
  readonly value?: Value;
}

export type Fields = Readonly<Record<string, FieldSpec>>;

/** A field at its place in a message. */
export interface PlacedField {
  readonly name: string;
  readonly type: FieldType;
  readonly shape: FieldShape;
  readonly order: ByteOrder;
  readonly offset: number;
  readonly bytes: number;
  readonly symbols: Readonly<Record<string, bigint>> | null;
}

interface ScalarFacts {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly low: bigint;
  readonly high: bigint;
}

function factsOf(bytes: 1 | 2 | 4 | 8, isSigned: boolean): ScalarFacts {
  const bits = BigInt(bytes * 8);
  if (!isSigned) return { bytes, low: 0n, high: (1n << bits) - 1n };
  return { bytes, low: -(1n << (bits - 1n)), high: (1n << (bits - 1n)) - 1n };
}

/** Size and range of every integer type. */
export const scalarFacts: Readonly<Record<ScalarType, ScalarFacts>> = {
  u8: factsOf(1, false),
  u16: factsOf(2, false),
  u32: factsOf(4, false),
  u64: factsOf(8, false),
  i8: factsOf(1, true),
  i16: factsOf(2, true),
  i32: factsOf(4, true),
  i64: factsOf(8, true),
};

export function isScalarType(type: unknown): type is ScalarType {
  return typeof type === 'string' && Object.hasOwn(scalarFacts, type);
}

/** Whether every value of `from` is a value of `to`. */
export function widens(from: ScalarType, to: ScalarType): boolean {
  const [inner, outer] = [scalarFacts[from], scalarFacts[to]];
  return inner.low >= outer.low && inner.high <= outer.high;
}
