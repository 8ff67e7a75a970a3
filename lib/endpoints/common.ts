// What the definitions of all endpoints share: options, names, addresses. Control path only;
// nothing is opened here.
import { isIP } from 'node:net';
import { EndpointNode, type EndpointOf, type Messages } from '../compiler/dsl/targets.js';
import type { EndpointControlIr, EndpointIr } from '../compiler/ir.js';
import type { SourcePlace } from '../errors.js';
import { checkName, type Duration, OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';
import { isSchema } from '../schema/schema.js';
import { isUnion, raw } from '../schema/union.js';

/** What happens to a message when a destination's queue is at its bound. */
export type FullPolicy = 'reject' | 'park' | 'block' | 'drop-oldest';

/** The queue in front of a destination. */
export interface QueueOptions {
  /** Bytes of messages that may wait; default 1 MiB. */
  readonly bytes?: number;
  /**
   * `reject`: the message is rejected with DESTINATION_FULL (the default). `park`: it waits aside,
   * up to `parkBytes`, and is then rejected. `block`: its source is not read until there is room.
   * `drop-oldest`: the oldest messages are dropped, once a cycle; one that finds twice `bytes`
   * waiting is itself rejected with DESTINATION_FULL.
   */
  readonly full?: FullPolicy;
  /** For `park`: bytes of messages that may wait aside; default 1 MiB. */
  readonly parkBytes?: number;
}

/** Options that every endpoint has. */
export interface CommonOptions<M extends Messages> {
  /** What it carries: a schema, a union, or `raw` (opaque bytes, the default). */
  readonly messages?: M;
  readonly queue?: QueueOptions;
  /** Messages that are read from one connection or socket in one turn; default 64. */
  readonly readBudget?: number;
}

/** An address to send to: an IPv4 or IPv6 literal, or 'localhost'. */
export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
}

const queueBytesMin = 4096;
const queueBytesMax = 2 ** 29;
const queueBytesDefault = 2 ** 20;
const readBudgetMax = 65_536;
const readBudgetDefault = 64;

/** One message takes at most this share of its queue, so that a few always fit. */
const messagesPerQueueMin = 4;

export interface CommonIr {
  readonly queue: { readonly bytes: number; readonly full: FullPolicy; readonly parkBytes: number };
  readonly readBudget: number;
}

export function readCommon(reader: OptionReader): CommonIr {
  const queue = reader.nested('queue');
  const policies = ['reject', 'park', 'block', 'drop-oldest'] as const;
  const common = {
    queue: {
      bytes: queue.integer('bytes', queueBytesMin, queueBytesMax, queueBytesDefault),
      full: queue.choice('full', policies, 'reject'),
      parkBytes: queue.integer('parkBytes', queueBytesMin, queueBytesMax, queueBytesDefault),
    },
    readBudget: reader.integer('readBudget', 1, readBudgetMax, readBudgetDefault),
  };
  queue.done();
  return common;
}

/** Refuses a queue in which the largest message would not find room. */
export function checkQueueRoom(
  reader: OptionReader,
  { queue }: CommonIr,
  option: string,
  messageBytesMax: number,
): void {
  const limit = Math.floor(queue.bytes / messagesPerQueueMin);
  if (messageBytesMax <= limit) return;
  const expected = `at most ${limit}, a quarter of queue.bytes (${queue.bytes})`;
  throw reader.error(option, expected, messageBytesMax);
}

export function readMessages(reader: OptionReader): Messages {
  const messages = reader.raw('messages') ?? raw;
  if (messages === raw || isSchema(messages) || isUnion(messages)) return messages as Messages;
  throw reader.error('messages', 'a schema, a union or `raw`', messages);
}

/** An address as a literal. Names other than localhost would need a resolver at run time. */
export function readHost(reader: OptionReader, fallback: string | undefined): string {
  const host = reader.raw('host') ?? fallback;
  if (host === 'localhost') return '127.0.0.1';
  if (typeof host === 'string' && isIP(host) !== 0 && !host.includes('%')) return host;
  throw reader.error('host', "an IPv4 or IPv6 address, or 'localhost'", host);
}

const everyMsMin = 100;
const everyMsMax = 3_600_000;
const namePattern = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]{0,62})(\.[a-z\d_]([a-z\d_-]{0,62}))*\.?$/i;

/** How often a host name is asked for, and whom; none for an address. */
export interface ResolveOptions {
  /** The host is a name, and stands for all its addresses; it is asked for as often as this. */
  readonly resolveEvery?: Duration;
  /** The DNS server to ask, as `address:port`; default: as the system does. */
  readonly resolver?: string;
}

/** The options of a host that is a name; null where it is an address. */
export function readResolve(
  reader: OptionReader,
): { readonly everyMs: number; readonly server: string | null } | null {
  const server = reader.raw('resolver') ?? null;
  if ((reader.raw('resolveEvery') ?? null) === null) {
    if (server === null) return null;
    throw reader.error('resolver', 'none without `resolveEvery`', server);
  }
  const everyMs = reader.duration('resolveEvery', everyMsMin, everyMsMax, undefined);
  const [, host = '', bracketed = ''] =
    /^(?:([\d.]+)|\[([\da-f:]+)\])(?::\d{1,5})?$/i.exec(String(server)) ?? [];
  if (server !== null && isIP(host || bracketed) === 0) {
    throw reader.error('resolver', "an address and a port, '127.0.0.1:53' or '[::1]:53'", server);
  }
  return { everyMs, server: server === null ? null : String(server) };
}

/** A host name that stands for its addresses. */
export function readHostName(reader: OptionReader): string {
  const host = reader.raw('host');
  if (typeof host === 'string' && isIP(host) === 0 && namePattern.test(host)) return host;
  throw reader.error('host', 'a host name, with `resolveEvery`', host);
}

/** The address to bind; anything but loopback has to be asked for. */
export function readBindHost(reader: OptionReader): { host: string; exposed: boolean } {
  const host = readHost(reader, '127.0.0.1');
  const exposed = reader.boolean('exposed', false);
  if (exposed || isLoopback(host)) return { host, exposed };
  const expected = 'a loopback address, or `exposed: true` to be reachable from other hosts';
  throw reader.error('host', expected, host);
}

export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return /^(0{1,4}:){7}0{0,3}1$/.test(host) || /^[0:]*::0{0,3}1$/.test(host);
}

export function readRemote(reader: OptionReader, isName = false): RemoteAddress {
  const remote = {
    host: isName ? readHostName(reader) : readHost(reader, undefined),
    port: reader.integer('port', 1, 65_535, undefined),
  };
  reader.done();
  return remote;
}

/** Reads the options of an endpoint; `read` gives its own, completed. */
export function defineEndpoint<M extends Messages>(
  kind: EndpointIr['kind'],
  name: unknown,
  options: unknown,
  read: (reader: OptionReader, common: CommonIr) => Readonly<Record<string, unknown>>,
  readControl?: (reader: OptionReader) => EndpointControlIr | undefined,
): EndpointOf<M> {
  const place: SourcePlace = callerPlace();
  const checked = checkName(name, 'endpoint.name', 'ERR_CONFIG', place);
  const reader = new OptionReader(options, `endpoints.${checked}`, place, 'ERR_CONFIG');
  const messages = readMessages(reader);
  const common = readCommon(reader);
  const own = read(reader, common);
  const control = readControl?.(reader);
  reader.done();
  const complete = Object.freeze({ ...own, ...common });
  const node = new EndpointNode(checked, kind, messages, complete, place, control);
  return node as unknown as EndpointOf<M>;
}
