// Random correlations: what rules remember, routes that look it up, transforms that write ids and
// what is kept; and messages that find what is open.
import { type InterpreterState, setClock } from '../../lib/compiler/interpret.js';
import type { OpenEntry } from '../../lib/compiler/interpret-correlation.js';
import type {
  ActionIr,
  ConversionIr,
  CorrelationIr,
  FieldIr,
  LookupIr,
  OutputIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SavedIr,
  SchemaIr,
  TransformIr,
} from '../../lib/compiler/ir.js';
import { type IntegerType, integerFacts, isIntegerType } from '../../lib/schema/model.js';
import type { RandomMessage } from './random-message.js';
import { place } from './random-schema.js';
import type { RandomValues } from './random-values.js';
import type { NativeRouteImage } from './route-image.js';

/** Text that is kept may be so long; keys are a few fields, so their words never run out. */
const keptBytesMax = 80;

/** The configuration with one or two correlations that routes open and look up in. */
export function withCorrelations(random: RandomValues, ir: RouterIr): RouterIr {
  const typed = ir.routes.filter(({ schema }) => schema !== null);
  if (typed.length === 0) return ir;
  const correlations: CorrelationIr[] = [];
  const transforms = [...ir.transforms];
  let { routes } = ir;
  for (let count = random.between(1, 2); count > 0; count -= 1) {
    const origin = random.pick(typed);
    const schema = ir.schemas[origin.schema ?? -1] as SchemaIr;
    const others = typed.filter((route) => route !== origin);
    const shared = keysShared(schema, others, ir.schemas);
    const made = randomCorrelation(random, schema, shared, correlations.length);
    const index = correlations.push(made) - 1;
    const correlation = correlations[index] as CorrelationIr;
    routes = routes.map((route) => {
      const home = ir.schemas[route.schema ?? -1];
      if (home === undefined) return route;
      const opened = openRules(random, ir, route, home, index, correlation);
      // Where all routes that open look something up first, nothing is ever open.
      const share = route.name === origin.name || route.lookup !== undefined ? 8 : 75;
      if (!random.chance(share)) return opened;
      const lookup = randomLookup(random, home, index, correlation);
      return lookup === null ? opened : { ...opened, lookup };
    });
  }
  const parts = { ir, transforms, correlations };
  routes = routes.map((route) => ({
    ...route,
    rules: route.rules.map((rule) => correlatedRule(random, parts, route, rule)),
  }));
  return { ...ir, correlations, transforms, routes };
}

function keepable(schema: SchemaIr): readonly FieldIr[] {
  return schema.fields.filter(({ bytes }) => bytes <= keptBytesMax);
}

/** Fields like which other routes' messages have one, so that they can be looked up by. */
function keysShared(
  schema: SchemaIr,
  others: readonly RouteIr[],
  schemas: readonly SchemaIr[],
): readonly FieldIr[] {
  const known = others.flatMap((route) => schemas[route.schema ?? -1]?.fields ?? []);
  const isHeader = (field: FieldIr): boolean =>
    [schema.sizeField, schema.typeField].some((at) => at !== null && schema.fields[at] === field);
  return keepable(schema).filter((field) => {
    const isLike = ({ type, bytes, pad }: FieldIr): boolean =>
      type === field.type && bytes === field.bytes && pad === field.pad;
    return !isHeader(field) && known.some(isLike);
  });
}

function savedOf({ name, type, bytes, pad }: FieldIr): SavedIr {
  const kept = { name, type: type as SavedIr['type'], bytes };
  return pad === undefined ? kept : { ...kept, pad };
}

function someFields(random: RandomValues, fields: readonly FieldIr[], most: number): SavedIr[] {
  const chosen = new Set<FieldIr>();
  for (let count = random.below(most + 1); count > 0; count -= 1) chosen.add(random.pick(fields));
  // One that is long fills the words of a key by itself.
  return [...chosen].filter(({ bytes }, at) => at === 0 || bytes <= 40).map(savedOf);
}

function randomCorrelation(
  random: RandomValues,
  schema: SchemaIr,
  shared: readonly FieldIr[],
  index: number,
): CorrelationIr {
  const fields = keepable(schema);
  const short = fields.filter(({ bytes }) => bytes <= 8);
  const plain = short.length > 0 && random.chance(80) ? short : fields;
  const keyed = shared.length > 0 && random.chance(80) ? shared : plain;
  return {
    name: `c${index}`,
    capacity: random.pick([1, 2, 3, 20]),
    timeoutMs: random.pick([1, 20, 60, 500]),
    full: random.pick(['reject', 'evict-oldest'] as const),
    key: keyed.length === 0 ? [] : someFields(random, keyed, 2),
    saved: fields.length === 0 ? [] : someFields(random, fields, 3),
    position: place(index),
  };
}

/** For each that is wanted a field of the message that is like it; null: there are not all. */
function fieldsLike(
  random: RandomValues,
  { fields }: SchemaIr,
  wanted: readonly SavedIr[],
): number[] | null {
  const found = wanted.map(({ type, bytes, pad }) => {
    const like = fields.flatMap((field, index) =>
      field.type === type && field.bytes === bytes && field.pad === pad ? [index] : [],
    );
    return like.length === 0 ? -1 : random.pick(like);
  });
  return found.includes(-1) ? null : found;
}

function openRules(
  random: RandomValues,
  { pools }: RouterIr,
  route: RouteIr,
  schema: SchemaIr,
  index: number,
  correlation: CorrelationIr,
): RouteIr {
  let left = route.mode === 'all' ? 1 : route.rules.length;
  if (route.rules.some(({ open }) => open !== undefined)) left = route.mode === 'all' ? 0 : left;
  const rules = route.rules.map((rule) => {
    const { target } = rule.action;
    const pool = target.kind === 'pool' ? pools[target.pool] : undefined;
    const isOne = target.kind !== 'discard' && pool?.strategy.kind !== 'broadcast';
    const key = fieldsLike(random, schema, correlation.key);
    const saved = fieldsLike(random, schema, correlation.saved);
    const isFree = isOne && rule.bestEffort !== true && rule.open === undefined && left > 0;
    if (!isFree || key === null || saved === null || random.chance(20)) return rule;
    left -= 1;
    return { ...rule, open: { correlation: index, key, saved } };
  });
  return { ...route, rules };
}

function randomLookup(
  random: RandomValues,
  schema: SchemaIr,
  correlation: number,
  { key }: CorrelationIr,
): LookupIr | null {
  const ids = fieldsLike(random, schema, [{ name: 'id', type: 'u64', bytes: 8 }]);
  const keys = key.length === 0 ? null : fieldsLike(random, schema, key);
  const lookups: LookupIr[] = [
    ...(ids === null ? [] : [{ correlation, by: 'id' as const, fields: ids }]),
    ...(keys === null ? [] : [{ correlation, by: 'key' as const, fields: keys }]),
  ];
  return lookups.length === 0 ? null : random.pick(lookups);
}

interface Parts {
  readonly ir: RouterIr;
  readonly transforms: TransformIr[];
  readonly correlations: readonly CorrelationIr[];
}

/** A rule that uses what it may: closes, correlated targets, values that correlations give. */
function correlatedRule(random: RandomValues, parts: Parts, route: RouteIr, rule: RuleIr): RuleIr {
  const { lookup } = route;
  const needs = { opened: rule.open?.correlation ?? null, found: lookup?.correlation ?? null };
  if (needs.opened === null && needs.found === null) return rule;
  const change = (action: ActionIr): ActionIr => {
    const { target } = action;
    const kind = random.pick(['correlated-source', 'correlated-destination'] as const);
    const isMoved = needs.found !== null && target.kind !== 'discard' && random.chance(40);
    return {
      transform: correlatedTransform(random, parts, action.transform, needs),
      target: isMoved ? { kind, correlation: needs.found ?? 0 } : target,
    };
  };
  const taps = rule.taps?.map((tap) => ({ ...tap, action: change(tap.action) }));
  return {
    ...rule,
    action: change(rule.action),
    ...(taps === undefined ? {} : { taps }),
    ...(lookup !== undefined && random.chance(40) ? { closes: true } : {}),
  };
}

interface Needs {
  /** Correlations, by index. */
  readonly opened: number | null;
  readonly found: number | null;
}

/** A transform of its own whose outputs are in part what correlations give. */
function correlatedTransform(
  random: RandomValues,
  { ir, transforms, correlations }: Parts,
  index: number | null,
  { opened, found }: Needs,
): number | null {
  const transform = transforms[index ?? -1];
  if (transform === undefined) return index;
  const to = ir.schemas[transform.to] as SchemaIr;
  const kept = found === null ? [] : (correlations[found]?.saved ?? []);
  const outputs = transform.outputs.map((output): OutputIr => {
    const field = to.fields[output.field] as FieldIr;
    if (opened !== null && field.type === 'u64' && random.chance(60)) {
      return { ...output, value: { kind: 'correlation-id', correlation: opened } };
    }
    if (found === null) return output;
    if (field.type === 'u64' && random.chance(20)) {
      return { ...output, value: { kind: 'found-id', correlation: found } };
    }
    const conversions = kept.flatMap((saved, at) => conversionsTo(random, saved, at, field));
    if (conversions.length === 0 || random.chance(20)) return output;
    const value = random.pick(conversions);
    return { ...output, value: { kind: 'saved', correlation: found, value } };
  });
  return transforms.push({ ...transform, name: `t${transforms.length}`, outputs }) - 1;
}

/** What a field of the output can be made of one that is kept. */
function conversionsTo(
  random: RandomValues,
  saved: SavedIr,
  at: number,
  field: FieldIr,
): readonly ConversionIr[] {
  const isText = saved.pad !== undefined && field.pad !== undefined;
  const text: ConversionIr[] = isText ? [{ kind: 'text', field: at }] : [];
  const isSame = field.type === saved.type && field.bytes === saved.bytes;
  if (saved.type === 'bytes') return isSame ? [{ kind: 'field', field: at }, ...text] : text;
  if (!isIntegerType(field.type)) return [];
  const plain: ConversionIr[] = [{ kind: 'field', field: at }];
  if (field.type === 'u64' && saved.type === 'u32') plain.push({ kind: 'float', field: at });
  if (field.container !== undefined) return plain;
  const power = random.pick([-18, -2, -1, 1, 2, 18]);
  return [...plain, { kind: 'scale', field: at, power }, randomMap(random, saved, at, field)];
}

/** Some values of one type to some of another, in any order. */
function randomMap(random: RandomValues, from: SavedIr, at: number, to: FieldIr): ConversionIr {
  const someValue = (type: SavedIr['type'] | FieldIr['type'], max?: bigint): bigint => {
    const { low, high } = integerFacts[type as IntegerType];
    const most = max ?? high;
    const value = random.pick([low, most, 0n, 1n, 2n, BigInt(random.below(120))]);
    return value < low ? low : value > most ? most : value;
  };
  const inputs = new Set(Array.from({ length: random.between(1, 9) }, () => someValue(from.type)));
  const pairs = [...inputs].map((value) => [value, someValue(to.type, to.max)] as const);
  const otherwise = random.chance(50) ? {} : { otherwise: someValue(to.type, to.max) };
  return { kind: 'map', field: at, pairs, ...otherwise, code: 3000 + random.below(50) };
}

/** Lets some time pass, for both alike. */
export function passTime(
  random: RandomValues,
  state: InterpreterState,
  native: NativeRouteImage,
): void {
  const nowNs = state.nowNs + BigInt(random.below(15_000_000));
  setClock(state, nowNs);
  native.setClock(nowNs);
}

/** Writes what an open entry is found by into a message that a route looks up with. */
export function aimAtOpen(
  random: RandomValues,
  { routes, schemas }: RouterIr,
  state: InterpreterState,
  { source, message }: RandomMessage,
): void {
  for (const { lookup, sources, schema: index } of routes) {
    const schema = schemas[index ?? -1];
    if (lookup === undefined || schema === undefined || !sources.includes(source)) continue;
    const entries = state.correlations[lookup.correlation]?.entries ?? [];
    if (entries.length === 0 || message.length !== schema.bytes || random.chance(25)) continue;
    const isHeader = lookup.fields.some((at) => at === schema.sizeField || at === schema.typeField);
    if (!isHeader) write(message, schema, lookup, random.pick(entries));
  }
}

function write(message: Uint8Array, schema: SchemaIr, lookup: LookupIr, entry: OpenEntry): void {
  const values = lookup.by === 'id' ? [entry.id] : entry.key;
  for (const [at, index] of lookup.fields.entries()) {
    const { offset, bytes, order } = schema.fields[index] as FieldIr;
    const value = values[at];
    if (value instanceof Uint8Array) message.set(value, offset);
    if (typeof value !== 'bigint') continue;
    for (let place = 0; place < bytes; place += 1) {
      const shift = BigInt(8 * (order === 'le' ? place : bytes - 1 - place));
      message[offset + place] = Number((value >> shift) & 0xffn);
    }
  }
}
