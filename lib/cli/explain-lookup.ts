// What `hyperroute explain` says of a route's lookup.
import { rejectCodes } from '../codes.js';
import { readableValue } from '../compiler/analysis/index.js';
import { isInteger } from '../compiler/emit-fields.js';
import { readBytes, readField } from '../compiler/fields.js';
import type { Decision } from '../compiler/interpret.js';
import { viewOf } from '../compiler/interpret-view.js';
import type { RouteIr, RouterIr } from '../compiler/ir.js';
import type { Arrival } from './messages.js';

export interface LookupView {
  readonly correlation: string;
  readonly by: 'id' | 'key';
  /** The fields that name what is wanted. */
  readonly values: Readonly<Record<string, bigint | string>>;
  readonly isFound: boolean;
}

/** What the route looks up: what a router has not seen, nobody can find in this one. */
export function lookupView(
  ir: RouterIr,
  { lookup, schema }: RouteIr,
  { rejectCode }: Decision,
  { message }: Arrival,
): LookupView | null {
  const fields = ir.schemas[schema ?? -1];
  if (lookup === undefined || fields === undefined) return null;
  const view = viewOf(fields, message);
  const values = lookup.fields.flatMap((index): [string, bigint | string][] => {
    const field = fields.fields[index];
    if (field === undefined || typeof view === 'number') return [];
    if (isInteger(field)) return [[field.name, readableValue(field, readField(view, field))]];
    return [[field.name, Buffer.from(readBytes(view, field)).toString('hex')]];
  });
  return {
    correlation: ir.correlations?.[lookup.correlation]?.name ?? '',
    by: lookup.by,
    values: Object.fromEntries(values),
    isFound: rejectCode !== rejectCodes.NOT_CORRELATED,
  };
}

export function lookupText({ correlation, by, values, isFound }: LookupView): string {
  const read = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  const found = isFound ? '' : ': nothing is open in a router that has just started';
  return `${correlation} by ${by} (${read.join(', ')})${found}`;
}
