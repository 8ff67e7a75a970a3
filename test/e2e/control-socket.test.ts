// The control socket: who may ask, what it does with what is no request, and what is left of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defineRouter, discard, HyperRoute, memory, otherwise, raw, route } from 'hyperroute';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const cleanups: (() => unknown)[] = [];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-control-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(path: string): Promise<HyperRoute> {
  const config = defineRouter({
    name: 'controlled',
    endpoints: [memory('app')],
    routes: [route.first(raw, () => [otherwise.to(discard)])],
  });
  const router = await HyperRoute.start(config, { controlPath: path });
  cleanups.push(() => router.close());
  return router;
}

interface Answer {
  readonly id?: unknown;
  readonly ok: boolean;
  readonly result?: { readonly name?: string };
  readonly error?: { readonly code: string };
}

/** A client that sends text as it is and reads answers line by line. */
class Client {
  readonly socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly closed: Promise<unknown>;

  constructor(path: string) {
    this.socket = connect(path);
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => undefined);
    this.#lines = createInterface({ input: this.socket })[Symbol.asyncIterator]();
    cleanups.push(() => this.socket.destroy());
  }

  async ask(text: string): Promise<Answer> {
    this.socket.write(text);
    return this.next();
  }

  async next(): Promise<Answer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('no answer');
    return JSON.parse(value) as Answer;
  }
}

describe('a control socket', () => {
  it('is there for its user alone, and gone with the router', async () => {
    const path = join(folder, 'a.control');
    const router = await start(path);
    expect(router.controlPath).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = new Client(path);
    expect(await client.ask('{"op":"status","id":7}\n')).toMatchObject({
      id: 7,
      ok: true,
      result: { name: 'controlled', pid: process.pid },
    });
    await router.close();
    await client.closed;
    expect(existsSync(path)).toBe(false);
  });

  it('answers requests in the order of one client, however their bytes arrive', async () => {
    const path = join(folder, 'a.control');
    await start(path);
    const client = new Client(path);
    client.socket.write('{"op":"status","id":1}\n{"op":"nothing","id":2}\n\n{"op":"st');
    expect(await client.next()).toMatchObject({ id: 1, ok: true });
    expect(await client.next()).toMatchObject({ id: 2, ok: false, error: { code: 'ERR_CONFIG' } });
    expect(await client.ask('atus","id":3}\n')).toMatchObject({ id: 3, ok: true });
  });

  it('answers what is no request with a code', async () => {
    const path = join(folder, 'a.control');
    await start(path);
    const client = new Client(path);
    for (const line of ['{', 'null', '[]', '7', '{}', '{"op":"toString"}', '{"op":"drain"}']) {
      const answer = await client.ask(`${line}\n`);
      expect(answer, line).toMatchObject({ ok: false, error: { code: 'ERR_CONFIG' } });
    }
    expect(await client.ask('{"op":"reload"}\n')).toMatchObject({ error: { code: 'ERR_STATE' } });
    expect(await client.ask('{"op":"add","pool":"p","member":5}\n')).toMatchObject({
      error: { code: 'ERR_CONFIG' },
    });
  });

  it('lets a client go that sends a line without end, and serves the others', async () => {
    const path = join(folder, 'a.control');
    await start(path);
    const [long, other] = [new Client(path), new Client(path)];
    long.socket.write('x'.repeat(70_000));
    await long.closed;
    expect(await other.ask('{"op":"status"}\n')).toMatchObject({ ok: true });
  });

  it('takes a bounded number of clients', async () => {
    const path = join(folder, 'a.control');
    await start(path);
    const clients = Array.from({ length: 16 }, () => new Client(path));
    for (const client of clients) {
      expect(await client.ask('{"op":"status"}\n')).toMatchObject({ ok: true });
    }
    await new Client(path).closed;
    clients[0]?.socket.destroy();
    await clients[0]?.closed;
    await expect
      .poll(() => new Client(path).ask('{"op":"status"}\n').catch(() => null))
      .toMatchObject({ ok: true });
  });

  it('takes the place of what a dead process left, and of nothing else', async () => {
    const path = join(folder, 'a.control');
    const child = spawn(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(path)},
        () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    await once(child, 'close');
    expect(existsSync(path)).toBe(true);
    const router = await start(path);
    await expect(start(path)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' });
    expect(await new Client(path).ask('{"op":"status"}\n')).toMatchObject({ ok: true });
    await router.close();
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    await expect(start(file)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' });
    expect(statSync(file).size).toBe(4);
    await expect(start(join(folder, 'x'.repeat(120)))).rejects.toMatchObject({
      code: 'ERR_ADDRESS_INVALID',
    });
    await expect(start(join(folder, 'no', 'folder'))).rejects.toMatchObject({
      code: 'ERR_SYSTEM',
    });
  });

  it('leaves a socket alone that another process serves', async () => {
    const path = join(folder, 'a.control');
    const server = createServer().listen(path);
    await once(server, 'listening');
    cleanups.push(() => server.close());
    await expect(start(path)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' });
    expect(existsSync(path)).toBe(true);
  });

  it.skipIf(process.geteuid?.() !== 0)('lets other users go without a word', async () => {
    const path = join(folder, 'a.control');
    await start(path);
    // Even where the file's mode would let them in.
    chmodSync(folder, 0o777);
    chmodSync(path, 0o777);
    const script = `
      const socket = require('node:net').connect(${JSON.stringify(path)});
      let text = '';
      socket.on('data', (bytes) => { text += bytes; });
      socket.on('error', () => {});
      let connected = false;
      socket.on('connect', () => {
        connected = true;
        socket.write('{"op":"status"}\\n');
      });
      socket.on('close', () => console.log(JSON.stringify({ connected, text })));
    `;
    const ask = async (uid: number): Promise<string> => {
      const child = spawn(process.execPath, ['-e', script], { uid });
      let out = '';
      child.stdout.on('data', (bytes) => {
        out += bytes;
      });
      await once(child, 'close');
      return out;
    };
    expect(JSON.parse(await ask(65_534))).toEqual({ connected: true, text: '' });
  });
});
