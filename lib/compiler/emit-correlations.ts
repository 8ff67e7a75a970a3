// Correlations in a route image: their tables' sizes, what routes look up and what rules open.
import { crc32c } from '../schema/crc32c.js';
import { isIntegerType } from '../schema/model.js';
import { keyLookupNs, loadNs } from './cost.js';
import { fieldKind, isInteger } from './emit-fields.js';
import { checkKinds, keptKinds, lookupKinds } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import type {
  CorrelationIr,
  FieldIr,
  LookupIr,
  OpenIr,
  RouteIr,
  RouterIr,
  SavedIr,
  SchemaIr,
} from './ir.js';

/** The table of one correlation, which the engine allocates when the image is installed. */
export interface CorrelationReport {
  readonly correlation: string;
  readonly capacity: number;
  readonly bytes: number;
}

/** What a route looks up before its rules are asked. */
export interface LookupReport {
  readonly correlation: string;
  readonly by: LookupIr['by'];
  /** Predicted, when all of the table is in use. */
  readonly ns: number;
}

const entryHeaderBytes = 32;
const cacheLineBytes = 64;
const indexSlotBytes = 8;
/** An entry's neighbours, and its place among the free ones. */
const besideEntryBytes = 8 + 4;

/** Words of 8 bytes that a kept field takes. */
function wordsOf({ type, bytes }: Pick<SavedIr, 'type' | 'bytes'>): number {
  return type === 'bytes' ? Math.ceil(bytes / 8) : 1;
}

/** Words of 8 bytes that kept fields take together. */
export function keptWords(fields: readonly SavedIr[]): number {
  return fields.reduce((sum, field) => sum + wordsOf(field), 0);
}

/** A kept field where the ops of a transform find it: in the words that are kept. */
export function keptFieldIr({ saved }: CorrelationIr, index: number): FieldIr | undefined {
  const field = saved[index];
  if (field === undefined) return undefined;
  const { name, type, bytes, pad, max } = field;
  const offset = 8 * keptWords(saved.slice(0, index));
  return {
    ...{ name, type, order: 'le', offset, bytes, symbols: null },
    ...(pad === undefined ? {} : { pad }),
    ...(max === undefined ? {} : { max }),
  };
}

/** Another one where the words of an entry mean something else: an update keeps no such entries. */
function fieldsHash({ key, saved }: CorrelationIr): number {
  const meaning = [key, saved].map((fields) =>
    fields.map(({ name, type, bytes, pad = null, max, meaning = null }) => {
      return [name, type, bytes, pad, max === undefined ? null : String(max), meaning];
    }),
  );
  return crc32c(new TextEncoder().encode(JSON.stringify(meaning)));
}

/** Appends the correlations, in the order of the IR. */
export function emitCorrelations(
  builder: ImageBuilder,
  { correlations = [] }: RouterIr,
): readonly CorrelationReport[] {
  for (const correlation of correlations) {
    const { capacity, timeoutMs, key, saved, full } = correlation;
    builder.sections.correlations
      .u32(capacity, timeoutMs)
      .u16(keptWords(key), keptWords(saved))
      .u8(full === 'evict-oldest' ? 1 : 0, 0, 0, 0)
      .u32(fieldsHash(correlation));
  }
  return correlations.map((correlation) => ({
    correlation: correlation.name,
    capacity: correlation.capacity,
    bytes: tableBytes(correlation),
  }));
}

function indexBytes({ capacity, key }: CorrelationIr): number {
  return key.length === 0 ? 0 : indexSlotBytes * 2 ** Math.ceil(Math.log2(2 * (capacity + 1)));
}

function entriesBytes({ capacity, key, saved }: CorrelationIr): number {
  const bytes = entryHeaderBytes + 8 * (keptWords(key) + keptWords(saved));
  return (capacity + 1) * Math.ceil(bytes / cacheLineBytes) * cacheLineBytes;
}

function tableBytes(correlation: CorrelationIr): number {
  const besideBytes = besideEntryBytes * (correlation.capacity + 1);
  return entriesBytes(correlation) + indexBytes(correlation) + besideBytes;
}

/** Appends what a route looks up, and the check that does it: the route's last one. */
export function emitLookup(
  builder: ImageBuilder,
  { correlations = [] }: RouterIr,
  { lookup }: RouteIr,
  schema: SchemaIr | null,
): LookupReport | null {
  const correlation = correlations[lookup?.correlation ?? -1];
  if (lookup === undefined || schema === null || correlation === undefined) return null;
  const { lookups, checks, keptFields } = builder.sections;
  const first = keptFields.count;
  emitKeptFields(builder, schema, lookup.fields);
  const index = lookups.count;
  const { by } = lookup;
  lookups
    .u16(lookup.correlation)
    .u8(lookupKinds[by], 0)
    .u32(first)
    .u16(keptFields.count - first, 0);
  checks.u8(checkKinds.lookup, 0).u16(0).u32(0, index, 0).u8(0, 0, 0, 0, 0, 0, 0, 0);
  const entryNs = loadNs(entriesBytes(correlation));
  const ns =
    by === 'id' ? entryNs : keyLookupNs(keptWords(correlation.key), indexBytes(correlation));
  return { correlation: correlation.name, by, ns: by === 'id' ? ns : ns + entryNs };
}

/** Appends what a rule remembers; returns its index. */
export function emitOpening(
  builder: ImageBuilder,
  { correlation, key, saved }: OpenIr,
  schema: SchemaIr | null,
): number {
  const { openings, keptFields } = builder.sections;
  const first = keptFields.count;
  const index = openings.count;
  emitKeptFields(builder, schema, [...key, ...saved]);
  openings.u16(correlation, key.length, saved.length, 0).u32(first);
  return index;
}

function emitKeptFields(
  builder: ImageBuilder,
  schema: SchemaIr | null,
  fields: readonly number[],
): void {
  for (const index of fields) {
    const field = schema?.fields[index];
    const section = builder.sections.keptFields;
    if (field !== undefined && isIntegerType(field.type) && isInteger(field)) {
      section.u8(keptKinds.number, fieldKind(field)).u16(field.offset, 0, 0);
    } else {
      section.u8(keptKinds.bytes, 0).u16(field?.offset ?? 0, field?.bytes ?? 0, 0);
    }
  }
}
