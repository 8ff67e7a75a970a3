// Messages that prove something: made from what a search found, and believed only when the
// interpreter agrees.
import { rejectCodes } from '../../codes.js';
import { isInteger } from '../emit-fields.js';
import { readField } from '../fields.js';
import { decide, initialState } from '../interpret.js';
import { bytesOfHex, viewOf } from '../interpret-view.js';
import { contains } from '../intervals.js';
import type { ConditionIr, FieldIr, RouteIr, RouterIr, SchemaIr } from '../ir.js';
import { asksPlugin } from '../plugins.js';
import type { Conjunction } from './conjunctions.js';
import { type FieldValues, messageWith } from './messages.js';
import { memberOf } from './sets.js';
import { countedField, type Texts } from './texts.js';

/** A message for which something is so. */
export interface Witness {
  /** Index of the endpoint it could come from. */
  readonly source: number;
  readonly message: Uint8Array;
  /** What matters of it: fields with their value, or the symbol that stands for it. */
  readonly fields: Readonly<Record<string, bigint | string>>;
}

/** A condition and how it has to come out. */
export interface Requirement {
  readonly condition: ConditionIr;
  readonly holds: boolean;
}

/** The message of what was found, if the interpreter evaluates every condition as required. */
export function witnessOf(
  ir: RouterIr,
  route: RouteIr,
  known: Conjunction,
  texts: Texts,
  requirements: Iterable<Requirement>,
): Witness | null {
  const { schema } = known.domains;
  const values = new Map<number, bigint | Uint8Array>(texts);
  for (const field of known.fields) {
    if (countedField(field) === null) values.set(field, naturalValue(known, field));
  }
  for (const [field, text] of texts) {
    const { presence } = known.domains.field(field);
    if (presence !== undefined && !values.has(presence) && text.length > 0)
      values.set(presence, 1n);
  }
  const message = messageWith(schema, new Map([...unasked(schema), ...values]));
  const view = viewOf(schema, message);
  if (typeof view === 'number') return null;
  const source = route.sources[0] ?? 0;
  for (const { condition, holds } of requirements) {
    if (holdsFor(ir, route, condition, source, message) !== holds) return null;
  }
  return { source, message, fields: readable(schema, view, values) };
}

/** Symbols for enumerations that nobody asked about, so that the message can be decoded. */
function unasked(schema: SchemaIr): Map<number, bigint> {
  const values = new Map<number, bigint>();
  const initial = bytesOfHex(schema.initial ?? '');
  for (const [index, field] of schema.fields.entries()) {
    const known = Object.values(field.symbols ?? {});
    const [first] = known;
    if (first === undefined || field.presence !== undefined || !isInteger(field)) continue;
    const given = field.container === undefined ? readField(initial, field) : 0n;
    if (!known.includes(given)) values.set(index, first);
  }
  return values;
}

/** What people would have written: a symbol, zero, or else the least value. */
function naturalValue(known: Conjunction, field: number): bigint {
  const set = known.set(field);
  const bits = known.bits(field);
  const { symbols } = known.domains.field(field);
  const candidates = [...Object.values(symbols ?? {}), 0n, 1n];
  const fits = (value: bigint): boolean =>
    contains(set, value) && (bits === undefined || (value & bits.mask) === bits.equal);
  const positive = set.flatMap(([low, high]) =>
    high < 1n ? [] : [[low < 1n ? 1n : low, high] as const],
  );
  return candidates.find(fits) ?? memberOf(positive, bits) ?? known.least(field);
}

function readable(
  schema: SchemaIr,
  view: Uint8Array,
  values: FieldValues,
): Record<string, bigint | string> {
  const shown: Record<string, bigint | string> = {};
  for (const index of [...values.keys()].sort((a, b) => a - b)) {
    const field = schema.fields[index] as FieldIr;
    const value = values.get(index);
    if (isInteger(field)) shown[field.name] = readableValue(field, readField(view, field));
    else if (value instanceof Uint8Array) shown[field.name] = textShown(field, value);
  }
  return shown;
}

function textShown({ pad }: FieldIr, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  const end = pad === undefined ? text : text.replace(pad === 'space' ? / +$/ : /\0+$/, '');
  return JSON.stringify(end);
}

/** The symbol of an enumeration's value; of other fields, and unknown ones, the number. */
export function readableValue(field: FieldIr, value: bigint): bigint | string {
  const symbol = Object.entries(field.symbols ?? {}).find(([, number]) => number === value);
  return symbol === undefined ? value : symbol[0];
}

/** What the interpreter says of a condition; null: it cannot say, or its arithmetic overflows. */
export function holdsFor(
  ir: RouterIr,
  route: RouteIr,
  condition: ConditionIr,
  source: number,
  message: Uint8Array,
): boolean | null {
  if (asksPlugin(condition)) return null;
  const decision = decide(probe(ir, route, condition), probeState(ir), source, message);
  if (decision.outcome === 'discard') return true;
  return decision.rejectCode === rejectCodes.NO_ROUTE ? false : null;
}

const probeStates = new WeakMap<RouterIr, ReturnType<typeof initialState>>();

function probeState(ir: RouterIr): ReturnType<typeof initialState> {
  const known = probeStates.get(ir) ?? initialState(ir);
  probeStates.set(ir, known);
  return known;
}

/** A router whose one rule discards the messages for which the condition holds. */
function probe(ir: RouterIr, route: RouteIr, condition: ConditionIr): RouterIr {
  const { name, schema, sources, position } = route;
  const rule = {
    name: 'probe',
    when: condition,
    action: { transform: null, target: { kind: 'discard' } },
    position,
  } as const;
  const only: RouteIr = {
    name,
    schema,
    sources,
    checks: [],
    rules: [rule],
    reject: null,
    position,
  };
  return { ...ir, routes: [only] };
}

/** What matters of a message, for a line of text: `side buy, qty 10`. */
export function readableWitness({ fields }: Witness): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
