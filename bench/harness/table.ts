// The table that a run prints without --json.
import type { BenchReport, BenchResult, Ratio } from './types.js';

const figures = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
const counts = ['bytes', 'allocations'] as const;
type CountName = (typeof counts)[number];

/** The counted figures that any of the results has; a bench that counts nothing has no columns. */
export function countsOf(results: readonly BenchResult[]): CountName[] {
  return counts.filter((name) => results.some((result) => result[name] !== undefined));
}

/** One bench as lines of text, aligned in columns. */
export function formatReport(report: BenchReport): string {
  const { host } = report;
  const head = [
    `${report.bench}   commit ${report.commit}   ${host.cpu}, ${host.cores} cores`,
    `kernel ${host.kernel}   node ${host.node}   CPUs ${host.cpus.join(',')}   ` +
      `governor ${host.governor}   isolated ${host.isolated === '' ? 'none' : host.isolated}   ` +
      `load ${host.loadAverage.toFixed(1)}`,
  ];
  const counted = countsOf(report.results);
  const heads = figures.map((name) => (name === 'p999' ? 'p99.9' : name));
  const rows = [
    ['case', 'subject', ...heads, 'rate', 'n', ...counted],
    ...report.results.map((result) => rowOf(result, counted)),
  ];
  return [...head, '', ...aligned(rows), '', ...report.ratios.map(formatRatio), ''].join('\n');
}

function rowOf(result: BenchResult, counted: readonly CountName[]): string[] {
  const cells = figures.map((name) => {
    const value = result[name];
    return value === undefined ? '' : formatFigure(value, result.unit);
  });
  const rate = result.rate === undefined ? '' : `${formatCount(result.rate)}/s`;
  const more = counted.map((name) => String(result[name] ?? ''));
  return [result.case, result.subject, ...cells, rate, formatCount(result.n), ...more];
}

export function formatRatio(ratio: Ratio): string {
  const sign = ratio.better === 'lower' ? '≤' : '≥';
  const verdict = ratio.holds ? 'holds' : 'missed';
  const { unit = '', figure } = ratio;
  const [value, target] =
    ratio.against === 'limit'
      ? [formatFigure(ratio.value, unit), formatFigure(ratio.target, unit)]
      : [`${ratio.value.toFixed(2)} × ${ratio.against}`, String(ratio.target)];
  const name = figure === 'p999' ? 'p99.9' : figure;
  return `${ratio.case}: ${name} ${value} (target ${sign} ${target}: ${verdict})`;
}

/** A figure with a unit that suits its size. */
export function formatFigure(value: number, unit: string): string {
  if (unit !== 'ns') return `${value} ${unit}`;
  if (value < 1_000) return `${value.toFixed(1)} ns`;
  if (value < 1_000_000) return `${(value / 1_000).toFixed(2)} µs`;
  return `${(value / 1_000_000).toFixed(2)} ms`;
}

export function formatCount(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(2)} M`;
  if (value >= 10_000) return `${(value / 1_000).toFixed(0)} k`;
  return String(value);
}

/** Columns padded to their widest cell; the first two are words, the others numbers. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
