// A running router, as its user sees it.
import { check } from '../compiler/check.js';
import { emit } from '../compiler/emit.js';
import type { RouterIr } from '../compiler/ir.js';
import type { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { HyperRouteError } from '../errors.js';
import { type NativeRouter, native, nativeCall } from '../native.js';
import { bindingsOf, NextPorts, namesOf, openAll } from './bindings.js';
import { readCounters } from './counters.js';
import {
  canChange,
  changePort,
  closePort,
  flushPort,
  openPort,
  outlive,
  type Port,
  portOf,
  stopReading,
  until,
} from './ports.js';
import { type CountersSummary, summarize } from './summary.js';
import { planWorkers, replanWorkers, type WorkerPlan } from './workers.js';

export interface StartOptions {
  /** Closes the router when aborted. */
  readonly signal?: AbortSignal;
  /** The counters file to make, which `hyperroute stat` reads; none by default. */
  readonly countersPath?: string;
}

/** An endpoint of a running router. */
export interface RunningEndpoint {
  readonly name: string;
  readonly kind: string;
  /** `host:port` it is bound to, or null for memory. Port 0 has become a real one. */
  readonly address: string | null;
  /** What the kernel granted, for udp. */
  readonly receiveBufferBytes: number | null;
}

/** What an update did, by endpoint name. */
export interface UpdateReport {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** New address or limits: opened anew, the old one drains. */
  readonly moved: readonly string[];
  /** Same socket, other options. */
  readonly changed: readonly string[];
  readonly kept: readonly string[];
}

export interface CloseOptions {
  /** How long queued messages may still leave; default: the configuration's `drainTimeoutMs`. */
  readonly drainTimeoutMs?: number;
}

/** The longest delay of a timer: the process stays up as long as the router is referenced. */
const keepAliveMs = 2 ** 31 - 1;

/**
 * A running router. Start one with `HyperRoute.start`; use it on the thread that started it.
 *
 * @example
 * ```ts
 * const router = await HyperRoute.start(config);
 * console.log(router.endpoints());
 * await router.close(); // or `await using`, where the runtime or the compiler knows it
 * ```
 */
export class HyperRoute {
  readonly #native: NativeRouter;
  readonly #draining = new Map<number, Draining>();
  readonly #keepAlive: NodeJS.Timeout;
  /** Aborted once everything is closed. */
  readonly #closed = new AbortController();
  #ir: RouterIr;
  #plan: WorkerPlan;
  #ports: ReadonlyMap<string, Port>;
  #changes: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    router: NativeRouter,
    ir: RouterIr,
    plan: WorkerPlan,
    ports: ReadonlyMap<string, Port>,
  ) {
    this.#native = router;
    this.#ir = ir;
    this.#plan = plan;
    this.#ports = ports;
    // The timer holds the router: one that nobody else refers to goes on routing.
    this.#keepAlive = setInterval(() => void this.#native, keepAliveMs);
  }

  /**
   * Opens every endpoint, installs the compiled routes and starts the workers. Resolves when
   * messages flow. Rejects with a HyperRouteError, nothing left open, if an address is taken
   * (ERR_ADDRESS_IN_USE), a CPU does not exist (ERR_CPU_UNAVAILABLE), the configuration is wrong
   * (ERR_CONFIG …) or there is no native engine (ERR_NATIVE_UNAVAILABLE).
   */
  static async start(config: RouterIr, options: StartOptions = {}): Promise<HyperRoute> {
    const { signal, countersPath = null } = options;
    signal?.throwIfAborted();
    check(config);
    const image = emit(config);
    const plan = planWorkers(config);
    const { Router } = native();
    const { name, sampleEvery } = config;
    const { inline, workers } = plan;
    const router = nativeCall(
      () => new Router({ name, countersPath, inline, sampleEvery, workers }),
    );
    try {
      const ports = openAll(router, config, plan);
      for (const { slot } of ports.values()) nativeCall(() => router.attach(slot));
      const bindings = bindingsOf(config, ports, []);
      nativeCall(() => router.prepare({ ...bindings, image, ...namesOf(config) }));
      router.commit();
      nativeCall(() => router.start());
      const running = new HyperRoute(router, config, plan, ports);
      if (signal !== undefined) running.#closeOn(signal);
      return running;
    } catch (error) {
      router.stop();
      throw error;
    }
  }

  /** Name of the router. */
  get name(): string {
    return this.#ir.name;
  }

  /** The counters file, or null. */
  get countersPath(): string | null {
    return (this.#closing === undefined && this.#native.countersPath()) || null;
  }

  /** The endpoints and where they are bound. */
  endpoints(): readonly RunningEndpoint[] {
    return [...this.#ports.values()].map(({ ir, address, receiveBufferBytes }) => {
      return { name: ir.name, kind: ir.kind, address, receiveBufferBytes };
    });
  }

  /** JavaScript's end of a memory endpoint. Throws ERR_NOT_FOUND, or TypeError for another kind. */
  memory(name: string): MemoryEndpoint {
    const { memory } = portOf(this.#ports, name);
    if (memory !== null) return memory;
    throw new TypeError(`endpoint '${name}' is not a memory endpoint`);
  }

  /**
   * One duty cycle of an `inline` router on this thread; never blocks. Returns how many messages
   * it moved, always 0 for other models.
   */
  poll(): number {
    return this.#closing === undefined ? this.#native.poll() : 0;
  }

  /** What the router counted since its start, and latencies by route. Allocates. */
  metrics(): CountersSummary {
    const router = this.#native;
    const { counters } = readCounters((position, bytes) =>
      nativeCall(() => router.counters(position, bytes)),
    );
    return summarize(counters);
  }

  /**
   * Changes the configuration while messages flow; updates take their turn. Endpoints are matched
   * by name: unchanged ones keep their sockets, connections and queues, changed options apply to
   * new connections, a changed address opens first and then drains the old one in the background
   * (see `drained`). Resolves when every worker uses the new routes. Rejects with a HyperRouteError
   * and nothing changed if the new configuration cannot be used.
   */
  update(config: RouterIr): Promise<UpdateReport> {
    const update = this.#changes.then(() => this.#update(config));
    this.#changes = update.catch(() => undefined);
    return update;
  }

  /** Resolves when endpoints that an update removed or moved have been drained and closed. */
  async drained(): Promise<void> {
    while (this.#draining.size > 0) {
      await Promise.all([...this.#draining.values()].map(({ ended }) => ended));
    }
  }

  /** Keeps the process alive while the router runs (the default). */
  ref(): this {
    this.#keepAlive.ref();
    return this;
  }

  /** Lets the process end although the router runs. */
  unref(): this {
    this.#keepAlive.unref();
    return this;
  }

  /**
   * Reads nothing more, lets what was read leave, up to the drain time-out, closes everything and
   * ends the workers. Idempotent.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.drainTimeoutMs ?? this.#ir.drainTimeoutMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #update(ir: RouterIr): Promise<UpdateReport> {
    const router = this.#native;
    this.#throwIfClosed();
    check(ir);
    const image = emit(ir);
    const plan = replanWorkers(this.#plan, this.#ir, ir);
    const next = this.#openChanged(ir, plan);
    const gone = [...this.#ports.values()].filter(({ slot }) => !next.slots.has(slot));
    const moved = gone.filter(({ ir: { name } }) => next.ports.has(name));
    const removed = gone.filter(({ ir: { name } }) => !next.ports.has(name));
    try {
      const draining = [...this.#boundPorts(next.ports), ...moved];
      const bindings = bindingsOf(ir, next.ports, draining);
      nativeCall(() => router.prepare({ ...bindings, image, ...namesOf(ir) }));
    } catch (error) {
      for (const { slot } of next.opened) router.freeSlot(slot);
      throw error;
    }
    // Read and held messages of a source that goes are still routed by the old routes.
    const unbound = this.#bound().filter(({ port }) => !next.ports.has(port.ir.name));
    const ending = [...removed, ...unbound.map(({ port }) => port)];
    await Promise.all(ending.map((port) => stopReading(router, port, ir.drainTimeoutMs)));
    for (const draining of unbound) draining.bound = false;
    router.commit();
    const before = this.#ports;
    this.#ports = next.ports;
    this.#ir = ir;
    this.#plan = plan;
    await this.#grace();
    for (const port of next.opened) await this.#attach(port, before.get(port.ir.name));
    this.#ports = await this.#changeKept(ir);
    for (const port of moved) {
      // Connections made before an option changed stay as they are, for as long as they like.
      const stays = next.ports.get(port.ir.name)?.inherits && port.ir.kind === 'tcp-listen';
      this.#drain(port, true, stays ? Number.POSITIVE_INFINITY : ir.drainTimeoutMs);
    }
    for (const port of removed) this.#drain(port, false);
    router.collectMetrics();
    return next.report(removed);
  }

  /** Lets a port work; what its endpoint's former port still has to send leaves first. */
  async #attach(port: Port, replaced: Port | undefined): Promise<void> {
    const router = this.#native;
    const { name } = port.ir;
    // Two readers of one datagram socket would mix up the order.
    const shared = port.inherits && port.ir.kind === 'udp';
    if (shared && replaced) await stopReading(router, replaced, this.#ir.drainTimeoutMs);
    const drains = [...this.#draining.values()].filter(({ port: { ir } }) => ir.name === name);
    const older = replaced ?? drains.at(-1)?.port;
    nativeCall(() => router.attach(port.slot, older?.slot));
  }

  /** Opens what is new or has moved; on failure closes it again and throws. */
  #openChanged(ir: RouterIr, plan: WorkerPlan): NextPorts {
    const next = new NextPorts();
    try {
      for (const endpoint of ir.endpoints) {
        const { name } = endpoint;
        const running = this.#ports.get(name);
        if (running !== undefined && canChange(this.#native, running, endpoint)) {
          next.keep(running, endpoint);
          continue;
        }
        const worker = plan.workerOf.get(name) ?? 0;
        const port = openPort(this.#native, endpoint, worker, running);
        next.open(port, running !== undefined);
      }
      return next;
    } catch (error) {
      for (const { slot } of next.opened) this.#native.freeSlot(slot);
      throw error;
    }
  }

  async #changeKept(ir: RouterIr): Promise<ReadonlyMap<string, Port>> {
    const ports = new Map<string, Port>();
    for (const endpoint of ir.endpoints) {
      const port = portOf(this.#ports, endpoint.name);
      ports.set(endpoint.name, await changePort(this.#native, port, endpoint));
    }
    return ports;
  }

  #bound(): Draining[] {
    return [...this.#draining.values()].filter(({ bound }) => bound);
  }

  /** Old sockets of endpoints that are still configured: they are read until they are drained. */
  #boundPorts(ports: ReadonlyMap<string, Port>): Port[] {
    return this.#bound().flatMap(({ port }) => (ports.has(port.ir.name) ? [port] : []));
  }

  /** Ends an endpoint in the background; `serve`: lets its peers end by themselves first. */
  #drain(port: Port, serve: boolean, serveMs = 0): void {
    const ended = this.#drainPort(port, serve, serveMs)
      .catch(() => undefined)
      .finally(() => this.#draining.delete(port.slot));
    this.#draining.set(port.slot, { port, ended, bound: serve });
  }

  async #drainPort(port: Port, serve: boolean, serveMs: number): Promise<void> {
    const router = this.#native;
    const limitMs = this.#ir.drainTimeoutMs;
    if (serve) {
      await outlive(router, port, serveMs);
      await stopReading(router, port, limitMs);
      // Nothing may be addressed to the old slot any more before it is flushed and closed.
      const unbind = this.#changes.then(() => this.#unbind(port.slot));
      this.#changes = unbind.catch(() => undefined);
      await unbind;
    }
    await closePort(router, port, limitMs);
    router.freeSlot(port.slot);
  }

  async #unbind(slot: number): Promise<void> {
    const draining = this.#draining.get(slot);
    if (draining?.bound !== true) return;
    const others = this.#boundPorts(this.#ports).filter((port) => port.slot !== slot);
    const bindings = bindingsOf(this.#ir, this.#ports, others);
    nativeCall(() => this.#native.prepare(bindings));
    draining.bound = false;
    this.#native.commit();
    await this.#grace();
  }

  async #grace(): Promise<void> {
    const router = this.#native;
    await until(() => router.gracePassed(), Number.POSITIVE_INFINITY, router);
  }

  async #close(limitMs: number): Promise<void> {
    for (const { memory } of this.#ports.values()) memory?.endOffers();
    await this.#changes;
    const router = this.#native;
    const deadline = performance.now() + limitMs;
    const left = () => Math.max(0, deadline - performance.now());
    // Those that drain may be closed meanwhile: then there is nothing to wait for.
    const draining = [...this.#draining.values()].map(({ port }) => port);
    const all = (end: typeof stopReading) => [
      ...[...this.#ports.values()].map((port) => end(router, port, left())),
      ...draining.map((port) => end(router, port, left()).catch(() => undefined)),
    ];
    try {
      await Promise.all(all(stopReading));
      await Promise.all(all(flushPort));
    } finally {
      router.stop();
      for (const { memory } of [...this.#ports.values(), ...draining]) memory?.close();
      clearInterval(this.#keepAlive);
      this.#closed.abort();
    }
  }

  #closeOn(signal: AbortSignal): void {
    // A close that fails tells those who call close(); whoever aborts has no promise to look at.
    const close = () => void this.close().catch(() => undefined);
    signal.addEventListener('abort', close, { once: true, signal: this.#closed.signal });
  }

  #throwIfClosed(): void {
    if (this.#closing === undefined) return;
    throw new HyperRouteError('ERR_CLOSED', 'the router is closed', { context: this.name });
  }
}

/** An endpoint that an update removed or moved, until it is closed. */
interface Draining {
  readonly port: Port;
  readonly ended: Promise<void>;
  /** The installed image still names its slot; never again once this is false. */
  bound: boolean;
}
