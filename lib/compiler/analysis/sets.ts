// Members of sets of integers that show certain bits.
import type { IntervalsIr } from '../ir.js';

/** Bits that a value has to show: `value & mask` is `equal`. */
export interface BitsWanted {
  readonly mask: bigint;
  readonly equal: bigint;
}

const noBits: BitsWanted = { mask: 0n, equal: 0n };
/** No field is wider. */
const bitsMax = 64;

/** What both want; null when they want different things of one bit. */
export function mergeBits(left: BitsWanted, right: BitsWanted): BitsWanted | null {
  const shared = left.mask & right.mask;
  if ((left.equal & shared) !== (right.equal & shared)) return null;
  return { mask: left.mask | right.mask, equal: left.equal | right.equal };
}

/** The least member that shows the bits, or null; negative numbers as two's complement. */
export function memberOf(set: IntervalsIr, wanted: BitsWanted = noBits): bigint | null {
  for (const [low, high] of set) {
    const found = memberWithin(low, high, wanted);
    if (found !== null) return found;
  }
  return null;
}

function memberWithin(low: bigint, high: bigint, wanted: BitsWanted): bigint | null {
  if (wanted.mask === 0n) return low;
  if (low >= 0n) return leastFrom(low, high, wanted);
  // Patterns of negative numbers ascend with them.
  const offset = 1n << BigInt(bitsMax);
  const end = high < 0n ? high : -1n;
  const masked = { mask: BigInt.asUintN(bitsMax, wanted.mask), equal: wanted.equal };
  const found = leastFrom(low + offset, end + offset, masked);
  if (found !== null) return found - offset;
  return high < 0n ? null : leastFrom(0n, high, wanted);
}

/** The least value from `low` to `high`, neither negative, that shows the bits. */
function leastFrom(low: bigint, high: bigint, { mask, equal }: BitsWanted): bigint | null {
  if ((low & mask) === equal) return low;
  // It first differs from `low` in a bit that is 0 there and 1 here; the lower that bit, the less.
  for (let bit = 0n; bit <= BigInt(bitsMax); bit += 1n) {
    const one = 1n << bit;
    if ((low & one) !== 0n || ((mask & one) !== 0n && (equal & one) === 0n)) continue;
    const above = (low >> (bit + 1n)) << (bit + 1n);
    if (((above ^ equal) & ((mask >> (bit + 1n)) << (bit + 1n))) !== 0n) continue;
    const value = above | one | (equal & (one - 1n));
    return value <= high ? value : null;
  }
  return null;
}
