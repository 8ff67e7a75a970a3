// What a running router consists of: the engine, its open endpoints, the configuration that it
// runs, and how another one takes its place while messages flow.
//
// Control path, on the thread that started the router.
import { check } from '../compiler/check.js';
import { diffRouters } from '../compiler/diff.js';
import { emit } from '../compiler/emit.js';
import type { RouterIr } from '../compiler/ir.js';
import { isHyperRouteError } from '../errors.js';
import { type NativeRouter, nativeCall } from '../native.js';
import { bindingsOf, NextPorts, namesOf, openAll } from './bindings.js';
import type { Controller } from './control/controller.js';
import {
  changePort,
  closePort,
  flushPort,
  openPort,
  outlive,
  type Port,
  portOf,
  sleep,
  stopReading,
  until,
  untilQuiet,
} from './ports.js';
import { descriptionOf, type Recording } from './recording.js';
import { changesOf, refuseMoves, type UpdateOptions, type UpdateReport } from './update.js';
import { replanWorkers, type WorkerPlan } from './workers.js';

/** Longer than a worker takes from picking a destination to what it queues there. */
const pickedMs = 5;
/** Enough to write what the rings hold to a slow disk; the end of the engine waits for the rest. */
const recordingEndMs = 5_000;

/** The engine with everything that is installed in it. Changes are made one after another. */
export class Installation {
  /** Sees to it that messages go to endpoints that work. */
  readonly control: Controller;
  /** The recording that was begun last; while it goes on, images are described to it. */
  recording: Recording | null = null;
  readonly #native: NativeRouter;
  readonly #draining = new Map<number, Draining>();
  #ir: RouterIr;
  #plan: WorkerPlan;
  #ports: ReadonlyMap<string, Port>;
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(
    router: NativeRouter,
    ir: RouterIr,
    plan: WorkerPlan,
    ports: ReadonlyMap<string, Port>,
    control: Controller,
  ) {
    this.#native = router;
    this.control = control;
    this.#ir = ir;
    this.#plan = plan;
    this.#ports = ports;
  }

  /** Opens every endpoint of a checked configuration and installs it; on failure throws. */
  static open(
    router: NativeRouter,
    ir: RouterIr,
    plan: WorkerPlan,
    image: Uint8Array,
    control: Controller,
  ): Installation {
    const ports = openAll(router, ir, plan);
    for (const { slot } of ports.values()) nativeCall(() => router.attach(slot));
    const bindings = bindingsOf(ir, ports, []);
    nativeCall(() => router.prepare({ ...bindings, image, ...namesOf(ir) }));
    control.configure(ir, ports);
    router.commit();
    return new Installation(router, ir, plan, ports, control);
  }

  /** The configuration that runs. */
  get ir(): RouterIr {
    return this.#ir;
  }

  /** The open endpoints of that configuration, by name. */
  get ports(): ReadonlyMap<string, Port> {
    return this.#ports;
  }

  /** Runs a change once those before it have ended, however they did. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => undefined);
    return result;
  }

  /**
   * Waits, up to the drain time-out, until an endpoint that nothing is sent to has sent what was
   * queued and has read nothing for a while. Says whether it came to that; one that is gone is.
   */
  async quiet(name: string): Promise<boolean> {
    const port = this.#ports.get(name);
    if (port === undefined) return true;
    try {
      return await untilQuiet(this.#native, port, this.#ir.drainTimeoutMs);
    } catch (error) {
      // An update or the end of the router closed it meanwhile.
      if (isHyperRouteError(error, 'ERR_NOT_FOUND') || isHyperRouteError(error, 'ERR_CLOSED')) {
        return true;
      }
      throw error;
    }
  }

  /** Waits, up to the drain time-out, until nothing is queued for an endpoint; says whether so. */
  async flushed(port: Port): Promise<boolean> {
    // A worker that had picked it when it was drained has committed its message by then.
    await sleep(pickedMs);
    await flushPort(this.#native, port, this.#ir.drainTimeoutMs);
    return this.#native.report(port.slot).txIdle;
  }

  /** Resolves when endpoints that a change removed or moved have been drained and closed. */
  async drained(): Promise<void> {
    while (this.#draining.size > 0) {
      await Promise.all([...this.#draining.values()].map(({ ended }) => ended));
    }
  }

  /**
   * Puts another configuration in the place of the one that runs. To be called in turn. Throws, and
   * nothing has changed, if it cannot be used. `isChecked`: it is known to be sound.
   */
  async apply(
    ir: RouterIr,
    { maxMoved = 1 }: UpdateOptions = {},
    isChecked = false,
  ): Promise<UpdateReport> {
    const router = this.#native;
    if (!isChecked) check(ir);
    const diff = diffRouters(this.#ir, ir);
    refuseMoves(diff, maxMoved);
    const image = emit(ir);
    const plan = replanWorkers(this.#plan, this.#ir, ir);
    const next = this.#openChanged(ir, plan);
    const gone = [...this.#ports.values()].filter(({ slot }) => !next.slots.has(slot));
    const moved = gone.filter(({ ir: { name } }) => next.ports.has(name));
    const removed = gone.filter(({ ir: { name } }) => !next.ports.has(name));
    try {
      const draining = [...this.#boundPorts(next.ports), ...moved];
      const bindings = bindingsOf(ir, next.ports, draining);
      const names = namesOf(ir);
      const isRecorded = this.recording !== null && this.recording.report().end === null;
      const described = isRecorded ? { description: descriptionOf(ir) } : {};
      nativeCall(() => router.prepare({ ...bindings, image, ...names, ...described }));
    } catch (error) {
      for (const { slot } of next.opened) router.freeSlot(slot);
      throw error;
    }
    // Read and held messages of a source that goes are still routed by the old routes.
    const unbound = this.#bound().filter(({ port }) => !next.ports.has(port.ir.name));
    const ending = [...removed, ...unbound.map(({ port }) => port)];
    await Promise.all(ending.map((port) => stopReading(router, port, ir.drainTimeoutMs)));
    for (const draining of unbound) draining.bound = false;
    this.control.configure(ir, next.ports);
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
    return {
      ...next.names(),
      removed: removed.map(({ ir: { name } }) => name),
      ...changesOf(diff),
    };
  }

  /** What `apply` would do; throws what it would, but for what only opening a socket tells. */
  plan(ir: RouterIr): UpdateReport {
    check(ir);
    emit(ir);
    replanWorkers(this.#plan, this.#ir, ir);
    const next = new NextPorts();
    for (const endpoint of ir.endpoints) next.classify(this.#native, this.#ports, endpoint);
    const names = new Set(ir.endpoints.map(({ name }) => name));
    const removed = [...this.#ports.keys()].filter((name) => !names.has(name));
    return { ...next.names(), removed, ...changesOf(diffRouters(this.#ir, ir)) };
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
        const change = next.classify(this.#native, this.#ports, endpoint);
        if (running !== undefined && change === 'keep') {
          next.keep(running);
          continue;
        }
        const worker = plan.workerOf.get(name) ?? 0;
        next.open(openPort(this.#native, endpoint, worker, running));
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
      await this.inTurn(() => this.#unbind(port.slot));
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

  /** So that it says how it ended: when the engine is gone nothing does. */
  async #endRecording(): Promise<void> {
    const { recording } = this;
    if (recording === null) return;
    const isOver = () => recording.report().end !== null;
    try {
      await Promise.race([recording.stop(), until(isOver, recordingEndMs, this.#native)]);
    } catch {
      // The engine completes the file as it ends.
    }
  }

  /** Reads nothing more, lets what was read leave, up to `limitMs`, and ends the workers. */
  async close(limitMs: number): Promise<void> {
    for (const { memory } of this.#ports.values()) memory?.endOffers();
    this.control.close();
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
      await this.#endRecording();
      router.stop();
      for (const { memory } of [...this.#ports.values(), ...draining]) memory?.close();
    }
  }
}

/** An endpoint that an update removed or moved, until it is closed. */
interface Draining {
  readonly port: Port;
  readonly ended: Promise<void>;
  /** The installed image still names its slot; never again once this is false. */
  bound: boolean;
}
