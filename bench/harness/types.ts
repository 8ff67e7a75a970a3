// The shapes that every bench shares: what a run yields and what `--json` prints.

/** Percentiles that every round reports, ascending; the last one is the maximum. */
export const percentileLevels = [
  0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100,
] as const;

/** One timed round of one subject. `values` stand at `percentileLevels`, in `unit`. */
export interface Round {
  readonly case: string;
  readonly subject: string;
  readonly unit: string;
  /** Samples taken, or messages moved where there is only a rate. */
  readonly n: number;
  /** Left out where only a rate was measured. */
  readonly values?: readonly number[];
  /** Messages a second. */
  readonly rate?: number;
  /** Bytes of one encoded message, where messages are encoded or decoded. */
  readonly bytes?: number;
  /** Heap allocations of the whole round, where they are counted. */
  readonly allocations?: number;
}

/** What one subject did in one case: medians over its rounds; `max` and `allocations` of all. */
export interface BenchResult {
  readonly case: string;
  readonly subject: string;
  readonly unit: string;
  readonly n: number;
  readonly p50?: number;
  readonly p90?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
  readonly rate?: number;
  readonly bytes?: number;
  readonly allocations?: number;
}

export type Figure = 'p50' | 'p90' | 'p99' | 'p999' | 'max' | 'rate';

/** A promise of the project about one case, in the figures of one run. */
export interface Target {
  readonly case: string;
  /** The peer's subject name, or `limit` for an absolute figure in the result's unit. */
  readonly against: string;
  readonly target: number;
  readonly better: 'lower' | 'higher';
  /** Default p50. */
  readonly figure?: Figure;
}

/** How a target came out: `value` is ours / theirs, or ours itself against `limit`. */
export interface Ratio {
  readonly case: string;
  readonly against: string;
  readonly figure: Figure;
  /** Of `value` and `target` against `limit`. */
  readonly unit?: string;
  readonly value: number;
  readonly target: number;
  readonly better: 'lower' | 'higher';
  readonly holds: boolean;
}

export interface HostDescription {
  readonly cpu: string;
  readonly cores: number;
  readonly cpus: readonly number[];
  readonly governor: string;
  readonly isolated: string;
  readonly virtualised: boolean;
  readonly clocksource: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly loadAverage: number;
}

/** The object that `--json` prints for one bench. */
export interface BenchReport {
  readonly bench: string;
  readonly commit: string;
  readonly host: HostDescription;
  readonly results: readonly BenchResult[];
  readonly ratios: readonly Ratio[];
}

/** What a bench hands to the harness. */
export interface Measured {
  readonly rounds: readonly Round[];
  readonly targets: readonly Target[];
}

export interface BenchContext {
  /** The CPU of the measuring side and the CPU of the measured side. */
  readonly cpus: readonly [number, number];
  /** Short rounds: shows that everything works, not how fast it is. */
  readonly quick: boolean;
  /** Only cases with this in their name are wanted, of a bench that can leave some out. */
  readonly cases?: string | undefined;
  /** Absolute path of the native subjects' executable. */
  readonly nativePath: string;
  /** Prints a progress line to stderr. */
  readonly say: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** Of a bench that can run some of its cases alone: the names of what belongs together. */
  readonly cases?: readonly string[];
  readonly run: (context: BenchContext) => Promise<Measured>;
}
