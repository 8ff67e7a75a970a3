// Checks of correlations: what they keep, who opens them, who asks them, and that one worker does
// all of it.
import { Words } from '../errors.js';
import { integerFacts, isIntegerType } from '../schema/model.js';
import { poolEndpoints } from './check-pools.js';
import { keptWords } from './emit-correlations.js';
import type { Findings } from './findings.js';
import type {
  ActionIr,
  CorrelationIr,
  LookupIr,
  OpenIr,
  OutputIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SavedIr,
  SourcePosition,
} from './ir.js';
import {
  correlationBytesMax,
  correlationCapacityMax,
  correlationCountMax,
  correlationKeyWordsMax,
  correlationSavedWordsMax,
  correlationTimeoutMsMax,
} from './limits.js';

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

export function checkCorrelations(ir: RouterIr, findings: Findings): void {
  const { correlations = [] } = ir;
  const bound = `at most ${correlationCountMax} correlations`;
  const isBounded = Array.isArray(correlations) && correlations.length <= correlationCountMax;
  const count = Array.isArray(correlations) ? correlations.length : correlations;
  if (!findings.need(isBounded, 'ERR_ROUTE', 'correlations', bound, count)) return;
  findings.unique(correlations, 'correlations', 'ERR_ROUTE');
  for (const correlation of correlations) checkTable(correlation, findings);
  for (const [index, route] of ir.routes.entries()) {
    new RouteCorrelations(ir, route, `routes[${index}]`, findings).run();
  }
  for (const [index, correlation] of correlations.entries()) {
    checkUses(ir, index, correlation, findings);
    checkWorkers(ir, index, correlation, findings);
  }
}

function checkTable(correlation: CorrelationIr, findings: Findings): void {
  const { name, capacity, timeoutMs, full, key, saved, position } = correlation;
  const path = `correlations.${name}`;
  const need = (isMet: boolean, option: string, expected: string, received: unknown): boolean =>
    findings.need(isMet, 'ERR_ROUTE', `${path}.${option}`, expected, received, position);
  const within = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  const range = (most: number): string => `an integer from 1 to ${most}`;
  need(namePattern.test(name), 'name', 'a name', name);
  const isSized = within(capacity, correlationCapacityMax);
  need(isSized, 'capacity', range(correlationCapacityMax), capacity);
  const isTimed = within(timeoutMs, correlationTimeoutMsMax);
  need(isTimed, 'timeout', range(correlationTimeoutMsMax), timeoutMs);
  const isPolicy = full === 'reject' || full === 'evict-oldest';
  need(isPolicy, 'full', `'reject' or 'evict-oldest'`, full);
  const lists = [
    ['key', key, correlationKeyWordsMax],
    ['saved', saved, correlationSavedWordsMax],
  ] as const;
  for (const [option, fields, wordsMax] of lists) {
    const odd = fields.find((field) => !isKeepable(field));
    const types = `integers, and text or bytes of 1 to ${correlationBytesMax} bytes`;
    if (!need(odd === undefined, `${option}.${odd?.name}`, types, odd)) continue;
    findings.unique(fields, `${path}.${option}`, 'ERR_ROUTE');
    const words = keptWords(fields);
    need(words <= wordsMax, option, `at most ${wordsMax} words of 8 bytes`, words);
  }
}

function isKeepable({ type, bytes, pad }: SavedIr): boolean {
  if (isIntegerType(type)) return integerFacts[type].bytes === bytes && pad === undefined;
  const isPad = pad === undefined || pad === 'zero' || pad === 'space';
  const isSized = Number.isInteger(bytes) && bytes >= 1 && bytes <= correlationBytesMax;
  return type === 'bytes' && isSized && isPad;
}

/** Which correlations the outputs of a transform need to have been opened, or to be found. */
function needsOf(outputs: readonly OutputIr[]): { opened: number[]; found: number[] } {
  const needs = { opened: [] as number[], found: [] as number[] };
  for (const { value } of outputs) {
    if (value.kind === 'correlation-id') needs.opened.push(value.correlation);
    if (value.kind === 'saved' || value.kind === 'found-id') needs.found.push(value.correlation);
  }
  return needs;
}

/** Everything that a route says about correlations. */
class RouteCorrelations {
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
    const { lookup, rules, reject, position, mode } = this.#route;
    if (lookup !== undefined) this.#lookup(lookup);
    for (const [index, rule] of rules.entries()) {
      const path = `${this.#path}.rules[${index}]`;
      this.#rule(rule, path);
      const actions = [rule.action, ...(rule.taps ?? []).map((tap) => tap.action)];
      for (const action of actions) this.#action(action, rule.open, path, rule.position);
    }
    if (reject !== null) this.#reject(reject, position);
    const openCount = rules.filter(({ open }) => open !== undefined).length;
    if (mode !== 'all' || openCount <= 1) return;
    this.#add(this.#path, 'at most one rule that opens, where all send', openCount, position);
  }

  #add(option: string, expected: string, received: unknown, position: SourcePosition): void {
    this.#findings.add('ERR_ROUTE', option, expected, received, position);
  }

  #correlation(index: number, option: string, position: SourcePosition): CorrelationIr | null {
    const { correlations = [] } = this.#ir;
    const count = correlations.length;
    if (!this.#findings.index(index, count, option, 'correlations', position)) return null;
    return correlations[index] ?? null;
  }

  #lookup({ correlation: index, by, fields }: LookupIr): void {
    const { position } = this.#route;
    const option = `${this.#path}.lookup`;
    const correlation = this.#correlation(index, option, position);
    if (correlation === null) return;
    if (by === 'key') {
      if (correlation.key.length === 0) {
        this.#add(option, 'a correlation with a key', correlation.name, position);
      }
      this.#fields(fields, correlation.key, option, position);
      return;
    }
    if (by !== 'id') this.#add(option, `'id' or 'key'`, by, position);
    const id: SavedIr = { name: 'id', type: 'u64', bytes: 8 };
    this.#fields(fields, [id], option, position);
  }

  /** Fields of the message in hand, as many and of the types that are wanted. */
  #fields(
    indices: readonly number[],
    wanted: readonly SavedIr[],
    option: string,
    position: SourcePosition,
  ): void {
    const schema = this.#ir.schemas[this.#route.schema ?? -1];
    if (indices.length !== wanted.length) {
      this.#add(option, `${wanted.length} fields`, indices.length, position);
      return;
    }
    for (const [at, { name, type, bytes, pad, max }] of wanted.entries()) {
      const field = schema?.fields[indices[at] ?? -1];
      const isSame = field?.type === type && field.bytes === bytes && field.pad === pad;
      const isThere = field?.presence === undefined;
      const isSafe = max === undefined || field?.max !== undefined;
      if (isSame && isThere && isSafe) continue;
      const expected = `a field that every message has, like ${name} (${type}, ${bytes} bytes)`;
      const received = field && new Words(`${field.name} (${field.type})`);
      this.#add(`${option}.${name}`, expected, received, position);
    }
  }

  #rule({ open, closes, action, bestEffort, position }: RuleIr, path: string): void {
    const hasLookup = this.#route.lookup !== undefined;
    const isKnown = closes === undefined || typeof closes === 'boolean';
    if (!isKnown || (closes === true && !hasLookup)) {
      this.#add(`${path}.closes`, 'a route with a lookup', closes, position);
    }
    if (open === undefined) return;
    const option = `${path}.opens`;
    const correlation = this.#correlation(open.correlation, option, position);
    if (correlation === null) return;
    this.#fields(open.key, correlation.key, `${option}.key`, position);
    this.#fields(open.saved, correlation.saved, `${option}.save`, position);
    const { target } = action;
    const pool = target.kind === 'pool' ? this.#ir.pools[target.pool] : undefined;
    const isOne = target.kind !== 'discard' && pool?.strategy.kind !== 'broadcast';
    if (!isOne) this.#add(option, 'a rule that sends the message to one place', target, position);
    if (bestEffort === true) {
      this.#add(option, 'a rule without bestEffort()', 'bestEffort()', position);
    }
  }

  #action(
    { target, transform }: ActionIr,
    open: OpenIr | undefined,
    path: string,
    position: SourcePosition,
  ): void {
    const { correlations = [], transforms } = this.#ir;
    const found = this.#route.lookup?.correlation;
    const nameOf = (index: number): string => correlations[index]?.name ?? `${index}`;
    const needLookup = (index: number, option: string): void => {
      if (index === found) return;
      const expected = `a route whose lookup is in ${nameOf(index)}`;
      const received = found === undefined ? 'no lookup' : `a lookup in ${nameOf(found)}`;
      this.#add(option, expected, new Words(received), position);
    };
    if (target.kind === 'correlated-source' || target.kind === 'correlated-destination') {
      needLookup(target.correlation, `${path}.to`);
    }
    const needs = needsOf(transforms[transform ?? -1]?.outputs ?? []);
    for (const index of needs.found) needLookup(index, `${path}.via`);
    for (const index of needs.opened) {
      if (index === open?.correlation) continue;
      const expected = `a rule that opens ${nameOf(index)}, whose id the transform writes`;
      const received = open === undefined ? 'no opens(…)' : `opens(${nameOf(open.correlation)})`;
      this.#add(`${path}.via`, expected, new Words(received), position);
    }
  }

  /** A message can be rejected before anything was found, and is never opened. */
  #reject({ target, transform }: ActionIr, position: SourcePosition): void {
    const option = `${this.#path}.rejects`;
    const { opened, found } = needsOf(this.#ir.transforms[transform ?? -1]?.outputs ?? []);
    const isCorrelated =
      target.kind === 'correlated-source' || target.kind === 'correlated-destination';
    if (!isCorrelated && opened.length + found.length === 0) return;
    const expected = 'nothing of a correlation: rejected messages may have found nothing there';
    this.#add(option, expected, isCorrelated ? target.kind : 'its values', position);
  }
}

/** Whether a route opens, or looks up in, a correlation. */
function usesCorrelation({ lookup, rules }: RouteIr, index: number): boolean {
  return lookup?.correlation === index || rules.some(({ open }) => open?.correlation === index);
}

/** The endpoints whose messages a correlation remembers. */
export function sourcesOf({ routes }: RouterIr, correlation: number): readonly number[] {
  const isOpening = ({ open }: RuleIr): boolean => open?.correlation === correlation;
  return routes.flatMap(({ rules, sources }) => (rules.some(isOpening) ? sources : []));
}

/**
 * The endpoints that messages go to which a correlation remembers, as far as rules name them. A
 * rule that opens and sends to where another message went adds what that one may reach.
 */
export function destinationsOf(ir: RouterIr, correlation: number): readonly number[] {
  const found = new Set<number>();
  const seen = new Set<number>();
  const pending = [correlation];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    for (const { rules, sources } of ir.routes) {
      for (const { action, open } of rules) {
        if (open?.correlation !== index) continue;
        for (const endpoint of endpointsOf(ir, action, sources)) found.add(endpoint);
        const { target } = action;
        if (target.kind === 'correlated-destination') pending.push(target.correlation);
      }
    }
  }
  return [...found];
}

function endpointsOf(
  ir: RouterIr,
  { target }: ActionIr,
  sources: readonly number[],
): readonly number[] {
  if (target.kind === 'endpoint') return [target.endpoint];
  if (target.kind === 'return-source') return sources;
  if (target.kind === 'correlated-source') return sourcesOf(ir, target.correlation);
  const pool = target.kind === 'pool' ? ir.pools[target.pool] : undefined;
  return pool === undefined ? [] : poolEndpoints(pool);
}

/** Requests are outstanding where rules remember them: else every member has none, always. */
export function checkOutstanding(ir: RouterIr, findings: Findings): void {
  const waitedFor = new Set((ir.correlations ?? []).flatMap((_, at) => destinationsOf(ir, at)));
  for (const [index, { strategy, members, position }] of ir.pools.entries()) {
    if (!('measure' in strategy) || strategy.measure !== 'outstanding') continue;
    const isCounted = members.some(({ endpoint }) => waitedFor.has(endpoint));
    const option = `pools[${index}].strategy.measure`;
    const expected = "'queue' where no rule that sends to a member opens a correlation";
    findings.need(isCounted, 'ERR_CONFIG', option, expected, strategy.measure, position);
  }
}

function checkUses(
  { routes }: RouterIr,
  index: number,
  { name, position }: CorrelationIr,
  findings: Findings,
): void {
  const isOpened = routes.some(({ rules }) =>
    rules.some(({ open }) => open?.correlation === index),
  );
  const expected = 'a rule with opens(…) for what is looked up';
  findings.need(isOpened, 'ERR_ROUTE', `correlations.${name}`, expected, 'none', position);
}

/** A table belongs to one worker: the one that reads every message that has to do with it. */
function checkWorkers(
  ir: RouterIr,
  index: number,
  { name, position }: CorrelationIr,
  findings: Findings,
): void {
  const using = ir.routes.filter((route) => usesCorrelation(route, index));
  const sources = new Set(using.flatMap((route) => route.sources));
  const workers = new Map<string, number>();
  for (const source of sources) {
    const worker = workerOf(ir, source);
    if (!workers.has(worker)) workers.set(worker, source);
  }
  const [first, second] = [...workers.values()].map((source) => ir.endpoints[source]?.name);
  if (second === undefined) return;
  const expected = 'one worker for all endpoints whose messages open it or look it up';
  const received = `${first} and ${second} on different ones`;
  findings.add('ERR_CONFIG', `correlations.${name}`, expected, new Words(received), position);
}

/** What tells workers apart. */
function workerOf({ threading, endpoints }: RouterIr, endpoint: number): string {
  if (threading.model === 'dedicated') return endpoints[endpoint]?.name ?? '';
  if (threading.model !== 'map') return '';
  return threading.workers.find((worker) => worker.endpoints.includes(endpoint))?.name ?? '';
}
