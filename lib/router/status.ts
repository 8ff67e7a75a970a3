// What a running router says of itself beside its counters, as plain data.
import type { RouterIr } from '../compiler/ir.js';
import type { EndpointHealth } from './control/controller.js';
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

/** An endpoint of a running router, and how it fares. */
export interface StatusEndpoint extends RunningEndpoint, EndpointHealth {
  /** By command; also where another reason is the graver one. */
  readonly drained: boolean;
}

export interface RouterStatus {
  readonly name: string;
  readonly pid: number;
  readonly endpoints: readonly StatusEndpoint[];
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

/** Endpoints with their health; `health` names each of them. */
export function endpointsOf(
  endpoints: readonly RunningEndpoint[],
  health: readonly EndpointHealth[],
  live: Pick<LiveRouter, 'isDrained'>,
): StatusEndpoint[] {
  const byName = new Map(health.map((one) => [one.name, one]));
  return endpoints.flatMap((endpoint) => {
    const own = byName.get(endpoint.name);
    const drained = live.isDrained(endpoint.name);
    return own === undefined ? [] : [{ ...endpoint, ...own, drained }];
  });
}
