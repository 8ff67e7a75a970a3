// Holds the compiled image, executed by the native step, against the interpreter.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { emitWithReport, type ImageReport } from '../../lib/compiler/emit.js';
import { classMapKinds, matcherKinds, poolKinds } from '../../lib/compiler/emit-format.js';
import {
  decide,
  type InterpreterState,
  initialState,
  interpret,
  settle,
} from '../../lib/compiler/interpret.js';
import type { ConditionIr, FieldIr, RouterIr } from '../../lib/compiler/ir.js';
import { isHyperRouteError } from '../../lib/errors.js';
import { aimAtOpen, passTime } from '../helpers/random-correlation.js';
import { boundaryMessages, type RandomMessage, randomMessage } from '../helpers/random-message.js';
import { randomStateChange } from '../helpers/random-pool.js';
import { type RandomRouter, randomRouter } from '../helpers/random-router.js';
import { range } from '../helpers/random-schema.js';
import { RandomValues } from '../helpers/random-values.js';
import {
  loadImage,
  type NativeRouteImage,
  nativeDecisions,
  packedDecision,
} from '../helpers/route-image.js';

/** Messages decided both ways in a run; a run goes on until there were as many. */
const decisionsMin = 20_000;
/** Configurations at least, and random messages for each besides those at the boundaries. */
const routerCount = Number(process.env.HYPERROUTE_DIFFERENTIAL_ROUTERS ?? 80);
const messagesPerRouter = Number(process.env.HYPERROUTE_DIFFERENTIAL_MESSAGES ?? 120);
/** A few seconds on a machine of one's own; much longer where others compile beside it. */
const timeout = 1000 * Math.max(180, routerCount);
const firstSeed = Number(process.env.HYPERROUTE_SEED ?? 1);

// A plug-in's is not the interpreter's to execute.
const poolStrategies = Object.keys(poolKinds).filter((kind) => kind !== 'plugin');

interface Totals {
  decisions: number;
  /** Configurations that the compiler refuses, since they are too large. */
  overLimit: number;
  /** By how many copies left. */
  readonly copies: Map<number, number>;
  readonly reports: ImageReport[];
  readonly outcomes: Map<string, number>;
  /** What became of the entries of all correlations. */
  readonly entries: Map<string, number>;
}

function* messagesFor(random: RandomValues, router: RandomRouter): Generator<RandomMessage> {
  let left = messagesPerRouter;
  for (const message of boundaryMessages(random, router)) {
    if (left <= -2 * messagesPerRouter) break;
    left -= 1;
    yield message;
  }
  for (let count = 0; count < messagesPerRouter; count += 1) yield randomMessage(random, router);
}

function compareOne(seed: number, totals: Totals): void {
  const random = new RandomValues(seed);
  const router = randomRouter(random);
  const { ir } = router;
  const { image, report } = emitWithReport(ir);
  const native = loadImage(image);
  const start = random.u64();
  const state = initialState(ir, start);
  native.seed(start);
  totals.reports.push(report);
  assertNoFallback(ir, report, seed);
  for (const one of messagesFor(random, router)) {
    const { source, message } = one;
    if (random.chance(8)) randomStateChange(random, state, native);
    if (random.chance(10)) passTime(random, state, native);
    aimAtOpen(random, ir, state, one);
    const returnAddress = random.u64();
    const expected = interpret(ir, state, source, message, returnAddress);
    const actual = native.step(source, message, returnAddress);
    totals.decisions += 1;
    const key = `${expected.decision.outcome} ${expected.rejectCode}`;
    const copies = expected.delivered.filter((sent) => sent !== null).length;
    totals.copies.set(copies, (totals.copies.get(copies) ?? 0) + 1);
    totals.outcomes.set(key, (totals.outcomes.get(key) ?? 0) + 1);
    if (isDeepStrictEqual(actual, expected)) continue;
    const at = `seed ${seed}, endpoint ${source}, message ${Buffer.from(message).toString('hex')}`;
    expect(actual, at).toEqual(expected);
  }
  countEntries(state, native, totals, seed);
}

function countEntries(
  { correlations }: InterpreterState,
  native: NativeRouteImage,
  { entries }: Totals,
  seed: number,
): void {
  const counts = correlations.map((correlation) => correlation.counts);
  expect(native.correlations(), `seed ${seed}`).toEqual(counts);
  for (const [what, count] of counts.flatMap((one) => Object.entries(one))) {
    entries.set(what, (entries.get(what) ?? 0) + count);
  }
}

/** Messages decided both ways, many in one call: what matchers and pools say, without the rest. */
const manyMin = manyDecisions();
const batch = 500;
/** Rules that the interpreter looks at for one configuration: those of many rules get less. */
const rulesLooked = 400_000;

function manyDecisions(): number {
  const given = process.env.HYPERROUTE_DIFFERENTIAL_DECISIONS;
  if (given !== undefined) return Number(given);
  if (process.env.HYPERROUTE_LONG === '1') return 100_000_000;
  const isRequired = process.env.CI === 'true' || process.env.HYPERROUTE_REQUIRE_ALL === '1';
  return isRequired ? 1_000_000 : 100_000;
}

/** The image of a random configuration; null: one of its rules is over a limit, which is named. */
function emitWithinLimits(ir: RouterIr): ReturnType<typeof emitWithReport> | null {
  try {
    return emitWithReport(ir);
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_ROUTE_LIMIT')) return null;
    throw error;
  }
}

/** Decides messages of one random configuration; returns how many. */
function compareMany(seed: number, totals: Totals): number {
  const random = new RandomValues(seed);
  const router = randomRouter(random);
  const { ir } = router;
  const emitted = emitWithinLimits(ir);
  if (emitted === null) {
    totals.overLimit += 1;
    return 0;
  }
  const { image, report } = emitted;
  totals.reports.push(report);
  const native = loadImage(image);
  const start = random.u64();
  const state = initialState(ir, start);
  native.seed(start);
  const ruleCount = ir.routes.reduce((sum, { rules }) => sum + rules.length, 1);
  const wanted = Math.ceil(rulesLooked / ruleCount / batch) * batch;
  const near = boundaryMessages(random, router);
  for (let count = 0; count < wanted; count += batch) {
    // Half of them on and beside the boundaries, as long as there are any.
    const messages = Array.from({ length: batch }, (_none, at) => {
      const next = at % 2 === 0 ? near.next().value : undefined;
      return next ?? randomMessage(random, router);
    });
    for (let change = random.below(4); change > 0; change -= 1) {
      randomStateChange(random, state, native);
    }
    passTime(random, state, native);
    for (const message of messages) aimAtOpen(random, ir, state, message);
    const actual = nativeDecisions(native, messages);
    for (const [at, { source, message }] of messages.entries()) {
      const decision = decide(ir, state, source, message);
      settle(state, decision, BigInt(source));
      const expected = packedDecision(decision);
      if (expected.every((word, place) => word === actual[4 * at + place])) continue;
      const hex = Buffer.from(message).toString('hex');
      const words = [...actual.subarray(4 * at, 4 * at + 4)];
      expect(words, `seed ${seed}, endpoint ${source}, message ${hex}`).toEqual(expected);
    }
  }
  countEntries(state, native, totals, seed);
  return wanted;
}

function hasArithmetic(condition: ConditionIr): boolean {
  if (condition.kind === 'compare' || condition.kind === 'plugin') return true;
  if (condition.kind === 'in') return condition.value.kind !== 'field';
  if (condition.kind === 'bits' || condition.kind === 'text') return false;
  return condition.kind === 'not'
    ? hasArithmetic(condition.term)
    : condition.terms.some(hasArithmetic);
}

/** Whether one field decides the condition, and not always the same way. */
function isFieldTest(condition: ConditionIr, fields: readonly FieldIr[]): boolean {
  if (condition.kind !== 'in' || condition.value.kind !== 'field') return false;
  const field = fields[condition.value.field];
  if (field === undefined) return false;
  const [least, greatest] = range(field);
  return condition.intervals.some(([low, high]) => low <= greatest && high >= least);
}

/** Whether kinds that only some configurations have were seen; that takes more at times. */
function hasSeenRareKinds({ reports }: Totals): boolean {
  const checks = new Set(reports.flatMap(({ routes }) => routes.flatMap((route) => route.checks)));
  const pools = new Set(reports.flatMap((report) => report.pools.map(({ strategy }) => strategy)));
  return checks.has('pair') && pools.size >= poolStrategies.length;
}

/** Conditions on fields alone must be decided by tables, never by a program. */
function assertNoFallback(ir: RouterIr, report: ImageReport, seed: number): void {
  for (const [index, route] of ir.routes.entries()) {
    const chosen = report.routes[index];
    const arithmetic = route.rules.some(({ when }) => when !== null && hasArithmetic(when));
    if (route.table !== undefined) {
      expect(chosen?.matcher, `seed ${seed}, ${route.name}`).toBe('table');
    } else if (route.rules[0]?.when === null && route.mode !== 'all') {
      expect(chosen?.matcher, `seed ${seed}, ${route.name}`).toBe('always');
    }
    if (!arithmetic) expect(chosen?.programs, `seed ${seed}, ${route.name}`).toBe(0);
    const fields = ir.schemas[route.schema ?? -1]?.fields ?? [];
    const simple = route.checks.every(({ condition }) => isFieldTest(condition, fields));
    if (simple) expect(chosen?.checks, `seed ${seed}, ${route.name}`).not.toContain('program');
  }
}

describe('a route image executed by the engine', () => {
  const totals: Totals = {
    decisions: 0,
    overLimit: 0,
    copies: new Map(),
    reports: [],
    outcomes: new Map(),
    entries: new Map(),
  };

  it('decides and transforms every message as the interpreter does', { timeout }, () => {
    const routersMax = Math.max(routerCount, decisionsMin / messagesPerRouter);
    for (let index = 0; index < 3 * routersMax; index += 1) {
      const isEnough = index >= routerCount && totals.decisions >= decisionsMin;
      if (isEnough && hasSeenRareKinds(totals)) break;
      compareOne(firstSeed + index, totals);
    }
    expect(totals.decisions).toBeGreaterThanOrEqual(decisionsMin);
  });

  const manyTimeout = Math.max(600_000, manyMin / 10);
  it('decides a great many messages as the interpreter does', { timeout: manyTimeout }, () => {
    let decided = 0;
    let routers = 0;
    for (let seed = firstSeed + 1_000_000; decided < manyMin; seed += 1, routers += 1) {
      decided += compareMany(seed, totals);
    }
    expect(decided).toBeGreaterThanOrEqual(manyMin);
    expect(totals.overLimit).toBeLessThanOrEqual(routers / 50);
  });

  it('was compared with every kind of table and op there is', () => {
    const routes = totals.reports.flatMap((report) => report.routes);
    const ops = totals.reports.flatMap((report) => report.transforms.flatMap(({ ops }) => ops));
    // Tables of rules have no terms, those that conditions became have.
    expect(routes.some(({ matcher, terms }) => matcher === 'table' && terms === 0)).toBe(true);
    const matchers = routes.flatMap((route) => route.matchers);
    expect(new Set(routes.map((route) => route.matcher))).toEqual(
      new Set(['always', 'several', 'word', 'aggregated', 'table', 'exact']),
    );
    // Rules that ask for nothing but a text are in text-conditions.test.ts and many-rules.test.ts.
    expect(new Set(matchers.map(({ matcher }) => matcher))).toEqual(
      new Set(Object.keys(matcherKinds).filter((kind) => kind !== 'text')),
    );
    expect(new Set(routes.flatMap((route) => route.checks))).toEqual(
      new Set(['range', 'search', 'pair', 'program', 'set']),
    );
    // Trees are for more bounds than these have; many-rules.test.ts looks at them.
    expect(new Set(routes.flatMap((route) => route.fields.map(({ map }) => map)))).toEqual(
      new Set(Object.keys(classMapKinds).filter((kind) => kind !== 'tree')),
    );
    expect(routes.some((route) => route.programs > 0)).toBe(true);
    expect(ops).toEqual(expect.arrayContaining(['shuffle', 'shuffleMore', 'mapByte']));
    expect(new Set(ops).size).toBeGreaterThanOrEqual(22);
    const lookups = routes.map(({ lookup }) => lookup?.by);
    expect(new Set(lookups)).toEqual(new Set([undefined, 'id', 'key']));
    const pools = totals.reports.flatMap((report) => report.pools);
    expect(new Set(pools.map(({ strategy }) => strategy))).toEqual(new Set(poolStrategies));
  });

  it('was compared on messages that leave once and on those that leave several times', () => {
    const seen = [...totals.copies.keys()];
    expect(seen).toEqual(expect.arrayContaining([0, 1, 2, 3, 4]));
    const routes = totals.reports.flatMap((report) => report.routes);
    const modes = new Set(routes.map(({ mode, matcher }) => `${mode} ${matcher}`));
    const wanted = ['first always', 'first word', 'first several', 'all word', 'all aggregated'];
    expect([...modes]).toEqual(expect.arrayContaining(wanted));
  });

  it('was compared on entries that were found, closed, forgotten and refused', () => {
    const { opened, closed, timedOut, evicted, notFound, refused } = Object.fromEntries(
      totals.entries,
    );
    for (const count of [opened, closed, timedOut, evicted, notFound, refused]) {
      expect(count).toBeGreaterThan(20);
    }
  });

  it('was compared on every outcome, the built-in rejects included', () => {
    const seen = [...totals.outcomes.keys()];
    const wanted = [
      'deliver 0',
      'discard 0',
      'reject 1',
      'reject 2',
      'reject 4',
      'reject 5',
      'reject 8',
      'reject 16',
      'reject 17',
    ];
    expect(seen).toEqual(expect.arrayContaining(wanted));
    expect(seen.some((key) => key.startsWith('reject 10'))).toBe(true);
    expect(seen.some((key) => key.startsWith('deliver 20'))).toBe(true);
    expect(seen.some((key) => key.startsWith('deliver 30'))).toBe(true);
  });
});
