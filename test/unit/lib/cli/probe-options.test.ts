// The command lines of `ping` and `perf`, checked before anything is started.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandInput, UsageError } from '../../../../lib/cli/command.js';
import {
  addressText,
  isAnyAddress,
  listenPlan,
  parseAddress,
  parseCpus,
  parseListen,
  parseLoss,
  perfPlan,
  pingPlan,
  resolveHost,
} from '../../../../lib/cli/probe-options.js';
import { bytesOfKey, generateRaptorKeys } from '../../../../lib/endpoints/raptor-keys.js';

const { publicKey, privateKey } = generateRaptorKeys();

function inputOf(values: CommandInput['values'], positionals: readonly string[] = []) {
  return { values, positionals, io: {} as CommandInput['io'] };
}

/** The value behind a flag of a plan. */
function flagValue(flags: readonly string[], name: string): string | undefined {
  const at = flags.indexOf(name);
  return at < 0 ? undefined : flags[at + 1];
}

const ping = (values: CommandInput['values']) =>
  pingPlan(inputOf({ insecure: true, ...values }, ['127.0.0.1:9000'])).flags;
const perf = (values: CommandInput['values']) =>
  perfPlan(inputOf({ insecure: true, ...values }, ['127.0.0.1:9000'])).flags;

describe('addresses', () => {
  it.each([
    ['127.0.0.1:9000', '127.0.0.1', 9000],
    ['gateway.example:1', 'gateway.example', 1],
    ['[::1]:65535', '::1', 65_535],
  ])('takes %s apart, and together again', (text, host, port) => {
    expect(parseAddress(text, 1)).toEqual({ host, port });
    expect(addressText({ host, port })).toBe(text);
  });

  it.each(['127.0.0.1', '9000', ':9000', 'host:0', 'host:65536', '::1:9000', '[host]:1', 'a:b:1'])(
    'refuses %s',
    (text) => {
      expect(() => parseAddress(text, 1)).toThrow(UsageError);
    },
  );

  it('takes a port alone for this host when it listens, and port 0 for any', () => {
    expect(parseListen('9000')).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(parseListen('0.0.0.0:0')).toEqual({ host: '0.0.0.0', port: 0 });
    expect(() => parseListen('70000')).toThrow(UsageError);
  });

  it('knows those that stand for every address of a host', () => {
    expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].filter((host) => !isAnyAddress(host))).toEqual([]);
    expect(['127.0.0.1', '10.0.0.0', '::1', '0', 'host'].filter(isAnyAddress)).toEqual([]);
  });

  it('resolves names, and says which it could not', async () => {
    expect(await resolveHost('192.0.2.7')).toBe('192.0.2.7');
    expect(['127.0.0.1', '::1']).toContain(await resolveHost('localhost'));
    const missing = resolveHost('no-such-host.invalid');
    await expect(missing).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
    await expect(missing).rejects.toThrow('no-such-host.invalid');
  });
});

describe('shares that are lost', () => {
  it.each([
    ['0%', 0],
    ['1%', 10_000],
    ['0.5%', 5_000],
    ['0.0001%', 1],
    ['12.3456 %', 123_456],
    ['100%', 1_000_000],
  ])('takes %s for %i parts of a million', (text, share) => {
    expect(parseLoss(text)).toBe(share);
  });

  // Without the sign it could as well be a share of 1.
  it.each(['1', '0.01', '', '%', '-1%', '101%', '100.1%', '1.00001%', '1e1%'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseLoss(text)).toThrow(/--loss: expected a share/);
    },
  );
});

describe('CPUs', () => {
  it('takes one or more', () => {
    expect(parseCpus('2')).toEqual([2]);
    expect(parseCpus('2,3,10')).toEqual([2, 3, 10]);
  });

  it.each(['', 'a', '1,', '-1', '4096', '1-3'])('refuses "%s"', (text) => {
    expect(() => parseCpus(text)).toThrow(UsageError);
  });
});

describe('plans', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyperroute-probe-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('pings 100 messages of 32 bytes, 100 ms apart, asleep in between', () => {
    const flags = ping({});
    expect(flagValue(flags, '--count')).toBe('100');
    expect(flagValue(flags, '--interval-ns')).toBe('100000000');
    expect(flagValue(flags, '--bytes')).toBe('32');
    expect(flagValue(flags, '--spin')).toBe('0');
    expect(flagValue(flags, '--loss')).toBe('0');
  });

  it('hands over what was asked for, in the units of the program', () => {
    const flags = perf({
      ...{ seconds: '3', bytes: '64', rate: '5000', streams: '4', mode: 'deadline' },
      ...{ deadline: '20', loss: '2%', seed: '7', cpus: '0,1', idle: 'spin' },
    });
    expect(flags).toEqual([
      ...['--duration-ns', '3000000000', '--rate', '5000', '--streams', '4', '--mode', '3'],
      ...['--deadline-us', '20000', '--bytes', '64', '--insecure', '1', '--loss', '20000'],
      ...['--seed', '7', '--spin', '1', '--cpus', '0,1'],
    ]);
  });

  it.each([
    [ping, { count: '0' }],
    [ping, { interval: '-1' }],
    [ping, { bytes: '15' }],
    [ping, { bytes: '262145' }],
    [perf, { seconds: '0' }],
    [perf, { streams: '33' }],
    [perf, { mode: 'fast' }],
    [perf, { mode: 'deadline' }],
    [perf, { deadline: '5' }],
    [perf, { idle: 'sleep' }],
    [perf, { seed: '1.5' }],
    [perf, { key: 'some.key' }],
    [perf, { 'server-key': publicKey }],
  ] as const)('%o refuses %o', (plan, values) => {
    expect(() => plan(values)).toThrow(UsageError);
  });

  it('needs the key of the listener, or word that there is none', () => {
    const secure = (values: CommandInput['values']) =>
      pingPlan(inputOf(values, ['127.0.0.1:9000']));
    expect(() => secure({})).toThrow(/--server-key: expected a public key.*or --insecure/);
    expect(() => secure({ 'server-key': 'abc' })).toThrow(/received "abc"/);
    const plan = secure({ 'server-key': publicKey });
    const hex = Buffer.from(bytesOfKey('public', publicKey) ?? []).toString('hex');
    expect(flagValue(plan.flags, '--server-key')).toBe(hex);
    expect(plan.keys?.publicKey).not.toBe(publicKey);
  });

  it('never repeats a private key', () => {
    const mistaken = () => pingPlan(inputOf({ 'server-key': privateKey }, ['127.0.0.1:9000']));
    expect(mistaken).toThrow('a private key, which is not shown');
    expect(mistaken).not.toThrow(privateKey);
    const file = join(folder, 'one.key');
    writeFileSync(file, `# a comment\n${privateKey}\n`);
    const plan = listenPlan(inputOf({ listen: '9000', key: file }));
    expect(plan.keys).toEqual({ privateKey, publicKey });
    expect(plan.flags.join(' ')).not.toContain(privateKey);
  });

  it('says which key file holds no key', () => {
    const file = join(folder, 'none.key');
    writeFileSync(file, 'nothing\n');
    const plan = () => listenPlan(inputOf({ listen: '9000', key: file }));
    expect(plan).toThrow(`${file}, which holds none, or more than one`);
    const missing = () => listenPlan(inputOf({ listen: '9000', key: join(folder, 'no') }));
    expect(missing).toThrow('(ENOENT)');
  });
});
