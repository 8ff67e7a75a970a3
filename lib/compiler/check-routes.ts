// Checks of routes: who serves what, which rules can be reached, and that every destination
// carries the messages that are sent to it.

import { Words } from '../errors.js';
import { checkCondition } from './check-conditions.js';
import { checkCopies } from './check-copies.js';
import { destinationsOf, sourcesOf } from './check-correlations.js';
import { onlyReceives } from './check-frames.js';
import { checkPoolKey, poolEndpoints } from './check-pools.js';
import { fieldRange, isInteger } from './emit-fields.js';
import type { Findings } from './findings.js';
import type {
  ActionIr,
  ConditionIr,
  DecisionTableIr,
  PoolIr,
  RouteIr,
  RouterIr,
  SourcePosition,
  TransformIr,
} from './ir.js';
import {
  checksPerRouteMax,
  routeCountMax,
  rulesPerRouteMax,
  tableCellsMax,
  tableFieldsMax,
} from './limits.js';

export function checkRoutes(ir: RouterIr, findings: Findings): void {
  const { routes } = ir;
  const isBounded = routes.length >= 1 && routes.length <= routeCountMax;
  const expected = `1 to ${routeCountMax} routes`;
  findings.need(isBounded, 'ERR_ROUTE', 'routes', expected, routes.length, ir.position);
  findings.unique(routes, 'routes', 'ERR_ROUTE');
  checkOverlap(ir, findings);
  for (const [index, route] of routes.entries()) {
    new RouteCheck(ir, route, `routes[${index}]`, findings).run();
  }
}

/** A message has at most one route: its source and its schema decide which. */
function checkOverlap(ir: RouterIr, findings: Findings): void {
  const owners = new Map<string, number>();
  for (const [index, { schema, sources, position }] of ir.routes.entries()) {
    for (const source of sources) {
      const key = `${source}/${schema}`;
      const owner = owners.get(key);
      if (owner === undefined) {
        owners.set(key, index);
        continue;
      }
      const messages = schema === null ? 'raw' : ir.schemas[schema]?.name;
      const option = `routes[${index}].from`;
      const { name, position: first } = ir.routes[owner] ?? { name: '' };
      const expected =
        `an endpoint whose messages of this type routes[${owner}] does not serve: ` +
        'a message has one route (join their rules in one, or name other endpoints in `from`)';
      const at = first === undefined ? '' : ` (line ${first.line})`;
      const whose = `route ${name}${at} serves already`;
      const received = `${messages} from ${ir.endpoints[source]?.name}, which ${whose}`;
      findings.add('ERR_ROUTE', option, expected, new Words(received), position);
    }
  }
}

class RouteCheck {
  readonly #ir: RouterIr;
  readonly #route: RouteIr;
  readonly #path: string;
  readonly #findings: Findings;

  constructor(ir: RouterIr, route: RouteIr, path: string, findings: Findings) {
    this.#ir = ir;
    this.#route = route;
    this.#path = path;
    this.#findings = findings;
  }

  run(): void {
    const { schema, position } = this.#route;
    const count = this.#ir.schemas.length;
    const option = `${this.#path}.schema`;
    if (schema !== null && !this.#findings.index(schema, count, option, 'schemas', position))
      return;
    this.#sources();
    this.#checks();
    this.#rules();
    checkCopies(this.#ir, this.#route, this.#path, this.#findings);
    const { reject } = this.#route;
    if (reject !== null) this.#action(reject, `${this.#path}.rejects`, position, true);
  }

  #need(isMet: boolean, option: string, expected: string, received: unknown): boolean {
    const { position } = this.#route;
    return this.#findings.need(isMet, 'ERR_ROUTE', option, expected, received, position);
  }

  #schemaName(schema: number | null): string {
    return schema === null ? 'raw messages' : (this.#ir.schemas[schema]?.name ?? '?');
  }

  #sources(): void {
    const { sources, schema, position } = this.#route;
    const option = `${this.#path}.from`;
    const name = this.#schemaName(schema);
    this.#need(sources.length >= 1, option, `at least one endpoint that carries ${name}`, 'none');
    for (const source of sources) {
      const count = this.#ir.endpoints.length;
      if (!this.#findings.index(source, count, option, 'endpoints', position)) continue;
      const endpoint = this.#ir.endpoints[source];
      const family = this.#ir.families[endpoint?.family ?? 0];
      const members = family?.members ?? [];
      const isCarried = schema === null ? members.length === 0 : members.includes(schema);
      const received = `${endpoint?.name} (${family?.name})`;
      this.#need(isCarried, option, `an endpoint that carries ${name}`, received);
    }
  }

  #checks(): void {
    const { checks, schema } = this.#route;
    const option = `${this.#path}.checks`;
    const isBounded = checks.length <= checksPerRouteMax;
    this.#need(isBounded, option, `at most ${checksPerRouteMax} checks`, checks.length);
    this.#need(schema !== null || checks.length === 0, option, 'no checks of raw messages', 'some');
    for (const [index, { condition, code, moreCodes = [], position }] of checks.entries()) {
      for (const other of moreCodes) this.#findings.code(other, option, position);
      const at = `${option}[${index}]`;
      this.#findings.code(code, at, position);
      this.#condition(condition, at, position);
    }
  }

  #rules(): void {
    const { rules, schema, table } = this.#route;
    const option = `${this.#path}.rules`;
    const isBounded = rules.length >= 1 && rules.length <= rulesPerRouteMax;
    this.#need(isBounded, option, `1 to ${rulesPerRouteMax} rules`, rules.length);
    // The rules of a table have no conditions and no order, those of `all` no order.
    const isOrdered = table === undefined && this.#route.mode !== 'all';
    const last = isOrdered ? rules.findIndex((rule) => rule.when === null) : -1;
    if (table !== undefined) this.#table(table);
    for (const [index, rule] of rules.entries()) {
      const { when, action, position } = rule;
      const at = `${option}[${index}]`;
      if (last >= 0 && index > last) {
        const expected = 'no rule after `otherwise`, which takes every message';
        this.#findings.add('ERR_ROUTE', at, expected, 'a rule that is never reached', position);
      }
      if (when !== null && schema === null) {
        const expected = '`otherwise` only: raw messages have no fields';
        this.#findings.add('ERR_ROUTE', `${at}.when`, expected, 'a condition', position);
      } else if (when !== null) {
        this.#condition(when, `${at}.when`, position);
      }
      this.#action(action, at, position, false);
      for (const [number, tap] of (rule.taps ?? []).entries()) {
        this.#action(tap.action, `${at}.taps[${number}]`, position, false);
      }
    }
  }

  /** A table has a rule, or none, for every combination of the classes of fields it reads. */
  #table({ dimensions, cells }: DecisionTableIr): void {
    const option = `${this.#path}.table`;
    const { schema, rules } = this.#route;
    const fields = this.#ir.schemas[schema ?? -1]?.fields ?? [];
    let count = 1;
    for (const [at, { field: index, starts }] of dimensions.entries()) {
      const field = fields[index];
      const place = `${option}.dimensions[${at}]`;
      if (field === undefined || !isInteger(field)) {
        this.#need(false, place, 'an integer field', field?.type);
        return;
      }
      const [low, high] = fieldRange(field);
      const isAscending = starts.every((start, n) => {
        const before = starts[n - 1] ?? low;
        return typeof start === 'bigint' && start > before && start <= high;
      });
      this.#need(isAscending, place, `ascending values above ${low}, to ${high}`, starts);
      count = Math.min(count * (starts.length + 1), Number.MAX_SAFE_INTEGER);
    }
    const isBounded = dimensions.length <= tableFieldsMax && cells.length <= tableCellsMax;
    const bound = `at most ${tableFieldsMax} fields and ${tableCellsMax} cells`;
    this.#need(isBounded, option, bound, `${dimensions.length} and ${cells.length}`);
    const expected = `a cell for each of ${count} combinations`;
    this.#need(cells.length === count, `${option}.cells`, expected, cells.length);
    const odd = cells.find(
      (cell) => !(Number.isInteger(cell) && cell >= -1 && cell < rules.length),
    );
    this.#need(odd === undefined, `${option}.cells`, `a rule of ${rules.length}, or -1`, odd);
    const isBare = rules.every(({ when }) => when === null);
    this.#need(isBare, option, 'rules without conditions', 'a condition');
  }

  #action(action: ActionIr, path: string, position: SourcePosition, isReject: boolean): void {
    const { schema } = this.#route;
    let leaving = schema;
    if (action.transform !== null) {
      const transform = this.#transform(action.transform, path, position, isReject);
      if (transform === null) return;
      leaving = transform.to;
    }
    this.#target(action, leaving, `${path}.to`, position);
  }

  #transform(
    index: number,
    path: string,
    position: SourcePosition,
    isReject: boolean,
  ): TransformIr | null {
    const option = `${path}.via`;
    const { transforms } = this.#ir;
    const findings = this.#findings;
    if (!findings.index(index, transforms.length, option, 'transforms', position)) return null;
    const transform = transforms[index] as TransformIr;
    const { schema } = this.#route;
    const expected = `a transform of ${this.#schemaName(schema)}`;
    findings.need(
      transform.from === schema,
      'ERR_ROUTE',
      option,
      expected,
      transform.name,
      position,
    );
    const usesCode = transform.outputs.some(({ value }) => value.kind === 'reject-code');
    if (usesCode && !isReject) {
      const text = 'a transform without rejectCode(), which only `rejects` has a value for';
      findings.add('ERR_ROUTE', option, text, transform.name, position);
    }
    return transform;
  }

  #target(
    { target }: ActionIr,
    leaving: number | null,
    option: string,
    position: SourcePosition,
  ): void {
    const { endpoints, pools, schemas } = this.#ir;
    const findings = this.#findings;
    switch (target.kind) {
      case 'discard':
        return;
      case 'endpoint':
        if (findings.index(target.endpoint, endpoints.length, option, 'endpoints', position)) {
          this.#carries([target.endpoint], leaving, option, position);
        }
        return;
      case 'pool':
        if (findings.index(target.pool, pools.length, option, 'pools', position)) {
          const pool = pools[target.pool] as PoolIr;
          this.#carries(poolEndpoints(pool), leaving, option, position);
          const { schema } = this.#route;
          checkPoolKey(pool, schema, this.#schemaName(schema), findings, option, position);
        }
        return;
      case 'return-source':
        this.#carries(this.#route.sources, leaving, option, position);
        return;
      case 'return-field': {
        const fields = this.#route.schema === null ? [] : schemas[this.#route.schema]?.fields;
        const field = fields?.[target.field];
        // What an absent field holds is no address, but it reads like one.
        const isAddress = field?.type === 'u64' && field.presence === undefined;
        const wanted = 'a u64 field that every message has';
        findings.need(isAddress, 'ERR_ROUTE', option, wanted, field?.type, position);
        const takers = endpoints.filter((_, index) => this.#takes(index, leaving));
        const expected = `a message that some endpoint carries`;
        const name = this.#schemaName(leaving);
        findings.need(takers.length > 0, 'ERR_ROUTE', option, expected, name, position);
        return;
      }
      case 'correlated-source':
        this.#carries(sourcesOf(this.#ir, target.correlation), leaving, option, position);
        return;
      case 'correlated-destination':
        this.#carries(destinationsOf(this.#ir, target.correlation), leaving, option, position);
        return;
      default:
        findings.add('ERR_ROUTE', option, 'a target of a known kind', target, position);
    }
  }

  /** Whether an endpoint can be sent messages of a schema; a raw one takes any bytes. */
  #takes(index: number, schema: number | null): boolean {
    const endpoint = this.#ir.endpoints[index];
    if (endpoint !== undefined && onlyReceives(endpoint)) return false;
    const members = this.#ir.families[endpoint?.family ?? 0]?.members ?? [];
    return members.length === 0 || (schema !== null && members.includes(schema));
  }

  #carries(
    destinations: readonly number[],
    schema: number | null,
    option: string,
    position: SourcePosition,
  ): void {
    const stranger = destinations.find((endpoint) => !this.#takes(endpoint, schema));
    if (stranger === undefined) return;
    const endpoint = this.#ir.endpoints[stranger];
    if (endpoint !== undefined && onlyReceives(endpoint)) {
      const expected = 'a destination; with framing.blocks an endpoint only receives';
      this.#findings.add('ERR_CONFIG', option, expected, endpoint.name, position);
      return;
    }
    const family = this.#ir.families[endpoint?.family ?? 0]?.name;
    const expected = `a destination that carries ${this.#schemaName(schema)}`;
    const received = `${endpoint?.name} (${family})`;
    this.#findings.add('ERR_ROUTE', option, expected, received, position);
  }

  #condition(condition: ConditionIr, path: string, position: SourcePosition): void {
    const { schema } = this.#route;
    const fields = schema === null ? [] : (this.#ir.schemas[schema]?.fields ?? []);
    checkCondition(condition, { fields, path, position, findings: this.#findings });
  }
}
