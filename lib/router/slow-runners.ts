// The slow functions of a running router, which stay with their endpoints through updates.
// Thread: the one that started the router.
import type { EndpointIr } from '../compiler/ir.js';
import type { Port } from './ports.js';
import {
  type SlowCounts,
  type SlowFunction,
  type SlowHandle,
  SlowRunner,
  type SlowRunOptions,
} from './slow.js';

export class SlowRunners {
  readonly #runners = new Map<string, SlowRunner>();
  readonly #ports: () => ReadonlyMap<string, Port>;

  constructor(ports: () => ReadonlyMap<string, Port>) {
    this.#ports = ports;
  }

  /** Runs a function for an endpoint. Throws TypeError where there cannot be one. */
  add({ name, options }: EndpointIr, handle: SlowFunction, run: SlowRunOptions): SlowHandle {
    if (options.slow !== true) throw new TypeError(`endpoint '${name}' is not a slow function`);
    if (this.#runners.get(name)?.isStopped === false) {
      throw new TypeError(`slow('${name}') has a function already: stop it first`);
    }
    const runner = new SlowRunner(name, handle, run);
    this.#runners.set(name, runner);
    this.follow();
    return runner;
  }

  /** After an update: endpoints that were opened anew have another end. */
  follow(): void {
    const ports = this.#ports();
    for (const [name, runner] of this.#runners) {
      const { memory = null, ir } = ports.get(name) ?? {};
      if (memory !== null && ir?.options.slow === true) runner.attach(memory);
      else if (ir === undefined) this.#runners.delete(name);
    }
  }

  counts(): Readonly<Record<string, SlowCounts>> {
    return Object.fromEntries([...this.#runners].map(([name, runner]) => [name, runner.counts()]));
  }
}
