// Rows about sessions in the counters file: read whole, or not at all.
import { describe, expect, it } from 'vitest';
import { textOfPublicKey } from '../../../../lib/endpoints/raptor-keys.js';
import { type ReadAt, readCounters } from '../../../../lib/router/counters.js';
import { readSessionRows, sessionTableBytes } from '../../../../lib/router/session-rows.js';
import { summarize } from '../../../../lib/router/summary.js';
import {
  countersFileBytes,
  type SessionSpec,
  sessionRowsBytes,
} from '../../../helpers/counters-file.js';

const names = ['rttNs', 'forged'];
const key = Uint8Array.from({ length: 32 }, (_none, at) => at + 1);

const readerOf =
  (bytes: Uint8Array): ReadAt =>
  (position, count) =>
    bytes.subarray(position, position + count);

const rowsOf = (rows: readonly SessionSpec[]) =>
  readSessionRows(readerOf(sessionRowsBytes(names, rows)), 0);

describe('session rows', () => {
  it('say who the peer is, how the session stands and what it counts', () => {
    const rows = rowsOf([
      { session: 70_001, openedMs: 1_750_000_000_123, key, counters: [84_000, 2] },
    ]);
    expect(rows).toEqual([
      {
        session: 70_001,
        remote: '127.0.0.1:9000',
        key: textOfPublicKey(key),
        state: 'open',
        openedMs: 1_750_000_000_123,
        counters: { rttNs: 84_000, forged: 2 },
      },
    ]);
  });

  it('leave out places without a session, and come oldest first', () => {
    const rows = rowsOf([
      { session: 3, openedMs: 3000 },
      { state: 0 },
      { session: 1, openedMs: 1000, state: 2 },
      { session: 2, openedMs: 1000, state: 3 },
    ]);
    expect(rows.map(({ session, state }) => [session, state])).toEqual([
      [1, 'draining'],
      [2, 'closed'],
      [3, 'open'],
    ]);
  });

  it.each([
    [[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], '[2001:db8::1:0:0:1]:9000'],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '[::1]:9000'],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '[::]:9000'],
    [[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '[fe80::]:9000'],
    [[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0x0a, 8], '[1:2:3:4:5:6:7:a08]:9000'],
  ])('write addresses of IPv6 as everybody does: %j', (address, text) => {
    expect(rowsOf([{ family: 6, address }])[0]?.remote).toBe(text);
  });

  it('have no key where nothing is encrypted', () => {
    expect(rowsOf([{}])[0]?.key).toBeNull();
  });

  it('are not taken while they are written, and are once they rest', () => {
    const bytes = sessionRowsBytes(names, [{ sequence: 5n, counters: [1] }, { counters: [7] }]);
    let reads = 0;
    const rows = readSessionRows((position, count) => {
      reads += 1;
      if (reads === 4) bytes.writeBigUInt64LE(6n, 1024);
      return Uint8Array.from(bytes.subarray(position, position + count));
    }, 0);
    expect(rows.map(({ counters }) => counters.rttNs).sort()).toEqual([1, 7]);
    expect(reads).toBe(5);
  });

  it('are not taken where one half is of one writing and one of another', () => {
    const bytes = sessionRowsBytes(names, [{ sequence: 4n, counters: [1, 1] }]);
    let reads = 0;
    const [row] = readSessionRows((position, count) => {
      // The writer is between its words in the first read, and has ended before the second.
      reads += 1;
      bytes.writeBigUInt64LE(reads === 1 ? 1n : 2n, 1024 + 88);
      bytes.writeBigUInt64LE(2n, 1024 + 96);
      return Uint8Array.from(bytes.subarray(position, position + count));
    }, 0);
    expect(row?.counters).toEqual({ rttNs: 2, forged: 2 });
  });

  it('that never rest are left out after a bounded number of attempts', () => {
    const bytes = sessionRowsBytes(names, [{ counters: [1] }, { session: 9 }]);
    let reads = 0;
    const rows = readSessionRows((position, count) => {
      bytes.writeBigUInt64LE(BigInt(2 * ++reads), 1024);
      return Uint8Array.from(bytes.subarray(position, position + count));
    }, 0);
    expect(rows.map(({ session }) => session)).toEqual([9]);
    expect(reads).toBeLessThan(100);
  });

  it.each<[string, SessionSpec]>([
    ['of an unknown state', { state: 4 }],
    ['of an unknown family', { family: 5 }],
    ['of a port that cannot be', { port: 65_536 }],
  ])('%s are no sessions', (_what, spec) => {
    expect(rowsOf([spec])).toEqual([]);
  });

  it.each([
    ['more rows', 0, 65],
    ['rows of another size', 4, 392],
    ['rows elsewhere', 8, 2048],
    ['names of impossible size', 12, 1009],
  ])('of a table with %s are none', (_what, position, value) => {
    const bytes = sessionRowsBytes(names, [{}]);
    bytes.writeUInt32LE(value, position);
    expect(readSessionRows(readerOf(bytes), 0)).toEqual([]);
  });

  it('of a table that is cut off are none', () => {
    const bytes = sessionRowsBytes(names, [{}]).subarray(0, sessionTableBytes - 1);
    expect(readSessionRows(readerOf(bytes), 0)).toEqual([]);
  });

  it('of more counters than a row holds are none', () => {
    const many = Array.from({ length: 38 }, (_none, at) => `c${at}`);
    expect(readSessionRows(readerOf(sessionRowsBytes(many, [{}])), 0)).toEqual([]);
  });
});

describe('the summary of counters', () => {
  it('has the sessions of each endpoint, of every worker', () => {
    const value = (session: number) => sessionRowsBytes(names, [{ session, openedMs: session }]);
    const file = countersFileBytes({
      name: 'sessions',
      counters: [
        { label: 'endpoint/in/sessions', type: 4, unit: 0, value: value(1) },
        { label: 'endpoint/in/sessions', type: 4, unit: 0, value: value(2), workerIndex: 1 },
        { label: 'endpoint/out/sessions', type: 4, unit: 0, value: sessionRowsBytes(names, []) },
      ],
    });
    const { counters } = readCounters(readerOf(file));
    expect(counters.map(({ type, value }) => [type, value])).toEqual([
      ['sessions', 1],
      ['sessions', 1],
      ['sessions', 0],
    ]);
    const { sessions, endpoints } = summarize(counters);
    expect(sessions.in?.map(({ session }) => session)).toEqual([1, 2]);
    expect(sessions.out).toEqual([]);
    expect(endpoints).toEqual({});
  });
});
