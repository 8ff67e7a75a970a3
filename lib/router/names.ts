// Members given by host name: such an endpoint is a pattern, and stands for one endpoint at each
// address that its name has. Pure; who asks for the addresses is resolver.ts.
import { replaceEndpoints } from '../compiler/edit.js';
import type { EndpointIr, RouterIr } from '../compiler/ir.js';
import type { RemoteAddress } from '../endpoints/common.js';
import { controlAt, optionsAt } from './live.js';

/** What of an endpoint's options says that its host is a name. */
export interface NameOptions {
  readonly everyMs: number;
  /** `host:port` of the server to ask; null: as the system does. */
  readonly server: string | null;
}

/** The addresses that stand for a name. */
export interface NameAddresses {
  /** In ascending order. */
  readonly active: readonly string[];
  /** Not among its addresses any more: nothing new is sent there, answers are still read. */
  readonly leaving: readonly string[];
}

/** By name of the pattern. */
export type Addresses = ReadonlyMap<string, NameAddresses>;

/** Whether an endpoint's host is a name; then how it is asked for. */
export function nameOptionsOf({ options }: EndpointIr): NameOptions | null {
  return (options.resolve as NameOptions | null | undefined) ?? null;
}

/** The endpoints of a configuration that are patterns. */
export function patternsOf(ir: RouterIr): readonly EndpointIr[] {
  return ir.endpoints.filter((endpoint) => nameOptionsOf(endpoint) !== null);
}

/** The name and the port that a pattern sends to. */
export function remoteOf({ kind, options }: EndpointIr): RemoteAddress {
  return (kind === 'udp' ? options.remote : options) as RemoteAddress;
}

/** The endpoint that stands for a pattern at one address. */
export function endpointAt(pattern: EndpointIr, address: string): EndpointIr {
  const { port } = remoteOf(pattern);
  const shown = address.includes(':') ? `[${address}]` : address;
  const options = optionsAt(pattern, { host: address, port }, pattern.position);
  const own = { ...pattern, name: `${pattern.name}@${shown}:${port}`, options };
  const control = controlAt(pattern.control, address);
  return control === undefined ? own : { ...own, control };
}

/** The pattern that an endpoint stands for, or its own name. */
export function patternOf(endpoint: string): string {
  return endpoint.split('@', 1)[0] ?? endpoint;
}

/**
 * The configuration with each pattern replaced by an endpoint for each of its addresses, which lie
 * behind all others. Those that leave are still sources, and members of nothing.
 */
export function expandNames(ir: RouterIr, addresses: Addresses): RouterIr {
  if (patternsOf(ir).length === 0) return ir;
  const endpoints = ir.endpoints.filter((endpoint) => nameOptionsOf(endpoint) === null);
  const replacements: number[][] = [];
  const leaving = new Set<number>();
  let kept = 0;
  for (const [index, endpoint] of ir.endpoints.entries()) {
    if (nameOptionsOf(endpoint) === null) {
      replacements[index] = [kept++];
      continue;
    }
    const all = addresses.get(endpoint.name) ?? { active: [], leaving: [] };
    const add = (address: string): number => endpoints.push(endpointAt(endpoint, address)) - 1;
    const active = all.active.map(add);
    const gone = all.leaving.map(add);
    for (const one of gone) leaving.add(one);
    replacements[index] = [...active, ...gone];
  }
  const isMember = (endpoint: number): boolean => !leaving.has(endpoint);
  return replaceEndpoints(ir, endpoints, (index) => replacements[index] ?? [], isMember);
}

/** What becomes of a name's addresses when an answer says which ones it has now. */
export function nextAddresses(
  { active, leaving }: NameAddresses,
  answer: readonly string[],
): NameAddresses {
  const now = new Set(answer);
  const gone = [...active, ...leaving].filter((address) => !now.has(address));
  return { active: [...now].sort(), leaving: gone.sort() };
}

/** Without one that has left; the same object where it has come back. */
export function withoutLeaving(addresses: NameAddresses, address: string): NameAddresses {
  if (!addresses.leaving.includes(address)) return addresses;
  return { ...addresses, leaving: addresses.leaving.filter((one) => one !== address) };
}
