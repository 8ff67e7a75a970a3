// What `hyperroute run` reports of a router besides its start and end: endpoints that fare
// otherwise than before, host names with other addresses, what the control socket was asked to
// change. It looks every half second, and says a bounded number of things a second, so that a
// flapping endpoint does not flood a log.
import { isHyperRouteError } from '../errors.js';
import type { ControlReport } from '../router/control-requests.js';
import type { ResolvedName } from '../router/live-router.js';
import type { RouterStatus, StatusEndpoint } from '../router/status.js';

/** An endpoint that is in another state, or has been in one and come back. */
export interface HealthChange {
  readonly endpoint: string;
  readonly before: StatusEndpoint['state'];
  readonly state: StatusEndpoint['state'];
  readonly share: number;
  readonly reason: string;
  /** Since the start. */
  readonly ejections: number;
  readonly trips: number;
  readonly probesFailed: number;
}

export interface WatchEvents {
  healthChanged(change: HealthChange): void;
  resolved(name: ResolvedName): void;
  controlled(report: ControlReport): void;
  /** So much was not said, because too much was said at a time. */
  leftOut(count: number): void;
}

const lookMs = 500;
const eventsPerWindowMax = 40;
const windowMs = 1000;

export class Watch {
  readonly #status: () => RouterStatus;
  readonly #events: WatchEvents;
  readonly #now: () => number;
  #endpoints: ReadonlyMap<string, StatusEndpoint>;
  #names: ReadonlyMap<string, string>;
  #timer: NodeJS.Timeout | undefined;
  #windowFromMs = 0;
  #said = 0;
  #leftOut = 0;

  /** Whatever is not up at the first look is reported then: connections have had some time. */
  constructor(status: () => RouterStatus, events: WatchEvents, now = () => performance.now()) {
    this.#status = status;
    this.#events = events;
    this.#now = now;
    const { endpoints, names } = status();
    this.#endpoints = new Map(endpoints.map((one) => [one.name, { ...one, state: 'up' }]));
    this.#names = addressesOf(names);
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#onTimer(), lookMs).unref();
  }

  /** Says at last how much was left out. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sayLeftOut();
  }

  /** Reports what has changed since the last look. */
  look(): void {
    this.#compare(this.#status());
    this.#nextWindow();
  }

  /** Reports what the control socket was asked for. */
  controlled(report: ControlReport): void {
    this.#say(() => this.#events.controlled(report));
  }

  #onTimer(): void {
    try {
      this.look();
    } catch (error) {
      if (!isHyperRouteError(error, 'ERR_CLOSED')) throw error;
      this.stop();
    }
  }

  #compare({ endpoints, names }: RouterStatus): void {
    const before = this.#endpoints;
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    const addresses = this.#names;
    this.#names = addressesOf(names);
    for (const now of endpoints) {
      const was = before.get(now.name);
      if (was === undefined || !hasChanged(was, now)) continue;
      const { name: endpoint, state, share, reason, ejections, trips, probesFailed } = now;
      const counts = { ejections, trips, probesFailed };
      const change = { endpoint, before: was.state, state, share, reason, ...counts };
      this.#say(() => this.#events.healthChanged(change));
    }
    for (const name of names) {
      const was = addresses.get(name.endpoint);
      if (was === undefined || was === name.addresses.join()) continue;
      this.#say(() => this.#events.resolved(name));
    }
  }

  #say(event: () => void): void {
    this.#nextWindow();
    if (this.#said >= eventsPerWindowMax) {
      this.#leftOut++;
      return;
    }
    this.#said++;
    event();
  }

  #nextWindow(): void {
    const nowMs = this.#now();
    if (nowMs - this.#windowFromMs < windowMs) return;
    this.#windowFromMs = nowMs;
    this.#said = 0;
    this.#sayLeftOut();
  }

  #sayLeftOut(): void {
    const count = this.#leftOut;
    this.#leftOut = 0;
    if (count > 0) this.#events.leftOut(count);
  }
}

function addressesOf(names: RouterStatus['names']): ReadonlyMap<string, string> {
  return new Map(names.map(({ endpoint, addresses }) => [endpoint, addresses.join()]));
}

/** An ejection or a trip that is over by now is told as well. */
function hasChanged(before: StatusEndpoint, now: StatusEndpoint): boolean {
  if (before.state !== now.state) return true;
  return before.ejections !== now.ejections || before.trips !== now.trips;
}
