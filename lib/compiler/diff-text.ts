// Parts of the intermediate representation as text in which names stand for indices, so that the
// parts of two configurations can be compared. Pure.
import { isRecord } from '../schema/options.js';
import type { RouterIr, ValueIr } from './ir.js';

/** Properties that hold one index, or an array of them, of what has a name. */
const indices: Readonly<Record<string, (ir: RouterIr, index: number) => string | undefined>> = {
  endpoint: (ir, index) => ir.endpoints[index]?.name,
  pool: (ir, index) => ir.pools[index]?.name,
  transform: (ir, index) => transformText(ir, index),
  correlation: (ir, index) => ir.correlations?.[index]?.name,
};
const fieldProperties: readonly string[] = ['field', 'fields', 'key', 'saved'];
/** Where it was written says nothing about what it means. */
const silentProperties: readonly string[] = ['position'];

/**
 * Canonical text of a part of a configuration; equal text, equal meaning. `schema`: whose fields
 * the part names; fields of no schema stay numbers.
 */
export function textOf(ir: RouterIr, part: unknown, schema: number | null = null): string {
  const fieldName = (index: number): string | number =>
    (schema === null ? undefined : ir.schemas[schema]?.fields[index]?.name) ?? index;
  const nameOf = (property: string, index: number): string | number => {
    if (fieldProperties.includes(property)) return fieldName(index);
    return indices[property]?.(ir, index) ?? index;
  };
  return JSON.stringify(part, (property, value: unknown) => {
    if (silentProperties.includes(property)) return undefined;
    if (isSaved(value)) return savedText(ir, value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return nameOf(property, value);
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'number')) return value;
    return value.map((one) => nameOf(property, one));
  });
}

type SavedValueIr = Extract<ValueIr, { kind: 'saved' }>;

function isSaved(value: unknown): value is SavedValueIr {
  return isRecord(value) && value.kind === 'saved' && isRecord(value.value);
}

/** What is kept has names of its own. */
function savedText(ir: RouterIr, { correlation, value }: SavedValueIr): object {
  const { name, saved } = ir.correlations?.[correlation] ?? {};
  const field = saved?.[value.field]?.name ?? value.field;
  return { ...value, kind: `saved ${value.kind}`, field: `${name}.${field}` };
}

function transformText(ir: RouterIr, index: number): string {
  const transform = ir.transforms[index];
  if (transform === undefined) return String(index);
  const { name, from, to } = transform;
  return `${name} ${ir.schemas[from]?.name} ${ir.schemas[to]?.name}`;
}
