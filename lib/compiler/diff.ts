// What distinguishes two configurations, by what they mean: endpoints, pools and routes are matched
// by name, members of pools by the name of their endpoint, rules by what they say. Pure.
import { diffPool, type PoolDiff } from './diff-pools.js';
import { diffRules, type RuleDiff } from './diff-rules.js';
import { textOf } from './diff-text.js';
import type { RouteIr, RouterIr } from './ir.js';

export type { PoolDiff } from './diff-pools.js';
export type { ChangedRule, RuleDiff, RuleReference } from './diff-rules.js';

/** What became of things that are known by name. */
export interface NamesDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What became of a route; routes that are the same are not listed. */
export interface RouteDiff {
  readonly route: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of a changed route what besides its rules: 'mode', 'sources', 'checks', 'rejects' … */
  readonly parts: readonly string[];
  readonly rules: RuleDiff;
}

export interface RouterDiff {
  /** Settings of the router itself that are others: 'name', 'threading', 'idle' … */
  readonly settings: readonly string[];
  /** Message types by name, all versions of a name together. */
  readonly schemas: NamesDiff;
  /** Reject codes of the configuration's own; changed: they have another number. */
  readonly rejectCodes: NamesDiff;
  readonly endpoints: NamesDiff;
  readonly transforms: NamesDiff;
  readonly correlations: NamesDiff;
  /** Every pool of either configuration. */
  readonly pools: readonly PoolDiff[];
  readonly routes: readonly RouteDiff[];
  /** The greatest `movedShare` of a pool; 0 where there is none. */
  readonly movedShareMax: number;
}

interface Named {
  readonly name: string;
}

/**
 * What changes from one configuration to another. Both must be ones that `check` accepts.
 * Synchronous and pure; time grows with the number of rules that are not the same objects.
 */
export function diffRouters(before: RouterIr, after: RouterIr): RouterDiff {
  const pools = diffPools(before, after);
  return {
    settings: diffSettings(before, after),
    schemas: diffSchemas(before, after),
    rejectCodes: diffTexts(codeTexts(before), codeTexts(after)),
    endpoints: diffTexts(endpointTexts(before), endpointTexts(after)),
    transforms: diffTransforms(before, after),
    correlations: diffNamed(before.correlations ?? [], after.correlations ?? [], (correlation) =>
      textOf(before, correlation),
    ),
    pools,
    routes: diffRoutes(before, after),
    movedShareMax: Math.max(0, ...pools.map(({ movedShare }) => movedShare)),
  };
}

const settings = ['name', 'threading', 'idle', 'cpu', 'sampleEvery', 'drainTimeoutMs'] as const;

function diffSettings(before: RouterIr, after: RouterIr): readonly string[] {
  return settings.filter((name) => settingText(before, name) !== settingText(after, name));
}

function settingText(ir: RouterIr, name: (typeof settings)[number]): string {
  const { threading } = ir;
  if (name !== 'threading' || threading.model !== 'map') return JSON.stringify(ir[name]);
  const named = threading.workers.map(({ endpoints, ...worker }) => {
    return { ...worker, endpoints: endpoints.map((index) => ir.endpoints[index]?.name) };
  });
  return JSON.stringify(named);
}

function diffNamed<Item extends Named>(
  before: readonly Item[],
  after: readonly Item[],
  text: (item: Item) => string,
): NamesDiff {
  const old = new Map(before.map((item) => [item.name, item]));
  const names = new Set(after.map(({ name }) => name));
  const isChanged = (item: Item): boolean => {
    const was = old.get(item.name);
    return was !== undefined && was !== item && text(was) !== text(item);
  };
  return {
    added: after.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    removed: before.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    changed: after.filter(isChanged).map(({ name }) => name),
  };
}

interface Text extends Named {
  readonly text: string;
}

function diffTexts(before: readonly Text[], after: readonly Text[]): NamesDiff {
  return diffNamed(before, after, ({ text }) => text);
}

function codeTexts({ rejectCodes }: RouterIr): Text[] {
  return Object.entries(rejectCodes).map(([name, code]) => ({ name, text: String(code) }));
}

function endpointTexts(ir: RouterIr): Text[] {
  return ir.endpoints.map(({ name, kind, options, control = null, family }) => {
    const { discriminator = null, size = null, members = [] } = ir.families[family] ?? {};
    const carried = members.map((member) => ir.schemas[member]?.name).sort();
    const messages = { carried, discriminator, size };
    return { name, text: textOf(ir, { kind, options, control, messages }) };
  });
}

/** Versions of a message have one name: they are compared together. */
function diffSchemas(before: RouterIr, after: RouterIr): NamesDiff {
  // Those of a live change, which has no schemas of its own.
  if (before.schemas === after.schemas) return { added: [], removed: [], changed: [] };
  return diffTexts(
    grouped(before.schemas, (one) => textOf(before, one)),
    grouped(after.schemas, (one) => textOf(after, one)),
  );
}

/** One text for all of a name, in whatever order they come. */
function grouped<Item extends Named>(items: readonly Item[], text: (item: Item) => string): Text[] {
  const texts = new Map<string, string[]>();
  for (const item of items) texts.set(item.name, [...(texts.get(item.name) ?? []), text(item)]);
  return [...texts].map(([name, all]) => ({ name, text: all.sort().join() }));
}

/** Names of transforms need not be unique: those of one name are compared together. */
function diffTransforms(before: RouterIr, after: RouterIr): NamesDiff {
  const texts = (ir: RouterIr): Text[] =>
    grouped(ir.transforms, ({ from, to, outputs, plugin = null }) => {
      const written = outputs.map(({ field, ...output }) => ({
        into: ir.schemas[to]?.fields[field]?.name,
        as: textOf(ir, output, from),
      }));
      return JSON.stringify([ir.schemas[from]?.name, ir.schemas[to]?.name, written, plugin]);
    });
  return diffTexts(texts(before), texts(after));
}

function diffPools(before: RouterIr, after: RouterIr): PoolDiff[] {
  const old = new Map(before.pools.map((pool) => [pool.name, pool]));
  const names = new Set(after.pools.map(({ name }) => name));
  const gone = before.pools.filter(({ name }) => !names.has(name));
  return [
    ...after.pools.map((pool) => diffPool(before, old.get(pool.name), after, pool)),
    ...gone.map((pool) => diffPool(before, pool, after, undefined)),
  ];
}

function diffRoutes(before: RouterIr, after: RouterIr): RouteDiff[] {
  const old = new Map(before.routes.map((route) => [route.name, route]));
  const names = new Set(after.routes.map(({ name }) => name));
  const found: RouteDiff[] = [];
  for (const route of after.routes) {
    const was = old.get(route.name);
    const rules = diffRules(before, was, after, route);
    const parts = was === undefined ? [] : changedParts(before, was, after, route);
    const isSame = parts.length === 0 && Object.values(rules).every(({ length }) => length === 0);
    if (was !== undefined && isSame) continue;
    const change = was === undefined ? 'added' : 'changed';
    found.push({ route: route.name, change, parts, rules });
  }
  for (const route of before.routes) {
    if (names.has(route.name)) continue;
    const rules = diffRules(before, route, after, undefined);
    found.push({ route: route.name, change: 'removed', parts: [], rules });
  }
  return found;
}

function changedParts(
  before: RouterIr,
  was: RouteIr,
  after: RouterIr,
  route: RouteIr,
): readonly string[] {
  if (was === route && before.endpoints === after.endpoints) return [];
  const old = partsOf(before, was);
  return Object.entries(partsOf(after, route))
    .filter(([part, text]) => old[part] !== text)
    .map(([part]) => part);
}

/** What a route consists of besides its rules, as text. */
function partsOf(ir: RouterIr, route: RouteIr): Readonly<Record<string, string>> {
  const { schema, table, lookup } = route;
  const text = (value: unknown): string => textOf(ir, value ?? null, schema);
  return {
    mode: route.mode ?? 'first',
    schema: schema === null ? 'raw' : (ir.schemas[schema]?.name ?? ''),
    sources: route.sources
      .map((source) => ir.endpoints[source]?.name)
      .sort()
      .join(),
    checks: text(route.checks),
    rejects: text(route.reject),
    lookup: text(lookup),
    table: table === undefined ? '' : text(table.dimensions) + cellsText(ir, route),
  };
}

/** Rules of a table have no condition: what a cell says is where its rule sends. */
function cellsText(ir: RouterIr, { table, rules, schema }: RouteIr): string {
  const actions = rules.map(({ action }) => textOf(ir, action, schema));
  return (table?.cells ?? []).map((rule) => actions[rule]).join();
}
