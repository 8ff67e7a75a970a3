// What a running router says of itself beside its counters, as plain data.
import type { RouterIr } from '../compiler/ir.js';
import type { LiveRouter, ResolvedName } from './live-router.js';
import type { RunningEndpoint } from './options.js';
import type { SlowCounts } from './slow.js';

export interface RunningMember {
  /** Name of its endpoint. */
  readonly endpoint: string;
  readonly weight: number;
  readonly drained: boolean;
}

/** A pool of a running router. */
export interface RunningPool {
  readonly name: string;
  readonly strategy: string;
  readonly members: readonly RunningMember[];
}

export interface RouterStatus {
  readonly name: string;
  readonly pid: number;
  readonly endpoints: readonly (RunningEndpoint & { readonly drained: boolean })[];
  readonly pools: readonly RunningPool[];
  /** Members that are given by host name. */
  readonly names: readonly ResolvedName[];
  /** By endpoint: what its function has done. */
  readonly slow: Readonly<Record<string, SlowCounts>>;
}

export function poolsOf(ir: RouterIr, live: Pick<LiveRouter, 'isDrained'>): RunningPool[] {
  return ir.pools.map(({ name, strategy, members }) => ({
    name,
    strategy: strategy.kind,
    members: members.map(({ endpoint, weight }) => {
      const member = ir.endpoints[endpoint]?.name ?? '';
      return { endpoint: member, weight, drained: live.isDrained(member) };
    }),
  }));
}
