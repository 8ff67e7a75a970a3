// What the commands say about endpoints, read from their options.
import type { EndpointIr } from '../compiler/ir.js';

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

function hostAndPort(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('host' in value)) return null;
  const { host } = value;
  const port = 'port' in value ? value.port : '';
  return String(host).includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
