// Definition of raptor endpoints: reliable, encrypted messages on UDP.

import { dirname, resolve } from 'node:path';
import type { EndpointOf, Messages } from '../compiler/dsl/targets.js';
import { Words } from '../errors.js';
import { type Duration, isRecord, type OptionReader } from '../schema/options.js';
import type { Raw } from '../schema/union.js';
import {
  type CommonIr,
  type CommonOptions,
  checkQueueRoom,
  defineEndpoint,
  isLoopback,
  type ResolveOptions,
  readBindHost,
  readHost,
  readHostName,
  readResolve,
} from './common.js';
import { type OverloadOptions, readControl } from './control.js';
import { bytesOfKey } from './raptor-keys.js';

/**
 * What becomes of messages on their way. `ordered`: each arrives, once, in order. `unordered`: each
 * arrives, once. `latest`: a newer one replaces those that have not arrived. `deadline`: as
 * `ordered`, but given up when it is too late. `unreliable`: at most once.
 */
export type RaptorMode = 'ordered' | 'unordered' | 'latest' | 'deadline' | 'unreliable';

/**
 * How much may be under way. 'delay': as much as the network takes without a queue building up.
 * `staticBytes`: so many bytes of each session, or what its peer takes where that is less, for
 * those who own the wire.
 */
export type RaptorCongestion = 'delay' | { readonly staticBytes: number };

interface SessionOptions<M extends Messages> extends CommonOptions<M> {
  /** This end's private key, `raptor-private-…`; better from the environment than in the file. */
  readonly keys?: string;
  /** The file that holds it, as `hyperroute keys generate FILE` writes it; read at the start. */
  readonly keyFile?: string;
  /**
   * No encryption and no keys, at both ends: `true` between ends on one host, `'exposed'` to say
   * so a second time where others can read and forge.
   */
  readonly insecure?: boolean | 'exposed';
  /** What this end's messages are promised; default 'ordered'. */
  readonly mode?: RaptorMode;
  /** For mode 'deadline': how long a message is worth sending. */
  readonly deadline?: Duration;
  /** Largest message, both ways; default 262,144, at most 16 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * Bytes that a peer may have sent and this end has not routed; then it has to wait. Default
   * 262,144; room for two of the largest message is given in any case, 1 MiB for 262,144.
   */
  readonly windowBytes?: number;
  /** A peer is taken for dead when nothing came from it for so long; default 100 ms. */
  readonly liveness?: Duration;
  /** Default 'delay'. */
  readonly congestion?: RaptorCongestion;
  /**
   * A file that the keys of sessions are appended to, for Wireshark: whoever reads it reads all
   * that they carry. It has to be for its owner alone.
   */
  readonly keyLog?: string;
  /** Size asked for the socket's receive buffer; default 4 MiB. */
  readonly receiveBufferBytes?: number;
  /** Size asked for the socket's send buffer; default 1 MiB. */
  readonly sendBufferBytes?: number;
}

export interface RaptorListenOptions<M extends Messages> extends SessionOptions<M> {
  /** Address to bind: an IPv4 or IPv6 literal or 'localhost'; default 127.0.0.1. */
  readonly host?: string;
  /** Port to bind; 0: any free one. */
  readonly port: number;
  /** Allows an address that other hosts can reach. */
  readonly exposed?: boolean;
  /** Other listeners of this user that say so, too, may have the port: peers are spread. */
  readonly reusePort?: boolean;
  /** Public keys of those who may connect; default: everybody who knows this end's public key. */
  readonly allow?: readonly string[];
  /** Sessions at a time; further ones are refused. Default 1024. */
  readonly maxSessions?: number;
}

export interface RaptorConnectOptions<M extends Messages>
  extends SessionOptions<M>,
    OverloadOptions,
    ResolveOptions {
  /** Address to connect to: an IPv4 or IPv6 literal or 'localhost'; see `resolveEvery`. */
  readonly host: string;
  readonly port: number;
  /** The listener's public key, `raptor-public-…`; not with `insecure`. */
  readonly serverKey?: string;
  /** Waits between attempts, doubled from `minMs` (50) up to `maxMs` (5000). */
  readonly reconnect?: { readonly minMs?: number; readonly maxMs?: number };
}

const modes = ['ordered', 'unordered', 'latest', 'deadline', 'unreliable'] as const;
const messageBytesMax = 2 ** 24;
const messageBytesDefault = 2 ** 18;
const windowBytesMin = 4096;
const windowBytesMax = 2 ** 26;
const bufferBytesMax = 2 ** 30;
const sessionCountMax = 16_384;
const allowedCountMax = 65_536;
const waitMsMax = 3_600_000;
const livenessMsMin = 10;
const livenessMsMax = 3_600_000;
const deadlineMsMax = 3_600_000;
const staticBytesMin = 4096;
const staticBytesMax = 2 ** 26;

/** Options of both kinds but for keys. */
function readSession(reader: OptionReader, common: CommonIr): Readonly<Record<string, unknown>> {
  const mode = reader.choice('mode', modes, 'ordered');
  const given = reader.raw('deadline') ?? null;
  if (mode !== 'deadline' && given !== null) {
    throw reader.error('deadline', "none but with mode 'deadline'", given);
  }
  const isTimed = mode === 'deadline';
  const deadlineMs = isTimed ? reader.duration('deadline', 1, deadlineMsMax, undefined) : null;
  const maxMessageBytes = reader.integer(
    'maxMessageBytes',
    1,
    messageBytesMax,
    Math.min(messageBytesDefault, Math.floor(common.queue.bytes / 4)),
  );
  checkQueueRoom(reader, common, 'maxMessageBytes', maxMessageBytes);
  return {
    mode,
    deadlineMs,
    maxMessageBytes,
    windowBytes: reader.integer('windowBytes', windowBytesMin, windowBytesMax, messageBytesDefault),
    livenessMs: reader.duration('liveness', livenessMsMin, livenessMsMax, 100),
    ...readCongestion(reader),
    receiveBufferBytes: reader.optionalInteger('receiveBufferBytes', 1, bufferBytesMax),
    sendBufferBytes: reader.optionalInteger('sendBufferBytes', 1, bufferBytesMax),
  };
}

/** A fixed window; null: it follows the network. */
export function readCongestion(reader: OptionReader): { readonly staticBytes: number | null } {
  const given = reader.raw('congestion') ?? 'delay';
  if (given === 'delay') return { staticBytes: null };
  if (!isRecord(given)) throw reader.error('congestion', "'delay' or { staticBytes }", given);
  const window = reader.nested('congestion');
  const staticBytes = window.integer('staticBytes', staticBytesMin, staticBytesMax, undefined);
  window.done();
  return { staticBytes };
}

/** Where the keys of sessions are written; null: nowhere. Relative to the configuration. */
export function readKeyLog(
  reader: OptionReader,
  insecure: boolean,
): { readonly keyLog: string | null } {
  const keyLog = reader.raw('keyLog') ?? null;
  if (keyLog === null) return { keyLog };
  if (insecure) throw reader.error('keyLog', 'none with `insecure`: there are no keys', keyLog);
  if (typeof keyLog === 'string' && keyLog !== '') return { keyLog: besides(reader, keyLog) };
  throw reader.error('keyLog', 'the path of a file', keyLog);
}

/** Whether other sockets may have the port; one that is picked by the system is nobody else's. */
export function readReusePort(reader: OptionReader, port: number): { readonly reusePort: boolean } {
  const reusePort = reader.boolean('reusePort', false);
  if (reusePort && port === 0) throw reader.error('port', '1 to 65535, with `reusePort`', port);
  return { reusePort };
}

function besides(reader: OptionReader, path: string): string {
  return resolve(dirname(reader.place.file), path);
}

/** Whether there is no encryption; anything but loopback has to be asked for twice. */
export function readInsecure(reader: OptionReader, host: string): false | true | 'exposed' {
  const insecure = reader.raw('insecure') ?? false;
  if (insecure !== false && insecure !== true && insecure !== 'exposed') {
    throw reader.error('insecure', "true, false or 'exposed'", insecure);
  }
  if (insecure === true && !isLoopback(host)) {
    const expected = `'exposed', since others on the way to ${host} can read and forge`;
    throw reader.error('insecure', expected, insecure);
  }
  return insecure;
}

/** What may hold a private key is not shown. */
function kindOf(value: unknown): Words {
  const kind = typeof value === 'string' ? 'text' : typeof value;
  return new Words(`${kind === 'object' ? 'an' : 'a'} ${kind} that is not shown`);
}

/** What was given for a public key: perhaps the private one, or the pair. */
function shownOf(value: unknown): unknown {
  if ((value ?? null) === null) return new Words('none: it is missing');
  if (typeof value === 'object') return kindOf(value);
  const isPrivate = typeof value === 'string' && value.includes('raptor-private-');
  return isPrivate ? new Words('a private key, which is not shown') : value;
}

/** This end's key, or where it lies; never the key itself in an error. */
export function readKeys(
  reader: OptionReader,
  insecure: boolean,
): { readonly keys: string | null; readonly keyFile: string | null } {
  const keys = reader.raw('keys') ?? null;
  const keyFile = reader.raw('keyFile') ?? null;
  const shown = keys === null ? keyFile : kindOf(keys);
  if (insecure && shown !== null) {
    throw reader.error(keys === null ? 'keyFile' : 'keys', 'none with `insecure`', shown);
  }
  if (keys !== null && keyFile !== null) {
    throw reader.error('keyFile', 'none beside `keys`', keyFile);
  }
  if (keys !== null && bytesOfKey('private', keys) === null) {
    const made = '`hyperroute keys generate`, or `privateKey` of generateRaptorKeys()';
    const expected = `the text of a private key, raptor-private- and 43 characters (${made})`;
    throw reader.error('keys', expected, shown);
  }
  if (keyFile !== null && (typeof keyFile !== 'string' || keyFile === '')) {
    throw reader.error('keyFile', 'the path of a file', keyFile);
  }
  const path = keyFile === null ? null : besides(reader, keyFile as string);
  return { keys: keys as string | null, keyFile: path };
}

export function readPublicKey(reader: OptionReader, option: string, value: unknown): string {
  if (bytesOfKey('public', value) !== null) return value as string;
  throw reader.error(option, 'a public key, raptor-public- and 43 characters', shownOf(value));
}

export function readAllow(reader: OptionReader, insecure: boolean): readonly string[] {
  const allow = reader.raw('allow') ?? null;
  if (allow === null) return [];
  if (insecure) throw reader.error('allow', 'none with `insecure`: peers have no keys', allow);
  if (!Array.isArray(allow) || allow.length === 0 || allow.length > allowedCountMax) {
    throw reader.error('allow', `1 to ${allowedCountMax} public keys`, allow);
  }
  const keys: readonly unknown[] = allow;
  return keys.map((key, index) => readPublicKey(reader, `allow[${index}]`, key));
}

export function listen<const M extends Messages = Raw>(
  name: string,
  options: RaptorListenOptions<M>,
): EndpointOf<M> {
  return defineEndpoint<M>('raptor-listen', name, options, (reader, common) => {
    const bound = readBindHost(reader);
    const insecure = readInsecure(reader, bound.host);
    const keys = readKeys(reader, insecure !== false);
    if (insecure === false && keys.keys === null && keys.keyFile === null) {
      throw reader.error('keys', 'a private key, a `keyFile`, or `insecure: true`', undefined);
    }
    const port = reader.integer('port', 0, 65_535, undefined);
    return {
      ...bound,
      port,
      ...readReusePort(reader, port),
      insecure,
      ...keys,
      ...readKeyLog(reader, insecure !== false),
      allow: readAllow(reader, insecure !== false),
      ...readSession(reader, common),
      maxSessions: reader.integer('maxSessions', 1, sessionCountMax, 1024),
    };
  });
}

export function connect<const M extends Messages = Raw>(
  name: string,
  options: RaptorConnectOptions<M>,
): EndpointOf<M> {
  const read: Parameters<typeof defineEndpoint>[3] = (reader, common) => {
    const resolved = readResolve(reader);
    const host = resolved === null ? readHost(reader, undefined) : readHostName(reader);
    const insecure = readInsecure(reader, host);
    const given = reader.raw('serverKey') ?? null;
    if (insecure !== false && given !== null) {
      throw reader.error('serverKey', 'none with `insecure`', given);
    }
    const waits = reader.nested('reconnect');
    const minMs = waits.integer('minMs', 1, waitMsMax, 50);
    const reconnect = {
      minMs,
      maxMs: waits.integer('maxMs', minMs, waitMsMax, Math.max(minMs, 5000)),
    };
    waits.done();
    return {
      host,
      ...(resolved === null ? {} : { resolve: resolved }),
      port: reader.integer('port', 1, 65_535, undefined),
      insecure,
      ...readKeys(reader, insecure !== false),
      ...readKeyLog(reader, insecure !== false),
      serverKey: insecure === false ? readPublicKey(reader, 'serverKey', given) : null,
      ...readSession(reader, common),
      reconnect,
    };
  };
  return defineEndpoint<M>('raptor-connect', name, options, read, (reader) =>
    readControl(reader, null),
  );
}
