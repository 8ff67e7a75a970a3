// The verdict over records made by hand: what the e2e test cannot provoke with a stand-in router.
import { describe, expect, test } from 'vitest';
import {
  type ClientRecords,
  orderRow,
  strayRow,
  type VenueRecords,
  venueRow,
} from '../../../examples/order-gateway/records.js';
import { clOrdIdHigh } from '../../../examples/order-gateway/rules.js';
import { judge, type Verdict } from '../../../examples/order-gateway/verdict.js';

interface Order {
  price: number;
  qty: number;
  reports?: number;
  rejects?: number;
  code?: number;
  /** Venue and row, both from 1. */
  exec?: readonly [number, number];
  latencyNs?: number;
}

function client(orders: readonly Order[], more: Partial<ClientRecords> = {}): ClientRecords {
  const words = new Uint32Array(orders.length * orderRow.words);
  orders.forEach((order, index) => {
    const start = index * orderRow.words;
    words[start + orderRow.price] = order.price;
    words[start + orderRow.qty] = order.qty;
    words[start + orderRow.reports] = order.reports ?? 0;
    words[start + orderRow.rejects] = order.rejects ?? 0;
    words[start + orderRow.code] = order.code ?? 0;
    words[start + orderRow.execId] = order.exec?.[1] ?? 0;
    words[start + orderRow.execId + 1] = order.exec?.[0] ?? 0;
  });
  return {
    type: 'records',
    sentCount: orders.length,
    orders: words,
    latencyNs: Float64Array.from(orders, (order) => order.latencyNs ?? 1000),
    strays: new Uint32Array(0),
    strayCount: 0,
    sequenceErrors: 0,
    fieldErrors: 0,
    trouble: '',
    ...more,
  };
}

/** A venue that received orders, each given by price, quantity and clOrdId. */
function venue(
  orders: readonly (readonly [number, number, number])[],
  more: Partial<VenueRecords> = {},
): VenueRecords {
  const words = new Uint32Array(orders.length * venueRow.words);
  orders.forEach(([price, qty, clOrdId], index) => {
    const row = [price, qty, 0, 0, clOrdId, clOrdIdHigh];
    words.set(row, index * venueRow.words);
  });
  return {
    type: 'records',
    orders: words,
    orderCount: orders.length,
    unrecordedCount: 0,
    malformedCount: 0,
    sequenceErrors: 0,
    kernelDrops: 0,
    ...more,
  };
}

function faults(verdict: Verdict): Partial<Verdict> {
  const { lost, duplicated, misrouted, corrupted, reordered } = verdict;
  const all = Object.entries({ lost, duplicated, misrouted, corrupted, reordered });
  return Object.fromEntries(all.filter(([, count]) => count !== 0));
}

const none = venue([]);
const bad = { price: 2_000_000_000, qty: 1 };

describe('two clients with the same ids', () => {
  // Prices with the remainder 0 belong to client 0, with 1 to client 1.
  const first = client([
    { price: 100, qty: 5, reports: 1, exec: [1, 1] },
    { price: 200, qty: 10_000, reports: 1, exec: [4, 1] },
    { ...bad, rejects: 1, code: 1000 },
  ]);
  const second = client([{ price: 101, qty: 5, reports: 1, exec: [2, 1] }]);
  const venues = [venue([[100, 5, 1]]), venue([[101, 5, 1]]), none, venue([[200, 10_000, 2]])];

  test('and every order where it belongs have nothing to complain of', () => {
    const verdict = judge([first, second], venues, 4);
    expect(faults(verdict)).toEqual({});
    expect(verdict.venueCounts).toEqual([1, 1, 0, 1]);
    expect([...verdict.rejectCounts]).toEqual([[1000, 1]]);
    expect([...verdict.reportLatencyNs]).toEqual([1000, 1000, 1000]);
  });

  test('lose what was planned and never sent', () => {
    expect(faults(judge([first, second], venues, 6))).toEqual({ lost: 2 });
  });

  test('lose an order whose answer came after five seconds', () => {
    const late = client([{ price: 101, qty: 5, reports: 1, exec: [2, 1], latencyNs: 5.1e9 }]);
    expect(faults(judge([first, late], venues, 4))).toEqual({ lost: 1 });
  });

  test('see a report that names another order of the venue as misrouted', () => {
    const wrong = client([{ price: 101, qty: 5, reports: 1, exec: [1, 1] }]);
    expect(faults(judge([first, wrong], venues, 4))).toEqual({ misrouted: 1 });
  });

  test('see a report that no venue ever made as corrupted', () => {
    const wrong = client([{ price: 101, qty: 5, reports: 1, exec: [2, 9] }]);
    expect(faults(judge([first, wrong], venues, 4))).toEqual({ corrupted: 1 });
  });

  test('see an order that nobody sent as corrupted', () => {
    const more = [venue([[100, 5, 1]]), venues[1] ?? none, venue([[100, 6, 1]]), venues[3] ?? none];
    expect(faults(judge([first, second], more, 4))).toEqual({ corrupted: 1 });
  });

  test('see a reject with another code than the limit breaker should get as corrupted', () => {
    const wrong = client([{ ...bad, rejects: 1, code: 6 }]);
    expect(faults(judge([wrong], [none, none, none, none], 1))).toEqual({ corrupted: 1 });
  });

  test('see a limit breaker that was executed as misrouted', () => {
    const executed = client([{ ...bad, reports: 1, exec: [1, 1] }]);
    const at = venue([[bad.price, bad.qty, 1]]);
    expect(faults(judge([executed], [at, none, none, none], 1))).toEqual({ misrouted: 1 });
  });

  test('see a valid order that is rejected as lost, and say that it was refused', () => {
    const refused = client([{ price: 100, qty: 5, rejects: 1, code: 6 }]);
    const verdict = judge([refused], [none, none, none, none], 1);
    expect(faults(verdict)).toEqual({ lost: 1 });
    expect(verdict.refused).toBe(1);
  });

  test('pass on what counters of a sequence and malformed datagrams found', () => {
    const noisy = [venue([[100, 5, 1]], { malformedCount: 2, sequenceErrors: 1 })];
    const rest = client([{ price: 101, qty: 5, reports: 1, exec: [2, 1] }], { sequenceErrors: 1 });
    const all = [...noisy, ...venues.slice(1)];
    expect(faults(judge([first, rest], all, 4))).toEqual({ corrupted: 4 });
  });
});

describe('one client', () => {
  const orders = [1, 2, 3, 4].map((_, index) => ({
    price: 100,
    qty: 5,
    reports: 1,
    exec: [1 + (index % 3), 1 + Math.floor(index / 3)] as const,
  }));
  const at = (...ids: number[]): VenueRecords => venue(ids.map((id) => [100, 5, id]));

  test('sees orders that overtook each other on the way to one venue as reordered', () => {
    const swapped = orders.map((order) => ({ ...order }));
    Object.assign(swapped[0] ?? {}, { exec: [1, 2] });
    Object.assign(swapped[3] ?? {}, { exec: [1, 1] });
    const verdict = judge([client(swapped)], [at(4, 1), at(2), at(3), none], 4);
    expect(faults(verdict)).toEqual({ reordered: 1 });
  });

  test('sees a venue that got two more than another as misrouted', () => {
    const uneven = orders.map((order, index) => ({
      ...order,
      exec: index === 0 ? ([2, 1] as const) : ([1, index] as const),
    }));
    const verdict = judge([client(uneven)], [at(2, 3, 4), at(1), none, none], 4);
    expect(faults(verdict)).toEqual({ misrouted: 2 });
  });

  test('accepts answers that went astray only as corrupted when no order fits them', () => {
    const strays = new Uint32Array(strayRow.words);
    strays.set([3, 77, clOrdIdHigh, 100, 5]);
    const lone = client(orders, { strays, strayCount: 1 });
    const verdict = judge([lone], [at(1, 4), at(2), at(3), none], 4);
    expect(faults(verdict)).toEqual({ corrupted: 1 });
  });

  test('counts answers astray that it had no room to write down', () => {
    const lone = client(orders, { strayCount: 3 });
    const verdict = judge([lone], [at(1, 4), at(2), at(3), none], 4);
    expect(faults(verdict)).toEqual({ misrouted: 3 });
  });
});
