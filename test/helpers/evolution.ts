// Random histories of a schema, some of them made by mistake, and what a message written by one
// version means to another.
import { type AnySchema, isHyperRouteError, schemaFromJson } from '../../lib/index.js';
import { schemaJson } from '../../lib/schema/canonical.js';
import {
  type BlockModel,
  type EnumModel,
  type FieldModel,
  type FieldValue,
  integerFacts,
  type TypeModel,
} from '../../lib/schema/model.js';
import { randomForeign, randomVersions } from './random-models.js';
import type { RandomValues } from './random-values.js';

export interface FieldJson {
  id: number;
  name: string;
  since: number;
  type: string | (Record<string, unknown> & { kind: string; fields?: FieldJson[] });
  byPosition?: boolean;
  optional?: boolean;
  removed?: boolean;
  default?: unknown;
  doc?: string;
}

export interface SchemaJson {
  name: string;
  templateId: string;
  version: number;
  fields: FieldJson[];
}

/** A random schema in all its versions, as the schema language would have made them. */
export function randomHistory(random: RandomValues): AnySchema[] {
  const noHeader = { type: null, size: null };
  return randomVersions(random).map((model) =>
    schemaFromJson(JSON.parse(JSON.stringify(schemaJson(model, noHeader)))),
  ) as AnySchema[];
}

/** A random schema of a foreign layout; undefined if the schema language cannot say it. */
export function randomForeignSchema(random: RandomValues): AnySchema | undefined {
  const json = schemaJson(randomForeign(random), { type: null, size: null });
  return tryLoad(JSON.parse(JSON.stringify(json)));
}

function tryLoad(json: unknown): AnySchema | undefined {
  try {
    return schemaFromJson(json) as AnySchema;
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_SCHEMA')) return undefined;
    throw error;
  }
}

type Edit = (field: FieldJson, random: RandomValues, json: SchemaJson) => void;

function typeRecord({ type }: FieldJson, ...kinds: string[]) {
  return typeof type === 'object' && kinds.includes(type.kind) ? type : null;
}

function scale(field: FieldJson, factor: (max: number) => number): void {
  const type = typeRecord(field, 'string', 'blob', 'group');
  if (type === null) return;
  const name = type.kind === 'group' ? 'countMax' : 'bytesMax';
  type[name] = factor(Number(type[name]));
}

const wider: Readonly<Record<string, string>> = {
  ...{ u8: 'u16', u16: 'u32', u32: 'u64', i8: 'i64', i16: 'i32', i32: 'i64', f32: 'f64' },
  ...{ u53: 'u64', u64: 'u53', i64: 'i8', f64: 'f32' },
};

/** Changes of a single field, from harmless ones to such that no reader survives. */
const edits: readonly Edit[] = [
  (field) => {
    field.name = `${field.name}x`;
  },
  (field) => {
    delete field.byPosition;
    field.name = `${field.name}x`;
  },
  (field) => scale(field, (max) => max + 1),
  (field) => scale(field, (max) => Math.max(1, max - 1)),
  (field) => {
    if (field.default === undefined || field.optional === true) field.removed = true;
  },
  (field) => {
    delete field.removed;
  },
  (field) => {
    delete field.default;
  },
  (field) => {
    if (field.optional === true) delete field.optional;
    else if (field.default === undefined) field.optional = true;
  },
  (field) => {
    if (typeof field.type === 'string') field.type = wider[field.type] ?? field.type;
    if (typeof field.default === 'string') delete field.default;
  },
  (field) => {
    const type = typeRecord(field, 'decimal');
    if (type !== null) type.scale = Number(type.scale) + 1;
  },
  (field) => {
    const type = typeRecord(field, 'enum');
    if (type !== null) (type.symbols as Record<string, string>).more = '99';
  },
  (field) => {
    const symbols = typeRecord(field, 'enum')?.symbols as Record<string, string> | undefined;
    if (symbols === undefined || field.default !== undefined) return;
    [symbols.s0, symbols.s1] = [symbols.s1 as string, symbols.s0 as string];
  },
  (field) => {
    const symbols = typeRecord(field, 'enum')?.symbols as Record<string, string> | undefined;
    if (symbols !== undefined && field.default !== 's0') delete symbols.s0;
  },
  (field, random) => {
    const type = typeRecord(field, 'enum');
    if (type !== null) type.unknown = random.pick(['raw', 'reject', { default: 's1' }]);
  },
  (field) => {
    const flags = typeRecord(field, 'flags')?.flags as Record<string, number> | undefined;
    if (flags === undefined || field.default !== undefined) return;
    if (flags.f1 === undefined) flags.f9 = Object.values(flags).includes(7) ? 6 : 7;
    else delete flags.f1;
  },
  (field) => {
    field.doc = 'documented';
  },
  (_field, _random, json) => {
    json.templateId = '8';
  },
];

/** One mistake, or harmless change, somewhere in a schema; undefined if the result is none. */
export function mutate(random: RandomValues, base: AnySchema): AnySchema | undefined {
  const json = JSON.parse(JSON.stringify(base)) as SchemaJson;
  let fields = json.fields;
  let field = random.pick(fields);
  for (let depth = 0; depth < 4 && random.chance(50); depth++) {
    const inner = typeRecord(field, 'group')?.fields;
    if (inner === undefined || inner.length === 0) break;
    fields = inner;
    field = random.pick(fields);
  }
  const kind = random.below(edits.length + 4);
  const edit = edits[kind];
  const id = Math.max(...fields.map((known) => known.id)) + 1;
  const added = { id, name: `added${id}`, byPosition: true, type: 'u16' };
  if (edit !== undefined) edit(field, random, json);
  else if (kind === edits.length) fields.splice(fields.indexOf(field), 1);
  else if (kind === edits.length + 1) fields.push({ ...added, since: json.version, default: 3 });
  else {
    json.version += 1;
    const optional = random.chance(50) ? { optional: true } : { default: 5 };
    fields.push({ ...added, since: json.version, ...optional });
  }
  if (base.model.layout.kind !== 'native') {
    json.version = base.model.version;
    // Foreign fields have no ids and no versions in JSON.
    for (const each of fields as Partial<FieldJson>[]) {
      for (const name of ['id', 'since', 'byPosition', 'removed'] as const) delete each[name];
    }
  }
  return tryLoad(json);
}

/** Thrown where a message of one schema has no meaning in another. */
export class NoMeaning extends Error {}

type Values = Readonly<Record<string, FieldValue>>;

/** What a message, as its writer decodes it, means to a reader; fields are matched by id. */
export function meaningOf(values: Values, writer: BlockModel, reader: BlockModel): Values {
  return Object.fromEntries(
    reader.fields.map((field) => [field.name, fieldMeaning(field, values, writer)]),
  );
}

function fieldMeaning(field: FieldModel, values: Values, writer: BlockModel): FieldValue {
  const live = writer.fields.find(({ id }) => id === field.id);
  if (live !== undefined) {
    const value = values[live.name];
    return value === undefined ? undefined : valueMeaning(value, live.type, field.type);
  }
  if (field.presence !== null) return undefined;
  const silent = writer.removed.find(({ id }) => id === field.id);
  const fallback = silent === undefined ? field.fallback : silent.fallback;
  if (fallback !== null) return valueMeaning(fallback, field.type, field.type);
  if (field.type.kind === 'string') return '';
  if (field.type.kind === 'blob') return new Uint8Array(0);
  if (field.type.kind === 'group') return [];
  throw new NoMeaning();
}

function valueMeaning(value: FieldValue, from: TypeModel, to: TypeModel): FieldValue {
  if (from.kind !== to.kind) throw new NoMeaning();
  if (from.kind === 'array' && to.kind === 'array') {
    const items = value as readonly FieldValue[];
    return items.map((item) => valueMeaning(item, from.element, to.element));
  }
  if (from.kind === 'group' && to.kind === 'group') {
    const entries = value as readonly Values[];
    return entries.map((entry) => meaningOf(entry, from.block, to.block));
  }
  if (from.kind === 'enum' && to.kind === 'enum') return symbolMeaning(value, from, to);
  if (from.kind === 'flags' && to.kind === 'flags') {
    const flags = value as Readonly<Record<string, boolean>>;
    return Object.fromEntries(Object.keys(to.flags).map((name) => [name, flags[name] ?? false]));
  }
  if (from.kind === 'integer' && to.kind === 'integer') {
    const isNumber = to.safe || integerFacts[to.base].bytes < 8;
    return isNumber ? Number(value) : BigInt(value as number);
  }
  if (to.kind === 'decimal') {
    return integerFacts[to.base].bytes < 8 ? Number(value) : BigInt(value as number);
  }
  return value;
}

function symbolMeaning(value: FieldValue, from: EnumModel, to: EnumModel): FieldValue {
  const number = typeof value === 'string' ? from.symbols[value] : BigInt(value as number);
  const known = Object.entries(to.symbols).find(([, each]) => each === number);
  if (known !== undefined) return known[0];
  if (to.unknown.policy === 'default') return to.unknown.symbol;
  if (to.unknown.policy === 'reject') throw new NoMeaning();
  return integerFacts[to.base].bytes === 8 ? number : Number(number);
}

/** The message with numbers in place of symbols where they are allowed, and longest texts. */
export function spiced(random: RandomValues, values: Values, block: BlockModel): Values {
  const entries = block.fields.flatMap(({ name, type }): [string, FieldValue][] => {
    const value = values[name];
    if (value === undefined) return [];
    if (type.kind === 'group') {
      const items = value as readonly Values[];
      const all = items.map((entry) => spiced(random, entry, type.block));
      const [first] = all;
      const isFull = first !== undefined && type.countMax < 10 && random.chance(30);
      return [[name, isFull ? new Array<Values>(type.countMax).fill(first) : all]];
    }
    if (type.kind === 'string' && random.chance(30)) return [[name, 'x'.repeat(type.bytesMax)]];
    if (type.kind === 'enum' && type.unknown.policy === 'raw' && random.chance(40)) {
      return [[name, integerFacts[type.base].bytes === 8 ? 77n : 77]];
    }
    return [[name, value]];
  });
  return Object.fromEntries(entries);
}
