// Finds the message types that a module exports, as plain data that can leave the worker thread.
import type { Json } from '../schema/canonical.js';
import { type AnySchema, isSchema } from '../schema/schema.js';
import { isUnion } from '../schema/union.js';

/** A message type that a module exports. */
export interface ExportedSchema {
  /** The name of the export; a union's with its member: `Orders.NewOrder`. */
  readonly exportName: string;
  /** As `schemaFromJson` reads it. */
  readonly json: Json;
}

export interface ExportedUnion {
  readonly exportName: string;
  readonly name: string;
  readonly members: readonly string[];
}

export interface ExportedSchemas {
  /** Each schema once, in the order of the exports. */
  readonly schemas: readonly ExportedSchema[];
  readonly unions: readonly ExportedUnion[];
}

/** Schemas, unions and arrays of schemas among the exports of a module. */
export function exportedSchemas(module: Readonly<Record<string, unknown>>): ExportedSchemas {
  const names = new Map<AnySchema, string>();
  const unions: ExportedUnion[] = [];
  const add = (schema: unknown, name: string): void => {
    if (isSchema(schema) && !names.has(schema)) names.set(schema, name);
  };
  const exports = Object.entries(module);
  // What is exported by itself keeps that name, wherever else it occurs.
  for (const [name, value] of exports) add(value, name);
  for (const [exportName, value] of exports) {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) add(item, `${exportName}[${index}]`);
    }
    if (!isUnion(value)) continue;
    for (const member of value.members) add(member, `${exportName}.${member.name}`);
    const members = value.members.map(({ name }) => name);
    unions.push({ exportName, name: value.name, members });
  }
  const schemas = [...names].map(([schema, exportName]) => ({ exportName, json: schema.toJSON() }));
  return { schemas, unions };
}
