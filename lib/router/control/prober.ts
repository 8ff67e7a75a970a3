// Asks the endpoints that have a health option, each at its own pace. At most one question for
// each of them is under way, so their number bounds the sockets.
import type { EndpointIr } from '../../compiler/ir.js';
import { ask, probeOf } from './probe.js';

interface Asked {
  /** What it was made from: an endpoint whose question stays the same goes on. */
  readonly key: string;
  end(): void;
}

export class Prober {
  readonly #asked = new Map<string, Asked>();
  readonly #onAnswer: (name: string, isGood: boolean) => void;

  constructor(onAnswer: (name: string, isGood: boolean) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Asks these endpoints from now on, and no others. */
  configure(endpoints: readonly EndpointIr[]): void {
    const asking = endpoints.filter((endpoint) => probeOf(endpoint) !== null);
    const names = new Set(asking.map(({ name }) => name));
    for (const name of [...this.#asked.keys()]) if (!names.has(name)) this.#end(name);
    for (const [index, endpoint] of asking.entries()) {
      const key = JSON.stringify([endpoint.control?.health, probeOf(endpoint)?.address]);
      if (this.#asked.get(endpoint.name)?.key === key) continue;
      this.#end(endpoint.name);
      this.#asked.set(endpoint.name, this.#start(endpoint, key, index / asking.length));
    }
  }

  close(): void {
    for (const name of [...this.#asked.keys()]) this.#end(name);
  }

  #end(name: string): void {
    this.#asked.get(name)?.end();
    this.#asked.delete(name);
  }

  /** `phase`, 0 to 1: when in its interval it is asked, so that not all are asked at once. */
  #start(endpoint: EndpointIr, key: string, phase: number): Asked {
    const { name, control } = endpoint;
    const probe = probeOf(endpoint);
    const everyMs = control?.health?.everyMs ?? 0;
    const stop = new AbortController();
    let isAsking = false;
    const once = async (): Promise<void> => {
      if (isAsking || probe === null) return;
      isAsking = true;
      const isGood = await ask(probe, stop.signal);
      isAsking = false;
      if (!stop.signal.aborted) this.#onAnswer(name, isGood);
    };
    let timer = setTimeout(() => {
      timer = setInterval(() => void once(), everyMs).unref();
      void once();
    }, everyMs * phase).unref();
    const end = (): void => {
      clearTimeout(timer);
      stop.abort();
    };
    return { key, end };
  }
}
