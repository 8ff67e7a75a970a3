// A later version of a native block: new fields behind the old ones, and changes that move none.
import { optionError } from '../errors.js';
import { checkFieldName, declareFields } from './declare.js';
import type { Addable, DecodedFields, EncodableFields, Simplify } from './infer.js';
import {
  type BlockModel,
  type EnumModel,
  type FieldModel,
  isSlotType,
  newestBytes,
  type TypeModel,
} from './model.js';
import { isRecord, OptionReader } from './options.js';
import { type BlockContext, placeTranche } from './place-native.js';
import type { EnumSpec, FieldSpec, Fields, GroupOf, Need, VariableSpec } from './spec.js';
import { enumSymbols } from './symbols.js';

/** What a version changes in a message or a group besides new fields. */
export interface Changes {
  /** Optional, defaulted or variable fields that go; their ids and places stay taken. */
  readonly remove?: readonly string[];
  /** New names by old ones. */
  readonly rename?: Readonly<Record<string, string>>;
  /** New symbols of enumerations, with their numbers. */
  readonly symbols?: Readonly<Record<string, Readonly<Record<string, number | bigint>>>>;
  /** New fields of groups, and changes in them. */
  readonly groups?: Readonly<Record<string, GroupChanges>>;
}

export interface GroupChanges extends Changes {
  readonly fields?: Fields;
}

type RemovedBy<C> = C extends { readonly remove: readonly (infer Name)[] } ? Name : never;
type RenamedBy<C, Key> = C extends { readonly rename: infer Names }
  ? Key extends keyof Names
    ? Names[Key] & string
    : Key
  : Key;
type EnumWith<Spec, More> =
  Spec extends FieldSpec<EnumModel<infer Old>> ? EnumSpec<Old | (keyof More & string)> : Spec;
type GroupWith<Spec, C> =
  Spec extends VariableSpec<GroupOf<infer F>, unknown, infer N, unknown>
    ? GroupSpecOf<
        Extended<
          F,
          C extends { fields: infer More extends Fields } ? More : Record<never, never>,
          C
        >,
        N
      >
    : Spec;
type GroupSpecOf<F extends Fields, N extends Need> = VariableSpec<
  GroupOf<F>,
  DecodedFields<F>[],
  N,
  readonly EncodableFields<F>[]
>;
type ChangedBy<C, Key, Spec> = C extends { readonly groups: infer G }
  ? Key extends keyof G
    ? GroupWith<Spec, G[Key]>
    : SymbolsBy<C, Key, Spec>
  : SymbolsBy<C, Key, Spec>;
type SymbolsBy<C, Key, Spec> = C extends { readonly symbols: infer S }
  ? Key extends keyof S
    ? EnumWith<Spec, S[Key]>
    : Spec
  : Spec;

/** The fields of the next version. */
export type Extended<F extends Fields, More extends Fields, C> =
  Simplify<
    {
      readonly [Key in Exclude<keyof F, RemovedBy<C>> as RenamedBy<C, Key> & string]: ChangedBy<
        C,
        Key,
        F[Key]
      >;
    } & More
  > extends infer Next extends Fields
    ? Next
    : never;

export type { Addable };

/** The block of `version`, the one after the block's newest. Throws ERR_SCHEMA. */
export function extendBlock(
  block: BlockModel,
  added: unknown,
  changes: unknown,
  version: number,
  context: BlockContext,
): BlockModel {
  const { option, place } = context;
  const reader = new OptionReader(changes, option, place, 'ERR_SCHEMA');
  const [remove, rename] = [reader.raw('remove') ?? [], reader.raw('rename') ?? {}];
  const [symbols, groups] = [reader.raw('symbols') ?? {}, reader.raw('groups') ?? {}];
  if (context.depth > 0) reader.raw('fields');
  reader.done();
  const removed = removal(block, remove, context);
  const left = block.fields.filter((field) => !removed.includes(field));
  const names = { rename, symbols, groups };
  for (const [what, entries] of Object.entries(names)) checkNames(what, entries, left, context);
  const kept = left.map((field) => {
    const type = changedType(field, own(symbols, field), own(groups, field), version, context);
    return { ...field, type, name: newName(field, own(rename, field), context) };
  });
  const all = [...kept, ...block.removed, ...removed];
  const declared = declareFields(added, all, `${option}.fields`, place);
  for (const { name, spec } of declared) checkAddable(name, spec, context);
  checkUnique([...kept, ...block.removed, ...removed], context);
  const offset = newestBytes(block);
  const tranche = placeTranche(declared, offset, version, context);
  return {
    fields: [...kept, ...tranche.fields],
    removed: [...block.removed, ...removed],
    versionBytes: [...block.versionBytes, tranche.bytes],
  };
}

function own(entries: unknown, field: FieldModel): unknown {
  return Object.hasOwn(entries as object, field.name)
    ? (entries as Record<string, unknown>)[field.name]
    : undefined;
}

function checkNames(
  what: string,
  entries: unknown,
  fields: readonly FieldModel[],
  { option, place }: BlockContext,
): void {
  if (!isRecord(entries)) {
    throw optionError('ERR_SCHEMA', `${option}.${what}`, 'an object by field name', entries, place);
  }
  for (const name of Object.keys(entries)) {
    if (fields.some((field) => field.name === name)) continue;
    const known = fields.map((field) => field.name).join(', ');
    throw optionError('ERR_SCHEMA', `${option}.${what}`, `a field of ${known}`, name, place);
  }
}

function removal(
  block: BlockModel,
  names: unknown,
  { option, place }: BlockContext,
): readonly FieldModel[] {
  if (!Array.isArray(names)) {
    throw optionError('ERR_SCHEMA', `${option}.remove`, 'an array of field names', names, place);
  }
  return [...new Set<unknown>(names)].map((name) => {
    const field = block.fields.find((candidate) => candidate.name === name);
    if (field !== undefined && isOmissible(field)) return field;
    const expected = 'the name of a field that is optional, variable or has a default';
    throw optionError('ERR_SCHEMA', `${option}.remove`, expected, name, place);
  });
}

/** Whether a message without the field still says everything that it has to. */
export function isOmissible({ type, presence, fallback }: FieldModel): boolean {
  return presence !== null || fallback !== null || isSlotType(type);
}

function checkAddable(name: string, spec: FieldSpec, { option, place }: BlockContext): void {
  if (spec.options.need !== 'required' || isSlotType(spec.type)) return;
  const expected = 'a field that older messages can do without: .optional() or .default(value)';
  throw optionError('ERR_SCHEMA', `${option}.fields.${name}`, expected, 'required', place);
}

function changedType(
  { name, type }: FieldModel,
  symbols: unknown,
  group: unknown,
  version: number,
  { option, place, depth }: BlockContext,
): TypeModel {
  if (symbols !== undefined && type.kind === 'enum') {
    const path = `${option}.symbols.${name}`;
    const entries = isRecord(symbols) ? Object.entries(symbols) : [[symbols, 0] as const];
    const all = [...Object.entries(type.symbols), ...entries];
    return { ...type, symbols: enumSymbols(all, type.base, path, place) };
  }
  if (type.kind === 'group') {
    const inner = { option: `${option}.groups.${name}`, place, depth: depth + 1 };
    const changes = group ?? {};
    const added = isRecord(changes) ? (changes.fields ?? {}) : {};
    return { ...type, block: extendBlock(type.block, added, changes, version, inner) };
  }
  if (symbols === undefined && group === undefined) return type;
  const what = symbols === undefined ? 'groups' : 'symbols';
  const expected = symbols === undefined ? 'a group' : 'an enumeration';
  throw optionError('ERR_SCHEMA', `${option}.${what}.${name}`, expected, type.kind, place);
}

function newName(field: FieldModel, name: unknown, { option, place }: BlockContext): string {
  if (name === undefined) return field.name;
  if (typeof name === 'string') {
    checkFieldName(name, `${option}.rename`, place);
    return name;
  }
  throw optionError('ERR_SCHEMA', `${option}.rename.${field.name}`, 'a name', name, place);
}

function checkUnique(fields: readonly FieldModel[], { option, place }: BlockContext): void {
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  const expected = 'names that no other field has or had';
  throw optionError('ERR_SCHEMA', `${option}.rename`, expected, twice, place);
}
