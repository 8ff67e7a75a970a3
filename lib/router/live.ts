// Live operations as changes of a configuration: each takes the one that runs and gives the one
// that shall run next. Pure; names and values are checked here, the result by `check`.
import {
  addEndpoint,
  isDestination,
  isOnlySource,
  removeEndpoint,
  withPool,
} from '../compiler/edit.js';
import type { EndpointIr, MemberIr, PoolIr, RouterIr } from '../compiler/ir.js';
import { memberWeightMax } from '../compiler/limits.js';
import { type RemoteAddress, readRemote } from '../endpoints/common.js';
import { configError, HyperRouteError, type SourcePlace } from '../errors.js';
import { checkName, fewOf, isRecord, OptionReader } from '../schema/options.js';

/** A member that a pool gets while the router runs. */
export interface NewMember {
  /** Name of an endpoint of the router; with `like`, of a new one. */
  readonly endpoint: string;
  /** The new endpoint has the options of this one, and sends to `remote`. */
  readonly like?: string;
  /** Where the new endpoint sends: an IPv4 or IPv6 literal or 'localhost', and a port. */
  readonly remote?: RemoteAddress;
  /** Its share beside the other members' shares; default 1. */
  readonly weight?: number;
  /** Of `lb.sticky`: the value of the key that names it. */
  readonly id?: number | bigint;
}

/** Throws ERR_NOT_FOUND. */
export function indexOfEndpoint(ir: RouterIr, name: string): number {
  const index = ir.endpoints.findIndex((endpoint) => endpoint.name === name);
  if (index >= 0) return index;
  throw unknownEndpoint(
    name,
    ir.endpoints.map((endpoint) => endpoint.name),
  );
}

/** Names what there is instead. */
export function unknownEndpoint(
  name: string,
  known: Iterable<string>,
): HyperRouteError<'ERR_NOT_FOUND'> {
  return notFound(`the router has no endpoint '${name}'${knownText(known)}`);
}

/** `; it has a, b, c`, of so many names at most. */
function knownText(names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return '; it has none';
  return `; it has ${fewOf(all)}`;
}

function indexOfPool(ir: RouterIr, name: string): number {
  const index = ir.pools.findIndex((pool) => pool.name === name);
  if (index >= 0) return index;
  const known = knownText(ir.pools.map((pool) => pool.name));
  throw notFound(`the router has no pool '${name}'${known}`);
}

function unknownMember(ir: RouterIr, { name, members }: PoolIr, wanted: string): HyperRouteError {
  const known = knownText(members.map(({ endpoint }) => ir.endpoints[endpoint]?.name ?? ''));
  return notFound(`pool '${name}' has no member '${wanted}'${known}`);
}

function notFound(context: string): HyperRouteError<'ERR_NOT_FOUND'> {
  return new HyperRouteError('ERR_NOT_FOUND', context, { context });
}

function refused(context: string): HyperRouteError<'ERR_STATE'> {
  return new HyperRouteError('ERR_STATE', context, { context });
}

/** The pool whose members shall change. Throws ERR_NOT_FOUND, or ERR_STATE if they cannot. */
function changeable(ir: RouterIr, name: string): { pool: PoolIr; index: number } {
  const index = indexOfPool(ir, name);
  const pool = ir.pools[index];
  if (pool !== undefined && pool.strategy.kind !== 'table') return { pool, index };
  const context = `pool '${name}' has a strategy of your own, which is compiled with its members`;
  throw refused(`${context}: change them in the configuration`);
}

/** The configuration in which a pool has one member more. */
export function withMember(
  ir: RouterIr,
  poolName: string,
  given: string | NewMember,
  place: SourcePlace,
): RouterIr {
  const wanted = readMember(given, place);
  const { pool, index } = changeable(ir, poolName);
  const next = wanted.like === null ? ir : withEndpointLike(ir, wanted, wanted.like, place);
  const endpoint = indexOfMember(next, wanted.endpoint);
  if (pool.members.some((member) => member.endpoint === endpoint)) {
    throw refused(`pool '${poolName}' has the member '${wanted.endpoint}' already`);
  }
  const { weight, id } = wanted;
  const member: MemberIr = { endpoint, weight, ...(id === null ? {} : { id }) };
  return withPool(next, index, { ...pool, members: [...pool.members, member] });
}

/** Throws ERR_NOT_FOUND, which says what makes a new endpoint. */
function indexOfMember(ir: RouterIr, name: string): number {
  const index = ir.endpoints.findIndex((endpoint) => endpoint.name === name);
  if (index >= 0) return index;
  const { message } = unknownEndpoint(
    name,
    ir.endpoints.map((endpoint) => endpoint.name),
  );
  throw notFound(`${message}; a new one needs \`like\` and \`remote\``);
}

interface ReadMember {
  readonly endpoint: string;
  readonly like: string | null;
  readonly remote: RemoteAddress | null;
  readonly weight: number;
  readonly id: bigint | null;
}

function readMember(given: string | NewMember, place: SourcePlace): ReadMember {
  const options = typeof given === 'string' ? { endpoint: given } : given;
  const reader = new OptionReader(options, 'member', place, 'ERR_CONFIG');
  const like = reader.raw('like') ?? null;
  const name = (value: unknown, option: string): string => {
    if (typeof value === 'string') return value;
    throw configError(option, 'the name of an endpoint', value, place);
  };
  const hasRemote = (reader.raw('remote') ?? null) !== null;
  const id = reader.raw('id') ?? null;
  if (id !== null && typeof id !== 'bigint' && !Number.isSafeInteger(id)) {
    throw reader.error('id', 'an integer', id);
  }
  const read = {
    endpoint: name(reader.raw('endpoint'), 'member.endpoint'),
    like: like === null ? null : name(like, 'member.like'),
    remote: hasRemote ? readRemote(reader.nested('remote')) : null,
    weight: reader.integer('weight', 1, memberWeightMax, 1),
    id: id === null ? null : BigInt(id as number | bigint),
  };
  reader.done();
  if (read.like === null && read.remote !== null) {
    throw reader.error('remote', 'none without `like`', read.remote);
  }
  return read;
}

/** The configuration with a new endpoint that has the options of another one. */
function withEndpointLike(
  ir: RouterIr,
  { endpoint, remote }: ReadMember,
  like: string,
  place: SourcePlace,
): RouterIr {
  const name = checkName(endpoint, 'member.endpoint', 'ERR_CONFIG', place);
  if (ir.endpoints.some((one) => one.name === name)) {
    throw refused(`the router has an endpoint '${name}' already`);
  }
  const index = indexOfEndpoint(ir, like);
  const model = ir.endpoints[index] as EndpointIr;
  const options = optionsAt(model, remote, place);
  const control = controlAt(model.control, remote?.host ?? null);
  const own = { ...model, name, options, position: place };
  return addEndpoint(ir, control === undefined ? own : { ...own, control }, index);
}

/** What is declared about an endpoint, for one like it at another host: that one is asked there. */
export function controlAt(
  control: EndpointIr['control'],
  host: string | null,
): EndpointIr['control'] {
  const { address } = control?.health ?? {};
  if (control?.health === undefined || !address || host === null) return control;
  return { ...control, health: { ...control.health, address: { ...address, host } } };
}

/** An endpoint's options with another address to send to. Throws ERR_CONFIG. */
export function optionsAt(
  { name, kind, options }: EndpointIr,
  remote: RemoteAddress | null,
  place: SourcePlace,
): Readonly<Record<string, unknown>> {
  const { resolve: _, ...own } = options;
  if (kind === 'memory' && remote === null) return own;
  const connects = kind === 'tcp-connect' || kind === 'raptor-connect';
  if (remote === null || (kind !== 'udp' && !connects)) {
    const like = "an endpoint like one of udp, tcp.connect or raptor.connect, and 'remote'";
    throw configError(
      'member.remote',
      like,
      `${kind} '${name}', ${remote && 'with a remote'}`,
      place,
    );
  }
  if (connects) return { ...own, ...remote };
  // Two sockets cannot have one port: the new one takes any that is free.
  const host = String(own.host);
  if (host.includes(':') !== remote.host.includes(':')) {
    const expected = `an address of the family of '${name}' (${host})`;
    throw configError('member.remote.host', expected, remote.host, place);
  }
  return { ...own, port: 0, remote };
}

/** The configuration in which a pool has one member less. Its endpoint stays. */
export function withoutMember(ir: RouterIr, poolName: string, endpointName: string): RouterIr {
  const { pool, index } = changeable(ir, poolName);
  const endpoint = ir.endpoints.findIndex(({ name }) => name === endpointName);
  const members = pool.members.filter((member) => member.endpoint !== endpoint);
  if (members.length === pool.members.length) {
    throw unknownMember(ir, pool, endpointName);
  }
  if (members.length === 0) {
    throw refused(`'${endpointName}' is the only member of pool '${poolName}'`);
  }
  return withPool(ir, index, { ...pool, members });
}

/** Without an endpoint to which nothing is sent any more; null where it is still needed. */
export function withoutUnused(ir: RouterIr, name: string): RouterIr | null {
  const index = ir.endpoints.findIndex((endpoint) => endpoint.name === name);
  if (index < 0 || isDestination(ir, index) || isOnlySource(ir, index)) return null;
  return removeEndpoint(ir, index);
}

/** The configuration in which members of a pool have other weights. */
export function withWeights(
  ir: RouterIr,
  poolName: string,
  weights: Readonly<Record<string, number>>,
  place: SourcePlace,
): RouterIr {
  const { pool, index } = changeable(ir, poolName);
  if (!isRecord(weights) || Object.keys(weights).length === 0) {
    throw configError('weights', 'weights by the names of members', weights, place);
  }
  const reader = new OptionReader(weights, 'weights', place, 'ERR_CONFIG');
  const members = pool.members.map((member) => {
    const name = ir.endpoints[member.endpoint]?.name ?? '';
    return { ...member, weight: reader.integer(name, 1, memberWeightMax, member.weight) };
  });
  const names = new Set(pool.members.map(({ endpoint }) => ir.endpoints[endpoint]?.name));
  for (const name of Object.keys(weights)) {
    if (!names.has(name)) throw unknownMember(ir, pool, name);
  }
  return withPool(ir, index, { ...pool, members });
}
