// The slot tables of pools. A consistent hash is Maglev's (Eisenbud et al., NSDI 2016): each
// member goes through the slots in an order of its own and in turn takes the next that is free, so
// that all get the same number, and a pool with one member more or less keeps nearly all the
// others' slots. Both orders come from members' names, not from where they stand in a list.
//
// Each slot ranks several members. The ones behind the first are found in the same way, each round
// among the members that the slot does not have yet: what a member loses is spread evenly.
import { hashKey, lowShare } from './key-hash.js';

/** Members that a slot ranks at most. */
export const hashRanks = 4;
/** The slots there can be, primes both. */
export const hashSlotCounts = [4099, 65_537] as const;
/**
 * Of a hash that does not say: enough for a hundred members of weights up to six. It depends on no
 * member and no weight, or a change of one would move the keys of all.
 */
export const hashSlotsDefault = 65_537;
/** Of a sticky pool, for keys that no member has as its id. */
export const stickySlots = 4099;
/** Slots of a weighted schedule at most. */
export const scheduleSlotsMax = 1024;

export interface WeightedName {
  readonly name: string;
  /** An integer, 1 or more. */
  readonly weight: number;
}

function commonDivisor(weights: readonly number[]): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return weights.reduce(divisor, 0);
}

/** Goes through all slots: from `offset`, `skip` at a time. */
interface Walk {
  readonly member: number;
  readonly weight: number;
  readonly offset: number;
  readonly skip: number;
}

function walksOf(members: readonly WeightedName[], slotCount: number): Walk[] {
  const encoder = new TextEncoder();
  const hashed = members.map(({ name, weight }, member) => {
    const text = encoder.encode(name);
    const offset = lowShare(hashKey([text, 1n]), slotCount);
    const skip = lowShare(hashKey([text, 2n]), slotCount - 1) + 1;
    return { order: hashKey([text]), walk: { member, weight, offset, skip } };
  });
  hashed.sort((a, b) => (a.order < b.order ? -1 : 1));
  return hashed.map(({ walk }) => walk);
}

/**
 * The first members (indices) of all slots, then the second ones of all: `slotCount` × the lesser
 * of `hashRanks` and the number of members. `slotCount` is a prime.
 */
export function maglevTable(members: readonly WeightedName[], slotCount: number): Uint8Array {
  const ranks = Math.min(hashRanks, members.length);
  const table = new Uint8Array(slotCount * ranks);
  const walks = walksOf(members, slotCount);
  for (let rank = 0; rank < ranks; rank += 1) fillRank(table, walks, slotCount, rank);
  return table;
}

/** Every member's turn comes as often as its weight says, and takes one slot. */
function fillRank(
  table: Uint8Array,
  walks: readonly Walk[],
  slotCount: number,
  rank: number,
): void {
  const isTaken = new Uint8Array(slotCount);
  const steps = walks.map(() => 0);
  const credits = walks.map(() => 0);
  let left = slotCount;
  const has = (slot: number, member: number): boolean => {
    for (let above = 0; above < rank; above += 1) {
      if (table[above * slotCount + slot] === member) return true;
    }
    return false;
  };
  // A member goes through all slots once, so this ends; each slot lacks some member until it has
  // all its ranks, and that member comes by.
  while (left > 0) {
    const under = walks.filter((_, index) => (steps[index] ?? 0) < slotCount);
    const most = Math.max(...under.map(({ weight }) => weight));
    for (const [index, { member, weight, offset, skip }] of walks.entries()) {
      if ((steps[index] ?? 0) === slotCount) continue;
      credits[index] = (credits[index] ?? 0) + weight / most;
      if ((credits[index] ?? 0) < 1 || left === 0) continue;
      credits[index] = (credits[index] ?? 0) - 1;
      for (let step = steps[index] ?? 0; step < slotCount; step += 1) {
        steps[index] = step + 1;
        const slot = (offset + step * skip) % slotCount;
        if (isTaken[slot] === 1 || has(slot, member)) continue;
        table[rank * slotCount + slot] = member;
        isTaken[slot] = 1;
        left -= 1;
        break;
      }
    }
  }
}

/**
 * Members (indices) in the order in which they take their turns, each as often as its weight says
 * and as evenly apart as can be. Where that takes more than `scheduleSlotsMax` turns the weights
 * are rounded to as many, no member to less than one.
 */
export function weightedSchedule(weights: readonly number[]): Uint8Array {
  const turns = turnsOf(weights);
  const total = turns.reduce((sum, count) => sum + count, 0);
  const credits = turns.map(() => 0);
  return Uint8Array.from({ length: total }, () => {
    let best = 0;
    for (const [member, count] of turns.entries()) {
      credits[member] = (credits[member] ?? 0) + count;
      if ((credits[member] ?? 0) > (credits[best] ?? 0)) best = member;
    }
    credits[best] = (credits[best] ?? 0) - total;
    return best;
  });
}

/** Turns in proportion to the weights; what rounding leaves goes where most was cut off. */
function turnsOf(weights: readonly number[]): number[] {
  const divisor = commonDivisor(weights);
  const exact = weights.map((weight) => weight / divisor);
  const total = exact.reduce((sum, weight) => sum + weight, 0);
  if (total <= scheduleSlotsMax) return exact;
  const wanted = exact.map((weight) => (weight * scheduleSlotsMax) / total);
  const turns = wanted.map((count) => Math.max(1, Math.floor(count)));
  const excess = (member: number): number => (wanted[member] ?? 0) - (turns[member] ?? 0);
  const byExcess = turns.map((_, member) => member).sort((a, b) => excess(b) - excess(a));
  const left = scheduleSlotsMax - turns.reduce((sum, count) => sum + count, 0);
  for (const member of byExcess.slice(0, Math.max(0, left)))
    turns[member] = (turns[member] ?? 0) + 1;
  return turns;
}
