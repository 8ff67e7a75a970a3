// What `hyperroute diff` says of a change besides that there is one.
import { conditionText } from '../compiler/analysis/condition-text.js';
import type { ChangedRule, RouterDiff, RuleReference } from '../compiler/diff.js';
import type { EndpointIr, RouteIr, RouterIr } from '../compiler/ir.js';
import { bytesOfKey, raptorPublicKey } from '../endpoints/raptor-keys.js';
import {
  correlationValues,
  familyValues,
  flat,
  poolValues,
  routeValues,
  ruleValues,
  schemaValues,
  transformValues,
  type Values,
} from './diff-values.js';

/** A value of an option, or of what an option comes to; null: there was none. */
export interface ChangedValue {
  /** Such as `host` or `queue.full`. */
  readonly option: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Conditions of a rule that has another one than before. */
export interface ChangedCondition {
  readonly before: string;
  readonly after: string;
}

type ByName = Readonly<Record<string, readonly ChangedValue[]>>;

/** What has changed of what is there in both. */
export interface Details {
  readonly settings: readonly ChangedValue[];
  readonly schemas: ByName;
  readonly rejectCodes: ByName;
  readonly endpoints: ByName;
  readonly transforms: ByName;
  readonly correlations: ByName;
  readonly pools: ByName;
  /** What routes say besides their rules. */
  readonly routes: ByName;
  /** By route, then one for each rule that is not the same; null: it has the same condition. */
  readonly conditions: Readonly<Record<string, readonly (ChangedCondition | null)[]>>;
  /** By route, then for each rule that is not the same: what it does otherwise. */
  readonly actions: Readonly<Record<string, readonly (readonly ChangedValue[])[]>>;
}

/** What distinguishes the parts that `difference` says have changed. */
export function detailsOf(before: RouterIr, after: RouterIr, difference: RouterDiff): Details {
  const { schemas, rejectCodes, endpoints, transforms, correlations, pools, routes } = difference;
  const compare = (names: readonly string[], read: (ir: RouterIr, name: string) => Values) =>
    Object.fromEntries(
      names.map((name) => [name, changedValues(read(before, name), read(after, name))]),
    );
  const changedPools = pools.filter(({ change }) => change === 'changed');
  const changedRoutes = routes.filter(({ change }) => change === 'changed');
  const rulesOf = <Change>(judge: (route: string, rule: ChangedRule) => Change) =>
    Object.fromEntries(
      routes.map(({ route, rules }) => [route, rules.changed.map((rule) => judge(route, rule))]),
    );
  return {
    settings: changedSettings(before, after, difference),
    schemas: Object.fromEntries(
      Object.entries(compare(schemas.changed, schemasOf)).map(([name, values]) => {
        return [name, withoutConsequences(values)] as const;
      }),
    ),
    rejectCodes: compare(rejectCodes.changed, (ir, name) => {
      return new Map([['number', String(ir.rejectCodes[name] ?? '')]]);
    }),
    endpoints: compare(endpoints.changed, optionsOf),
    transforms: compare(transforms.changed, transformsOf),
    correlations: compare(correlations.changed, (ir, name) => {
      const correlation = named(ir.correlations ?? [], name);
      return correlation === undefined ? new Map() : correlationValues(correlation);
    }),
    pools: compare(
      changedPools.map(({ pool }) => pool),
      (ir, name) => {
        const pool = named(ir.pools, name);
        return pool === undefined ? new Map() : poolValues(ir, pool);
      },
    ),
    routes: compare(
      changedRoutes.map(({ route }) => route),
      (ir, name) => {
        const route = named(ir.routes, name);
        return route === undefined ? new Map() : routeValues(ir, route);
      },
    ),
    conditions: rulesOf((route, rule) => changedCondition(before, after, route, rule)),
    actions: rulesOf((route, rule) =>
      changedValues(actionOf(before, route, rule.before), actionOf(after, route, rule.after)),
    ),
  };
}

function named<Item extends { readonly name: string }>(
  items: readonly Item[],
  name: string,
): Item | undefined {
  return items.find((item) => item.name === name);
}

/** Several transforms may have one name: each is told apart by its place among them. */
function transformsOf(ir: RouterIr, name: string): Values {
  const all = ir.transforms.filter((transform) => transform.name === name);
  return numbered(all.map((transform) => transformValues(ir, transform)));
}

/** So are versions of a message. */
function schemasOf(ir: RouterIr, name: string): Values {
  return numbered(ir.schemas.filter((schema) => schema.name === name).map(schemaValues));
}

/** Where fields have changed, what follows from them need not be said. */
function withoutConsequences(values: readonly ChangedValue[]): readonly ChangedValue[] {
  const plain = values.filter(({ option }) => !/^(\d+\. )?(initial$|view\.)/.test(option));
  return plain.length > 0 ? plain : values;
}

function numbered(all: readonly Values[]): Values {
  const [only, ...more] = all;
  if (only !== undefined && more.length === 0) return only;
  return new Map(
    all.flatMap((values, index) =>
      [...values].map(([option, value]) => [`${index + 1}. ${option}`, value] as const),
    ),
  );
}

/** Every setting of the router that is not the same. */
function changedSettings(
  before: RouterIr,
  after: RouterIr,
  { settings }: RouterDiff,
): readonly ChangedValue[] {
  const chosen = (ir: RouterIr) =>
    new Map(settings.flatMap((setting) => [...flat(setting, settingOf(ir, setting))]));
  return changedValues(chosen(before), chosen(after));
}

/** A setting with names of endpoints in place of their indices. */
function settingOf(ir: RouterIr, setting: string): unknown {
  const { threading } = ir;
  if (setting !== 'threading' || threading.model !== 'map') return ir[setting as keyof RouterIr];
  const workers = threading.workers.map(({ name, endpoints, ...worker }) => {
    const names = endpoints.map((index) => ir.endpoints[index]?.name ?? '?');
    return [name, { endpoints: names, ...worker }] as const;
  });
  return { model: 'map', ...Object.fromEntries(workers) };
}

/** The conditions of a rule, where they are not the same. */
function changedCondition(
  before: RouterIr,
  after: RouterIr,
  route: string,
  rule: ChangedRule,
): ChangedCondition | null {
  const was = conditionOf(before, route, rule.before);
  const is = conditionOf(after, route, rule.after);
  return was === is ? null : { before: was, after: is };
}

function conditionOf(ir: RouterIr, name: string, { index }: RuleReference): string {
  const route = named(ir.routes, name);
  const when = route?.rules[index]?.when;
  const schema = ir.schemas[route?.schema ?? -1];
  if (when === undefined || when === null || schema === undefined) return 'always';
  return conditionText(when, schema);
}

function actionOf(ir: RouterIr, name: string, { index }: RuleReference): Values {
  const route: RouteIr | undefined = named(ir.routes, name);
  const rule = route?.rules[index];
  return route === undefined || rule === undefined ? new Map() : ruleValues(ir, route, rule);
}

function optionsOf(ir: RouterIr, name: string): Values {
  const endpoint = named(ir.endpoints, name);
  if (endpoint === undefined) return new Map();
  const { kind, options, control, family } = endpoint;
  return new Map([
    ...flat('kind', kind),
    ...flat('', withoutSecrets(options)),
    ...flat('', control ?? {}),
    ...familyValues(ir, family),
  ]);
}

/** A private key is shown as its public half, which says as well whether it is another one. */
function withoutSecrets(options: EndpointIr['options']): EndpointIr['options'] {
  const { keys } = options;
  if (typeof keys !== 'string') return options;
  const isKey = bytesOfKey('private', keys) !== null;
  return { ...options, keys: isKey ? `of ${raptorPublicKey(keys)}` : 'no key' };
}

function changedValues(before: Values, after: Values): readonly ChangedValue[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((option) => ({
      option,
      before: before.get(option) ?? null,
      after: after.get(option) ?? null,
    }))
    .filter((change) => change.before !== change.after);
}
