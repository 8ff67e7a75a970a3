// Strategies of pools: `lb.roundRobin()`, `lb.hash(Order.refs.client)`, and those of one's own.

import { optionError } from '../../errors.js';
import { collection } from '../../schema/collection.js';
import { checkName, isRecord, OptionReader } from '../../schema/options.js';
import { FieldReference } from '../../schema/references.js';
import type { LoadMeasure, PluginCallIr } from '../ir.js';
import { hashSlotCounts } from '../maglev.js';
import { placeHere } from './capture.js';
import { type Plugin, PluginNode } from './plugin.js';

declare const balancing: unique symbol;
declare const strategyBrand: unique symbol;

/** A field by which messages are told apart: integers, text or bytes that are always there. */
export type KeyReference = FieldReference<string, 'integer' | 'text'>;

/** How a pool picks the member for a message; made by `lb`. */
export interface Balancing {
  readonly [balancing]: true;
}

/** The strategy of a pool, with references that the builder turns into indices. */
export type BalancingPlan =
  | { readonly kind: 'round-robin' | 'weighted' | 'failover' }
  | { readonly kind: 'least-loaded' | 'two-choices'; readonly measure: LoadMeasure }
  | { readonly kind: 'hash'; readonly slots: number | null }
  | { readonly kind: 'sticky'; readonly ids: Readonly<Record<string, unknown>> }
  | { readonly kind: 'broadcast'; readonly delivery: 'all-or-none' | 'best-effort' }
  | { readonly kind: 'table'; readonly strategy: StrategyNode }
  | { readonly kind: 'plugin'; readonly call: PluginCallIr };

/** Runtime form of Balancing. */
export class BalancingNode {
  readonly plan: BalancingPlan;
  readonly keys: readonly FieldReference[];

  constructor(plan: BalancingPlan, keys: readonly FieldReference[] = []) {
    this.plan = plan;
    this.keys = keys;
  }
}

/** What a user's strategy is told of the pool that it is compiled for. */
export interface StrategyContext {
  /** In the order in which the pool lists them. */
  readonly members: readonly { readonly name: string; readonly weight: number }[];
}

/** The table of a user's strategy. */
export interface StrategyTable {
  /**
   * Members, as indices of the context's, that are tried in that order for messages whose key
   * falls into the slot; keys fall into all slots alike. 1 to 65,537 slots of 1 to 8 members.
   */
  readonly slots: readonly (readonly number[])[];
}

/** What `defineStrategy` takes. */
export interface StrategyDefinition {
  readonly name: string;
  /** Called once for each pool, while the configuration is built. */
  readonly compile: (context: StrategyContext) => StrategyTable;
}

/** A strategy of one's own, for `lb.custom`. */
export interface Strategy {
  readonly name: string;
  readonly [strategyBrand]: true;
}

/** Runtime form of Strategy. */
export class StrategyNode {
  readonly name: string;
  readonly compile: (context: StrategyContext) => StrategyTable;

  constructor({ name, compile }: StrategyDefinition) {
    this.name = name;
    this.compile = compile;
    Object.freeze(this);
  }
}

/** What a strategy compares members by. */
export interface LoadOptions {
  /**
   * `queue`, the default: bytes that wait to be sent. `outstanding`: messages sent that a
   * correlation waits for the answer of.
   */
  readonly measure?: LoadMeasure;
}

export interface HashOptions {
  /**
   * 65537 by default: shares within 1 % for up to a hundred members of weights up to six. 4099
   * take a sixteenth of the memory and stay in the nearest cache; the same for up to 40 members of
   * one weight. Changing it moves nearly all keys.
   */
  readonly slots?: (typeof hashSlotCounts)[number];
}

const made = (plan: BalancingPlan, keys: readonly FieldReference[] = []): Balancing =>
  Object.freeze(new BalancingNode(plan, keys)) as unknown as Balancing;

function measured(kind: 'least-loaded' | 'two-choices', options: unknown): Balancing {
  const reader = new OptionReader(options, `lb.${kind}`, placeHere(), 'ERR_ROUTE');
  const measure = reader.choice('measure', ['queue', 'outstanding'], 'queue');
  reader.done();
  return made({ kind, measure });
}

/** The references that a strategy was given; at least one. */
function keysOf(refs: readonly unknown[], what: string): readonly FieldReference[] {
  const keys = refs.map((ref, index) => {
    if (ref instanceof FieldReference) return ref;
    const expected = 'a field such as Order.refs.client';
    throw optionError('ERR_ROUTE', `${what}[${index}]`, expected, ref, placeHere());
  });
  if (keys.length > 0) return Object.freeze(keys);
  const expected = 'at least one field such as Order.refs.client';
  throw optionError('ERR_ROUTE', what, expected, 'none', placeHere());
}

function hash(...given: readonly unknown[]): Balancing {
  const last = given.at(-1);
  const hasOptions = isRecord(last) && !(last instanceof FieldReference);
  const keys = keysOf(hasOptions ? given.slice(0, -1) : given, 'lb.hash');
  const reader = new OptionReader(hasOptions ? last : {}, 'lb.hash', placeHere(), 'ERR_ROUTE');
  const slots = reader.raw('slots') ?? null;
  reader.done();
  if (slots !== null && !hashSlotCounts.some((count) => count === slots)) {
    throw reader.error('slots', hashSlotCounts.join(' or '), slots);
  }
  return made({ kind: 'hash', slots: slots as number | null }, keys);
}

function sticky(ref: unknown, ids: unknown = {}): Balancing {
  const keys = keysOf([ref], 'lb.sticky');
  if (!isRecord(ids)) {
    const expected = 'ids of members, by their names';
    throw optionError('ERR_ROUTE', 'lb.sticky.ids', expected, ids, placeHere());
  }
  return made({ kind: 'sticky', ids: { ...ids } }, keys);
}

function broadcast(options: unknown = {}): Balancing {
  const reader = new OptionReader(options, 'lb.broadcast', placeHere(), 'ERR_ROUTE');
  const delivery = reader.choice('delivery', ['all-or-none', 'best-effort'], 'all-or-none');
  reader.done();
  return made({ kind: 'broadcast', delivery });
}

function custom(strategy: unknown, ...refs: readonly unknown[]): Balancing {
  if (!(strategy instanceof StrategyNode)) {
    const expected = 'a strategy made by defineStrategy';
    throw optionError('ERR_ROUTE', 'lb.custom', expected, strategy, placeHere());
  }
  return made({ kind: 'table', strategy }, keysOf(refs, 'lb.custom'));
}

/** What a plug-in's function is given to pick by. */
export interface PluginPickOptions {
  /** Fields whose hash it gets; default none. */
  readonly key?: readonly KeyReference[];
  /** Handed to the function's `create`; default ''. */
  readonly config?: string;
}

function pluginPick(given: unknown, name: unknown, options: unknown = {}): Balancing {
  const place = placeHere();
  const what = `lb.plugin(${String(name)})`;
  if (!(given instanceof PluginNode)) {
    throw optionError('ERR_ROUTE', what, "a plug-in such as plugin('./a.so')", given, place);
  }
  const reader = new OptionReader(options, what, place, 'ERR_ROUTE');
  const key = reader.raw('key') ?? [];
  if (!Array.isArray(key)) throw reader.error('key', 'an array of fields', key);
  const call = given.call(name, [], reader.raw('config'), what, place);
  reader.done();
  return made({ kind: 'plugin', call }, key.length === 0 ? [] : keysOf(key, `${what}.key`));
}

/** Balancing strategies of pools: how the member for a message is picked. */
export const lb = collection('lb', 'a strategy', 'ERR_ROUTE', {
  /** Each usable member in turn, in the order they are listed. */
  roundRobin: (): Balancing => made({ kind: 'round-robin' }),
  /** In turn, each as often as its weight says. */
  weighted: (): Balancing => made({ kind: 'weighted' }),
  /** The first usable member of the list. */
  failover: (): Balancing => made({ kind: 'failover' }),
  /** The usable member that has the least to do for its weight; equal ones in turn. */
  leastLoaded: (options: LoadOptions = {}): Balancing => measured('least-loaded', options),
  /** Two members by chance, the one of them that has less to do for its weight. */
  twoChoices: (options: LoadOptions = {}): Balancing => measured('two-choices', options),
  /**
   * Messages with equal fields go to the same member (Maglev). When a member cannot be used, its
   * messages go to others and those of the others stay; when it is back, they come back.
   */
  hash: hash as (
    ...refs:
      | readonly [KeyReference, ...KeyReference[]]
      | readonly [KeyReference, ...KeyReference[], HashOptions]
  ) => Balancing,
  /**
   * The member whose id the field holds, `ids` by member name; by hash of the field where no
   * member has it or that one cannot be used.
   */
  sticky: sticky as (
    ref: FieldReference<string, 'integer'>,
    ids?: Readonly<Record<string, number | bigint | string>>,
  ) => Balancing,
  /**
   * Every member that can be used; `all-or-none`, the default: none if one of them has no room.
   * Those that are down or drained are left out.
   */
  broadcast: broadcast as (options?: {
    readonly delivery?: 'all-or-none' | 'best-effort';
  }) => Balancing,
  /** By a table that a strategy of one's own makes; the hash of the fields picks its slot. */
  custom: custom as (
    strategy: Strategy,
    ...refs: readonly [KeyReference, ...KeyReference[]]
  ) => Balancing,
  /**
   * The member that a function of a plug-in names for each message; the next one behind it where
   * that cannot be used.
   */
  plugin: pluginPick as (plugin: Plugin, name: string, options?: PluginPickOptions) => Balancing,
});

/**
 * A strategy of one's own: `compile` is given the members of a pool and returns, for each slot, the
 * members to try. The engine looks a message's slot up by the hash of its key; no code of the
 * strategy runs while messages flow. Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const halves = defineStrategy({
 *   name: 'halves',
 *   // Each half of the keys has a member of its own, and the other one to fall back on.
 *   compile: () => ({ slots: [[0, 1], [1, 0]] }),
 * });
 * const venues = pool('venues', [a, b], lb.custom(halves, Order.refs.client));
 * ```
 */
export function defineStrategy(definition: StrategyDefinition): Strategy {
  const place = placeHere();
  const reader = new OptionReader(definition, 'defineStrategy', place, 'ERR_ROUTE');
  const name = checkName(reader.raw('name'), 'defineStrategy.name', 'ERR_ROUTE', place);
  const compile = reader.raw('compile');
  if (typeof compile !== 'function') throw reader.error('compile', 'a function', compile);
  reader.done();
  const node = new StrategyNode({ name, compile: compile as StrategyDefinition['compile'] });
  return node as unknown as Strategy;
}
