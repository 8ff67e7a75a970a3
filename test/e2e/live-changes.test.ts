// Live operations: members come, go and get other weights while messages flow; whatever cannot be
// done changes nothing.
import {
  defineRouter,
  HyperRoute,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  type RouterOptions,
  raw,
  route,
  udp,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, numbered, offerAll, range, UdpRecorder } from '../helpers/router-lines.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function recorders(count: number): Promise<readonly UdpRecorder[]> {
  const made = await Promise.all(range(count).map(() => UdpRecorder.open()));
  for (const one of made) cleanups.push(() => one.close());
  return made;
}

const names = ['a', 'b', 'c', 'd', 'e'];

interface Shape {
  readonly members: readonly string[];
  readonly settings?: Pick<RouterOptions, 'threading'>;
}

/** app → a pool of udp destinations. */
function configOf(hosts: readonly UdpRecorder[], { members, settings }: Shape): RouterIr {
  const app = memory('app');
  const venues = members.map((name) => {
    const { port = 0 } = hosts[names.indexOf(name)] ?? {};
    return udp(name, { port: 0, remote: { host: '127.0.0.1', port } });
  });
  return defineRouter({
    name: 'live',
    drainTimeoutMs: 1000,
    endpoints: [app, ...venues],
    routes: [
      route.first(raw, () => [otherwise.to(pool('venues', venues, lb.roundRobin()))], {
        from: app,
      }),
    ],
    ...settings,
  });
}

async function start(ir: RouterIr): Promise<HyperRoute> {
  const router = await HyperRoute.start(ir);
  cleanups.push(() => router.close({ drainTimeoutMs: 100 }));
  return router;
}

let sent = 0;

async function send(router: HyperRoute, count: number): Promise<void> {
  await offerAll(
    router.memory('app'),
    range(count).map((index) => numbered(sent + index)),
  );
  sent += count;
}

function arrivals(hosts: readonly UdpRecorder[]): number[] {
  return hosts.map(({ messages }) => messages.length);
}

function total(hosts: readonly UdpRecorder[]): number {
  return arrivals(hosts).reduce((sum, count) => sum + count, 0);
}

async function arrived(hosts: readonly UdpRecorder[], count: number): Promise<void> {
  await eventually(`${count} messages`, () => total(hosts) >= count);
}

describe('a running router', () => {
  it('gives a pool a new member like one that it has, and takes it away again', async () => {
    const hosts = await recorders(3);
    const router = await start(configOf(hosts, { members: ['a', 'b'] }));
    await send(router, 10);
    await arrived(hosts, 10);
    const remote = { host: '127.0.0.1', port: hosts[2]?.port ?? 0 };
    const report = await router.addMember('venues', { endpoint: 'c', like: 'a', remote });
    expect(report).toMatchObject({
      added: ['c'],
      kept: ['app', 'a', 'b'],
      pools: [{ pool: 'venues', change: 'changed', added: ['c'] }],
    });
    expect(report.movedShareMax).toBeCloseTo(1 / 3);
    await send(router, 30);
    await arrived(hosts, 40);
    expect(arrivals(hosts)).toEqual([15, 15, 10]);
    await router.removeMember('venues', 'b');
    expect(router.endpoints().map(({ name }) => name)).toEqual(['app', 'a', 'c']);
    await send(router, 10);
    await arrived(hosts, 50);
    expect(arrivals(hosts)).toEqual([20, 15, 15]);
    expect(router.pools()).toEqual([
      {
        name: 'venues',
        strategy: 'round-robin',
        members: ['a', 'c'].map((endpoint) => ({ endpoint, weight: 1, drained: false })),
      },
    ]);
  });

  it('refuses what cannot be, with a code, and goes on as before', async () => {
    const hosts = await recorders(2);
    const router = await start(configOf(hosts, { members: ['a'] }));
    const before = router.status();
    const remote = { host: '127.0.0.1', port: 9 };
    const refusals: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['ERR_NOT_FOUND', () => router.addMember('nowhere', 'a')],
      ['ERR_NOT_FOUND', () => router.addMember('venues', 'nobody')],
      [
        'ERR_NOT_FOUND',
        () => router.addMember('venues', { endpoint: 'x', like: 'nobody', remote }),
      ],
      ['ERR_STATE', () => router.addMember('venues', 'a')],
      ['ERR_STATE', () => router.addMember('venues', { endpoint: 'app', like: 'a', remote })],
      ['ERR_CONFIG', () => router.addMember('venues', { endpoint: 'x', like: 'a' })],
      ['ERR_CONFIG', () => router.addMember('venues', { endpoint: 'a b', like: 'a', remote })],
      ['ERR_CONFIG', () => router.addMember('venues', { endpoint: 'x', weight: 0 })],
      [
        'ERR_CONFIG',
        () =>
          router.addMember('venues', {
            endpoint: 'x',
            like: 'a',
            remote: { host: '::1', port: 9 },
          }),
      ],
      ['ERR_CONFIG', () => router.addMember('venues', { wrong: 1 } as never)],
      ['ERR_STATE', () => router.removeMember('venues', 'a')],
      ['ERR_NOT_FOUND', () => router.removeMember('venues', 'app')],
      ['ERR_NOT_FOUND', () => router.reweight('venues', { app: 2 })],
      ['ERR_CONFIG', () => router.reweight('venues', { a: 0.5 })],
      ['ERR_CONFIG', () => router.reweight('venues', {})],
      ['ERR_STATE', () => router.reload()],
      ['ERR_NOT_FOUND', () => router.drain('nobody')],
    ];
    for (const [code, refused] of refusals) {
      await expect(refused(), String(refused)).rejects.toMatchObject({ code });
    }
    expect(router.status()).toEqual(before);
    await send(router, 5);
    await arrived(hosts, 5);
  });

  it('refuses an update that moves more than it may, and says what one would move', async () => {
    const hosts = await recorders(4);
    const router = await start(configOf(hosts, { members: ['a', 'b'] }));
    const next = configOf(hosts, { members: ['a', 'b', 'c', 'd'] });
    expect(await router.plan(next)).toMatchObject({ added: ['c', 'd'], movedShareMax: 0.5 });
    await expect(router.update(next, { maxMoved: 0.4 })).rejects.toMatchObject({
      code: 'ERR_MOVED_LIMIT',
      message: expect.stringContaining("50 % of the keys of pool 'venues'"),
    });
    await expect(router.update(next, { maxMoved: 2 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    });
    expect(router.endpoints()).toHaveLength(3);
    expect(await router.update(next, { maxMoved: 0.5 })).toEqual(
      expect.objectContaining({ added: ['c', 'd'], movedShareMax: 0.5 }),
    );
  });

  it('calls an endpoint changed that only has other limits', async () => {
    const app = memory('app');
    const limited = (rate: number): RouterIr => {
      const out = udp('out', { port: 0, remote: { host: '127.0.0.1', port: 9 }, limit: { rate } });
      const routes = [route.first(raw, () => [otherwise.to(out)], { from: app })];
      return defineRouter({ endpoints: [app, out], routes });
    };
    const router = await start(limited(10));
    expect(await router.update(limited(10))).toMatchObject({ changed: [], kept: ['app', 'out'] });
    expect(await router.update(limited(20))).toMatchObject({ changed: ['out'], kept: ['app'] });
  });

  it('plans what it then does, without opening anything', async () => {
    const hosts = await recorders(3);
    const router = await start(configOf(hosts, { members: ['a', 'b'] }));
    const [one, two] = [hosts[1], hosts[2]];
    const swapped = [hosts[0], two, one].filter((host) => host !== undefined);
    const next = configOf(swapped, { members: ['a', 'b', 'c'] });
    const plan = await router.plan(next);
    expect(router.endpoints()).toHaveLength(3);
    expect(plan).toMatchObject({ added: ['c'] });
    expect(await router.update(next)).toEqual(plan);
  });

  it('gives a drained member nothing until it is undrained, through updates too', async () => {
    const hosts = await recorders(3);
    const router = await start(configOf(hosts, { members: ['a', 'b', 'c'] }));
    await send(router, 9);
    await arrived(hosts, 9);
    expect(await router.drain('b')).toEqual({ endpoint: 'b', flushed: true });
    await send(router, 10);
    await arrived(hosts, 19);
    expect(arrivals(hosts)).toEqual([8, 3, 8]);
    await router.update(configOf(hosts, { members: ['a', 'b', 'c'] }));
    await send(router, 10);
    await arrived(hosts, 29);
    expect(hosts[1]?.messages).toHaveLength(3);
    expect(router.status().endpoints.filter(({ drained }) => drained)).toEqual([
      expect.objectContaining({ name: 'b' }),
    ]);
    await router.undrain('b');
    await eventually('messages for b', () => {
      void send(router, 3);
      return (hosts[1]?.messages.length ?? 0) > 3;
    });
  });

  it('gives a drained member nothing where an update moves it either, under load', async () => {
    const hosts = await recorders(3);
    const [a, b, c] = hosts;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three hosts');
    const members = ['a', 'b'];
    const router = await start(configOf([a, b], { members }));
    await router.drain('b');
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        await send(router, 200);
        await new Promise<void>((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (let moves = 0; moves < 10; moves++) {
      await router.update(configOf([a, moves % 2 === 0 ? c : b], { members }));
    }
    isOver = true;
    await load;
    await eventually('messages for the other', () => a.messages.length > 0);
    expect([b.messages.length, c.messages.length]).toEqual([0, 0]);
  });

  it('makes changes one after another, whatever becomes of each', async () => {
    const hosts = await recorders(5);
    const router = await start(configOf(hosts, { members: ['a'] }));
    const added = names.slice(1).map((endpoint, index) =>
      router.addMember('venues', {
        endpoint,
        like: 'a',
        remote: { host: '127.0.0.1', port: hosts[index + 1]?.port ?? 0 },
      }),
    );
    const refused = router.addMember('venues', 'b');
    const removed = router.removeMember('venues', 'a');
    await Promise.all(added);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_STATE' });
    await removed;
    expect(router.endpoints().map(({ name }) => name)).toEqual(['app', 'b', 'c', 'd', 'e']);
    await send(router, 20);
    await arrived(hosts, 20);
    expect(arrivals(hosts)).toEqual([0, 5, 5, 5, 5]);
  });

  it('reads the answers of a member that leaves', async () => {
    const [venue, other] = await recorders(2);
    const remote = (port = 0) => ({ port: 0, remote: { host: '127.0.0.1', port } });
    const one = udp('one', remote(venue?.port));
    const two = udp('two', remote(other?.port));
    const app = memory('app');
    const router = await start(
      defineRouter({
        drainTimeoutMs: 5000,
        endpoints: [app, one, two],
        routes: [
          route.first(raw, () => [otherwise.to(pool('venues', [one, two], lb.roundRobin()))], {
            from: app,
            name: 'out',
          }),
          route.first(raw, () => [otherwise.to(app)], { from: [one, two], name: 'back' }),
        ],
      }),
    );
    const answers: number[] = [];
    router.memory('app').subscribe((batch) => {
      while (batch.next()) answers.push(batch.copy()[0] ?? 0);
    });
    const from = Number(router.endpoints()[1]?.address?.split(':').at(-1));
    const removed = router.removeMember('venues', 'one');
    for (let number = 0; number < 20; number++) {
      venue?.send(Uint8Array.of(number), from);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await eventually('twenty answers', () => answers.length === 20);
    await removed;
    expect(answers).toEqual(range(20));
    expect(router.endpoints().map(({ name }) => name)).toEqual(['app', 'two']);
  });
});
