// What `hyperroute run` says of a router's life: lines of text, or one JSON value a line.
import type { Io } from './io.js';
import { errorJson, reportError } from './report.js';
import { table } from './text.js';

/** An endpoint of a running router. */
export interface BoundEndpoint {
  readonly name: string;
  readonly kind: string;
  /** `host:port` the socket is bound to; null for endpoints without a socket. */
  readonly address: string | null;
}

/** What is said of a router when it starts or has been updated. */
export interface DescribedRouter {
  readonly name: string;
  /** Path of the counters file; null if there is none. */
  readonly countersPath: string | null;
  readonly endpoints: readonly BoundEndpoint[];
}

/** What a reload did to the endpoints, by name. */
export interface ReloadChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly moved: readonly string[];
  readonly changed: readonly string[];
  readonly kept: readonly string[];
}

export interface RouterEvents {
  started(file: string, router: DescribedRouter): void;
  reloaded(router: DescribedRouter, changes: ReloadChanges): void;
  reloadFailed(error: unknown): void;
  stopping(): void;
  stopped(): void;
  failed(error: unknown): void;
}

export function eventsOf(io: Io, json: boolean): RouterEvents {
  return json ? jsonEvents(io) : textEvents(io);
}

function jsonEvents(io: Io): RouterEvents {
  const say = (event: string, more: object = {}) =>
    io.json({ event, at: new Date().toISOString(), ...more });
  return {
    started: (file, router) => say('started', { pid: process.pid, file, ...router }),
    reloaded: (router, changes) => say('reloaded', { ...router, changes }),
    reloadFailed: (error) => say('reload-failed', { error: errorJson(error) }),
    stopping: () => undefined,
    stopped: () => say('stopped'),
    failed: (error) => say('failed', { error: errorJson(error) }),
  };
}

function textEvents(io: Io): RouterEvents {
  const { out, err } = io;
  const endpoints = (router: DescribedRouter) => {
    const rows = router.endpoints.map(({ name, kind, address }) => [name, kind, address ?? '-']);
    for (const line of table(['endpoint', 'kind', 'address'], rows, 3)) out.line(`  ${line}`);
  };
  return {
    started: (file, router) => {
      out.line(`${out.style(['bold', 'green'], router.name)} is running  pid ${process.pid}`);
      endpoints(router);
      out.line(`configuration  ${file}  (kill -HUP ${process.pid} loads it again)`);
      if (router.countersPath !== null) out.line(`counters       ${router.countersPath}`);
    },
    reloaded: (router, changes) => {
      out.line(`${out.style('green', 'reloaded')} ${router.name}  ${changesText(changes)}`);
      endpoints(router);
    },
    reloadFailed: (error) => {
      reportError(io, error);
      err.line(`${err.style('yellow', 'not reloaded')}: the running configuration stays`);
    },
    stopping: () => err.line('draining; once more ends it at once'),
    stopped: () => out.line('stopped'),
    failed: (error) => reportError(io, error),
  };
}

function changesText(changes: ReloadChanges): string {
  const shown = (['added', 'removed', 'moved', 'changed'] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${kind} ${changes[kind].join(', ')}`);
  return shown.length === 0 ? 'same endpoints' : shown.join('; ');
}
