// Pools: `pool(name, members, lb.hash(Order.refs.client), { failover, eject, panic, slowStart })`.
import { optionError, type SourcePlace } from '../../errors.js';
import {
  checkName,
  type Duration,
  exactInteger,
  isRecord,
  OptionReader,
} from '../../schema/options.js';
import type { EjectIr } from '../ir.js';
import { memberWeightMax, poolMembersMax } from '../limits.js';
import { type Balancing, BalancingNode, type StrategyTable } from './balancing.js';
import { placeHere } from './capture.js';
import { type AnyEndpoint, EndpointNode, type Pool, PoolNode } from './targets.js';
import type { Destination } from './types.js';

/** A member of a pool that gets more, or less, than others. */
export interface Weighted<Accepted extends string = never> extends Destination<Accepted> {
  readonly weight: number;
}

class WeightedNode {
  readonly member: EndpointNode;
  readonly weight: number;

  constructor(member: EndpointNode, weight: number) {
    this.member = member;
    this.weight = weight;
  }
}

/** When a member is left out for a while. */
export interface EjectOptions {
  /** After so many failures in a row. */
  readonly consecutive: number;
  /** For how long. */
  readonly for: Duration;
  /** The greatest share of the members that is left out at a time, 0 to 1; default 0.5. */
  readonly max?: number;
}

/** Options of `pool`. */
export interface PoolOptions<Accepted extends string = never> {
  /** Endpoints that take over, in this order, while no member can be used. */
  readonly failover?: readonly (AnyEndpoint & Destination<Accepted>)[];
  readonly eject?: EjectOptions;
  /**
   * What becomes of messages while neither a member nor a stand-in can be used. `reject`, the
   * default: they are rejected with NO_DESTINATION. `spread`: they go to members as if all could
   * be used. `park`: the same, and the members' queues have to keep them: `queue.full` is 'park',
   * 'block' or 'drop-oldest'.
   */
  readonly panic?: 'reject' | 'spread' | 'park';
  /** How long a member that has come back takes to get its whole share; default 0. */
  readonly slowStart?: Duration;
}

/**
 * A member of a pool with a weight, 1 to 1000: it gets so many times as much as one of weight 1.
 * Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const venues = pool('venues', [a, weighted(b, 3)], lb.weighted());
 * ```
 */
export function weighted<Accepted extends string>(
  member: AnyEndpoint & Destination<Accepted>,
  weight: number,
): Weighted<Accepted> {
  const place = placeHere();
  if (!(member instanceof EndpointNode)) {
    throw optionError('ERR_ROUTE', 'weighted', 'an endpoint', member, place);
  }
  if (!Number.isInteger(weight) || weight < 1 || weight > memberWeightMax) {
    const expected = `an integer from 1 to ${memberWeightMax}`;
    throw optionError('ERR_ROUTE', `weighted(${member.name})`, expected, weight, place);
  }
  return Object.freeze(new WeightedNode(member, weight)) as unknown as Weighted<Accepted>;
}

/**
 * Endpoints that share a stream of messages: each message goes to one that can be used, as the
 * strategy says. Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const venues = pool('venues', [a, b, weighted(c, 2)], lb.hash(Order.refs.client), {
 *   failover: [backup], eject: { consecutive: 5, for: '10s', max: 0.3 }, slowStart: '5s',
 * });
 * ```
 */
export function pool<Accepted extends string>(
  name: string,
  members: readonly ((AnyEndpoint & Destination<Accepted>) | Weighted<Accepted>)[],
  balancing: Balancing,
  options: PoolOptions<Accepted> = {},
): Pool<Accepted> {
  const place = placeHere();
  const path = `pools.${checkName(name, 'pool.name', 'ERR_ROUTE', place)}`;
  if (!Array.isArray(members) || members.length < 1 || members.length > poolMembersMax) {
    const expected = `an array of 1 to ${poolMembersMax} endpoints`;
    throw optionError('ERR_ROUTE', `${path}.members`, expected, members, place);
  }
  const taken = members.map((member: unknown, index) => {
    if (member instanceof WeightedNode) return member;
    return new WeightedNode(endpointOf(member, `${path}.members[${index}]`, place), 1);
  });
  const node: unknown = balancing;
  if (!(node instanceof BalancingNode)) {
    const expected = 'a strategy such as lb.roundRobin()';
    throw optionError('ERR_ROUTE', `${path}.strategy`, expected, balancing, place);
  }
  const { control, failover } = readOptions(options, path, place);
  const made = new PoolNode({
    name,
    members: taken.map(({ member }) => member),
    weights: taken.map(({ weight }) => weight),
    ids: idsOf(node, taken, path, place),
    balancing: node,
    slots: slotsOf(node, taken, path, place),
    failover,
    control,
    place,
  });
  return made as unknown as Pool<Accepted>;
}

function endpointOf(value: unknown, option: string, place: SourcePlace): EndpointNode {
  if (value instanceof EndpointNode) return value;
  throw optionError('ERR_ROUTE', option, 'an endpoint', value, place);
}

const timeMsMax = 3_600_000;
const failuresMax = 1_000_000;

function readOptions(
  options: unknown,
  path: string,
  place: SourcePlace,
): Pick<PoolNode, 'control' | 'failover'> {
  const reader = new OptionReader(options, path, place, 'ERR_ROUTE');
  const given = reader.raw('failover') ?? [];
  if (!Array.isArray(given)) throw reader.error('failover', 'an array of endpoints', given);
  const failover = given.map((endpoint: unknown, index) =>
    endpointOf(endpoint, `${path}.failover[${index}]`, place),
  );
  const panic = reader.choice('panic', ['reject', 'spread', 'park'], 'reject');
  const slowStartMs = reader.duration('slowStart', 0, timeMsMax, 0);
  const eject = reader.raw('eject') === undefined ? null : readEject(reader.nested('eject'));
  reader.done();
  const control = {
    ...(panic === 'reject' ? {} : { panic }),
    ...(slowStartMs === 0 ? {} : { slowStartMs }),
    ...(eject === null ? {} : { eject }),
  };
  return { control, failover };
}

function readEject(reader: OptionReader): EjectIr {
  const consecutive = reader.integer('consecutive', 1, failuresMax, undefined);
  const forMs = reader.duration('for', 1, timeMsMax, undefined);
  const maxShare = reader.raw('max') ?? 0.5;
  reader.done();
  if (typeof maxShare === 'number' && maxShare >= 0 && maxShare <= 1) {
    return { consecutive, forMs, maxShare };
  }
  throw reader.error('max', 'a share from 0 to 1', maxShare);
}

/** The ids of `sticky`, in the order of the members; symbols as the values of the key's enum. */
function idsOf(
  { plan, keys }: BalancingNode,
  members: readonly WeightedNode[],
  path: string,
  place: SourcePlace,
): readonly (bigint | undefined)[] {
  if (plan.kind !== 'sticky') return members.map(() => undefined);
  const [key] = keys;
  const type = key?.schema.model.block.fields.find(({ name }) => name === key.field)?.type;
  const symbols: Readonly<Record<string, bigint>> = type?.kind === 'enum' ? type.symbols : {};
  const names = members.map(({ member }) => member.name);
  for (const name of Object.keys(plan.ids)) {
    if (names.includes(name)) continue;
    throw optionError('ERR_ROUTE', `${path}.strategy.ids`, 'names of members', name, place);
  }
  return names.map((name) => {
    if (!Object.hasOwn(plan.ids, name)) return undefined;
    const given = plan.ids[name];
    const isSymbol = typeof given === 'string' && Object.hasOwn(symbols, given);
    const id = isSymbol ? symbols[given] : exactInteger(given);
    if (id !== undefined) return id;
    const expected = 'an integer, or a symbol of the field';
    throw optionError('ERR_ROUTE', `${path}.strategy.ids.${name}`, expected, given, place);
  });
}

/** The table of a user's strategy; `check` judges what is in it. */
function slotsOf(
  { plan }: BalancingNode,
  members: readonly WeightedNode[],
  path: string,
  place: SourcePlace,
): StrategyTable['slots'] {
  if (plan.kind !== 'table') return [];
  const context = members.map(({ member, weight }) => Object.freeze({ name: member.name, weight }));
  const table: unknown = plan.strategy.compile(Object.freeze({ members: Object.freeze(context) }));
  const slots = isRecord(table) ? table.slots : undefined;
  const isTable = Array.isArray(slots) && slots.every((slot) => Array.isArray(slot));
  if (isTable) return slots.map((slot: readonly number[]) => [...slot]);
  const expected = `{ slots: [[member, …], …] } from the strategy ${plan.strategy.name}`;
  throw optionError('ERR_ROUTE', `${path}.strategy.slots`, expected, table, place);
}
