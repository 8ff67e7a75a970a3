// Why no session comes to be, as counted at both ends and shown by `stat`; and what an update of a
// router leaves of what it shows of sessions.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineRouter,
  generateRaptorKeys,
  HyperRoute,
  otherwise,
  type RaptorNode,
  type RaptorNodeOptions,
  type RaptorRemote,
  raptor,
  raw,
  returnTo,
  route,
  source,
} from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { eventually, freePort, portOf } from '../helpers/router-lines.js';

const server = generateRaptorKeys();
const friends = [generateRaptorKeys(), generateRaptorKeys()] as const;
const stranger = generateRaptorKeys();

type Options = Partial<Parameters<typeof raptor.listen>[1]>;

function listener(port: number, options: Options, others: readonly string[] = []) {
  const ends = ['in', ...others].map((name) =>
    raptor.listen(name, { port: name === 'in' ? port : 0, keys: server.privateKey, ...options }),
  );
  const routes = ends.map((from) =>
    route.first(raw, () => [otherwise.to(returnTo(source))], { from }),
  );
  return defineRouter({ endpoints: ends, routes });
}

async function started(config: Parameters<typeof HyperRoute.start>[0], countersPath?: string) {
  const router = await HyperRoute.start(config, countersPath === undefined ? {} : { countersPath });
  onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
  return router;
}

function countersFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-refusals-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'router.counters');
}

function asking(port: number, options: RaptorNodeOptions, remote: Partial<RaptorRemote> = {}) {
  const reconnect = { minMs: 20, maxMs: 50 };
  const serverKey = options.insecure ? {} : { serverKey: server.publicKey };
  const connect = { host: '127.0.0.1', port, reconnect, ...serverKey, ...remote };
  const node: RaptorNode = raptor.open({ ...options, connect });
  onTestFinished(() => node.close());
  return node;
}

describe('an attempt that makes no session', () => {
  const allow = friends.map(({ publicKey }) => publicKey);
  const [first, second] = [friends[0].privateKey, friends[1].privateKey] as const;
  const wrong = { serverKey: stranger.publicKey };
  const cases: [string, RaptorNodeOptions, Partial<RaptorRemote>, string, string | null][] = [
    ['for another key', { keys: second }, wrong, 'refused_wrong_key', null],
    [
      'of a key that is not allowed',
      { keys: stranger.privateKey },
      {},
      'refused_not_allowed',
      'refusedNotAllowed',
    ],
    ['without encryption', { insecure: true }, {}, 'refused_insecure', null],
    ['one too many', { keys: second }, {}, 'refused_busy', 'refusedBusy'],
  ];

  it.each(cases)('%s is counted by why, in stat as well', async (_, options, remote, at, told) => {
    const path = countersFile();
    const router = await started(listener(0, { allow, maxSessions: 1 }), path);
    await asking(portOf(router, 'in'), { keys: first }).connected();
    const node = asking(portOf(router, 'in'), options, remote);
    const shown = () => router.metrics().endpoints.in ?? {};
    await eventually('the listener to count it', () => (shown()[at] ?? 0) > 0);
    const others = Object.entries(shown()).filter(
      ([name, value]) => name.startsWith('refused_') && name !== at && value > 0,
    );
    expect(others).toEqual([]);
    const { stdout } = await hyperroute(['stat', path]);
    expect(stdout).toMatch(new RegExp(`^  in: .*\\b${at} [1-9]`, 'm'));
    if (told !== null) {
      const heard = () => node.counters()[told as keyof ReturnType<RaptorNode['counters']>];
      await eventually('the other end to have heard it', () => heard() > 0);
    }
  });

  it('is counted at a raptor.connect as what the listener said', async () => {
    const node = raptor.open({ keys: server.privateKey, listen: { allow } });
    onTestFinished(() => node.close());
    const out = raptor.connect('out', {
      host: '127.0.0.1',
      port: node.port,
      keys: stranger.privateKey,
      serverKey: server.publicKey,
    });
    const router = await started(
      defineRouter({
        endpoints: [out],
        routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: out })],
      }),
    );
    const shown = () => router.metrics().endpoints.out?.refused_not_allowed ?? 0;
    await eventually('its count', () => shown() > 0);
    expect(node.counters().refusedNotAllowed).toBeGreaterThan(0);
    expect(node.counters().refusedBusy).toBe(0);
  });
});

describe('an update of a router', () => {
  it('leaves sessions, their rows and what was refused as they are', async () => {
    const port = await freePort();
    const path = countersFile();
    const allow = [friends[0].publicKey];
    const router = await started(listener(port, { allow }, ['other']), path);
    const node = asking(port, { keys: friends[0].privateKey });
    const other = asking(portOf(router, 'other'), { keys: friends[0].privateKey });
    asking(port, { keys: stranger.privateKey });
    await Promise.all([node.connected(), other.connected()]);
    const publication = node.publication(0);
    const rowsOf = (name: string) => router.metrics().sessions[name] ?? [];
    const refused = () => router.metrics().endpoints.in?.refused_not_allowed ?? 0;
    publication.offer(Buffer.from('before'));
    const received = () => rowsOf('in')[0]?.counters.messagesReceived;
    await eventually('the message to be shown', () => received() === 1);
    await eventually('the refusal to be shown', () => refused() > 0);
    const [row] = rowsOf('in');
    const refusedBefore = refused();
    expect(rowsOf('other')).toHaveLength(1);

    // `other` goes; whoever was refused may come to `in`.
    allow.push(stranger.publicKey);
    const report = await router.update(listener(port, { allow }));
    expect(report).toMatchObject({ changed: ['in'], removed: ['other'] });
    expect(refused()).toBeGreaterThanOrEqual(refusedBefore);
    expect(rowsOf('in').find(({ key }) => key === row?.key)).toMatchObject({
      remote: row?.remote,
      openedMs: row?.openedMs,
      state: 'open',
    });
    await eventually('the rows of the other to go', () => rowsOf('other').length === 0);
    publication.offer(Buffer.from('after'));
    const again = () => rowsOf('in').find(({ key }) => key === row?.key);
    await eventually('the row to go on', () => again()?.counters.messagesReceived === 2);
  });
});
