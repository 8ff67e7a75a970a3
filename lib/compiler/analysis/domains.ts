// Which values the fields of a message type can hold: what every question about conditions starts
// from.
import { fieldRange, isInteger } from '../emit-fields.js';
import { intersect } from '../intervals.js';
import type { FieldIr, IntervalsIr, SchemaIr } from '../ir.js';
import { countedField } from './texts.js';

/** The fields of one message type, and the values that each of them can hold. */
export class Domains {
  readonly schema: SchemaIr;
  readonly #known = new Map<number, IntervalsIr>();

  constructor(schema: SchemaIr) {
    this.schema = schema;
  }

  field(index: number): FieldIr {
    const field = this.schema.fields[index];
    if (field !== undefined) return field;
    throw new RangeError(`${this.schema.name} has no field ${index}`);
  }

  /** Every value that the integer field, or the count, holds in some message. */
  of(index: number): IntervalsIr {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    const made = this.#make(index);
    this.#known.set(index, made);
    return made;
  }

  #make(index: number): IntervalsIr {
    const { schema } = this;
    const counted = countedField(index);
    if (counted !== null) return [[0n, BigInt(this.field(counted).limit ?? 0)]];
    const field = this.field(index);
    if (!isInteger(field)) throw new TypeError(`${schema.name}.${field.name} is no integer`);
    const range = fieldRange(field);
    // Every message that gets as far as a rule has the type's own id, and tells its size.
    if (index === schema.typeField)
      return intersect([range], [[schema.templateId, schema.templateId]]);
    if (index === schema.sizeField) return intersect([range], [sizesOf(schema)]);
    if (field.container === undefined) return [range];
    return [[0n, (1n << BigInt(field.container.bits)) - 1n]];
  }
}

function sizesOf({ bytes, view }: SchemaIr): readonly [bigint, bigint] {
  if (view?.kind !== 'foreign') return [BigInt(bytes), BigInt(bytes)];
  return [BigInt(view.fixedBytes), BigInt(view.bytesMax)];
}
