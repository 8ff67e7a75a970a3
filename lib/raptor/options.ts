// Options of stand-alone Raptor nodes: checked, completed, and as the addon takes them.
import { readBindHost, readHost } from '../endpoints/common.js';
import {
  type RaptorCongestion,
  readAllow,
  readCongestion,
  readInsecure,
  readKeyLog,
  readKeys,
  readPublicKey,
  readReusePort,
} from '../endpoints/raptor.js';
import { bytesOfKey } from '../endpoints/raptor-keys.js';
import { nativeRaptorOptions } from '../endpoints/raptor-native.js';
import { type Duration, OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';

export interface RaptorListen {
  /** Address to bind: an IPv4 or IPv6 literal or 'localhost'; default 127.0.0.1. */
  readonly host?: string;
  /** Port to bind; default 0: any free one. */
  readonly port?: number;
  /** Allows an address that other hosts can reach. */
  readonly exposed?: boolean;
  /**
   * Other ends of this user that say so, too, may have the port: sessions are spread over them. Not
   * for an end that also connects.
   */
  readonly reusePort?: boolean;
  /** Public keys of those who may connect; default: everybody who knows this end's public key. */
  readonly allow?: readonly string[];
  /** Sessions at a time; further ones are refused. Default 1024. */
  readonly maxSessions?: number;
}

export interface RaptorRemote {
  /** Address to connect to: an IPv4 or IPv6 literal or 'localhost'. */
  readonly host: string;
  readonly port: number;
  /** The listener's public key, `raptor-public-…`; not with `insecure`. */
  readonly serverKey?: string;
  /** Waits between attempts, doubled from `minMs` (50) up to `maxMs` (5000). */
  readonly reconnect?: { readonly minMs?: number; readonly maxMs?: number };
}

export interface RaptorNodeOptions {
  /** Takes sessions of others. */
  readonly listen?: RaptorListen;
  /**
   * Keeps sessions with listeners up. An end that does not listen and is given one, not a list, has
   * that peer alone, which is faster.
   */
  readonly connect?: RaptorRemote | readonly RaptorRemote[];
  /** This end's private key, `raptor-private-…`; one that only connects may go without. */
  readonly keys?: string;
  /**
   * The file that holds it, as `hyperroute keys generate FILE` writes it. A relative path starts at
   * the folder of the source file that calls `raptor.open`.
   */
  readonly keyFile?: string;
  /**
   * No encryption and no keys, at both ends: `true` between ends on one host, `'exposed'` to say so
   * a second time where others can read and forge.
   */
  readonly insecure?: boolean | 'exposed';
  /** Served by `node.poll()` alone, in a loop of yours, rather than by the event loop. */
  readonly poll?: boolean;
  /** Largest message, both ways; default 262,144, at most 16 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * Bytes of a stream that may have come and not been taken; default 262,144. Never less than two
   * of the stream's largest message need, as `ringBytes` of publications: 1 MiB for 262,144.
   */
  readonly windowBytes?: number;
  /** Streams that a peer may have open to this end; default 64, at most 256. */
  readonly maxStreams?: number;
  /**
   * A peer is taken for dead when nothing came from it for so long; default 2 s, and no less: an
   * event loop may be held up for as long.
   */
  readonly liveness?: Duration;
  /**
   * What becomes of messages without a subscription. 'keep' (default): they wait for one, and in
   * the end their publishers wait, too. 'drop': they are dropped and counted.
   */
  readonly unsubscribed?: 'keep' | 'drop';
  /** How much may be under way; default 'delay'. */
  readonly congestion?: RaptorCongestion;
  /**
   * A file that the keys of sessions are appended to, for Wireshark: whoever reads it reads all
   * that they carry. It has to be for its owner alone. A relative path is as that of `keyFile`.
   */
  readonly keyLog?: string;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Closes the node. */
  readonly signal?: AbortSignal;
  /** For tests and measurements: datagrams that this end loses, of a million, by a seed. */
  readonly loss?: { readonly perMillion: number; readonly seed?: number };
}

const messageBytesMax = 2 ** 24;
const messageBytesDefault = 2 ** 18;
const windowBytesMin = 4096;
const windowBytesMax = 2 ** 26;
const bufferBytesMax = 2 ** 30;
const sessionCountMax = 32_768;
const streamCountMax = 256;
const linkCountMax = 256;
const livenessMsMin = 2000;
const msMax = 3_600_000;
const u32Max = 2 ** 32 - 1;

type Native = Readonly<Record<string, unknown>>;

/** Options of a node, checked. */
export interface NodePlan {
  readonly native: Native;
  readonly links: readonly Native[];
  readonly isPolled: boolean;
  readonly messageBytesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly insecure: false | true | 'exposed';
}

export function readSignal(reader: OptionReader): AbortSignal | undefined {
  const signal = reader.raw('signal');
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw reader.error('signal', 'an AbortSignal', signal);
}

function readLoss(reader: OptionReader): Native {
  if ((reader.raw('loss') ?? null) === null) return {};
  const loss = reader.nested('loss');
  const read = {
    lossShare: loss.integer('perMillion', 0, 1_000_000, undefined),
    lossSeed: loss.integer('seed', 0, u32Max, 1),
  };
  loss.done();
  return read;
}

/** Where it binds: what `listen` says, or any port of what leads to the first link. */
function readLocal(
  reader: OptionReader,
  insecure: false | true | 'exposed',
  links: readonly Native[],
): Native {
  const isListener = (reader.raw('listen') ?? null) !== null;
  if (!isListener) {
    const remote = String(links[0]?.host ?? '127.0.0.1');
    const isLocal = links.every(({ host }) => /^(127\.|::1$)/.test(String(host)));
    const every = remote.includes(':') ? '::' : '0.0.0.0';
    const loopback = remote.includes(':') ? '::1' : '127.0.0.1';
    return {
      isListener,
      host: isLocal ? loopback : every,
      port: 0,
      exposed: true,
      reusePort: false,
      maxSessions: 1024,
    };
  }
  const listen = reader.nested('listen');
  const bound = readBindHost(listen);
  readInsecureAt(listen, bound.host, insecure);
  const port = listen.integer('port', 0, 65_535, 0);
  const shared = readReusePort(listen, port);
  if (shared.reusePort && links.length > 0) {
    const expected = 'none beside `connect`: the answer of a listener might come to another socket';
    throw listen.error('reusePort', expected, true);
  }
  const read = {
    isListener,
    ...bound,
    port,
    ...shared,
    allow: readAllow(listen, insecure !== false),
    maxSessions: listen.integer('maxSessions', 1, sessionCountMax, 1024),
  };
  listen.done();
  return read;
}

/** Whether an end without encryption may be at such an address. */
function readInsecureAt(reader: OptionReader, host: string, insecure: unknown): void {
  const place = reader.place;
  readInsecure(new OptionReader({ insecure }, reader.path, place, reader.code), host);
}

/** One listener to keep a session with, as the addon takes it. */
export function readLink(reader: OptionReader, insecure: false | true | 'exposed'): Native {
  const host = readHost(reader, undefined);
  readInsecureAt(reader, host, insecure);
  const given = reader.raw('serverKey') ?? null;
  if (insecure !== false && given !== null) {
    throw reader.error('serverKey', 'none with `insecure`', given);
  }
  const key = insecure === false ? readPublicKey(reader, 'serverKey', given) : null;
  const waits = reader.nested('reconnect');
  const minMs = waits.integer('minMs', 1, msMax, 50);
  const maxMs = waits.integer('maxMs', minMs, msMax, Math.max(minMs, 5000));
  waits.done();
  const port = reader.integer('port', 1, 65_535, undefined);
  reader.done();
  return { host, port, key: bytesOfKey('public', key), minMs, maxMs };
}

function readLinks(reader: OptionReader, insecure: false | true | 'exposed'): readonly Native[] {
  const given = reader.raw('connect') ?? [];
  const isList = Array.isArray(given);
  const remotes: readonly unknown[] = isList ? given : [given];
  if (remotes.length > linkCountMax) {
    throw reader.error('connect', `${linkCountMax} listeners at most`, remotes.length);
  }
  return remotes.map((remote, index) => {
    const path = `${reader.path}.connect${isList ? `[${index}]` : ''}`;
    return readLink(new OptionReader(remote, path, reader.place, reader.code), insecure);
  });
}

/** Checks and completes. Throws HyperRouteError ERR_CONFIG. */
export function readNodeOptions(options: unknown): NodePlan {
  const reader = new OptionReader(options, 'raptor.open', callerPlace(), 'ERR_CONFIG');
  const insecure = readInsecure(reader, '127.0.0.1');
  const keys = readKeys(reader, insecure !== false);
  const links = readLinks(reader, insecure);
  const local = readLocal(reader, insecure, links);
  const hasOnePeer =
    local.isListener === false && links.length === 1 && !Array.isArray(reader.raw('connect'));
  const hasKeys = keys.keys !== null || keys.keyFile !== null;
  if (local.isListener === true && insecure === false && !hasKeys) {
    throw reader.error('keys', 'a private key, a `keyFile`, or `insecure: true`', undefined);
  }
  const bytesMax = reader.integer('maxMessageBytes', 1, messageBytesMax, messageBytesDefault);
  const read = {
    ...local,
    hasOnePeer,
    insecure,
    ...keys,
    ...readKeyLog(reader, insecure !== false),
    ...readCongestion(reader),
    maxMessageBytes: bytesMax,
    windowBytes: reader.integer('windowBytes', windowBytesMin, windowBytesMax, messageBytesDefault),
    maxStreams: reader.integer('maxStreams', 1, streamCountMax, 64),
    livenessMs: reader.duration('liveness', livenessMsMin, msMax, livenessMsMin),
    dropsUnsubscribed: reader.choice('unsubscribed', ['keep', 'drop'], 'keep') === 'drop',
    receiveBufferBytes: reader.optionalInteger('receiveBufferBytes', 1, bufferBytesMax),
    sendBufferBytes: reader.optionalInteger('sendBufferBytes', 1, bufferBytesMax),
    ...readLoss(reader),
  };
  const isPolled = reader.boolean('poll', false);
  const signal = readSignal(reader);
  reader.done();
  const native = nativeRaptorOptions('raptor.open', read);
  return { native, links, isPolled, messageBytesMax: bytesMax, signal, insecure };
}
