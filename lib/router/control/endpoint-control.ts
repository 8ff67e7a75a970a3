// One endpoint: its probes, its breaker and its ramp, put together. Pure.
import type { HealthIr } from '../../compiler/ir-destinations.js';
import { Breaker } from './breaker.js';
import { HealthCheck } from './health.js';
import { rampShare, shareAll, shareNone, shareTrial } from './ramp.js';
import type { EndpointState } from './states.js';

/** What is known of an endpoint at a tick; counts go up modulo 2^32. */
export interface Observation {
  /** Which socket the numbers are of: another one counts from zero. */
  readonly slot: number;
  readonly isLive: boolean;
  readonly failuresInRow: number;
  readonly failures: number;
  readonly sent: number;
  readonly outstanding: number;
  readonly unansweredInRow: number;
  readonly unanswered: number;
}

export interface ControlSettings {
  readonly health: HealthIr | null;
  readonly breaker: { readonly consecutive: number; readonly forMs: number } | null;
  readonly slowStartMs: number;
  /** It has a connection, which can be down. */
  readonly connects: boolean;
}

/** How an endpoint came to the router: it was there at the start, or joined it while it ran. */
export type Arrival = 'started' | 'joined';

const noSettings: ControlSettings = {
  health: null,
  breaker: null,
  slowStartMs: 0,
  connects: false,
};

export class EndpointControl {
  #settings = noSettings;
  #health: HealthCheck | null = null;
  #breaker: Breaker | null = null;
  #tripsBefore = 0;
  #slot = -1;
  #seen: Observation | null = null;
  /** Failures up to these counts say nothing about it any more. */
  #failuresFrom = 0;
  #unansweredFrom = 0;
  #isDraining = false;
  #state: EndpointState = 'up';
  #share = shareAll;
  /** When its share began to grow; null: it has not been away, or is whole again. */
  #rampFromMs: number | null = null;
  #probesFailed = 0;
  /** How it came, until it has been seen in any state but `down`. */
  #arrival: Arrival | null;

  constructor(settings: ControlSettings, arrival: Arrival) {
    this.#arrival = arrival;
    this.configure(settings);
  }

  /** Takes new settings; what has not changed goes on. */
  configure(settings: ControlSettings): void {
    const { health, breaker } = settings;
    const before = this.#settings;
    if (health === null) this.#health = null;
    else if (health.rise !== before.health?.rise || health.fall !== before.health.fall) {
      this.#health = new HealthCheck(health);
    }
    const { consecutive, forMs } = before.breaker ?? { consecutive: 0, forMs: 0 };
    if (breaker?.consecutive !== consecutive || breaker.forMs !== forMs) {
      this.#tripsBefore = this.trips;
      this.#breaker = breaker === null ? null : new Breaker(breaker);
    }
    this.#settings = settings;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** What it gets if others can take the rest. */
  get share(): number {
    return this.#share;
  }

  get isConnected(): boolean {
    return !this.#settings.connects || this.#seen?.isLive !== false;
  }

  get trips(): number {
    return this.#tripsBefore + (this.#breaker?.trips ?? 0);
  }

  get probesFailed(): number {
    return this.#probesFailed;
  }

  /** Why it is in its state, for people. */
  get reason(): string {
    const { health, breaker, slowStartMs } = this.#settings;
    const reasons: Readonly<Record<EndpointState, string>> = {
      up: '',
      draining: 'drained by command',
      unhealthy: `${health?.fall} probes in a row failed`,
      open: `${breaker?.consecutive} failures in a row, or a failed trial`,
      ejected: 'too many failures in a row for its pool',
      down: 'its connection is down',
      'half-open': 'on trial after its breaker was open',
      ramp: `back, with a share that grows over ${slowStartMs} ms`,
    };
    return reasons[this.#state];
  }

  probed(isGood: boolean): void {
    if (!isGood) this.#probesFailed++;
    this.#health?.observe(isGood);
  }

  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining;
  }

  /** What failed so far is not held against it any more. */
  restart(): void {
    this.#failuresFrom = this.#seen?.failures ?? 0;
    this.#unansweredFrom = this.#seen?.unanswered ?? 0;
  }

  /** Takes what is known now; returns the failures in a row that count. */
  observe(nowMs: number, seen: Observation): number {
    if (seen.slot !== this.#slot) {
      this.#slot = seen.slot;
      this.#failuresFrom = 0;
      this.#unansweredFrom = 0;
    }
    this.#seen = seen;
    const breaker = this.#breaker;
    if (breaker === null) return this.#failuresInRow(seen);
    const input = { nowMs, sent: seen.sent, outstanding: seen.outstanding };
    if (breaker.step({ ...input, failuresInRow: this.#failuresInRow(seen) })) this.restart();
    return this.#failuresInRow(seen);
  }

  /** Settles state and share, `isOut`: a pool leaves it out. */
  settle(nowMs: number, isOut: boolean): void {
    const isUp = this.#stateOf(isOut) === 'up';
    if (isUp && this.#startsSmall() && this.#settings.slowStartMs > 0) this.#rampFromMs = nowMs;
    this.#state = this.#stateOf(isOut);
    if (this.#isAway()) this.#rampFromMs = null;
    this.#share = this.#shareAt(nowMs);
    if (this.#state !== 'down') this.#arrival = null;
    if (this.#state === 'up' && this.#rampFromMs !== null) {
      if (this.#share === shareAll) this.#rampFromMs = null;
      else this.#state = 'ramp';
    }
  }

  /** Not in the state of the last tick for all of its messages. */
  #isAway(): boolean {
    return this.#state !== 'up' && this.#state !== 'ramp';
  }

  /** Whether, when it is up now, others have done its work until now. */
  #startsSmall(): boolean {
    // All that start together are as new as each other, whichever of them connects first.
    if (this.#arrival !== null) return this.#arrival === 'joined';
    return this.#isAway();
  }

  #stateOf(isOut: boolean): EndpointState {
    if (this.#isDraining) return 'draining';
    if (this.#health?.isUp === false) return 'unhealthy';
    if (this.#breaker?.state === 'open') return 'open';
    if (isOut) return 'ejected';
    if (!this.isConnected) return 'down';
    return this.#breaker?.state === 'half-open' ? 'half-open' : 'up';
  }

  #shareAt(nowMs: number): number {
    const { slowStartMs } = this.#settings;
    switch (this.#state) {
      case 'up':
      case 'ramp':
        return this.#rampFromMs === null
          ? shareAll
          : rampShare(nowMs - this.#rampFromMs, slowStartMs);
      case 'half-open':
        return shareTrial;
      case 'down':
        // Its worker sees the connection come up first, and gives it this share until the next
        // tick.
        return slowStartMs > 0 && this.#arrival !== 'started' ? shareTrial : shareAll;
      default:
        return shareNone;
    }
  }

  /** The longer of the two rows: sends that failed, requests that got no answer. */
  #failuresInRow(seen: Observation): number {
    const since = (count: number, from: number): number => (count - from) >>> 0;
    const sends = Math.min(seen.failuresInRow, since(seen.failures, this.#failuresFrom));
    const answers = Math.min(seen.unansweredInRow, since(seen.unanswered, this.#unansweredFrom));
    return Math.max(sends, answers);
  }
}
