// Definition of memory endpoints: JavaScript as a source and a destination.
import type { EndpointOf, Messages } from '../compiler/dsl/targets.js';
import type { OptionReader } from '../schema/options.js';
import type { Raw } from '../schema/union.js';
import { type CommonOptions, defineEndpoint } from './common.js';
import { type OverloadOptions, readControl } from './control.js';

export interface MemoryOptions<M extends Messages> extends CommonOptions<M>, OverloadOptions {
  /** Size of the ring each way, a power of two; default 1 MiB. */
  readonly ringBytes?: number;
  /** `wake`: the router wakes JavaScript up for messages. `poll`: JavaScript looks itself. */
  readonly mode?: 'wake' | 'poll';
}

const ringBytesMin = 4096;
const ringBytesMax = 2 ** 30;

/** Reads the size of an endpoint's rings. */
export function readRing(reader: OptionReader): { readonly ringBytes: number } {
  const ringBytes = reader.integer('ringBytes', ringBytesMin, ringBytesMax, 2 ** 20);
  if (Number.isInteger(Math.log2(ringBytes))) return { ringBytes };
  throw reader.error('ringBytes', 'a power of two', ringBytes);
}

/**
 * Defines a memory endpoint: messages between this process's JavaScript and the router, through
 * rings in shared memory. `router.memory(name)` is the end that JavaScript uses. Throws
 * HyperRouteError ERR_CONFIG.
 *
 * @example
 * ```ts
 * const app = memory('app', { messages: Orders, ringBytes: 1 << 20 });
 * const router = await HyperRoute.start(defineRouter({ endpoints: [app, …], routes: [ … ] }));
 * router.memory('app').offer(bytes);
 * router.memory('app').subscribe((batch) => {
 *   while (batch.next()) console.log(Order.decode(batch.bytes, batch.offset));
 * });
 * ```
 */
export function memory<const M extends Messages = Raw>(
  name: string,
  options: MemoryOptions<M> = {},
): EndpointOf<M> {
  const read: Parameters<typeof defineEndpoint>[3] = (reader) => {
    return { ...readRing(reader), mode: reader.choice('mode', ['wake', 'poll'], 'wake') };
  };
  return defineEndpoint<M>('memory', name, options, read, (reader) => readControl(reader, null));
}
