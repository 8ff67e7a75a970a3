// A running router, as its user sees it.
import { rejectCodes } from '../codes.js';
import { check } from '../compiler/check.js';
import { emit } from '../compiler/emit.js';
import type { RouterIr } from '../compiler/ir.js';
import type { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { HyperRouteError } from '../errors.js';
import { type NativeBindings, type NativeRouter, native, nativeCall } from '../native.js';
import { readCounters } from './counters.js';
import {
  canChange,
  changePort,
  closePort,
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
 * await using router = await HyperRoute.start(config);
 * console.log(router.endpoints());
 * ```
 */
export class HyperRoute {
  readonly #native: NativeRouter;
  readonly #draining = new Map<number, { readonly port: Port; readonly ended: Promise<void> }>();
  readonly #keepAlive: NodeJS.Timeout;
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
    this.#keepAlive = setInterval(() => {}, keepAliveMs);
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
      signal?.addEventListener('abort', () => void running.close(), { once: true });
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
      const draining = [...this.#stillDraining(next.ports), ...moved];
      const bindings = bindingsOf(ir, next.ports, draining);
      nativeCall(() => router.prepare({ ...bindings, image, ...namesOf(ir) }));
    } catch (error) {
      for (const { slot } of next.opened) router.freeSlot(slot);
      throw error;
    }
    // Read and held messages of a source that goes are still routed by the old routes.
    await Promise.all(removed.map((port) => stopReading(router, port, ir.drainTimeoutMs)));
    router.commit();
    this.#ports = next.ports;
    this.#ir = ir;
    this.#plan = plan;
    for (const { slot } of next.opened) nativeCall(() => router.attach(slot));
    await this.#grace();
    this.#ports = await this.#changeKept(ir);
    for (const port of moved) this.#drain(port, true);
    for (const port of removed) this.#drain(port, false);
    router.collectMetrics();
    return next.report(removed);
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
        const port = openPort(this.#native, endpoint, plan.workerOf.get(name) ?? 0);
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

  /** Old sockets of endpoints that are still configured: they are read until they are drained. */
  #stillDraining(ports: ReadonlyMap<string, Port>): Port[] {
    const draining = [...this.#draining.values()].map(({ port }) => port);
    return draining.filter(({ ir }) => ports.has(ir.name));
  }

  /** Ends an endpoint in the background; `serve`: lets its peers end by themselves first. */
  #drain(port: Port, serve: boolean): void {
    const ended = this.#drainPort(port, serve).catch(() => undefined);
    this.#draining.set(port.slot, { port, ended });
  }

  async #drainPort(port: Port, serve: boolean): Promise<void> {
    const router = this.#native;
    const limitMs = this.#ir.drainTimeoutMs;
    if (serve) {
      await outlive(router, port, limitMs);
      await stopReading(router, port, limitMs);
      // Nothing may be addressed to the old slot any more before it is flushed and closed.
      const unbind = this.#changes.then(() => this.#unbind(port));
      this.#changes = unbind.catch(() => undefined);
      await unbind;
    }
    await closePort(router, port, limitMs);
    router.freeSlot(port.slot);
    this.#draining.delete(port.slot);
  }

  async #unbind(port: Port): Promise<void> {
    const draining = this.#stillDraining(this.#ports).filter(({ slot }) => slot !== port.slot);
    const bindings = bindingsOf(this.#ir, this.#ports, draining);
    nativeCall(() => this.#native.prepare(bindings));
    this.#native.commit();
    await this.#grace();
  }

  async #grace(): Promise<void> {
    const router = this.#native;
    await until(() => router.gracePassed(), Number.POSITIVE_INFINITY, router);
  }

  async #close(limitMs: number): Promise<void> {
    await this.#changes;
    const router = this.#native;
    const draining = [...this.#draining.values()].map(({ port }) => port);
    const ports = [...this.#ports.values(), ...draining];
    await Promise.all(ports.map((port) => stopReading(router, port, limitMs)));
    const idle = () => ports.every(({ slot }) => router.report(slot).txIdle);
    await until(idle, limitMs, router);
    router.stop();
    for (const { memory } of ports) memory?.close();
    clearInterval(this.#keepAlive);
  }

  #throwIfClosed(): void {
    if (this.#closing === undefined) return;
    throw new HyperRouteError('ERR_CLOSED', 'the router is closed', { context: this.name });
  }
}

/** The endpoints of the next configuration, as they are found or opened. */
class NextPorts {
  readonly ports = new Map<string, Port>();
  readonly slots = new Set<number>();
  readonly opened: Port[] = [];
  readonly #names = { added: [], moved: [], changed: [], kept: [] } as Record<
    'added' | 'moved' | 'changed' | 'kept',
    string[]
  >;

  keep(port: Port, ir: Port['ir']): void {
    const same = JSON.stringify(port.ir.options) === JSON.stringify(ir.options);
    this.#names[same ? 'kept' : 'changed'].push(ir.name);
    this.ports.set(ir.name, port);
    this.slots.add(port.slot);
  }

  open(port: Port, moved: boolean): void {
    this.#names[moved ? 'moved' : 'added'].push(port.ir.name);
    this.ports.set(port.ir.name, port);
    this.slots.add(port.slot);
    this.opened.push(port);
  }

  report(removed: readonly Port[]): UpdateReport {
    return { ...this.#names, removed: removed.map(({ ir }) => ir.name) };
  }
}

function openAll(router: NativeRouter, ir: RouterIr, plan: WorkerPlan): Map<string, Port> {
  const open = (endpoint: Port['ir']) =>
    [endpoint.name, openPort(router, endpoint, plan.workerOf.get(endpoint.name) ?? 0)] as const;
  return new Map(ir.endpoints.map(open));
}

function bindingsOf(
  ir: RouterIr,
  ports: ReadonlyMap<string, Port>,
  draining: readonly Port[],
): NativeBindings {
  const index = new Map(ir.endpoints.map(({ name }, at) => [name, at]));
  return {
    slots: Uint8Array.from(ir.endpoints, ({ name }) => portOf(ports, name).slot),
    draining: draining.flatMap(({ slot, ir: { name } }) => {
      const endpoint = index.get(name);
      return endpoint === undefined ? [] : [{ slot, endpoint }];
    }),
  };
}

function namesOf(ir: RouterIr): { routeNames: string[]; rejectNames: string[] } {
  const rejectNames: string[] = [];
  for (const [name, code] of [...Object.entries(rejectCodes), ...Object.entries(ir.rejectCodes)]) {
    rejectNames[code] = name;
  }
  return {
    routeNames: ir.routes.map(({ name }) => name),
    rejectNames: Array.from(rejectNames, (name) => name ?? ''),
  };
}
