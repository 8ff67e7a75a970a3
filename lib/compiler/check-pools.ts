// Checks of pools: members, what their strategy asks for, and who takes over when none is left.
import { isIntegerType } from '../schema/model.js';
import { keyFieldsMax, poolRanksMax, poolSlotsMax } from './emit-format.js';
import type { Findings } from './findings.js';
import type { EjectIr, PoolIr, PoolKeyIr, RouterIr, SourcePosition } from './ir.js';
import { memberWeightMax, poolCountMax, poolMembersMax } from './limits.js';
import { hashSlotCounts } from './maglev.js';
import { checkPluginCall } from './plugins.js';

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const strategies = [
  ...['round-robin', 'weighted', 'failover', 'least-loaded', 'two-choices'],
  ...['hash', 'sticky', 'table', 'broadcast', 'plugin'],
];
/** Strategies that would not notice a weight. */
const weightless = ['round-robin', 'failover', 'broadcast', 'plugin'];
const panics = ['reject', 'spread', 'park'];
/** A queue that loses what is sent while nobody takes it keeps nothing for later. */
const keeping = ['park', 'block', 'drop-oldest'];
const millisecondsMax = 3_600_000;
const idLow = -(1n << 63n);
const idHigh = (1n << 64n) - 1n;

export function checkPools(ir: RouterIr, findings: Findings): void {
  const { pools } = ir;
  const expected = `at most ${poolCountMax} pools`;
  findings.need(pools.length <= poolCountMax, 'ERR_ROUTE', 'pools', expected, pools.length);
  findings.unique(pools, 'pools', 'ERR_ROUTE');
  for (const [index, pool] of pools.entries()) {
    new PoolCheck(ir, pool, `pools[${index}]`, findings).run();
  }
}

/** All endpoints that a pool can send to. */
export function poolEndpoints({ members, failover = [] }: PoolIr): readonly number[] {
  return [...members.map(({ endpoint }) => endpoint), ...failover];
}

/** Notes an error unless the pool can tell members by the messages of a schema. */
export function checkPoolKey(
  pool: PoolIr,
  schema: number | null,
  messages: string,
  findings: Findings,
  option: string,
  position: SourcePosition,
): void {
  if (!('keys' in pool.strategy)) return;
  if (pool.strategy.kind === 'plugin' && pool.strategy.keys.length === 0) return;
  const count = pool.strategy.keys.filter((key) => key.schema === schema).length;
  const expected = `a pool with a key of ${messages}`;
  findings.need(count === 1, 'ERR_ROUTE', option, expected, pool.name, position);
}

class PoolCheck {
  readonly #ir: RouterIr;
  readonly #pool: PoolIr;
  readonly #path: string;
  readonly #findings: Findings;

  constructor(ir: RouterIr, pool: PoolIr, path: string, findings: Findings) {
    this.#ir = ir;
    this.#pool = pool;
    this.#path = path;
    this.#findings = findings;
  }

  run(): void {
    const { name, strategy, members } = this.#pool;
    const names = this.#ir.endpoints.map((endpoint) => endpoint.name);
    const isFree = namePattern.test(name) && !names.includes(name);
    this.#need(isFree, 'name', 'a name that no endpoint has', name);
    const isKnown = strategies.includes(strategy.kind);
    const known = `one of ${strategies.join(', ')}`;
    if (!this.#need(isKnown, 'strategy', known, strategy.kind)) return;
    const isBounded = members.length >= 1 && members.length <= poolMembersMax;
    const expected = `1 to ${poolMembersMax} members`;
    if (!this.#need(isBounded, 'members', expected, members.length)) return;
    this.#endpoints();
    this.#weights();
    this.#strategy();
    this.#needy();
  }

  #need(isMet: boolean, option: string, expected: string, received: unknown): boolean {
    const path = `${this.#path}.${option}`;
    return this.#findings.need(isMet, 'ERR_ROUTE', path, expected, received, this.#pool.position);
  }

  /** Members and those that stand in: each once, all with the same messages. */
  #endpoints(): void {
    const { endpoints } = this.#ir;
    const { members, failover = [], position } = this.#pool;
    const family = endpoints[members[0]?.endpoint ?? 0]?.family;
    const isBounded = failover.length <= poolMembersMax;
    this.#need(isBounded, 'failover', `at most ${poolMembersMax} endpoints`, failover.length);
    const seen = new Set<number>();
    for (const [at, endpoint] of poolEndpoints(this.#pool).entries()) {
      const isMember = at < members.length;
      const option = isMember ? `members[${at}]` : `failover[${at - members.length}]`;
      const path = `${this.#path}.${option}`;
      if (!this.#findings.index(endpoint, endpoints.length, path, 'endpoints', position)) continue;
      const given = endpoints[endpoint]?.name;
      this.#need(!seen.has(endpoint), option, 'each endpoint once', given);
      seen.add(endpoint);
      const isSame = endpoints[endpoint]?.family === family;
      this.#need(isSame, option, 'an endpoint with the messages of the first member', given);
    }
  }

  #weights(): void {
    const { members, strategy } = this.#pool;
    const isWeightless = weightless.includes(strategy.kind);
    for (const [at, { weight, id }] of members.entries()) {
      const isWeight = Number.isInteger(weight) && weight >= 1 && weight <= memberWeightMax;
      const share = `an integer from 1 to ${memberWeightMax}`;
      this.#need(isWeight, `members[${at}].weight`, share, weight);
      const none = `no weight: ${strategy.kind} does not look at it`;
      this.#need(!isWeightless || weight === 1, `members[${at}].weight`, none, weight);
      if (strategy.kind === 'sticky' || id === undefined) continue;
      this.#need(false, `members[${at}].id`, 'no id: only sticky looks at it', id);
    }
  }

  #strategy(): void {
    const { strategy } = this.#pool;
    if (strategy.kind === 'least-loaded' || strategy.kind === 'two-choices') {
      const isMeasure = ['queue', 'outstanding'].includes(strategy.measure);
      this.#need(isMeasure, 'strategy.measure', "'queue' or 'outstanding'", strategy.measure);
    }
    if (strategy.kind === 'broadcast') {
      const isDelivery = ['all-or-none', 'best-effort'].includes(strategy.delivery);
      const expected = "'all-or-none' or 'best-effort'";
      this.#need(isDelivery, 'strategy.delivery', expected, strategy.delivery);
    }
    if (strategy.kind === 'hash') {
      const isCount = hashSlotCounts.some((count) => count === strategy.slots);
      this.#need(isCount, 'strategy.slots', hashSlotCounts.join(' or '), strategy.slots);
    }
    if (strategy.kind === 'table') this.#table(strategy.slots);
    if (strategy.kind === 'sticky') this.#ids();
    if (strategy.kind === 'plugin') {
      const option = `${this.#path}.strategy`;
      checkPluginCall(strategy.call, [], this.#findings, option, this.#pool.position);
    }
    const isFree = strategy.kind === 'plugin' && strategy.keys.length === 0;
    if ('keys' in strategy && !isFree) this.#keys(strategy.keys);
  }

  #table(slots: readonly (readonly number[])[]): void {
    const isBounded = slots.length >= 1 && slots.length <= poolSlotsMax;
    if (!this.#need(isBounded, 'strategy.slots', `1 to ${poolSlotsMax} slots`, slots.length))
      return;
    const { length: count } = this.#pool.members;
    const wrong = slots.findIndex((slot) => {
      const isMember = slot.every((at) => Number.isInteger(at) && at >= 0 && at < count);
      const isOnce = new Set(slot).size === slot.length;
      return !isMember || !isOnce || slot.length < 1 || slot.length > poolRanksMax;
    });
    const expected = `1 to ${poolRanksMax} different members, as indices below ${count}`;
    this.#need(wrong < 0, `strategy.slots[${wrong}]`, expected, slots[wrong]);
  }

  #ids(): void {
    const seen = new Set<bigint>();
    for (const [at, { id }] of this.#pool.members.entries()) {
      if (id === undefined) continue;
      const isInteger = typeof id === 'bigint' && id >= idLow && id <= idHigh;
      const option = `members[${at}].id`;
      if (!this.#need(isInteger, option, 'an integer of 64 bits', id)) continue;
      const key = BigInt.asUintN(64, id);
      this.#need(!seen.has(key), option, 'an id that no other member has', id);
      seen.add(key);
    }
  }

  /** Every message has its key: one for each type, of fields that are always there. */
  #keys(keys: readonly PoolKeyIr[]): void {
    const { schemas } = this.#ir;
    const { position, strategy } = this.#pool;
    const isSticky = strategy.kind === 'sticky';
    this.#need(keys.length >= 1, 'strategy.keys', 'at least one key', 'none');
    const seen = new Set<number>();
    for (const [at, { schema, fields }] of keys.entries()) {
      const option = `strategy.keys[${at}]`;
      const path = `${this.#path}.${option}`;
      if (!this.#findings.index(schema, schemas.length, path, 'schemas', position)) continue;
      const { name, fields: known } = schemas[schema] as (typeof schemas)[number];
      this.#need(!seen.has(schema), option, 'one key for each message type', name);
      seen.add(schema);
      const most = isSticky ? 1 : keyFieldsMax;
      const isBounded = fields.length >= 1 && fields.length <= most;
      const count = most === 1 ? 'one field' : `1 to ${most} fields`;
      this.#need(isBounded, option, `${count} of ${name}`, fields.length);
      for (const field of fields) {
        if (!this.#findings.index(field, known.length, path, 'fields', position)) continue;
        const { name: called, type, presence } = known[field] as (typeof known)[number];
        const isText = type === 'bytes' || type === 'string' || type === 'blob';
        const isKey = isIntegerType(type) || type === 'bit' || (isText && !isSticky);
        const expected = isSticky ? 'an integer field' : 'a field of integers, text or bytes';
        this.#need(isKey, option, expected, `${name}.${called}`);
        const always = 'a field that every message has';
        this.#need(presence === undefined, option, always, `${name}.${called}`);
      }
    }
  }

  /** What happens to those that fail, and when nobody is left. */
  #needy(): void {
    const { panic = 'reject', failover = [], strategy, eject, slowStartMs = 0 } = this.#pool;
    const { endpoints } = this.#ir;
    this.#need(panics.includes(panic), 'panic', `one of ${panics.join(', ')}`, panic);
    if (strategy.kind === 'broadcast') {
      const none = 'none with broadcast, which sends to all members';
      this.#need(failover.length === 0, 'failover', none, `${failover.length} endpoints`);
      this.#need(panic === 'reject', 'panic', none, panic);
    }
    if (panic === 'park') {
      const losing = this.#pool.members.find(({ endpoint }) => {
        const queue = endpoints[endpoint]?.options.queue as { readonly full?: unknown } | undefined;
        return !keeping.some((full) => full === queue?.full);
      });
      const expected = `members whose queue.full is ${keeping.join(', ')}`;
      const received = endpoints[losing?.endpoint ?? 0]?.name;
      this.#need(losing === undefined, 'panic', expected, received);
    }
    const isTime =
      Number.isInteger(slowStartMs) && slowStartMs >= 0 && slowStartMs <= millisecondsMax;
    const time = `0 to ${millisecondsMax} milliseconds`;
    this.#need(isTime, 'slowStart', time, slowStartMs);
    if (eject !== undefined) this.#eject(eject);
  }

  #eject({ consecutive, forMs, maxShare }: EjectIr): void {
    const isCount = Number.isInteger(consecutive) && consecutive >= 1 && consecutive <= 1_000_000;
    this.#need(isCount, 'eject.consecutive', 'an integer from 1 to 1000000', consecutive);
    const isTime = Number.isInteger(forMs) && forMs >= 1 && forMs <= millisecondsMax;
    this.#need(isTime, 'eject.for', `1 to ${millisecondsMax} milliseconds`, forMs);
    const isShare = typeof maxShare === 'number' && maxShare >= 0 && maxShare <= 1;
    this.#need(isShare, 'eject.max', 'a share from 0 to 1', maxShare);
  }
}
