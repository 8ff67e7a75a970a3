// What `hyperroute stat` and `router.metrics()` tell of the sessions of running routers, and what
// pools do with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineRouter,
  HyperRoute,
  lb,
  memory,
  offerCodes,
  otherwise,
  pool,
  raptor,
  raw,
  route,
  type SessionRow,
} from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { RaptorEnds } from '../helpers/raptor-ends.js';
import { raptorServer } from '../helpers/raptor-server.js';
import { eventually, numbered } from '../helpers/router-lines.js';

/** Longer than a machine under load takes from a proxy. */
const patient = { liveness: '5s' };

function countersPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-stat-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'client.counters');
}

async function sessionsOf(path: string): Promise<readonly SessionRow[]> {
  const { code, stdout } = await hyperroute(['stat', path, '--json']);
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as { sessions: Record<string, readonly SessionRow[]> };
  return report.sessions.end ?? [];
}

const counted = ([row]: readonly SessionRow[], name: string): number => row?.counters[name] ?? 0;

describe('stat on a running router', () => {
  it('shows a session on a lossy path, and counts losses by what found them', async () => {
    const path = countersPath();
    const impairments = { loss: 0.05, delayMs: 1, reorder: 0.1 };
    const given = { shared: patient, impairments, countersPath: path };
    const ends = await RaptorEnds.start(given, onTestFinished);
    await ends.exchange(2000, 8, 2000);
    let rows = await sessionsOf(path);
    for (let tries = 0; tries < 50 && counted(rows, 'messagesReceived') < 2000; tries++) {
      rows = await sessionsOf(path);
    }
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      remote: `127.0.0.1:${ends.proxy.port}`,
      key: ends.serverKey,
      state: 'open',
      counters: { messagesSent: 2000, messagesReceived: 2000, forged: 0, unackedBytes: 0 },
    });
    expect(Math.abs(Date.now() - (rows[0]?.openedMs ?? 0))).toBeLessThan(600_000);
    const lost = counted(rows, 'lostByReorder') + counted(rows, 'lostByProbe');
    expect(lost, `seed ${ends.seed}`).toBeGreaterThan(0);
    for (const name of ['rttNs', 'rttNsMin', 'windowBytes', 'retransmits', 'reorderDepthMax']) {
      expect(counted(rows, name), name).toBeGreaterThan(0);
    }
    const { stdout } = await hyperroute(['stat', path]);
    expect(stdout).toMatch(/^session of +with +key +state +rtt +least +cwnd +in flight +waiting /m);
    expect(stdout).toMatch(
      new RegExp(`^end +127.0.0.1:${ends.proxy.port} +[\\w-]{8} +open +\\d`, 'm'),
    );
    expect(stdout).toMatch(/^ {2}end 127\.0\.0\.1:\d+: .*retransmits [\d,]+/m);
  });

  it('shows no session once its peer was killed, and what went with it', async () => {
    const path = countersPath();
    const ends = await RaptorEnds.start({ isDirect: true, countersPath: path }, onTestFinished);
    await ends.exchange(100, 8, 200);
    await ends.listener.kill();
    // The first that find no answer: they were taken before anybody knew.
    await ends.ask('send 100 8 200');
    await ends.ask('until connecting');
    expect(await sessionsOf(path)).toEqual([]);
    const after = (await ends.ask('state')).counters;
    const taken = (after.tx_messages ?? 0) - 100;
    expect(after.undeliverable).toBe(taken);
  });
});

describe('a pool that looks for the least loaded', () => {
  it('sends what a slow receiver does not take to others, and shows why', async () => {
    const [, port] = await raptorServer('slow', { insecure: true });
    const queue = { bytes: 1 << 18, full: 'reject' } as const;
    const [app, spare] = [memory('app'), memory('spare', { ringBytes: 1 << 20 })];
    const remote = raptor.connect('server', { host: '127.0.0.1', port, insecure: true, queue });
    const both = pool('both', [remote, spare], lb.leastLoaded());
    const router = await HyperRoute.start(
      defineRouter({
        endpoints: [app, spare, remote],
        routes: [route.first(raw, () => [otherwise.to(both)], { from: app })],
      }),
    );
    onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
    let received = 0;
    router.memory('spare').subscribe((batch) => {
      while (batch.next()) received += 1;
    });
    const isOpen = () => router.metrics().sessions.server?.length === 1;
    await eventually('a session', isOpen);
    const end = router.memory('app');
    const sent = 20_000;
    for (let at = 0; at < sent; at++) {
      while (end.offer(numbered(at, 500)) === offerCodes.BACK_PRESSURE) await sleep(0);
      // The other is read by this thread, too, and its ring holds 1 MiB.
      if (at % 500 === 0) await sleep(0);
    }
    end.flush();
    // The peer's window, its ring and the queue here hold about 1.5 MB of 10 MB.
    await eventually('the other to get most of them', () => received > sent / 2);
    const waiting = () => router.metrics().sessions.server?.[0]?.counters.waitingBytes ?? 0;
    await eventually('the reason to be shown', () => waiting() > 0);
    expect(router.metrics().sessions.server?.[0]).toMatchObject({ state: 'open', key: null });
  });
});
