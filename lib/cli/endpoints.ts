// What the commands say about endpoints, read from their options.
import type { ActionIr, EndpointIr, RouterIr } from '../compiler/ir.js';

/** `host:port` as configured, with the remote it sends to; null for endpoints without a socket. */
export function endpointAddress({ options }: EndpointIr): string | null {
  const local = hostAndPort(options);
  if (local === null) return null;
  const remote = hostAndPort(options.remote);
  return remote === null ? local : `${local} → ${remote}`;
}

/** Whether other hosts may reach the endpoint. */
export function isExposed({ kind, options }: EndpointIr): boolean {
  return kind !== 'memory' && options.exposed === true;
}

/**
 * Names of the endpoints that a rule sends to although they have nobody to send to: they can only
 * answer, so every such message is rejected with NO_DESTINATION.
 */
export function withoutRemote({ endpoints, pools, routes }: RouterIr): readonly string[] {
  const targets = routes
    .flatMap(({ rules, reject }) => [...rules.map(({ action }) => action), reject])
    .flatMap((action) => (action === null ? [] : destinationsOf(action, pools)));
  return endpoints.flatMap((endpoint, index) =>
    targets.includes(index) && onlyAnswers(endpoint) ? [endpoint.name] : [],
  );
}

function destinationsOf({ target }: ActionIr, pools: RouterIr['pools']): readonly number[] {
  if (target.kind === 'endpoint') return [target.endpoint];
  if (target.kind !== 'pool') return [];
  return (pools[target.pool]?.members ?? []).map(({ endpoint }) => endpoint);
}

function onlyAnswers({ kind, options }: EndpointIr): boolean {
  if (kind === 'udp') return (options.remote ?? null) === null;
  return kind === 'tcp-listen' || kind === 'raptor-listen';
}

function hostAndPort(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('host' in value)) return null;
  const { host } = value;
  const port = 'port' in value ? value.port : '';
  return String(host).includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
