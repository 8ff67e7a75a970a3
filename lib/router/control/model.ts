// What control makes of what it sees: from probes, failures and connections to the share of
// messages that each endpoint gets. Pure: the time and the observations are given, so that tests
// run years in a moment.
import type { EndpointIr, RouterIr } from '../../compiler/ir.js';
import { Ejections } from './ejection.js';
import { type Arrival, EndpointControl, type Observation } from './endpoint-control.js';
import { shareAll, shareNone } from './ramp.js';
import type { EndpointState } from './states.js';

/** What control says about an endpoint. */
export interface Standing {
  readonly name: string;
  readonly state: EndpointState;
  /** 0: no messages; 255: all that it is picked for; between: so many 256ths of them. */
  readonly share: number;
  /** When it came into this state, on the clock of `tick`. */
  readonly sinceMs: number;
  readonly reason: string;
  readonly ejections: number;
  readonly trips: number;
  readonly probesFailed: number;
}

/** The part of a configuration that control is about. */
export type ControlIr = Pick<RouterIr, 'endpoints' | 'pools'>;

export class ControlModel {
  #controls = new Map<string, EndpointControl>();
  readonly #ejections = new Ejections();
  /** By endpoint: the members of each pool with slow start that it is in. */
  #companies = new Map<string, (readonly string[])[]>();
  #standings = new Map<string, Standing>();
  #arrival: Arrival = 'started';

  /** Takes a configuration; endpoints that it has kept, by name, stay in their state. */
  configure({ endpoints, pools }: ControlIr): void {
    const nameAt = (index: number): string => endpoints[index]?.name ?? '';
    const membersOf = (pool: (typeof pools)[number]): string[] =>
      pool.members.map(({ endpoint }) => nameAt(endpoint));
    this.#ejections.setPools(
      pools.flatMap((pool) => {
        const { eject } = pool;
        return eject === undefined ? [] : [{ eject, members: membersOf(pool) }];
      }),
    );
    const companies = new Map<string, (readonly string[])[]>();
    const slowStarts = new Map<string, number>();
    for (const pool of pools) {
      const members = membersOf(pool);
      for (const name of members) {
        companies.set(name, [...(companies.get(name) ?? []), members]);
        slowStarts.set(name, Math.max(slowStarts.get(name) ?? 0, pool.slowStartMs ?? 0));
      }
    }
    this.#companies = companies;
    const before = this.#controls;
    this.#controls = new Map(
      endpoints.map((endpoint) => [
        endpoint.name,
        controlOf(
          endpoint,
          slowStarts.get(endpoint.name) ?? 0,
          before.get(endpoint.name),
          this.#arrival,
        ),
      ]),
    );
    this.#arrival = 'joined';
    for (const name of [...this.#standings.keys()]) {
      if (!this.#controls.has(name)) this.#standings.delete(name);
    }
  }

  /** The outcome of a probe. Unknown names are those of endpoints that have just gone. */
  probed(name: string, isGood: boolean): void {
    this.#controls.get(name)?.probed(isGood);
  }

  /** Gives an endpoint no new messages, or lets it have them again. False: there is none. */
  setDraining(name: string, isDraining: boolean): boolean {
    const control = this.#controls.get(name);
    control?.setDraining(isDraining);
    return control !== undefined;
  }

  /**
   * Goes on to a moment. `observe` says what is known of an endpoint; `nowMs` never goes back.
   * Returns the standings that differ from those before.
   */
  tick(nowMs: number, observe: (name: string) => Observation): readonly Standing[] {
    for (const name of this.#ejections.release(nowMs)) this.#controls.get(name)?.restart();
    for (const [name, control] of this.#controls) {
      const failuresInRow = control.observe(nowMs, observe(name));
      const isOut = this.#ejections.observe(name, failuresInRow, nowMs);
      control.settle(nowMs, isOut);
    }
    const changes: Standing[] = [];
    for (const [name, control] of this.#controls) {
      const standing = this.#standingOf(name, control, nowMs);
      if (standing === undefined) continue;
      this.#standings.set(name, standing);
      changes.push(standing);
    }
    return changes;
  }

  /** As of the last tick, in the order of the configuration. */
  standings(): readonly Standing[] {
    return [...this.#controls.keys()].flatMap((name) => this.#standings.get(name) ?? []);
  }

  /** The standing of now, or undefined where it is what it was. */
  #standingOf(name: string, control: EndpointControl, nowMs: number): Standing | undefined {
    const before = this.#standings.get(name);
    const isWhole = control.share === shareNone || control.share === shareAll;
    const share = isWhole || this.#canSpare(name) ? control.share : shareAll;
    const state = control.state === 'ramp' && share === shareAll ? 'up' : control.state;
    const counts = {
      ejections: this.#ejections.countOf(name),
      trips: control.trips,
      probesFailed: control.probesFailed,
    };
    const reason = state === 'up' ? '' : control.reason;
    const isSame =
      before?.state === state &&
      before.share === share &&
      before.reason === reason &&
      before.ejections === counts.ejections &&
      before.trips === counts.trips &&
      before.probesFailed === counts.probesFailed;
    if (isSame) return undefined;
    const sinceMs = before?.state === state ? before.sinceMs : nowMs;
    return { name, state, share, sinceMs, reason, ...counts };
  }

  /**
   * Whether others can take what an endpoint does not get: in each of its pools somebody gets all
   * that he is picked for. One who stood in for nobody would make the pool reject messages.
   */
  #canSpare(name: string): boolean {
    const companies = this.#companies.get(name) ?? [];
    return companies.every((members) =>
      members.some((other) => {
        const control = other === name ? undefined : this.#controls.get(other);
        return control !== undefined && control.share === shareAll && control.isConnected;
      }),
    );
  }
}

function controlOf(
  { kind, control }: EndpointIr,
  slowStartMs: number,
  before: EndpointControl | undefined,
  arrival: Arrival,
): EndpointControl {
  const settings = {
    health: control?.health ?? null,
    breaker: control?.breaker ?? null,
    slowStartMs,
    // Others have no connection of their own that could be down.
    connects: kind === 'tcp-connect' || kind === 'raptor-connect',
  };
  if (before === undefined) return new EndpointControl(settings, arrival);
  before.configure(settings);
  return before;
}
