// Latencies for the live table (buckets that add up over processes) and for the summary (exact).

/** Buckets a factor of two; a bucket is 4.4 % wide. */
const bucketsPerOctave = 16;
const bucketCount = 40 * bucketsPerOctave;

/** A logarithmic histogram of nanoseconds that can be sent in pieces and added up. */
export class LatencyBuckets {
  readonly #counts = new Uint32Array(bucketCount);
  #total = 0;

  record(latencyNs: number): void {
    const bucket = latencyNs <= 1 ? 0 : Math.floor(Math.log2(latencyNs) * bucketsPerOctave);
    this.#add(Math.min(bucket, bucketCount - 1), 1);
  }

  /** Bucket indices and counts, alternating; starts again from nothing. */
  take(): number[] {
    const pairs: number[] = [];
    for (let index = 0; index < bucketCount; index += 1) {
      const count = this.#counts[index] ?? 0;
      if (count > 0) pairs.push(index, count);
    }
    this.#counts.fill(0);
    this.#total = 0;
    return pairs;
  }

  /** Adds what another histogram's `take` gave. */
  merge(pairs: readonly number[]): void {
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      this.#add(pairs[index] ?? 0, pairs[index + 1] ?? 0);
    }
  }

  /** The upper edge of the bucket that holds the quantile; undefined without a sample. */
  quantileNs(quantile: number): number | undefined {
    const rank = Math.max(1, Math.ceil(this.#total * quantile));
    let seen = 0;
    for (let index = 0; index < bucketCount; index += 1) {
      seen += this.#counts[index] ?? 0;
      if (seen >= rank) return 2 ** ((index + 1) / bucketsPerOctave);
    }
    return undefined;
  }

  #add(index: number, count: number): void {
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#total += count;
  }
}

/** Percentiles in nanoseconds over `count` samples. */
export interface Percentiles {
  readonly count: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
}

/** Exact percentiles by nearest rank; null without a sample. Sorts the samples in place. */
export function percentiles(samplesNs: Float64Array): Percentiles | null {
  const count = samplesNs.length;
  if (count === 0) return null;
  samplesNs.sort();
  const at = (quantile: number): number =>
    Math.round(samplesNs[Math.max(0, Math.ceil(count * quantile) - 1)] ?? 0);
  return {
    count,
    p50Ns: at(0.5),
    p90Ns: at(0.9),
    p99Ns: at(0.99),
    p999Ns: at(0.999),
    maxNs: at(1),
  };
}
