// `hyperroute run` for a test: a configuration file, the process, and what `hyperroute stat` says.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Event, hyperroute, Running } from './cli.js';
import { endLater, patienceMs } from './foreign-programs.js';

const imports = `import { and, defineRouter, discard, framing, layout, lb, memory, not, or,
  otherwise, pool, raw, rejectCode, returnAddress, returnTo, route, schema, sequence, source, t,
  tcp, transform, udp, union, validate, via, when } from 'hyperroute';`;

/** Lines before a configuration's own. */
export const importLines = imports.split('\n').length;

/** A total of a report by its place: `endpoints.orders.rx_messages`. */
export type Totals = Readonly<Record<string, number>>;

interface Endpoint {
  readonly name: string;
  readonly address: string | null;
}

/** Writes a configuration with all imports into a folder that goes after the test. */
export function writeConfig(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-foreign-'));
  endLater({ end: async () => rmSync(folder, { recursive: true, force: true }) });
  const path = join(folder, 'router.config.ts');
  writeFileSync(path, `${imports}\n${text}\n`);
  return path;
}

/** A router that runs. */
export class RouterProcess {
  readonly #process: Running;
  readonly #countersPath: string;
  readonly #ports: ReadonlyMap<string, number>;
  #stat: Running | undefined;

  constructor(process: Running, countersPath: string, started: Event) {
    this.#process = process;
    this.#countersPath = countersPath;
    const endpoints = started.endpoints as readonly Endpoint[];
    const portOf = ({ address }: Endpoint) => Number(address?.split(':').at(-1));
    this.#ports = new Map(endpoints.map((endpoint) => [endpoint.name, portOf(endpoint)]));
  }

  /** The port that an endpoint is bound to. */
  port(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`no endpoint ${name}`);
    return port;
  }

  /** Waits until `hyperroute stat` reports these totals; all of them, at the same time. */
  async counts(wanted: Totals): Promise<void> {
    this.#stat ??= new Running(['stat', this.#countersPath, '--json', '--interval', '25']);
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const report = await this.#stat.next();
      const totals = Object.fromEntries(Object.keys(wanted).map((at) => [at, total(report, at)]));
      const over = performance.now() >= deadline;
      const equal = Object.entries(wanted).every(([at, value]) => totals[at] === value);
      if (equal || over) return expect(totals).toEqual(wanted);
    }
  }

  /** The totals now, by place. */
  async totals(...places: readonly string[]): Promise<number[]> {
    const stat = new Running(['stat', this.#countersPath, '--json']);
    const report = await stat.next();
    await stat.ended();
    return places.map((place) => total(report, place) ?? Number.NaN);
  }

  /** Stops it as an operator does; the exit code. */
  async stop(): Promise<number | null> {
    this.#process.signal('SIGTERM');
    return this.#process.ended();
  }

  async end(): Promise<void> {
    await this.#stat?.kill();
    await this.#process.kill();
  }
}

function total(report: Event, place: string): number | undefined {
  let value: unknown = report;
  for (const key of [...place.split('.'), 'total']) {
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  return value as number | undefined;
}

/** Runs a configuration: what follows the imports. Resolves when messages flow. */
export async function startRouter(text: string): Promise<RouterProcess> {
  const path = writeConfig(text);
  const countersPath = `${path}.counters`;
  const process = new Running(['run', path, '--json', '--counters', countersPath]);
  endLater({ end: () => process.kill() });
  const started = await process.next();
  if (started.event !== 'started') throw new Error(JSON.stringify(started));
  const router = new RouterProcess(process, countersPath, started);
  endLater(router);
  return router;
}

/** Why a start failed, as `run --json` says it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly option?: string;
  readonly expected?: string;
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
}

/** Runs a configuration that cannot run; checks what every such start has in common. */
export async function failedStart(path: string): Promise<Failure> {
  const countersPath = `${path}.counters`;
  const args = ['run', path, '--json', '--counters', countersPath];
  const { code, stdout, stderr } = await hyperroute(args);
  expect(code, stdout + stderr).toBe(1);
  // One line: it has not started before it failed.
  const { event, error } = JSON.parse(stdout) as { event: string; error: Failure };
  expect(event).toBe('failed');
  expect(existsSync(countersPath)).toBe(false);
  return error;
}
