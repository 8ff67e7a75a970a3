// What raptor.open and its publications complete and refuse, and labels as numbers.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateRaptorKeys } from '../../../../lib/index.js';
import { labelWords } from '../../../../lib/raptor/label.js';
import { readNodeOptions } from '../../../../lib/raptor/options.js';
import { nativePublicationOptions } from '../../../../lib/raptor/publication.js';
import { endReason } from '../../../../lib/raptor/reasons.js';

const ours = generateRaptorKeys();
const theirs = generateRaptorKeys();
const keys = ours.privateKey;
const remote = { host: '127.0.0.1', port: 9000, serverKey: theirs.publicKey };

function refusalOf(options: unknown): string {
  try {
    readNodeOptions(options);
  } catch (error) {
    return (error as Error).message.replace(/^.*?: (?=raptor)/, '');
  }
  return 'accepted';
}

describe('labels', () => {
  it('of up to 8 bytes are packed, the first byte lowest', () => {
    expect(labelWords('a')).toEqual({ low: 0x61, high: 0 });
    expect(labelWords('abcdefgh')).toEqual({ low: 0x64636261, high: 0x68676665 });
    expect(labelWords('é')).toEqual({ low: 0xa9c3, high: 0 });
  });

  it('of more bytes are the beginning of their SHA-256', () => {
    const hash = createHash('sha256').update('market-data').digest();
    const words = { low: hash.readUInt32LE(0), high: hash.readUInt32LE(4) };
    expect(labelWords('market-data')).toEqual(words);
  });

  it('that are numbers stand for themselves', () => {
    expect(labelWords(7)).toEqual({ low: 7, high: 0 });
    expect(labelWords(2n ** 64n - 1n)).toEqual({ low: 0xffff_ffff, high: 0xffff_ffff });
  });

  it.each(['', -1, 1.5, 2 ** 53, 2n ** 64n, -1n, null, undefined, {}])('%s is none', (label) => {
    const refusal = expect.objectContaining({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('label: expected a text that is not empty, or an integer'),
    });
    expect(() => labelWords(label)).toThrow(refusal);
    expect(() => nativePublicationOptions(label as never, {}, 1000)).toThrow(refusal);
  });
});

describe('raptor.open', () => {
  it('completes a listener', () => {
    const { native, links, isPolled } = readNodeOptions({ listen: { port: 9000 }, keys });
    expect(native).toMatchObject({
      isListener: true,
      host: '127.0.0.1',
      port: 9000,
      exposed: false,
      reusePort: false,
      staticBytes: null,
      keyLog: null,
      hasOnePeer: false,
      insecure: false,
      maxSessions: 1024,
      maxMessageBytes: 262_144,
      windowBytes: 262_144,
      livenessMs: 2000,
      dropsUnsubscribed: false,
    });
    expect(links).toEqual([]);
    expect(isPolled).toBe(false);
  });

  it('completes one that connects: loopback to loopback, one peer where it is given one', () => {
    const { native, links } = readNodeOptions({ connect: remote });
    expect(native).toMatchObject({
      isListener: false,
      host: '127.0.0.1',
      port: 0,
      hasOnePeer: true,
    });
    expect(links).toMatchObject([{ host: '127.0.0.1', port: 9000, minMs: 50, maxMs: 5000 }]);
    expect(readNodeOptions({ connect: [remote] }).native).toMatchObject({ hasOnePeer: false });
    const far = { ...remote, host: '192.0.2.1' };
    expect(readNodeOptions({ connect: [remote, far] }).native).toMatchObject({ host: '0.0.0.0' });
    const far6 = { ...remote, host: '2001:db8::1' };
    expect(readNodeOptions({ connect: far6 }).native).toMatchObject({ host: '::' });
  });

  it.each([
    [{ listen: {} }, 'keys'],
    [{ listen: { host: '0.0.0.0' }, keys }, 'listen.host'],
    [{ listen: { host: '0.0.0.0', exposed: true }, insecure: true }, 'listen.insecure'],
    [{ listen: {}, insecure: true, keys }, 'keys'],
    [{ listen: { port: -1 }, keys }, 'listen.port'],
    [{ listen: { allow: ['x'] }, keys }, 'listen.allow[0]'],
    [{ listen: { reusePort: true }, keys }, 'listen.port'],
    [{ listen: { port: 9, reusePort: true }, connect: remote, keys }, 'listen.reusePort'],
    [{ connect: remote, congestion: { staticBytes: 1 } }, 'congestion.staticBytes'],
    [{ connect: remote, keyLog: 7 }, 'keyLog'],
    [{ connect: { host: '127.0.0.1', port: 1 } }, 'connect.serverKey'],
    [{ connect: [{ ...remote, serverKey: keys }] }, 'connect[0].serverKey'],
    [{ connect: { ...remote, host: 'example.org' } }, 'connect.host'],
    [{ connect: { host: '192.0.2.1', port: 1 }, insecure: true }, 'connect.insecure'],
    [{ connect: remote, liveness: 100 }, 'liveness'],
    [{ connect: remote, maxMessageBytes: 2 ** 24 + 1 }, 'maxMessageBytes'],
    [{ connect: remote, signal: {} }, 'signal'],
    [{ connect: remote, pol: true }, 'pol'],
    [{ keys: theirs.publicKey }, 'keys'],
  ])('refuses %j', (options, option) => {
    const message = refusalOf(options);
    expect(message.startsWith(`raptor.open.${option}: expected `), message).toBe(true);
    expect(message).not.toContain(keys);
  });
});

it('what is no key is told apart, and never shown', () => {
  const missing = { connect: { host: '127.0.0.1', port: 1 } };
  expect(refusalOf(missing)).toMatch(/serverKey: .*, received none: it is missing/);
  for (const [serverKey, shown] of [
    [keys, 'a private key, which is not shown'],
    [`${keys}\n`, 'a private key, which is not shown'],
    [ours, 'an object that is not shown'],
    ['abc', '"abc"'],
  ]) {
    const message = refusalOf({ connect: { ...remote, serverKey } });
    expect(message).toMatch(new RegExp(`serverKey: expected a public key, .*, received ${shown}`));
    expect(message).not.toContain(keys);
  }
  const text = 'keys: expected the text of a private key, raptor-private- and 43 characters';
  for (const [given, shown] of [
    [ours, 'an object'],
    [`${keys}x`, 'a text'],
    [7, 'a number'],
  ]) {
    const message = refusalOf({ listen: {}, keys: given });
    expect(message).toContain(text);
    expect(message).toContain(`received ${shown} that is not shown`);
    expect(message).not.toContain(keys);
  }
});

it('a key file lies beside the program, and what is wrong with it is told', () => {
  const file = join(import.meta.dirname, 'no-such.key');
  const message = refusalOf({ connect: remote, keyFile: 'no-such.key' });
  expect(message).toMatch(/^raptor\.open\.keyFile: expected a file with one private key, /);
  expect(message).toContain(`received ${file} (ENOENT)`);
  const folder = join(file, '..');
  expect(refusalOf({ connect: remote, keyFile: folder })).toContain(`${folder} (EISDIR)`);
});

describe('publications', () => {
  it('are completed', () => {
    expect(nativePublicationOptions('a', {}, 1000)).toEqual({
      labelLow: 0x61,
      labelHigh: 0,
      mode: 0,
      deadlineMs: 0,
      priority: 0,
      maxMessageBytes: 1000,
      ringBytes: 0,
      session: 0,
      drops: false,
      missesMax: 1024,
    });
    const timed = nativePublicationOptions('a', { mode: 'deadline', deadline: '5ms' }, 1000);
    expect(timed).toMatchObject({ mode: 3, deadlineMs: 5 });
  });

  it.each([
    [1, 4096],
    [2032, 4096],
    [2033, 8192],
    [1104 * 3, 8192],
    [262_144, 1 << 20],
    [2 ** 24, 2 ** 26],
  ])('with messages of %i bytes have a ring of %i or more', (bytes, least) => {
    const make = (ringBytes: number) => () => nativePublicationOptions('a', { ringBytes }, bytes);
    expect(make(least)()).toMatchObject({ ringBytes: least });
    const expected = `publication.ringBytes: expected a power of two from ${least}, `;
    if (least > 4096) {
      expect(make(least / 2)).toThrow(expected);
      expect(make(least / 2)).toThrow(`received ${least / 2}`);
    }
    expect(make(least + 1)).toThrow('publication.ringBytes: expected ');
  });

  it.each([
    [{ mode: 'deadline' }, 'deadline'],
    [{ deadline: 5 }, 'deadline'],
    [{ ringBytes: 5000 }, 'ringBytes'],
    [{ priority: 8 }, 'priority'],
    [{ maxMessageBytes: 1001 }, 'maxMessageBytes'],
    [{ slow: 'block' }, 'slow'],
    [{ maxMisses: 0 }, 'maxMisses'],
    [{ slows: 'wait' }, 'slows'],
  ] as const)('refuse %j', (options, option) => {
    const make = () => nativePublicationOptions('a', options as never, 1000);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    expect(make).toThrow(`publication.${option}: expected `);
  });
});

it('ends have words, also those that nobody knows', () => {
  expect(endReason(3, 0)).toBe('peer-dead');
  expect(endReason(5, 1)).toBe('key-not-allowed');
  expect(endReason(5, 99)).toBe('refused');
  expect(endReason(77, 0)).toBe('closed');
});
