// `run` as an operator meets it: start, signals, reloads good and bad, and starts that must fail
// whole.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Event, hyperroute, Running } from '../helpers/cli.js';

/** How long a poll may take on a machine that is busy with other tests. */
const patience = { timeout: 20_000 };
/** Ends the name of every router here, so that two runs of these tests never meet. */
const own = `-${process.pid}`;
const countersFolder = `/dev/shm/hyperroute-${process.geteuid?.() ?? 0}`;
let folder = '';
const running: Running[] = [];
const sockets: Socket[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-run-'));
});

afterEach(async () => {
  for (const process of running.splice(0)) await process.kill();
  for (const socket of sockets.splice(0)) socket.close();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  // Routers that were killed leave their counters behind.
  const left = readdirSync(countersFolder).filter((name) => name.endsWith(`${own}.counters`));
  for (const name of left) rmSync(join(countersFolder, name));
});

function start(...args: string[]): Running {
  const process = new Running(['run', ...args]);
  running.push(process);
  return process;
}

interface Config {
  readonly endpoints?: readonly string[];
  readonly port?: number;
  readonly more?: string;
}

/** A configuration that echoes on every endpoint. Replaces the file whole, as editors do. */
function config(name: string, { endpoints = ['echo'], port = 0, more = '' }: Config = {}): string {
  const path = join(folder, `${name}.config.ts`);
  const lines = [
    `import { defineRouter, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';`,
    `const ports: Readonly<Record<string, number>> = { echo: ${port} };`,
    `const endpoints = ${JSON.stringify(endpoints)}.map((name: string) =>`,
    `  udp(name, { host: '127.0.0.1', port: ports[name] ?? 0 }));`,
    `export default defineRouter({ name: '${name}${own}', endpoints, ${more}`,
    `  routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`,
  ];
  writeFileSync(`${path}.new`, lines.join('\n'));
  renameSync(`${path}.new`, path);
  return path;
}

/** A UDP socket on loopback. */
async function udpSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** What comes back from a router's endpoint for a datagram. */
async function echo(socket: Socket, port: number, text: string): Promise<string> {
  const answer = once(socket, 'message');
  socket.send(text, port, '127.0.0.1');
  const [bytes] = (await answer) as [Buffer];
  return bytes.toString();
}

function portOf(event: Event, name = 'echo'): number {
  const endpoints = event.endpoints as readonly { name: string; address: string }[];
  const address = endpoints.find((endpoint) => endpoint.name === name)?.address ?? '';
  return Number(address.split(':').at(-1));
}

describe('a start', () => {
  it('says where the endpoints are bound, routes, and ends with 0 on SIGTERM', async () => {
    const path = config('start');
    const router = start(path, '--json');
    const started = await router.next();
    expect(started).toEqual({
      event: 'started',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      pid: router.pid,
      file: path,
      name: `start${own}`,
      controlPath: null,
      countersPath: `${countersFolder}/start${own}.counters`,
      endpoints: [
        { name: 'echo', kind: 'udp', address: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) },
      ],
    });
    expect(await echo(await udpSocket(), portOf(started), 'ping')).toBe('ping');
    router.signal('SIGTERM');
    expect(await router.next()).toMatchObject({ event: 'stopped' });
    expect(await router.ended()).toBe(0);
  });

  it('takes another name for the router and its counters', async () => {
    const router = start(config('named'), '--json', '--name', `other${own}`);
    expect(await router.next()).toMatchObject({
      name: `other${own}`,
      countersPath: `${countersFolder}/other${own}.counters`,
    });
    const { stdout } = await hyperroute(['stat', `other${own}`, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ name: `other${own}`, pid: router.pid });
  });

  it('prints text without --json', async () => {
    const router = start(config('text'));
    const lines: string[] = [];
    router.child.stdout?.on('data', (text: Buffer) => lines.push(text.toString()));
    await expect.poll(() => lines.join(''), patience).toMatch(/counters {7}\/dev/);
    expect(lines.join('')).toMatch(/^text-\d+ is running {2}pid \d+\n/);
    expect(lines.join('')).toMatch(/^ +echo +udp +127\.0\.0\.1:\d+$/m);
  });

  it('counts what it routes where stat can read it', async () => {
    const router = start(config('counted'), '--json');
    const port = portOf(await router.next());
    const socket = await udpSocket();
    for (let index = 0; index < 10; index++) await echo(socket, port, `message ${index}`);
    const { code, stdout } = await hyperroute(['stat', `counted${own}`, '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Event;
    expect(report).toMatchObject({ state: 'running', pid: router.pid });
    expect(report).toHaveProperty('endpoints.echo.rx_messages.total', 10);
    expect(report).toHaveProperty('endpoints.echo.tx_messages.total', 10);
  });
});

describe('a start that cannot be', () => {
  it('fails with the place of the mistake', async () => {
    const path = config('wrong', { more: `drainTimeoutMs: 'long',` });
    const { code, stdout } = await hyperroute(['run', path, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      event: 'failed',
      error: { code: 'ERR_CONFIG', place: { file: path, line: 5 } },
    });
  });

  it('fails when a port is in use, and leaves nothing behind', async () => {
    const socket = await udpSocket();
    const { port } = socket.address();
    const path = config('in-use', { endpoints: ['first', 'echo'], port });
    const { code, stderr, stdout } = await hyperroute(['run', path]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^ERR_ADDRESS_IN_USE /);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    const { stdout: list } = await hyperroute(['stat', '--json']);
    expect(list).not.toContain(`in-use${own}`);
  });

  it('fails when a CPU does not exist', async () => {
    const path = config('no-cpu', { more: `cpu: 1000,` });
    const { code, stderr } = await hyperroute(['run', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_CPU_UNAVAILABLE .*1000/);
  });

  it('ends with 0 when it is interrupted while the configuration still loads', async () => {
    const path = join(folder, 'slow.config.ts');
    const mark = join(folder, 'loading');
    writeFileSync(
      path,
      `import { writeFileSync } from 'node:fs';
       writeFileSync('${mark}', ''); for (;;) {}`,
    );
    const router = start(path, '--json');
    await expect.poll(() => existsSync(mark), patience).toBe(true);
    router.signal('SIGINT');
    expect(await router.ended()).toBe(0);
    expect(router.events).toEqual([]);
  });
});

describe('a second signal', () => {
  it('ends the process at once while it still drains', async () => {
    const path = join(folder, 'drain.config.ts');
    writeFileSync(
      path,
      `import { defineRouter, framing, otherwise, raw, returnTo, route, source, tcp }
         from 'hyperroute';
       const echo = tcp.listen('echo', { host: '127.0.0.1', port: 0, maxFrameBytes: 8192,
         framing: framing.delimiter('\\n'), queue: { bytes: 1 << 20, full: 'block' } });
       export default defineRouter({ name: 'drain${own}', endpoints: [echo], drainTimeoutMs: 60_000,
         routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`,
    );
    const router = start(path, '--json');
    const client = connect(portOf(await router.next()), '127.0.0.1').pause();
    client.on('error', () => {});
    await once(client, 'connect');
    // More than all buffers in between hold, so that something is left to drain.
    client.write(`${'x'.repeat(4095)}\n`.repeat(8192));
    await sleep(500);
    router.signal('SIGTERM');
    await sleep(500);
    expect(router.child.exitCode).toBeNull();
    router.signal('SIGTERM');
    expect(await router.ended()).toBe(1);
    client.destroy();
  });
});

describe('SIGHUP', () => {
  it('loads the file again: new endpoints open, old ones keep their sockets', async () => {
    const router = start(config('reload'), '--json');
    const port = portOf(await router.next());
    const socket = await udpSocket();
    config('reload', { endpoints: ['echo', 'second'] });
    router.signal('SIGHUP');
    const reloaded = await router.next();
    expect(reloaded).toMatchObject({
      event: 'reloaded',
      name: `reload${own}`,
      changes: { added: ['second'], removed: [], moved: [], changed: [], kept: ['echo'] },
    });
    expect(portOf(reloaded)).toBe(port);
    expect(await echo(socket, port, 'old')).toBe('old');
    expect(await echo(socket, portOf(reloaded, 'second'), 'new')).toBe('new');
  });

  it('with a file that is wrong shows the place and leaves everything running', async () => {
    const path = config('keep');
    const router = start(path, '--json');
    const port = portOf(await router.next());
    writeFileSync(path, `export default 7 as number;\nenum Side { Buy }`);
    router.signal('SIGHUP');
    expect(await router.next()).toMatchObject({
      event: 'reload-failed',
      error: { code: 'ERR_CONFIG_LOAD', place: { file: path, line: 2, column: 1 } },
    });
    expect(await echo(await udpSocket(), port, 'still here')).toBe('still here');
    config('keep');
    router.signal('SIGHUP');
    expect(await router.next()).toMatchObject({ event: 'reloaded' });
  });

  it('with an address in use keeps the running configuration', async () => {
    const taken = await udpSocket();
    const router = start(config('busy'), '--json');
    const port = portOf(await router.next());
    config('busy', { port: taken.address().port });
    router.signal('SIGHUP');
    expect(await router.next()).toMatchObject({
      event: 'reload-failed',
      error: { code: 'ERR_ADDRESS_IN_USE' },
    });
    expect(await echo(await udpSocket(), port, 'kept')).toBe('kept');
  });

  it('in numbers ends in the newest configuration', async () => {
    const router = start(config('storm'), '--json');
    await router.next();
    for (let turn = 1; turn <= 8; turn++) {
      config('storm', { endpoints: ['echo', `extra-${turn}`] });
      router.signal('SIGHUP');
    }
    let last = await router.next();
    while (!JSON.stringify(last).includes('extra-8')) last = await router.next();
    expect(last).toMatchObject({ event: 'reloaded' });
    router.signal('SIGINT');
    expect(await router.ended()).toBe(0);
  });
});
