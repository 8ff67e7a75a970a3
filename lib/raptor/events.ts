// What a node tells.
import type { EventEmitter } from 'node:events';
import { textOfPublicKey } from '../endpoints/raptor-keys.js';
import type { RaptorLabel } from './label.js';
import type { NativeRaptorEvent } from './native.js';
import { endReason, type RaptorEndReason } from './reasons.js';

export interface SessionOpened {
  /** The session's number, for `publication(label, { session })` and `closeSession`. */
  readonly session: number;
  /** Where the peer is, as `address:port`. */
  readonly remote: string;
  /** The peer's public key; null with `insecure`. */
  readonly key: string | null;
  /** Whether this end connected. */
  readonly isOutgoing: boolean;
}

export interface SessionEnded {
  readonly session: number;
  readonly reason: RaptorEndReason;
  /**
   * Messages that were offered to the session and that its peer did not acknowledge: they may have
   * arrived or not, and are not sent again. An estimate beyond 65,536 records.
   */
  readonly unacknowledged: number;
}

export interface ConnectFailed {
  readonly remote: string;
  readonly reason: RaptorEndReason;
}

/** A publication does not go to a session. */
export interface ReceiverLost {
  readonly session: number;
  /** Of the publication; undefined once it is closed. */
  readonly label: RaptorLabel | undefined;
}

/** The events of a node and what comes with them. */
export interface NodeEvents {
  session: [SessionOpened];
  sessionEnd: [SessionEnded];
  connectFailed: [ConnectFailed];
  receiverDropped: [ReceiverLost];
  receiverLeftOut: [ReceiverLost];
  close: [];
}

/** Emits what the addon tells. */
export function tell(
  emitter: EventEmitter<NodeEvents>,
  event: NativeRaptorEvent,
  label: RaptorLabel | undefined,
): void {
  const { session, key, unacknowledged } = event;
  const remote = event.remote ?? '';
  const reason = endReason(event.reason, event.refusal);
  switch (event.kind) {
    case 'session': {
      const text = key === null ? null : textOfPublicKey(key);
      emitter.emit('session', { session, remote, key: text, isOutgoing: event.link !== 0 });
      break;
    }
    case 'sessionEnd':
      emitter.emit('sessionEnd', { session, reason, unacknowledged });
      break;
    case 'connectFailed':
      emitter.emit('connectFailed', { remote, reason });
      break;
    case 'receiverDropped':
      emitter.emit('receiverDropped', { session, label });
      break;
    default:
      emitter.emit('receiverLeftOut', { session, label });
  }
}
