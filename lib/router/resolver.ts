// Asks for the addresses of host names: the system, or a DNS server that the configuration names.
import { lookup, Resolver } from 'node:dns/promises';
import type { EndpointIr } from '../compiler/ir.js';
import { HyperRouteError } from '../errors.js';
import { nameOptionsOf, remoteOf } from './names.js';

/** Addresses of one name that are used; the first ones of those it has, in ascending order. */
export const addressesPerNameMax = 64;
const queryTimeoutMs = 2000;
const queryTries = 2;

/** What the system and servers say of a name that has no address of a family. */
const noAddressCodes = new Set(['ENOTFOUND', 'ENODATA', 'EAI_ADDRFAMILY', 'EAI_NODATA']);

type Family = 4 | 6;

/** The families a pattern can send to: a udp socket has one, a connection is made with either. */
function familiesOf({ kind, options }: EndpointIr): readonly Family[] {
  if (kind === 'udp') return [String(options.host).includes(':') ? 6 : 4];
  return [4, 6];
}

/** Whether an answer says that the name has no address of the family that was asked for. */
function hasNone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && noAddressCodes.has(code);
}

/** Open questions of one router; `close` ends them. */
export class NameResolver {
  readonly #servers = new Map<string, Resolver>();

  /**
   * The addresses of a pattern's name, ascending, at least one. Rejects with ERR_RESOLVE where
   * there is none or nobody answers.
   */
  async resolve(pattern: EndpointIr): Promise<readonly string[]> {
    const { host } = remoteOf(pattern);
    const server = nameOptionsOf(pattern)?.server ?? null;
    let failure: unknown;
    for (const family of familiesOf(pattern)) {
      try {
        const found = await this.#ask(host, family, server);
        if (found.length > 0) return [...new Set(found)].sort().slice(0, addressesPerNameMax);
      } catch (error) {
        failure = error;
        // Others say nothing about the name: the addresses it has stay what they are.
        if (!hasNone(error)) break;
      }
    }
    const why = failure instanceof Error ? failure.message : 'it has no address';
    const context = `endpoint '${pattern.name}': ${host} cannot be resolved: ${why}`;
    throw new HyperRouteError('ERR_RESOLVE', context, { context }, { cause: failure });
  }

  /** Ends questions that are open; they reject. */
  close(): void {
    for (const resolver of this.#servers.values()) resolver.cancel();
  }

  async #ask(host: string, family: Family, server: string | null): Promise<readonly string[]> {
    if (server === null) {
      const found = await lookup(host, { all: true, family });
      return found.map(({ address }) => address);
    }
    const resolver = this.#serverAt(server);
    return family === 4 ? await resolver.resolve4(host) : await resolver.resolve6(host);
  }

  #serverAt(address: string): Resolver {
    const known = this.#servers.get(address);
    if (known !== undefined) return known;
    const resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries });
    resolver.setServers([address]);
    this.#servers.set(address, resolver);
    return resolver;
  }
}
