// What a link between two Node processes is to the measuring loops.

/** Gets a received message: `length` bytes of `bytes` at `offset`, valid during the call. */
export type OnMessage = (bytes: Uint8Array, offset: number, length: number) => void;

export interface LinkOptions {
  readonly isServer: boolean;
  /** The one after it is free too. */
  readonly port: number;
  /** Of each message, for a link that carries bytes. */
  readonly bytes: number;
  /** Datagrams that get lost, of 1,000; a link that cannot lose has none. */
  readonly lossPermille: number;
  readonly seed: number;
}

export interface Link {
  /** Takes a message, or says no: then let the loop turn, or poll, and try again. */
  readonly send: (message: Uint8Array) => boolean;
  /** What was sent leaves now. */
  readonly flush: () => void;
  /** Of a link that is not served by the event loop. */
  readonly poll: (() => void) | undefined;
}

export type OpenLink = (options: LinkOptions, onMessage: OnMessage) => Promise<Link>;
