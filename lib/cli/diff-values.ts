// What pools, correlations, transforms, routes and rules consist of, as names with values in words,
// so that `hyperroute diff` can show those that are others.
import { conditionText } from '../compiler/analysis/condition-text.js';
import { textOf } from '../compiler/diff-text.js';
import type {
  ActionIr,
  CorrelationIr,
  FieldIr,
  LookupIr,
  OpenIr,
  PoolIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SchemaIr,
  TargetIr,
  TransformIr,
} from '../compiler/ir.js';
import { rejectName } from './decisions.js';

/** Values by the names that lead to them, such as `eject.forMs`. */
export type Values = ReadonlyMap<string, string>;

/** Each value that is no object, by the names that lead to it; lists of such values are one. */
export function* flat(name: string, value: unknown): Generator<[string, string]> {
  if (value === null || value === undefined) return;
  if (typeof value !== 'object') {
    yield [name, value === '' ? "''" : String(value)];
    return;
  }
  const isList = Array.isArray(value) && value.every((one) => typeof one !== 'object');
  if (isList) {
    yield [name, value.length === 0 ? '[]' : value.join(', ')];
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    yield* flat(name === '' ? key : `${name}.${key}`, inner);
  }
}

/** What a message type consists of. */
export function schemaValues({ templateId, bytes, fields, view, initial }: SchemaIr): Values {
  // Presence bits stand for optional fields, which say so themselves.
  const own = fields.filter(({ type }) => type !== 'bit');
  return new Map([
    ['type', String(templateId)],
    ['format', view?.kind ?? 'fixed'],
    ['bytes', String(bytes)],
    ...own.map((field) => [`field ${field.name}`, fieldText(field)] as const),
    ...flat('initial', initial),
    // What lies where in each version is said by its fields; the rest is for those who have it.
    ...flat('view', view),
  ]);
}

function fieldText(field: FieldIr): string {
  const { type, bytes, offset, order, symbols, max, presence, pad, limit, entry } = field;
  const names = Object.entries(symbols ?? {}).map(([name, value]) => `${name} ${value}`);
  const parts = [
    type === 'bytes' ? `${bytes} bytes` : type,
    `at ${offset}`,
    order === 'be' ? 'big-endian' : '',
    names.length > 0 ? `{ ${names.join(', ')} }` : '',
    max === undefined ? '' : `up to ${max}`,
    limit === undefined ? '' : `at most ${limit}`,
    presence === undefined ? '' : 'optional',
    pad === undefined ? '' : `padded with ${pad}`,
    entry === undefined ? '' : `of { ${entry.fields.map(entryText).join(', ')} }`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function entryText(field: FieldIr): string {
  return `${field.name} ${fieldText(field)}`;
}

/** The messages that an endpoint carries, and what tells them apart. */
export function familyValues(ir: RouterIr, family: number): Values {
  const { members = [], discriminator = null, size = null } = ir.families[family] ?? {};
  const names = members.map((member) => ir.schemas[member]?.name ?? '?').sort();
  return new Map([
    ['messages', names.join(', ') || 'raw'],
    ...(discriminator === null ? [] : [['messages.type', fieldText(discriminator)] as const]),
    ...(size === null ? [] : [['messages.size', fieldText(size)] as const]),
  ]);
}

/** Members, in their order, and what a pool does with its messages. */
export function poolValues(ir: RouterIr, pool: PoolIr): Values {
  const { strategy, members, failover = [], panic = 'reject', slowStartMs = 0, eject } = pool;
  const nameOf = (endpoint: number): string => ir.endpoints[endpoint]?.name ?? '?';
  const { kind, ...settings } = strategy;
  // What a plug-in is told is shown, the table that a strategy of the user's came to is not.
  const { keys = [], slots, ...more } = { keys: undefined, slots: undefined, ...settings };
  const keysText = keys.map(({ schema, fields }) => {
    const own = ir.schemas[schema];
    const names = fields.map((field) => own?.fields[field]?.name ?? '?');
    return `${own?.name ?? '?'}(${names.join(', ')})`;
  });
  const counts = Array.isArray(slots) ? slotsText(ir, pool, slots) : slots;
  return new Map([
    ['strategy', kind],
    ...flat('', more),
    ...flat('slots', counts),
    ['keys', keysText.join(', ') || '(none)'],
    ['members', members.map(({ endpoint }) => nameOf(endpoint)).join(', ')],
    ...members.flatMap(({ endpoint, weight, id }) => [
      ...flat(`weight of ${nameOf(endpoint)}`, weight),
      ...flat(`id of ${nameOf(endpoint)}`, id),
    ]),
    ['failover', failover.map(nameOf).join(', ') || '(none)'],
    ['panic', panic],
    ['slowStartMs', String(slowStartMs)],
    ...flat('eject', eject),
  ]);
}

/** Tables of strategies are long: their size, and who is first how often. */
function slotsText(
  ir: RouterIr,
  { members }: PoolIr,
  slots: readonly (readonly number[])[],
): string {
  const counts = new Map<string, number>();
  for (const [first = 0] of slots) {
    const name = ir.endpoints[members[first]?.endpoint ?? -1]?.name ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const shares = [...counts].map(([name, count]) => `${name} first in ${count}`);
  return `${slots.length}: ${shares.join(', ')}`;
}

export function correlationValues({ name: _, position: __, ...own }: CorrelationIr): Values {
  const { key, saved, ...settings } = own;
  const fields = (kind: string, all: CorrelationIr['key']) =>
    all.map(({ name, type, bytes, pad, max, meaning }) => {
      // A list as JSON, such as ["scale 2"].
      const means = meaning?.replace(/^\[|\]$|"/g, '').replaceAll(',', ', ');
      const more = [pad, max === undefined ? undefined : `up to ${max}`, means];
      const shown = [type === 'bytes' ? `${bytes} bytes` : type, ...more].filter(Boolean);
      return [`${kind}.${name}`, shown.join(', ')] as const;
    });
  return new Map([...flat('', settings), ...fields('key', key), ...fields('saved', saved)]);
}

/** What a transform writes into each field. */
export function transformValues(ir: RouterIr, transform: TransformIr): Values {
  const { from, to, outputs, plugin } = transform;
  const written = outputs.map(({ field, ...output }) => {
    const name = ir.schemas[to]?.fields[field]?.name ?? '?';
    // The text in which names stand for indices, without the marks of JSON.
    return [name, textOf(ir, output, from).replace(/["{}]/g, '').replaceAll(',', ', ')] as const;
  });
  return new Map([
    ['from', ir.schemas[from]?.name ?? '?'],
    ['to', ir.schemas[to]?.name ?? '?'],
    ...flat('plugin', plugin),
    ...written,
  ]);
}

/** What a route says besides its rules. */
export function routeValues(ir: RouterIr, route: RouteIr): Values {
  const { mode = 'first', schema, sources, checks, reject, lookup, table } = route;
  const own = ir.schemas[schema ?? -1];
  const names = sources.map((source) => ir.endpoints[source]?.name ?? '?');
  const judged = checks.map(({ condition, code, moreCodes = [] }) => {
    const text = own === undefined ? '?' : conditionText(condition, own);
    const codes = [code, ...moreCodes].map((one) => rejectName(ir, one));
    return [`check ${text}`, codes.join(', ')] as const;
  });
  const dimensions = table?.dimensions.map(({ field, starts }) => {
    const name = own?.fields[field]?.name ?? '?';
    return [`dimension ${name}`, starts.join(', ')] as const;
  });
  return new Map([
    ['mode', mode],
    ['schema', own?.name ?? 'raw'],
    ['from', names.sort().join(', ')],
    ...judged,
    ...(lookup === undefined ? [] : [['lookup', lookupText(ir, route, lookup)] as const]),
    ...(dimensions ?? []),
    ['rejects', reject === null ? '(none)' : actionText(ir, route, reject)],
  ]);
}

function lookupText(ir: RouterIr, route: RouteIr, { correlation, by, fields }: LookupIr): string {
  return `${correlationName(ir, correlation)} by ${by} (${fieldNames(ir, route, fields)})`;
}

function correlationName(ir: RouterIr, index: number): string {
  return ir.correlations?.[index]?.name ?? '?';
}

function fieldNames(ir: RouterIr, { schema }: RouteIr, fields: readonly number[]): string {
  const own = ir.schemas[schema ?? -1];
  return fields.map((field) => own?.fields[field]?.name ?? '?').join(', ');
}

/** What a rule does with the messages for which it holds. */
export function ruleValues(ir: RouterIr, route: RouteIr, rule: RuleIr): Values {
  const { action, taps = [], priority = 0, bestEffort = false, open, closes = false } = rule;
  const tapped = taps.map(({ action: copy, every }) => {
    return [`tap ${actionText(ir, route, copy)}`, `one of ${every}`] as const;
  });
  return new Map([
    ['to', targetText(ir, route, action.target)],
    ['via', viaText(ir, action) ?? '(none)'],
    ...tapped,
    ['priority', String(priority)],
    ['bestEffort', String(bestEffort)],
    ['opens', open === undefined ? '(none)' : openText(ir, route, open)],
    ['closes', String(closes)],
  ]);
}

function openText(ir: RouterIr, route: RouteIr, { correlation, key, saved }: OpenIr): string {
  const [by, kept] = [fieldNames(ir, route, key), fieldNames(ir, route, saved)];
  return `${correlationName(ir, correlation)}, key (${by}), save (${kept})`;
}

function actionText(ir: RouterIr, route: RouteIr, action: ActionIr): string {
  const via = viaText(ir, action);
  const to = targetText(ir, route, action.target);
  return via === null ? to : `${to} via ${via}`;
}

function viaText(ir: RouterIr, { transform }: ActionIr): string | null {
  return transform === null ? null : (ir.transforms[transform]?.name ?? '?');
}

function targetText(ir: RouterIr, route: RouteIr, target: TargetIr): string {
  switch (target.kind) {
    case 'endpoint':
      return ir.endpoints[target.endpoint]?.name ?? '?';
    case 'pool':
      return `pool ${ir.pools[target.pool]?.name ?? '?'}`;
    case 'return-source':
      return 'returnTo(source)';
    case 'return-field':
      return `returnTo(${fieldNames(ir, route, [target.field])})`;
    case 'correlated-source':
      return `${correlationName(ir, target.correlation)}.source()`;
    case 'correlated-destination':
      return `${correlationName(ir, target.correlation)}.destination()`;
    case 'discard':
      return 'discard';
  }
}
