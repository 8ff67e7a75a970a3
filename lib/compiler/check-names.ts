// Checks of endpoints whose host is a name: only pools can take several in the place of one.
import type { Findings } from './findings.js';
import type { ActionIr, EndpointIr, RouterIr } from './ir.js';

export function checkNames(ir: RouterIr, findings: Findings): void {
  for (const [index, endpoint] of ir.endpoints.entries()) {
    const { resolve } = (endpoint.options ?? {}) as { resolve?: unknown };
    if (resolve === undefined) continue;
    checkOptions(endpoint, resolve, findings);
    checkUses(ir, index, findings);
  }
}

function checkOptions(
  { name, kind, options, position }: EndpointIr,
  resolve: unknown,
  findings: Findings,
): void {
  const path = `endpoints.${name}`;
  const connects = kind === 'tcp-connect' || kind === 'raptor-connect';
  const isKind = connects || (kind === 'udp' && options.remote !== null);
  const kinds = 'an endpoint of tcp.connect or raptor.connect, or of udp with a remote';
  findings.need(isKind, 'ERR_CONFIG', `${path}.resolve`, kinds, kind, position);
  const { everyMs, server } = (resolve ?? {}) as { everyMs?: unknown; server?: unknown };
  const isTime =
    Number.isInteger(everyMs) && Number(everyMs) >= 100 && Number(everyMs) <= 3_600_000;
  const time = 'an integer from 100 to 3600000';
  findings.need(isTime, 'ERR_CONFIG', `${path}.resolve.everyMs`, time, everyMs, position);
  const isServer = server === null || typeof server === 'string';
  findings.need(
    isServer,
    'ERR_CONFIG',
    `${path}.resolve.server`,
    'a text or null',
    server,
    position,
  );
}

function checkUses(ir: RouterIr, index: number, findings: Findings): void {
  const name = ir.endpoints[index]?.name;
  const isTarget = (action: ActionIr | null): boolean =>
    action?.target.kind === 'endpoint' && action.target.endpoint === index;
  for (const [at, { rules, reject, position }] of ir.routes.entries()) {
    const direct = rules.some(
      ({ action, taps = [] }) => isTarget(action) || taps.some((tap) => isTarget(tap.action)),
    );
    const expected = 'a pool: an endpoint given by host name stands for several';
    const isFree = !direct && !isTarget(reject);
    findings.need(isFree, 'ERR_ROUTE', `routes[${at}].rules`, expected, name, position);
  }
  for (const [at, { strategy, members, position }] of ir.pools.entries()) {
    const member = members.find(({ endpoint }) => endpoint === index);
    if (member === undefined) continue;
    const isFree = strategy.kind !== 'table' && member.id === undefined;
    const expected = 'a strategy that takes any number of members, and no id';
    findings.need(isFree, 'ERR_ROUTE', `pools[${at}].strategy`, expected, strategy.kind, position);
  }
}
