// Fields as the router sees them: integers it can compare and compute with, and bytes it carries.
import {
  type ByteOrder,
  type FieldModel,
  type IntegerType,
  isBigint,
  nativeHeaderBytes,
  type TypeModel,
} from '../schema/model.js';
import type { AnySchema } from '../schema/schema.js';

/** What a field is to the router: an integer, or bytes that are carried as they are. */
export type FieldType = IntegerType | 'bytes';

/** A field at its place in the whole message. */
export interface PlacedField {
  readonly name: string;
  readonly type: FieldType;
  /** What the bytes mean: two fields of bytes match when this is the same. */
  readonly shape: string;
  readonly order: ByteOrder;
  /** From the start of the message. */
  readonly offset: number;
  readonly bytes: number;
  /** Values by symbol of enumerations and booleans; null for everything else. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  readonly model: FieldModel;
}

const boolSymbols = Object.freeze({ false: 0n, true: 1n });
const placed = new WeakMap<AnySchema, readonly PlacedField[]>();

/** The fields of a message in the order of its source. */
export function placedFields(schema: AnySchema): readonly PlacedField[] {
  const known = placed.get(schema);
  if (known !== undefined) return known;
  const { layout, block } = schema.model;
  const start = layout.kind === 'native' ? nativeHeaderBytes : 0;
  const fields = block.fields.map((field) => placeOf(field, start));
  placed.set(schema, fields);
  return fields;
}

function placeOf(model: FieldModel, start: number): PlacedField {
  const { name, order, offset, bytes, type } = model;
  const integer = integerOf(type);
  return {
    ...{ name, order, bytes, model },
    type: integer ?? 'bytes',
    shape: shapeOf(type),
    offset: start + offset,
    symbols: type.kind === 'bool' ? boolSymbols : type.kind === 'enum' ? type.symbols : null,
  };
}

function integerOf(type: TypeModel): IntegerType | null {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
    case 'timestamp':
    case 'enum':
    case 'bool':
      return type.base;
    default:
      return null;
  }
}

function shapeOf(type: TypeModel): string {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
    case 'timestamp':
      return isBigint(type.base) ? 'bigint' : 'number';
    case 'float':
      return type.base;
    case 'flags':
      return `flags of ${type.base}`;
    case 'ascii':
      return type.pad === 'space' ? 'ascii padded with spaces' : 'ascii';
    case 'array':
      return `array of ${shapeOf(type.element)}`;
    default:
      return type.kind;
  }
}
