// Options of destinations about failover and overload: health probes, breaker, limits, shedding.
// Control path only.
import type { EndpointControlIr, HealthIr } from '../compiler/ir-destinations.js';
import {
  breakerConsecutiveMax,
  controlMsMax,
  healthCountMax,
  healthEveryMsMin,
  inFlightMax,
  priorityMax,
  probeBytesMax,
  rateBurstMax,
  ratePerSecondMax,
} from '../compiler/limits.js';
import { type Duration, isRecord, type OptionReader } from '../schema/options.js';
import { type RemoteAddress, readHost } from './common.js';

/** How it is found out that a destination works. */
export interface HealthOptions {
  /** Time between two probes; default '1s'. */
  readonly every?: Duration;
  /** How long an answer may take, at most `every`; default '500ms', or `every` if that is less. */
  readonly timeout?: Duration;
  /** What is sent, text or bytes. Needed over UDP; over TCP connecting is probe enough. */
  readonly probe?: string | Uint8Array;
  /** What the answer begins with; default: over UDP any answer, over TCP none is waited for. */
  readonly expect?: string | Uint8Array;
  /** Good answers in a row that make it usable again; default 2. */
  readonly rise?: number;
  /** Probes in a row that must fail until it is left out; default 3. */
  readonly fall?: number;
  /**
   * Where it is asked; default: where messages go. Of an endpoint that stands for an address of a
   * host name, or that was made like another one: this port of its own host.
   */
  readonly address?: RemoteAddress;
  /** Over what it is asked; default: as messages go. */
  readonly over?: 'tcp' | 'udp';
}

/** When a destination whose sends fail is left alone, and for how long. */
export interface BreakerOptions {
  /** Failures in a row that open the breaker; default 5. */
  readonly consecutive?: number;
  /** How long it stays open before a trial; doubled, up to 8 times, while trials fail. '10s'. */
  readonly for?: Duration;
}

/** How much a destination takes. */
export interface LimitOptions {
  /** Messages a second. */
  readonly rate?: number;
  /** Messages that a quiet destination takes at once; default a hundredth of `rate`, at least 1. */
  readonly burst?: number;
  /** Messages that may wait for an answer; they are counted by rules that `opens` a correlation. */
  readonly inFlight?: number;
}

/**
 * By priority, 1 to 7: the share of the queue, 0 to 1, above which messages of that priority are
 * not taken. A priority that is not named has the share of the next lower one that is; 0 is never
 * shed.
 */
export type ShedOptions = Readonly<Partial<Record<1 | 2 | 3 | 4 | 5 | 6 | 7, number>>>;

/** Options of every destination that a rule can name. */
export interface OverloadOptions {
  /** Leaves it alone for a while after failures in a row; none by default. */
  readonly breaker?: BreakerOptions;
  /** What it takes at most; messages beyond that are rejected. Unlimited by default. */
  readonly limit?: LimitOptions;
  /** Gives up the less important messages first while it is busy. */
  readonly shed?: ShedOptions;
}

/** Options of destinations that can be asked whether they work. */
export interface ControlOptions extends OverloadOptions {
  /** Asks it now and then; by default a destination counts as healthy while it is connected. */
  readonly health?: HealthOptions;
}

/** Reads them; `over`: how a destination of that kind is asked, null if it cannot be. */
export function readControl(
  reader: OptionReader,
  over: HealthIr['kind'] | null,
): EndpointControlIr | undefined {
  const health = over === null ? undefined : readHealth(reader, over);
  const breaker = readBreaker(reader);
  const { rate, inFlight } = readLimit(reader);
  const shed = readShed(reader);
  const control = {
    ...(health === undefined ? {} : { health }),
    ...(breaker === undefined ? {} : { breaker }),
    ...(rate === undefined ? {} : { rate }),
    ...(inFlight === null ? {} : { inFlightMax: inFlight }),
    ...(shed === undefined ? {} : { shed }),
  };
  return Object.keys(control).length === 0 ? undefined : control;
}

function readHealth(parent: OptionReader, usual: HealthIr['kind']): HealthIr | undefined {
  if ((parent.raw('health') ?? null) === null) return undefined;
  const reader = parent.nested('health');
  const kind = reader.choice('over', ['tcp', 'udp'] as const, usual);
  const everyMs = reader.duration('every', healthEveryMsMin, controlMsMax, 1000);
  const timeoutMs = reader.duration('timeout', 1, everyMs, Math.min(everyMs, 500));
  const probe = readBytes(reader, 'probe');
  if (kind === 'udp' && probe === '') {
    throw reader.error('probe', 'the bytes to ask with, since UDP has no connection', probe);
  }
  const health = {
    kind,
    address: readAddress(reader),
    everyMs,
    timeoutMs,
    probe,
    expect: readBytes(reader, 'expect'),
    rise: reader.integer('rise', 1, healthCountMax, 2),
    fall: reader.integer('fall', 1, healthCountMax, 3),
  };
  reader.done();
  return health;
}

function readAddress(reader: OptionReader): RemoteAddress | null {
  if ((reader.raw('address') ?? null) === null) return null;
  const address = reader.nested('address');
  const read = {
    host: readHost(address, undefined),
    port: address.integer('port', 1, 65_535, undefined),
  };
  address.done();
  return read;
}

/** Text or bytes as hexadecimal; '' when it is not given. */
function readBytes(reader: OptionReader, name: string): string {
  const value = reader.raw(name) ?? '';
  const isBytes = typeof value === 'string' || value instanceof Uint8Array;
  const bytes = isBytes ? Buffer.from(value) : null;
  if (bytes !== null && bytes.length <= probeBytesMax) return bytes.toString('hex');
  throw reader.error(name, `text or a Uint8Array, up to ${probeBytesMax} bytes`, value);
}

function readBreaker(parent: OptionReader): EndpointControlIr['breaker'] {
  if ((parent.raw('breaker') ?? null) === null) return undefined;
  const reader = parent.nested('breaker');
  const breaker = {
    consecutive: reader.integer('consecutive', 1, breakerConsecutiveMax, 5),
    forMs: reader.duration('for', 1, controlMsMax, 10_000),
  };
  reader.done();
  return breaker;
}

function readLimit(parent: OptionReader): {
  rate: EndpointControlIr['rate'];
  inFlight: number | null;
} {
  const reader = parent.nested('limit');
  const perSecond = reader.optionalInteger('rate', 1, ratePerSecondMax);
  const fallback = Math.max(1, Math.floor((perSecond ?? 0) / 100));
  const burst = reader.optionalInteger('burst', 1, rateBurstMax);
  if (perSecond === null && burst !== null) {
    throw reader.error('burst', 'none without `rate`', burst);
  }
  const inFlight = reader.optionalInteger('inFlight', 1, inFlightMax);
  reader.done();
  const rate = perSecond === null ? undefined : { perSecond, burst: burst ?? fallback };
  return { rate, inFlight };
}

function readShed(reader: OptionReader): readonly number[] | undefined {
  const given = reader.raw('shed') ?? null;
  if (given === null) return undefined;
  const entries = isRecord(given) ? Object.entries(given) : [];
  const isKnown = ([name]: readonly [string, unknown]) =>
    /^[1-7]$/.test(name) && Number(name) <= priorityMax;
  if (entries.length === 0 || !entries.every(isKnown)) {
    throw reader.error('shed', `shares by priority, 1 to ${priorityMax}`, given);
  }
  const shares: number[] = [1];
  for (let priority = 1; priority <= priorityMax; priority++) {
    const before = shares[priority - 1] ?? 1;
    const share = (given as Readonly<Record<string, unknown>>)[priority] ?? before;
    if (typeof share !== 'number' || !(share >= 0 && share <= before)) {
      const expected = `a share from 0 to ${before}, that of the priority above it`;
      throw reader.error(`shed.${priority}`, expected, share);
    }
    shares.push(share);
  }
  return shares;
}
