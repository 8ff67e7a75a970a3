// The sessions of a router's Raptor endpoints, as lines of text.
import type { SessionRow } from '../router/session-rows.js';
import type { StatReport } from './rates.js';
import { bytesText, countText, nanosecondsText, table } from './text.js';

const keyCharacters = 8;
const keyStart = 'raptor-public-';
const columns = ['rtt', 'least', 'cwnd', 'in flight', 'waiting', 'sent', 'received', 'lost'];

/** Shown in a column, or of no concern: the others only where they are not zero. */
const columned = new Set([
  ...['rttNs', 'rttNsMin', 'windowBytes', 'inFlightBytes', 'datagramBytes', 'waitingBytes'],
  ...['packetsSent', 'packetsReceived', 'bytesSent', 'bytesReceived', 'messagesSent'],
  ...['messagesReceived', 'unackedBytes', 'probesSent', 'keyUpdates'],
]);

/** A table with its head, and what is worth a note. */
export function sessionLines({ sessions, endpoints }: Pick<StatReport, 'sessions' | 'endpoints'>): {
  readonly lines: readonly string[];
  readonly notes: readonly string[];
} {
  const all = Object.entries(sessions).filter(([, rows]) => rows.length > 0);
  if (all.length === 0) return { lines: [], notes: [] };
  const rows = all.flatMap(([name, own]) => own.map((row) => cells(name, row)));
  const notes = all.flatMap(([name, own]) => {
    const open = endpoints[name]?.connections?.total ?? 0;
    const more = open - own.length;
    const unlisted = more > 0 ? [`  ${name}: ${countText(more)} more sessions, not shown`] : [];
    return [...own.flatMap((row) => note(name, row)), ...unlisted];
  });
  return { lines: table(['session of', 'with', 'key', 'state', ...columns], rows, 4), notes };
}

function cells(name: string, { remote, key, state, counters }: SessionRow): string[] {
  const of = (counter: string) => counters[counter] ?? 0;
  return [
    name,
    remote,
    key === null ? '-' : key.slice(keyStart.length, keyStart.length + keyCharacters),
    state,
    nanosecondsText(of('rttNs')),
    nanosecondsText(of('rttNsMin')),
    bytesText(of('windowBytes')),
    bytesText(of('inFlightBytes')),
    bytesText(of('waitingBytes')),
    countText(of('messagesSent')),
    countText(of('messagesReceived')),
    countText(of('lostByReorder') + of('lostByProbe')),
  ];
}

function note(name: string, { remote, counters }: SessionRow): string[] {
  const shown = Object.entries(counters).filter(
    ([counter, value]) => value !== 0 && !columned.has(counter),
  );
  const text = shown.map(([counter, value]) => `${counter} ${countText(value)}`).join(', ');
  return text === '' ? [] : [`  ${name} ${remote}: ${text}`];
}
