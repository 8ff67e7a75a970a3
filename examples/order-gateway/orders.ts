// Makes the stream of orders of one client: a seeded random sequence, the same for the same seed.
import { blockQtyMin, notionalMax } from './rules.js';

const uint32Range = 2 ** 32;

/** xorshift32: small, fast, and good enough to mix orders. */
export function random32(seed: number): () => number {
  // A state of zero would stay zero for ever.
  let state = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ seed) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** One order's numbers; the same object is filled again for each order. */
export interface OrderTerms {
  price: number;
  qty: number;
}

/**
 * Returns a function that fills in the next order: about 1 % break the limit, some of them by a
 * product that overflows 32 or 63 bits, about 10 % are for the block venue, and quantities and
 * products exactly at the limits occur.
 */
export function orderSource(
  seed: number,
  clientIndex: number,
  clientCount: number,
): (terms: OrderTerms) => void {
  const next = random32(seed + clientIndex * 7919);
  const below = (bound: number): number => Math.floor((next() / uint32Range) * bound);
  /** The largest price up to `price` that leaves this client's index as the remainder. */
  const ownPrice = (price: number): number => {
    const own = price - ((price - clientIndex) % clientCount);
    return own > 0 ? own : own + clientCount;
  };
  return (terms) => {
    const kind = below(1000);
    if (kind < 10) {
      breakLimit(terms, kind, below, ownPrice, clientCount);
    } else if (kind < 109) {
      terms.qty = blockQtyMin + below(10_001);
      terms.price = ownPrice(100 + below(49_900));
    } else if (kind < 112) {
      // The largest product that still passes, next to the smallest quantity for the block venue.
      terms.qty = kind === 111 ? blockQtyMin : blockQtyMin - 1;
      terms.price = ownPrice(Math.floor(notionalMax / terms.qty));
    } else {
      terms.qty = 1 + below(blockQtyMin - 1);
      terms.price = ownPrice(100 + below(99_900));
    }
  };
}

function breakLimit(
  terms: OrderTerms,
  kind: number,
  below: (bound: number) => number,
  ownPrice: (price: number) => number,
  clientCount: number,
): void {
  if (kind === 0) {
    terms.qty = 4_000_000_000;
    terms.price = ownPrice(4_000_000_000);
  } else {
    // The smallest own price above the limit for this quantity.
    terms.qty = kind < 5 ? 1 + below(blockQtyMin - 1) : blockQtyMin + below(10_000);
    terms.price = ownPrice(Math.floor(notionalMax / terms.qty) + clientCount);
  }
}
