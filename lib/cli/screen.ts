// The live view of a router's counters, as lines of text.
import { stateOfCode } from '../router/control/states.js';
import type { Output } from './io.js';
import type { RatedMetrics, StatReport } from './rates.js';
import { sessionLines } from './screen-sessions.js';
import { countText, nanosecondsText, rateText, secondsText, table } from './text.js';

const endpointColumns = [
  ['rx_messages', 'rx/s', 'rx'],
  ['tx_messages', 'tx/s', 'tx'],
] as const;

/** Shown only where they are not zero: they mean that something went wrong or was refused. */
const endpointHealthy = new Set(['rx_messages', 'tx_messages', 'rx_bytes', 'tx_bytes', 'share']);

/** The lines of a report. */
export function screen(report: StatReport, out: Output): string[] {
  return [
    ...header(report, out),
    ...endpoints(report, out),
    ...sessions(report, out),
    ...routes(report, out),
    ...rejects(report, out),
    ...latency(report, out),
    ...correlations(report, out),
    ...named('workers', report.workers, out),
    ...flat('other', report.other, out),
  ];
}

function header(report: StatReport, out: Output): string[] {
  const { name, pid, state, uptimeSeconds } = report;
  const shown = state === 'running' ? out.style('green', state) : out.style('red', state);
  const up = state === 'running' ? `  up ${secondsText(uptimeSeconds)}` : '';
  return [`${out.style('bold', name)}  pid ${pid}  ${shown}${up}`];
}

function endpoints({ endpoints: all }: StatReport, out: Output): string[] {
  if (Object.keys(all).length === 0) return [];
  const head = ['endpoint', ...endpointColumns.flatMap(([, rate, total]) => [rate, total])];
  const rows = Object.entries(all).map(([name, metrics]) => [
    name,
    ...endpointColumns.flatMap(([metric]) => cells(metrics, metric)),
  ]);
  const notes = Object.entries(all).flatMap(([name, metrics]) => {
    const shown = Object.entries(metrics).filter(
      ([metric, { total }]) => total !== 0 && !endpointHealthy.has(metric),
    );
    const text = shown.map(([metric, { total }]) => noteText(metric, total)).join(', ');
    return text === '' ? [] : [out.style('dim', `  ${name}: ${text}`)];
  });
  return ['', ...titled(table(head, rows), out), ...notes];
}

function sessions(report: StatReport, out: Output): string[] {
  const { lines, notes } = sessionLines(report);
  return lines.length === 0
    ? []
    : ['', ...titled(lines, out), ...notes.map((note) => out.style('dim', note))];
}

function noteText(metric: string, total: number): string {
  const name = metric === 'state' ? stateOfCode(total) : undefined;
  return `${metric} ${name ?? countText(total)}`;
}

function routes({ routes: all }: StatReport, out: Output): string[] {
  const rows = Object.entries(all).flatMap(([name, metrics]) =>
    Object.keys(metrics).map((metric) => [`${name} ${metric}`, ...cells(metrics, metric)]),
  );
  return rows.length === 0 ? [] : ['', ...titled(table(['route', 'per s', 'total'], rows), out)];
}

function rejects({ rejects: all }: StatReport, out: Output): string[] {
  const rows = Object.keys(all)
    .filter((code) => all[code]?.total !== 0)
    .map((code) => [code, ...cells(all, code)]);
  return rows.length === 0 ? [] : ['', ...titled(table(['reject', 'per s', 'total'], rows), out)];
}

function latency({ latency: all }: StatReport, out: Output): string[] {
  const head = ['latency', 'samples', 'p50', 'p90', 'p99', 'p99.9', 'max'];
  const sampled = Object.entries(all).filter(([, { count }]) => count > 0);
  const rows = sampled.map(([name, summary]) => [
    name,
    countText(summary.count),
    ...[summary.p50Ns, summary.p90Ns, summary.p99Ns, summary.p999Ns, summary.maxNs].map(
      nanosecondsText,
    ),
  ]);
  return rows.length === 0 ? [] : ['', ...titled(table(head, rows), out)];
}

/** How many wait, how many came, and what became of the others where that happened. */
function correlations({ correlations: all }: StatReport, out: Output): string[] {
  const rows = Object.entries(all).map(([name, metrics]) => {
    const ends = Object.entries(metrics).filter(([metric, { total }]) => {
      return total !== 0 && metric !== 'open' && metric !== 'opened';
    });
    const open = countText(metrics.open?.total ?? 0);
    const text = ends.map(([metric, { total }]) => `${metric} ${countText(total)}`).join(', ');
    return [name, open, ...cells(metrics, 'opened'), text];
  });
  const head = ['correlation', 'open', 'opened/s', 'opened', 'ended'];
  return rows.length === 0 ? [] : ['', ...titled(table(head, rows), out)];
}

function named(title: string, all: StatReport['workers'], out: Output): string[] {
  const rows = Object.entries(all).map(([name, metrics]) => [
    name,
    Object.entries(metrics)
      .map(([metric, value]) => `${metric} ${rateText(value.perSecond ?? value.total)}`)
      .join(', '),
  ]);
  return rows.length === 0 ? [] : ['', ...titled(table([title, 'per s'], rows, 2), out)];
}

function flat(title: string, all: RatedMetrics, out: Output): string[] {
  const rows = Object.keys(all).map((metric) => [metric, ...cells(all, metric)]);
  return rows.length === 0 ? [] : ['', ...titled(table([title, 'per s', 'total'], rows), out)];
}

function cells(metrics: RatedMetrics, metric: string): [string, string] {
  const { total, perSecond } = metrics[metric] ?? { total: 0, perSecond: null };
  return [rateText(perSecond), countText(total)];
}

function titled([head, ...rows]: readonly string[], out: Output): string[] {
  return [out.style('underline', head ?? ''), ...rows];
}
