// Sessions of a node, as JavaScript sees them.
import { textOfPublicKey } from '../endpoints/raptor-keys.js';
import type { NativeRaptorSession, RaptorSessionCounters } from './native.js';

/** A session that is there, and what it counts. */
export interface RaptorSession {
  /** Its number; another one once it has been made again. */
  readonly session: number;
  /** Where the peer is, as `address:port`. */
  readonly remote: string;
  /** The peer's public key; null with `insecure`. */
  readonly key: string | null;
  /** Whether this end connected. */
  readonly isOutgoing: boolean;
  readonly counters: RaptorSessionCounters;
}

export function sessionOf(native: NativeRaptorSession): RaptorSession {
  const { session, link, remote, key, ...counters } = native;
  return {
    session,
    remote: remote ?? '',
    key: key === null ? null : textOfPublicKey(key),
    isOutgoing: link !== 0,
    counters,
  };
}
