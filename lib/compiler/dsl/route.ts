// Routes: `route.first(schema, (o) => [when(…).via(…).to(…), otherwise.to(…)], options)`.
import { optionError, type SourcePlace } from '../../errors.js';
import { checkName, isRecord, OptionReader } from '../../schema/options.js';
import { type AnySchema, isSchema, type NameOf } from '../../schema/schema.js';
import { type Raw, raw } from '../../schema/union.js';
import type { ConditionIr, DecisionTableIr } from '../ir.js';
import { rulesPerRouteMax } from '../limits.js';
import {
  type Built,
  type Capture,
  capture,
  currentCapture,
  noteBuilt,
  noteUsed,
  placeHere,
} from './capture.js';
import { useCondition } from './expressions.js';
import { refsOf } from './refs.js';
import { type AnyEndpoint, EndpointNode, isTarget, type TargetNode, targetOf } from './targets.js';
import { TransformNode } from './transform.js';
import type {
  Action,
  ActionVia,
  Condition,
  Destination,
  RawName,
  Refs,
  Rule,
  RuleStart,
  Source,
  Transform,
} from './types.js';

/** Runtime form of Action. */
export class ActionNode {
  readonly transform: TransformNode | null;
  readonly target: TargetNode;

  constructor(transform: TransformNode | null, target: TargetNode) {
    this.transform = transform;
    this.target = target;
  }
}

/** Runtime form of Rule. */
export class RuleNode {
  readonly when: ConditionIr | null;
  readonly action: ActionNode;
  readonly built: Built;
  /** Of `decide`: the first combination that has the rule, for names and errors. */
  readonly cell: string | null;

  constructor(
    when: ConditionIr | null,
    action: ActionNode,
    built: Built,
    cell: string | null = null,
  ) {
    this.when = when;
    this.action = action;
    this.built = built;
    this.cell = cell;
  }
}

/** Runtime form of Route. */
export class RouteNode {
  readonly name: string | null;
  readonly schema: AnySchema | null;
  readonly rules: readonly RuleNode[];
  /** null: every endpoint that carries the schema. */
  readonly from: readonly EndpointNode[] | null;
  readonly rejects: ActionNode | null;
  /** Decides instead of the rules' conditions. */
  readonly table: DecisionTableIr | null;
  readonly place: SourcePlace;

  constructor(parts: Omit<RouteNode, 'constructor'>) {
    this.name = parts.name;
    this.schema = parts.schema;
    this.rules = parts.rules;
    this.from = parts.from;
    this.rejects = parts.rejects;
    this.table = parts.table;
    this.place = parts.place;
  }
}

declare const routeBrand: unique symbol;

/** A route, for the `routes` of `defineRouter`. */
export interface Route {
  readonly [routeBrand]: true;
}

/** What a route serves besides its rules. */
export interface RouteOptions<Name extends string> {
  /** The endpoints whose messages it serves; every one that carries the schema by default. */
  readonly from?: (AnyEndpoint & Source<Name>) | readonly (AnyEndpoint & Source<Name>)[];
  /** Where rejected messages go; without it they are counted by code and dropped. */
  readonly rejects?: Action<Name> | Destination<Name>;
  /** A name for tables and metrics; the schema's by default. */
  readonly name?: string;
}

function makeRule(
  when: ConditionIr | null,
  transform: TransformNode | null,
  destination: unknown,
): RuleNode {
  const place = placeHere();
  const target = targetOf(destination, 'to', place);
  const built = noteBuilt(currentCapture('to'), 'rule', place);
  return new RuleNode(when, new ActionNode(transform, target), built);
}

function transformOf(value: unknown): TransformNode {
  if (value instanceof TransformNode) return value;
  throw optionError('ERR_ROUTE', 'via', 'a transform', value, placeHere());
}

function ruleStart(when: ConditionIr | null): RuleStart {
  const start = {
    via: (given: unknown) => {
      const transform = transformOf(given);
      return { to: (destination: unknown) => makeRule(when, transform, destination) };
    },
    to: (destination: unknown) => makeRule(when, null, destination),
  };
  return Object.freeze(start) as unknown as RuleStart;
}

/**
 * Starts a rule that applies when the condition holds; several conditions must all hold. Uses
 * them up. Inside the callback of a route only.
 */
export function when(...conditions: readonly [Condition, ...Condition[]]): RuleStart {
  const terms = conditions.map((condition) => useCondition(condition, 'when'));
  const [first] = terms;
  if (first === undefined) {
    throw optionError('ERR_ROUTE', 'when', 'at least one condition', 'none', placeHere());
  }
  return ruleStart(terms.length === 1 ? first : { kind: 'and', terms });
}

/** Starts the rule that applies when none before it did; the last one of its route. */
export const otherwise: RuleStart = ruleStart(null);

/** For `rejects`: transforms a rejected message on its way to a destination. */
export function via<From extends string, To extends string>(
  transform: Transform<From, To>,
): ActionVia<From, To> {
  const node = transformOf(transform);
  // A function of `decide` may get here a million times: its place is looked up for errors only.
  const to = (destination: unknown): ActionNode =>
    new ActionNode(
      node,
      isTarget(destination) ? destination : targetOf(destination, 'rejects.to', placeHere()),
    );
  return Object.freeze({ to }) as unknown as ActionVia<From, To>;
}

/** The first rule whose condition holds decides; when none does, NO_ROUTE rejects the message. */
function first<S extends AnySchema>(
  schema: S,
  rules: (message: Refs<S>) => readonly Rule<NameOf<S>>[],
  options?: RouteOptions<NameOf<S>>,
): Route;
function first(
  messages: Raw,
  rules: () => readonly Rule<RawName>[],
  options?: RouteOptions<RawName>,
): Route;
function first(messages: unknown, rules: unknown, options: unknown = {}): Route {
  const place = placeHere();
  const schema = isSchema(messages) ? messages : null;
  if (schema === null && messages !== raw) {
    throw optionError('ERR_ROUTE', 'route.first', 'a schema or `raw`', messages, place);
  }
  const subject = `route ${schema?.name ?? 'raw'}`;
  if (typeof rules !== 'function') {
    throw optionError('ERR_ROUTE', `${subject}.rules`, 'a function', rules, place);
  }
  const nodes = capture(
    subject,
    (run) => rules(schema === null ? Object.freeze({}) : refsOf(schema, run)) as unknown,
    (returned, run) => takeRules(returned, run, subject, place),
    'all',
  );
  return makeRoute({ schema, rules: nodes, table: null, place }, options, subject);
}

/** A route of rules that were taken already, with what its options say. */
export function makeRoute(
  parts: Pick<RouteNode, 'schema' | 'rules' | 'table' | 'place'>,
  options: unknown,
  subject: string,
): Route {
  const { place } = parts;
  const reader = new OptionReader(options, subject, place, 'ERR_ROUTE');
  const name = reader.raw('name');
  const node = new RouteNode({
    ...parts,
    name: name === undefined ? null : checkName(name, `${subject}.name`, 'ERR_ROUTE', place),
    from: readFrom(reader),
    rejects: readRejects(reader),
  });
  reader.done();
  return node as unknown as Route;
}

function takeRules(
  returned: unknown,
  run: Capture,
  subject: string,
  place: SourcePlace,
): RuleNode[] {
  if (!Array.isArray(returned)) {
    throw optionError('ERR_ROUTE', `${subject}.rules`, 'an array of rules', returned, place);
  }
  if (returned.length < 1 || returned.length > rulesPerRouteMax) {
    const expected = `1 to ${rulesPerRouteMax} rules`;
    throw optionError('ERR_ROUTE', `${subject}.rules`, expected, returned.length, place);
  }
  return returned.map((rule: unknown, index) => {
    const option = `${subject}.rules[${index}]`;
    if (!(rule instanceof RuleNode)) {
      const expected = 'a rule such as when(…).to(…) or otherwise.to(…)';
      throw optionError('ERR_ROUTE', option, expected, rule, place);
    }
    currentCapture(option, run);
    noteUsed(rule.built, option);
    return rule;
  });
}

function readFrom(reader: OptionReader): readonly EndpointNode[] | null {
  const given = reader.raw('from');
  if (given === undefined) return null;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw reader.error('from', 'at least one endpoint', given);
  return list.map((endpoint) => {
    if (endpoint instanceof EndpointNode) return endpoint;
    throw reader.error('from', 'an endpoint, or an array of them', endpoint);
  });
}

function readRejects(reader: OptionReader): ActionNode | null {
  const given = reader.raw('rejects');
  if (given === undefined) return null;
  if (given instanceof ActionNode) return given;
  if (isRecord(given) && 'to' in given && typeof given.to === 'function') {
    throw reader.error('rejects', 'an action that ends with .to(destination)', 'one without it');
  }
  return new ActionNode(null, targetOf(given, `${reader.path}.rejects`, reader.place));
}

/**
 * Routes say where messages go. `route.first(schema, (o) => [rules], { from, rejects })`: the
 * callback gets the fields of the message in hand and returns rules; it runs while the route is
 * being defined, more than once, never per message. Throws HyperRouteError ERR_ROUTE with the
 * position of the mistake.
 *
 * @example
 * ```ts
 * route.first(NewOrder, (o) => [
 *   when(o.qty.gte(10_000)).via(toVenue).to(block),
 *   otherwise.via(toVenue).to(venues),
 * ], { from: clients, rejects: via(toReject).to(returnTo(source)) });
 * ```
 */
export const route = Object.freeze({ first });

/** The route behind a value. Throws when it is none. */
export function routeOf(value: unknown, option: string, place: SourcePlace): RouteNode {
  if (value instanceof RouteNode) return value;
  throw optionError('ERR_ROUTE', option, 'a route such as route.first(…)', value, place);
}
