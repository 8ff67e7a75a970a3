// Which members the native step picks: every strategy, members that die and come back, stand-ins.
import { describe, expect, it } from 'vitest';
import { rejectCodes } from '../../../../lib/codes.js';
import { defineStrategy, lb } from '../../../../lib/index.js';
import { counts, Order, PoolUnderTest } from '../../../helpers/pool-router.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `v${at}`);
const none = -rejectCodes.NO_DESTINATION;
const byClient = lb.hash(Order.refs.client);

describe('a weighted pool', () => {
  const shares = (weights: readonly number[], messages: number): number[] => {
    const members = weights.map((weight, at) => [`v${at}`, weight] as const);
    const pool = new PoolUnderTest({ members, balancing: lb.weighted() });
    const found = counts(pool.picks(messages));
    return weights.map((_, at) => (found.get(at) ?? 0) / messages);
  };

  it.each([
    [[1, 1]],
    [[1, 2, 3, 4]],
    [[5, 1, 1]],
    [[1000, 1]],
    [[700, 300, 250, 40]],
    [[997, 991, 983, 11, 7]],
  ])('gives members of weights %j their shares within 1 %% of 100,000 messages', (weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [at, share] of shares(weights, 100_000).entries()) {
      expect(Math.abs(share - (weights[at] ?? 0) / total)).toBeLessThan(0.01);
    }
  });

  it('spreads a member’s turns evenly', () => {
    const pool = new PoolUnderTest({
      members: [['a', 4], 'b', 'c'],
      balancing: lb.weighted(),
    });
    expect(pool.picks(6)).toEqual([0, 0, 1, 0, 2, 0]);
  });

  it('goes on with the next in turn where one cannot be used', () => {
    const pool = new PoolUnderTest({ members: [['a', 2], 'b'], balancing: lb.weighted() });
    pool.alive(0, 0);
    expect(pool.picks(4)).toEqual([1, 1, 1, 1]);
    pool.alive(1, 0);
    expect(pool.pick()).toBe(none);
  });
});

describe('a pool by hash', () => {
  const keys = 20_000;
  const setup = { members: names(16), balancing: byClient };

  it('moves only the keys of a member that dies, and all of them back when it returns', () => {
    const pool = new PoolUnderTest(setup);
    const before = pool.picks(keys);
    pool.alive(5, 0);
    const during = pool.picks(keys);
    const wrong = before.filter((member, key) => (during[key] === member) === (member === 5));
    expect(wrong).toEqual([]);
    const moved = counts(during.filter((_, key) => before[key] === 5));
    expect(moved.size).toBe(15);
    // What it had is spread evenly: about 83 keys for each of the others.
    for (const count of moved.values()) expect(count).toBeGreaterThan(30);
    pool.alive(5, 255);
    expect(pool.picks(keys)).toEqual(before);
  });

  it('gives all members the same share', () => {
    for (const count of counts(new PoolUnderTest(setup).picks(keys * 2)).values()) {
      expect(Math.abs(count / (keys * 2) - 1 / 16)).toBeLessThan(0.01);
    }
  });

  it('lets a member that comes back have more and more of its keys, and keep them', () => {
    const pool = new PoolUnderTest(setup);
    const own = pool.picks(keys).flatMap((member, key) => (member === 3 ? [key] : []));
    let before = new Set<number>();
    for (const share of [16, 64, 128, 192, 240, 255]) {
      pool.alive(3, share);
      const now = new Set(own.filter((key) => pool.pick({ client: BigInt(key) }) === 3));
      expect([...before].filter((key) => !now.has(key))).toEqual([]);
      const part = share === 255 ? 1 : share / 256;
      expect(Math.abs(now.size / own.length - part)).toBeLessThan(0.08);
      before = now;
    }
    expect(before.size).toBe(own.length);
  });

  it('finds a member as long as one is left', () => {
    const pool = new PoolUnderTest(setup);
    for (let member = 0; member < 16; member += 1) if (member !== 9) pool.alive(member, 0);
    expect(counts(pool.picks(500))).toEqual(new Map([[9, 500]]));
    pool.alive(9, 1);
    expect(counts(pool.picks(500))).toEqual(new Map([[9, 500]]));
    pool.alive(9, 0);
    expect(pool.pick()).toBe(none);
  });

  it('does not depend on the order of the members, and weights them', () => {
    const one = new PoolUnderTest({ members: ['x', 'y', ['z', 2]], balancing: byClient });
    const other = new PoolUnderTest({ members: [['z', 2], 'y', 'x'], balancing: byClient });
    const picks = one.picks(4000);
    expect(other.picks(4000)).toEqual(picks.map((member) => 2 - member));
    expect(Math.abs((counts(picks).get(2) ?? 0) / 4000 - 0.5)).toBeLessThan(0.03);
  });

  it('tells keys of several fields, of text and of numbers below zero apart', () => {
    const { client, symbol, delta } = Order.refs;
    const pool = new PoolUnderTest({ ...setup, balancing: lb.hash(symbol, delta, client) });
    const at = (text: string, number: number) => pool.pick({ symbol: text, delta: number });
    const found = new Set(
      Array.from({ length: 400 }, (_, key) => at(`SYM${key % 10}`, 20 - Math.floor(key / 10))),
    );
    expect(found.size).toBe(16);
    expect(at('AAPL', -1)).toBe(at('AAPL', -1));
  });
});

describe('a pool by load', () => {
  it('picks the least busy member, equal ones in turn', () => {
    const pool = new PoolUnderTest({ members: names(3), balancing: lb.leastLoaded() });
    expect(pool.picks(4)).toEqual([0, 1, 2, 0]);
    pool.load(0, 500);
    pool.load(1, 200, 1000);
    pool.load(2, 201);
    expect(pool.picks(3)).toEqual([1, 1, 1]);
    pool.alive(1, 0);
    expect(pool.pick()).toBe(2);
  });

  it('compares loads beside weights, and outstanding requests where it is told to', () => {
    const balancing = lb.leastLoaded({ measure: 'outstanding' });
    const pool = new PoolUnderTest({ members: ['a', ['b', 4]], balancing, isCorrelated: true });
    pool.load(0, 0, 2);
    pool.load(1, 10_000, 7);
    expect(pool.picks(2)).toEqual([1, 1]);
    pool.load(1, 10_000, 9);
    expect(pool.picks(2)).toEqual([0, 0]);
  });

  it('picks the less busy one of two by chance, and all of them in the end', () => {
    const pool = new PoolUnderTest({ members: names(8), balancing: lb.twoChoices() });
    const idle = counts(pool.picks(8000));
    expect(idle.size).toBe(8);
    for (const count of idle.values()) expect(Math.abs(count / 8000 - 1 / 8)).toBeLessThan(0.03);
    pool.load(2, 1000);
    // Only where it is drawn twice, which two different slots never are.
    expect(counts(pool.picks(8000)).get(2)).toBeUndefined();
    for (let member = 0; member < 8; member += 1) if (member !== 2) pool.alive(member, 0);
    expect(counts(pool.picks(100))).toEqual(new Map([[2, 100]]));
  });

  it('keeps queues even: the busiest of ten has little more than the average', () => {
    const pool = new PoolUnderTest({ members: names(10), balancing: lb.twoChoices() });
    const queued = names(10).map(() => 0);
    for (let message = 0; message < 5000; message += 1) {
      const member = pool.pick();
      queued[member] = (queued[member] ?? 0) + 1;
      pool.load(member, queued[member] ?? 0);
    }
    expect(Math.max(...queued)).toBeLessThan(510);
  });

  it('draws the same members again from the same seed', () => {
    const pool = new PoolUnderTest({ members: names(8), balancing: lb.twoChoices() });
    pool.image.seed(42n);
    const first = pool.picks(200);
    pool.image.seed(43n);
    expect(pool.picks(200)).not.toEqual(first);
    pool.image.seed(42n);
    expect(pool.picks(200)).toEqual(first);
  });
});

describe('the members of a pool by hash', () => {
  const balancings = { hash: byClient, sticky: lb.sticky(Order.refs.client) };
  const weightsOf = (...weights: readonly number[]) =>
    names(weights.length).map((name, at) => [name, weights[at] ?? 1] as const);
  const ones = (count: number) => weightsOf(...Array.from({ length: count }, () => 1));
  const changes = [
    ['the 41st of 41 is added', ones(40), ones(41), 1 / 41],
    ['the 101st of 101 is added', ones(100), ones(101), 1 / 101],
    ['one of two weights changes little', weightsOf(100, 100), weightsOf(100, 101), 0.003],
    [
      'one of four weights changes little',
      weightsOf(100, 100, 100, 100),
      weightsOf(100, 100, 100, 101),
      0.002,
    ],
    ['weights stop having a common divisor', weightsOf(50, 50, 50), weightsOf(50, 50, 51), 0.005],
  ] as const;
  const cases = Object.keys(balancings).flatMap((kind) =>
    changes.map((change) => [kind as keyof typeof balancings, ...change] as const),
  );

  it.each(cases)('keep their keys (%s) when %s', (kind, _what, before, after, share) => {
    const keys = 5_000;
    const [old, now] = [before, after].map((list) =>
      new PoolUnderTest({ members: list, balancing: balancings[kind] }).picks(keys),
    );
    const moved = now?.filter((member, key) => member !== old?.[key]).length ?? keys;
    expect(moved / keys).toBeLessThan(2 * share + 0.04);
  });
});

describe('a sticky pool', () => {
  it('picks the member whose id the field holds', () => {
    const balancing = lb.sticky(Order.refs.client, { v0: 7, v2: 2n ** 64n - 1n });
    const pool = new PoolUnderTest({ members: names(3), balancing });
    expect(pool.pick({ client: 7n })).toBe(0);
    expect(pool.pick({ client: 2n ** 64n - 1n })).toBe(2);
    expect(counts(pool.picks(300)).size).toBe(3);
    pool.alive(0, 0);
    expect(pool.pick({ client: 7n })).toBeGreaterThan(0);
    pool.alive(0, 255);
    expect(pool.pick({ client: 7n })).toBe(0);
  });

  it('takes symbols of an enumeration and numbers below zero as ids', () => {
    const venues = lb.sticky(Order.refs.venue, { v0: 'c', v1: 'a' });
    const pool = new PoolUnderTest({ members: names(2), balancing: venues });
    expect([pool.pick({ venue: 'c' }), pool.pick({ venue: 'a' })]).toEqual([0, 1]);
    const deltas = lb.sticky(Order.refs.delta, { v0: -3, v1: 3 });
    const signed = new PoolUnderTest({ members: names(2), balancing: deltas });
    expect([signed.pick({ delta: -3 }), signed.pick({ delta: 3 })]).toEqual([0, 1]);
  });
});

describe('a pool without usable members', () => {
  it('goes down its list, and back up when members return', () => {
    const pool = new PoolUnderTest({ members: names(3), balancing: lb.failover() });
    expect(pool.pick()).toBe(0);
    pool.alive(0, 0);
    expect(pool.pick()).toBe(1);
    pool.alive(1, 0);
    expect(pool.pick()).toBe(2);
    pool.alive(0, 255);
    expect(pool.pick()).toBe(0);
  });

  it('has those that stand in, in order, and rejects when they are gone too', () => {
    const setup = { members: names(2), balancing: byClient, failover: ['d0', 'd1'] };
    const pool = new PoolUnderTest(setup);
    pool.alive(0, 0);
    expect(counts(pool.picks(50))).toEqual(new Map([[1, 50]]));
    pool.alive(1, 0);
    expect(counts(pool.picks(50))).toEqual(new Map([[2, 50]]));
    pool.alive(2, 0);
    expect(counts(pool.picks(50))).toEqual(new Map([[3, 50]]));
    pool.alive(3, 0);
    expect(pool.pick()).toBe(none);
  });

  it.each(['spread', 'park'] as const)('with panic %s picks as if all could be used', (panic) => {
    const setup = { members: names(4), balancing: byClient, failover: ['d'], options: { panic } };
    const pool = new PoolUnderTest(setup);
    const before = pool.picks(200);
    for (let member = 0; member < 5; member += 1) pool.alive(member, 0);
    expect(pool.picks(200)).toEqual(before);
    pool.alive(4, 255);
    expect(counts(pool.picks(200))).toEqual(new Map([[4, 200]]));
  });

  it('prefers members that get less than their share to those that stand in', () => {
    const setup = { members: names(2), balancing: lb.roundRobin(), failover: ['d'] };
    const pool = new PoolUnderTest(setup);
    pool.alive(0, 0);
    pool.alive(1, 3);
    expect(counts(pool.picks(500))).toEqual(new Map([[1, 500]]));
  });
});

describe('a member that comes back slowly', () => {
  it.each([
    ['in turn', lb.roundRobin()],
    ['by weight', lb.weighted()],
    ['by load', lb.twoChoices()],
  ])('gets its share of the messages that it would get %s', (_, balancing) => {
    const pool = new PoolUnderTest({ members: names(4), balancing });
    const full = counts(pool.picks(20_000)).get(1) ?? 0;
    pool.alive(1, 64);
    const part = counts(pool.picks(20_000)).get(1) ?? 0;
    expect(Math.abs(part / full - 0.25)).toBeLessThan(0.08);
  });
});

describe('a strategy of one’s own', () => {
  it('is a table of ranked members by slot, and nothing else is tried', () => {
    const halves = defineStrategy({
      name: 'halves',
      compile: ({ members }) => ({ slots: members.slice(0, 2).map((_, at) => [at, 2]) }),
    });
    const balancing = lb.custom(halves, Order.refs.client);
    const pool = new PoolUnderTest({ members: names(4), balancing });
    const before = pool.picks(1000);
    expect([...counts(before).keys()].sort()).toEqual([0, 1]);
    pool.alive(0, 0);
    expect(pool.picks(1000)).toEqual(before.map((member) => (member === 0 ? 2 : member)));
    pool.alive(2, 0);
    expect(pool.picks(1000)).toEqual(before.map((member) => (member === 0 ? none : member)));
  });

  it('is told the names and weights of the members', () => {
    const seen: unknown[] = [];
    const first = defineStrategy({
      name: 'first',
      compile: (context) => {
        seen.push(context);
        return { slots: [[0]] };
      },
    });
    const balancing = lb.custom(first, Order.refs.client);
    new PoolUnderTest({ members: ['a', ['b', 7]], balancing });
    expect(seen).toEqual([
      {
        members: [
          { name: 'a', weight: 1 },
          { name: 'b', weight: 7 },
        ],
      },
    ]);
  });
});
