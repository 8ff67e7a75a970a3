// The reader of the counters file against files written from the layout's description.
import { describe, expect, it } from 'vitest';
import { type ReadAt, readCounters } from '../../../../lib/router/counters.js';
import { bucketMiddle, latencySummary, percentileNs } from '../../../../lib/router/histogram.js';
import { summarize } from '../../../../lib/router/summary.js';
import { type CountersFileSpec, countersFileBytes } from '../../../helpers/counters-file.js';

const readerOf =
  (bytes: Uint8Array): ReadAt =>
  (position, count) =>
    bytes.subarray(position, position + count);

const spec: CountersFileSpec = {
  name: 'gateway-é',
  pid: 77,
  startedMs: 1_234_567_890_123,
  generation: 8,
  counters: [
    { label: 'endpoint/clients/rx_messages', value: 5n, workerIndex: 3 },
    { label: 'endpoint/clients/connections', type: 2, unit: 5, value: 2n ** 53n - 1n },
    { label: 'route/orders/latency', type: 3, unit: 3, value: { 31: 1n, 32: 2n, 1023: 1n } },
    { label: 'gone', state: 0, value: 9n },
  ],
};

describe('reading a counters file', () => {
  it('gives the header and every record in use', () => {
    const snapshot = readCounters(readerOf(countersFileBytes(spec)));
    expect(snapshot).toMatchObject({
      name: 'gateway-é',
      pid: 77,
      startedMs: 1_234_567_890_123,
      closed: false,
      generation: 8,
    });
    expect(
      snapshot.counters.map(({ label, type, unit, value }) => [label, type, unit, value]),
    ).toEqual([
      ['endpoint/clients/rx_messages', 'counter', 'messages', 5],
      ['endpoint/clients/connections', 'gauge', 'connections', 2 ** 53 - 1],
      ['route/orders/latency', 'histogram', 'ns', 4],
    ]);
    expect(snapshot.counters[0]?.workerIndex).toBe(3);
    expect(snapshot.counters[2]?.buckets[32]).toBe(2);
  });

  it('says when the owner closed it, and reads an empty one', () => {
    const snapshot = readCounters(readerOf(countersFileBytes({ ...spec, flags: 1, counters: [] })));
    expect(snapshot.closed).toBe(true);
    expect(snapshot.counters).toEqual([]);
  });

  it('reads again while the records are being rewritten', () => {
    const bytes = countersFileBytes({ ...spec, generation: 9 });
    let headers = 0;
    const snapshot = readCounters((position, count) => {
      if (position === 0 && ++headers === 3) bytes.writeUInt32LE(10, 32);
      return bytes.subarray(position, position + count);
    });
    expect(snapshot.generation).toBe(10);
    expect(headers).toBeGreaterThanOrEqual(4);
  });

  it('reads again when the generation changed between the two ends of a read', () => {
    const bytes = countersFileBytes({ ...spec, counters: spec.counters.slice(0, 1) });
    let turns = 0;
    const snapshot = readCounters((position, count) => {
      const copy = Uint8Array.from(bytes.subarray(position, position + count));
      // After the first read of the records their label changes, as an update would do it.
      if (position === 256 && ++turns === 1) {
        bytes.write('endpoint/clients/tx_messages', 256 + 64);
        bytes.writeUInt32LE(10, 32);
      }
      return copy;
    });
    expect(turns).toBe(2);
    expect(snapshot.counters[0]?.label).toBe('endpoint/clients/tx_messages');
  });

  it('gives up after a bounded number of attempts', () => {
    const bytes = countersFileBytes({ ...spec, generation: 9 });
    expect(() => readCounters(readerOf(bytes))).toThrow(/changed during every attempt/);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /too short/],
    ['another file', Buffer.alloc(4096, 'x'), /does not begin with the mark/],
    ['a later layout', patched(8, 3), /its layout is 3, this program reads 2/],
    ['an earlier layout', patched(8, 1), /its layout is 1, this program reads 2/],
    ['an absurd count', patched(36, 0xffff_ffff), /damaged/],
    ['records of another size', patched(44, 128), /damaged/],
    ['records beyond the end', patched(48, 1 << 30), /changed during every attempt/],
    ['a value beyond the end', patched(256 + 24, 1 << 30), /changed during every attempt/],
    ['an unknown type', patched(256 + 8, 9), /changed during every attempt/],
    ['a label of impossible size', patched(256 + 32, 113), /changed during every attempt/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => readCounters(readerOf(bytes))).toThrow(message);
  });
});

/** The file with one u32 changed. */
function patched(position: number, value: number): Buffer {
  const bytes = countersFileBytes(spec);
  bytes.writeUInt32LE(value, position);
  return bytes;
}

describe('histogram buckets', () => {
  it('lie in order, without a gap, and stand for their middle', () => {
    // low(index) and width(index) of the native header, written out for a few indices.
    expect([0, 31, 32, 63, 64, 65, 96].map(bucketMiddle)).toEqual([0, 31, 32, 63, 64, 66, 129]);
    for (let index = 1; index < 1024; index++) {
      expect(bucketMiddle(index)).toBeGreaterThan(bucketMiddle(index - 1));
    }
    expect(bucketMiddle(1023)).toBeLessThan(2 ** 36);
    expect(bucketMiddle(1023)).toBeGreaterThan(2 ** 35.9);
  });

  it('give the percentiles of what was recorded', () => {
    const buckets = Array.from({ length: 1024 }, () => 0);
    for (let value = 1; value <= 30; value++) buckets[value] = 1;
    expect([0, 50, 90, 100].map((percent) => percentileNs(buckets, percent))).toEqual([
      1, 15, 27, 30,
    ]);
    expect(latencySummary(buckets)).toMatchObject({ count: 30, p50Ns: 15, maxNs: 30 });
  });

  it('of an empty histogram give 0', () => {
    expect(latencySummary(Array.from({ length: 1024 }, () => 0))).toEqual({
      count: 0,
      p50Ns: 0,
      p90Ns: 0,
      p99Ns: 0,
      p999Ns: 0,
      maxNs: 0,
    });
  });
});

describe('the summary of counters', () => {
  const summary = summarize(
    readCounters(
      readerOf(
        countersFileBytes({
          name: 'sum',
          counters: [
            { label: 'endpoint/clients/rx_messages', value: 5n },
            { label: 'endpoint/clients/rx_messages', value: 7n, workerIndex: 1 },
            { label: 'endpoint/a/b/tx_messages', value: 1n },
            { label: 'route/orders/messages', value: 12n },
            { label: 'route/orders/latency', type: 3, value: { 10: 1n } },
            { label: 'route/orders/latency', type: 3, value: { 20: 1n }, workerIndex: 1 },
            { label: 'reject/NOTIONAL/messages', value: 2n },
            { label: 'worker/main/cycles', value: 3n },
            { label: 'endpoint/__proto__/x', value: 4n },
            { label: 'odd', value: 6n },
          ],
        }),
      ),
    ).counters,
  );

  it('adds up workers and groups by what a counter is about', () => {
    expect(summary.endpoints.clients).toEqual({ rx_messages: 12 });
    expect(summary.endpoints['a/b']).toEqual({ tx_messages: 1 });
    expect(summary.routes).toEqual({ orders: { messages: 12 } });
    expect(summary.rejects).toEqual({ NOTIONAL: 2 });
    expect(summary.workers).toEqual({ main: { cycles: 3 } });
    expect(summary.other).toEqual({ odd: 6 });
  });

  it('merges the histograms of several workers', () => {
    expect(summary.latency.orders).toMatchObject({ count: 2, p50Ns: 10, maxNs: 20 });
  });

  it('takes any name for a name', () => {
    expect(Object.keys(summary.endpoints)).toContain('__proto__');
  });
});
