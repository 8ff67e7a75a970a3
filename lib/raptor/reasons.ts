// Why sessions end, in words.

/**
 * Why a session, or an attempt to make one, ended. `no-answer`: nobody answers at that address, or
 * not with that `serverKey`. `key-not-allowed`: our key is not in the listener's `allow`. `busy`:
 * it has all the sessions that it takes. `version`: it speaks another version. `shutting-down`: it
 * takes no new sessions. `peer-dead`: nothing came for the time of its liveness. `replaced`: of a
 * listener: the peer, with the same key at the same address and port, has made a new session, as
 * after a restart; what it had not acknowledged of the old one it may not have got, and is sent
 * again to nobody.
 */
export type RaptorEndReason =
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

/** By CloseReason of native/raptor/session.h. */
const reasons: readonly RaptorEndReason[] = [
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
const refusals: readonly RaptorEndReason[] = [
  'refused',
  'key-not-allowed',
  'busy',
  'version',
  'shutting-down',
];

/** The words for the numbers of the addon. */
export function endReason(reason: number, refusal: number): RaptorEndReason {
  const known = reasons[reason] ?? 'closed';
  return known === 'refused' ? (refusals[refusal] ?? known) : known;
}
