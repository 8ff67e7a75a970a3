// The Wireshark dissector, run by tshark over captures: of every packet and frame of the golden
// vectors, and of whole sessions, whose DATA it decrypts with a key log.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../helpers/foreign-programs.js';
import { type Captured, pcap } from '../helpers/pcap.js';
import { frames, insecureData, packets, records } from '../helpers/raptor-bytes.js';
import { type Cipher, exchange } from '../helpers/raptor-session.js';
import { counting, exampleOpen, raptorVectors } from '../helpers/raptor-vectors.js';

const run = promisify(execFile);
const script = join(import.meta.dirname, '../../scripts/wireshark/raptor.lua');
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-wireshark-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach((context) => needs(context, 'tshark'));

const toResponder = (bytes: Uint8Array): Captured => ({ from: 45_001, to: 45_002, bytes });
const toInitiator = (bytes: Uint8Array): Captured => ({ from: 45_002, to: 45_001, bytes });

/** What tshark prints for a capture. */
async function tshark(datagrams: readonly Captured[], args: readonly string[], keys = '') {
  const capture = join(folder, 'capture.pcap');
  const keyLog = join(folder, 'keys.log');
  writeFileSync(capture, pcap(datagrams));
  writeFileSync(keyLog, keys);
  const own = ['-X', `lua_script:${script}`, '-o', `raptor.key_log:${keyLog}`, '-r', capture];
  const { stdout } = await run('tshark', [...own, ...args], { maxBuffer: 1 << 26 });
  return stdout;
}

/** Fields of each datagram; several values of one field are joined by commas. */
async function fields(datagrams: readonly Captured[], names: readonly string[], keys = '') {
  const args = names.flatMap((name) => ['-e', name]);
  const text = await tshark(datagrams, ['-T', 'fields', '-E', 'separator=|', ...args], keys);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('|'));
}

const message = 'what nobody else should read';

/** A session from the first packet on, and its key log. */
function session(cipher: Cipher) {
  const made = exchange(cipher);
  const { toResponder: out, toInitiator: back } = made;
  const lines = cipher === 'none' ? [] : [out.keyLine(), back.keyLine()];
  const run = Buffer.concat([records(Buffer.from(message)), records(Buffer.from('more'))]);
  const datagrams = [
    toResponder(made.initiate),
    toInitiator(made.respond),
    toResponder(out.data(frames.ping())),
    toResponder(out.data(frames.open(exampleOpen), frames.stream(3, 0, run))),
    toInitiator(back.data(frames.ack(25_000, 1, [[0, 2]]), frames.window(3, 262_144))),
  ];
  return { ...made, datagrams, lines };
}

const infoField = '_ws.col.Info';

describe.each(['AES256GCM', 'CHACHA20POLY1305'] as const)('a session with %s', (cipher) => {
  it('is decrypted with its keys', async () => {
    const { datagrams, lines } = session(cipher);
    const payload = Buffer.from(message).toString('hex');
    const names = [infoField, 'raptor.record.payload', 'raptor.ack.range', '_ws.expert.message'];
    expect(await fields(datagrams, names, lines.join('\n'))).toEqual([
      ['INITIATE', '', '', ''],
      ['RESPOND', '', '', ''],
      ['DATA 0 PING', '', '', ''],
      ['DATA 1 OPEN STREAM', `${payload},6d6f7265`, '', ''],
      ['DATA 0 ACK WINDOW', '', '0 to 1', ''],
    ]);
  });

  it('shows its headers and no more without them', async () => {
    const { datagrams } = session(cipher);
    const names = [infoField, 'raptor.number', 'raptor.frame.type', '_ws.expert.message'];
    expect(await fields(datagrams.slice(2), names)).toEqual([
      ['DATA 0', '0', '', ''],
      ['DATA 1', '1', '', ''],
      ['DATA 0', '0', '', ''],
    ]);
  });

  it('is decrypted through a change of keys, datagrams of every length too', async () => {
    const { toResponder: out, lines } = session(cipher);
    out.updateKey();
    const lengths = [8, 15, 16, 17, 63, 64, 65, 1104];
    const sealed = lengths.map((bytes) =>
      toResponder(out.data(frames.stream(3, 0, records(counting(bytes))))),
    );
    const keys = [...lines, out.keyLine()].join('\n');
    const found = await fields(sealed, ['raptor.generation', 'raptor.record.payload'], keys);
    expect(found).toEqual(lengths.map((bytes) => ['1', counting(bytes).toString('hex')]));
  });

  it('warns of a packet that its key has not sealed', async () => {
    const { toResponder: out, lines } = session(cipher);
    const good = out.data(frames.ping());
    const forged = [7, 16, 24, good.length - 1].map((at) => {
      const copy = Buffer.from(good);
      // Those that are no header of a packet any more are not taken for one.
      copy[at] = (copy[at] as number) ^ 1;
      return toResponder(copy);
    });
    const names = ['raptor.frame.type', '_ws.expert.message'];
    const warned = ['', 'Not what the key has sealed'];
    const expected = [['', ''], warned, warned, warned];
    expect(await fields(forged, names, lines.join('\n'))).toEqual(expected);
  });
});

describe('a session without encryption', () => {
  it('is read without keys', async () => {
    const names = [infoField, 'raptor.parameters.liveness_us', 'raptor.record.payload'];
    const payload = Buffer.from(message).toString('hex');
    expect(await fields(session('none').datagrams, names)).toEqual([
      ['INITIATE', '100000', ''],
      ['RESPOND', '100000', ''],
      ['DATA 0 PING', '', ''],
      ['DATA 1 OPEN STREAM', '', `${payload},6d6f7265`],
      ['DATA 0 ACK WINDOW', '', ''],
    ]);
  });
});

describe('the golden vectors', () => {
  it('are packets of their kinds, and those that are refused are none', async () => {
    const chosen = raptorVectors.filter(({ kind }) => kind === 'packet');
    const found = await fields(
      chosen.map(({ bytes }) => toResponder(bytes)),
      ['raptor.kind'],
    );
    const kinds = { initiate: '0xd1', retry: '0xd2', respond: '0xd3', data: '0xd4' } as const;
    for (const [index, { isGood, text }] of chosen.entries()) {
      const kind = kinds[text.split(' ')[0] as keyof typeof kinds];
      if (isGood) expect(found[index], text).toEqual([kind]);
    }
    const shapes = /(INITIATE|RETRY) is not|multiple|(RESPOND|packet) is too short|unknown version/;
    const isShapeless = chosen.map(({ isGood, text }) => !isGood && shapes.test(text));
    const shapeless = found.filter((_, index) => isShapeless[index]);
    expect(shapeless.length).toBeGreaterThan(5);
    for (const row of shapeless) expect(row).toEqual(['']);
  });

  it('are frames with the same fields, and none of the good ones is malformed', async () => {
    const chosen = raptorVectors.filter(({ kind, isGood }) => kind === 'frames' && isGood);
    const datagrams = chosen.map(({ bytes }) => toResponder(insecureData(1n, 9, bytes)));
    const names = ['raptor.ack.largest', 'raptor.stream.position', 'raptor.open.label'];
    const found = await fields(datagrams, ['_ws.expert.message', infoField, ...names]);
    for (const [index, { text }] of chosen.entries()) {
      const every = (field: string) =>
        [...text.matchAll(new RegExp(` ${field}=(\\d+)`, 'g'))].map((match) => match[1]).join(',');
      const types = text === '' ? [] : text.split('; ').map((part) => part.split(' ')[0]);
      const info = ['DATA', '9', ...types.map((type) => type?.toUpperCase())].join(' ');
      const values = ['largest', 'position', 'label'].map(every);
      expect(found[index], text).toEqual(['', info, ...values]);
    }
  });

  it('are malformed where a frame is cut or unknown', async () => {
    const cut = raptorVectors.filter(
      ({ kind, text, bytes }) =>
        kind === 'frames' && /cut|unknown frame/.test(text) && bytes.length % 8 === 0,
    );
    expect(cut.length).toBeGreaterThan(5);
    const datagrams = cut.map(({ bytes }) => toResponder(insecureData(1n, 9, bytes)));
    for (const [message] of await fields(datagrams, ['_ws.expert.message'])) {
      expect(message).toMatch(/is cut|unknown frame/);
    }
  });
});

describe('other datagrams', () => {
  it('are left to other dissectors', async () => {
    const header = packets.dataHeader(0, 1n, 1, 0);
    const foreign = [counting(64), Buffer.alloc(1200, 0xd1), header, Buffer.from([0xd4])];
    const found = await fields(foreign.map(toResponder), ['raptor.kind']);
    expect(found).toEqual(foreign.map(() => ['']));
  });
});
