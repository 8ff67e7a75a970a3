// Which share of a pool's keys, or of its messages, has another destination than before. Pure.
import { textOf } from './diff-text.js';
import { poolSlots } from './emit-pools.js';
import type { PoolIr, RouterIr, StrategyIr } from './ir.js';

/** What became of a pool. */
export interface PoolDiff {
  readonly pool: string;
  readonly change: 'added' | 'removed' | 'changed' | 'same';
  /** Members by the names of their endpoints. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly reweighted: readonly string[];
  /**
   * From 0 to 1: the share of its keys whose first choice is another endpoint. Of a strategy
   * without a key: the least share of its messages that has to go elsewhere. 1 where nothing can
   * be said: the pool is gone, or picks by something else. 0 for a new one.
   */
  readonly movedShare: number;
}

/** What became of a pool; undefined: the configuration has none of that name. */
export function diffPool(
  before: RouterIr,
  was: PoolIr | undefined,
  after: RouterIr,
  pool: PoolIr | undefined,
): PoolDiff {
  const name = pool?.name ?? was?.name ?? '';
  const old = weightsOf(before, was);
  const now = weightsOf(after, pool);
  const members = {
    added: [...now.keys()].filter((member) => !old.has(member)),
    removed: [...old.keys()].filter((member) => !now.has(member)),
    reweighted: [...now]
      .filter(([member, weight]) => old.has(member) && old.get(member) !== weight)
      .map(([member]) => member),
  };
  if (was === undefined) return { pool: name, change: 'added', ...members, movedShare: 0 };
  if (pool === undefined) return { pool: name, change: 'removed', ...members, movedShare: 1 };
  const isSame = poolText(before, was) === poolText(after, pool);
  const movedShare = isSame ? 0 : shareMoved(before, was, after, pool);
  return { pool: name, change: isSame ? 'same' : 'changed', ...members, movedShare };
}

function nameOf(ir: RouterIr, endpoint: number): string {
  return ir.endpoints[endpoint]?.name ?? '';
}

function weightsOf(ir: RouterIr, pool: PoolIr | undefined): ReadonlyMap<string, number> {
  return new Map(pool?.members.map(({ endpoint, weight }) => [nameOf(ir, endpoint), weight]));
}

function keysText(ir: RouterIr, { strategy }: PoolIr): string {
  if (!('keys' in strategy)) return '';
  const keys = strategy.keys.map(({ schema, fields }) => {
    return `${ir.schemas[schema]?.name} ${textOf(ir, { fields }, schema)}`;
  });
  return keys.sort().join();
}

function poolText(ir: RouterIr, pool: PoolIr): string {
  const { strategy, failover, ...rest } = pool;
  const kept = 'keys' in strategy ? { ...strategy, keys: keysText(ir, pool) } : strategy;
  const stand = failover?.map((endpoint) => nameOf(ir, endpoint)) ?? [];
  return textOf(ir, { ...rest, strategy: kept, stand });
}

/** How messages find their member; figures of one way say nothing about another. */
function wayOf({ kind }: StrategyIr): 'id' | 'slots' | 'first' | 'all' | 'shares' | 'plugin' {
  if (kind === 'plugin') return 'plugin';
  if (kind === 'sticky') return 'id';
  if (kind === 'hash' || kind === 'table') return 'slots';
  if (kind === 'failover') return 'first';
  return kind === 'broadcast' ? 'all' : 'shares';
}

function shareMoved(before: RouterIr, was: PoolIr, after: RouterIr, pool: PoolIr): number {
  const only = soleMember(before, was);
  if (only !== undefined && only === soleMember(after, pool)) return 0;
  const way = wayOf(pool.strategy);
  if (way !== wayOf(was.strategy) || keysText(before, was) !== keysText(after, pool)) return 1;
  // Nobody but the plug-in knows.
  if (way === 'plugin') return 1;
  if (way === 'id') {
    // Keys that no id names go by their hash; which share of the messages those are, nobody knows.
    const hashed = slotsMoved(firstChoices(before, was), firstChoices(after, pool));
    return Math.max(goneShare(idsOf(before, was), idsOf(after, pool)), hashed);
  }
  if (way === 'slots') return slotsMoved(firstChoices(before, was), firstChoices(after, pool));
  if (way === 'first') return firstOf(before, was) === firstOf(after, pool) ? 0 : 1;
  const members = [weightsOf(before, was), weightsOf(after, pool)] as const;
  if (way === 'shares') return sharesMoved(...members);
  return goneShare([...members[0].keys()], [...members[1].keys()]);
}

function soleMember(ir: RouterIr, pool: PoolIr): string | undefined {
  return pool.members.length === 1 ? firstOf(ir, pool) : undefined;
}

function firstOf(ir: RouterIr, { members }: PoolIr): string {
  return nameOf(ir, members[0]?.endpoint ?? 0);
}

/** Of `sticky`: the member that each id names. */
function idsOf(ir: RouterIr, { members }: PoolIr): string[] {
  return members.map(({ id, endpoint }) => `${id} ${nameOf(ir, endpoint)}`);
}

function goneShare(before: readonly string[], after: readonly string[]): number {
  const stayed = new Set(after);
  return before.filter((one) => !stayed.has(one)).length / before.length;
}

/** By slot: the endpoint that its keys go to as long as it can be used. */
function firstChoices(ir: RouterIr, pool: PoolIr): string[] {
  const { slots, slotCount } = poolSlots(ir, pool);
  return Array.from({ length: slotCount }, (_, slot) => {
    return nameOf(ir, pool.members[slots[slot] ?? 0]?.endpoint ?? 0);
  });
}

/**
 * The share of all hashes that change their endpoint. Slot i of n holds the hashes from i/n to
 * (i+1)/n, so tables of any two sizes can be compared, exactly.
 */
export function slotsMoved(before: readonly string[], after: readonly string[]): number {
  let moved = 0;
  let at = 0;
  const total = before.length * after.length;
  for (let one = 0, other = 0; one < before.length && other < after.length; ) {
    const next = Math.min((one + 1) * after.length, (other + 1) * before.length);
    if (before[one] !== after[other]) moved += next - at;
    at = next;
    if (next === (one + 1) * after.length) one++;
    if (next === (other + 1) * before.length) other++;
  }
  return total === 0 ? 1 : moved / total;
}

/** What the members that get less than before lose together. */
function sharesMoved(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  const sum = (weights: ReadonlyMap<string, number>): number =>
    [...weights.values()].reduce((total, weight) => total + weight, 0);
  const [sumBefore, sumAfter] = [sum(before), sum(after)];
  let moved = 0;
  for (const [member, weight] of before) {
    moved += Math.max(0, weight / sumBefore - (after.get(member) ?? 0) / sumAfter);
  }
  return moved;
}
