// Seeded random values for property tests.

/** A small generator (mulberry32): equal seeds give equal sequences on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to 2^32 - 1. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to count - 1. */
  below(count: number): number {
    return Math.floor((this.u32() / 2 ** 32) * count);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** An integer of [low, high]; its ends and their neighbours far more often than by chance. */
  bigint(low: bigint, high: bigint): bigint {
    const span = high - low + 1n;
    const wide =
      (BigInt(this.u32()) << 96n) |
      (BigInt(this.u32()) << 64n) |
      (BigInt(this.u32()) << 32n) |
      BigInt(this.u32());
    const inner = low + (wide % span);
    const edges = [low, high, low + 1n, high - 1n, 0n, 1n];
    const chosen = this.below(3) === 0 ? this.pick(edges) : inner;
    return chosen < low || chosen > high ? inner : chosen;
  }
}

/** The seed of a property test: HYPERROUTE_SEED, or a new one each run. */
export function testSeed(): number {
  const given = process.env.HYPERROUTE_SEED;
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}
