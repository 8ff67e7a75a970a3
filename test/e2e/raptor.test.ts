// Routers that speak Raptor with one another, in processes of their own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineRouter,
  generateRaptorKeys,
  HyperRoute,
  lb,
  memory,
  offerCodes,
  otherwise,
  pool,
  raptor,
  raw,
  route,
} from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { raptorServer } from '../helpers/raptor-server.js';
import { eventually, freePort, numbered } from '../helpers/router-lines.js';
import { Tap } from '../helpers/tap.js';

const server = generateRaptorKeys();
const client = generateRaptorKeys();

const listener = (kind: 'echo' | 'slow', options: object = {}) =>
  raptorServer(kind, { keys: server.privateKey, ...options });

interface Dialled {
  readonly router: HyperRoute;
  readonly received: Buffer[];
}

/** A router of this process: `app` sends to the listener, and gets what comes from there. */
async function dial(port: number, options: object = {}): Promise<Dialled> {
  const queue = { bytes: 1 << 20, full: 'block' } as const;
  const app = memory('app', { ringBytes: 1 << 20, queue });
  const given = { keys: client.privateKey, serverKey: server.publicKey, queue, ...options };
  const remote = raptor.connect('server', { host: '127.0.0.1', port, ...given });
  const router = await HyperRoute.start(
    defineRouter({
      endpoints: [app, remote],
      routes: [
        route.first(raw, () => [otherwise.to(remote)], { from: app }),
        route.first(raw, () => [otherwise.to(app)], { from: remote }),
      ],
    }),
  );
  onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
  const received: Buffer[] = [];
  router.memory('app').subscribe((batch) => {
    while (batch.next()) received.push(Buffer.from(batch.copy()));
  });
  return { router, received };
}

function connectionOf(router: HyperRoute) {
  return router.endpoints().find(({ name }) => name === 'server')?.connection;
}

function stateOf(router: HyperRoute) {
  return router.health().find(({ name }) => name === 'server')?.state;
}

async function send(router: HyperRoute, messages: readonly Buffer[]): Promise<void> {
  const app = router.memory('app');
  for (const message of messages) {
    while (app.offer(message) === offerCodes.BACK_PRESSURE) await sleep(0);
  }
}

function sizes(count: number, bytesOf: (at: number) => number): Buffer[] {
  return Array.from({ length: count }, (_none, at) => numbered(at, bytesOf(at)));
}

describe('two routers', () => {
  it('exchange every message in order, whatever its size', async () => {
    // What comes faster than it goes back waits: a full queue would refuse it else.
    const queue = { bytes: 1 << 20, full: 'block' };
    const [, port] = await listener('echo', { allow: [client.publicKey], queue });
    const { router, received } = await dial(port);
    const messages = [
      ...sizes(20_000, (at) => 8 + (at % 200)),
      ...sizes(50, (at) => 1000 + at * 5000),
    ];
    await send(router, messages);
    await eventually('every answer', () => received.length === messages.length);
    const differing = messages.findIndex((message, at) => !received[at]?.equals(message));
    expect(differing).toBe(-1);
    expect(connectionOf(router)).toEqual({ state: 'connected', reason: 'none' });
    const { endpoints } = router.metrics();
    expect(endpoints.server).toMatchObject({ tx_messages: messages.length, connections: 1 });
  });

  it.each([
    ['encrypt what they say', {}, false],
    ['say it to everybody with insecure: true', { insecure: true }, true],
  ])('%s', async (_name, options, isReadable) => {
    const open = 'insecure' in options ? { ...options, keys: undefined } : options;
    const [, port] = await listener('echo', open);
    const tap = await Tap.open(port);
    const given = isReadable ? { ...open, serverKey: undefined } : {};
    const { router, received } = await dial(tap.port, given);
    const secret = Buffer.from('the cat is on the roof, and everybody may know');
    await send(router, [secret]);
    await eventually('the answer', () => received.length === 1);
    expect(received[0]).toEqual(secret);
    const isSeen = tap.seen.some(({ bytes }) => Buffer.from(bytes).includes('on the roof'));
    expect(isSeen).toBe(isReadable);
  });

  it('end a session gracefully: what was routed arrives before the router has closed', async () => {
    const [child, port] = await listener('slow');
    const { router } = await dial(port);
    await eventually('a session', () => connectionOf(router)?.state === 'connected');
    const messages = sizes(500, () => 100);
    await send(router, messages);
    router.memory('app').flush();
    const taken = child.ask('take 500');
    await router.close();
    expect((await taken).numbers).toEqual(messages.map((_message, at) => at));
  });
});

describe('an inline router', () => {
  it('keeps its session over a pause that would end one of workers', async () => {
    const [, port] = await listener('echo');
    const app = memory('app', { mode: 'poll' });
    const keys = { keys: client.privateKey, serverKey: server.publicKey };
    const remote = raptor.connect('server', { host: '127.0.0.1', port, ...keys });
    const router = await HyperRoute.start(
      defineRouter({
        endpoints: [app, remote],
        threading: 'inline',
        routes: [
          route.first(raw, () => [otherwise.to(remote)], { from: app }),
          route.first(raw, () => [otherwise.to(app)], { from: remote }),
        ],
      }),
    );
    onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
    await eventually('a session', () => {
      router.poll();
      return connectionOf(router)?.state === 'connected';
    });
    let received = 0;
    const end = router.memory('app');
    const echo = async (count: number) => {
      end.offer(numbered(count, 64));
      end.flush();
      await eventually('the answer', () => {
        router.poll();
        end.poll((batch) => {
          while (batch.next()) received += 1;
        });
        return received === count;
      });
    };
    await echo(1);
    await sleep(700);
    await echo(2);
    expect(router.metrics().endpoints.server).toMatchObject({ connections_opened: 1 });
  });
});

describe('a server that is killed', () => {
  it('comes back, and the route of its client goes on', async () => {
    const port = await freePort();
    const [first] = await listener('echo', { port });
    const { router, received } = await dial(port, { reconnect: { minMs: 10, maxMs: 100 } });
    await send(
      router,
      sizes(100, () => 64),
    );
    await eventually('the first answers', () => received.length === 100);
    await first.kill();
    await eventually('the death to be seen', () => connectionOf(router)?.state === 'connecting');
    expect(connectionOf(router)?.reason).toMatch(/^(peer-dead|no-answer)$/);
    await eventually('control to know', () => stateOf(router) === 'down');
    // Sent while nobody is there: it waits.
    await send(router, [numbered(1000, 64)]);
    const [second] = await listener('echo', { port });
    await eventually('the answer of the second', () => received.length === 101);
    expect(received[100]).toEqual(numbered(1000, 64));
    await send(
      router,
      sizes(100, () => 64),
    );
    await eventually('further answers', () => received.length === 201);
    expect(connectionOf(router)).toEqual({ state: 'connected', reason: 'none' });
    await second.ask('close');
    await eventually('the end to be seen', () => connectionOf(router)?.state === 'connecting');
  });
});

describe('a pool', () => {
  it('leaves out a member whose server has died', async () => {
    const port = await freePort();
    const [child] = await listener('echo', { port });
    const [app, spare] = [memory('app'), memory('spare')];
    const keys = { keys: client.privateKey, serverKey: server.publicKey };
    const remote = raptor.connect('server', { host: '127.0.0.1', port, ...keys });
    const both = pool('both', [remote, spare], lb.failover());
    const router = await HyperRoute.start(
      defineRouter({
        endpoints: [app, spare, remote],
        routes: [
          route.first(raw, () => [otherwise.to(both)], { from: app }),
          route.first(raw, () => [otherwise.to(app)], { from: remote }),
        ],
      }),
    );
    onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
    const received = { app: 0, spare: 0 };
    for (const name of ['app', 'spare'] as const) {
      router.memory(name).subscribe((batch) => {
        while (batch.next()) received[name] += 1;
      });
    }
    await eventually('a session', () => connectionOf(router)?.state === 'connected');
    await send(
      router,
      sizes(10, () => 64),
    );
    await eventually('its answers', () => received.app === 10);
    expect(received.spare).toBe(0);
    await child.kill();
    await eventually('the death to be seen', () => connectionOf(router)?.state === 'connecting');
    await send(
      router,
      sizes(10, () => 64),
    );
    await eventually('the other member to get them', () => received.spare === 10);
  });
});

describe('a receiver that takes nothing', () => {
  it('holds its sender up, and loses nothing', async () => {
    const [child, port] = await listener('slow');
    const { router } = await dial(port, {
      queue: { bytes: 1 << 16, full: 'block' },
      maxMessageBytes: 4096,
    });
    await eventually('a session', () => connectionOf(router)?.state === 'connected');
    const app = router.memory('app');
    let sent = 0;
    let quietMs = performance.now();
    // Until nothing has moved for a while.
    while (performance.now() - quietMs < 500 && sent < 100_000) {
      if (app.offer(numbered(sent, 500)) === offerCodes.BACK_PRESSURE) {
        await sleep(1);
        continue;
      }
      sent += 1;
      quietMs = performance.now();
    }
    // Rings, queues and windows on the way hold a few megabytes together, and no more.
    expect(sent).toBeGreaterThan(500);
    expect(sent).toBeLessThan(20_000);
    expect(connectionOf(router)?.state).toBe('connected');
    const { numbers } = await child.ask(`take ${sent}`);
    expect(numbers).toEqual(Array.from({ length: sent }, (_none, at) => at));
  });
});

describe('a wrong key', () => {
  it('of the client is refused, and the client says why', async () => {
    const [, port] = await listener('echo', { allow: [generateRaptorKeys().publicKey] });
    const { router } = await dial(port);
    await eventually('the refusal', () => connectionOf(router)?.reason === 'key-not-allowed');
    expect(connectionOf(router)?.state).toBe('connecting');
    expect(router.metrics().endpoints.server).toMatchObject({ connections_opened: 0 });
  });

  it('of the server gets no answer, and the client says so', async () => {
    const [, port] = await listener('echo');
    const { router } = await dial(port, { serverKey: generateRaptorKeys().publicKey });
    await eventually('the time-out', () => connectionOf(router)?.reason === 'no-answer');
    expect(connectionOf(router)?.state).toBe('connecting');
    expect(stateOf(router)).toBe('down');
  });
});

describe('an update', () => {
  it('changes who may connect without ending a session', async () => {
    const config = (allow: readonly string[]) => {
      const listen = raptor.listen('in', { port: 0, keys: server.privateKey, allow });
      const app = memory('app', { mode: 'poll' });
      const routes = [route.first(raw, () => [otherwise.to(app)])];
      return defineRouter({ endpoints: [listen, app], routes });
    };
    const router = await HyperRoute.start(config([client.publicKey]));
    onTestFinished(() => router.close({ drainTimeoutMs: 0 }));
    const address = router.endpoints().find(({ name }) => name === 'in')?.address;
    const port = Number(address?.split(':').at(-1));
    const known = await dial(port);
    await eventually('a session', () => connectionOf(known.router)?.state === 'connected');
    const other = generateRaptorKeys();
    expect(await router.update(config([other.publicKey]))).toMatchObject({ changed: ['in'] });
    const newcomer = await dial(port, { keys: other.privateKey });
    await eventually('a session', () => connectionOf(newcomer.router)?.state === 'connected');
    expect(connectionOf(known.router)?.state).toBe('connected');
    await known.router.close();
    const late = await dial(port);
    await eventually('the refusal', () => connectionOf(late.router)?.reason === 'key-not-allowed');
  });
});

describe('hyperroute keys', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'hyperroute-keys-'));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };

  it('makes a file that a listener starts with, and says its public key', async () => {
    const file = join(folder(), 'server.key');
    const made = await hyperroute(['keys', 'generate', file]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^raptor-public-[\w-]{43}\n$/);
    expect((await hyperroute(['keys', 'public', file])).stdout).toBe(made.stdout);
    const [, port] = await listener('echo', { keys: undefined, keyFile: file });
    const { router } = await dial(port, { serverKey: made.stdout.trim() });
    await eventually('a session', () => connectionOf(router)?.state === 'connected');
  });

  it('never writes over a file, and says what is wrong', async () => {
    const file = join(folder(), 'server.key');
    await hyperroute(['keys', 'generate', file]);
    const again = await hyperroute(['keys', 'generate', file]);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('ERR_SYSTEM');
    const none = await hyperroute(['keys', 'public', '/dev/null']);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('ERR_CONFIG');
    expect((await hyperroute(['keys', 'forget'])).code).toBe(2);
    expect((await hyperroute(['keys', 'generate', ''])).code).toBe(2);
  });

  it('prints both halves without a file', async () => {
    const { stdout } = await hyperroute(['keys', 'generate', '--json']);
    const made = JSON.parse(stdout) as Record<string, string>;
    expect(made.publicKey).toMatch(/^raptor-public-/);
    expect(made.privateKey).toMatch(/^raptor-private-/);
  });
});
