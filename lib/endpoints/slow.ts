// Definition of slow functions: JavaScript as a destination that may answer.
import type { EndpointOf, Messages } from '../compiler/dsl/targets.js';
import type { Raw } from '../schema/union.js';
import { type CommonOptions, defineEndpoint } from './common.js';
import { type OverloadOptions, readControl } from './control.js';
import { readRing } from './memory.js';

export interface SlowOptions<M extends Messages> extends CommonOptions<M>, OverloadOptions {
  /** Size of the ring each way, a power of two; default 1 MiB. */
  readonly ringBytes?: number;
}

/**
 * Defines a slow function: a destination whose messages a JavaScript function handles, which
 * `router.slow(name, …)` names. What the function replies is routed like any message from an
 * endpoint of this name. Its queue and ring are bounded and `queue.full` says what happens beyond;
 * no other destination waits for it. Throws HyperRouteError ERR_CONFIG.
 *
 * @example
 * ```ts
 * const enrich = slow('enrich', { messages: Orders, queue: { full: 'reject' } });
 * const routes = [
 *   route.first(Order, () => [otherwise.to(enrich)], { from: clients }),
 *   route.first(Order, () => [otherwise.to(venue)], { from: enrich }),
 * ];
 * // router.slow('enrich', async (message, reply) => reply(await enriched(message)));
 * ```
 */
export function slow<const M extends Messages = Raw>(
  name: string,
  options: SlowOptions<M> = {},
): EndpointOf<M> {
  const read: Parameters<typeof defineEndpoint>[3] = (reader) => {
    return { ...readRing(reader), mode: 'wake', slow: true };
  };
  return defineEndpoint<M>('memory', name, options, read, (reader) => readControl(reader, null));
}
