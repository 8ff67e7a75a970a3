// The stream of orders that a client makes.
import { describe, expect, test } from 'vitest';
import { orderSource } from '../../../examples/order-gateway/orders.js';
import {
  blockQtyMin,
  breaksLimit,
  notionalMax,
  ownerOf,
} from '../../../examples/order-gateway/rules.js';

const clientCount = 8;

function orders(seed: number, client: number, count: number): { price: number; qty: number }[] {
  const next = orderSource(seed, client, clientCount);
  return Array.from({ length: count }, () => {
    const terms = { price: 0, qty: 0 };
    next(terms);
    return terms;
  });
}

describe('the orders of a client', () => {
  const made = orders(99, 3, 50_000);

  test('are u32 and all belong to it by their price', () => {
    const isU32 = (value: number): boolean => value === value >>> 0;
    expect(
      made.find(({ price, qty }) => !isU32(price) || !isU32(qty) || qty === 0),
    ).toBeUndefined();
    expect(made.find(({ price }) => ownerOf(price, clientCount) !== 3)).toBeUndefined();
  });

  test('break the limit in about 1 % and are for the block venue in about 10 %', () => {
    const bad = made.filter(({ price, qty }) => breaksLimit(price, qty)).length / made.length;
    const block = made.filter(({ qty }) => qty >= blockQtyMin).length / made.length;
    expect(bad).toBeGreaterThan(0.007);
    expect(bad).toBeLessThan(0.013);
    expect(block).toBeGreaterThan(0.09);
    expect(block).toBeLessThan(0.12);
  });

  test('stand at the limits from both sides', () => {
    const products = made.map(({ price, qty }) => price * qty);
    const closest = Math.max(...products.filter((product) => product <= notionalMax));
    expect(notionalMax - closest).toBeLessThan(clientCount * blockQtyMin);
    expect(products.some((product) => product > 2 ** 63)).toBe(true);
    expect(made.some(({ qty }) => qty === blockQtyMin)).toBe(true);
    expect(made.some(({ qty }) => qty === blockQtyMin - 1)).toBe(true);
  });

  test('are the same for the same seed and others for another seed or client', () => {
    expect(orders(99, 3, 50_000)).toEqual(made);
    expect(orders(98, 3, 100)).not.toEqual(made.slice(0, 100));
    expect(orders(99, 4, 100)).not.toEqual(made.slice(0, 100));
  });
});

test('a product beyond 2^53 breaks the limit, the limit itself does not', () => {
  expect(breaksLimit(4_000_000_000, 4_000_000_000)).toBe(true);
  expect(breaksLimit(100_000, 10_000)).toBe(false);
  expect(breaksLimit(notionalMax + 1, 1)).toBe(true);
});
