// Checks of schemas and families: fields inside their messages, headers at one place.
import { messageBytesMax } from '../schema/layout.js';
import { integerFacts, isIntegerType } from '../schema/model.js';
import type { Findings } from './findings.js';
import type { FamilyIr, FieldIr, RouterIr, SchemaIr } from './ir.js';
import { schemaCountMax } from './limits.js';

export function checkSchemas(ir: RouterIr, findings: Findings): void {
  const { schemas, families } = ir;
  const expected = `at most ${schemaCountMax} schemas`;
  const isBounded = schemas.length <= schemaCountMax;
  findings.need(isBounded, 'ERR_SCHEMA', 'schemas', expected, schemas.length);
  findings.unique(schemas, 'schemas', 'ERR_SCHEMA');
  for (const [index, schema] of schemas.entries())
    checkSchema(schema, `schemas[${index}]`, findings);
  const isRawFirst = families[0]?.members.length === 0;
  findings.need(isRawFirst, 'ERR_SCHEMA', 'families[0]', 'the raw family', families[0]?.name);
  for (const [index, family] of families.entries()) {
    if (index > 0) checkFamily(ir, family, `families[${index}]`, findings);
  }
}

function checkSchema(schema: SchemaIr, path: string, findings: Findings): void {
  const { name, bytes, fields, position } = schema;
  const isSized = Number.isInteger(bytes) && bytes >= 1 && bytes <= messageBytesMax;
  const expected = `1 to ${messageBytesMax} bytes`;
  findings.need(isSized, 'ERR_SCHEMA', `${path}.bytes`, expected, bytes, position);
  let free = 0;
  for (const [index, field] of fields.entries()) {
    const option = `${path}.fields[${index}]`;
    const given = `${field.name} (${field.type}, ${field.bytes} bytes at ${field.offset})`;
    const isSound = isFieldSound(field);
    findings.need(
      isSound,
      'ERR_SCHEMA',
      option,
      'a field of a known type and size',
      given,
      position,
    );
    const isPlaced = Number.isInteger(field.offset) && field.offset >= free;
    const isInside = field.offset + field.bytes <= bytes;
    const place = `a place after the field before it and within the ${bytes} bytes of ${name}`;
    findings.need(isPlaced && isInside, 'ERR_SCHEMA', option, place, given, position);
    free = field.offset + field.bytes;
  }
  checkHeaderField(schema, schema.typeField, schema.templateId, `${path}.typeField`, findings);
  const size = isSized ? BigInt(bytes) : 0n;
  checkHeaderField(schema, schema.sizeField, size, `${path}.sizeField`, findings);
}

function isFieldSound({ type, bytes, order, symbols }: FieldIr): boolean {
  if (order !== 'le' && order !== 'be') return false;
  if (type === 'bytes') return Number.isInteger(bytes) && bytes >= 1 && symbols === null;
  if (!isIntegerType(type) || integerFacts[type].bytes !== bytes) return false;
  const { low, high } = integerFacts[type];
  return Object.values(symbols ?? {}).every((value) => value >= low && value <= high);
}

function checkHeaderField(
  schema: SchemaIr,
  index: number | null,
  value: bigint,
  option: string,
  findings: Findings,
): void {
  if (index === null) return;
  const { fields, name, position } = schema;
  if (!findings.index(index, fields.length, option, `fields of ${name}`, position)) return;
  const { type, symbols } = fields[index] as FieldIr;
  const isFit =
    isIntegerType(type) &&
    symbols === null &&
    value >= integerFacts[type].low &&
    value <= integerFacts[type].high;
  findings.need(
    isFit,
    'ERR_SCHEMA',
    option,
    `an integer field that can hold ${value}`,
    type,
    position,
  );
}

function checkFamily(ir: RouterIr, family: FamilyIr, path: string, findings: Findings): void {
  const { members, discriminator, size, name } = family;
  findings.need(members.length >= 1, 'ERR_SCHEMA', path, 'at least one member', name);
  const isTold = discriminator !== null || members.length <= 1;
  findings.need(isTold, 'ERR_SCHEMA', path, 'a discriminator for several members', name);
  const ids = new Set<bigint>();
  for (const [index, member] of members.entries()) {
    const option = `${path}.members[${index}]`;
    if (!findings.index(member, ir.schemas.length, option, 'schemas')) continue;
    const schema = ir.schemas[member] as SchemaIr;
    const isOwn = !ids.has(schema.templateId);
    const { position } = schema;
    const expected = 'a template id of its own';
    findings.need(isOwn, 'ERR_SCHEMA', option, expected, schema.templateId, position);
    ids.add(schema.templateId);
    const isPlaced =
      isAt(schema, schema.typeField, discriminator) && isAt(schema, schema.sizeField, size);
    const text = `the header fields of ${name} at their places`;
    findings.need(isPlaced, 'ERR_SCHEMA', option, text, schema.name, position);
  }
}

function isAt(schema: SchemaIr, index: number | null, field: FieldIr | null): boolean {
  const own = index === null ? undefined : schema.fields[index];
  if (own === undefined || field === null) return own === undefined && field === null;
  const { offset, bytes, type, order } = field;
  return own.offset === offset && own.bytes === bytes && own.type === type && own.order === order;
}
