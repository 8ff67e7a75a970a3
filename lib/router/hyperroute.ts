// A running router, as its user sees it.
import { check } from '../compiler/check.js';
import { emit } from '../compiler/emit.js';
import type { RouterIr } from '../compiler/ir.js';
import type { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { HyperRouteError } from '../errors.js';
import { type NativeRouter, native, nativeCall } from '../native.js';
import { callerPlace } from '../schema/position.js';
import { Controller, type EndpointHealth } from './control/controller.js';
import { controlHandler } from './control-requests.js';
import { ControlSocket } from './control-socket.js';
import { readCounters } from './counters.js';
import { Installation } from './installation.js';
import { runningEndpoint } from './links.js';
import { type NewMember, withMember, withoutMember, withWeights } from './live.js';
import { LiveRouter, resolveNames } from './live-router.js';
import { expandNames } from './names.js';
import type { CloseOptions, DrainReport, RunningEndpoint, StartOptions } from './options.js';
import { type Port, portOf } from './ports.js';
import { Recording, type RecordOptions } from './recording.js';
import { NameResolver } from './resolver.js';
import type { SlowFunction, SlowHandle, SlowRunOptions } from './slow.js';
import { SlowRunners } from './slow-runners.js';
import { endpointsOf, poolsOf, type RouterStatus, type RunningPool } from './status.js';
import { type CountersSummary, summarize } from './summary.js';
import type { UpdateOptions, UpdateReport } from './update.js';
import { planWorkers } from './workers.js';

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
  readonly #installation: Installation;
  readonly #live: LiveRouter;
  readonly #slow: SlowRunners;
  readonly #load: StartOptions['load'];
  readonly #keepAlive: NodeJS.Timeout;
  /** Aborted once everything is closed. */
  readonly #closed = new AbortController();
  #control: ControlSocket | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    router: NativeRouter,
    installation: Installation,
    live: LiveRouter,
    load: StartOptions['load'],
  ) {
    this.#native = router;
    this.#installation = installation;
    this.#live = live;
    this.#load = load;
    this.#slow = new SlowRunners(() => installation.ports);
    // The timer holds the router: one that nobody else refers to goes on routing.
    this.#keepAlive = setInterval(() => void this.#native, keepAliveMs);
  }

  /**
   * Opens every endpoint, installs the compiled routes and starts the workers. Resolves when
   * messages flow. Rejects with a HyperRouteError, nothing left open, if an address is taken
   * (ERR_ADDRESS_IN_USE), a host name has no address (ERR_RESOLVE), a CPU does not exist
   * (ERR_CPU_UNAVAILABLE), the configuration is wrong (ERR_CONFIG …) or there is no native engine
   * (ERR_NATIVE_UNAVAILABLE).
   */
  static async start(config: RouterIr, options: StartOptions = {}): Promise<HyperRoute> {
    const { signal, countersPath = null, controlPath, controlEveryMs = 20, load } = options;
    signal?.throwIfAborted();
    check(config);
    const resolver = new NameResolver();
    const addresses = await resolveNames(config, new Map(), resolver);
    signal?.throwIfAborted();
    const ir = expandNames(config, addresses);
    if (ir !== config) check(ir);
    const image = emit(ir);
    const plan = planWorkers(ir);
    const { name, sampleEvery } = ir;
    const settings = { name, countersPath, sampleEvery, ...plan };
    const router = nativeCall(() => new (native().Router)(settings));
    const control = new Controller(router, controlEveryMs);
    let running: HyperRoute | undefined;
    try {
      const installation = Installation.open(router, ir, plan, image, control);
      const live = new LiveRouter(installation, config, addresses, resolver);
      running = new HyperRoute(router, installation, live, load);
      if (options.record !== undefined) running.record(options.record);
      nativeCall(() => router.start());
      if (controlPath !== undefined) await running.#openControl(controlPath, options.onControl);
      if (signal !== undefined) running.#closeOn(signal);
      return running;
    } catch (error) {
      if (running !== undefined) clearInterval(running.#keepAlive);
      control.close();
      resolver.close();
      router.stop();
      throw error;
    }
  }

  /** Name of the router. */
  get name(): string {
    return this.#installation.ir.name;
  }

  /** The counters file, or null. */
  get countersPath(): string | null {
    return (this.#closing === undefined && this.#native.countersPath()) || null;
  }

  /** The control socket, or null. */
  get controlPath(): string | null {
    return this.#control?.path ?? null;
  }

  /** The endpoints and where they are bound. */
  endpoints(): readonly RunningEndpoint[] {
    const router = this.#closing ? null : this.#native;
    return [...this.#installation.ports.values()].map((port) => runningEndpoint(router, port));
  }

  /** How the endpoints fare: which get messages, and why. Allocates. Throws ERR_CLOSED. */
  health(): readonly EndpointHealth[] {
    this.#throwIfClosed();
    return this.#installation.control.health();
  }

  /** The pools and their members, as they are now. Allocates. */
  pools(): readonly RunningPool[] {
    return poolsOf(this.#installation.ir, this.#live);
  }

  /** Everything that changes while the router runs, as data. Allocates. Throws ERR_CLOSED. */
  status(): RouterStatus {
    const { name } = this;
    const endpoints = endpointsOf(this.endpoints(), this.health(), this.#live);
    const slow = this.#slow.counts();
    return {
      name,
      pid: process.pid,
      endpoints,
      pools: this.pools(),
      names: this.#live.names(),
      slow,
    };
  }

  /** JavaScript's end of a memory endpoint. Throws ERR_NOT_FOUND, or TypeError for another kind. */
  memory(name: string): MemoryEndpoint {
    return memoryOf(portOf(this.#installation.ports, name));
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
   * and nothing changed if the new configuration cannot be used, or moves more of a pool's keys
   * than `maxMoved` allows (ERR_MOVED_LIMIT).
   */
  update(config: RouterIr, options: UpdateOptions = {}): Promise<UpdateReport> {
    return this.#change(() => config, options);
  }

  /**
   * What `update(config)` would do now, without doing it. Rejects with what it would reject with,
   * but for what only opening a socket tells.
   */
  async plan(config: RouterIr): Promise<UpdateReport> {
    this.#throwIfClosed();
    return this.#live.plan(() => config);
  }

  /**
   * Updates to the configuration that `StartOptions.load` gives. Rejects with ERR_STATE where there
   * is none, and as `update`.
   */
  async reload(file?: string, options: UpdateOptions = {}): Promise<UpdateReport> {
    if (this.#load === undefined) {
      const context = 'the router was started without a file to load';
      throw new HyperRouteError('ERR_STATE', context, { context });
    }
    return this.update(await this.#load(file), options);
  }

  /**
   * A pool gets one member more: an endpoint that the router has, or a new one with the options of
   * another (`like`) and another address. Rejects with ERR_NOT_FOUND, ERR_STATE (it is a member
   * already, the name is taken), ERR_CONFIG, and as `update`; nothing has changed then.
   *
   * @example
   * ```ts
   * await router.addMember('venues', {
   *   endpoint: 'd', like: 'a', remote: { host: '127.0.0.1', port: 9104 } });
   * ```
   */
  addMember(
    pool: string,
    member: string | NewMember,
    options: UpdateOptions = {},
  ): Promise<UpdateReport> {
    const place = callerPlace();
    return this.#change((config) => withMember(config, pool, member, place), options);
  }

  /**
   * A pool gets no more messages to this member; what is queued leaves, and what it sends is read.
   * Once it is quiet, at the latest after `drainTimeoutMs`, its endpoint closes too, unless
   * something else sends there or a route has no other source. Resolves then. Rejects with
   * ERR_NOT_FOUND, with ERR_STATE for the only member, and as `update`; nothing has changed then.
   */
  async removeMember(
    pool: string,
    endpoint: string,
    options: UpdateOptions = {},
  ): Promise<UpdateReport> {
    const report = await this.#change((config) => withoutMember(config, pool, endpoint), options);
    await this.#live.retire(endpoint);
    return report;
  }

  /**
   * Members of a pool get other weights, whole numbers from 1 to 1000. Rejects with ERR_NOT_FOUND
   * or ERR_CONFIG, and as `update`; nothing has changed then.
   */
  reweight(
    pool: string,
    weights: Readonly<Record<string, number>>,
    options: UpdateOptions = {},
  ): Promise<UpdateReport> {
    const place = callerPlace();
    return this.#change((config) => withWeights(config, pool, weights, place), options);
  }

  /**
   * Pools give this endpoint no new messages until `undrain`; rules that name it still do. It stays
   * open: what is queued leaves and what it sends is read. Also through updates, as long as it is
   * there. Resolves when nothing is queued any more, or after `drainTimeoutMs` (`flushed` is false
   * then). Of an endpoint given by host name: at each of its addresses. Rejects with ERR_NOT_FOUND.
   */
  async drain(endpoint: string): Promise<DrainReport> {
    this.#throwIfClosed();
    const ports = await this.#live.setDrained(endpoint, true);
    const flushed = await Promise.all(ports.map((port) => this.#installation.flushed(port)));
    return { endpoint, flushed: flushed.every((isEmpty) => isEmpty) };
  }

  /** Pools use a drained endpoint again. Rejects with ERR_NOT_FOUND. */
  async undrain(endpoint: string): Promise<void> {
    this.#throwIfClosed();
    await this.#live.setDrained(endpoint, false);
  }

  /**
   * Calls `handle` for every message that is sent to a slow endpoint. Throws ERR_NOT_FOUND, or
   * TypeError for an endpoint that `slow` did not define or that has a function already. It stays
   * through updates for as long as the endpoint is there.
   *
   * @example
   * ```ts
   * router.slow('enrich', async (message, reply) => reply(await enriched(message)));
   * ```
   */
  slow(name: string, handle: SlowFunction, options: SlowRunOptions = {}): SlowHandle {
    this.#throwIfClosed();
    return this.#slow.add(portOf(this.#installation.ports, name).ir, handle, options);
  }

  /**
   * Records, from now on, every message with what is decided of it and all that depends on, for
   * `hyperroute replay`. Never holds messages up: where the file cannot follow, the recording ends.
   * Throws ERR_STATE before the last one has been stopped; ERR_CONFIG; and ERR_SYSTEM or
   * ERR_PERMISSION if the file is there already or cannot be made.
   *
   * @example
   * ```ts
   * const recording = router.record({ path: '/var/tmp/gateway.recording' });
   * const { messages, end } = await recording.stop();
   * ```
   */
  record(options: RecordOptions): Recording {
    this.#throwIfClosed();
    const recording = Recording.begin(this.#native, this.#installation.ir, options);
    this.#installation.recording = recording;
    return recording;
  }

  /** The recording that `record` began last, or null. */
  get recording(): Recording | null {
    return this.#installation.recording;
  }

  /** Resolves when endpoints that an update removed or moved have been drained and closed. */
  drained(): Promise<void> {
    return this.#installation.drained();
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
    this.#closing ??= this.#close(options.drainTimeoutMs ?? this.#installation.ir.drainTimeoutMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #change(
    edit: (config: RouterIr) => RouterIr,
    options: UpdateOptions,
  ): Promise<UpdateReport> {
    this.#throwIfClosed();
    const report = await this.#live.change(edit, options);
    this.#slow.follow();
    return report;
  }

  async #openControl(path: string, tell: StartOptions['onControl']): Promise<void> {
    try {
      this.#control = await ControlSocket.open(path, controlHandler(this, tell));
    } catch (error) {
      this.#closing = Promise.resolve();
      this.#live.close();
      clearInterval(this.#keepAlive);
      throw error;
    }
  }

  async #close(limitMs: number): Promise<void> {
    this.#live.close();
    try {
      // Begun first: whoever offers a message after close() is told so at once.
      const closed = this.#installation.close(limitMs);
      await this.#control?.close();
      await closed;
    } finally {
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

function memoryOf({ ir, memory }: Port): MemoryEndpoint {
  if (memory !== null) return memory;
  throw new TypeError(`endpoint '${ir.name}' is not a memory endpoint`);
}
