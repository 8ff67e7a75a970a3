// Where the `schema` commands get schemas from: modules that export them, and files of JSON.
import { readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { ExportedUnion } from '../config/exports.js';
import { loadSchemas } from '../config/load.js';
import { type ErrorDetail, HyperRouteError, isHyperRouteError } from '../errors.js';
import { schemaFromJson } from '../schema/load.js';
import type { AnySchema } from '../schema/schema.js';

/** A schema, and what it is called in its file: the export, or the place in an array of JSON. */
export interface NamedSchema {
  readonly exportName: string;
  readonly schema: AnySchema;
}

export interface SchemaFile {
  readonly file: string;
  readonly schemas: readonly NamedSchema[];
  readonly unions: readonly ExportedUnion[];
}

const schemasMax = 65_536;

/** Reads a module or a file of JSON. Rejects with ERR_CONFIG_LOAD or ERR_SCHEMA. */
export async function readSchemas(path: string, mayBeEmpty = false): Promise<SchemaFile> {
  const file = resolve(path);
  const isJson = ['.json', '.jsonl', '.ndjson'].includes(extname(file));
  const { schemas, unions } = isJson ? readJson(file) : await readModule(file);
  if (schemas.length > 0 || mayBeEmpty) return { file, schemas, unions };
  const expected = isJson ? 'the JSON of a schema' : 'an export that is a schema or a union';
  throw loadError(file, 1, `holds no schema: expected ${expected}`);
}

/** The schemas of a file by this name: of an export, else of a schema or a union; all without. */
export function selectSchemas(file: SchemaFile, name: string | undefined): readonly NamedSchema[] {
  if (name === undefined) return file.schemas;
  const exported = file.schemas.filter(({ exportName }) => exportName === name);
  if (exported.length > 0) return exported;
  const unions = file.unions.filter((union) => [union.exportName, union.name].includes(name));
  const members = new Set([name, ...unions.flatMap((union) => union.members)]);
  const found = file.schemas.filter(({ schema }) => members.has(schema.name));
  if (found.length > 0) return found;
  const names = file.schemas.flatMap(({ exportName, schema }) => [exportName, schema.name]);
  const known = [...new Set([...names, ...file.unions.map((union) => union.name)])].join(', ');
  throw loadError(file.file, 1, `has no schema ${name}; known are ${known}`);
}

/** All versions in a file of the schemas that a name selects. */
export function selectVersions(file: SchemaFile, name: string | undefined): readonly NamedSchema[] {
  const selected = new Set(selectSchemas(file, name).map(({ schema }) => schema.name));
  return file.schemas.filter(({ schema }) => selected.has(schema.name));
}

/** The versions of every schema, by its name, oldest first. */
export function versionsByName(schemas: readonly NamedSchema[]): Map<string, AnySchema[]> {
  const byName = new Map<string, AnySchema[]>();
  for (const { schema } of schemas) {
    const versions = byName.get(schema.name) ?? [];
    byName.set(schema.name, [...versions, schema]);
  }
  // Of one version, what stands later is newer.
  for (const versions of byName.values())
    versions.sort((a, b) => a.model.version - b.model.version);
  return byName;
}

export function loadError(file: string, line: number, context: string): HyperRouteError {
  const place = { file, line, column: 1 };
  return new HyperRouteError('ERR_CONFIG_LOAD', `${file}:${line}:1: ${context}`, {
    place,
    context,
  });
}

async function readModule(path: string): Promise<SchemaFile> {
  const { file, schemas, unions } = await loadSchemas(path);
  const named = schemas.map(({ exportName, json }) => ({
    exportName,
    schema: schemaFromJson(json) as AnySchema,
  }));
  return { file, schemas: named, unions };
}

/** One value, an array of values, or a value a line. */
function readJson(file: string): SchemaFile {
  const found = parseAll(file, readText(file));
  if (found.length > schemasMax) throw loadError(file, 1, `holds more than ${schemasMax} schemas`);
  const schemas = found.map(({ value, line }, index) => {
    return { exportName: `[${index}]`, schema: schemaAt(file, line, value) };
  });
  return { file, schemas, unions: [] };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw loadError(file, 1, (error as Error).message);
  }
}

interface JsonValue {
  readonly value: unknown;
  readonly line: number;
}

function parseAll(file: string, text: string): readonly JsonValue[] {
  const whole = tryParse(text);
  if (whole.error === null) return flatten(whole.value, 1);
  const lines = text.split('\n').map((line, index) => ({ text: line.trim(), line: index + 1 }));
  const filled = lines.filter((line) => line.text !== '');
  const isOnePerLine = filled.length > 1 && filled.every((line) => /^[[{].*[\]}]$/.test(line.text));
  if (!isOnePerLine) throw loadError(file, lineOf(text, whole.error), whole.error);
  return filled.flatMap((line) => {
    const parsed = tryParse(line.text);
    if (parsed.error === null) return flatten(parsed.value, line.line);
    throw loadError(file, line.line, parsed.error);
  });
}

function flatten(value: unknown, line: number): readonly JsonValue[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((item) => ({ value: item, line }));
}

function tryParse(text: string): { readonly value: unknown; readonly error: string | null } {
  try {
    return { value: JSON.parse(text), error: null };
  } catch (error) {
    return { value: undefined, error: (error as Error).message };
  }
}

/** The line of the position that an error of JSON.parse names. */
function lineOf(text: string, error: string): number {
  const position = /position (\d+)/.exec(error)?.[1];
  return position === undefined ? 1 : text.slice(0, Number(position)).split('\n').length;
}

/** The error of a schema in JSON has no line of a program to point at, but one of the file. */
function schemaAt(file: string, line: number, value: unknown): AnySchema {
  try {
    return schemaFromJson(value) as AnySchema;
  } catch (error) {
    if (!isHyperRouteError(error, 'ERR_SCHEMA')) throw error;
    const { option, expected, received } = error.detail;
    const place = { file, line, column: 1 };
    const detail: ErrorDetail<'ERR_SCHEMA'> = { option, expected, received, place };
    const context = error.message.replace(/^.*?: (?=schema|t\.|union)/, '');
    throw new HyperRouteError('ERR_SCHEMA', `${file}:${line}:1: ${context}`, detail);
  }
}
