// Groups a router's counters by what they are about. A label is `scope/subject/metric`; what lies
// between the first and the last slash is the subject. The same label of several workers is one
// number.
//
//   endpoint/<name>/<metric>    rx_messages, tx_bytes, kernel_drops, connections, …
//   route/<name>/<metric>       delivered, rejected, discarded, skipped; latency: a histogram, ns
//   correlation/<name>/<metric> open (now), opened, closed, timed_out, evicted, not_found, refused,
//                               forgotten
//   reject/<code name>/messages messages rejected with that code
//   worker/<name>/<metric>      cycles, busy_cycles, sleeps
//   endpoint/<name>/sessions    rows about its sessions, where it has any
import type { Counter } from './counters.js';
import { type LatencySummary, latencySummary } from './histogram.js';
import type { SessionRow } from './session-rows.js';

/** Numbers by metric. */
export type Metrics = Readonly<Record<string, number>>;

export interface CountersSummary {
  readonly endpoints: Readonly<Record<string, Metrics>>;
  /** By endpoint of Raptor: its first 64 sessions, the oldest first. */
  readonly sessions: Readonly<Record<string, readonly SessionRow[]>>;
  readonly routes: Readonly<Record<string, Metrics>>;
  /** Rejected messages by the name of their code. */
  readonly rejects: Metrics;
  readonly workers: Readonly<Record<string, Metrics>>;
  /** By name; empty where the configuration has none. */
  readonly correlations: Readonly<Record<string, Metrics>>;
  /** By route or whatever else the histogram is about. */
  readonly latency: Readonly<Record<string, LatencySummary>>;
  /** Labels of no known form, whole. */
  readonly other: Metrics;
}

type Groups = Map<string, Map<string, number>>;

/** Adds up and groups counters. Allocates; does not block. */
export function summarize(counters: readonly Counter[]): CountersSummary {
  const groups: Record<string, Groups> = { endpoint: new Map(), route: new Map() };
  groups.worker = new Map();
  groups.correlation = new Map();
  const rejects = new Map<string, number>();
  const other = new Map<string, number>();
  const latency = new Map<string, number[]>();
  const rows = new Map<string, SessionRow[]>();
  for (const { label, type, value, buckets, sessions } of counters) {
    const { scope, subject, metric } = parts(label);
    const group = Object.hasOwn(groups, scope) ? groups[scope] : undefined;
    if (type === 'histogram') addBuckets(latency, subject, buckets);
    else if (type === 'sessions') rows.set(subject, [...(rows.get(subject) ?? []), ...sessions]);
    else if (scope === 'reject') add(rejects, subject, value);
    else if (group !== undefined) add(subjectOf(group, subject), metric, value);
    else add(other, label, value);
  }
  return {
    endpoints: plain(groups.endpoint),
    sessions: Object.fromEntries(rows),
    routes: plain(groups.route),
    rejects: Object.fromEntries(rejects),
    workers: plain(groups.worker),
    correlations: plain(groups.correlation),
    latency: Object.fromEntries([...latency].map(([name, all]) => [name, latencySummary(all)])),
    other: Object.fromEntries(other),
  };
}

function parts(label: string): { scope: string; subject: string; metric: string } {
  const first = label.indexOf('/');
  const last = label.lastIndexOf('/');
  if (first < 0 || first === last) return { scope: '', subject: label, metric: '' };
  return {
    scope: label.slice(0, first),
    subject: label.slice(first + 1, last),
    metric: label.slice(last + 1),
  };
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function addBuckets(sums: Map<string, number[]>, key: string, buckets: readonly number[]): void {
  const old = sums.get(key);
  sums.set(key, old === undefined ? [...buckets] : old.map((sum, i) => sum + (buckets[i] ?? 0)));
}

function subjectOf(group: Groups, subject: string): Map<string, number> {
  const found = group.get(subject);
  if (found !== undefined) return found;
  const made = new Map<string, number>();
  group.set(subject, made);
  return made;
}

function plain(group: Groups | undefined): Record<string, Metrics> {
  const entries = [...(group ?? new Map())].map(
    ([name, metrics]) => [name, Object.fromEntries(metrics)] as const,
  );
  return Object.fromEntries(entries);
}
