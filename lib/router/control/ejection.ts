// Leaving out pool members whose messages fail, within the pool's cap. Pure.
import type { EjectIr } from '../../compiler/ir.js';

/** A member that keeps failing is left out longer each time, up to so many times. */
const timesMax = 10;

/** A pool that ejects: its settings and its members, by name. */
export interface EjectingPool {
  readonly eject: EjectIr;
  readonly members: readonly string[];
}

/** How many members of a pool may be left out at a time; one always may, also the only one. */
export function ejectionCap({ eject, members }: EjectingPool): number {
  // Shares such as 0.3 are no exact fractions: 0.3 of 10 members is 3.
  return Math.max(1, Math.floor(eject.maxShare * members.length + 1e-9));
}

interface Spell {
  untilMs: number;
  forMs: number;
  /** Times in a row. */
  count: number;
}

/** Who is left out of its pools, until when. Members are known by name. */
export class Ejections {
  readonly #out = new Map<string, Spell>();
  /** Spells that have ended: a member that fails again soon is left out longer. */
  readonly #past = new Map<string, Spell>();
  readonly #counts = new Map<string, number>();
  #pools: readonly EjectingPool[] = [];

  /** The pools from now on. Members that are in none of them any more come back. */
  setPools(pools: readonly EjectingPool[]): void {
    this.#pools = pools;
    const known = new Set(pools.flatMap(({ members }) => members));
    for (const name of [...this.#out.keys()]) if (!known.has(name)) this.#out.delete(name);
    for (const name of [...this.#past.keys()]) if (!known.has(name)) this.#past.delete(name);
    for (const name of [...this.#counts.keys()]) if (!known.has(name)) this.#counts.delete(name);
  }

  isOut(name: string): boolean {
    return this.#out.has(name);
  }

  /** Times a member was left out. */
  countOf(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Ends the spells that are over; returns who comes back. */
  release(nowMs: number): string[] {
    const back: string[] = [];
    for (const [name, spell] of this.#out) {
      if (nowMs < spell.untilMs) continue;
      this.#out.delete(name);
      this.#past.set(name, spell);
      back.push(name);
    }
    return back;
  }

  /**
   * Leaves a member out if its failures in a row are too many for one of its pools and all of its
   * pools have room for one more. Returns whether it is left out now.
   */
  observe(name: string, failuresInRow: number, nowMs: number): boolean {
    if (failuresInRow === 0 || this.#out.has(name)) return this.#out.has(name);
    const pools = this.#pools.filter(({ members }) => members.includes(name));
    const forMs = pools
      .filter(({ eject }) => failuresInRow >= eject.consecutive)
      .reduce((longest, { eject }) => Math.max(longest, eject.forMs), 0);
    const hasRoom = pools.every((pool) => this.#outOf(pool) < ejectionCap(pool));
    if (forMs === 0 || !hasRoom) return false;
    const past = this.#past.get(name);
    // One that has worked for as long as it was left out starts over.
    const isAgain = past !== undefined && nowMs < past.untilMs + past.forMs;
    const count = Math.min((isAgain ? past.count : 0) + 1, timesMax);
    this.#out.set(name, { untilMs: nowMs + forMs * count, forMs: forMs * count, count });
    this.#counts.set(name, this.countOf(name) + 1);
    return true;
  }

  #outOf({ members }: EjectingPool): number {
    return members.filter((name) => this.#out.has(name)).length;
  }
}
