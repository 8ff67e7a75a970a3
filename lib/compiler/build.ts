// From the objects of the routing language to the IR: everything gets an index, every name its
// number. A pure function of its input; `check` judges the result.
import { type RejectCodeName, rejectCodes } from '../codes.js';
import { optionError, type SourcePlace } from '../errors.js';
import type { AnySchema } from '../schema/schema.js';
import { raw } from '../schema/union.js';
import { codeReferences, transformCodes } from './build-codes.js';
import { correlationIr } from './build-correlations.js';
import { routeNames } from './build-names.js';
import { strategyIr } from './build-pools.js';
import { familyIr, membersOf, schemaIrs } from './build-schemas.js';
import { type CodeReference, numberCodes } from './dsl/codes.js';
import type { CorrelationNode, LookupNode, OpenNode } from './dsl/correlate.js';
import type { ConversionNode, OutputNode, PlannedAbsence, PlannedOutput } from './dsl/plan.js';
import type { RouteNode } from './dsl/route.js';
import type { ActionNode, RuleNode, TapNode } from './dsl/rules.js';
import {
  EndpointNode,
  type Messages,
  type PoolNode,
  SpecialTarget,
  type TargetNode,
} from './dsl/targets.js';
import type { TransformNode } from './dsl/transform.js';
import type { ValidationNode } from './dsl/validate.js';
import type {
  AbsentIr,
  ActionIr,
  CheckIr,
  ConversionIr,
  EndpointIr,
  LookupIr,
  OpenIr,
  OutputIr,
  PoolIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SchemaIr,
  TapIr,
  TargetIr,
  TransformIr,
  ValueIr,
} from './ir.js';
import { Numbering } from './numbering.js';

/** The parts of a router that are objects of the routing language. */
export interface RouterParts {
  readonly endpoints: readonly EndpointNode[];
  readonly validations: readonly ValidationNode[];
  readonly routes: readonly RouteNode[];
  readonly place: SourcePlace;
}

export type BuiltParts = Pick<
  RouterIr,
  | ('schemas' | 'families' | 'endpoints' | 'pools' | 'transforms' | 'routes' | 'rejectCodes')
  | 'correlations'
>;

/** A transform without a router around it. */
export type BuiltTransform = Pick<
  RouterIr,
  'schemas' | 'transforms' | 'rejectCodes' | 'correlations'
>;

const messageTypes = new WeakMap<readonly SchemaIr[], readonly AnySchema[]>();

/** The message types that `schemas` was made from, in its order; undefined: made elsewhere. */
export function messageTypesOf({ schemas }: RouterIr): readonly AnySchema[] | undefined {
  return messageTypes.get(schemas);
}

class Builder {
  readonly #parts: RouterParts;
  readonly #schemas = new Numbering<AnySchema>();
  readonly #families = new Numbering<Messages>();
  readonly #endpoints = new Numbering<EndpointNode>();
  readonly #pools = new Numbering<PoolNode>();
  readonly #transforms = new Numbering<TransformNode>();
  readonly #correlations = new Numbering<CorrelationNode>();
  #codes: ReadonlyMap<string, number> = new Map();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  build(): BuiltParts {
    const { endpoints, routes } = this.#parts;
    this.#families.indexOf(raw);
    for (const [index, endpoint] of endpoints.entries()) this.#addEndpoint(endpoint, index);
    this.#checkValidations();
    this.#codes = numberCodes([...codeReferences(this.#parts.validations, routes)]);
    const names = routeNames(routes);
    const routeIrs = routes.map((route, index) => this.#route(route, index, names[index] ?? ''));
    // Transforms name schemas and correlations, so they are turned into IR before those are.
    const transforms = this.#transforms.nodes.map((transform) => this.#transform(transform));
    const correlations = this.#correlations.nodes.map(correlationIr);
    return {
      transforms,
      ...(correlations.length === 0 ? {} : { correlations }),
      endpoints: this.#endpoints.nodes.map((endpoint) => this.#endpoint(endpoint)),
      families: this.#families.nodes.map((family) => familyIr(family, this.#schemas)),
      pools: this.#pools.nodes.map((pool) => this.#pool(pool)),
      routes: routeIrs,
      schemas: this.#schemaIrs(),
      rejectCodes: Object.fromEntries(this.#codes),
    };
  }

  #schemaIrs(): readonly SchemaIr[] {
    const made = schemaIrs(this.#schemas.nodes);
    messageTypes.set(made, [...this.#schemas.nodes]);
    return made;
  }

  /** A transform by itself, with the schemas and the codes that it needs. */
  buildTransform(transform: TransformNode): BuiltTransform {
    this.#codes = numberCodes([...transformCodes(transform)]);
    const transforms = [this.#transform(transform)];
    const schemas = schemaIrs(this.#schemas.nodes);
    const rejectCodes = Object.fromEntries(this.#codes);
    const correlations = this.#correlations.nodes.map(correlationIr);
    return { schemas, transforms, rejectCodes, correlations };
  }

  #addEndpoint(endpoint: EndpointNode, index: number): void {
    if (this.#endpoints.has(endpoint)) {
      const option = `endpoints[${index}]`;
      const expected = 'each endpoint once';
      throw optionError('ERR_CONFIG', option, expected, endpoint.name, endpoint.place);
    }
    this.#endpoints.indexOf(endpoint);
    this.#families.indexOf(endpoint.messages);
    for (const schema of membersOf(endpoint.messages)) this.#schemas.indexOf(schema);
  }

  #checkValidations(): void {
    const { routes, validations } = this.#parts;
    validations.forEach((validation, index) => {
      if (routes.some(({ schema }) => schema === validation.schema)) return;
      const expected = `a schema that a route serves`;
      const option = `validate[${index}]`;
      throw optionError('ERR_ROUTE', option, expected, validation.schema.name, validation.place);
    });
  }

  #codeOf(reference: CodeReference): number {
    const { name } = reference;
    if (Object.hasOwn(rejectCodes, name)) return rejectCodes[name as RejectCodeName];
    return this.#codes.get(name) ?? 0;
  }

  #route(route: RouteNode, index: number, name: string): RouteIr {
    const { schema } = route;
    const option = `routes[${index}]`;
    const checks = this.#parts.validations.filter((validation) => validation.schema === schema);
    return {
      name,
      mode: route.mode,
      schema: schema === null ? null : this.#schemas.indexOf(schema),
      sources: this.#sources(route, option),
      checks: checks.flatMap((validation) =>
        validation.checks.map((check): CheckIr => {
          const { condition, built } = check;
          const [code = 0, ...more] = [check.code, ...check.moreCodes].map((c) => this.#codeOf(c));
          const moreCodes = more.length === 0 ? {} : { moreCodes: more };
          return { condition, code, ...moreCodes, position: built.place };
        }),
      ),
      rules: route.rules.map((rule, at) => this.#rule(rule, at, option)),
      ...(route.table === null ? {} : { table: route.table }),
      ...(route.lookup === null ? {} : { lookup: this.#lookup(route.lookup) }),
      reject:
        route.rejects === null
          ? null
          : this.#action(route.rejects, `${option}.rejects`, route.place),
      position: route.place,
    };
  }

  #sources(route: RouteNode, option: string): number[] {
    const place = route.place;
    if (route.from !== null) {
      return route.from.map((endpoint, at) => {
        return this.#known(endpoint, `${option}.from[${at}]`, place);
      });
    }
    const { schema } = route;
    return this.#parts.endpoints.flatMap((endpoint, index) => {
      const members = membersOf(endpoint.messages);
      const isServed = schema === null ? endpoint.messages === raw : members.includes(schema);
      return isServed ? [index] : [];
    });
  }

  #known(endpoint: EndpointNode, option: string, place: SourcePlace): number {
    if (this.#endpoints.has(endpoint)) return this.#endpoints.indexOf(endpoint);
    const expected = 'an endpoint that is listed in `endpoints`';
    throw optionError('ERR_CONFIG', option, expected, endpoint.name, place);
  }

  #rule(rule: RuleNode, index: number, option: string): RuleIr {
    const place = rule.built.place;
    const { start } = rule;
    const at = `${option}.${start.kind === 'cell' ? `decision(${start.cell})` : `rules[${index}]`}`;
    const action = this.#action(rule.action, at, place);
    const name = `${index}: ${targetText(rule.action.target)}`;
    const { taps, isBestEffort, priority, open, closes } = rule.manner;
    return {
      name,
      when: start.when,
      action,
      ...(taps.length === 0 ? {} : { taps: this.#taps(taps, at, place) }),
      ...(isBestEffort ? { bestEffort: true } : {}),
      ...(priority === 0 ? {} : { priority }),
      ...(open === null ? {} : { open: this.#open(open) }),
      ...(closes ? { closes } : {}),
      position: place,
    };
  }

  #lookup({ correlation, by, fields }: LookupNode): LookupIr {
    return { correlation: this.#correlations.indexOf(correlation), by, fields };
  }

  #open({ correlation, key, saved }: OpenNode): OpenIr {
    return { correlation: this.#correlations.indexOf(correlation), key, saved };
  }

  #taps(taps: readonly TapNode[], option: string, place: SourcePlace): TapIr[] {
    const at = (index: number): string => `${option}.taps[${index}]`;
    return taps.map((tap, index) => ({
      ...tap,
      action: this.#action(tap.action, at(index), place),
    }));
  }

  #action({ transform, target }: ActionNode, option: string, place: SourcePlace): ActionIr {
    return {
      transform: transform === null ? null : this.#transforms.indexOf(transform),
      target: this.#target(target, `${option}.to`, place),
    };
  }

  #target(target: TargetNode, option: string, place: SourcePlace): TargetIr {
    if (target instanceof EndpointNode) {
      return { kind: 'endpoint', endpoint: this.#known(target, option, place) };
    }
    if (target instanceof SpecialTarget) {
      const { kind, ref, correlation } = target;
      if (kind === 'return-field') return { kind, field: ref?.index ?? 0 };
      if (
        correlation === null ||
        (kind !== 'correlated-source' && kind !== 'correlated-destination')
      )
        return { kind } as TargetIr;
      return { kind, correlation: this.#correlations.indexOf(correlation) };
    }
    for (const list of ['members', 'failover'] as const) {
      target[list].forEach((endpoint, at) => {
        this.#known(endpoint, `pools.${target.name}.${list}[${at}]`, target.place);
      });
    }
    return { kind: 'pool', pool: this.#pools.indexOf(target) };
  }

  #transform(transform: TransformNode): TransformIr {
    const { name, from, to, place, plugin } = transform;
    const codes = plugin?.codes.map((code) => this.#codeOf(code)) ?? [];
    return {
      name,
      from: this.#schemas.indexOf(from),
      to: this.#schemas.indexOf(to),
      outputs: transform.outputs.map((output) => this.#output(output)),
      ...(plugin === null ? {} : { plugin: { call: plugin.call, codes } }),
      position: place,
    };
  }

  #output({ field, value, rangeCode, absent }: PlannedOutput): OutputIr {
    return {
      field,
      value: this.#value(value),
      rangeCode: this.#codeOf(rangeCode),
      ...(absent === null ? {} : { absent: this.#absence(absent) }),
    };
  }

  #value(value: OutputNode): ValueIr {
    if (value.kind === 'map') return this.#conversion(value);
    if (value.kind === 'correlation-id' || value.kind === 'found-id') {
      return { ...value, correlation: this.#correlations.indexOf(value.correlation) };
    }
    if (value.kind === 'saved') {
      const correlation = this.#correlations.indexOf(value.correlation);
      return { kind: 'saved', correlation, value: this.#conversion(value.value) };
    }
    if (value.kind !== 'group') return value;
    return { ...value, outputs: value.outputs.map((output) => this.#output(output)) };
  }

  #conversion(value: ConversionNode): ConversionIr {
    return value.kind === 'map' ? { ...value, code: this.#codeOf(value.code) } : value;
  }

  #absence(absent: PlannedAbsence): AbsentIr {
    return absent.kind === 'reject' ? { kind: 'reject', code: this.#codeOf(absent.code) } : absent;
  }

  #endpoint({ name, kind, messages, options, place, control }: EndpointNode): EndpointIr {
    const family = this.#families.indexOf(messages);
    const endpoint = { name, kind, family, options, position: place };
    return control === undefined ? endpoint : { ...endpoint, control };
  }

  #pool(node: PoolNode): PoolIr {
    const { name, members, weights, ids, failover, control, place } = node;
    const taken = members.map((member, at) => {
      const id = ids[at];
      const endpoint = this.#endpoints.indexOf(member);
      return { endpoint, weight: weights[at] ?? 1, ...(id === undefined ? {} : { id }) };
    });
    return {
      name,
      strategy: strategyIr(node, this.#schemas),
      members: taken,
      ...(failover.length === 0
        ? {}
        : { failover: failover.map((endpoint) => this.#endpoints.indexOf(endpoint)) }),
      ...control,
      position: place,
    };
  }
}

function targetText(target: TargetNode): string {
  return target instanceof SpecialTarget ? target.kind : target.name;
}

/** Turns the parts of a router into IR. Throws HyperRouteError for what cannot be expressed. */
export function buildParts(parts: RouterParts): BuiltParts {
  return new Builder(parts).build();
}

/** Turns a transform alone into IR. */
export function buildTransform(transform: TransformNode): BuiltTransform {
  const nothing = { endpoints: [], validations: [], routes: [], place: transform.place };
  return new Builder(nothing).buildTransform(transform);
}
