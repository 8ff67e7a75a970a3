// What `hyperroute run` says of a router's life: lines of text, or one JSON value a line.

import { errorJson } from '../errors.js';
import type { ControlReport } from '../router/control-requests.js';
import type { RecordingEnd, RecordingReport } from '../router/recording.js';
import type { UpdateReport } from '../router/update.js';
import type { Io } from './io.js';
import { reportError } from './report.js';
import { countText, percentText, table } from './text.js';
import type { WatchEvents } from './watch.js';

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
  /** Path of the control socket; null if there is none. */
  readonly controlPath: string | null;
  readonly endpoints: readonly BoundEndpoint[];
}

export interface RouterEvents extends WatchEvents {
  started(file: string, router: DescribedRouter): void;
  reloaded(router: DescribedRouter, changes: UpdateReport): void;
  reloadFailed(error: unknown): void;
  /** The recording has come to an end, and the router goes on. */
  recordingEnded(report: RecordingReport): void;
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
    recordingEnded: (report) => say('recording-ended', { recording: report }),
    healthChanged: (change) => say('health', change),
    resolved: (name) => say('resolved', name),
    controlled: ({ op, request, result, error }) => {
      if (error === undefined) say('controlled', { op, request, result });
      else say('refused', { op, request, error: errorJson(error) });
    },
    leftOut: (count) => say('left-out', { count }),
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
      if (router.controlPath !== null) out.line(`control        ${router.controlPath}`);
    },
    reloaded: (router, changes) => {
      out.line(`${out.style('green', 'reloaded')} ${router.name}  ${changesText(changes)}`);
      endpoints(router);
      // The first line says what the endpoints' changes are, which was said above.
      for (const line of updateLines(changes).slice(1)) out.line(`  ${line}`);
    },
    reloadFailed: (error) => {
      reportError(io, error);
      err.line(`${err.style('yellow', 'not reloaded')}: the running configuration stays`);
    },
    recordingEnded: ({ path, messages, end }) => {
      const why = endTexts[end ?? 'stopped'];
      const text = `${countText(messages)} messages are in ${path}; the router goes on`;
      err.line(`${err.style('yellow', 'recording ended')}: ${why}; ${text}`);
    },
    healthChanged: ({ endpoint, before, state, share, reason }) => {
      const colour = state === 'up' ? 'green' : 'yellow';
      const part = share > 0 && share < 1 ? `, ${percentText(share)} of its share` : '';
      const was = before === state ? 'once more' : `was ${before}`;
      const why = reason === '' ? '' : `: ${reason}`;
      out.line(`health ${endpoint}  ${out.style(colour, state)} (${was}${part})${why}`);
    },
    resolved: ({ endpoint, host, addresses, leaving }) => {
      const left = leaving.length > 0 ? `, leaving ${leaving.join(' ')}` : '';
      out.line(`resolved ${endpoint}  ${host} is ${addresses.join(' ')}${left}`);
    },
    controlled: (report) => {
      for (const line of controlLines(report)) out.line(line);
    },
    leftOut: (count) => out.line(`${countText(count)} more changes within that second`),
    stopping: () => err.line('draining; once more ends it at once'),
    stopped: () => out.line('stopped'),
    failed: (error) => reportError(io, error),
  };
}

/** Why a recording has ended. */
export const endTexts: Readonly<Record<RecordingEnd, string>> = {
  stopped: 'it was stopped',
  full: 'it has as many bytes as it may have',
  overrun: 'messages came faster than the file could be written',
  'too-large': 'a message is too large to be recorded',
  failed: 'the file could not be written',
  'open-entries': 'a correlation had been used before it was recorded',
};

function changesText(changes: UpdateReport): string {
  const shown = (['added', 'removed', 'moved', 'changed'] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${kind} ${changes[kind].join(', ')}`);
  return shown.length === 0 ? 'same endpoints' : shown.join('; ');
}

/** What the control socket was asked, in the words of `ctl`, and what came of it. */
function controlLines({ op, request, result, error }: ControlReport): string[] {
  const words = Object.values(request).flatMap((value) => {
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
  const asked = ['control', op, ...words].join(' ');
  if (error !== undefined) return [`${asked}  refused: ${errorJson(error).message}`];
  if (!isUpdateReport(result)) return [asked];
  return [asked, ...updateLines(result).map((line) => `  ${line}`)];
}

function isUpdateReport(result: unknown): result is UpdateReport {
  return typeof result === 'object' && result !== null && 'movedShareMax' in result;
}

/** What an update did, a line for each thing it changed. */
export function updateLines(report: UpdateReport): string[] {
  const lines = [`endpoints  ${changesText(report)}`];
  for (const { pool, change, added, removed, reweighted, movedShare } of report.pools) {
    const members = [
      ...added.map((name) => `+${name}`),
      ...removed.map((name) => `-${name}`),
      ...reweighted.map((name) => `~${name}`),
    ];
    const moved = change === 'changed' ? `${percentText(movedShare)} of it moved` : '';
    lines.push(['pool', ` ${pool}`, change, ...members, moved].filter(Boolean).join('  '));
  }
  for (const { route, change, parts, rules } of report.routes) {
    const counts = (['added', 'removed', 'changed', 'moved'] as const)
      .filter((kind) => rules[kind].length > 0)
      .map((kind) => `${rules[kind].length} rules ${kind}`);
    lines.push(['route', route, change, ...parts, ...counts].join('  '));
  }
  return lines;
}
