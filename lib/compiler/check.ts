// Judges a whole configuration. IR may come from JavaScript, from a file or from another version,
// so nothing is taken on trust that the builders have seen to already. Pure.

import { rejectCodes, rejectCodeUserMax, rejectCodeUserMin } from '../codes.js';
import { type HyperRouteError, optionError } from '../errors.js';
import { checkControl, checkInFlight } from './check-control.js';
import { checkCorrelations, checkOutstanding } from './check-correlations.js';
import { checkFrames } from './check-frames.js';
import { checkNames } from './check-names.js';
import { checkPools } from './check-pools.js';
import { checkRoutes } from './check-routes.js';
import { checkSchemas } from './check-schemas.js';
import { checkTransforms } from './check-transforms.js';
import { checkUnique } from './check-unique.js';
import { Findings } from './findings.js';
import type { RouterIr } from './ir.js';
import { endpointCountMax, workerCountMax } from './limits.js';

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** Of endpoints: also those that stand for a host name at one address. */
const endpointPattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}(@[0-9A-Fa-f.:[\]]{3,48})?$/;
const kinds = ['udp', 'tcp-listen', 'tcp-connect', 'raptor-listen', 'raptor-connect', 'memory'];
const models = ['inline', 'shared', 'dedicated', 'map'];
const idles = ['spin', 'yield', 'backoff', 'block'];
const arrays = ['schemas', 'families', 'endpoints', 'pools', 'transforms', 'routes'] as const;

/**
 * Everything wrong with a configuration, up to a hundred errors in the order in which it was
 * written. Pure; empty for one that can be emitted and run.
 */
export function findErrors(ir: RouterIr): readonly HyperRouteError[] {
  const findings = new Findings();
  if (!checkShape(ir, findings)) return findings.errors;
  try {
    checkSettings(ir, findings);
    checkSchemas(ir, findings);
    checkEndpoints(ir, findings);
    checkNames(ir, findings);
    checkPools(ir, findings);
    checkTransforms(ir, findings);
    checkRoutes(ir, findings);
    checkThreading(ir, findings);
    checkInFlight(ir, findings);
    checkCorrelations(ir, findings);
    checkOutstanding(ir, findings);
    // Proofs start from a configuration that is sound.
    if (findings.errors.length === 0) checkUnique(ir, findings);
  } catch (error) {
    // Data of another shape than the IR's ends a pass in one of these; that is a finding too.
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    findings.add('ERR_CONFIG', 'router', 'a configuration made by defineRouter', error.message);
  }
  return findings.errors;
}

/** Throws the first error of `findErrors`; returns when there is none. */
export function check(ir: RouterIr): void {
  const [first] = findErrors(ir);
  if (first !== undefined) throw first;
}

function checkShape(ir: unknown, findings: Findings): ir is RouterIr {
  const expected = 'a configuration made by defineRouter';
  if (typeof ir !== 'object' || ir === null) {
    findings.add('ERR_CONFIG', 'router', expected, ir);
    return false;
  }
  const router = ir as Readonly<Record<string, unknown>>;
  if (!findings.need(router.version === 1, 'ERR_CONFIG', 'version', '1', router.version)) {
    return false;
  }
  return arrays.every((name) =>
    findings.need(Array.isArray(router[name]), 'ERR_CONFIG', name, 'an array', router[name]),
  );
}

function checkSettings(ir: RouterIr, findings: Findings): void {
  const { position } = ir;
  const range = (name: 'sampleEvery' | 'drainTimeoutMs', high: number): void => {
    const value = ir[name];
    const isMet = Number.isInteger(value) && value >= 0 && value <= high;
    findings.need(isMet, 'ERR_CONFIG', name, `an integer from 0 to ${high}`, value, position);
  };
  const isNamed = namePattern.test(ir.name);
  findings.need(isNamed, 'ERR_CONFIG', 'name', 'a name', ir.name, position);
  range('sampleEvery', 2 ** 31 - 1);
  range('drainTimeoutMs', 3_600_000);
  const isIdle = idles.includes(ir.idle);
  findings.need(isIdle, 'ERR_CONFIG', 'idle', `one of ${idles.join(', ')}`, ir.idle, position);
  const codes = new Set<number>();
  for (const [name, code] of Object.entries(ir.rejectCodes)) {
    const option = `rejectCodes.${name}`;
    const isFree = !codes.has(code) && !Object.hasOwn(rejectCodes, name);
    const isUser = Number.isInteger(code) && code >= rejectCodeUserMin && code <= rejectCodeUserMax;
    const expected = `a code of its own, from ${rejectCodeUserMin} to ${rejectCodeUserMax}`;
    findings.need(isFree && isUser, 'ERR_ROUTE', option, expected, code, position);
    codes.add(code);
  }
}

function checkEndpoints(ir: RouterIr, findings: Findings): void {
  const { endpoints, families } = ir;
  const count = endpoints.length;
  const isBounded = count >= 1 && count <= endpointCountMax;
  const expected = `1 to ${endpointCountMax} endpoints`;
  findings.need(isBounded, 'ERR_CONFIG', 'endpoints', expected, count, ir.position);
  findings.unique(endpoints, 'endpoints', 'ERR_CONFIG');
  for (const [index, endpoint] of endpoints.entries()) {
    const { name, kind, family, options, position } = endpoint;
    const path = `endpoints[${index}]`;
    const isNamed = endpointPattern.test(name);
    findings.need(isNamed, 'ERR_CONFIG', `${path}.name`, 'a name', name, position);
    const isKind = kinds.includes(kind);
    findings.need(
      isKind,
      'ERR_CONFIG',
      `${path}.kind`,
      `one of ${kinds.join(', ')}`,
      kind,
      position,
    );
    findings.index(family, families.length, `${path}.family`, 'families', position);
    const isObject = typeof options === 'object' && options !== null;
    findings.need(isObject, 'ERR_CONFIG', `${path}.options`, 'an object', options, position);
    if (isObject) {
      checkFrames(ir, endpoint, findings);
      checkControl(endpoint, path, findings);
    }
  }
}

function checkThreading(ir: RouterIr, findings: Findings): void {
  const { threading, endpoints, position } = ir;
  const isModel = models.includes(threading.model);
  findings.need(
    isModel,
    'ERR_CONFIG',
    'threading',
    `one of ${models.join(', ')}`,
    threading,
    position,
  );
  if (ir.cpu !== null) {
    const isShared = threading.model === 'shared';
    const expected = "no value unless threading is 'shared'";
    findings.need(isShared, 'ERR_CONFIG', 'cpu', expected, ir.cpu, position);
  }
  if (threading.model === 'dedicated') {
    const isBounded = endpoints.length <= workerCountMax;
    const expected = `another model for more than ${workerCountMax} endpoints`;
    const received = `'dedicated' for ${endpoints.length}`;
    findings.need(isBounded, 'ERR_CONFIG', 'threading', expected, received, position);
  }
  if (threading.model !== 'map') return;
  const count = threading.workers.length;
  const isBounded = count >= 1 && count <= workerCountMax;
  const text = `1 to ${workerCountMax} workers`;
  findings.need(isBounded, 'ERR_CONFIG', 'threading.workers', text, count, position);
  findings.unique(threading.workers, 'threading.workers', 'ERR_CONFIG');
  const owners = new Map<number, string>();
  for (const [index, worker] of threading.workers.entries()) {
    const path = `threading.workers[${index}].endpoints`;
    for (const endpoint of worker.endpoints) {
      if (!findings.index(endpoint, endpoints.length, path, 'endpoints', position)) continue;
      const owner = owners.get(endpoint);
      const expected = `an endpoint that ${owner} does not serve already`;
      const name = endpoints[endpoint]?.name;
      findings.need(owner === undefined, 'ERR_CONFIG', path, expected, name, position);
      owners.set(endpoint, worker.name);
    }
  }
  const orphan = endpoints.find((_, index) => !owners.has(index));
  if (orphan === undefined) return;
  const expected = 'a worker for every endpoint';
  findings.add('ERR_CONFIG', 'threading.workers', expected, `none for ${orphan.name}`, position);
}

/** Throws ERR_CONFIG unless the value has the outer shape of a configuration. */
export function assertRouterIr(value: unknown): asserts value is RouterIr {
  const findings = new Findings();
  if (checkShape(value, findings)) return;
  throw findings.errors[0] ?? optionError('ERR_CONFIG', 'router', 'a configuration', value);
}
