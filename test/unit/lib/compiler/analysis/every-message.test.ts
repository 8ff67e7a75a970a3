// Holds what is proved and refuted about random routes against a look at every message there is.
import { describe, expect, it } from 'vitest';
import { rejectCodes } from '../../../../../lib/codes.js';
import {
  findOverlaps,
  findShadowed,
  findUncovered,
} from '../../../../../lib/compiler/analysis/index.js';
import { holdsFor, type Witness } from '../../../../../lib/compiler/analysis/witness.js';
import { decide, initialState } from '../../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import { RandomValues } from '../../../../helpers/random-values.js';
import {
  everyMessage,
  outcomeOf,
  smallRouter,
  smallTable,
  valuesOf,
} from '../../../../helpers/small-routes.js';

const firstSeed = Number(process.env.HYPERROUTE_SEED ?? 1);
const routeCount = Number(process.env.HYPERROUTE_SMALL_ROUTES ?? 1000);
const timeout = 300_000;

/** How each rule comes out for each message that passes the checks; null: it overflows. */
function table(ir: RouterIr): readonly (readonly (boolean | null)[])[] {
  const route = ir.routes[0] as RouterIr['routes'][0];
  const rows: (readonly (boolean | null)[])[] = [];
  for (const message of everyMessage()) {
    const values = valuesOf(message);
    if (route.checks.some(({ condition }) => outcomeOf(condition, values) !== true)) continue;
    rows.push(route.rules.map(({ when }) => (when === null ? true : outcomeOf(when, values))));
  }
  return rows;
}

interface Totals {
  readonly seen: Map<string, number>;
}

function note({ seen }: Totals, key: string): void {
  seen.set(key, (seen.get(key) ?? 0) + 1);
}

function rowOf(ir: RouterIr, { message }: Witness): readonly (boolean | null)[] {
  const route = ir.routes[0] as RouterIr['routes'][0];
  for (const { condition } of route.checks) {
    expect(holdsFor(ir, route, condition, 0, message)).toBe(true);
  }
  return route.rules.map(({ when }) => {
    return when === null ? true : holdsFor(ir, route, when, 0, message);
  });
}

function compareOverlaps(ir: RouterIr, rows: ReturnType<typeof table>, at: string): string {
  const { verdict, overlaps, undecided } = findOverlaps(ir, 0);
  expect(undecided, at).toEqual([]);
  const rules = ir.routes[0]?.rules ?? [];
  const wanted = new Set<string>();
  for (const row of rows) {
    for (const [second, isSecond] of row.entries()) {
      if (isSecond !== true || rules[second]?.when === null) continue;
      for (let first = 0; first < second; first += 1) {
        if (row[first] === true) wanted.add(`${first}/${second}`);
      }
    }
  }
  expect(new Set(overlaps.map((overlap) => overlap.rules.join('/'))), at).toEqual(wanted);
  expect(verdict, at).toBe(wanted.size > 0 ? 'refuted' : 'proved');
  for (const { rules: pair, witness } of overlaps) {
    for (const rule of pair) expect(rowOf(ir, witness)[rule], at).toBe(true);
  }
  return verdict;
}

function compareShadows(ir: RouterIr, rows: ReturnType<typeof table>, at: string): string {
  const report = findShadowed(ir, 0);
  expect(report.undecided, at).toEqual([]);
  const deciders = new Set(
    rows.map((row) => {
      const first = row.findIndex((holds) => holds !== false);
      return row[first] === true ? first : -1;
    }),
  );
  const rules = ir.routes[0]?.rules ?? [];
  const wanted = [...rules.keys()].filter((rule) => !deciders.has(rule));
  expect(
    report.shadowed.map(({ rule }) => rule),
    at,
  ).toEqual(wanted);
  for (const { rule, reason, by } of report.shadowed) {
    const isNever = !rows.some((row) => row[rule] === true);
    expect(reason, at).toBe(isNever ? 'never' : 'covered');
    if (by === null) continue;
    // What the rule holds for the other one takes, or its arithmetic overflows.
    expect(
      rows.filter((row) => row[rule] === true && row[by] === false),
      at,
    ).toEqual([]);
  }
  for (const [rule, witness] of report.witnesses) {
    const row = rowOf(ir, witness);
    expect(
      row.findIndex((holds) => holds !== false),
      at,
    ).toBe(rule);
  }
  return report.verdict;
}

function compareCoverage(ir: RouterIr, rows: ReturnType<typeof table>, at: string): string {
  const { verdict, witness } = findUncovered(ir, 0);
  const isCovered = !rows.some((row) => row.every((holds) => holds === false));
  expect(verdict, at).toBe(isCovered ? 'proved' : 'refuted');
  if (witness !== null) expect(new Set(rowOf(ir, witness)), at).toEqual(new Set([false]));
  return verdict;
}

describe.each([
  ['sets of values', { arithmetic: false }],
  ['arithmetic that may overflow', { arithmetic: true }],
])('answers about routes with %s', (_, options) => {
  const totals: Totals = { seen: new Map() };

  it('agree with a look at every message', { timeout }, () => {
    for (let seed = firstSeed; seed < firstSeed + routeCount; seed += 1) {
      const ir = smallRouter(new RandomValues(seed), options);
      const rows = table(ir);
      const at = `seed ${seed}`;
      note(totals, `overlaps ${compareOverlaps(ir, rows, at)}`);
      note(totals, `shadows ${compareShadows(ir, rows, at)}`);
      note(totals, `coverage ${compareCoverage(ir, rows, at)}`);
    }
    expect(totals.seen.size).toBeGreaterThan(0);
  });

  it('were proofs and witnesses, of each kind many', () => {
    for (const question of ['overlaps', 'shadows', 'coverage']) {
      for (const verdict of ['proved', 'refuted']) {
        const count = totals.seen.get(`${question} ${verdict}`) ?? 0;
        expect(count, `${question} ${verdict}`).toBeGreaterThan(routeCount / 50);
      }
    }
  });
});

/** The rules that decide, by the interpreter; null: a message that passes the checks has none. */
function decidersOf(ir: RouterIr): ReadonlySet<number | null> {
  const state = initialState(ir);
  const deciders = new Set<number | null>();
  for (const message of everyMessage()) {
    const { rule, rejectCode } = decide(ir, state, 0, message);
    if (rule !== null || rejectCode === rejectCodes.NO_ROUTE) deciders.add(rule);
  }
  return deciders;
}

describe('answers about decision tables', () => {
  it('agree with a look at every message', { timeout }, () => {
    const seen = new Map<string, number>();
    for (let seed = firstSeed; seed < firstSeed + routeCount; seed += 1) {
      const ir = smallTable(new RandomValues(seed), { arithmetic: seed % 2 === 0 });
      const at = `seed ${seed}`;
      const deciders = decidersOf(ir);
      const { verdict, witness, doubt } = findUncovered(ir, 0);
      expect(doubt, at).toBeNull();
      expect(verdict, at).toBe(deciders.has(null) ? 'refuted' : 'proved');
      if (witness !== null) {
        const { rule, rejectCode } = decide(ir, initialState(ir), 0, witness.message);
        expect({ rule, rejectCode }, at).toEqual({ rule: null, rejectCode: rejectCodes.NO_ROUTE });
      }
      const silent = [...(ir.routes[0]?.rules.keys() ?? [])].filter((rule) => !deciders.has(rule));
      const shadowed = findShadowed(ir, 0).shadowed.map(({ rule }) => rule);
      expect(shadowed, at).toEqual(silent);
      seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
    }
    for (const verdict of ['proved', 'refuted']) {
      expect(seen.get(verdict) ?? 0, verdict).toBeGreaterThan(routeCount / 50);
    }
  });
});
