// Definition of tcp endpoints.

import type { EndpointOf, Messages } from '../compiler/dsl/targets.js';
import { collection } from '../schema/collection.js';
import type { OptionReader } from '../schema/options.js';
import type { Raw } from '../schema/union.js';
import {
  type CommonIr,
  type CommonOptions,
  checkQueueRoom,
  defineEndpoint,
  type ResolveOptions,
  readBindHost,
  readHost,
  readHostName,
  readResolve,
} from './common.js';
import { type ControlOptions, readControl } from './control.js';
import { type Framing, readFraming } from './framing.js';

interface StreamOptions<M extends Messages> extends CommonOptions<M> {
  /** How messages are told apart in the stream. */
  readonly framing: Framing;
  /** Largest frame; the connection of a longer one is cut. Default 65,536. */
  readonly maxFrameBytes?: number;
  /** Sends small messages at once (TCP_NODELAY); default true. */
  readonly noDelay?: boolean;
  /** How long a connection whose peer has stopped sending is still written to; default 10,000. */
  readonly halfOpenTimeoutMs?: number;
}

export interface TcpListenOptions<M extends Messages> extends StreamOptions<M> {
  /** Address to bind: an IPv4 or IPv6 literal or 'localhost'; default 127.0.0.1. */
  readonly host?: string;
  /** Port to bind; 0: any free one. */
  readonly port: number;
  /** Allows an address that other hosts can reach. */
  readonly exposed?: boolean;
  /** Connections at a time; further ones are closed at once. Default 1024. */
  readonly maxConnections?: number;
  /** Connections that wait to be accepted; default 511. */
  readonly backlog?: number;
}

export interface TcpConnectOptions<M extends Messages>
  extends StreamOptions<M>,
    ControlOptions,
    ResolveOptions {
  /** Address to connect to: an IPv4 or IPv6 literal or 'localhost'; see `resolveEvery`. */
  readonly host: string;
  readonly port: number;
  /** Waits between attempts, doubled from `minMs` (50) up to `maxMs` (5000). */
  readonly reconnect?: { readonly minMs?: number; readonly maxMs?: number };
}

const frameBytesMax = 2 ** 24;
const connectionCountMax = 65_534;
const backlogMax = 65_535;
const waitMsMax = 3_600_000;

function readStream(reader: OptionReader, common: CommonIr): Readonly<Record<string, unknown>> {
  const framing = readFraming(reader);
  const fallback = framing.kind === 'fixed' ? framing.bytes : 65_536;
  const maxFrameBytes = reader.integer('maxFrameBytes', 1, frameBytesMax, fallback);
  if (framing.kind === 'fixed' && framing.bytes > maxFrameBytes) {
    const expected = `at least the fixed frame of ${framing.bytes} bytes`;
    throw reader.error('maxFrameBytes', expected, maxFrameBytes);
  }
  if (framing.kind === 'length-prefix' && framing.offset + framing.bytes > maxFrameBytes) {
    const headerBytes = framing.offset + framing.bytes;
    const expected = `at least the ${headerBytes} bytes up to the end of the length field`;
    throw reader.error('maxFrameBytes', expected, maxFrameBytes);
  }
  checkQueueRoom(reader, common, 'maxFrameBytes', maxFrameBytes);
  return {
    framing,
    maxFrameBytes,
    noDelay: reader.boolean('noDelay', true),
    halfOpenTimeoutMs: reader.integer('halfOpenTimeoutMs', 0, waitMsMax, 10_000),
  };
}

function listen<const M extends Messages = Raw>(
  name: string,
  options: TcpListenOptions<M>,
): EndpointOf<M> {
  return defineEndpoint<M>('tcp-listen', name, options, (reader, common) => ({
    ...readBindHost(reader),
    port: reader.integer('port', 0, 65_535, undefined),
    ...readStream(reader, common),
    maxConnections: reader.integer('maxConnections', 1, connectionCountMax, 1024),
    backlog: reader.integer('backlog', 1, backlogMax, 511),
  }));
}

function connect<const M extends Messages = Raw>(
  name: string,
  options: TcpConnectOptions<M>,
): EndpointOf<M> {
  const read: Parameters<typeof defineEndpoint>[3] = (reader, common) => {
    const waits = reader.nested('reconnect');
    const minMs = waits.integer('minMs', 1, waitMsMax, 50);
    const reconnect = {
      minMs,
      maxMs: waits.integer('maxMs', minMs, waitMsMax, Math.max(minMs, 5000)),
    };
    waits.done();
    const resolve = readResolve(reader);
    return {
      host: resolve === null ? readHost(reader, undefined) : readHostName(reader),
      ...(resolve === null ? {} : { resolve }),
      port: reader.integer('port', 1, 65_535, undefined),
      ...readStream(reader, common),
      reconnect,
    };
  };
  const readTcpControl = (reader: OptionReader) => readControl(reader, 'tcp');
  return defineEndpoint<M>('tcp-connect', name, options, read, readTcpControl);
}

/**
 * Defines tcp endpoints, both sources and destinations. `tcp.listen` takes connections, which are
 * answered with `returnTo(…)`; a rule cannot send to the listener as such. `tcp.connect` keeps one
 * connection up; while it is down, what is for it waits in its queue. Nothing is opened before the
 * router starts. Throws HyperRouteError ERR_CONFIG.
 *
 * @example
 * ```ts
 * const clients = tcp.listen('clients', { port: 9000, messages: Orders, maxFrameBytes: 64,
 *   framing: framing.lengthPrefix({ bytes: 4, includesHeader: true }) });
 * ```
 */
export const tcp = collection('tcp', 'a kind of endpoint', 'ERR_CONFIG', { listen, connect });
