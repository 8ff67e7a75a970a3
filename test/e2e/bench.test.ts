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
const runTimeoutMs = 480_000;

/** The codec bench is held against whichever of these is fastest in its run. */
const codecPeers = ['protobufjs', '@bufbuild/protobuf', 'msgpackr', 'avsc', 'flatbuffers', 'JSON'];
const anyPeer: unknown = expect.toBeOneOf(codecPeers.filter((name) => name !== 'JSON'));

/** Every target that the benches must report on. */
const targets = [
  ['ring', 'ping-pong 8 B', 'shared-memory ping-pong', 1.2],
  ['udp-rtt', 'round trip 32 B', 'raw UDP ping-pong', 1.3],
  ['udp-rtt', 'round trip 64 B', 'raw UDP ping-pong', 1.3],
  ['js-boundary', 'publish 5 fields, batches of 16', 'limit', 15],
  ['codec', 'NewOrder: encode', anyPeer, 4],
  ['codec', 'NewOrder: decode', anyPeer, 3],
  ['codec', 'NewOrder: read every field', anyPeer, 4],
  ['codec', 'Reading: encode', anyPeer, 4],
  ['codec', 'Reading: decode', anyPeer, 3],
  ['codec', 'Reading: read every field', anyPeer, 4],
  ['route', 'stateless: one at a time', 'limit', 50],
  ['route', 'stateless: one at a time', 'hand-written C++', 1.8],
  ['route', 'stateless: bursts of 32', 'hand-written C++', 1.5],
  ...['new order', 'report', 'replace', 'last report'].flatMap((step) => {
    const name = `10,000 open orders, ${step}: one at a time`;
    return [
      ['route', name, 'limit', 60],
      ['route', name, 'limit', 150],
      ['route', name, 'hand-written C++', 1.8],
    ] as const;
  }),
  ['raptor', 'round trip 32 B', 'raw UDP ping-pong', 1.25],
  ['raptor', 'round trip 32 B, 1 % loss', 'limit', 500_000],
  ['raptor', 'round trip 32 B from idle', 'raw UDP ping-pong', 1.3],
  ['raptor', 'JS round trip 32 B', 'node dgram', 0.7],
  ['raptor', 'JS round trip 32 B, polled', 'raw UDP ping-pong', 1.6],
  ...['C++ ends', 'JS ends', 'routers'].map(
    (ends) => ['raptor', `idle, ${ends}`, 'limit', 1] as const,
  ),
  ['raptor', 'resident beside Node, JS end', 'limit', 16 * 1024],
  ['raptor', 'resident beside Node, router', 'limit', 16 * 1024],
  ['raptor', 'memory of an idle session', 'limit', 64],
  ...[32, 288].flatMap((bytes) => [
    ['raptor', `stream ${bytes} B, 5 % loss`, 'without loss', 0.8] as const,
    ...[50, 80].map(
      (share) => ['raptor', `open loop ${bytes} B at ${share} %`, 'limit', 1_000_000] as const,
    ),
  ]),
] as const;

/** Those that want a peer which takes Java and the network to build. */
const targetsWithSbe = [
  ['codec', 'NewOrder in C++: encode', 'SBE', 1.2],
  ['codec', 'NewOrder in C++: checked decode', 'SBE', 1.2],
] as const;

/** Those that want Java and the network too, for Aeron. */
const targetsWithAeron = [32, 288].flatMap((bytes) =>
  ['1.46.7', '1.51.0'].map(
    (version) => ['raptor', `stream ${bytes} B`, `Aeron ${version}`, 2] as const,
  ),
);

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
    expect(wrong.err).toContain('ring, udp-rtt, js-boundary, codec, route, raptor');
  });

  it('refuses CPUs that cannot be had', () => {
    const wrong = bench('ring', '--cpus', '0,4000');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(/--cpus: CPU 4000 is not among the allowed ones/);
  });

  it('says which cases can be asked for, and which bench has none', () => {
    const none = bench('raptor', '--case', 'nothing');
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('--case: raptor has no case "nothing"; it has: round trip 32 B;');
    const whole = bench('ring', '--case', 'ping-pong');
    expect(whole).toMatchObject({ code: 2, out: '' });
    expect(whole.err).toContain('--case: the bench "ring" runs as a whole');
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
      const isSbeThere = reports.some(({ results }) =>
        results.some(({ subject }) => subject === 'SBE'),
      );
      if (!isSbeThere) expect(err).toContain('codec: no ratio against SBE');
      const isAeronThere = found.some(([, , against]) => String(against).startsWith('Aeron'));
      if (!isAeronThere) expect(err).toContain('raptor: the links go without Aeron');
      const wanted = [
        ...targets,
        ...(isSbeThere ? targetsWithSbe : []),
        ...(isAeronThere ? targetsWithAeron : []),
      ];
      const inOrder = (list: readonly unknown[]) => list.toSorted(byText);
      expect(inOrder(found)).toEqual(inOrder(wanted));
      checkCodec(reports.find(({ bench: name }) => name === 'codec'));
      checkRoute(reports.find(({ bench: name }) => name === 'route'));
      checkRaptor(reports.find(({ bench: name }) => name === 'raptor'));
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

function checkCodec(report: BenchReport | undefined): void {
  const results = report?.results.filter(({ case: name }) => name !== 'clock') ?? [];
  for (const peer of codecPeers) {
    expect(results.filter(({ subject }) => subject === peer)).toHaveLength(6);
  }
  expect(new Set(results.map(({ subject }) => subject))).toEqual(
    new Set([...codecPeers, 'ours', 'ours, array each', 'avsc, 53 bits', ...sbeOf(results)]),
  );
  for (const { bytes, p50 } of results) {
    expect(bytes).toBeGreaterThan(0);
    expect(p50).toBeGreaterThan(0);
  }
  const ours = results.filter(({ subject }) => subject === 'ours');
  const sizes = ours.filter(({ case: name }) => name.startsWith('NewOrder')).map((r) => r.bytes);
  expect(sizes).toEqual([104, 104, 104, 104, 104]);
  const counted = ours.filter(({ case: name }) => name.includes('C++'));
  expect(counted.map(({ allocations }) => allocations)).toEqual([0, 0]);
}

/** The native part has compared what the routers make of every message before it timed them. */
function checkRoute(report: BenchReport | undefined): void {
  const results = report?.results.filter(({ case: name }) => name !== 'clock') ?? [];
  const timed = results.filter(({ case: name }) => /one at a time|bursts of/.test(name));
  expect(timed.map(({ allocations }) => allocations)).toEqual(timed.map(() => 0));
  for (const { p50 } of results) expect(p50).toBeGreaterThan(0);
  const subjects = results
    .filter(({ case: name }) => name.startsWith('stateless'))
    .map(({ subject }) => subject);
  expect(subjects.toSorted()).toEqual(['hand-written C++', 'hand-written C++', 'ours', 'ours']);
  const orders = timed.filter(({ case: name }) => name.includes('open orders'));
  expect(orders).toHaveLength(16);
  for (const kind of ['exact', 'range', 'prefix', 'topic', 'overlapping']) {
    const ofKind = results.filter(({ case: name }) => name.includes(` ${kind} rules`));
    const sizes = new Set(ofKind.flatMap(({ bytes }) => bytes ?? []));
    expect(ofKind).toHaveLength(3 * sizes.size);
    expect(sizes.size).toBeGreaterThan(0);
  }
  const swaps = results.filter(({ case: name }) => /^(update|plan|round trip)/.test(name));
  expect(swaps.map(({ subject }) => subject).toSorted()).toEqual([
    'ours',
    'ours',
    'ours, left alone',
    'ours, planned alike',
    'ours, updated',
  ]);
}

/** Ends in JavaScript have their peers from npm; an open loop tells what it was offered. */
function checkRaptor(report: BenchReport | undefined): void {
  const results = report?.results ?? [];
  const subjectsOf = (wanted: string) =>
    results.filter(({ case: name }) => name === wanted).map(({ subject }) => subject);
  const peers = ['npm udx-native', 'npm zeromq', 'ours'];
  expect(subjectsOf('JS round trip 32 B').toSorted()).toEqual(['node dgram', ...peers]);
  for (const bytes of [32, 288]) {
    expect(subjectsOf(`JS stream ${bytes} B`).toSorted()).toEqual(peers);
    const name = `open loop ${bytes} B`;
    const rate = (which: string) =>
      results.find(({ case: one }) => one === `${name}${which}`)?.rate ?? Number.NaN;
    const most = rate(', as fast as it goes');
    expect(rate(' at 50 %') / most).toBeCloseTo(0.5);
    expect(rate(' at 80 %') / most).toBeCloseTo(0.8);
  }
  expect(subjectsOf('memory of an idle session')).toEqual(['ours', 'ours, rings']);
}

const byText = (one: unknown, other: unknown): number =>
  JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;

const sbeOf = (results: readonly { readonly subject: string }[]) =>
  results.some(({ subject }) => subject === 'SBE') ? ['SBE'] : [];

function checkRatio({ case: name, value, target, better, holds }: Ratio): void {
  // A process that sleeps may be charged nothing in rounds as short as these.
  if (name.startsWith('idle')) {
    expect(value).toBeGreaterThanOrEqual(0);
  } else {
    expect(value).toBeGreaterThan(0);
  }
  expect(holds).toBe(better === 'lower' ? value <= target : value >= target);
}
