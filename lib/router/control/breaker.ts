// The breaker of one endpoint: closed → open → half-open → closed, or open again. Pure: it has no
// clock of its own.

/** While trials fail the breaker waits longer, up to so many times. */
const waitFactorMax = 8;

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
    return sent !== this.#sentBefore && (outstanding === 0 || nowMs >= this.#untilMs);
  }

  #open(nowMs: number): void {
    this.#state = 'open';
    this.#trips++;
    this.#untilMs = nowMs + this.#forMs * this.#factor;
  }
}
