// The changes of a running router: one after another, each a whole configuration that takes the
// place of the one before. It keeps the configuration as it was given, with host names and live
// operations in it; what is installed has an endpoint for each address of a name.
//
// Control path, on the thread that started the router.
import { check } from '../compiler/check.js';
import type { RouterIr } from '../compiler/ir.js';
import { HyperRouteError, isHyperRouteError } from '../errors.js';
import type { Installation } from './installation.js';
import { unknownEndpoint, withoutUnused } from './live.js';
import {
  type Addresses,
  endpointAt,
  expandNames,
  type NameAddresses,
  nameOptionsOf,
  nextAddresses,
  patternOf,
  patternsOf,
  remoteOf,
  withoutLeaving,
} from './names.js';
import type { Port } from './ports.js';
import type { NameResolver } from './resolver.js';
import type { UpdateOptions, UpdateReport } from './update.js';

/** A host name that pool members are given by, and what it stands for. */
export interface ResolvedName {
  /** Name of the endpoint. */
  readonly endpoint: string;
  readonly host: string;
  readonly addresses: readonly string[];
  /** Addresses that the name has no longer, and whose endpoints are being drained. */
  readonly leaving: readonly string[];
  /** Answers that changed the addresses. */
  readonly changes: number;
  /** Questions without an answer, and answers that could not be installed. */
  readonly failures: number;
  /** What the last failure was; null if the last question was answered. */
  readonly lastError: string | null;
}

interface NameWatch {
  readonly timer: NodeJS.Timeout;
  /** What it was started for: another name or another pace needs another watch. */
  readonly asked: string;
  changes: number;
  failures: number;
  lastError: string | null;
}

/** Asks for every name of a configuration that is not known yet. Rejects with ERR_RESOLVE. */
export async function resolveNames(
  ir: RouterIr,
  known: Addresses,
  resolver: NameResolver,
): Promise<Addresses> {
  const entries = patternsOf(ir).map(async (pattern): Promise<[string, NameAddresses]> => {
    const have = known.get(pattern.name);
    if (have !== undefined) return [pattern.name, have];
    return [pattern.name, { active: await resolver.resolve(pattern), leaving: [] }];
  });
  return new Map(await Promise.all(entries));
}

export class LiveRouter {
  readonly #installation: Installation;
  readonly #resolver: NameResolver;
  readonly #watches = new Map<string, NameWatch>();
  /** Names as they were given to `drain`: of endpoints, or of what stands for several. */
  readonly #drained = new Set<string>();
  /** Endpoints that control has been told to drain. */
  readonly #told = new Set<string>();
  #config: RouterIr;
  #addresses: Addresses;
  #closed = false;

  /** `installation` runs `config` with these addresses. */
  constructor(
    installation: Installation,
    config: RouterIr,
    addresses: Addresses,
    resolver: NameResolver,
  ) {
    this.#installation = installation;
    this.#resolver = resolver;
    this.#config = config;
    this.#addresses = addresses;
    installation.control.drainedBy((name) => this.isDrained(name));
    this.#watchNames();
  }

  /** The configuration that is in force, as it was given and changed since. */
  get config(): RouterIr {
    return this.#config;
  }

  /** What host names stand for. */
  names(): readonly ResolvedName[] {
    return patternsOf(this.#config).map((pattern) => {
      const { active = [], leaving = [] } = this.#addresses.get(pattern.name) ?? {};
      const { changes = 0, failures = 0, lastError = null } = this.#watches.get(pattern.name) ?? {};
      const { host } = remoteOf(pattern);
      const { name: endpoint } = pattern;
      return { endpoint, host, addresses: active, leaving, changes, failures, lastError };
    });
  }

  /** Installs what `edit` makes of the configuration in force. */
  change(edit: (config: RouterIr) => RouterIr, options: UpdateOptions = {}): Promise<UpdateReport> {
    return this.#inTurn(async () => {
      const config = edit(this.#config);
      check(config);
      const addresses = await resolveNames(config, this.#stillKnown(config), this.#resolver);
      const ir = expandNames(config, addresses);
      const report = await this.#installation.apply(ir, options, ir === config);
      this.#config = config;
      this.#addresses = addresses;
      this.#watchNames();
      this.#tellDrained();
      return report;
    });
  }

  /** Whether pools give this endpoint no messages, because of `drain`. */
  isDrained(endpoint: string): boolean {
    return this.#drained.has(endpoint) || this.#drained.has(patternOf(endpoint));
  }

  /** The drained endpoints' ports by now. Throws ERR_NOT_FOUND where there is no such endpoint. */
  setDrained(name: string, drained: boolean): Promise<readonly Port[]> {
    return this.#inTurn(async () => {
      const ports = this.#portsOf(name);
      if (drained) this.#drained.add(name);
      else this.#drained.delete(name);
      this.#tellDrained();
      return ports;
    });
  }

  /** What `change` would do. */
  plan(edit: (config: RouterIr) => RouterIr): Promise<UpdateReport> {
    return this.#inTurn(async () => {
      const config = edit(this.#config);
      check(config);
      const addresses = await resolveNames(config, this.#stillKnown(config), this.#resolver);
      return this.#installation.plan(expandNames(config, addresses));
    });
  }

  /**
   * Takes an endpoint to which nothing is sent any more out of the configuration once it is quiet.
   * One that is needed again by then, or that cannot go, stays.
   */
  async retire(name: string): Promise<void> {
    const ports = [...this.#installation.ports.keys()].filter((port) => patternOf(port) === name);
    await Promise.all([name, ...ports].map((port) => this.#installation.quiet(port)));
    await this.#inTurn(async () => {
      const config = withoutUnused(this.#config, name);
      if (config === null) return;
      await this.#installation.apply(expandNames(config, this.#addresses));
      this.#config = config;
      this.#tellDrained();
    });
  }

  /** Ends what asks for names. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#watches.values()) clearInterval(timer);
    this.#watches.clear();
    this.#resolver.close();
  }

  /** Control knows endpoints only as long as they are there; new addresses are drained too. */
  #tellDrained(): void {
    const { control, ports } = this.#installation;
    for (const name of this.#told) if (!ports.has(name)) this.#told.delete(name);
    for (const name of ports.keys()) {
      const drained = this.isDrained(name);
      if (drained === this.#told.has(name)) continue;
      control.setDraining(name, drained);
      if (drained) this.#told.add(name);
      else this.#told.delete(name);
    }
    const patterns = new Set(patternsOf(this.#config).map(({ name }) => name));
    for (const name of this.#drained) {
      if (!ports.has(name) && !patterns.has(name)) this.#drained.delete(name);
    }
  }

  #portsOf(name: string): readonly Port[] {
    const ports = [...this.#installation.ports.values()].filter(
      ({ ir }) => ir.name === name || patternOf(ir.name) === name,
    );
    if (ports.length > 0) return ports;
    throw unknownEndpoint(name, this.#installation.ports.keys());
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    return this.#installation.inTurn(() => {
      if (!this.#closed) return change();
      const context = `the router '${this.#config.name}' is closed`;
      throw new HyperRouteError('ERR_CLOSED', context, { context });
    });
  }

  /** Addresses of names that a configuration asks for in the same way as the one in force. */
  #stillKnown(config: RouterIr): Addresses {
    const asked = new Map(patternsOf(this.#config).map((one) => [one.name, askedText(one)]));
    const same = patternsOf(config).filter((one) => asked.get(one.name) === askedText(one));
    const known = new Map<string, NameAddresses>();
    for (const { name } of same) {
      const addresses = this.#addresses.get(name);
      if (addresses !== undefined) known.set(name, addresses);
    }
    return known;
  }

  #watchNames(): void {
    const patterns = patternsOf(this.#config);
    const wanted = new Map(patterns.map((pattern) => [pattern.name, askedText(pattern)]));
    for (const [name, { timer, asked }] of this.#watches) {
      if (wanted.get(name) === asked) continue;
      clearInterval(timer);
      this.#watches.delete(name);
    }
    for (const pattern of patterns) {
      if (this.#watches.has(pattern.name) || this.#closed) continue;
      const { everyMs = 0 } = nameOptionsOf(pattern) ?? {};
      const timer = setInterval(() => void this.#ask(pattern.name), everyMs).unref();
      const asked = askedText(pattern);
      this.#watches.set(pattern.name, { timer, asked, changes: 0, failures: 0, lastError: null });
    }
  }

  readonly #asking = new Set<string>();

  /** One question; a failure is counted and changes nothing. */
  async #ask(name: string): Promise<void> {
    const pattern = this.#config.endpoints.find((endpoint) => endpoint.name === name);
    const watch = this.#watches.get(name);
    if (pattern === undefined || watch === undefined || this.#asking.has(name)) return;
    this.#asking.add(name);
    try {
      const answer = await this.#resolver.resolve(pattern);
      if (await this.#use(name, watch, answer)) watch.changes++;
      watch.lastError = null;
    } catch (error) {
      watch.failures++;
      watch.lastError = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking.delete(name);
    }
  }

  /** Installs the addresses of an answer. Returns whether they are others than before. */
  #use(name: string, watch: NameWatch, answer: readonly string[]): Promise<boolean> {
    return this.#inTurn(async () => {
      const before = this.#addresses.get(name);
      if (before === undefined || this.#watches.get(name) !== watch) return false;
      const next = nextAddresses(before, answer);
      const isChange = JSON.stringify(next) !== JSON.stringify(before);
      if (isChange) await this.#install(name, next);
      for (const address of next.leaving) void this.#leave(name, address);
      return isChange;
    });
  }

  async #install(name: string, next: NameAddresses): Promise<void> {
    const addresses = new Map(this.#addresses).set(name, next);
    await this.#installation.apply(expandNames(this.#config, addresses));
    this.#addresses = addresses;
    this.#tellDrained();
  }

  /** Endpoints of addresses that names have no longer, while they are waited for. */
  readonly #leaving = new Set<string>();

  /**
   * Closes the endpoint at an address that a name has no longer, once it is quiet. Where that
   * fails the next answer asks for it again.
   */
  async #leave(name: string, address: string): Promise<void> {
    const pattern = this.#config.endpoints.find((one) => one.name === name);
    if (pattern === undefined) return;
    const endpoint = endpointAt(pattern, address).name;
    if (this.#leaving.has(endpoint)) return;
    this.#leaving.add(endpoint);
    try {
      await this.#installation.quiet(endpoint);
      await this.#inTurn(async () => {
        const before = this.#addresses.get(name);
        if (before === undefined) return;
        const next = withoutLeaving(before, address);
        if (next !== before) await this.#install(name, next);
      });
    } catch (error) {
      // The router closed, an update took the endpoint away, or what is left cannot be installed.
      if (!isHyperRouteError(error)) throw error;
    } finally {
      this.#leaving.delete(endpoint);
    }
  }
}

function askedText(pattern: Parameters<typeof remoteOf>[0]): string {
  return JSON.stringify([
    pattern.kind,
    remoteOf(pattern),
    nameOptionsOf(pattern),
    pattern.options.host,
  ]);
}
