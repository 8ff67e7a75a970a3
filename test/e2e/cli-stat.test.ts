// `stat` against counters files of routers that live, die and close while it watches.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hyperroute, main, Running } from '../helpers/cli.js';
import { countersFileBytes } from '../helpers/counters-file.js';

const folder = `/dev/shm/hyperroute-${process.geteuid?.() ?? 0}`;
const name = `stat-test-${process.pid}`;
const path = join(folder, `${name}.counters`);
let owner: ChildProcess | undefined;

function counters(rx: bigint, flags = 0): Buffer {
  return countersFileBytes({
    name,
    pid: process.pid,
    flags,
    startedMs: Date.now() - 65_000,
    counters: [
      { label: 'endpoint/clients/rx_messages', value: rx },
      { label: 'endpoint/clients/tx_messages', value: 40n },
      { label: 'endpoint/clients/kernel_drops', value: 3n },
      { label: 'endpoint/clients/rx_oversize', value: 0n },
      { label: 'route/NewOrder/messages', value: 1_234_567n },
      { label: 'route/NewOrder/latency', type: 3, unit: 3, value: { 20: 99n, 500: 1n } },
      { label: 'reject/NOTIONAL/messages', value: 12n },
      { label: 'reject/NO_ROUTE/messages', value: 0n },
    ],
  });
}

/** Holds the lock that a running router holds, in another process. */
async function own(): Promise<ChildProcess> {
  const child = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo locked; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await ended;
  }
}

beforeEach(async () => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, counters(1000n));
  owner = await own();
});

afterEach(async () => {
  if (owner !== undefined) await end(owner);
  rmSync(path, { force: true });
});

describe('stat', () => {
  it('lists routers with their state', async () => {
    const { code, stdout } = await hyperroute(['stat']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${name} +running +${process.pid} +1m \\ds +${path}$`, 'm'));
  });

  it('lists them as JSON', async () => {
    const { stdout } = await hyperroute(['stat', '--json']);
    const { routers } = JSON.parse(stdout) as { routers: { name: string }[] };
    expect(routers.find((router) => router.name === name)).toEqual({
      name,
      pid: process.pid,
      state: 'running',
      path,
      uptimeSeconds: expect.any(Number),
    });
  });

  it.each([name, path])('shows one router once where there is no terminal: %s', async (which) => {
    const { code, stdout, stderr } = await hyperroute(['stat', which]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^${name} {2}pid ${process.pid} {2}running {2}up 1m `));
    expect(stdout).toMatch(/^clients +- +1,000 +- +40$/m);
    expect(stdout).toMatch(/^ {2}clients: kernel_drops 3$/m);
    expect(stdout).toMatch(/^NewOrder messages +- +1,234,567$/m);
    expect(stdout).toMatch(/^NOTIONAL +- +12$/m);
    expect(stdout).not.toContain('NO_ROUTE');
    expect(stdout).toMatch(
      /^NewOrder +100 +20 ns +20 ns +20 ns +8[\d.]+ µs +8[\d.]+ µs$|^NewOrder +100 +20 ns/m,
    );
  });

  it('gives totals, rates and percentiles as JSON, a line for each interval', async () => {
    const stat = new Running(['stat', name, '--json', '--interval', '200', '--count', '2']);
    const first = await stat.next();
    expect(first).toMatchObject({ name, state: 'running', path, intervalSeconds: null });
    expect(first).toHaveProperty('endpoints.clients.rx_messages', { total: 1000, perSecond: null });
    expect(first).toHaveProperty('rejects.NOTIONAL.total', 12);
    expect(first).toHaveProperty('latency.NewOrder.count', 100);
    expect(first).toHaveProperty('latency.NewOrder.p99Ns', 20);
    writeFileSync(path, counters(3000n), { flag: 'r+' });
    const second = await stat.next();
    expect(second).toHaveProperty('endpoints.clients.rx_messages.total', 3000);
    const seconds = second.intervalSeconds as number;
    expect(seconds).toBeGreaterThan(0.1);
    expect(second).toHaveProperty('endpoints.clients.rx_messages.perSecond', 2000 / seconds);
    expect(await stat.ended()).toBe(0);
  });

  it('says that a router died without closing, and fails', async () => {
    if (owner !== undefined) await end(owner);
    const { code, stdout, stderr } = await hyperroute(['stat', name]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/ dead$/m);
    expect(stderr).toMatch(/died without closing its counters; these are its last numbers/);
  });

  it('shows the last numbers of a router that closes while it watches', async () => {
    const stat = new Running(['stat', name, '--json', '--interval', '100']);
    await stat.next();
    writeFileSync(path, counters(7777n, 1), { flag: 'r+' });
    rmSync(path);
    let last = await stat.next();
    while (last.state === 'running') last = await stat.next();
    expect(last).toMatchObject({ state: 'closed' });
    expect(last).toHaveProperty('endpoints.clients.rx_messages.total', 7777);
    expect(await stat.ended()).toBe(0);
  });

  it('redraws one table on a terminal', async () => {
    // script(1) gives the command a terminal; what it prints there comes back through a pipe.
    const command = `${process.execPath} ${main} stat ${name} --interval 20 --count 3`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm' },
    });
    const ended = once(child, 'close');
    const shown = await text(child.stdout);
    expect((await ended)[0]).toBe(0);
    const home = `${String.fromCharCode(27)}[H`;
    expect(shown.split(home)).toHaveLength(4);
    expect(shown.split(home)[3]).toContain('1,234,567');
  });

  it('ends with 0 when it is interrupted', async () => {
    const stat = new Running(['stat', name, '--json', '--interval', '50']);
    await stat.next();
    stat.signal('SIGINT');
    expect(await stat.ended()).toBe(0);
  });

  it('reports a router that does not run, and a file that is none of its', async () => {
    const missing = await hyperroute(['stat', 'no-such-router']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(
      /ERR_NOT_FOUND no router keeps its counters in .*no-such-router/,
    );
    const other = await hyperroute(['stat', '/etc/hostname', '--json']);
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout)).toMatchObject({ ok: false, error: { code: 'ERR_STATE' } });
  });
});
