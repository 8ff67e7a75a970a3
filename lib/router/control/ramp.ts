// Shares of messages, and how that of an endpoint which is back grows. Pure.

export const shareNone = 0;
export const shareAll = 255;
/** About a tenth: where a ramp begins, and what a breaker lets through on trial. */
export const shareTrial = 26;

/** The share after `elapsedMs` of a ramp of `rampMs`; the engine takes it in 256ths. */
export function rampShare(elapsedMs: number, rampMs: number): number {
  if (elapsedMs >= rampMs) return shareAll;
  const share = Math.floor((256 * Math.max(0, elapsedMs)) / rampMs);
  return Math.min(Math.max(share, shareTrial), shareAll - 1);
}
