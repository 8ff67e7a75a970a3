// In which state control takes an endpoint to be. Pure.

/**
 * From the gravest to the best. The order is that of the numbers in the counters file, but for
 * `up`, which is 0 there.
 *
 * - `draining`: gets no new messages because somebody said so.
 * - `unhealthy`: its probes fail.
 * - `open`: its breaker is open after failures in a row.
 * - `ejected`: a pool leaves it out after failures in a row.
 * - `down`: its connection is down.
 * - `half-open`: the breaker lets a few messages try.
 * - `ramp`: back again; its share grows.
 * - `up`: gets its whole share.
 */
export const states = [
  'up',
  'draining',
  'unhealthy',
  'open',
  'ejected',
  'down',
  'half-open',
  'ramp',
] as const;

export type EndpointState = (typeof states)[number];

/** The number of a state in the counters file. */
export function stateCode(state: EndpointState): number {
  return states.indexOf(state);
}

/** The state of a number of the counters file; undefined for one of another version. */
export function stateOfCode(code: number): EndpointState | undefined {
  return states[code];
}
