// What `stat` shows of the sessions of Raptor endpoints.
import { describe, expect, it } from 'vitest';
import { sessionLines } from '../../../../lib/cli/screen-sessions.js';
import type { SessionRow } from '../../../../lib/router/session-rows.js';

const row: SessionRow = {
  session: 65_536,
  remote: '192.0.2.7:9000',
  key: 'raptor-public-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE',
  state: 'open',
  openedMs: 1000,
  counters: {
    ...{ rttNs: 84_000, rttNsMin: 61_000, windowBytes: 131_072, inFlightBytes: 2400 },
    ...{ waitingBytes: 70_000, messagesSent: 1000, messagesReceived: 999, packetsSent: 5000 },
    ...{ lostByReorder: 9, lostByProbe: 3, retransmits: 12, backPressure: 120, forged: 0 },
  },
};
const connections = (total: number) => ({ connections: { total, perSecond: null } });

describe('sessions', () => {
  it('are lines of a table, with a note of what went wrong by its cause', () => {
    const { lines, notes } = sessionLines({
      sessions: { out: [row, { ...row, key: null, counters: {} }] },
      endpoints: { out: connections(2) },
    });
    expect(lines[0]).toMatch(/^session of +with +key +state +rtt +least +cwnd +in flight /);
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      ...['out', '192.0.2.7:9000', 'AbCdEfGh', 'open', '84.0 µs', '61.0 µs', '131.1 kB'],
      ...['2.4 kB', '70.0 kB', '1,000', '999', '12'],
    ]);
    expect(lines[2]).toMatch(/^out +192\.0\.2\.7:9000 +- +open +0 ns /);
    expect(notes).toEqual([
      '  out 192.0.2.7:9000: lostByReorder 9, lostByProbe 3, retransmits 12, backPressure 120',
    ]);
  });

  it('beyond the table are told by their number', () => {
    const { notes } = sessionLines({
      sessions: { in: [{ ...row, counters: {} }] },
      endpoints: { in: connections(37) },
    });
    expect(notes).toEqual(['  in: 36 more sessions, not shown']);
  });

  it('are not mentioned where there are none', () => {
    const none = { sessions: { in: [] }, endpoints: { in: connections(0) } };
    expect(sessionLines(none)).toEqual({ lines: [], notes: [] });
  });
});
