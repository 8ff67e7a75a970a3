// Messages for a random configuration: valid ones with values on and beside every boundary of
// the conditions, and ones that are cut, grown, mistyped or plain noise.
import type { FieldIr, SchemaIr } from '../../lib/compiler/ir.js';
import type { RandomRouter } from './random-router.js';
import { range } from './random-schema.js';
import type { RandomValues } from './random-values.js';

export interface RandomMessage {
  readonly source: number;
  readonly message: Uint8Array;
}

export function randomMessage(
  random: RandomValues,
  { ir, boundaries }: RandomRouter,
): RandomMessage {
  const source = random.below(ir.endpoints.length);
  const members = ir.families[ir.endpoints[source]?.family ?? 0]?.members ?? [];
  if (members.length === 0) return { source, message: random.bytes(random.below(40)) };
  const schemaIndex = random.pick(members);
  const schema = ir.schemas[schemaIndex];
  if (schema === undefined) throw new RangeError('a family names a schema that does not exist');
  const message = validMessage(random, schema, boundaries[schemaIndex] ?? []);
  return { source, message: random.chance(8) ? spoil(random, schema, message) : message };
}

/** One message for each boundary of each field, on it and one off, other fields at random. */
export function* boundaryMessages(
  random: RandomValues,
  { ir, boundaries }: RandomRouter,
): Generator<RandomMessage> {
  for (const [source, endpoint] of ir.endpoints.entries()) {
    for (const member of ir.families[endpoint.family]?.members ?? []) {
      const schema = ir.schemas[member];
      if (schema === undefined) continue;
      for (const [index, field] of schema.fields.entries()) {
        for (const value of new Set(boundaries[member]?.[index])) {
          for (const near of [value - 1n, value, value + 1n]) {
            if (isHeader(schema, index)) continue;
            const message = validMessage(random, schema, boundaries[member] ?? []);
            writeInteger(message, field, near);
            yield { source, message };
          }
        }
      }
    }
  }
}

function validMessage(
  random: RandomValues,
  schema: SchemaIr,
  boundaries: readonly (readonly bigint[])[],
): Uint8Array {
  const message = random.bytes(schema.bytes);
  for (const [index, field] of schema.fields.entries()) {
    const near = boundaries[index] ?? [];
    if (field.type === 'bytes') {
      if (near.length > 0 && random.chance(80)) writeInteger(message, field, random.pick(near));
      continue;
    }
    if (index === schema.sizeField) writeInteger(message, field, BigInt(schema.bytes));
    else if (index === schema.typeField) writeInteger(message, field, schema.templateId);
    else if (near.length > 0 && random.chance(50)) {
      writeInteger(message, field, random.pick(near) + BigInt(random.between(-1, 1)));
    } else if (random.chance(60)) writeInteger(message, field, BigInt(random.below(110)));
    else if (random.chance(30)) writeInteger(message, field, random.pick(range(field)));
  }
  return message;
}

function spoil(random: RandomValues, schema: SchemaIr, message: Uint8Array): Uint8Array {
  const kind = random.below(4);
  if (kind === 0) return message.slice(0, random.below(message.length));
  if (kind === 1) return Uint8Array.from([...message, ...random.bytes(random.between(1, 9))]);
  const header = kind === 2 ? schema.typeField : schema.sizeField;
  const field = header === null ? undefined : schema.fields[header];
  if (field === undefined) return random.bytes(message.length);
  writeInteger(message, field, random.u64());
  return message;
}

function isHeader(schema: SchemaIr, index: number): boolean {
  return index === schema.sizeField || index === schema.typeField;
}

/**
 * Writes the low bytes of a value: one beside the range wraps to its other end. Text counts as an
 * integer in big-endian order.
 */
function writeInteger(message: Uint8Array, field: FieldIr, value: bigint): void {
  let rest = BigInt.asUintN(field.bytes * 8, value);
  for (let index = 0; index < field.bytes; index += 1) {
    const isReversed = field.order === 'be' || field.type === 'bytes';
    const at = isReversed ? field.bytes - 1 - index : index;
    message[field.offset + at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
