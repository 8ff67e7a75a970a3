// Routes: `route.first(schema, (o) => [when(…).via(…).to(…), otherwise.to(…)], options)`. The rules
// themselves are in rules.ts.

import { optionError, type SourcePlace, Words } from '../../errors.js';
import { collection } from '../../schema/collection.js';
import { checkName, OptionReader } from '../../schema/options.js';
import { type AnySchema, isSchema, type NameOf } from '../../schema/schema.js';
import { type Raw, raw } from '../../schema/union.js';
import type { DecisionTableIr } from '../ir.js';
import { rulesPerRouteMax } from '../limits.js';
import { type Capture, capture, currentCapture, noteUsed, placeHere } from './capture.js';
import { LookupNode } from './correlate.js';
import type { Lookup } from './correlate-types.js';
import { refsOf } from './refs.js';
import type { Action, Rule } from './rule-types.js';
import { ActionNode, RuleNode, StartNode, ViaNode } from './rules.js';
import { type AnyEndpoint, EndpointNode, targetOf } from './targets.js';
import type { Destination, RawName, Refs, Source } from './types.js';

export { ActionNode, always, otherwise, RuleNode, via, when } from './rules.js';

/** Runtime form of Route. */
export class RouteNode {
  readonly mode: 'first' | 'unique' | 'all';
  readonly name: string | null;
  readonly schema: AnySchema | null;
  readonly rules: readonly RuleNode[];
  /** null: every endpoint that carries the schema. */
  readonly from: readonly EndpointNode[] | null;
  readonly rejects: ActionNode | null;
  /** Decides instead of the rules' conditions. */
  readonly table: DecisionTableIr | null;
  /** What is found before the rules are asked. */
  readonly lookup: LookupNode | null;
  readonly place: SourcePlace;

  constructor(parts: Omit<RouteNode, 'constructor'>) {
    this.mode = parts.mode;
    this.name = parts.name;
    this.schema = parts.schema;
    this.rules = parts.rules;
    this.from = parts.from;
    this.rejects = parts.rejects;
    this.table = parts.table;
    this.lookup = parts.lookup;
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

/** The same of a message type whose fields a lookup can read. */
export interface LookupOptions<S extends AnySchema> extends RouteOptions<NameOf<S>> {
  /**
   * What is found before the rules are asked: `(r) => orders.byId(r.clOrdId)`. Where nothing is,
   * NOT_CORRELATED rejects the message.
   */
  readonly lookup?: (message: Refs<S>) => Lookup;
}

/** The signatures of `route.first`, `route.unique` and `route.all`. */
interface Define {
  <S extends AnySchema>(
    schema: S,
    rules: (message: Refs<S>) => readonly Rule<NameOf<S>>[],
    options?: LookupOptions<S>,
  ): Route;
  (messages: Raw, rules: () => readonly Rule<RawName>[], options?: RouteOptions<RawName>): Route;
}

function definer(mode: RouteNode['mode']): Define {
  return (messages: unknown, rules: unknown, options: unknown = {}): Route => {
    const place = placeHere();
    const schema = isSchema(messages) ? messages : null;
    if (schema === null && messages !== raw) {
      throw optionError('ERR_ROUTE', `route.${mode}`, 'a schema or `raw`', messages, place);
    }
    const subject = `route ${schema?.name ?? 'raw'}`;
    if (typeof rules !== 'function') {
      throw optionError('ERR_ROUTE', `${subject}.rules`, 'a function', rules, place);
    }
    const nodes = capture(
      subject,
      (run) => rules(schema === null ? Object.freeze({}) : refsOf(schema, run)) as unknown,
      (returned, run) => takeRules(returned, run, mode, subject, place),
      'all',
    );
    return makeRoute({ mode, schema, rules: nodes, table: null, place }, options, subject);
  };
}

/** A route of rules that were taken already, with what its options say. */
export function makeRoute(
  parts: Pick<RouteNode, 'mode' | 'schema' | 'rules' | 'table' | 'place'>,
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
    lookup: readLookup(reader, parts.schema, subject),
  });
  reader.done();
  return node as unknown as Route;
}

function takeRules(
  returned: unknown,
  run: Capture,
  mode: RouteNode['mode'],
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
    checkMode(rule, mode, option);
    noteUsed(rule.built, option);
    return rule;
  });
}

/** Words that mean something in some routes only. */
function checkMode(rule: RuleNode, mode: RouteNode['mode'], option: string): void {
  const { kind } = rule.start;
  const { place } = rule.built;
  if (mode === 'all' && kind === 'otherwise') {
    const expected = 'always.to(…): of `all` no rule comes instead of another';
    throw optionError('ERR_ROUTE', option, expected, new Words('otherwise'), place);
  }
  if (mode !== 'all' && kind === 'always') {
    const expected = '`otherwise`: `always` is for route.all';
    throw optionError('ERR_ROUTE', option, expected, new Words('always'), place);
  }
  if (mode !== 'all' && rule.manner.isBestEffort) {
    const expected = 'bestEffort() in route.all only, where other rules go on without the copy';
    throw optionError(
      'ERR_ROUTE',
      option,
      expected,
      new Words(`bestEffort() in route.${mode}`),
      place,
    );
  }
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
  if (given instanceof ViaNode) {
    const expected = 'an action that ends with .to(destination)';
    throw reader.error('rejects', expected, new Words('one without it'));
  }
  if (given instanceof RuleNode || given instanceof StartNode) {
    const expected = 'a destination or via(…).to(…): no rule is asked about a rejected message';
    throw reader.error('rejects', expected, new Words('a rule'));
  }
  return new ActionNode(null, targetOf(given, `${reader.path}.rejects`, reader.place));
}

function readLookup(
  reader: OptionReader,
  schema: AnySchema | null,
  subject: string,
): LookupNode | null {
  const given = reader.raw('lookup');
  if (given === undefined) return null;
  if (schema === null) {
    throw reader.error('lookup', 'no lookup: raw messages have no fields', given);
  }
  if (typeof given !== 'function') {
    throw reader.error('lookup', 'a function such as (r) => orders.byId(r.id)', given);
  }
  return capture(
    `${subject}.lookup`,
    (run) => given(refsOf(schema, run)) as unknown,
    (returned) => {
      if (returned instanceof LookupNode) return returned;
      throw reader.error('lookup', 'orders.byId(…) or orders.byKey(…)', returned);
    },
    'none',
  );
}

/**
 * Routes say where messages go. `route.first(schema, (o) => [rules], { from, rejects })`: the
 * callback gets the fields of the message in hand and returns rules; it runs while the route is
 * being defined, more than once, never per message. Throws HyperRouteError ERR_ROUTE with the
 * position of the mistake.
 *
 * - `first`: the first rule whose condition holds sends the message.
 * - `unique`: the same, of rules that never hold together; two that do are an ERR_ROUTE_OVERLAP,
 *   with a message for which they do.
 * - `all`: each rule that holds sends the message; all of them or, when one of their destinations
 *   has no room, none, except those that say `.bestEffort()`.
 *
 * When no rule holds, NO_ROUTE rejects the message. A route with a `lookup` finds what a rule with
 * `.opens(…)` has remembered: the message that this one belongs to.
 *
 * @example
 * ```ts
 * route.first(NewOrder, (o) => [
 *   when(o.qty.gte(10_000)).via(toVenue).to(block),
 *   otherwise.via(toVenue).to(venues),
 * ], { from: clients, rejects: via(toReject).to(returnTo(source)) });
 * ```
 */
export const route = collection('route', 'a way to decide', 'ERR_ROUTE', {
  first: definer('first'),
  unique: definer('unique'),
  all: definer('all'),
});

/** The route behind a value. Throws when it is none. */
export function routeOf(value: unknown, option: string, place: SourcePlace): RouteNode {
  if (value instanceof RouteNode) return value;
  throw optionError('ERR_ROUTE', option, 'a route such as route.first(…)', value, place);
}
