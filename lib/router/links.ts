// How endpoints that keep a session up stand with the other end, in words.
import type { NativeLink, NativeRouter } from '../native.js';
import type { RunningEndpoint } from './options.js';
import type { Port } from './ports.js';

/**
 * Why a session, or the last attempt to make one, ended. `no-answer`: nobody answers at that
 * address, or not with that `serverKey`. `key-not-allowed`: our key is not in the listener's
 * `allow`. `busy`: it has all the sessions that it takes. `version`: it speaks another version.
 * `shutting-down`: it takes no new sessions. `peer-closed`, `peer-dead`: the session ended.
 */
export type ConnectionReason =
  | 'none'
  | 'no-answer'
  | 'refused'
  | 'key-not-allowed'
  | 'busy'
  | 'version'
  | 'shutting-down'
  | 'closed'
  | 'peer-closed'
  | 'peer-dead'
  | 'protocol-error'
  | 'replaced'
  | 'local-limit';

export interface Connection {
  readonly state: 'connecting' | 'connected';
  /** Of what was before; 'none' while it is connected, and before the first attempt has ended. */
  readonly reason: ConnectionReason;
}

/** By CloseReason of native/raptor/session.h. */
const reasons: readonly ConnectionReason[] = [
  'none',
  'closed',
  'peer-closed',
  'peer-dead',
  'no-answer',
  'refused',
  'protocol-error',
  'replaced',
  'peer-closed',
  'local-limit',
];
/** By HandshakeStatus of native/wire/raptor_packet.h. */
const refusals: readonly ConnectionReason[] = [
  'refused',
  'key-not-allowed',
  'busy',
  'version',
  'shutting-down',
];

function reasonOf({ reason, refusal }: NativeLink): ConnectionReason {
  const known = reasons[reason] ?? 'closed';
  return known === 'refused' ? (refusals[refusal] ?? known) : known;
}

function connectionOf(router: NativeRouter, slot: number): Connection | undefined {
  const link = router.link(slot);
  if (link === undefined) return undefined;
  return { state: link.isConnected ? 'connected' : 'connecting', reason: reasonOf(link) };
}

/** What is said of an open endpoint; `router` is null once it closes. */
export function runningEndpoint(router: NativeRouter | null, port: Port): RunningEndpoint {
  const { ir, slot, address, receiveBufferBytes } = port;
  const { name, kind } = ir;
  const isLink = router !== null && kind === 'raptor-connect';
  const connection = isLink ? connectionOf(router, slot) : undefined;
  const own = { name, kind, address, receiveBufferBytes };
  return connection === undefined ? own : { ...own, connection };
}
