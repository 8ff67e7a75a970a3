// What `hyperroute diff` says of a change besides that there is one.
import { conditionText } from '../compiler/analysis/condition-text.js';
import type { RouterDiff, RuleReference } from '../compiler/diff.js';
import type { EndpointIr, RouterIr } from '../compiler/ir.js';

/** A value of an endpoint's option or of a router's setting; null: it was not given. */
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

/** Every option of an endpoint that is not the same in both configurations. */
export function changedOptions(
  before: RouterIr,
  after: RouterIr,
  name: string,
): readonly ChangedValue[] {
  const named = ({ endpoints }: RouterIr) => endpoints.find((each) => each.name === name);
  return changedValues(optionsOf(named(before)), optionsOf(named(after)));
}

/** Every setting of the router that is not the same. */
export function changedSettings(
  before: RouterIr,
  after: RouterIr,
  { settings }: RouterDiff,
): readonly ChangedValue[] {
  const chosen = (ir: RouterIr) =>
    new Map(settings.flatMap((setting) => [...flat(setting, ir[setting as keyof RouterIr])]));
  return changedValues(chosen(before), chosen(after));
}

/** The conditions of a rule, where they are not the same. */
export function changedCondition(
  before: RouterIr,
  after: RouterIr,
  route: string,
  rule: { readonly before: RuleReference; readonly after: RuleReference },
): ChangedCondition | null {
  const was = conditionOf(before, route, rule.before);
  const is = conditionOf(after, route, rule.after);
  return was === is ? null : { before: was, after: is };
}

function conditionOf(ir: RouterIr, name: string, { index }: RuleReference): string {
  const route = ir.routes.find((each) => each.name === name);
  const when = route?.rules[index]?.when;
  const schema = ir.schemas[route?.schema ?? -1];
  if (when === undefined || when === null || schema === undefined) return 'always';
  return conditionText(when, schema);
}

function optionsOf(endpoint: EndpointIr | undefined): Map<string, string> {
  if (endpoint === undefined) return new Map();
  const { kind, options, control } = endpoint;
  return new Map([...flat('kind', kind), ...flat('', options), ...flat('', control ?? {})]);
}

/** Each value that is no object, by the names that lead to it. */
function* flat(name: string, value: unknown): Generator<[string, string]> {
  if (value === null || value === undefined) return;
  if (typeof value !== 'object') {
    yield [name, String(value)];
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    yield* flat(name === '' ? key : `${name}.${key}`, inner);
  }
}

function changedValues(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly ChangedValue[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((option) => ({
      option,
      before: before.get(option) ?? null,
      after: after.get(option) ?? null,
    }))
    .filter((change) => change.before !== change.after);
}
