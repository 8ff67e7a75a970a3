// Reads the counters of a router: the file another process keeps in shared memory, or the same
// layout in this process's own memory (version 2 of native/ring/counters_layout.h). Reading never
// stops or asks the router; a router that rewrites its records meanwhile makes the reader try
// again.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { HyperRouteError } from '../errors.js';
import { bucketCount } from './histogram.js';
import { readSessionRows, type SessionRow, sessionTableBytes } from './session-rows.js';

export type CounterType = 'counter' | 'gauge' | 'histogram' | 'sessions';
export type CounterUnit = 'count' | 'messages' | 'bytes' | 'ns' | 'packets' | 'connections';

/** One value of one worker. */
export interface Counter {
  readonly id: number;
  readonly type: CounterType;
  readonly unit: CounterUnit;
  readonly workerIndex: number;
  readonly label: string;
  /** The value; for a histogram the number of values recorded, for sessions that of rows. */
  readonly value: number;
  /** Counts by bucket; empty for anything but a histogram. */
  readonly buckets: readonly number[];
  /** Sessions of an endpoint; empty for anything else. */
  readonly sessions: readonly SessionRow[];
}

/** Everything a router counted, as of one moment. */
export interface CountersSnapshot {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** The router closed its counters in good order. */
  readonly closed: boolean;
  readonly generation: number;
  readonly counters: readonly Counter[];
}

/** Bytes at an absolute position; may return fewer at the end. */
export type ReadAt = (position: number, bytes: number) => Uint8Array;

const headerBytes = 256;
const recordBytes = 192;
const labelOffset = 64;
const labelBytesMax = 112;
const recordCountMax = 1 << 16;
const readTriesMax = 100;
const magic = 'HRCNTRS1';
const version = 2;
const stateFree = 0;
const types: readonly (CounterType | undefined)[] = [
  undefined,
  'counter',
  'gauge',
  'histogram',
  'sessions',
];
const units: readonly CounterUnit[] = [
  'count',
  'messages',
  'bytes',
  'ns',
  'packets',
  'connections',
];

interface Header {
  readonly pid: number;
  readonly flags: number;
  readonly startedMs: number;
  readonly generation: number;
  readonly recordCount: number;
  readonly recordsOffset: number;
  readonly name: string;
}

/** The counters of memory in this layout. Allocates; does not block. Throws ERR_STATE. */
export function readCounters(readAt: ReadAt): CountersSnapshot {
  for (let tries = 0; tries < readTriesMax; tries++) {
    const before = readHeader(readAt);
    // Odd: the records are being rewritten.
    if (before.generation % 2 !== 0) continue;
    const counters = readRecords(readAt, before);
    const after = readHeader(readAt);
    if (counters === undefined || after.generation !== before.generation) continue;
    const { name, pid, startedMs, generation } = after;
    return { name, pid, startedMs, generation, closed: (after.flags & 1) !== 0, counters };
  }
  throw unreadable('its records changed during every attempt to read them');
}

/** A counters file held open: it can be read to the end, even after its owner removed it. */
export class CountersFile {
  readonly path: string;
  #fd: number | undefined;

  /** Opens a counters file. Throws the system's error when that fails. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'r');
  }

  /** Reads all counters. Throws HyperRouteError ERR_STATE for what is no counters file. */
  read(): CountersSnapshot {
    const fd = this.#descriptor();
    return readCounters((position, bytes) => {
      const target = new Uint8Array(bytes);
      return target.subarray(0, readSync(fd, target, 0, bytes, position));
    });
  }

  /** Device and inode, which tell whether a lock is on this very file. */
  identity(): { readonly device: bigint; readonly inode: bigint } {
    const { dev, ino } = fstatSync(this.#descriptor(), { bigint: true });
    return { device: dev, inode: ino };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #descriptor(): number {
    if (this.#fd !== undefined) return this.#fd;
    throw new HyperRouteError('ERR_CLOSED', `${this.path} was closed`, { context: this.path });
  }
}

function readHeader(readAt: ReadAt): Header {
  const bytes = readAt(0, headerBytes);
  if (bytes.byteLength < headerBytes) throw unreadable('it is too short');
  const view = viewOf(bytes);
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== magic) {
    throw unreadable('it does not begin with the mark of one');
  }
  const layout = view.getUint32(8, true);
  if (layout !== version)
    throw unreadable(`its layout is ${layout}, this program reads ${version}`);
  const recordCount = view.getUint32(36, true);
  const known =
    view.getUint32(44, true) === recordBytes && view.getUint32(64, true) === bucketCount;
  if (!known || recordCount > recordCountMax) throw unreadable('its header is damaged');
  return {
    pid: view.getUint32(16, true),
    flags: view.getUint32(20, true),
    startedMs: Number(view.getBigUint64(24, true) / 1_000_000n),
    generation: view.getUint32(32, true),
    recordCount,
    recordsOffset: view.getUint32(48, true),
    name: textOf(bytes.subarray(128, headerBytes)),
  };
}

const bytesOf: Readonly<{ [Type in CounterType]: number }> = {
  counter: 8,
  gauge: 8,
  histogram: 8 * bucketCount,
  sessions: sessionTableBytes,
};

interface Record {
  readonly counter: Omit<Counter, 'value' | 'buckets' | 'sessions'>;
  readonly position: number;
  readonly bytes: number;
}

/** undefined: the bytes make no sense, which a rewrite in between explains. */
function readRecords(readAt: ReadAt, header: Header): Counter[] | undefined {
  const bytes = readAt(header.recordsOffset, header.recordCount * recordBytes);
  if (bytes.byteLength < header.recordCount * recordBytes) return undefined;
  const view = viewOf(bytes);
  const records: Record[] = [];
  for (let start = 0; start < bytes.byteLength; start += recordBytes) {
    if (view.getUint32(start + 4, true) === stateFree) continue;
    const record = recordAt(view, bytes, start);
    if (record === undefined) return undefined;
    records.push(record);
  }
  return readValues(readAt, records);
}

function recordAt(view: DataView, bytes: Uint8Array, start: number): Record | undefined {
  const type = types[view.getUint32(start + 8, true)];
  const unit = units[view.getUint32(start + 12, true)];
  const valueBytes = view.getUint32(start + 20, true);
  const labelBytes = view.getUint32(start + 32, true);
  if (type === undefined || unit === undefined || valueBytes !== bytesOf[type]) return undefined;
  if (labelBytes > labelBytesMax) return undefined;
  const label = bytes.subarray(start + labelOffset, start + labelOffset + labelBytes);
  return {
    counter: {
      id: view.getUint32(start, true),
      type,
      unit,
      workerIndex: view.getUint32(start + 16, true),
      label: textOf(label),
    },
    position: Number(view.getBigUint64(start + 24, true)),
    bytes: valueBytes,
  };
}

/** Reads the part of the file that holds values in one piece: one system call, not thousands. */
function readValues(readAt: ReadAt, records: readonly Record[]): Counter[] | undefined {
  if (records.length === 0) return [];
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const { position, bytes } of records) {
    low = Math.min(low, position);
    high = Math.max(high, position + bytes);
  }
  if (!Number.isSafeInteger(high)) return undefined;
  const bytes = readAt(low, high - low);
  if (bytes.byteLength < high - low) return undefined;
  const view = viewOf(bytes);
  const none = { buckets: [], sessions: [] };
  return records.map(({ counter, position, bytes: valueBytes }) => {
    if (counter.type === 'sessions') {
      const sessions = readSessionRows(readAt, position);
      return { ...counter, ...none, value: sessions.length, sessions };
    }
    const values: number[] = [];
    for (let offset = 0; offset < valueBytes; offset += 8) {
      values.push(Number(view.getBigUint64(position - low + offset, true)));
    }
    if (counter.type !== 'histogram') return { ...counter, ...none, value: values[0] ?? 0 };
    const value = values.reduce((sum, count) => sum + count, 0);
    return { ...counter, ...none, value, buckets: values };
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** UTF-8 up to the first zero byte. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function unreadable(why: string): HyperRouteError<'ERR_STATE'> {
  return new HyperRouteError('ERR_STATE', `not a readable counters file: ${why}`, { context: why });
}
