// What a run of the benches shows to people: the table and the HTML report.
import { describe, expect, it } from 'vitest';
import { ratiosOf, resultsOf } from '../../../bench/harness/figures.js';
import { htmlReport } from '../../../bench/harness/html.js';
import { formatReport } from '../../../bench/harness/table.js';
import { type BenchReport, percentileLevels, type Round } from '../../../bench/harness/types.js';

const rounds: Round[] = [
  ...['ours', 'bare <1>'].map((subject, index) => ({
    case: 'echo & back',
    subject,
    unit: 'ns',
    n: 1000,
    values: percentileLevels.map((level) => 800 * (2 - index) + level * 10),
  })),
  { case: 'one way', subject: 'ours', unit: 'msg/s', n: 5, rate: 12_345_678 },
];

const report: BenchReport = {
  bench: 'sample',
  commit: '0123456789ab',
  host: {
    cpu: 'Some CPU',
    cores: 2,
    cpus: [0, 1],
    governor: 'performance',
    isolated: '',
    virtualised: true,
    clocksource: 'tsc',
    memoryBytes: 1 << 30,
    kernel: '6.1.0',
    node: 'v20.17.0',
    loadAverage: 0.25,
  },
  results: resultsOf(rounds),
  ratios: ratiosOf(rounds, [
    { case: 'echo & back', against: 'bare <1>', target: 1.3, better: 'lower' },
  ]),
};

describe('the table', () => {
  it('shows every figure with its unit, and how each target came out', () => {
    const text = formatReport(report);
    expect(text).toMatch(/^echo & back\s+ours\s+2\.10 µs\s+2\.50 µs\s+2\.59 µs/m);
    expect(text).toMatch(/^one way\s+ours\s+12\.35 M\/s\s+5$/m);
    expect(text).toContain('echo & back: p50 1.62 × bare <1> (target ≤ 1.3: missed)');
    expect(text).toContain('Some CPU, 2 cores');
    expect(text).not.toContain('bytes');
  });

  it('shows limits in the unit of what they limit', () => {
    const ratios = ratiosOf(rounds, [
      { case: 'echo & back', against: 'limit', target: 3000, better: 'lower', figure: 'p99' },
    ]);
    const text = formatReport({ ...report, ratios });
    expect(text).toContain('echo & back: p99 2.59 µs (target ≤ 3.00 µs: holds)');
  });

  it('has columns for what was counted only where something was', () => {
    const counted = rounds.map((one) => ({ ...one, allocations: 0 }));
    const withCounts = { ...report, results: resultsOf(counted) };
    expect(formatReport(withCounts)).toMatch(/ n {2}allocations$/m);
    expect(formatReport(withCounts)).toMatch(/^one way .* 5 +0$/m);
    expect(htmlReport([{ report: withCounts, rounds }])).toContain('<th>allocations</th>');
  });
});

describe('the HTML report', () => {
  const page = htmlReport([{ report, rounds }]);

  it('is one page that loads nothing', () => {
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/i);
    expect(page).not.toMatch(/https?:/);
  });

  it('plots the percentiles of every subject of a case and the rates', () => {
    expect(page.match(/<polyline/g)).toHaveLength(2);
    expect(page.match(/<rect class="bar"/g)).toHaveLength(1);
    const points = [...page.matchAll(/points="([^"]*)"/g)].map(([, list]) => list?.split(' '));
    for (const line of points) {
      expect(line).toHaveLength(percentileLevels.length - 1);
      for (const point of line ?? []) expect(point).toMatch(/^\d+\.\d,\d+\.\d$/);
    }
  });

  it('shows names as text, whatever is in them', () => {
    expect(page).toContain('bare &lt;1&gt;');
    expect(page).toContain('echo &amp; back');
    expect(page).not.toContain('bare <1>');
  });
});
