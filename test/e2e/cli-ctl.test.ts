// `ctl` as an operator meets it: a router runs in a process of its own, and is changed.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Event, hyperroute, Running } from '../helpers/cli.js';

const cleanups: (() => unknown)[] = [];
let folder = '';
let control = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-ctl-'));
  control = join(folder, 'gateway.control');
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A venue that counts what it gets. */
class Venue {
  count = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', () => {
      this.count++;
    });
  }

  static async open(): Promise<Venue> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    cleanups.push(() => socket.close());
    return new Venue(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }
}

/** A configuration file that routes what comes in at `feed` to a pool. */
function config(venues: Readonly<Record<string, Venue>>): string {
  const path = join(folder, 'gateway.config.ts');
  const ports = Object.entries(venues).map(([name, { port }]) => [name, port]);
  const lines = [
    `import { defineRouter, lb, otherwise, pool, raw, route, udp } from 'hyperroute';`,
    `const feed = udp('feed', { port: 0 });`,
    `const venues = ${JSON.stringify(ports)}.map(([name, port]) =>`,
    `  udp(String(name), { port: 0, remote: { host: '127.0.0.1', port: Number(port) } }));`,
    `export default defineRouter({ name: 'ctl-test', endpoints: [feed, ...venues],`,
    `  drainTimeoutMs: 1000, routes: [route.first(raw, () =>`,
    `    [otherwise.to(pool('venues', venues, lb.roundRobin()))], { from: feed })] });`,
  ];
  writeFileSync(path, lines.join('\n'));
  return path;
}

interface Bound {
  readonly name: string;
  readonly address: string;
}

async function start(path: string): Promise<{ router: Running; send: () => Promise<void> }> {
  const counters = join(folder, 'gateway.counters');
  const router = new Running(['run', path, '--control', control, '--counters', counters, '--json']);
  cleanups.push(() => router.kill());
  const started = await router.next();
  expect(started).toMatchObject({ event: 'started', controlPath: control });
  const endpoints = started.endpoints as readonly Bound[];
  const address = endpoints.find(({ name }) => name === 'feed')?.address ?? '';
  const port = Number(address.split(':').at(-1));
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  /** Twelve messages, and the time that they need. */
  const send = async (): Promise<void> => {
    for (let sent = 0; sent < 12; sent++) socket.send('order', port, '127.0.0.1');
    await sleep(200);
  };
  return { router, send };
}

async function ctl(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await hyperroute(['ctl', control, ...words]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

async function refused(...words: string[]): Promise<Event> {
  const { code, stdout } = await hyperroute(['ctl', control, ...words, '--json']);
  expect(code).toBe(1);
  return JSON.parse(stdout) as Event;
}

describe('hyperroute ctl', { timeout: 60_000 }, () => {
  it('has no folder made for a socket that a path places', async () => {
    const path = config({ a: await Venue.open() });
    const nowhere = join(folder, 'none', 'x.control');
    const counters = join(folder, 'gateway.counters');
    const flags = ['--control', nowhere, '--counters', counters];
    const { code, stderr } = await hyperroute(['run', path, ...flags]);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_SYSTEM');
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('shows, drains, adds, removes and reloads, while messages flow', async () => {
    const [a, b, c] = await Promise.all([Venue.open(), Venue.open(), Venue.open()]);
    const path = config({ a, b });
    const { router, send } = await start(path);
    await send();
    expect([a.count, b.count, c.count]).toEqual([6, 6, 0]);
    expect(await ctl('status')).toMatch(/venues\s+round-robin\s+a\s+1\s+up\n\s+b\s+1\s+up/);

    const added = await ctl('add', 'venues', 'c', '--like', 'a', '--remote', `127.0.0.1:${c.port}`);
    expect(added).toContain('endpoints  added c');
    expect(added).toMatch(/pool {3}venues {2}changed {2}\+c {2}33.33 % of it moved/);
    await send();
    expect([a.count, b.count, c.count]).toEqual([10, 10, 4]);

    expect(await ctl('drain', 'a')).toBe(
      'a is drained: pools send it nothing; nothing is queued for it\n',
    );
    expect(await ctl('status')).toMatch(/\n\s*venues.+drained\n/);
    await send();
    expect([a.count, b.count, c.count]).toEqual([10, 16, 10]);
    expect(await ctl('undrain', 'a')).toContain('a is used by its pools again');
    await send();
    expect(a.count).toBe(14);

    expect(await ctl('remove', 'venues', 'b')).toContain('-b');
    const before = b.count;
    await send();
    expect(b.count).toBe(before);

    config({ a, b, c });
    const reloaded = JSON.parse(await ctl('reload', '--json')) as Event;
    expect(reloaded).toMatchObject({
      ok: true,
      result: { added: ['b'], kept: ['feed', 'a', 'c'] },
    });
    router.signal('SIGTERM');
    expect(await router.ended()).toBe(0);
    expect(await refused('status')).toMatchObject({ error: { code: 'ERR_NOT_FOUND' } });
  });

  it('says what the router refuses, with its code, and changes nothing', async () => {
    const [a, b] = await Promise.all([Venue.open(), Venue.open()]);
    await start(config({ a, b }));
    const status = await ctl('status', '--json');
    expect(await refused('drain', 'nobody')).toMatchObject({ error: { code: 'ERR_NOT_FOUND' } });
    expect(await refused('add', 'venues', 'a')).toMatchObject({ error: { code: 'ERR_STATE' } });
    expect(await refused('remove', 'venues', 'a', '--max-moved', '0.4')).toMatchObject({
      error: { code: 'ERR_MOVED_LIMIT' },
    });
    expect(await refused('reload', join(folder, 'none.ts'))).toMatchObject({
      error: { code: 'ERR_CONFIG_LOAD' },
    });
    writeFileSync(join(folder, 'gateway.config.ts'), 'export default 5;');
    expect(await refused('reload')).toMatchObject({
      error: { code: 'ERR_CONFIG_LOAD', place: { line: 1 } },
    });
    expect(await ctl('status', '--json')).toBe(status);
  });

  it('says what there is where it is asked for what there is not', async () => {
    const [a, b] = await Promise.all([Venue.open(), Venue.open()]);
    await start(config({ a, b }));
    const cases: readonly (readonly [words: string, message: string])[] = [
      ['drain nobody', "the router has no endpoint 'nobody'; it has feed, a, b"],
      ['remove pools a', "the router has no pool 'pools'; it has venues"],
      ['remove venues feed', "pool 'venues' has no member 'feed'; it has a, b"],
      ['remove venues nobody', "pool 'venues' has no member 'nobody'; it has a, b"],
      ['reweight venues c=2', "pool 'venues' has no member 'c'; it has a, b"],
      ['add venues c', 'it has feed, a, b; a new one needs `like` and `remote`'],
    ];
    for (const [words, message] of cases) {
      const { error } = (await refused(...words.split(' '))) as { error?: { message?: string } };
      expect(error?.message, words).toContain(message);
    }
    const none = await hyperroute(['ctl', join(folder, 'none.control'), 'status']);
    expect(none.stderr).toContain(
      `start the router with \`hyperroute run FILE --control ${folder}`,
    );
  });

  it('has the router report what was changed and refused, and how endpoints fare', async () => {
    const [a, b] = await Promise.all([Venue.open(), Venue.open()]);
    const { router } = await start(config({ a, b }));
    await ctl('drain', 'b');
    expect(await router.next()).toMatchObject({
      event: 'controlled',
      op: 'drain',
      request: { endpoint: 'b' },
      result: { endpoint: 'b', flushed: true },
    });
    expect(await router.next()).toMatchObject({
      event: 'health',
      endpoint: 'b',
      before: 'up',
      state: 'draining',
      reason: 'drained by command',
    });
    const { result } = JSON.parse(await ctl('status', '--json')) as { result: Event };
    expect(result.endpoints).toMatchObject([
      { name: 'feed', state: 'up', drained: false },
      { name: 'a', state: 'up', share: 1, reason: '' },
      { name: 'b', state: 'draining', share: 0, drained: true },
    ]);
    expect(await ctl('status')).toMatch(/\n {0,2}b .* draining +\d+s +drained by command\n/);
    await refused('remove', 'venues', 'c');
    expect(await router.next()).toMatchObject({
      event: 'refused',
      op: 'remove',
      request: { pool: 'venues', endpoint: 'c' },
      error: { code: 'ERR_NOT_FOUND' },
    });
    await ctl('remove', 'venues', 'b');
    expect(await router.next()).toMatchObject({
      event: 'controlled',
      op: 'remove',
      result: { pools: [{ pool: 'venues', removed: ['b'] }] },
    });
  });

  it('tells what it does not understand from what cannot be done', async () => {
    for (const words of [
      [],
      ['status', 'more'],
      ['fly'],
      ['drain'],
      ['add', 'venues'],
      ['add', 'venues', 'x', '--remote', 'nowhere'],
      ['add', 'venues', 'x', '--weight', '0'],
      ['reweight', 'venues', 'a'],
      ['remove', 'venues', 'a', '--max-moved', '7'],
    ]) {
      const { code } = await hyperroute(['ctl', control, ...words]);
      expect(code, words.join(' ')).toBe(2);
    }
    const { code, stderr } = await hyperroute(['ctl', control, 'status']);
    expect(code).toBe(1);
    expect(stderr).toContain('no router answers');
  });
});
