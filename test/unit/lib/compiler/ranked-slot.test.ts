// The slot that `explain` shows of a pool, against what the interpreter picks.
import { describe, expect, it } from 'vitest';
import { initialState } from '../../../../lib/compiler/interpret.js';
import {
  type PickedMessage,
  pickMember,
  rankedSlot,
} from '../../../../lib/compiler/interpret-pool.js';
import type { PoolIr } from '../../../../lib/compiler/ir.js';
import { type Balancing, defineStrategy, lb } from '../../../../lib/index.js';
import { Order, poolRouter } from '../../../helpers/pool-router.js';

const turns = defineStrategy({
  name: 'turns',
  compile: ({ members }) => ({
    slots: members.map((_, first) => members.map((_none, at) => (first + at) % members.length)),
  }),
});

function routerOf(balancing: Balancing) {
  return poolRouter({ members: ['a', 'b', 'c', 'd', 'e'], balancing });
}

function order(client: bigint): PickedMessage {
  const message = new Uint8Array(Order.bytesMax);
  Order.encode({ client, venue: 'b', delta: 0, symbol: '' }, message);
  return { schema: 0, message, view: message };
}

describe('the slot of a message', () => {
  it.each([
    ['hash', lb.hash(Order.refs.client)],
    ['sticky', lb.sticky(Order.refs.client)],
    ['custom', lb.custom(turns, Order.refs.client)],
  ])('of a pool by %s ranks who is picked when those before are down', (_, balancing) => {
    const ir = routerOf(balancing);
    const pool = ir.pools[0] as PoolIr;
    const slots = new Set<number>();
    for (let client = 0n; client < 300n; client += 1n) {
      const picked = order(client);
      const found = rankedSlot(ir, pool, picked);
      expect(found?.named).toBeNull();
      expect(found?.ranked.length).toBeGreaterThan(1);
      slots.add(found?.slot ?? -1);
      expect(found?.slot).toBeLessThan(found?.slotCount ?? 0);
      const state = initialState(ir);
      for (const endpoint of found?.ranked ?? []) {
        expect(pickMember(ir, state, 0, picked), `client ${client}`).toBe(endpoint);
        state.alive[endpoint] = 0;
      }
    }
    expect(slots.size).toBeGreaterThan(4);
  });

  it('names the member that the key names itself', () => {
    const sticky = routerOf(lb.sticky(Order.refs.client));
    const [pool] = sticky.pools as [PoolIr];
    const members = pool.members.map((member, at) => ({ ...member, id: BigInt(70 + at) }));
    const ir = { ...sticky, pools: [{ ...pool, members }] };
    const found = rankedSlot(ir, ir.pools[0] as PoolIr, order(72n));
    expect(found?.named).toBe(members[2]?.endpoint);
    expect(pickMember(ir, initialState(ir), 0, order(72n))).toBe(found?.named);
    expect(rankedSlot(ir, ir.pools[0] as PoolIr, order(69n))?.named).toBeNull();
  });

  it('is none where members have no slots by key', () => {
    for (const balancing of [lb.roundRobin(), lb.weighted(), lb.twoChoices(), lb.failover()]) {
      const ir = routerOf(balancing);
      expect(rankedSlot(ir, ir.pools[0] as PoolIr, order(1n))).toBeNull();
    }
  });
});
