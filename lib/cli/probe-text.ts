// What `ping` and `perf` show to people.
import type { ProbeDone, ProbeEvent, ProbeLatency, ProbeProgress } from './probe.js';
import {
  bytesText,
  countText,
  nanosecondsText,
  percentText,
  rateText,
  secondsText,
  table,
} from './text.js';

const barCharacters = 40;
const nsPerSecond = 1e9;
const mebibyte = 2 ** 20;

/** One line: how the last second went. */
export function progressLine({
  elapsedNs,
  intervalNs,
  messages,
  bytes,
  lost,
  roundTrip,
}: ProbeProgress): string {
  const perSecond = (value: number) => (value * nsPerSecond) / Math.max(1, intervalNs);
  const parts = [
    secondsText(elapsedNs / nsPerSecond).padStart(5),
    `${rateText(Math.round(perSecond(messages)))} messages/s`,
    `${bytesText(perSecond(bytes))}/s`,
    ...(roundTrip.count > 0
      ? [
          `round trip p50 ${nanosecondsText(roundTrip.p50Ns)}`,
          `p99 ${nanosecondsText(roundTrip.p99Ns)}`,
        ]
      : []),
    `lost ${countText(lost)}`,
  ];
  return parts.join('  ');
}

/** The lines of the end. */
export function summaryLines(done: ProbeDone): string[] {
  const { roundTrip, oneWay } = done;
  const rows = [['round trip', ...latencyCells(roundTrip)]];
  if (oneWay !== null) rows.push(['one way', ...latencyCells(oneWay)]);
  const head = ['', 'timed', 'min', 'p50', 'p90', 'p99', 'p99.9', 'max'];
  return [
    ...resultLines(done),
    '',
    ...table(head, rows),
    ...(oneWay === null ? ['no one-way figures: the ends read clocks of two hosts'] : []),
    '',
    ...histogramLines(roundTrip.buckets),
    '',
    ...sessionLines(done),
  ];
}

function resultLines(done: ProbeDone): string[] {
  const size = `${countText(done.messageBytes)} B`;
  const seconds = (done.elapsedNs / nsPerSecond).toFixed(1);
  const { sent, received } = done;
  const counts = `sent ${countText(sent)}, received ${countText(received)} in ${seconds} s`;
  if (done.tool === 'ping') return [`${counts}, ${size} each`];
  const rate = rateText(Math.round(done.messagesPerSecond ?? 0));
  const bytes = bytesText(done.bytesPerSecond ?? 0);
  return [`${rate} messages/s, ${bytes}/s (${size} each)`, counts];
}

function latencyCells({ count, minNs, p50Ns, p90Ns, p99Ns, p999Ns, maxNs }: ProbeLatency) {
  if (count === 0) return ['0', '-', '-', '-', '-', '-', '-'];
  const times = [minNs, p50Ns, p90Ns, p99Ns, p999Ns, maxNs].map(nanosecondsText);
  return [countText(count), ...times];
}

/** Bars of the round trips, one for each doubling. */
export function histogramLines(buckets: readonly (readonly [number, number])[]): string[] {
  const counts = new Map<number, number>();
  for (const [lowNs, count] of buckets) {
    const power = Math.floor(Math.log2(Math.max(1, lowNs)));
    counts.set(power, (counts.get(power) ?? 0) + count);
  }
  const powers = [...counts.keys()];
  if (powers.length === 0) return [];
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts.values());
  const [first, last] = [Math.min(...powers), Math.max(...powers)];
  const rows = Array.from({ length: last - first + 1 }, (_, index) => {
    const power = first + index;
    const count = counts.get(power) ?? 0;
    // What is there is seen, however little it is.
    const length = count === 0 ? 0 : Math.max(1, Math.round((count / most) * barCharacters));
    return {
      cells: [`from ${nanosecondsText(2 ** power)}`, countText(count), percentText(count / total)],
      bar: '#'.repeat(length),
    };
  });
  const [head = '', ...lines] = table(
    ['round trip', 'messages', 'share'],
    rows.map(({ cells }) => cells),
  );
  return [head, ...lines.map((line, index) => `${line}  ${rows[index]?.bar ?? ''}`.trimEnd())];
}

function sessionLines({ session, socket, listener }: ProbeDone): string[] {
  const of = (name: string) => session[name] ?? 0;
  const count = (name: string) => countText(of(name));
  const rows = [
    [
      'path',
      `rtt ${nanosecondsText(of('rttNs'))} (least ${nanosecondsText(of('rttNsMin'))})`,
      `cwnd ${kibibytes(of('windowBytes'))}, mtu ${count('datagramBytes')} B`,
    ],
    [
      'packets',
      `sent ${count('packetsSent')}, received ${count('packetsReceived')}`,
      `at the listener ${countText(listener.packetsReceived ?? 0)}`,
    ],
    [
      'lost',
      `overtaken ${count('lostByReorder')}, by probes ${count('lostByProbe')}`,
      `spurious ${count('spurious')}, reorder depth ${count('reorderDepthMax')}`,
    ],
    [
      'recovery',
      `retransmitted ${count('retransmits')}, probes ${count('probesSent')}`,
      `given up ${count('abandoned')} messages`,
    ],
    [
      'flow',
      `back-pressure ${count('backPressure')}`,
      `dropped by kernels ${countText((socket.kernelDrops ?? 0) + (listener.kernelDrops ?? 0))}`,
    ],
    [
      'security',
      `key updates ${count('keyUpdates')}`,
      `forged ${count('forged')}, replayed ${count('replayed')}`,
    ],
  ];
  return table(['session', '', ''], rows, 3);
}

function kibibytes(bytes: number): string {
  return bytes >= mebibyte
    ? `${(bytes / mebibyte).toFixed(1)} MiB`
    : `${Math.round(bytes / 1024)} KiB`;
}

/** What a listener says of its clients; undefined for what is told elsewhere. */
export function listenerLine(event: ProbeEvent): string | undefined {
  if (event.event === 'opened') return `${event.peer} has connected`;
  if (event.event === 'ended') {
    const { peer, reason, messages, bytes, durationNs } = event;
    const size = `${countText(messages)} messages, ${bytesText(bytes)}`;
    return `${peer} is gone (${reason}) after ${secondsText(durationNs / nsPerSecond)}: ${size}`;
  }
  if (event.event !== 'ignored') return undefined;
  const reasons = [
    [event.otherKey, "for another public key, or not of this end's --insecure"],
    [event.otherMode, 'with encryption where the other end has none'],
    [event.otherVersion, 'of another version'],
    [event.refused, 'more sessions than it takes'],
  ] as const;
  const told = reasons.filter(([count]) => count > 0);
  return `ignored: ${told.map(([count, why]) => `${count} ${why}`).join(', ')}`;
}
