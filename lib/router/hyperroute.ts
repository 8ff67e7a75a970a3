// A running router, as its user sees it.
import { check } from '../compiler/check.js';
import { emit } from '../compiler/emit.js';
import type { RouterIr } from '../compiler/ir.js';
import type { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { HyperRouteError } from '../errors.js';
import { type NativeRouter, native, nativeCall } from '../native.js';
import { Controller, type EndpointHealth } from './control/controller.js';
import { readCounters } from './counters.js';
import { Installation } from './installation.js';
import { portOf } from './ports.js';
import { type CountersSummary, summarize } from './summary.js';
import type { UpdateOptions, UpdateReport } from './update.js';
import { planWorkers } from './workers.js';

export interface StartOptions {
  /** Closes the router when aborted. */
  readonly signal?: AbortSignal;
  /** The counters file to make, which `hyperroute stat` reads; none by default. */
  readonly countersPath?: string;
  /** How often control looks at endpoints with health, breaker, ejection or slow start; 20. */
  readonly controlEveryMs?: number;
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
  readonly #installation: Installation;
  readonly #keepAlive: NodeJS.Timeout;
  /** Aborted once everything is closed. */
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  private constructor(router: NativeRouter, installation: Installation) {
    this.#native = router;
    this.#installation = installation;
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
    const { signal, countersPath = null, controlEveryMs = 20 } = options;
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
      const control = new Controller(router, controlEveryMs);
      const installation = Installation.open(router, config, plan, image, control);
      nativeCall(() => router.start());
      const running = new HyperRoute(router, installation);
      if (signal !== undefined) running.#closeOn(signal);
      return running;
    } catch (error) {
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

  /** The endpoints and where they are bound. */
  endpoints(): readonly RunningEndpoint[] {
    return [...this.#installation.ports.values()].map(({ ir, address, receiveBufferBytes }) => {
      return { name: ir.name, kind: ir.kind, address, receiveBufferBytes };
    });
  }

  /** How the endpoints fare: which get messages, which do not, and why. Allocates. */
  health(): readonly EndpointHealth[] {
    this.#throwIfClosed();
    return this.#installation.control.health();
  }

  /** JavaScript's end of a memory endpoint. Throws ERR_NOT_FOUND, or TypeError for another kind. */
  memory(name: string): MemoryEndpoint {
    const { memory } = portOf(this.#installation.ports, name);
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
   * and nothing changed if the new configuration cannot be used, or moves more of a pool's keys
   * than `maxMoved` allows (ERR_MOVED_LIMIT).
   */
  update(config: RouterIr, options: UpdateOptions = {}): Promise<UpdateReport> {
    return this.#installation.inTurn(async () => {
      this.#throwIfClosed();
      return this.#installation.apply(config, options);
    });
  }

  /**
   * What `update(config)` would do now, without doing it. Rejects with what it would reject with,
   * but for what only opening a socket tells.
   */
  plan(config: RouterIr): Promise<UpdateReport> {
    return this.#installation.inTurn(async () => {
      this.#throwIfClosed();
      return this.#installation.plan(config);
    });
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

  async #close(limitMs: number): Promise<void> {
    try {
      await this.#installation.close(limitMs);
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
