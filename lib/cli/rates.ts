// What changed between two snapshots of a router's counters, and how fast.
import type { CountersSnapshot } from '../router/counters.js';
import type { LatencySummary } from '../router/histogram.js';
import type { SessionRow } from '../router/session-rows.js';
import { type CountersSummary, type Metrics, summarize } from '../router/summary.js';
import type { RouterState } from './live.js';

/** A count and its rate; null where there is no earlier snapshot. */
export interface Rated {
  readonly total: number;
  readonly perSecond: number | null;
}

export type RatedMetrics = Readonly<Record<string, Rated>>;

/** One line of `stat NAME --json`. */
export interface StatReport {
  readonly name: string;
  readonly pid: number;
  readonly state: RouterState;
  readonly path: string;
  readonly uptimeSeconds: number;
  /** Between this snapshot and the one before it; null for the first. */
  readonly intervalSeconds: number | null;
  readonly endpoints: Readonly<Record<string, RatedMetrics>>;
  /** By endpoint of Raptor. */
  readonly sessions: Readonly<Record<string, readonly SessionRow[]>>;
  readonly routes: Readonly<Record<string, RatedMetrics>>;
  readonly rejects: RatedMetrics;
  readonly workers: Readonly<Record<string, RatedMetrics>>;
  readonly correlations: Readonly<Record<string, RatedMetrics>>;
  readonly latency: Readonly<Record<string, LatencySummary>>;
  readonly other: RatedMetrics;
}

/** A snapshot with the moment it was taken. */
export interface Taken {
  readonly snapshot: CountersSnapshot;
  readonly summary: CountersSummary;
  readonly atMs: number;
}

export function take(snapshot: CountersSnapshot, atMs: number): Taken {
  return { snapshot, summary: summarize(snapshot.counters), atMs };
}

/** The report about `now`, with rates since `before`. */
export function statReport(
  path: string,
  state: RouterState,
  now: Taken,
  before: Taken | undefined,
): StatReport {
  const { snapshot, summary } = now;
  const seconds = before === undefined ? null : (now.atMs - before.atMs) / 1000;
  const old = before?.summary;
  return {
    name: snapshot.name,
    pid: snapshot.pid,
    state,
    path,
    uptimeSeconds: Math.max(0, (now.atMs - snapshot.startedMs) / 1000),
    intervalSeconds: seconds,
    endpoints: ratedGroups(summary.endpoints, old?.endpoints, seconds),
    sessions: summary.sessions,
    routes: ratedGroups(summary.routes, old?.routes, seconds),
    rejects: rated(summary.rejects, old?.rejects, seconds),
    workers: ratedGroups(summary.workers, old?.workers, seconds),
    correlations: ratedGroups(summary.correlations, old?.correlations, seconds),
    latency: summary.latency,
    other: rated(summary.other, old?.other, seconds),
  };
}

function ratedGroups(
  now: Readonly<Record<string, Metrics>>,
  before: Readonly<Record<string, Metrics>> | undefined,
  seconds: number | null,
): Record<string, RatedMetrics> {
  const entries = Object.entries(now).map(
    ([name, metrics]) => [name, rated(metrics, before?.[name], seconds)] as const,
  );
  return Object.fromEntries(entries);
}

function rated(now: Metrics, before: Metrics | undefined, seconds: number | null): RatedMetrics {
  const entries = Object.entries(now).map(([metric, total]) => {
    // What appeared since the last snapshot counts from zero.
    const change = total - (before?.[metric] ?? 0);
    const perSecond = seconds === null || seconds <= 0 ? null : change / seconds;
    return [metric, { total, perSecond }] as const;
  });
  return Object.fromEntries(entries);
}
