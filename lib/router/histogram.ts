// Reads the latency histograms that the native engine records (bucket formula: version 1 of
// native/base/histogram.h).

export const bucketCount = 1024;
const subBucketBits = 5;
const subBucketCount = 1 << subBucketBits;

/** What is shown of a histogram; nanoseconds, exact to 1.6 %. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
}

/** The value that stands for a bucket: its middle. */
export function bucketMiddle(index: number): number {
  if (index < subBucketCount) return index;
  const width = 2 ** (Math.floor(index / subBucketCount) - 1);
  const low = (subBucketCount + (index % subBucketCount)) * width;
  return low + Math.floor((width - 1) / 2);
}

/** The value at `percent` (0 to 100) of a snapshot's buckets; 0 if they are empty. */
export function percentileNs(buckets: readonly number[], percent: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  const rank = Math.max(1, Math.ceil((total * percent) / 100));
  let running = 0;
  for (let index = 0; index < buckets.length; index++) {
    running += buckets[index] ?? 0;
    if (running >= rank) return bucketMiddle(index);
  }
  return 0;
}

export function latencySummary(buckets: readonly number[]): LatencySummary {
  return {
    count: buckets.reduce((sum, count) => sum + count, 0),
    p50Ns: percentileNs(buckets, 50),
    p90Ns: percentileNs(buckets, 90),
    p99Ns: percentileNs(buckets, 99),
    p999Ns: percentileNs(buckets, 99.9),
    maxNs: percentileNs(buckets, 100),
  };
}
