// `defineRouter`: a whole configuration, from the objects of the routing language to checked IR.
import { buildParts } from '../compiler/build.js';
import { check } from '../compiler/check.js';
import { type Route, type RouteNode, routeOf } from '../compiler/dsl/route.js';
import { type AnyEndpoint, EndpointNode } from '../compiler/dsl/targets.js';
import { type Validation, type ValidationNode, validationOf } from '../compiler/dsl/validate.js';
import type { IdleIr, RouterIr, ThreadingIr } from '../compiler/ir.js';
import { endpointCountMax, routeCountMax, workerCountMax } from '../compiler/limits.js';
import type { SourcePlace } from '../errors.js';
import { checkName, OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';

/** A worker of an explicit threading map. */
export interface WorkerOptions {
  readonly name: string;
  /** The endpoints it serves; each endpoint of the router has exactly one worker. */
  readonly endpoints: readonly AnyEndpoint[];
  /** CPU it is pinned to; none by default. */
  readonly cpu?: number;
  /** What it does when there is nothing to do; the router's `idle` by default. */
  readonly idle?: IdleIr;
}

/**
 * `inline`: the caller polls. `shared`: one worker for everything. `dedicated`: a worker for each
 * endpoint. Or the workers one by one.
 */
export type ThreadingOptions =
  | 'inline'
  | 'shared'
  | 'dedicated'
  | { readonly workers: readonly WorkerOptions[] };

export interface RouterOptions {
  /** Names the router in tables and its counters file; default 'router'. */
  readonly name?: string;
  readonly endpoints: readonly AnyEndpoint[];
  readonly routes: readonly Route[];
  readonly validate?: readonly Validation[];
  /** Which threads do the work; default 'shared'. */
  readonly threading?: ThreadingOptions;
  /** What workers do when there is nothing to do; default 'block': spin shortly, then sleep. */
  readonly idle?: IdleIr;
  /** CPU of the worker of `shared`. */
  readonly cpu?: number;
  /** In-router latency is recorded for one message in this many; 0: never. Default 64. */
  readonly sampleEvery?: number;
  /** How long messages of removed endpoints and of a closing router may leave; default 5000. */
  readonly drainTimeoutMs?: number;
}

const idles: readonly IdleIr[] = ['spin', 'yield', 'backoff', 'block'];
const cpuMax = 4095;
const sampleEveryMax = 2 ** 31 - 1;
const drainTimeoutMsMax = 3_600_000;

/**
 * Compiles a configuration into plain, checked data, which `HyperRoute.start` runs and the
 * `hyperroute` command loads from a file's default export. Synchronous; opens nothing; on any
 * thread. Throws HyperRouteError (ERR_CONFIG, ERR_SCHEMA, ERR_ROUTE …) that names the option, what
 * was expected, what was given, and where.
 *
 * @example
 * ```ts
 * const echo = udp('echo', { port: 9000 });
 * export default defineRouter({
 *   endpoints: [echo],
 *   routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
 * });
 * ```
 */
export function defineRouter(options: RouterOptions): RouterIr {
  const place = callerPlace();
  const reader = new OptionReader(options, 'router', place, 'ERR_CONFIG');
  const endpoints = readEndpoints(reader);
  const idle = reader.choice('idle', idles, 'block');
  const settings = {
    version: 1,
    name: checkName(reader.raw('name') ?? 'router', 'router.name', 'ERR_CONFIG', place),
    threading: readThreading(reader, endpoints, idle),
    idle,
    cpu: reader.optionalInteger('cpu', 0, cpuMax),
    sampleEvery: reader.integer('sampleEvery', 0, sampleEveryMax, 64),
    drainTimeoutMs: reader.integer('drainTimeoutMs', 0, drainTimeoutMsMax, 5000),
    position: place,
  } as const;
  const parts = buildParts({
    endpoints,
    routes: readRoutes(reader, place),
    validations: readValidations(reader, place),
    place,
  });
  reader.done();
  const ir: RouterIr = { ...settings, ...parts };
  check(ir);
  return deepFreeze(ir);
}

function readList(
  reader: OptionReader,
  name: string,
  countMin: number,
  countMax: number,
): unknown[] {
  const list = reader.raw(name) ?? [];
  if (Array.isArray(list) && list.length >= countMin && list.length <= countMax) return list;
  const received = Array.isArray(list) ? `${list.length} of them` : list;
  throw reader.error(name, `an array of ${countMin} to ${countMax} ${name}`, received);
}

function readEndpoints(reader: OptionReader): EndpointNode[] {
  return readList(reader, 'endpoints', 1, endpointCountMax).map((endpoint, index) => {
    if (endpoint instanceof EndpointNode) return endpoint;
    throw reader.error(`endpoints[${index}]`, 'an endpoint such as udp(…)', endpoint);
  });
}

function readRoutes(reader: OptionReader, place: SourcePlace): RouteNode[] {
  const list = readList(reader, 'routes', 1, routeCountMax);
  return list.map((route, index) => routeOf(route, `router.routes[${index}]`, place));
}

function readValidations(reader: OptionReader, place: SourcePlace): ValidationNode[] {
  const list = readList(reader, 'validate', 0, routeCountMax);
  return list.map((entry, index) => validationOf(entry, `router.validate[${index}]`, place));
}

function readThreading(
  reader: OptionReader,
  endpoints: readonly EndpointNode[],
  idle: IdleIr,
): ThreadingIr {
  const models = ['inline', 'shared', 'dedicated'] as const;
  const given = reader.raw('threading') ?? 'shared';
  const model = models.find((candidate) => candidate === given);
  if (model !== undefined) return { model };
  if (typeof given !== 'object' || given === null) {
    const expected = "'inline', 'shared', 'dedicated' or { workers: [ … ] }";
    throw reader.error('threading', expected, given);
  }
  const map = reader.nested('threading');
  const list = readList(map, 'workers', 1, workerCountMax);
  map.done();
  return {
    model: 'map',
    workers: list.map((worker, index) => {
      const path = `${map.path}.workers[${index}]`;
      const options = new OptionReader(worker, path, reader.place, 'ERR_CONFIG');
      const read = {
        name: checkName(options.raw('name'), `${path}.name`, 'ERR_CONFIG', reader.place),
        endpoints: readWorkerEndpoints(options, endpoints),
        cpu: options.optionalInteger('cpu', 0, cpuMax),
        idle: options.choice('idle', idles, idle),
      };
      options.done();
      return read;
    }),
  };
}

function readWorkerEndpoints(reader: OptionReader, endpoints: readonly EndpointNode[]): number[] {
  return readList(reader, 'endpoints', 1, endpointCountMax).map((endpoint, at) => {
    const index = endpoints.indexOf(endpoint as EndpointNode);
    if (index >= 0) return index;
    throw reader.error(`endpoints[${at}]`, 'an endpoint that is listed in `endpoints`', endpoint);
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
