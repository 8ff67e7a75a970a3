// Definition of udp endpoints.

import { isIP } from 'node:net';
import type { EndpointOf, Messages } from '../compiler/dsl/targets.js';
import { type BlocksFraming, blockBytesMax } from '../schema/blocks.js';
import type { Raw } from '../schema/union.js';
import {
  type CommonOptions,
  checkQueueRoom,
  defineEndpoint,
  type RemoteAddress,
  type ResolveOptions,
  readBindHost,
  readRemote,
  readResolve,
} from './common.js';
import { type ControlOptions, readControl } from './control.js';
import { readDatagramFraming } from './framing.js';

export interface UdpOptions<M extends Messages>
  extends CommonOptions<M>,
    ControlOptions,
    ResolveOptions {
  /** Address to bind: an IPv4 or IPv6 literal or 'localhost'; default 127.0.0.1. */
  readonly host?: string;
  /** Port to bind; 0: any free one. */
  readonly port: number;
  /** Allows an address that other hosts can reach. */
  readonly exposed?: boolean;
  /**
   * Where messages go that answer nobody; without it those are rejected with NO_DESTINATION.
   * Datagrams are received from anyone.
   */
  readonly remote?: RemoteAddress;
  /**
   * How one datagram holds several messages: `framing.blocks(…)`. Default: each is one message.
   * With it the endpoint is a source only.
   */
  readonly framing?: BlocksFraming;
  /** Size asked for the socket's receive buffer; default: the system's. */
  readonly receiveBufferBytes?: number;
  /** Size asked for the socket's send buffer; default: the system's. */
  readonly sendBufferBytes?: number;
  /** Largest datagram received; longer ones are counted and dropped. Default 2048. */
  readonly maxDatagramBytes?: number;
  /** Senders remembered, so that they can be answered; default 4096. */
  readonly maxPeers?: number;
}

const bufferBytesMax = 2 ** 30;
const datagramBytesMax = 65_507;
const peerCountMax = 65_534;

/**
 * Defines a udp endpoint: one socket, both source and destination. Nothing is opened before the
 * router starts. Throws HyperRouteError ERR_CONFIG.
 *
 * @example
 * ```ts
 * const venue = udp('venue', { port: 0, messages: Venue,
 *   remote: { host: '127.0.0.1', port: 9101 } });
 * ```
 */
export function udp<const M extends Messages = Raw>(
  name: string,
  options: UdpOptions<M>,
): EndpointOf<M> {
  const read: Parameters<typeof defineEndpoint>[3] = (reader, common) => {
    const { host, exposed } = readBindHost(reader);
    const hasRemote = (reader.raw('remote') ?? null) !== null;
    const resolve = readResolve(reader);
    const remote = hasRemote ? readRemote(reader.nested('remote'), resolve !== null) : null;
    if (resolve !== null && (remote === null || reader.raw('port') !== 0)) {
      const expected = '0, and a `remote`, with `resolveEvery`: each address has its own socket';
      throw reader.error('port', expected, reader.raw('port'));
    }
    if (remote !== null && resolve === null && isIP(remote.host) !== isIP(host)) {
      const expected = `an address of the family of \`host\` (${host})`;
      throw reader.error('remote.host', expected, remote.host);
    }
    const framing = readDatagramFraming(reader);
    if (framing !== null && remote !== null) {
      const expected = 'none with framing.blocks, which receives only';
      throw reader.error('remote', expected, remote);
    }
    const own = {
      host,
      exposed,
      remote,
      ...(resolve === null ? {} : { resolve }),
      framing,
      port: reader.integer('port', 0, 65_535, undefined),
      receiveBufferBytes: reader.optionalInteger('receiveBufferBytes', 1, bufferBytesMax),
      sendBufferBytes: reader.optionalInteger('sendBufferBytes', 1, bufferBytesMax),
      maxDatagramBytes: reader.integer('maxDatagramBytes', 1, datagramBytesMax, 2048),
      maxPeers: reader.integer('maxPeers', 1, peerCountMax, 4096),
    };
    if (framing !== null && blockBytesMax(framing, own.maxDatagramBytes) < 0) {
      const expected = 'at least the bytes of the header and of a length of `framing`';
      throw reader.error('maxDatagramBytes', expected, own.maxDatagramBytes);
    }
    checkQueueRoom(reader, common, 'maxDatagramBytes', own.maxDatagramBytes);
    return own;
  };
  return defineEndpoint<M>('udp', name, options, read, (reader) => readControl(reader, 'udp'));
}
