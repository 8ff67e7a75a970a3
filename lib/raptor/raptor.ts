// `raptor`: endpoints of routers, and nodes without one.
import { connect, listen } from '../endpoints/raptor.js';
import { collection } from '../schema/collection.js';
import { RaptorNode } from './node.js';
import type { RaptorNodeOptions } from './options.js';

/**
 * Opens a stand-alone end: it takes sessions (`listen`), keeps some up (`connect`), or both. Throws
 * HyperRouteError: ERR_CONFIG, ERR_ADDRESS_IN_USE, ERR_ADDRESS_INVALID, ERR_PERMISSION,
 * ERR_CRYPTO_UNAVAILABLE, ERR_NATIVE_UNAVAILABLE, ERR_SYSTEM. Never blocks, but for reading a key
 * file and loading the addon.
 *
 * @example
 * ```ts
 * const node = raptor.open({ connect: { host: '127.0.0.1', port: 9000, serverKey } });
 * node.subscription('ticks', (batch) => {
 *   while (batch.next()) console.log(batch.copy());
 * });
 * ```
 */
function open(options: RaptorNodeOptions): RaptorNode {
  return new RaptorNode(options);
}

/**
 * Reliable, encrypted messages on UDP. `raptor.listen` and `raptor.connect` define endpoints of
 * routers, both sources and destinations: messages arrive once and in order (or as `mode` says),
 * and slow receivers slow their senders. `listen` takes sessions, which are answered with
 * `returnTo(…)`; a rule cannot send to the listener as such. `connect` keeps one session up; while
 * it is down, what is for it waits in its queue. Nothing is opened before the router starts.
 * `raptor.open` opens an end without a router at once. Throw HyperRouteError ERR_CONFIG.
 *
 * @example
 * ```ts
 * const feed = raptor.listen('feed', { port: 9000, keyFile: 'feed.key', messages: Ticks });
 * const venue = raptor.connect('venue', { host: '127.0.0.1', port: 9000, messages: Ticks,
 *   serverKey: 'raptor-public-…' });
 * ```
 */
export const raptor = collection('raptor', 'a kind of endpoint', 'ERR_CONFIG', {
  listen,
  connect,
  open,
});
