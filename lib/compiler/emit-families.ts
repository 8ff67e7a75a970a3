// How the engine recognises messages: the families of endpoints, the sizes of their members, and
// which route serves each member on each endpoint.
import { optionError } from '../errors.js';
import { onlyReceives } from './check-frames.js';
import { fieldKind, isInteger, keyOf } from './emit-fields.js';
import { familyKinds, messageBytesMax, noIndex, noRecord } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import type { Views } from './emit-views.js';
import type { FamilyIr, FieldIr, RouterIr, SchemaIr } from './ir.js';
import { viewBytesMax } from './limits.js';

/** Appends every family with its members. */
export function emitFamilies(builder: ImageBuilder, ir: RouterIr, views: Views): void {
  for (const family of ir.families) emitFamily(builder, ir, family, views);
}

function emitFamily(builder: ImageBuilder, ir: RouterIr, family: FamilyIr, views: Views): void {
  const { families, members } = builder.sections;
  const firstMember = members.count;
  const schemas = family.members.map((index) => schemaOf(ir, index));
  for (const [slot, schema] of schemas.entries()) {
    const index = family.members[slot] ?? noIndex;
    emitMember(builder, index, schema, views[index] ?? noRecord);
  }
  const field = family.discriminator;
  if (field === null) {
    const kind = schemas.length === 0 ? familyKinds.raw : familyKinds.single;
    families.u8(kind, 0).u16(0).u32(0).u16(1).u8(0, 0).u32(firstMember, 0, 0);
    return;
  }
  const load = isInteger(field) ? fieldKind(field) : 0;
  const { kind, keys, steps, slots } = emitDiscriminator(builder, family, field, schemas);
  families
    .u8(familyKinds[kind], load)
    .u16(field.offset)
    .u32(field.offset + field.bytes)
    .u16(schemas.length)
    .u8(steps, 0)
    .u32(firstMember, keys, slots);
}

function emitDiscriminator(
  builder: ImageBuilder,
  family: FamilyIr,
  field: FieldIr,
  schemas: readonly SchemaIr[],
): { kind: 'direct' | 'search'; keys: number; steps: number; slots: number } {
  if (!isInteger(field)) {
    throw optionError('ERR_SCHEMA', family.name, 'an integer discriminator', field.name);
  }
  const byKey = schemas
    .map((schema, slot) => ({ key: keyOf(field, schema.templateId), slot }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const slots = builder.sections.slots.count;
  if (byKey.every(({ key }) => key < 256n)) {
    const table = new Uint16Array(256).fill(noIndex);
    for (const { key, slot } of byKey) table[Number(key)] = slot;
    builder.sections.slots.u16(...table);
    return { kind: 'direct', keys: 0, steps: 0, slots };
  }
  builder.sections.slots.u16(...byKey.map(({ slot }) => slot));
  const { first, steps } = builder.searchKeys(byKey.map(({ key }) => key));
  return { kind: 'search', keys: first, steps, slots };
}

function emitMember(builder: ImageBuilder, index: number, schema: SchemaIr, view: number): void {
  const size = schema.sizeField === null ? undefined : schema.fields[schema.sizeField];
  const hasSize = size !== undefined && isInteger(size);
  builder.sections.members
    .u16(index)
    .u8(hasSize ? 1 : 0, hasSize ? fieldKind(size) : 0)
    .u16(hasSize ? size.offset : 0, 0)
    .u32(schema.bytes, view);
}

/** Appends every endpoint with the route of each member of its family. */
export function emitEndpoints(builder: ImageBuilder, ir: RouterIr): void {
  const { endpoints, endpointRoutes } = builder.sections;
  for (const [index, endpoint] of ir.endpoints.entries()) {
    const members = ir.families[endpoint.family]?.members ?? [];
    const served = members.length === 0 ? [null] : members;
    endpoints.u16(endpoint.family, 0).u32(endpointRoutes.count);
    for (const schema of served) {
      const route = ir.routes.findIndex(
        (candidate) => candidate.schema === schema && candidate.sources.includes(index),
      );
      endpointRoutes.u16(route === -1 ? noIndex : route);
    }
  }
}

/** The endpoints that carry a schema: what a return address for it may name. */
export function emitCarriers(builder: ImageBuilder, ir: RouterIr, schema: number): number {
  const endpoints = ir.endpoints.flatMap((endpoint, index) => {
    if (onlyReceives(endpoint)) return [];
    const members = ir.families[endpoint.family]?.members ?? [];
    return members.length === 0 || members.includes(schema) ? [index] : [];
  });
  return builder.carriers(schema, schemaOf(ir, schema).bytes, endpoints);
}

/** The schema of that index, within the bounds of the image's format. */
export function schemaOf(ir: RouterIr, index: number): SchemaIr {
  const schema = ir.schemas[index];
  if (schema === undefined) {
    throw optionError('ERR_ROUTE', 'schemas', `fewer than ${ir.schemas.length} schemas`, index);
  }
  const most = schema.view === undefined ? messageBytesMax : viewBytesMax;
  if (schema.bytes < 1 || schema.bytes > most) {
    const expected = `1 to ${most} bytes`;
    throw optionError('ERR_SCHEMA', schema.name, expected, schema.bytes, schema.position);
  }
  return schema;
}
