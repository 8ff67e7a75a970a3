// Which rules of a route are new, gone, changed or in another place. Pure.
import { textOf } from './diff-text.js';
import type { RouteIr, RouterIr, RuleIr, SourcePosition } from './ir.js';

/** A rule of one of two configurations. */
export interface RuleReference {
  /** From 0, in its route. */
  readonly index: number;
  readonly name: string;
  readonly position: SourcePosition;
}

/** A rule that says something else than before, or stands elsewhere among those that stayed. */
export interface ChangedRule {
  readonly before: RuleReference;
  readonly after: RuleReference;
}

export interface RuleDiff {
  readonly added: readonly RuleReference[];
  readonly removed: readonly RuleReference[];
  /** The same condition with another action, or the same action under another condition. */
  readonly changed: readonly ChangedRule[];
  /** Rules that say the same; as few as explain the new order. */
  readonly moved: readonly ChangedRule[];
}

/** A rule and what it says. */
interface Said {
  readonly rule: RuleReference;
  readonly condition: string;
  readonly action: string;
}

const none: RuleDiff = { added: [], removed: [], changed: [], moved: [] };

/** What became of the rules of a route; undefined: the configuration has no such route. */
export function diffRules(
  before: RouterIr,
  was: RouteIr | undefined,
  after: RouterIr,
  route: RouteIr | undefined,
): RuleDiff {
  if (was?.rules === route?.rules) return none;
  const old = saidBy(before, was);
  const now = saidBy(after, route);
  const same = pair(old, now, ({ condition, action }) => `${condition}\n${action}`);
  const changed = [...pair(same.leftBefore, same.leftAfter, ({ condition }) => condition).pairs];
  const unpaired = (all: readonly Said[], taken: readonly Said[]) => {
    const gone = new Set(taken);
    return all.filter((one) => !gone.has(one));
  };
  const restBefore = unpaired(
    same.leftBefore,
    changed.map(([one]) => one),
  );
  const restAfter = unpaired(
    same.leftAfter,
    changed.map(([, one]) => one),
  );
  const rest = pair(restBefore, restAfter, ({ action }) => action);
  changed.push(...rest.pairs);
  changed.sort(([, one], [, other]) => one.rule.index - other.rule.index);
  return {
    added: rest.leftAfter.map(({ rule }) => rule),
    removed: rest.leftBefore.map(({ rule }) => rule),
    changed: changed.map(references),
    moved: outOfOrder(same.pairs).map(references),
  };
}

function references([before, after]: readonly [Said, Said]): ChangedRule {
  return { before: before.rule, after: after.rule };
}

function saidBy(ir: RouterIr, route: RouteIr | undefined): readonly Said[] {
  if (route === undefined) return [];
  return route.rules.map((rule, index) => {
    const { name, when, position, ...rest }: RuleIr = rule;
    return {
      rule: { index, name, position },
      condition: textOf(ir, when, route.schema),
      action: textOf(ir, rest, route.schema),
    };
  });
}

interface Pairs {
  readonly pairs: readonly (readonly [Said, Said])[];
  readonly leftBefore: readonly Said[];
  readonly leftAfter: readonly Said[];
}

/** Pairs what has the same key, the first with the first; in the order of `after`. */
function pair(
  before: readonly Said[],
  after: readonly Said[],
  keyOf: (said: Said) => string,
): Pairs {
  const waiting = new Map<string, Said[]>();
  for (const one of [...before].reverse()) {
    const key = keyOf(one);
    const list = waiting.get(key);
    if (list === undefined) waiting.set(key, [one]);
    else list.push(one);
  }
  const pairs: [Said, Said][] = [];
  const leftAfter: Said[] = [];
  for (const one of after) {
    const found = waiting.get(keyOf(one))?.pop();
    if (found === undefined) leftAfter.push(one);
    else pairs.push([found, one]);
  }
  const leftBefore = [...waiting.values()].flat();
  leftBefore.sort((one, other) => one.rule.index - other.rule.index);
  return { pairs, leftBefore, leftAfter };
}

/** The pairs outside the longest sequence that is in order on both sides. */
function outOfOrder(pairs: readonly (readonly [Said, Said])[]): readonly (readonly [Said, Said])[] {
  const places = pairs.map(([before]) => before.rule.index);
  // Patience sorting: `ends[n]` is where the best sequence of n + 1 places ends.
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [at, place] of places.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[ends[middle] ?? 0] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    previous[at] = low > 0 ? (ends[low - 1] ?? -1) : -1;
    ends[low] = at;
  }
  const kept = new Set<number>();
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) kept.add(at);
  return pairs.filter((_, at) => !kept.has(at));
}
