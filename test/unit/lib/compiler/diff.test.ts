// What distinguishes two configurations.
import { describe, expect, it } from 'vitest';
import { diffRouters, type RouterDiff } from '../../../../lib/compiler/diff.js';
import { slotsMoved } from '../../../../lib/compiler/diff-pools.js';
import type { PoolIr, RouterIr, StrategyIr } from '../../../../lib/compiler/ir.js';
import {
  defineRouter,
  layout,
  lb,
  otherwise,
  pool,
  route,
  schema,
  t,
  transform,
  udp,
  validate,
  when,
} from '../../../../lib/index.js';
import { Random, testSeed } from '../../../helpers/random.js';

const packed = { layout: layout.packed() };
const Order = schema('Order', 1, { qty: t.u32, side: t.u8, id: t.u64 }, packed);

interface Shape {
  readonly names?: readonly string[];
  readonly members?: readonly string[];
  readonly limits?: readonly (readonly [limit: number, to: string])[];
  readonly check?: number;
  readonly budget?: number;
  readonly scale?: number;
}

function routerOf({
  names = ['a', 'b', 'c'],
  members = names,
  limits = [],
  check = 1,
  budget = 64,
  scale = 1,
}: Shape): RouterIr {
  const venue = (name: string) =>
    udp(name, { port: 0, messages: Order, readBudget: name === 'a' ? budget : 64 });
  const venues = names.map(venue);
  const named = (name: string) => venues[names.indexOf(name)] ?? venue(name);
  const feed = udp('feed', { port: 0, messages: Order });
  const all = pool('venues', members.map(named), lb.roundRobin());
  const same = transform(Order, Order, (o) => ({ qty: o.qty, side: scale, id: o.id }));
  return defineRouter({
    endpoints: [feed, ...venues],
    validate: [validate(Order, (o) => [o.qty.gte(check).else('QTY')])],
    routes: [
      route.first(
        Order,
        (o) => [
          ...limits.map(([limit, to]) => when(o.qty.lt(limit)).to(named(to))),
          otherwise.via(same).to(all),
        ],
        { from: feed },
      ),
    ],
  });
}

function diffOf(before: Shape, after: Shape): RouterDiff {
  return diffRouters(routerOf(before), routerOf(after));
}

const nothing = { added: [], removed: [], changed: [] };

describe('the difference of two configurations', () => {
  it('is nothing between two that were written alike', () => {
    const shape = { limits: [[5, 'a']] as const };
    expect(diffOf(shape, shape)).toEqual({
      settings: [],
      schemas: nothing,
      rejectCodes: nothing,
      endpoints: nothing,
      transforms: nothing,
      correlations: nothing,
      pools: [expect.objectContaining({ pool: 'venues', change: 'same', movedShare: 0 })],
      routes: [],
      movedShareMax: 0,
    });
  });

  it('names the settings of the router that are others', () => {
    const base = routerOf({ limits: [] });
    const others = { ...base, name: 'other', drainTimeoutMs: base.drainTimeoutMs + 1 };
    expect(diffRouters(base, others).settings).toEqual(['name', 'drainTimeoutMs']);
  });

  it('names messages that have changed, come or gone', () => {
    const base = routerOf({});
    const [own] = base.schemas;
    if (own === undefined) throw new Error('the router has a schema');
    const [first, ...fields] = own.fields;
    if (first === undefined) throw new Error('the schema has fields');
    const other = { ...own, fields: [{ ...first, type: 'i32' as const }, ...fields] };
    const changed = { ...base, schemas: [other] };
    expect(diffRouters(base, changed).schemas).toEqual({ ...nothing, changed: ['Order'] });
    const more = { ...base, schemas: [own, { ...own, name: 'More' }] };
    expect(diffRouters(base, more).schemas).toEqual({ ...nothing, added: ['More'] });
    expect(diffRouters(more, base).schemas).toEqual({ ...nothing, removed: ['More'] });
    const versions = [own, { ...other, templateId: 9n }];
    const turned = { ...base, schemas: [...versions].reverse() };
    expect(diffRouters({ ...base, schemas: versions }, turned).schemas).toEqual(nothing);
  });

  it('is nothing where only the order of endpoints differs', () => {
    const members = ['a', 'b', 'c'];
    const { routes, endpoints, movedShareMax } = diffOf(
      { names: ['a', 'b', 'c'], members, limits: [[5, 'b']] },
      { names: ['c', 'b', 'a'], members, limits: [[5, 'b']] },
    );
    expect({ routes, endpoints, movedShareMax }).toEqual({
      routes: [],
      endpoints: nothing,
      movedShareMax: 0,
    });
  });

  it('names endpoints, transforms and checks that changed', () => {
    const { endpoints, transforms, routes } = diffOf(
      { names: ['a', 'b'], members: ['a'] },
      { names: ['a', 'd'], members: ['a'], budget: 8, check: 2, scale: 3 },
    );
    expect(endpoints).toEqual({ added: ['d'], removed: ['b'], changed: ['a'] });
    expect(transforms.changed).toHaveLength(1);
    expect(routes).toEqual([
      {
        route: 'Order',
        change: 'changed',
        parts: ['checks'],
        rules: { added: [], removed: [], changed: [], moved: [] },
      },
    ]);
  });

  it('tells rules that are new, gone, changed and in another place apart', () => {
    const { routes } = diffOf(
      {
        limits: [
          [1, 'a'],
          [2, 'b'],
          [3, 'c'],
          [4, 'a'],
          [9, 'c'],
        ],
      },
      {
        limits: [
          [2, 'b'],
          [3, 'c'],
          [1, 'a'],
          [4, 'b'],
          [7, 'a'],
          [8, 'b'],
        ],
      },
    );
    const [{ rules } = { rules: undefined }] = routes;
    const indices = (changes: readonly { before: { index: number }; after: { index: number } }[]) =>
      changes.map(({ before, after }) => [before.index, after.index]);
    // The action of 4 changed; the rule to c at 9 has no counterpart, those at 7 and 8 are new.
    expect(indices(rules?.changed ?? [])).toEqual([[3, 3]]);
    expect(indices(rules?.moved ?? [])).toEqual([[0, 2]]);
    expect(rules?.added.map(({ index }) => index)).toEqual([4, 5]);
    expect(rules?.removed.map(({ index }) => index)).toEqual([4]);
  });

  it('takes a rule with another condition for the same action as changed', () => {
    const { routes } = diffOf({ limits: [[5, 'a']] }, { limits: [[6, 'a']] });
    expect(routes[0]?.rules.changed).toHaveLength(1);
    expect(routes[0]?.rules.changed[0]?.after.position).toMatchObject({
      line: expect.any(Number),
    });
  });

  it('says of a route that is new or gone all its rules', () => {
    const ir = routerOf({ limits: [[5, 'a']] });
    const none = { ...ir, routes: [] };
    expect(diffRouters(none, ir).routes[0]).toMatchObject({
      change: 'added',
      rules: { added: [{ index: 0 }, { index: 1 }] },
    });
    expect(diffRouters(ir, none).routes[0]).toMatchObject({
      change: 'removed',
      rules: { removed: [{ index: 0 }, { index: 1 }] },
    });
  });
});

describe('the share of a pool that moves', () => {
  const base = routerOf({ names: ['a', 'b', 'c', 'd'] });
  const strategies: Readonly<Record<string, StrategyIr>> = {
    turns: { kind: 'round-robin' },
    weighted: { kind: 'weighted' },
    failover: { kind: 'failover' },
    broadcast: { kind: 'broadcast', delivery: 'all-or-none' },
    keyed: {
      kind: 'table',
      name: 'mine',
      keys: [{ schema: 0, fields: [2] }],
      slots: [[0], [1], [2], [3]],
    },
  };

  function withPool(change: Partial<PoolIr>): RouterIr {
    const [pool] = base.pools;
    if (pool === undefined) throw new Error('the router has a pool');
    return { ...base, pools: [{ ...pool, ...change }] };
  }

  function members(weights: Readonly<Record<string, number>>): PoolIr['members'] {
    return Object.entries(weights).map(([name, weight]) => ({
      endpoint: base.endpoints.findIndex((endpoint) => endpoint.name === name),
      weight,
    }));
  }

  function moved(before: Partial<PoolIr>, after: Partial<PoolIr>): number {
    return diffRouters(withPool(before), withPool(after)).movedShareMax;
  }

  it('is what the members that get less lose, of a strategy without a key', () => {
    const { turns = never(), weighted = never() } = strategies;
    const all = members({ a: 1, b: 1, c: 1, d: 1 });
    expect(
      moved(
        { strategy: turns, members: all },
        { strategy: turns, members: members({ a: 1, b: 1 }) },
      ),
    ).toBe(0.5);
    expect(
      moved(
        { strategy: weighted, members: members({ a: 1, b: 1 }) },
        { strategy: weighted, members: members({ a: 3, b: 1 }) },
      ),
    ).toBe(0.25);
    expect(moved({ strategy: turns, members: all }, { strategy: weighted, members: all })).toBe(0);
  });

  it('is of a failover chain all or nothing, of a broadcast the members that are gone', () => {
    const { failover = never(), broadcast = never() } = strategies;
    const chain = (...names: string[]) =>
      members(Object.fromEntries(names.map((name) => [name, 1])));
    const of =
      (strategy: StrategyIr) =>
      (...names: string[]) => ({ strategy, members: chain(...names) });
    const [first, every] = [of(failover), of(broadcast)];
    expect(moved(first('a', 'b'), first('a', 'c'))).toBe(0);
    expect(moved(first('a', 'b'), first('b', 'a'))).toBe(1);
    expect(moved(every('a', 'b'), every('a', 'b', 'c'))).toBe(0);
    expect(moved(every('a', 'b'), every('a'))).toBe(0.5);
  });

  it('is the share of slots that name another endpoint, of one with a key', () => {
    const { keyed = never() } = strategies;
    const all = members({ a: 1, b: 1, c: 1, d: 1 });
    const slots = (...first: number[]) => ({
      strategy: { ...keyed, slots: first.map((one) => [one]) } as StrategyIr,
      members: all,
    });
    expect(moved(slots(0, 1, 2, 3), slots(0, 1, 2, 0))).toBe(0.25);
    expect(moved(slots(0, 1), slots(0, 0, 1, 1))).toBe(0);
    // The same names in another order of members.
    const turned = members({ d: 1, c: 1, b: 1, a: 1 });
    expect(moved(slots(0, 1, 2, 3), { ...slots(3, 2, 1, 0), members: turned })).toBe(0);
  });

  it('is everything where the pool picks by something else, or is gone', () => {
    const { keyed = never(), turns = never() } = strategies;
    const other = { ...keyed, keys: [{ schema: 0, fields: [0] }] } as StrategyIr;
    expect(moved({ strategy: keyed }, { strategy: turns })).toBe(1);
    expect(moved({ strategy: keyed }, { strategy: other })).toBe(1);
    expect(diffRouters(base, { ...base, pools: [] }).movedShareMax).toBe(1);
    expect(diffRouters({ ...base, pools: [] }, base).movedShareMax).toBe(0);
    const one = members({ a: 1 });
    expect(moved({ strategy: keyed, members: one }, { strategy: turns, members: one })).toBe(0);
  });

  it('is exact for tables of different sizes', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < 200; round++) {
      const table = () => Array.from({ length: 1 + random.below(12) }, () => `${random.below(3)}`);
      const [before, after] = [table(), table()];
      const grid = before.length * after.length;
      let differing = 0;
      for (let at = 0; at < grid; at++) {
        const one = before[Math.floor(at / after.length)];
        if (one !== after[Math.floor(at / before.length)]) differing++;
      }
      expect(slotsMoved(before, after), `seed ${seed}, round ${round}`).toBe(differing / grid);
    }
  });
});

function never(): never {
  throw new Error('the strategy is there');
}
