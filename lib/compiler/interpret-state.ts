// What changes while the oracle executes a configuration, and how.
import { rejectCodes } from '../codes.js';
import {
  type CorrelationState,
  initialCorrelations,
  keptOf,
  type OpenEntry,
} from './interpret-correlation.js';
import { type PoolState, randomState } from './interpret-pool.js';
import type { Decision, Delivery } from './interpret-types.js';
import type { RouterIr, RuleIr, SchemaIr } from './ir.js';

/** What changes while a configuration runs: `interpret` changes all but `alive` and `load`. */
export interface InterpreterState extends PoolState {
  /** For each tap, numbered through all routes, how many messages its rule has sent. */
  readonly tapCounts: number[];
  readonly correlations: readonly CorrelationState[];
  /** The time, as `setClock` said last. */
  nowNs: bigint;
  /** What the decision of the message in hand means for correlations. */
  passing: Remembered;
}

/** What a message does to correlations once it has left. */
export interface Remembered {
  /** What the route's lookup found. */
  readonly found: OpenEntry | null;
  /** The entry that is opened; its source is known to who settles. `bigint`: the destination. */
  readonly opening: Opening | null;
  /** Whether what was found is closed. */
  readonly closes: boolean;
}

export interface Opening extends Pick<OpenEntry, 'id' | 'key' | 'saved'> {
  readonly correlation: number;
  /** null: back where the message came from. */
  readonly destination: bigint | null;
}

export const nothing: Remembered = { found: null, opening: null, closes: false };

/** The state of a configuration that has just started: everything can be used, nothing is busy. */
export function initialState(ir: RouterIr, seed = 0n): InterpreterState {
  const tapCount = tapsBefore(ir, ir.routes.length, 0);
  return {
    poolPositions: ir.pools.map(() => 0),
    alive: ir.endpoints.map(() => 255),
    load: ir.endpoints.map(() => ({ queuedBytes: 0, outstanding: 0 })),
    random: randomState(seed),
    tapCounts: Array.from({ length: tapCount }, () => 0),
    correlations: initialCorrelations(ir),
    nowNs: 0n,
    passing: nothing,
  };
}

/** Says what time it is: correlations forget what has waited for too long. */
export function setClock(state: InterpreterState, nowNs: bigint): void {
  state.nowNs = nowNs;
  for (const correlation of state.correlations) correlation.sweep(nowNs);
}

/** How many taps the routes have, in the order of the configuration, before one of their rules. */
export function tapsBefore(ir: RouterIr, route: number, rule: number): number {
  const earlier = ir.routes.slice(0, route).flatMap(({ rules }) => rules);
  const rules = [...earlier, ...(ir.routes[route]?.rules.slice(0, rule) ?? [])];
  return rules.reduce((count, { taps }) => count + (taps?.length ?? 0), 0);
}

/** A message on its way through a route. */
export interface Passing {
  readonly ir: RouterIr;
  readonly state: InterpreterState;
  readonly message: Uint8Array;
  readonly view: Uint8Array;
  readonly route: number;
}

/** The entry that a rule will open; null: none; or why there is no room for it. */
export function reserve(
  { ir, state, view, route }: Passing,
  { open }: RuleIr,
): Opening | null | number {
  if (open === undefined) return null;
  const id = state.correlations[open.correlation]?.reserve() ?? null;
  if (id === null) return rejectCodes.CORRELATION_FULL;
  const schema = ir.schemas[ir.routes[route]?.schema ?? -1] as SchemaIr;
  const { correlation } = open;
  return { correlation, id, destination: null, ...keptOf(schema, open, view) };
}

/** Notes what a rule that holds means for correlations, when its copies are known. */
export function remember(
  state: InterpreterState,
  { closes = false }: RuleIr,
  reserved: Opening | null,
  [sent]: readonly Delivery[],
): void {
  const { found, opening, closes: closed } = state.passing;
  const target = sent?.target ?? { kind: 'return-source' };
  const destination =
    target.kind === 'return-source'
      ? null
      : target.kind === 'endpoint'
        ? BigInt(target.endpoint)
        : target.address;
  const next = reserved === null ? opening : { ...reserved, destination };
  state.passing = { found, opening: next, closes: closed || closes };
}

/**
 * The message of the latest decision has left, unless that was a reject: the taps of the rules that
 * held for it count it, and what is remembered of it is opened. `source`: where it came from.
 */
export function settle(state: InterpreterState, { outcome, taps }: Decision, source: bigint): void {
  if (outcome === 'reject') return;
  for (const tap of taps) state.tapCounts[tap] = (state.tapCounts[tap] ?? 0) + 1;
  const { found, opening, closes } = state.passing;
  if (opening !== null) {
    const { correlation, destination, ...entry } = opening;
    const ends = { source, destination: destination ?? source };
    state.correlations[correlation]?.open({ ...entry, ...ends, openedAtNs: state.nowNs });
  }
  if (!closes || found === null) return;
  for (const correlation of state.correlations) correlation.close(found);
}
