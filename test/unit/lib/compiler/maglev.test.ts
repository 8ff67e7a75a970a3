// The slot tables of pools, and the hash that looks into them.
import { describe, expect, it } from 'vitest';
import { hashKey, hashWords, keyWords, lowShare } from '../../../../lib/compiler/key-hash.js';
import {
  maglevTable,
  type WeightedName,
  weightedSchedule,
} from '../../../../lib/compiler/maglev.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function members(...weights: readonly number[]): WeightedName[] {
  return weights.map((weight, at) => ({ name: `host-${at}`, weight }));
}

function countsOf(table: Uint8Array, rank: number, slotCount: number): number[] {
  const found: number[] = [];
  for (const member of table.subarray(rank * slotCount, (rank + 1) * slotCount)) {
    found[member] = (found[member] ?? 0) + 1;
  }
  return found;
}

describe('a consistent hash table', () => {
  it('gives each member the same number of slots, at every rank', () => {
    const table = maglevTable(members(...Array.from({ length: 16 }, () => 1)), 4099);
    for (const rank of [0, 1, 2, 3]) {
      const found = countsOf(table, rank, 4099);
      expect(Math.max(...found) - Math.min(...found)).toBeLessThan(rank === 0 ? 2 : 8);
    }
  });

  it('ranks different members in every slot', () => {
    for (const count of [1, 2, 3, 4, 5, 40]) {
      const ranks = Math.min(4, count);
      const table = maglevTable(members(...Array.from({ length: count }, () => 1)), 4099);
      expect(table.length).toBe(4099 * ranks);
      for (let slot = 0; slot < 4099; slot += 1) {
        const ranked = Array.from({ length: ranks }, (_, rank) => table[rank * 4099 + slot] ?? 0);
        expect(new Set(ranked).size).toBe(ranks);
        expect(Math.max(...ranked)).toBeLessThan(count);
      }
    }
  });

  it('moves little more than the new member’s part when one is added', () => {
    const firsts = (count: number): number[] => {
      const table = maglevTable(members(...Array.from({ length: count }, () => 1)), 65_537);
      return [...table.subarray(0, 65_537)];
    };
    const [before, after] = [firsts(16), firsts(17)];
    const moved = after.filter((member, slot) => member !== before[slot]);
    expect(moved.length / 65_537).toBeLessThan(1.6 / 17);
    const elsewhere = moved.filter((member) => member !== 16).length;
    expect(elsewhere / 65_537).toBeLessThan(0.03);
  });

  it('gives members slots in proportion to their weights', () => {
    const table = maglevTable(members(1, 2, 5, 92), 65_537);
    for (const [at, count] of countsOf(table, 0, 65_537).entries()) {
      expect(Math.abs(count / 65_537 - ([1, 2, 5, 92][at] ?? 0) / 100)).toBeLessThan(0.001);
    }
  });
});

describe('a weighted schedule', () => {
  it('has as many turns as the reduced weights, evenly apart', () => {
    expect([...weightedSchedule([300, 100])]).toEqual([0, 0, 1, 0]);
    expect([...weightedSchedule([7, 7, 7])]).toEqual([0, 1, 2]);
    expect([...weightedSchedule([1])]).toEqual([0]);
  });

  it('has at most 1,024 turns, of which every member has one', () => {
    const weights = [1000, 999, 1, 1, 1];
    const schedule = weightedSchedule(weights);
    expect(schedule.length).toBeLessThanOrEqual(1024 + 3);
    for (const member of weights.keys()) expect(schedule.includes(member)).toBe(true);
    const most = weightedSchedule(Array.from({ length: 250 }, (_, at) => (at % 9) * 100 + 97));
    expect(new Set(most).size).toBe(250);
    expect(most.length).toBe(1024);
  });
});

describe('the hash of a key', () => {
  // From these on, keys of running systems stay where they are: the values never change.
  it('is the same for ever', () => {
    expect(hashWords([])).toBe(0xfa107c13074eea72n);
    expect(hashKey([1n])).toBe(0x60799af52e1a01bdn);
    expect(hashKey([-1n])).toBe(0x9a74e1c6b851caedn);
    expect(hashKey([text('BTC-USD.PERP'), 42n])).toBe(0x978f40121ac70752n);
  });

  it('is that of the text alone, however it is padded', () => {
    const plain = hashKey([text('AAPL')]);
    expect(hashKey([text('AAPL    ')])).toBe(plain);
    expect(hashKey([text('AAPL\0\0\0\0\0\0\0\0\0')])).toBe(plain);
    expect(hashKey([text(' AAPL')])).not.toBe(plain);
    expect(keyWords(text('ABCDEFGHI'))).toEqual([0x4847464544434241n, 0x49n, 9n]);
    expect(keyWords(text(''))).toEqual([0n]);
  });

  it('changes half of its bits with any bit of the key', () => {
    let flipped = 0;
    const keys = 200;
    for (let key = 0n; key < keys; key += 1n) {
      for (let bit = 0n; bit < 64n; bit += 1n) {
        const changed = hashKey([key]) ^ hashKey([key ^ (1n << bit)]);
        flipped += changed.toString(2).replaceAll('0', '').length;
      }
    }
    expect(Math.abs(flipped / (keys * 64) - 32)).toBeLessThan(0.5);
  });

  it('spreads keys that follow one another evenly', () => {
    const found = Array.from({ length: 100 }, () => 0);
    for (let key = 0n; key < 50_000n; key += 1n) {
      const at = lowShare(hashKey([key]), 100);
      found[at] = (found[at] ?? 0) + 1;
    }
    expect(Math.min(...found)).toBeGreaterThan(400);
    expect(Math.max(...found)).toBeLessThan(600);
  });
});
