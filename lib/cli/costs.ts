// What the tables of a route are predicted to cost.
import type { ImageReport } from '../compiler/emit.js';

export interface RouteCost {
  /** The kinds of tables, in the order in which they are asked. */
  readonly matcher: string;
  /** Nanoseconds of a lookup, at worst. */
  readonly ns: number;
  readonly bytes: number;
}

export function costsOf(report: ImageReport): readonly RouteCost[] {
  return report.routes.map(({ matcher, ns, bytes }) => ({ matcher, ns: round(ns), bytes }));
}

function round(ns: number): number {
  return Math.round(ns * 10) / 10;
}
