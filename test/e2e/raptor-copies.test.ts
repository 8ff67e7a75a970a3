// How often a message is copied between JavaScript and the socket, in processes whose memcpy and
// memmove count the bytes of the messages that pass through them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateRaptorKeys } from 'hyperroute';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Child, fixture } from '../helpers/router-child.js';

const keys = generateRaptorKeys();
const messageCount = 50;
/** In one packet, and a multiple of the mark. */
const messageBytes = 992;
/**
 * Of a packet's bytes those that sealing puts together, where its frames meet the message
 * (docs/raptor.md): all of them where a library seals.
 */
const joinedBytes = /\bpclmulqdq\b/.test(readFileSync('/proc/cpuinfo', 'latin1'))
  ? 128
  : messageBytes;

let folder = '';
let library = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-copies-'));
  library = join(folder, 'count-copies.so');
  // A loop that copies would become a call of the function it stands in.
  const flags = ['-shared', '-fPIC', '-O2', '-fno-builtin', '-fno-tree-loop-distribute-patterns'];
  const built = spawnSync('gcc', [...flags, '-o', library, fixture('count-copies.c')], {
    encoding: 'utf8',
  });
  expect({ status: built.status, stderr: built.stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface End {
  readonly child: Child;
  readonly port: number;
  /** Bytes of messages copied so far. */
  readonly copied: () => number;
}

async function start(name: string, options: object): Promise<End> {
  const path = join(folder, name);
  const env = { LD_PRELOAD: library, COUNT_COPIES_FILE: path };
  const child = new Child(fixture('raptor-copies.mjs'), [JSON.stringify(options)], { env });
  onTestFinished(() => child.kill());
  const { port } = await child.next();
  return { child, port: Number(port), copied: () => Number(readFileSync(path).readBigUInt64LE()) };
}

describe('between JavaScript and the socket', () => {
  it('a message is copied once where it leaves, and once where it arrives', async () => {
    const server = await start('server', { listen: {}, keys: keys.privateKey });
    const remote = { host: '127.0.0.1', port: server.port, serverKey: keys.publicKey };
    const client = await start('client', { connect: remote });
    const send = () => client.child.ask(`send ${messageBytes} ${messageCount}`);
    // What comes with the end of the handshake waits for its session.
    expect(await send()).toEqual({ answered: messageCount });
    const before = [client.copied(), server.copied()];
    expect(await send()).toEqual({ answered: messageCount });
    const after = [client.copied(), server.copied()];
    const bytes = messageCount * messageBytes;
    const copies = after.map((count, end) => (count - Number(before[end])) / bytes);
    expect(copies).toEqual([expect.any(Number), 1]);
    expect(copies[0]).toBeGreaterThanOrEqual(1);
    expect(copies[0]).toBeLessThanOrEqual(1 + joinedBytes / messageBytes);
  });
});
