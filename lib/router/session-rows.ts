// Reads the rows about the sessions of an endpoint (native/ring/counters_layout.h). Their writer
// waits for no reader, so every row is read twice: it is whole where both times are the same.
import { textOfPublicKey } from '../endpoints/raptor-keys.js';
import type { ReadAt } from './counters.js';

export type SessionState = 'open' | 'draining' | 'closed';

/** A session of an endpoint, as its worker saw it at most a fraction of a second ago. */
export interface SessionRow {
  /** Its number; another one once it has been made again. */
  readonly session: number;
  /** Where the peer is, as `address:port`. */
  readonly remote: string;
  /** The peer's public key; null where nothing is encrypted. */
  readonly key: string | null;
  readonly state: SessionState;
  /** Milliseconds since 1970. */
  readonly openedMs: number;
  /** By name: see docs/endpoints.md. */
  readonly counters: Readonly<Record<string, number>>;
}

const headBytes = 16;
const rowBytes = 384;
const rowCount = 64;
const rowsOffset = 1024;
const addressOffset = 40;
const keyOffset = 56;
const countersOffset = 88;
const countersMax = (rowBytes - countersOffset) / 8;
const readTriesMax = 16;
const states: readonly (SessionState | undefined)[] = [undefined, 'open', 'draining', 'closed'];

/** Bytes of the rows of one endpoint. */
export const sessionTableBytes = rowsOffset + rowCount * rowBytes;

/**
 * The rows that are in use. One that is not found at rest in a number of attempts, or that says
 * what no session can be, is left out.
 */
export function readSessionRows(readAt: ReadAt, position: number): SessionRow[] {
  const whole = new Map<number, SessionRow | undefined>();
  let before = readAt(position, sessionTableBytes);
  const names = namesOf(before);
  for (let tries = 0; tries < readTriesMax && whole.size < rowCount; tries++) {
    const now = readAt(position, sessionTableBytes);
    if (names === undefined || now.byteLength < sessionTableBytes) return [];
    for (let index = 0; index < rowCount; index++) {
      const row = rowAt(now, index);
      const isWhole = Buffer.compare(rowAt(before, index), row) === 0 && (row[0] ?? 1) % 2 === 0;
      if (isWhole && !whole.has(index)) whole.set(index, rowOf(row, names));
    }
    before = now;
  }
  const rows = [...whole.values()].filter((row) => row !== undefined);
  return rows.sort((one, other) => one.openedMs - other.openedMs || one.session - other.session);
}

function rowAt(table: Uint8Array, index: number): Uint8Array {
  const start = rowsOffset + index * rowBytes;
  return table.subarray(start, start + rowBytes);
}

/** The names of the counters; undefined: the bytes are no table. */
function namesOf(table: Uint8Array): string[] | undefined {
  if (table.byteLength < sessionTableBytes) return undefined;
  const view = viewOf(table);
  const head = [0, 4, 8].map((offset) => view.getUint32(offset, true));
  const namesBytes = view.getUint32(12, true);
  const isKnown = head[0] === rowCount && head[1] === rowBytes && head[2] === rowsOffset;
  if (!isKnown || namesBytes > rowsOffset - headBytes) return undefined;
  const text = Buffer.from(table.subarray(headBytes, headBytes + namesBytes)).toString('latin1');
  const names = text.split(',').filter((name) => name !== '');
  return names.length > countersMax ? undefined : names;
}

/** undefined: a row without a session, or of none that can be. */
function rowOf(row: Uint8Array, names: readonly string[]): SessionRow | undefined {
  const view = viewOf(row);
  const at = (offset: number) => Number(view.getBigUint64(offset, true));
  const state = states[at(8)];
  const remote = remoteOf(view.getUint32(32, true), row, view.getUint32(36, true));
  if (state === undefined || remote === undefined) return undefined;
  const key = row.subarray(keyOffset, countersOffset);
  return {
    session: at(16),
    remote,
    key: key.every((byte) => byte === 0) ? null : textOfPublicKey(key),
    state,
    openedMs: Math.floor(at(24) / 1e6),
    counters: Object.fromEntries(
      names.map((name, index) => [name, at(countersOffset + 8 * index)] as const),
    ),
  };
}

function remoteOf(family: number, row: Uint8Array, port: number): string | undefined {
  if (port > 0xffff) return undefined;
  const address = row.subarray(addressOffset, keyOffset);
  if (family === 4) return `${address.subarray(0, 4).join('.')}:${port}`;
  return family === 6 ? `${textOfIpv6(address)}:${port}` : undefined;
}

/** As RFC 5952 writes it, in brackets; the parser of URLs leaves the zeros out. */
function textOfIpv6(address: Uint8Array): string {
  const view = viewOf(address);
  const groups = Array.from({ length: 8 }, (_none, at) => view.getUint16(2 * at).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
