// `schema diff` and `schema check`: what changed between versions, and whether it may.
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { canonicalText } from '../schema/canonical.js';
import {
  type Compatibility,
  type CompatibilityMode,
  checkCompatibility,
  compatibilityModes,
  type Finding,
} from '../schema/compatibility.js';
import type { AnySchema } from '../schema/schema.js';
import { type CommandInput, UsageError } from './command.js';
import type { Io } from './io.js';
import {
  loadError,
  type NamedSchema,
  readSchemas,
  type SchemaFile,
  selectVersions,
  versionsByName,
} from './schema-source.js';

/** What became of one schema. */
interface Comparison {
  readonly name: string;
  readonly ok: boolean;
  readonly oldVersions: readonly number[];
  /** null: the schema is gone. */
  readonly newVersion: number | null;
  /** null: the schema is new or gone. */
  readonly result: Compatibility | null;
}

function modeOf(values: CommandInput['values'], otherwise: CompatibilityMode): CompatibilityMode {
  const given = values.mode;
  if (given === undefined) return otherwise;
  const mode = compatibilityModes.find((known) => known === String(given).toUpperCase());
  if (mode !== undefined) return mode;
  const expected = compatibilityModes.join(', ');
  throw new UsageError(`--mode: expected one of ${expected}, received ${JSON.stringify(given)}`);
}

export async function diff({ values, positionals, io }: CommandInput): Promise<number> {
  const [, oldPath = '', newPath = '', name] = positionals;
  if (positionals.length < 3) throw new UsageError('schema diff: expected OLD NEW');
  const mode = modeOf(values, 'BACKWARD');
  const [old, next] = [await readSchemas(oldPath), await readSchemas(newPath)];
  const compared = compareFiles(old, next, mode, name);
  report(io, values, mode, compared);
  // Without a mode the command answers a question; with one it makes a demand.
  return values.mode === undefined || compared.every(({ ok }) => ok) ? 0 : 1;
}

export async function check({ values, positionals, io }: CommandInput): Promise<number> {
  const [, path = '', name] = positionals;
  const { against, write } = values;
  if (typeof against !== 'string') {
    throw new UsageError('schema check: expected --against HISTORY, received nothing');
  }
  const mode = modeOf(values, 'FULL_TRANSITIVE');
  const next = await readSchemas(path);
  const isNew = write === true && !existsSync(against);
  const history = isNew ? emptyFile(against) : await readSchemas(against, true);
  const unknown = unknownTo(history, next, name);
  // What the file still has of older versions counts as history too.
  const newest = new Set([...versionsByName(next.schemas).values()].map((all) => all.at(-1)));
  const older = unknown.filter(({ schema }) => !newest.has(schema));
  const past = { ...history, schemas: [...history.schemas, ...older] };
  const compared = compareFiles(past, next, mode, name);
  const ok = compared.every((each) => each.ok);
  if (ok && write === true && unknown.length > 0) {
    writeHistory(history.file, [...history.schemas, ...unknown]);
  }
  report(io, values, mode, compared, ok && write === true ? unknown.length : undefined);
  return ok ? 0 : 1;
}

function emptyFile(path: string): SchemaFile {
  return { file: resolve(path), schemas: [], unions: [] };
}

/** The schemas of a file that a history does not have, older versions first. */
function unknownTo(
  history: SchemaFile,
  next: SchemaFile,
  name: string | undefined,
): readonly NamedSchema[] {
  const hashes = new Set(history.schemas.map(({ schema }) => schema.hash));
  const unknown = selectVersions(next, name).filter(({ schema }) => !hashes.has(schema.hash));
  return [...unknown].sort((a, b) => a.schema.model.version - b.schema.model.version);
}

/** One schema a line: what differs between two histories are lines. */
function writeHistory(file: string, schemas: readonly NamedSchema[]): void {
  const lines = schemas.map(({ schema }) => canonicalText(schema.toJSON()));
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, `[\n${lines.join(',\n')}\n]\n`);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw loadError(file, 1, `cannot be written: ${(error as Error).message}`);
  }
}

function compareFiles(
  old: SchemaFile,
  next: SchemaFile,
  mode: CompatibilityMode,
  name: string | undefined,
): readonly Comparison[] {
  const news = versionsByName(selectVersions(next, name));
  const olds = versionsByName(old.schemas);
  const names = name === undefined ? new Set([...olds.keys(), ...news.keys()]) : news.keys();
  return [...names].map((each) => compareOne(each, olds.get(each), news.get(each), mode));
}

function compareOne(
  name: string,
  old: readonly AnySchema[] | undefined,
  next: readonly AnySchema[] | undefined,
  mode: CompatibilityMode,
): Comparison {
  const oldVersions = (old ?? []).map(({ model }) => model.version);
  const newest = next?.at(-1);
  const newVersion = newest?.model.version ?? null;
  if (newest === undefined || old === undefined) {
    return { name, ok: newest !== undefined, oldVersions, newVersion, result: null };
  }
  const result = checkCompatibility(old, newest, mode);
  return { name, ok: result.ok, oldVersions, newVersion, result };
}

function report(
  io: Io,
  values: CommandInput['values'],
  mode: CompatibilityMode,
  compared: readonly Comparison[],
  added?: number,
): void {
  if (values.json === true) {
    const schemas = compared.map(({ result, ...rest }) => ({ ...rest, ...resultJson(result) }));
    const ok = compared.every((each) => each.ok);
    io.json({ ok, mode, ...(added === undefined ? {} : { added }), schemas });
    return;
  }
  for (const [index, each] of compared.entries()) {
    if (index > 0) io.out.line();
    reportOne(io, each);
  }
  if (added !== undefined && added > 0) io.out.line(`\nadded to the history: ${added}`);
}

function resultJson(result: Compatibility | null) {
  const { verdict = null, transform = false, findings = [] } = result ?? {};
  return { verdict, transform, findings };
}

function reportOne({ out }: Io, { name, ok, oldVersions, newVersion, result }: Comparison): void {
  const versions = `${oldVersions.join(', ') || 'none'} → ${newVersion ?? 'none'}`;
  const colour = ok ? 'green' : 'red';
  if (result === null) {
    const what =
      newVersion === null ? 'is gone: readers and writers of it are left alone' : 'is new';
    out.line(`${out.style('bold', name)}  version ${versions}  ${out.style(colour, what)}`);
    return;
  }
  const { verdict, transform, mode, findings } = result;
  const by = transform ? ' (through a transform)' : '';
  const answer = `${mode} ${ok ? 'holds' : 'does not hold'}`;
  const head = `${out.style('bold', name)}  version ${versions}  ${verdict}${by}`;
  out.line(`${head}  ${out.style(colour, answer)}`);
  if (findings.length === 0) out.line('  no difference');
  const isTransitive = mode.endsWith('_TRANSITIVE') && oldVersions.length > 1;
  for (const finding of findings) reportFinding(out, name, finding, isTransitive);
}

const verdictWidth = 'BACKWARD'.length;

function reportFinding(
  out: Io['out'],
  name: string,
  { path, verdict, message, advice, against }: Finding,
  isTransitive: boolean,
): void {
  const place = path === '' ? name : `${name}.${path}`;
  const version = isTransitive ? ` (since version ${against})` : '';
  const colour = verdict === 'FULL' ? 'green' : verdict === 'BREAK' ? 'red' : 'yellow';
  const lead = out.style(colour, verdict.padEnd(verdictWidth));
  out.line(`  ${lead}  ${place}${version} ${message}`);
  if (advice !== null && verdict !== 'FULL') {
    out.line(`  ${' '.repeat(verdictWidth)}  instead: ${advice}`);
  }
}
