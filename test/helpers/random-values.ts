// More kinds of random values for property tests.
import { Random } from './random.js';

export class RandomValues extends Random {
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** The same in any order. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const moved = [...items];
    for (let at = moved.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [moved[at], moved[other]] = [moved[other] as Item, moved[at] as Item];
    }
    return moved;
  }
}
