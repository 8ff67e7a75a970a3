// Control of a running router: looks at its endpoints every few milliseconds, on the thread that
// started it, and tells the engine which share of messages each of them gets. The engine goes on
// with what it was told last while this thread is busy.
import type { EndpointIr } from '../../compiler/ir.js';
import { configError, isHyperRouteError } from '../../errors.js';
import { type NativeRouter, nativeCall } from '../../native.js';
import type { Port } from '../ports.js';
import type { Observation } from './endpoint-control.js';
import { type ControlIr, ControlModel, type Standing } from './model.js';
import { Prober } from './prober.js';
import { shareAll } from './ramp.js';
import { type EndpointState, stateCode } from './states.js';

/** How an endpoint of a running router fares. */
export interface EndpointHealth {
  readonly name: string;
  /**
   * `up`: gets all its messages. `ramp`: is back, its share grows. `half-open`: a few messages try
   * whether it works again. `down`: its connection is down. `ejected`: a pool leaves it out after
   * failures. `open`: its breaker is open. `unhealthy`: its probes fail. `draining`: by command.
   */
  readonly state: EndpointState;
  /** The share of the messages it is picked for that it gets, 0 to 1. */
  readonly share: number;
  /** Since when it has been in this state: milliseconds since 1970. */
  readonly sinceMs: number;
  /** Why, for people; empty while it is up. */
  readonly reason: string;
  /** Times that a pool has left it out, that its breaker has opened, that a probe has failed. */
  readonly ejections: number;
  readonly trips: number;
  readonly probesFailed: number;
}

const tickMsMax = 1000;
const slotCount = 256;
/** Of a slot in what the engine reports; native/addon/router_control.cc has the same. */
const wordsPerSlot = 8;
const noShed = 0xffff_ffff;

export class Controller {
  readonly #native: NativeRouter;
  readonly #tickMs: number;
  readonly #model = new ControlModel();
  readonly #prober: Prober;
  readonly #words = new Uint32Array(slotCount * wordsPerSlot);
  readonly #wordBytes = new Uint8Array(this.#words.buffer);
  /** Slots that have limits, which have to be lifted when their endpoint's options go. */
  readonly #limited = new Set<number>();
  /** By worker: a slot of it whose worker has not been told of a change yet. */
  readonly #untold = new Map<number, number>();
  #ports: ReadonlyMap<string, Port> = new Map();
  #isDrained: (name: string) => boolean = () => false;
  #timer: NodeJS.Timeout | undefined;

  constructor(router: NativeRouter, tickMs: number) {
    if (!Number.isInteger(tickMs) || tickMs < 1 || tickMs > tickMsMax) {
      throw configError('controlEveryMs', `an integer from 1 to ${tickMsMax}`, tickMs);
    }
    this.#native = router;
    this.#tickMs = tickMs;
    this.#prober = new Prober((name, isGood) => this.#model.probed(name, isGood));
  }

  /** Takes a configuration and its open endpoints: before their first message, or a swap. */
  configure(ir: ControlIr, ports: ReadonlyMap<string, Port>): void {
    const before = this.#ports;
    this.#ports = ports;
    this.#model.configure(ir);
    const drained = ir.endpoints.filter(({ name }) => this.#isDrained(name));
    for (const { name } of drained) this.#model.setDraining(name, true);
    for (const endpoint of ir.endpoints) this.#setLimits(endpoint);
    for (const standing of this.#model.standings()) {
      const { name } = standing;
      if (before.get(name)?.slot !== ports.get(name)?.slot) this.#tell(standing);
    }
    // Told before the swap: new ones that are drained are never picked, those that start small not
    // for more than that.
    const joinsSlowly = before.size > 0 && ir.pools.some(({ slowStartMs = 0 }) => slowStartMs > 0);
    if (drained.length > 0 || joinsSlowly) this.#observeAll();
    this.#prober.configure(ir.endpoints);
    this.#schedule(ir.endpoints.some(needsTicks) || ir.pools.some(poolNeedsTicks));
  }

  /** Which endpoints are drained by command, whatever configuration they come with. */
  drainedBy(isDrained: (name: string) => boolean): void {
    this.#isDrained = isDrained;
  }

  /** Gives an endpoint no new messages from pools, or lets it have them again, at once. */
  setDraining(name: string, isDraining: boolean): void {
    this.#model.setDraining(name, isDraining);
    this.tick();
  }

  /** How the endpoints fare now, in the order of the configuration. Allocates. */
  health(): readonly EndpointHealth[] {
    this.tick();
    return this.#model.standings().map(({ share, sinceMs, ...rest }) => ({
      ...rest,
      share: share === shareAll ? 1 : share / 256,
      sinceMs: Math.round(performance.timeOrigin + sinceMs),
    }));
  }

  close(): void {
    this.#unschedule();
    this.#prober.close();
  }

  tick(): void {
    this.#observeAll();
    this.#wakeWorkers();
  }

  #observeAll(): void {
    nativeCall(() => this.#native.readControl(this.#wordBytes));
    const changes = this.#model.tick(performance.now(), (name) => this.#observe(name));
    for (const standing of changes) this.#tell(standing);
  }

  #schedule(isNeeded: boolean): void {
    if (!isNeeded) this.#unschedule();
    else this.#timer ??= setInterval(() => this.#onTimer(), this.#tickMs).unref();
  }

  #onTimer(): void {
    try {
      this.tick();
    } catch (error) {
      if (!isHyperRouteError(error, 'ERR_CLOSED')) throw error;
      // It was closed from elsewhere, as at the end of its environment.
      this.close();
    }
  }

  #unschedule(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #observe(name: string): Observation {
    const slot = this.#ports.get(name)?.slot ?? 0;
    const word = (index: number): number => this.#words[slot * wordsPerSlot + index] ?? 0;
    return {
      slot,
      isLive: word(0) !== 0,
      failuresInRow: word(1),
      failures: word(2),
      sent: word(3),
      outstanding: word(4),
      unansweredInRow: word(5),
      unanswered: word(6),
    };
  }

  #tell({ name, share, state, ejections, trips, probesFailed }: Standing): void {
    const port = this.#ports.get(name);
    if (port === undefined) return;
    const isShut = state === 'unhealthy' || state === 'open';
    const counts = { ejections, trips, probesFailed };
    const standing = { share, state: stateCode(state), isShut, ...counts };
    nativeCall(() => this.#native.setStanding(port.slot, standing));
    this.#untold.set(port.worker, port.slot);
  }

  /** One report of one of its endpoints makes a worker look at the shares of all of them. */
  #wakeWorkers(): void {
    for (const [worker, slot] of [...this.#untold]) {
      try {
        this.#native.refresh(slot);
        this.#untold.delete(worker);
      } catch {
        // Its command ring is full, or the endpoint has just gone: the next tick tries again.
        const other = [...this.#ports.values()].find((port) => port.worker === worker);
        if (other === undefined) this.#untold.delete(worker);
        else this.#untold.set(worker, other.slot);
      }
    }
  }

  #setLimits({ name, control, options }: EndpointIr): void {
    const slot = this.#ports.get(name)?.slot;
    if (slot === undefined) return;
    const { rate, inFlightMax = 0, shed } = control ?? {};
    const hasLimits = rate !== undefined || inFlightMax > 0 || shed !== undefined;
    if (!hasLimits && !this.#limited.has(slot)) return;
    const { bytes } = options.queue as { readonly bytes: number };
    const bounds = Uint32Array.from({ length: 8 }, (_, priority) => {
      const share = shed?.[priority] ?? 1;
      return share >= 1 ? noShed : Math.floor(bytes * share);
    });
    const shedBytes = new Uint8Array(bounds.buffer);
    const { perSecond = 0, burst = 1 } = rate ?? {};
    const sheds = shed !== undefined;
    nativeCall(() =>
      this.#native.setLimits(slot, { perSecond, burst, inFlightMax, sheds, shedBytes }),
    );
    if (hasLimits) this.#limited.add(slot);
    else this.#limited.delete(slot);
  }
}

function needsTicks({ control }: EndpointIr): boolean {
  return control?.health !== undefined || control?.breaker !== undefined;
}

function poolNeedsTicks({ eject, slowStartMs = 0 }: ControlIr['pools'][number]): boolean {
  return eject !== undefined || slowStartMs > 0;
}
