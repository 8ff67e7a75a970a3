// The oracle's picks of pool members. Strategies are executed from the IR; the slot tables that
// some of them look into are made by the same functions as those in the image, because they are
// what the configuration means, not how it is executed. The rest mirrors
// native/route/pool_datapath.h, down to the order in which random numbers are drawn.
import { nativeHeaderBytes } from '../schema/model.js';
import { noMember } from './emit-format.js';
import { membersOfSlot, type PoolSlots, poolSlots } from './emit-pools.js';
import { readBytes, readField } from './fields.js';
import type { FieldIr, PoolIr, RouterIr } from './ir.js';
import { hashKey, lowShare } from './key-hash.js';
import { pluginError } from './plugins.js';

/** How busy an endpoint is. */
export interface EndpointLoad {
  readonly queuedBytes: number;
  readonly outstanding: number;
}

/** What picks look at and change. */
export interface PoolState {
  /** For each pool, whose turn it is. */
  readonly poolPositions: number[];
  /**
   * For each endpoint: 0 cannot be used, 255 can, what lies between gets that share, in 256ths,
   * of the messages that it would be picked for.
   */
  readonly alive: number[];
  /** For each endpoint. */
  readonly load: EndpointLoad[];
  /** State of the generator of random numbers, never zero. */
  random: bigint;
}

/** The message that a member is picked for. */
export interface PickedMessage {
  readonly schema: number | null;
  readonly message: Uint8Array;
  readonly view: Uint8Array;
}

/** A state of the generator of random numbers that is not zero, from any seed. */
export function randomState(seed: bigint): bigint {
  const state = BigInt.asUintN(64, (seed + 1n) * 0x9e3779b97f4a7c15n);
  return state === 0n ? 1n : state;
}

function nextRandom(state: PoolState): bigint {
  let word = state.random;
  word ^= word >> 12n;
  word ^= BigInt.asUintN(64, word << 25n);
  word ^= word >> 27n;
  state.random = word;
  return BigInt.asUintN(64, word * 0x2545f4914f6cdd1dn);
}

const allAlive = 255;

/** `by-share`: usable members, by their share; `usable`: those whole; `all`: the others too. */
type Taken = 'by-share' | 'usable' | 'all';

const tables = new WeakMap<PoolIr, PoolSlots>();

function slotsOf(ir: RouterIr, pool: PoolIr): PoolSlots {
  const known = tables.get(pool);
  if (known !== undefined) return known;
  const made = poolSlots(ir, pool);
  tables.set(pool, made);
  return made;
}

class Pick {
  readonly #pool: PoolIr;
  readonly #poolIndex: number;
  readonly #state: PoolState;
  readonly #slots: PoolSlots;
  /** null: the strategy has no key. */
  readonly #key: { readonly hash: bigint; readonly id: bigint | null } | null;

  constructor(ir: RouterIr, state: PoolState, poolIndex: number, message: PickedMessage) {
    this.#pool = ir.pools[poolIndex] as PoolIr;
    this.#poolIndex = poolIndex;
    this.#state = state;
    this.#slots = slotsOf(ir, this.#pool);
    this.#key = keyOf(ir, this.#pool, message);
  }

  /** The endpoint; null: there is none. */
  run(): number | null {
    const { members, failover = [], panic = 'reject' } = this.#pool;
    const number = this.#number('by-share') ?? this.#number('usable');
    if (number !== null) return members[number]?.endpoint ?? null;
    const backup = failover.find((endpoint) => (this.#state.alive[endpoint] ?? 0) > 0);
    if (backup !== undefined) return backup;
    const desperate = panic === 'reject' ? null : this.#number('all');
    return desperate === null ? null : (members[desperate]?.endpoint ?? null);
  }

  #number(taken: Taken): number | null {
    const { kind } = this.#pool.strategy;
    const all = this.#pool.members.map((_, number) => number);
    const { slots } = this.#slots;
    switch (kind) {
      case 'round-robin':
        return this.#inTurn(all, taken);
      case 'weighted':
        return this.#inTurn([...slots], taken);
      case 'failover':
        return all.find((number) => this.#mayTake(number, taken)) ?? null;
      case 'least-loaded':
        return this.#leastLoaded(all, taken);
      case 'two-choices':
        return this.#ofTwo(taken);
      case 'sticky': {
        const named = this.#pool.members.findIndex(
          ({ id }) => id !== undefined && BigInt.asUintN(64, id) === this.#key?.id,
        );
        if (named >= 0 && this.#mayTake(named, taken)) return named;
        return this.#ranked(taken);
      }
      case 'hash':
      case 'table':
        return this.#ranked(taken);
      case 'plugin':
        throw pluginError(this.#pool.strategy.call);
      default:
        return null;
    }
  }

  #mayTake(number: number, taken: Taken): boolean {
    if (taken === 'all') return true;
    const alive = this.#state.alive[this.#pool.members[number]?.endpoint ?? 0] ?? 0;
    if (taken === 'usable' || alive === 0 || alive === allAlive) return alive !== 0;
    const drawn = this.#key?.hash ?? nextRandom(this.#state);
    return Number(drawn >> 56n) < alive;
  }

  #position(count: number): number {
    const position = this.#state.poolPositions[this.#poolIndex] ?? 0;
    return position < count ? position : 0;
  }

  /** The next of `order` that may be taken; the one behind it is next time's first. */
  #inTurn(order: readonly number[], taken: Taken): number | null {
    const start = this.#position(order.length);
    for (let tried = 0; tried < order.length; tried += 1) {
      const at = (start + tried) % order.length;
      const number = order[at] as number;
      if (!this.#mayTake(number, taken)) continue;
      this.#state.poolPositions[this.#poolIndex] = (at + 1) % order.length;
      return number;
    }
    return null;
  }

  /** Whether a member has less to do for its weight than another. */
  #isLessBusy(one: number, other: number): boolean {
    const { strategy, members } = this.#pool;
    const measure = 'measure' in strategy ? strategy.measure : 'queue';
    const load = (number: number): bigint => {
      const { queuedBytes, outstanding } = this.#state.load[members[number]?.endpoint ?? 0] ?? {
        queuedBytes: 0,
        outstanding: 0,
      };
      return BigInt(measure === 'queue' ? queuedBytes : outstanding);
    };
    const weight = (number: number): bigint => BigInt(members[number]?.weight ?? 1);
    return load(one) * weight(other) < load(other) * weight(one);
  }

  #leastLoaded(all: readonly number[], taken: Taken): number | null {
    const start = this.#position(all.length);
    let best: number | null = null;
    for (let tried = 0; tried < all.length; tried += 1) {
      const number = (start + tried) % all.length;
      if (!this.#mayTake(number, taken)) continue;
      if (best === null || this.#isLessBusy(number, best)) best = number;
    }
    if (best !== null) this.#state.poolPositions[this.#poolIndex] = (best + 1) % all.length;
    return best;
  }

  #ofTwo(taken: Taken): number | null {
    const { slots, slotCount } = this.#slots;
    const drawn = nextRandom(this.#state);
    const first = lowShare(drawn >> 32n, slotCount);
    const second = slotCount > 1 ? (first + 1 + lowShare(drawn, slotCount - 1)) % slotCount : first;
    const [one, other] = [slots[first] as number, slots[second] as number];
    const takesOne = this.#mayTake(one, taken);
    const takesOther = one === other ? takesOne : this.#mayTake(other, taken);
    if (takesOne && takesOther) return this.#isLessBusy(other, one) ? other : one;
    if (takesOne) return one;
    if (takesOther) return other;
    for (let offset = 1; offset < slotCount; offset += 1) {
      const number = slots[(first + offset) % slotCount] as number;
      if (this.#mayTake(number, taken)) return number;
    }
    return null;
  }

  #ranked(taken: Taken): number | null {
    const slot = lowShare(this.#key?.hash ?? 0n, this.#slots.slotCount);
    const ranked = membersOfSlot(this.#slots, slot);
    for (const number of ranked) {
      if (number === noMember) break;
      if (this.#mayTake(number, taken)) return number;
    }
    if (this.#pool.strategy.kind === 'table') return null;
    const count = this.#pool.members.length;
    for (let tried = 1; tried < count; tried += 1) {
      const number = ((ranked[0] as number) + tried) % count;
      if (this.#mayTake(number, taken)) return number;
    }
    return null;
  }
}

/** The slot that a message's key is looked up in, and whom it names. */
export interface RankedSlot {
  readonly slot: number;
  readonly slotCount: number;
  /** Endpoints in the order in which they are tried, all of them up. */
  readonly ranked: readonly number[];
  /** The endpoint that the key names itself, which is tried before. */
  readonly named: number | null;
}

/** Where a pool looks a message up; null for strategies that do not rank members by slot. */
export function rankedSlot(ir: RouterIr, pool: PoolIr, picked: PickedMessage): RankedSlot | null {
  const { kind } = pool.strategy;
  if (kind !== 'hash' && kind !== 'sticky' && kind !== 'table') return null;
  const slots = slotsOf(ir, pool);
  const { slotCount } = slots;
  const { hash, id } = keyOf(ir, pool, picked) ?? { hash: 0n, id: null };
  const slot = lowShare(hash, slotCount);
  const ranked = membersOfSlot(slots, slot).filter((member) => member !== noMember);
  const isNamed = (own: bigint | undefined): boolean =>
    kind === 'sticky' && own !== undefined && BigInt.asUintN(64, own) === id;
  return {
    slot,
    slotCount,
    ranked: ranked.map((member) => pool.members[member]?.endpoint ?? 0),
    named: pool.members.find((member) => isNamed(member.id))?.endpoint ?? null,
  };
}

/** The hash of a message's key, and, of one integer, its value. */
function keyOf(
  ir: RouterIr,
  { strategy }: PoolIr,
  picked: PickedMessage,
): { readonly hash: bigint; readonly id: bigint | null } | null {
  if (!('keys' in strategy)) return null;
  const key = strategy.keys.find(({ schema }) => schema === picked.schema);
  const schema = ir.schemas[picked.schema ?? -1];
  const values = (key?.fields ?? []).map((field) =>
    keyValue(schema?.fields[field] as FieldIr, picked),
  );
  const [first] = values;
  const id = typeof first === 'bigint' ? BigInt.asUintN(64, first) : null;
  return { hash: hashKey(values), id };
}

function keyValue(field: FieldIr, { message, view }: PickedMessage): bigint | Uint8Array {
  if (field.type === 'bytes') return readBytes(view, field);
  if (field.type === 'string' || field.type === 'blob') return slotText(field, message);
  return readField(view, field);
}

/** What a slot of a native message refers to; nothing where its writer did not know the field. */
function slotText({ offset }: FieldIr, message: Uint8Array): Uint8Array {
  const words = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (offset + 8 > nativeHeaderBytes + words.getUint16(4, true)) return new Uint8Array(0);
  const start = nativeHeaderBytes + words.getUint32(offset, true);
  return message.subarray(start, start + words.getUint32(offset + 4, true));
}

/** The endpoint that a pool picks for a message; null: none can be used. Changes the state. */
export function pickMember(
  ir: RouterIr,
  state: PoolState,
  pool: number,
  message: PickedMessage,
): number | null {
  return new Pick(ir, state, pool, message).run();
}
