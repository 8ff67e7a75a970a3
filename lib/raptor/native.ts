// What the addon's RaptorNode is (native/addon/raptor_node.h).
import { type NativeAddon, native } from '../native.js';

export interface NativeRaptorEvent {
  readonly kind: string;
  readonly session: number;
  readonly publication: number;
  readonly link: number;
  readonly reason: number;
  readonly refusal: number;
  readonly unacknowledged: number;
  readonly remote: string | null;
  readonly key: Uint8Array | null;
}

/** What a session counts; the first five are gauges. */
export interface RaptorSessionCounters {
  /** Smoothed; 0 before the first answer. */
  readonly rttNs: number;
  readonly rttNsMin: number;
  /** What may be under way: the congestion window. */
  readonly windowBytes: number;
  readonly inFlightBytes: number;
  /** The largest datagram that the path carries. */
  readonly datagramBytes: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  /** Packets taken for lost because later ones overtook them, or nobody answered probes. */
  readonly lostByReorder: number;
  readonly lostByProbe: number;
  readonly retransmits: number;
  /** Taken for lost, acknowledged later. */
  readonly spurious: number;
  /** Cuts of the congestion window that were for such packets, and taken back. */
  readonly cutsUndone: number;
  /** Packets that overtook a late one, at most. */
  readonly reorderDepthMax: number;
  readonly probesSent: number;
  /** Offers that found no room. */
  readonly backPressure: number;
  /** Times that messages which had come were not taken at once. */
  readonly refused: number;
  /** Messages given up, as their modes say. */
  readonly abandoned: number;
  /** Dropped, because the peer sent more than it might. */
  readonly beyondWindow: number;
  readonly forged: number;
  readonly replayed: number;
  readonly keyUpdates: number;
  /** Times that the path began to swallow large datagrams. */
  readonly mtuBlackHoles: number;
}

export interface NativeRaptorSession extends RaptorSessionCounters {
  readonly session: number;
  readonly link: number;
  readonly remote: string | null;
  readonly key: Uint8Array | null;
}

/** What a publication counts. */
export interface RaptorPublicationCounters {
  /** Messages taken. */
  readonly messages: number;
  /** Offers that found no room. */
  readonly backPressure: number;
  /** Messages that receivers got not, for `slow: 'drop'`. */
  readonly missed: number;
  readonly receiversDropped: number;
  /** Gauge. */
  readonly receivers: number;
}

/**
 * What a node counts. From `refusedWrongKey` on it is why sessions did not come to be, each end for
 * itself: 0 once it is closed.
 */
export interface RaptorNodeCounters {
  /** Messages handed to subscriptions. */
  readonly received: number;
  /** Messages dropped, because no subscription wanted them (`unsubscribed: 'drop'`). */
  readonly unsubscribed: number;
  /** Messages received of sessions that ended, given up for lack of room. */
  readonly lostAtEnd: number;
  /** Messages of publications that were not acknowledged when their session ended. */
  readonly unacknowledged: number;
  readonly eventsLost: number;
  /** Datagrams that found the socket's receive buffer full. */
  readonly kernelDrops: number;
  /**
   * Datagrams dropped without an answer: of no session, not from where its peer is, no handshake
   * that this end takes, or one too many. 0 once it is closed. Forged and replayed ones of a
   * session count there.
   */
  readonly rejected: number;
  /** Of another public key than the listener's, or not answered by its private one. */
  readonly refusedWrongKey: number;
  /** Of a key that is not in the listener's `allow`. */
  readonly refusedNotAllowed: number;
  readonly refusedVersion: number;
  /** One end is `insecure` and the other is not. */
  readonly refusedInsecure: number;
  /** The listener has all the sessions that it takes. */
  readonly refusedBusy: number;
  readonly refusedShuttingDown: number;
  /** With a cookie that is old or not the listener's: the sender gets another. */
  readonly refusedCookie: number;
  /** Too many attempts under way, of one host or in all: dropped, and made again. */
  readonly refusedCrowded: number;
  /** Not answered, or the answer not confirmed, in time. */
  readonly unanswered: number;
  /** Datagrams of no session or attempt, not from where its peer is, or of no known form. */
  readonly strayDatagrams: number;
  /** Lines of the key log that its disk did not take. */
  readonly keyLogLost: number;
}

type Options = Readonly<Record<string, unknown>>;

/** One JavaScript thread; nothing blocks. */
export interface NativeRaptorNode {
  /** What the class' own functions know it by. */
  number(): number;
  publish(options: Options): number;
  endPublication(publication: number): void;
  publicationCounters(publication: number): RaptorPublicationCounters;
  subscribe(labelLow: number, labelHigh: number): number;
  unsubscribe(subscription: number): void;
  pause(subscription: number, isPaused: boolean): void;
  connect(options: Options): number;
  disconnect(link: number): void;
  closeSession(session: number): void;
  takeEvents(): readonly NativeRaptorEvent[];
  sessions(): readonly NativeRaptorSession[];
  counters(): RaptorNodeCounters;
  address(): string | null;
  isDrained(): boolean;
  setReferenced(isReferenced: boolean): void;
  close(): void;
}

/** Made for every message, so they are no methods: native/addon/raptor_node_calls.h says why. */
export interface NativeRaptorNodeCalls {
  /** The position, or a negative offer code; undefined for what is no Uint8Array. */
  offer(node: number, publication: number, message: Uint8Array): number | undefined;
  poll(node: number): void;
  flush(node: number): void;
}

type NativeRaptorNodeClass = NativeRaptorNodeCalls &
  (new (
    options: Options,
    buffer: Uint8Array,
    onWake: (() => void) | undefined,
  ) => NativeRaptorNode);

/** The addon's class; loads the addon. */
export function nativeRaptorNode(): NativeRaptorNodeClass {
  return (native() as NativeAddon & { readonly RaptorNode: NativeRaptorNodeClass }).RaptorNode;
}
