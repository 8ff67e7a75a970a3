// The command lines of `ping` and `perf`: what was asked for, checked, as the native program takes
// it. Names of hosts are resolved here; nothing native ever waits for a resolver.
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  bytesOfKey,
  generateRaptorKeys,
  privateKeyInFile,
  raptorPublicKey,
} from '../endpoints/raptor-keys.js';
import { HyperRouteError } from '../errors.js';
import { type CommandInput, type CommandOption, UsageError, wholeNumber } from './command.js';

/** A host and a port as they were written. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export type ProbeRole = 'listen' | 'ping' | 'perf';

/** What a probe was asked to do. */
export interface ProbePlan {
  readonly role: ProbeRole;
  /** As written, for people. */
  readonly address: HostAndPort;
  /** This end's identity; null without encryption. */
  readonly keys: { readonly publicKey: string; readonly privateKey: string } | null;
  /** Options of the native program, each with its value. */
  readonly flags: readonly string[];
}

/** Bounds that the native program has as well (bench/native/raptor/probe_options.h). */
const messageBytesMin = 16;
const messageBytesMax = 2 ** 18;
const streamsMax = 32;
const cpuMax = 4095;
const shareMax = 1_000_000;
const rateMax = 1_000_000_000;
const intervalMsMax = 3_600_000;
const secondsMax = 86_400;
const deadlineMsMax = 3_600_000;
const nsPerMs = 1_000_000;

/** In the order of their numbers on the wire. */
const modes = ['ordered', 'unordered', 'latest', 'deadline', 'unreliable'] as const;

/** Options that both commands, and both ends, have. */
export const sharedOptions: Readonly<Record<string, CommandOption>> = {
  key: { type: 'string', value: 'FILE', about: "this end's private key (default: a new one)" },
  insecure: { type: 'boolean', about: 'no encryption and no keys; both ends must say so' },
  loss: {
    type: 'string',
    value: 'SHARE',
    about: 'lose this share of the datagrams that leave and arrive here, such as 1% (0%)',
  },
  seed: { type: 'string', value: 'N', about: 'which datagrams are lost (1)' },
  cpus: { type: 'string', value: 'LIST', about: 'CPUs that this end may run on, such as 2 or 2,3' },
  idle: {
    type: 'string',
    value: 'spin|block',
    about: 'what to do while there is nothing to do; block: sleep in the kernel (block)',
  },
};

export const serverKeyOption: CommandOption = {
  type: 'string',
  value: 'KEY',
  about: "the listener's public key, raptor-public-…; not with --insecure",
};

/** `HOST:PORT`, `[IPV6]:PORT`. Throws UsageError. */
export function parseAddress(text: string, portMin: number): HostAndPort {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2] ?? '';
  const port = Number(found?.[3]);
  const isBracketed = found?.[1] !== undefined;
  if (found !== null && port >= portMin && port <= 65_535 && (!isBracketed || isIP(host) === 6)) {
    return { host, port };
  }
  throw new UsageError(
    `expected HOST:PORT with a port from ${portMin} to 65535, received ${JSON.stringify(text)}`,
  );
}

/** What --listen says: a port alone means this host only. Throws UsageError. */
export function parseListen(text: string): HostAndPort {
  return parseAddress(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text, 0);
}

/** An address as it is written: `127.0.0.1:9000`, `[::1]:9000`. */
export function addressText({ host, port }: HostAndPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a literal stands for every address of this host, so that nobody can connect to it. */
export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || (isIP(host) === 6 && /^[0:]+$/.test(host));
}

/** `1%`, `0.05%` as parts of a million. Throws UsageError. */
export function parseLoss(text: string): number {
  const found = /^(\d{1,3}(?:\.\d{1,4})?)\s*%$/.exec(text);
  const share = Math.round((Number(found?.[1]) * shareMax) / 100);
  if (found !== null && share <= shareMax) return share;
  const expected = 'a share from 0% to 100%, with at most four decimals';
  throw new UsageError(`--loss: expected ${expected}, received ${JSON.stringify(text)}`);
}

/** `2`, `2,3`. Throws UsageError. */
export function parseCpus(text: string): readonly number[] {
  const cpus = text.split(',').map((cpu) => (/^\d{1,4}$/.test(cpu) ? Number(cpu) : cpuMax + 1));
  if (cpus.every((cpu) => cpu <= cpuMax)) return cpus;
  throw new UsageError(`--cpus: expected CPUs such as 2 or 2,3, received ${JSON.stringify(text)}`);
}

/** What `perf --listen` is to do. Throws UsageError, or ERR_CONFIG for the key file. */
export function listenPlan(input: CommandInput): ProbePlan {
  const address = parseListen(String(input.values.listen));
  return { role: 'listen', address, keys: keysOf(input), flags: sharedFlags(input) };
}

/** What `ping HOST:PORT` is to do. Throws UsageError, or ERR_CONFIG for the key file. */
export function pingPlan(input: CommandInput): ProbePlan {
  const count = wholeNumber(input, 'count', { low: 1, high: rateMax, otherwise: 100 });
  const intervalMs = wholeNumber(input, 'interval', {
    low: 0,
    high: intervalMsMax,
    otherwise: 100,
  });
  const flags = ['--count', String(count), '--interval-ns', String(intervalMs * nsPerMs)];
  return clientPlan(input, 'ping', [...flags, ...bytesFlags(input, 32)]);
}

/** What `perf HOST:PORT` is to do. Throws UsageError, or ERR_CONFIG for the key file. */
export function perfPlan(input: CommandInput): ProbePlan {
  const { values } = input;
  const seconds = wholeNumber(input, 'seconds', { low: 1, high: secondsMax, otherwise: 10 });
  const rate = wholeNumber(input, 'rate', { low: 0, high: rateMax, otherwise: 0 });
  const streams = wholeNumber(input, 'streams', { low: 1, high: streamsMax, otherwise: 1 });
  const mode = choice('mode', modes, values.mode, 'ordered');
  const flags = [
    ...['--duration-ns', String(seconds * 1000 * nsPerMs)],
    ...['--rate', String(rate), '--streams', String(streams)],
    ...['--mode', String(modes.indexOf(mode))],
  ];
  if ((mode === 'deadline') !== (values.deadline !== undefined)) {
    throw new UsageError('--mode deadline and --deadline MS go together');
  }
  if (mode === 'deadline') {
    const deadlineMs = wholeNumber(input, 'deadline', {
      low: 1,
      high: deadlineMsMax,
      otherwise: 1,
    });
    flags.push('--deadline-us', String(deadlineMs * 1000));
  }
  return clientPlan(input, 'perf', [...flags, ...bytesFlags(input, 288)]);
}

function clientPlan(input: CommandInput, role: ProbeRole, flags: readonly string[]): ProbePlan {
  const [target = ''] = input.positionals;
  const address = parseAddress(target, 1);
  const all = [...flags, ...serverKeyFlags(input), ...sharedFlags(input)];
  return { role, address, keys: keysOf(input), flags: all };
}

function bytesFlags(input: CommandInput, otherwise: number): readonly string[] {
  const bounds = { low: messageBytesMin, high: messageBytesMax, otherwise };
  return ['--bytes', String(wholeNumber(input, 'bytes', bounds))];
}

function serverKeyFlags({ values }: CommandInput): readonly string[] {
  const given = values['server-key'];
  if (values.insecure === true) {
    if (given === undefined) return [];
    throw new UsageError('--server-key: expected none with --insecure');
  }
  const key = bytesOfKey('public', given);
  if (key !== null) return ['--server-key', Buffer.from(key).toString('hex')];
  const expected = 'a public key, raptor-public- and 43 characters';
  // A private key that was taken for the public one must not end up in a log.
  const shown = String(given).startsWith('raptor-private-')
    ? 'a private key, which is not shown'
    : given === undefined
      ? 'nothing (or --insecure, if the listener has it too)'
      : JSON.stringify(given);
  throw new UsageError(`--server-key: expected ${expected}, received ${shown}`);
}

function sharedFlags(input: CommandInput): readonly string[] {
  const { values } = input;
  const seed = wholeNumber(input, 'seed', {
    low: 0,
    high: Number.MAX_SAFE_INTEGER,
    otherwise: 1,
  });
  const idle = choice('idle', ['block', 'spin'] as const, values.idle, 'block');
  const loss = typeof values.loss === 'string' ? parseLoss(values.loss) : 0;
  const cpus = typeof values.cpus === 'string' ? parseCpus(values.cpus) : [];
  return [
    ...['--insecure', values.insecure === true ? '1' : '0'],
    ...['--loss', String(loss), '--seed', String(seed)],
    ...['--spin', idle === 'spin' ? '1' : '0'],
    ...(cpus.length > 0 ? ['--cpus', cpus.join(',')] : []),
  ];
}

function choice<T extends string>(
  name: string,
  choices: readonly T[],
  given: unknown,
  otherwise: T,
): T {
  const found = choices.find((one) => one === (given ?? otherwise));
  if (found !== undefined) return found;
  const list = choices.join(', ');
  throw new UsageError(`--${name}: expected one of ${list}, received ${JSON.stringify(given)}`);
}

function keysOf({ values }: CommandInput): ProbePlan['keys'] {
  if (values.insecure === true) {
    if (values.key === undefined) return null;
    throw new UsageError('--key: expected none with --insecure');
  }
  if (values.key === undefined) return generateRaptorKeys();
  const file = String(values.key);
  const privateKey = readKey(file);
  return { privateKey, publicKey: raptorPublicKey(privateKey) };
}

function readKey(file: string): string {
  const expected = 'a file with one private key, as `hyperroute keys generate` writes it';
  const fault = (received: string, cause?: unknown): HyperRouteError => {
    const message = `--key: expected ${expected}, received ${received}`;
    const detail = { option: '--key', expected, received };
    return new HyperRouteError('ERR_CONFIG', message, detail, { cause });
  };
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw fault(`${file} (${code})`, error);
  }
  const key = privateKeyInFile(content);
  if (key === null) throw fault(`${file}, which holds none, or more than one`);
  return key;
}

/** The address of a host as a literal. Throws ERR_RESOLVE. */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    const context = `resolving ${host}`;
    const message = `${context}: ${code}`;
    throw new HyperRouteError('ERR_RESOLVE', message, { context }, { cause: error });
  }
}
