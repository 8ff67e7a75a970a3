// How endpoints that keep a session up stand with the other end, in words.
import type { NativeRouter } from '../native.js';
import { endReason, type RaptorEndReason } from '../raptor/reasons.js';
import type { RunningEndpoint } from './options.js';
import type { Port } from './ports.js';

/** Why the session of an endpoint, or its last attempt to make one, ended. */
export type ConnectionReason = RaptorEndReason;

export interface Connection {
  readonly state: 'connecting' | 'connected';
  /** Of what was before; 'none' while it is connected, and before the first attempt has ended. */
  readonly reason: ConnectionReason;
}

function connectionOf(router: NativeRouter, slot: number): Connection | undefined {
  const link = router.link(slot);
  if (link === undefined) return undefined;
  const reason = endReason(link.reason, link.refusal);
  return { state: link.isConnected ? 'connected' : 'connecting', reason };
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
