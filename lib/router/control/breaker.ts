// The breaker of one endpoint: closed → open → half-open → closed, or open again. Pure: it has no
// clock of its own.

/** While trials fail the breaker waits longer, up to so many times. */
const waitFactorMax = 8;
/**
 * What was sent and is not waited for has worked after this time, or after that of the breaker if
 * it is shorter. Until then its connection may break, or the network refuse it.
 */
const settleMsMax = 1000;

/** What a breaker looks at. */
export interface BreakerInput {
  readonly nowMs: number;
  /** Failures in a row since `restarted` was last true. */
  readonly failuresInRow: number;
  /** Messages sent so far; compared only with itself. */
  readonly sent: number;
  /** Messages that wait for an answer. */
  readonly outstanding: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #consecutive: number;
  readonly #forMs: number;
  #state: BreakerState = 'closed';
  #trips = 0;
  #factor = 1;
  #untilMs = 0;
  #sentBefore = 0;
  /** Of the trial: when something was first seen to be sent, and whether it was waited for. */
  #sentMs: number | null = null;
  #hasAsked = false;

  constructor(settings: { readonly consecutive: number; readonly forMs: number }) {
    this.#consecutive = settings.consecutive;
    this.#forMs = settings.forMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Times it has opened, trials that failed included. */
  get trips(): number {
    return this.#trips;
  }

  /**
   * Goes on to the state of this moment. True: failures are counted from anew, because what failed
   * before the trial says nothing about it.
   */
  step(input: BreakerInput): boolean {
    switch (this.#state) {
      case 'closed':
        if (input.failuresInRow >= this.#consecutive) this.#open(input.nowMs);
        return false;
      case 'open':
        if (input.nowMs < this.#untilMs) return false;
        this.#state = 'half-open';
        this.#untilMs = input.nowMs + this.#forMs;
        this.#sentBefore = input.sent;
        this.#sentMs = null;
        this.#hasAsked = false;
        return true;
      case 'half-open':
        if (input.failuresInRow > 0) {
          this.#factor = Math.min(this.#factor * 2, waitFactorMax);
          this.#open(input.nowMs);
        } else if (this.#hasProved(input)) {
          this.#state = 'closed';
          this.#factor = 1;
        }
        return false;
    }
  }

  /** Something was sent, and has been answered or had the time to fail. */
  #hasProved({ sent, outstanding, nowMs }: BreakerInput): boolean {
    if (sent === this.#sentBefore) return false;
    this.#sentMs ??= nowMs;
    if (outstanding > 0) {
      this.#hasAsked = true;
      return nowMs >= this.#untilMs;
    }
    const settleMs = Math.min(this.#forMs, settleMsMax);
    return this.#hasAsked || nowMs - this.#sentMs >= settleMs;
  }

  #open(nowMs: number): void {
    this.#state = 'open';
    this.#trips++;
    this.#untilMs = nowMs + this.#forMs * this.#factor;
  }
}
