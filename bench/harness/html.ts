// The HTML report: one self-contained page with the figures as tables and inline SVG plots. It
// loads nothing from anywhere.
import { groupRounds, mergedValues } from './figures.js';
import { barPlot, escapeHtml, percentilePlot, type Series } from './plot.js';
import { countsOf, formatCount, formatFigure, formatRatio } from './table.js';
import type { BenchReport, BenchResult, Round } from './types.js';

const style = `
:root { --page: #ffffff; --ink: #1d2733; --soft: #5d6b7a; --line: #d9dfe6; --panel: #f6f8fa;
  --good: #1a7f4b; --bad: #b3362b;
  --s0: #1f5fbf; --s1: #d9822b; --s2: #3a9466; --s3: #9256b0; --s4: #6b7785;
  --s5: #b3362b; --s6: #8a7a1f; --s7: #2a8fa3; --s8: #c0528f; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12171d; --ink: #e4e9ef; --soft: #98a5b3; --line: #2c3743; --panel: #1a212a;
    --good: #4fc389; --bad: #f0837a;
    --s0: #6ea8ff; --s1: #f2a65a; --s2: #6fcf97; --s3: #c79be0; --s4: #a5b1be;
    --s5: #f0837a; --s6: #d6c65c; --s7: #6fc8d8; --s8: #eb8fc0; } }
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 960px; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 4px; }
h3 { font-size: 15px; margin: 20px 0 4px; } .soft { color: var(--soft); font-size: 13px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13px;
  font-variant-numeric: tabular-nums; margin: 8px 0; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--line);
  white-space: nowrap; } th { color: var(--soft); font-weight: 500; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
ul { list-style: none; padding: 0; }
li { padding: 6px 10px; margin: 4px 0; background: var(--panel);
  border-left: 3px solid var(--good); } li.missed { border-color: var(--bad); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; }
svg .grid { stroke: var(--line); } svg .s0 { --c: var(--s0); } svg .s1 { --c: var(--s1); }
svg .s2 { --c: var(--s2); } svg .s3 { --c: var(--s3); } svg .s4 { --c: var(--s4); }
svg .s5 { --c: var(--s5); } svg .s6 { --c: var(--s6); } svg .s7 { --c: var(--s7); }
svg .s8 { --c: var(--s8); }
svg polyline { fill: none; stroke: var(--c); stroke-width: 2; } svg circle { fill: var(--c); }
svg rect.bar { fill: var(--c); } svg text.name { fill: var(--ink); }
`;

/** The page for a list of finished benches, as text. */
export function htmlReport(
  runs: readonly { readonly report: BenchReport; readonly rounds: readonly Round[] }[],
): string {
  const sections = runs.map(({ report, rounds }) => section(report, rounds)).join('\n');
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>hyperroute benches</title><style>${style}</style></head><body>`,
    '<h1>hyperroute benches</h1>',
    runs[0] === undefined ? '' : hostLine(runs[0].report),
    sections,
    '</body></html>\n',
  ].join('\n');
}

function hostLine({ commit, host }: BenchReport): string {
  const parts = [
    `commit ${commit}`,
    `${host.cpu}, ${host.cores} cores${host.virtualised ? ' (virtual machine)' : ''}`,
    `CPUs ${host.cpus.join(' and ')}`,
    `governor ${host.governor}`,
    `isolated ${host.isolated === '' ? 'none' : host.isolated}`,
    `clock ${host.clocksource}`,
    `kernel ${host.kernel}`,
    `Node ${host.node}`,
  ];
  return `<p class="soft">${parts.map(escapeHtml).join(' · ')}</p>`;
}

function section(report: BenchReport, rounds: readonly Round[]): string {
  const ratios = report.ratios.map(
    (ratio) =>
      `<li class="${ratio.holds ? 'holds' : 'missed'}">${escapeHtml(formatRatio(ratio))}</li>`,
  );
  const cases = [...new Set(report.results.map((result) => result.case))];
  return [
    `<h2>${escapeHtml(report.bench)}</h2>`,
    `<ul>${ratios.join('')}</ul>`,
    resultTable(report.results),
    ...cases.map((name) => latencyFigure(name, rounds)),
    rateFigure(report.results),
  ].join('\n');
}

function resultTable(results: readonly BenchResult[]): string {
  const counted = countsOf(results);
  const head = ['case', 'subject', 'p50', 'p90', 'p99', 'p99.9', 'max', 'rate', 'n', ...counted];
  const rows = results.map((result) => {
    const { p50, p90, p99, p999, max } = result;
    const figures = [p50, p90, p99, p999, max].map((value) =>
      value === undefined ? '' : formatFigure(value, result.unit),
    );
    const rate = result.rate === undefined ? '' : `${formatCount(result.rate)}/s`;
    const counts = [formatCount(result.n), ...counted.map((name) => String(result[name] ?? ''))];
    return row('td', [result.case, result.subject, ...figures, rate, ...counts]);
  });
  return `<div class="wide"><table>${row('th', head)}${rows.join('')}</table></div>`;
}

function row(tag: 'th' | 'td', cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
}

/** Latency by percentile, a line for each subject; nothing where the case has no latencies. */
function latencyFigure(name: string, rounds: readonly Round[]): string {
  const series = groupRounds(rounds.filter((round) => round.case === name)).flatMap(
    (group): Series[] => {
      const values = mergedValues(group);
      const [first] = group;
      return values === undefined || first === undefined
        ? []
        : [{ name: first.subject, unit: first.unit, values }];
    },
  );
  if (series.length < 2) return '';
  return `<h3>${escapeHtml(name)}: latency by percentile</h3>${percentilePlot(series)}`;
}

function rateFigure(results: readonly BenchResult[]): string {
  const bars = results.flatMap((result) =>
    result.rate === undefined
      ? []
      : [{ name: `${result.case}, ${result.subject}`, value: result.rate }],
  );
  if (bars.length === 0) return '';
  return `<h3>throughput, messages a second</h3>${barPlot(bars)}`;
}
