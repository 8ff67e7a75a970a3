// From message types and families of them to IR.
import type { AnySchema } from '../schema/schema.js';
import { type Raw, raw, type Union } from '../schema/union.js';
import { schemaNames } from './build-names.js';
import type { Messages } from './dsl/targets.js';
import type { FamilyIr, FieldIr, SchemaIr } from './ir.js';
import type { Numbering } from './numbering.js';
import { placedFields, placementOf } from './view.js';

/** The messages that an endpoint carries. */
export function familyIr(family: Messages, numbers: Numbering<AnySchema>): FamilyIr {
  const schemas = membersOf(family);
  const [first] = schemas;
  const name = family === raw ? 'raw' : (family as Union | AnySchema).name;
  const members = schemas.map((schema) => numbers.indexOf(schema));
  if (first === undefined) return { name, discriminator: null, size: null, members };
  return {
    name,
    discriminator: discriminatorOf(first, schemas.length),
    size: fieldNamed(first, first.header.size),
    members,
  };
}

export function membersOf(messages: Messages): readonly AnySchema[] {
  if (messages === raw) return [];
  const family = messages as Exclude<Messages, Raw>;
  return 'members' in family ? family.members : [family];
}

/** Native messages have their template id in the header; a single type is told by its layout. */
function discriminatorOf(schema: AnySchema, memberCount: number): FieldIr | null {
  if (schema.model.layout.kind !== 'native') return fieldNamed(schema, schema.header.type);
  if (memberCount < 2) return null;
  return { name: 'templateId', type: 'u16', order: 'le', offset: 0, bytes: 2, symbols: null };
}

function fieldNamed(schema: AnySchema, name: string | null): FieldIr | null {
  const field = placedFields(schema).find((candidate) => candidate.name === name);
  return field === undefined ? null : field.ir;
}

export function schemaIrs(schemas: readonly AnySchema[]): SchemaIr[] {
  const names = schemaNames(schemas);
  return schemas.map((schema) => schemaIr(schema, names.get(schema) ?? schema.name));
}

function schemaIr(schema: AnySchema, name: string): SchemaIr {
  const { templateId, header, place } = schema;
  const { bytes, fields, view, initial } = placementOf(schema);
  const indexOf = (field: string | null): number | null =>
    field === null ? null : fields.findIndex((candidate) => candidate.name === field);
  return {
    name,
    templateId,
    bytes,
    fields: fields.map(({ ir }) => ir),
    sizeField: indexOf(header.size),
    typeField: indexOf(header.type),
    ...(view === null ? {} : { view }),
    ...(initial === null ? {} : { initial: Buffer.from(initial).toString('hex') }),
    position: place,
  };
}
