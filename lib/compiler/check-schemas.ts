// Checks of schemas and families: fields inside their messages, headers at one place.
import { messageBytesMax } from '../schema/layout.js';
import { integerFacts, isIntegerType } from '../schema/model.js';
import { checkView, isLimit } from './check-views.js';
import type { Findings } from './findings.js';
import type { FamilyIr, FieldIr, RouterIr, SchemaIr, SourcePosition } from './ir.js';
import { schemaCountMax, viewBytesMax } from './limits.js';
import { isSlot } from './view.js';

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
  const { name, bytes, fields, position, view } = schema;
  // Offsets of fields are 16 bits wide wherever the router keeps them.
  const most = view === undefined ? messageBytesMax : viewBytesMax;
  const isSized = Number.isInteger(bytes) && bytes >= 1 && bytes <= most;
  const expected = `1 to ${most} bytes`;
  findings.need(isSized, 'ERR_SCHEMA', `${path}.bytes`, expected, bytes, position);
  checkFields(fields, bytes, `${path}.fields`, name, position, findings);
  checkInitial(schema, `${path}.initial`, findings);
  checkView(schema, path, findings);
  checkHeaderField(schema, schema.typeField, schema.templateId, `${path}.typeField`, findings);
  const isOpen = view !== undefined && view.kind === 'foreign';
  const size = isOpen ? BigInt(view.bytesMax) : isSized ? BigInt(bytes) : 0n;
  checkHeaderField(schema, schema.sizeField, size, `${path}.sizeField`, findings);
}

/** The bytes that stand for what is not set are those of a whole fixed part. */
function checkInitial(
  { bytes, view, initial, position }: SchemaIr,
  path: string,
  findings: Findings,
): void {
  const isNeeded = view?.kind === 'native';
  if (initial === undefined && !isNeeded) return;
  const fixedBytes = view?.kind === 'foreign' ? view.fixedBytes : bytes;
  const expected = `${fixedBytes} bytes in hexadecimal`;
  findings.need(isHexOf(initial, fixedBytes), 'ERR_SCHEMA', path, expected, initial, position);
}

function isHexOf(text: unknown, bytes: number): boolean {
  return typeof text === 'string' && text.length === 2 * bytes && /^[0-9a-f]*$/.test(text);
}

/** Every field lies within its block and none on another; bits may share their byte. */
function checkFields(
  fields: readonly FieldIr[],
  bytes: number,
  path: string,
  owner: string,
  position: SourcePosition,
  findings: Findings,
): void {
  const placed = fields.filter(({ type }) => type !== 'bit' && type !== 'rest');
  const inOrder = [...placed].sort((a, b) => a.offset - b.offset);
  for (const field of fields) {
    const option = `${path}[${fields.indexOf(field)}]`;
    const given = `${field.name} (${field.type}, ${field.bytes} bytes at ${field.offset})`;
    const sound = 'a field of a known type and size';
    findings.need(isFieldSound(field, fields), 'ERR_SCHEMA', option, sound, given, position);
    const before = inOrder[inOrder.indexOf(field) - 1];
    const free = before === undefined ? 0 : before.offset + before.bytes;
    const isPlaced =
      Number.isInteger(field.offset) && field.offset >= (placed.includes(field) ? free : 0);
    const isInside = field.type === 'rest' || field.offset + field.bytes <= bytes;
    const place = `a place of its own within the ${bytes} bytes of ${owner}`;
    findings.need(isPlaced && isInside, 'ERR_SCHEMA', option, place, given, position);
    if (field.entry === undefined) continue;
    const { bytes: entryBytes, initial } = field.entry;
    const whole = `${entryBytes} bytes in hexadecimal`;
    const isWhole = isHexOf(initial, entryBytes);
    findings.need(isWhole, 'ERR_SCHEMA', `${option}.entry.initial`, whole, initial, position);
    const inner = `${owner}.${field.name}[]`;
    checkFields(
      field.entry.fields,
      field.entry.bytes,
      `${option}.entry`,
      inner,
      position,
      findings,
    );
  }
}

function isFieldSound(field: FieldIr, fields: readonly FieldIr[]): boolean {
  const { type, bytes, order, symbols, presence } = field;
  if (order !== 'le' && order !== 'be') return false;
  if (presence !== undefined && fields[presence]?.type !== 'bit') return false;
  if (type === 'bit') {
    const isBit = [0, 1, 2, 3, 4, 5, 6, 7].includes(field.bit ?? -1);
    return bytes === 1 && isBit && symbols === null;
  }
  if (type === 'rest') return bytes === 0 && symbols === null;
  if (isSlot(type)) {
    const isGroup = (type === 'group') === (field.entry !== undefined);
    return bytes === 8 && isLimit(field.limit) && symbols === null && isGroup;
  }
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

/** Where native messages say which they are. */
const templateIdField = { offset: 0, bytes: 2, type: 'u16', order: 'le' } as const;

function isAt(schema: SchemaIr, index: number | null, field: FieldIr | null): boolean {
  // The header of native messages is no field of theirs.
  if (schema.view?.kind === 'native') {
    const { offset, bytes, type, order } = field ?? templateIdField;
    return offset === 0 && bytes === 2 && type === 'u16' && order === 'le';
  }
  const own = index === null ? undefined : schema.fields[index];
  if (own === undefined || field === null) return own === undefined && field === null;
  const { offset, bytes, type, order } = field;
  return own.offset === offset && own.bytes === bytes && own.type === type && own.order === order;
}
