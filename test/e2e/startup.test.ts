// Starts that must fail: the error says what is wrong, the exit code is 1, and nothing was opened
// or left behind.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { main } from '../helpers/cli.js';
import { endAll, needs, netcat, patienceMs } from '../helpers/foreign-programs.js';
import {
  type Failure,
  failedStart,
  importLines,
  startRouter,
  writeConfig,
} from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';

afterEach(endAll);

const udpAt = (name: string, port: number) => `udp('${name}', { port: ${port} })`;
const tcpAt = (name: string, port: number) =>
  `tcp.listen('${name}', { port: ${port}, framing: framing.fixed(8) })`;

/** Endpoints in this order, and a route that echoes. */
function echoing(endpoints: readonly string[], more = ''): string {
  return `export default defineRouter({ endpoints: [${endpoints.join(', ')}], ${more}
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`;
}

describe('a port that is in use', () => {
  it('of Python: named with its endpoint, the one before it closed again', async (c) => {
    needs(c, 'python3');
    const python = new Python();
    const taken = await python.listen('127.0.0.1');
    const free = await python.listen('127.0.0.1');
    await free.close();
    const path = writeConfig(echoing([tcpAt('one', free.port), tcpAt('two', taken.port)]));
    expect(await failedStart(path)).toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      message: expect.stringMatching(`^endpoint 'two': .*127.0.0.1:${taken.port}`),
    });
    const again = await python.listen('127.0.0.1', free.port);
    expect(again.port).toBe(free.port);
  });

  it('of netcat: a udp port is refused as well', async (c) => {
    needs(c, 'nc', 'python3');
    const place = await new Python().udp('127.0.0.1');
    await place.close();
    const nc = netcat('-v', '-u', '-l', '127.0.0.1', String(place.port));
    await expect.poll(() => nc.stderr, { timeout: patienceMs }).toContain('Bound');
    expect(await failedStart(writeConfig(echoing([udpAt('one', place.port)])))).toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${place.port}`),
    });
  });

  it('of another router: the one that runs does not notice', async (c) => {
    needs(c, 'python3');
    const router = await startRouter(echoing([udpAt('one', 0)]));
    const text = echoing([udpAt('other', 0), udpAt('same', router.port('one'))]);
    expect((await failedStart(writeConfig(text))).code).toBe('ERR_ADDRESS_IN_USE');
    const socket = await new Python().udp('127.0.0.1');
    await socket.send(router.port('one'), 'still there');
    expect(await socket.texts(1)).toEqual(['still there']);
  });
});

describe('a start that the system refuses', () => {
  it('for an address that this host does not have', async () => {
    const endpoint = `udp('one', { host: '203.0.113.7', port: 0, exposed: true })`;
    expect(await failedStart(writeConfig(echoing([endpoint])))).toMatchObject({
      code: 'ERR_ADDRESS_INVALID',
      message: expect.stringContaining('203.0.113.7:0'),
    });
  });

  it('for lack of permission', ({ skip }) => {
    const lowest = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
    skip(Number(readFileSync(lowest, 'utf8')) <= 1, 'port 1 needs no permission here');
    const path = writeConfig(echoing([udpAt('one', 1)]));
    // Nothing is refused to root, so the router runs as somebody else.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) spawnSync('chmod', ['-R', 'a+rX', dirname(path)]);
    const somebody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const options = { ...somebody, encoding: 'utf8', cwd: '/' } as const;
    const probe = spawnSync(process.execPath, [main, '--help'], options);
    skip(probe.status !== 0, 'another user may not read this checkout');
    const { status, stdout } = spawnSync(process.execPath, [main, 'run', path, '--json'], options);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      event: 'failed',
      error: { code: 'ERR_PERMISSION', message: expect.stringContaining('127.0.0.1:1:') },
    });
  });

  it.each([
    ['the one worker', 'cpu: 4000'],
    ['a worker of a map', `threading: { workers: [{ name: 'w', endpoints: [one], cpu: 4000 }] }`],
  ])('for a CPU that does not exist, of %s', async (_, option) => {
    const text = `const one = ${udpAt('one', 0)};\n${echoing(['one'], `${option},`)}`;
    expect(await failedStart(writeConfig(text))).toMatchObject({
      code: 'ERR_CPU_UNAVAILABLE',
      message: expect.stringContaining('4000'),
    });
  });
});

describe('an endpoint that is meant to be reachable', () => {
  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ])('binds %s when `exposed` says so', async (host, reached) => {
    const router = await startRouter(
      echoing([`udp('open', { host: '${host}', port: 0, exposed: true })`]),
    );
    const socket = await new Python().udp(reached);
    await socket.send(router.port('open'), 'hello');
    expect(await socket.texts(1)).toEqual(['hello']);
  });
});

describe('a file that cannot be loaded', () => {
  it('because there is none', async () => {
    const path = join(dirname(writeConfig('')), 'nothing.config.ts');
    const { code, message } = await failedStart(path);
    expect(code).toBe('ERR_CONFIG_LOAD');
    expect(message).toContain(path);
  });

  it('because it exports no router', async () => {
    const path = writeConfig(`export const router = 1;`);
    const { code, message } = await failedStart(path);
    expect(code).toBe('ERR_CONFIG_LOAD');
    expect(message).toContain('export default');
    expect(message).toContain(path);
  });

  it.each([
    ['a syntax error', `const port = ;`, 14, 'SyntaxError'],
    ['an exception', `   throw new Error('no venues today');`, 10, 'no venues today'],
    ['an unknown name', `  tpc.listen('a', {});`, 3, 'tpc is not defined'],
  ])('because of %s, at its place', async (_, line, column, said) => {
    const path = writeConfig(`const before: number = 1;\n${line}`);
    const { code, message, place } = (await failedStart(path)) as Failure;
    expect(code).toBe('ERR_CONFIG_LOAD');
    expect(place).toEqual({ file: path, line: importLines + 2, column });
    expect(message).toContain(`${path}:${importLines + 2}:${column}: `);
    expect(message).toContain(said);
  });
});
