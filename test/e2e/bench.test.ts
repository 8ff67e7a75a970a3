// The bench command as its users run it, with short rounds: the shape of what it prints, not how
// fast anything is.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowedCpus } from '../../bench/harness/cpus.js';
import type { BenchReport, Ratio } from '../../bench/harness/types.js';
import { ensureBuilt } from '../../scripts/ensure-built.mjs';

const root = join(import.meta.dirname, '../..');
const runTimeoutMs = 120_000;

/** Every target that the benches must report on. */
const targets = [
  ['ring', 'ping-pong 8 B', 'shared-memory ping-pong', 1.2],
  ['udp-rtt', 'round trip 32 B', 'raw UDP ping-pong', 1.3],
  ['udp-rtt', 'round trip 64 B', 'raw UDP ping-pong', 1.3],
  ['js-boundary', 'publish 5 fields, batches of 16', 'limit', 15],
] as const;

function bench(...args: string[]) {
  const main = join(root, 'dist/cli/main.js');
  const result = spawnSync(process.execPath, [main, 'bench', ...args], {
    encoding: 'utf8',
    timeout: runTimeoutMs,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

describe('hyperroute bench', () => {
  beforeAll(() => {
    expect(ensureBuilt(['bench'])).toBe(true);
  }, 300_000);

  it('lists the benches and names them when asked for another one', () => {
    const list = JSON.parse(bench('--list', '--json').out) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual([...new Set(targets.map(([name]) => name))]);
    const wrong = bench('nothing');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toContain('ring, udp-rtt, js-boundary');
  });

  it('refuses CPUs that cannot be had', () => {
    const wrong = bench('ring', '--cpus', '0,4000');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(/--cpus: CPU 4000 is not among the allowed ones/);
  });

  it('prints one JSON value with a ratio for every target, and writes the page', {
    timeout: runTimeoutMs,
  }, (context) => {
    if (allowedCpus().length < 2) context.skip('two CPUs are needed');
    const folder = mkdtempSync(join(tmpdir(), 'hyperroute-bench-'));
    try {
      const page = join(folder, 'bench.html');
      const { code, out, err } = bench('--quick', '--json', '--report', page);
      expect(code, err + out).toBe(0);
      const reports = JSON.parse(out) as BenchReport[];
      for (const report of reports) checkReport(report);
      const found = reports.flatMap((report) =>
        report.ratios.map((ratio) => [report.bench, ratio.case, ratio.against, ratio.target]),
      );
      expect(found).toEqual(targets);
      const html = readFileSync(page, 'utf8');
      for (const [, name] of targets) expect(html).toContain(name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function checkReport({ commit, host, results, ratios }: BenchReport): void {
  expect(commit).toMatch(/^([0-9a-f]{12}\+?|v\d+\.\d+\.\d+)$/);
  expect(host.cpu).not.toBe('');
  expect(host.cpus).toHaveLength(2);
  expect(results.find(({ case: name }) => name === 'clock')?.p50).toBeGreaterThan(0);
  for (const { n, p50, p90, p99, p999, max, rate } of results) {
    expect(n).toBeGreaterThan(0);
    if (rate !== undefined) expect(rate).toBeGreaterThan(0);
    else expect([p50, p90, p99, p999, max].every(Number.isFinite)).toBe(true);
    const ascending = [p50, p90, p99, p999, max].filter((value) => value !== undefined);
    expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
  }
  for (const ratio of ratios) checkRatio(ratio);
}

function checkRatio({ value, target, better, holds }: Ratio): void {
  expect(value).toBeGreaterThan(0);
  expect(holds).toBe(better === 'lower' ? value <= target : value >= target);
}
