// Times of the control socket: who is let go, and who waits for an answer.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlSocket } from '../../../../lib/router/control-socket.js';

const cleanups: (() => unknown)[] = [];
let path = '';
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-times-'));
  path = join(folder, 'a.control');
  cleanups.push(() => rmSync(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function open(
  handle: Parameters<typeof ControlSocket.open>[1],
  times: { readonly idleMs: number; readonly answerMsMax: number },
) {
  const socket = await ControlSocket.open(path, handle, times);
  cleanups.push(() => socket.close());
  const client = connect(path);
  cleanups.push(() => client.destroy());
  const lines = createInterface({ input: client })[Symbol.asyncIterator]();
  const ask = async (text: string): Promise<unknown> => {
    client.write(`${text}\n`);
    const { value, done } = await lines.next();
    return done === true ? 'let go' : JSON.parse(value);
  };
  return { client, ask };
}

describe('the times of a control socket', () => {
  it('let nobody go who waits for an answer, and whoever asks nothing afterwards', async () => {
    const work = () => later(400).then(() => 'done');
    const { client, ask } = await open(work, { idleMs: 100, answerMsMax: 10_000 });
    expect(await ask('{"id":1}')).toEqual({ id: 1, ok: true, result: 'done' });
    expect(await ask('{"id":2}')).toEqual({ id: 2, ok: true, result: 'done' });
    if (!client.closed) await once(client, 'close');
  });

  it('end the wait for an answer with a time-out, and leave the client there', async () => {
    let call = 0;
    const work = () => (++call === 1 ? later(60_000) : Promise.resolve(null));
    const { ask } = await open(work, { idleMs: 10_000, answerMsMax: 100 });
    expect(await ask('{"id":1}')).toMatchObject({ id: 1, error: { code: 'ERR_TIMEOUT' } });
    expect(await ask('{"id":2}')).toEqual({ id: 2, ok: true, result: null });
  });

  it('do not take the syntax error of an operation for one of the request', async () => {
    const work = () => Promise.reject(new SyntaxError('in the file that was loaded'));
    const { ask } = await open(work, { idleMs: 10_000, answerMsMax: 10_000 });
    expect(await ask('{"id":1}')).toEqual({
      id: 1,
      ok: false,
      error: { code: 'ERR_INTERNAL', message: 'in the file that was loaded' },
    });
    expect(await ask('{"id":')).toMatchObject({ ok: false, error: { code: 'ERR_CONFIG' } });
    expect(await ask('[]')).toMatchObject({ ok: false, error: { code: 'ERR_CONFIG' } });
  });
});
