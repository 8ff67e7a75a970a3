// Changes of a configuration that leave the rest of it as it is: what live operations are made of.
// Pure: each gives a new configuration, of which `check` judges the result.
import type {
  ActionIr,
  EndpointIr,
  MemberIr,
  PoolIr,
  RouteIr,
  RouterIr,
  RuleIr,
  TargetIr,
  ThreadingIr,
} from './ir.js';

/** By endpoint index: the indices that stand in its place; none: it goes. */
export type Replacement = (endpoint: number) => readonly number[];

/**
 * The configuration with other endpoints, each former one replaced as `replacement` says wherever
 * it is a source, a member of a pool, stands in for one, or is served by a worker. `joins` says of
 * each new index whether pools take it. A rule that sends to an endpoint by itself needs exactly
 * one in its place: -1 is written otherwise, which `check` refuses.
 */
export function replaceEndpoints(
  ir: RouterIr,
  endpoints: readonly EndpointIr[],
  replacement: Replacement,
  joins: (endpoint: number) => boolean = () => true,
): RouterIr {
  const isSame = ir.endpoints.every((_, index) => {
    const [first, ...others] = replacement(index);
    return first === index && others.length === 0;
  });
  const members = (pool: PoolIr): MemberIr[] =>
    pool.members.flatMap((member) =>
      replacement(member.endpoint)
        .filter(joins)
        .map((endpoint) => ({ ...member, endpoint })),
    );
  const pools = ir.pools.map((pool) => {
    const stand = pool.failover?.flatMap((endpoint) => replacement(endpoint).filter(joins));
    return { ...pool, members: members(pool), ...(stand === undefined ? {} : { failover: stand }) };
  });
  if (isSame) return { ...ir, endpoints, pools };
  return {
    ...ir,
    endpoints,
    pools,
    routes: ir.routes.map((route) => replaceInRoute(route, replacement)),
    threading: replaceInThreading(ir.threading, replacement),
  };
}

function replaceInThreading(threading: ThreadingIr, replacement: Replacement): ThreadingIr {
  if (threading.model !== 'map') return threading;
  const workers = threading.workers.map((worker) => ({
    ...worker,
    endpoints: worker.endpoints.flatMap(replacement),
  }));
  return { ...threading, workers };
}

function replaceInRoute(route: RouteIr, replacement: Replacement): RouteIr {
  return {
    ...route,
    sources: route.sources.flatMap(replacement),
    rules: route.rules.map((rule) => replaceInRule(rule, replacement)),
    reject: route.reject === null ? null : replaceInAction(route.reject, replacement),
  };
}

function replaceInRule(rule: RuleIr, replacement: Replacement): RuleIr {
  const action = replaceInAction(rule.action, replacement);
  const taps = rule.taps?.map((tap) => ({
    ...tap,
    action: replaceInAction(tap.action, replacement),
  }));
  return { ...rule, action, ...(taps === undefined ? {} : { taps }) };
}

function replaceInAction(action: ActionIr, replacement: Replacement): ActionIr {
  const { target } = action;
  if (target.kind !== 'endpoint') return action;
  const [endpoint = -1, ...others] = replacement(target.endpoint);
  const replaced: TargetIr = { ...target, endpoint: others.length === 0 ? endpoint : -1 };
  return { ...action, target: replaced };
}

/** The configuration with one more endpoint, which is a source wherever that of index `like` is. */
export function addEndpoint(ir: RouterIr, endpoint: EndpointIr, like: number): RouterIr {
  const index = ir.endpoints.length;
  const routes = ir.routes.map((route) =>
    route.sources.includes(like) ? { ...route, sources: [...route.sources, index] } : route,
  );
  const { threading } = ir;
  const workers =
    threading.model === 'map'
      ? threading.workers.map((worker) =>
          worker.endpoints.includes(like)
            ? { ...worker, endpoints: [...worker.endpoints, index] }
            : worker,
        )
      : null;
  return {
    ...ir,
    endpoints: [...ir.endpoints, endpoint],
    routes,
    threading: threading.model === 'map' && workers ? { ...threading, workers } : threading,
  };
}

/** The configuration without an endpoint. Nothing may be sent to it any more. */
export function removeEndpoint(ir: RouterIr, endpoint: number): RouterIr {
  const endpoints = ir.endpoints.filter((_, index) => index !== endpoint);
  return replaceEndpoints(ir, endpoints, (index) => {
    if (index === endpoint) return [];
    return [index < endpoint ? index : index - 1];
  });
}

/** The configuration with another pool in the place of one. */
export function withPool(ir: RouterIr, index: number, pool: PoolIr): RouterIr {
  return { ...ir, pools: ir.pools.map((one, at) => (at === index ? pool : one)) };
}

/** Whether anything is sent to an endpoint other than answers. */
export function isDestination(ir: RouterIr, endpoint: number): boolean {
  const isTarget = (action: ActionIr | null): boolean =>
    action?.target.kind === 'endpoint' && action.target.endpoint === endpoint;
  const inPools = ir.pools.some(
    ({ members, failover = [] }) =>
      members.some((member) => member.endpoint === endpoint) || failover.includes(endpoint),
  );
  return (
    inPools ||
    ir.routes.some(
      ({ rules, reject }) =>
        isTarget(reject) ||
        rules.some(
          ({ action, taps = [] }) => isTarget(action) || taps.some((tap) => isTarget(tap.action)),
        ),
    )
  );
}

/** Whether some route would have no source without an endpoint. */
export function isOnlySource(ir: RouterIr, endpoint: number): boolean {
  return ir.routes.some(({ sources }) => sources.every((source) => source === endpoint));
}
