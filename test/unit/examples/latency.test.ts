// Percentiles of the live table and of the summary.
import { expect, test } from 'vitest';
import { LatencyBuckets, percentiles } from '../../../examples/order-gateway/latency.js';

test('percentiles are exact values of the samples by nearest rank', () => {
  const samples = Float64Array.from({ length: 1000 }, (_, index) => 1000 - index);
  expect(percentiles(samples)).toEqual({
    count: 1000,
    p50Ns: 500,
    p90Ns: 900,
    p99Ns: 990,
    p999Ns: 999,
    maxNs: 1000,
  });
});

test('one sample is every percentile, and no sample has none', () => {
  expect(percentiles(Float64Array.of(7))).toMatchObject({ count: 1, p50Ns: 7, maxNs: 7 });
  expect(percentiles(new Float64Array(0))).toBeNull();
});

test('buckets of several processes add up to quantiles within a bucket of the truth', () => {
  const [first, second, sum] = [new LatencyBuckets(), new LatencyBuckets(), new LatencyBuckets()];
  for (let index = 1; index <= 500; index += 1) {
    first.record(index * 1000);
    second.record((500 + index) * 1000);
  }
  sum.merge(first.take());
  sum.merge(second.take());
  for (const quantile of [0.5, 0.9, 0.99, 1]) {
    const trueNs = quantile * 1_000_000;
    expect(sum.quantileNs(quantile)).toBeGreaterThanOrEqual(trueNs);
    expect(sum.quantileNs(quantile)).toBeLessThan(trueNs * 1.045);
  }
});

test('what was taken is not taken again', () => {
  const buckets = new LatencyBuckets();
  buckets.record(5);
  expect(buckets.take()).toHaveLength(2);
  expect(buckets.take()).toEqual([]);
  expect(buckets.quantileNs(0.5)).toBeUndefined();
});
