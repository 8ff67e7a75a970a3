// Emits pools: members with their weights, the slots of strategies that have some, ids; and the
// keys by which messages are told apart.
import { optionError } from '../errors.js';
import { schemaOf } from './emit-families.js';
import { fieldKind, isInteger } from './emit-fields.js';
import {
  keyFieldKinds,
  keyFieldsMax,
  loadMeasures,
  noMember,
  noRecord,
  poolKinds,
  poolPanics,
  poolRanksMax,
  poolSlotsMax,
} from './emit-format.js';
import { emitPlugin } from './emit-plugins.js';
import type { ImageBuilder } from './emit-sections.js';
import type { FieldIr, PoolIr, RouteIr, RouterIr, StrategyIr } from './ir.js';
import { maglevTable, stickySlots, weightedSchedule } from './maglev.js';

/** What the emitter chose for one pool. */
export interface PoolReport {
  readonly pool: string;
  readonly strategy: StrategyIr['kind'];
  /** 0: the strategy has none. */
  readonly slots: number;
  /** Members that a slot names. */
  readonly ranks: number;
}

/**
 * Which members a pool's strategy picks, by slot: `ranks` indices each, `noMember` fills up. The
 * first ones of all slots come first, then all second ones: mostly only the first are read.
 */
export interface PoolSlots {
  readonly slots: Uint8Array;
  readonly slotCount: number;
  readonly ranks: number;
}

const noSlots: PoolSlots = { slots: new Uint8Array(0), slotCount: 0, ranks: 0 };

/** The slot table of a pool. A pure function of the members' names, weights and the strategy. */
export function poolSlots(ir: RouterIr, { strategy, members }: PoolIr): PoolSlots {
  const weights = members.map(({ weight }) => weight);
  const named = members.map(({ endpoint, weight }) => {
    return { name: ir.endpoints[endpoint]?.name ?? '', weight };
  });
  switch (strategy.kind) {
    case 'weighted':
    case 'two-choices': {
      const slots = weightedSchedule(weights);
      return { slots, slotCount: slots.length, ranks: 1 };
    }
    case 'hash':
    case 'sticky': {
      const slotCount = strategy.kind === 'hash' ? strategy.slots : stickySlots;
      const slots = maglevTable(named, slotCount);
      return { slots, slotCount, ranks: slots.length / slotCount };
    }
    case 'table': {
      const ranks = Math.max(...strategy.slots.map((slot) => slot.length));
      const slots = new Uint8Array(strategy.slots.length * ranks).fill(noMember);
      const slotCount = strategy.slots.length;
      for (const [index, members] of strategy.slots.entries()) {
        for (const [rank, member] of members.entries()) slots[rank * slotCount + index] = member;
      }
      return { slots, slotCount, ranks };
    }
    default:
      return noSlots;
  }
}

/** The members that a slot ranks, `noMember` behind the last. */
export function membersOfSlot({ slots, slotCount, ranks }: PoolSlots, slot: number): number[] {
  return Array.from({ length: ranks }, (_, rank) => slots[rank * slotCount + slot] ?? noMember);
}

export function emitPools(builder: ImageBuilder, ir: RouterIr): PoolReport[] {
  return ir.pools.map((pool) => {
    const { slots, slotCount, ranks } = poolSlots(ir, pool);
    if (slotCount > poolSlotsMax || ranks > poolRanksMax) {
      const expected = `at most ${poolSlotsMax} slots of up to ${poolRanksMax} members`;
      const received = `${slotCount} of ${ranks}`;
      throw optionError('ERR_ROUTE_LIMIT', pool.name, expected, received, pool.position);
    }
    const first = emitMembers(builder, pool);
    const { strategy, members, failover = [], panic = 'reject' } = pool;
    const slotsAt = slotCount === 0 ? 0 : builder.sections.bytes.count;
    builder.sections.bytes.append(slots);
    const ids = emitIds(builder, pool);
    builder.sections.pools
      .u8(poolKinds[strategy.kind], poolPanics[panic], optionOf(strategy), ranks)
      .u16(members.length, failover.length)
      .u32(first, slotsAt, slotCount, ids.keys, ids.members)
      .u16(ids.count)
      .u8(ids.steps, 0);
    return { pool: pool.name, strategy: strategy.kind, slots: slotCount, ranks };
  });
}

function optionOf(strategy: StrategyIr): number {
  if (strategy.kind === 'broadcast') return strategy.delivery === 'best-effort' ? 1 : 0;
  return 'measure' in strategy ? loadMeasures[strategy.measure] : 0;
}

/** Those that stand in for the pool lie behind its members. */
function emitMembers(builder: ImageBuilder, { members, failover = [] }: PoolIr): number {
  const { poolMembers } = builder.sections;
  const first = poolMembers.count;
  for (const { endpoint, weight } of members) poolMembers.u16(endpoint, weight);
  for (const endpoint of failover) poolMembers.u16(endpoint, 1);
  return first;
}

interface Ids {
  readonly keys: number;
  readonly steps: number;
  readonly members: number;
  readonly count: number;
}

function emitIds(builder: ImageBuilder, { strategy, members }: PoolIr): Ids {
  if (strategy.kind === 'plugin') {
    const use = { kind: 'pick', viewBytes: 0, fields: [], memberCount: members.length } as const;
    return { keys: emitPlugin(builder, strategy.call, use), steps: 0, members: 0, count: 0 };
  }
  if (strategy.kind !== 'sticky') return { keys: 0, steps: 0, members: 0, count: 0 };
  const ids = members
    .flatMap(({ id }, member) =>
      id === undefined ? [] : [{ key: BigInt.asUintN(64, id), member }],
    )
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { bytes } = builder.sections;
  const at = bytes.count;
  bytes.u8(...ids.map(({ member }) => member));
  const { first, steps } = builder.searchKeys(ids.map(({ key }) => key));
  return { keys: first, steps, members: at, count: ids.length };
}

/**
 * The key of a route's messages that a pool is asked with: where its fields start, `noRecord` for
 * pools that need none.
 */
export function emitKey(
  builder: ImageBuilder,
  ir: RouterIr,
  route: RouteIr,
  poolIndex: number,
): number {
  const pool = ir.pools[poolIndex];
  if (pool === undefined || !('keys' in pool.strategy)) return noRecord;
  if (pool.strategy.kind === 'plugin' && pool.strategy.keys.length === 0) return noRecord;
  const key = pool.strategy.keys.find(({ schema }) => schema === route.schema);
  if (key === undefined || route.schema === null || key.fields.length > keyFieldsMax) {
    const expected = `a key of 1 to ${keyFieldsMax} fields of the messages of ${route.name}`;
    throw optionError('ERR_ROUTE', pool.name, expected, key?.fields.length, pool.position);
  }
  const { fields } = schemaOf(ir, route.schema);
  return builder.key(`${route.schema}: ${key.fields.join()}`, () => {
    for (const [index, field] of key.fields.entries()) {
      const more = key.fields.length - index - 1;
      emitKeyField(builder, pool, fields[field], more);
    }
  });
}

function emitKeyField(
  builder: ImageBuilder,
  pool: PoolIr,
  field: FieldIr | undefined,
  more: number,
): void {
  const { keyFields } = builder.sections;
  if (field !== undefined && isInteger(field)) {
    keyFields.u8(keyFieldKinds.integer, fieldKind(field)).u16(field.offset, 0).u8(more, 0);
  } else if (field?.type === 'bytes') {
    keyFields.u8(keyFieldKinds.bytes, 0).u16(field.offset, field.bytes).u8(more, 0);
  } else if (field?.type === 'string' || field?.type === 'blob') {
    keyFields.u8(keyFieldKinds.slot, 0).u16(field.offset, 0).u8(more, 0);
  } else {
    const expected = 'a field of integers, text or bytes';
    throw optionError('ERR_ROUTE', pool.name, expected, field?.type, pool.position);
  }
}
