// What the clients and the verdict expect of the router, written down a second time on purpose:
// nothing here is read from router.config.ts, so that a wrong configuration cannot approve itself.

/** Orders whose price × quantity is above this are rejected. */
export const notionalMax = 1_000_000_000;
/** The code of that rejection. */
export const notionalCode = 1000;
/** Orders of at least this quantity go to the block venue. */
export const blockQtyMin = 10_000;
/** The venues in the order of their numbers; the last is the block venue. */
export const venueNames = ['venue1', 'venue2', 'venue3', 'block'] as const;
export const blockVenueIndex = venueNames.length - 1;

/** A client has at most this many orders without an answer. */
export const inFlightMax = 64;
/** An order without an answer for this long is lost. */
export const answerTimeoutMs = 5000;
/** UDP sockets ask the kernel for this much room to receive. */
export const receiveBufferBytes = 4 << 20;

/** Upper half of every clOrdId; shows that all eight bytes survive the way. */
export const clOrdIdHigh = 0x5a17_c0de;

/**
 * Whether an order breaks the limit. The product may exceed 2^53, where it is inexact, but never
 * by enough to fall below a limit that it exceeds by so much.
 */
export function breaksLimit(price: number, qty: number): boolean {
  return price * qty > notionalMax;
}

/** Whether an order belongs to the block venue. */
export function isBlock(qty: number): boolean {
  return qty >= blockQtyMin;
}

/**
 * The client an order belongs to. All clients use the same clOrdIds, so each client keeps to
 * prices that leave its own index as the remainder: the rightful owner of an order or report can
 * then be told from its price, whatever the router did with it.
 */
export function ownerOf(price: number, clientCount: number): number {
  return price % clientCount;
}
