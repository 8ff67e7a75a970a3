// What `ping` and `perf` show of their figures.
import { describe, expect, it } from 'vitest';
import type { ProbeDone, ProbeLatency } from '../../../../lib/cli/probe.js';
import {
  histogramLines,
  listenerLine,
  progressLine,
  summaryLines,
} from '../../../../lib/cli/probe-text.js';

const latency: ProbeLatency = {
  ...{ count: 4, minNs: 900, p50Ns: 1000, p90Ns: 2000, p99Ns: 3000 },
  ...{ p999Ns: 4000, maxNs: 5_000_000 },
};

const done: ProbeDone = {
  ...{ event: 'done', tool: 'perf', messageBytes: 288, streams: 1, rate: 0, complete: true },
  ...{ sent: 4000, received: 4000, elapsedNs: 2e9 },
  ...{ messagesPerSecond: 2000, bytesPerSecond: 576_000 },
  roundTrip: { ...latency, buckets: [[992, 4]] },
  oneWay: null,
  listener: { packetsReceived: 12, kernelDrops: 1 },
  session: { rttNs: 50_000, lostByReorder: 3, lostByProbe: 2, keyUpdates: 1, windowBytes: 2 ** 21 },
  socket: { kernelDrops: 2 },
};

describe('the bars of a histogram', () => {
  it('stand for doublings, with those between that hold nothing', () => {
    const lines = histogramLines([
      [1024, 10],
      [1500, 30],
      [4096, 1],
    ]);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^from 1\.0 µs +40 +97\.56 % {2}#{40}$/);
    expect(lines[2]).toMatch(/^from 2\.0 µs +0 +0 %$/);
    // The least that is there is seen.
    expect(lines[3]).toMatch(/^from 4\.1 µs +1 +2\.44 % {2}#$/);
  });

  it('are none without messages', () => {
    expect(histogramLines([])).toEqual([]);
  });
});

describe('the summary', () => {
  it('has rates, percentiles and what the session counted', () => {
    const text = summaryLines(done).join('\n');
    expect(text).toContain('2000 messages/s, 576.0 kB/s (288 B each)');
    expect(text).toMatch(/^round trip +4 +900 ns +1\.0 µs +2\.0 µs +3\.0 µs +4\.0 µs +5\.00 ms$/m);
    expect(text).toMatch(/^lost +overtaken 3, by probes 2 /m);
    expect(text).toMatch(/dropped by kernels 3$/m);
    expect(text).toMatch(/cwnd 2\.0 MiB/);
    expect(text).toMatch(/key updates 1 /);
  });

  it('says why there are no one-way figures, or shows them', () => {
    expect(summaryLines(done).join('\n')).toContain('clocks of two hosts');
    const text = summaryLines({ ...done, oneWay: latency }).join('\n');
    expect(text).toMatch(/^one way +4 +900 ns/m);
    expect(text).not.toContain('clocks of two hosts');
  });

  it('has no times where nothing was timed', () => {
    const none = { ...latency, count: 0 };
    const text = summaryLines({ ...done, roundTrip: { ...none, buckets: [] } }).join('\n');
    expect(text).toMatch(/^round trip +0 +- +- +- +- +- +-$/m);
  });
});

describe('lines on the way', () => {
  it('tell of a second in rates, whatever its length was', () => {
    const line = progressLine({
      ...{ event: 'progress', elapsedNs: 3.2e9, intervalNs: 5e8, messages: 50_000 },
      ...{ bytes: 1_600_000, lost: 1234, windowBytes: 65_536, roundTrip: latency },
    });
    expect(line).toBe(
      '   3s  100k messages/s  3.2 MB/s  round trip p50 1.0 µs  p99 3.0 µs  lost 1,234',
    );
  });

  it('tell of clients, and why somebody gets no answer', () => {
    const peer = '127.0.0.1:5';
    expect(listenerLine({ event: 'opened', peer })).toBe('127.0.0.1:5 has connected');
    const counts = { reason: 'peer-dead', messages: 1200, bytes: 38_400, durationNs: 4e9 };
    expect(listenerLine({ event: 'ended', peer, ...counts })).toBe(
      '127.0.0.1:5 is gone (peer-dead) after 4s: 1,200 messages, 38.4 kB',
    );
    const ignored = { otherKey: 2, otherMode: 0, otherVersion: 0, refused: 1 };
    expect(listenerLine({ event: 'ignored', ...ignored })).toMatch(
      /^ignored: 2 for another public key.*, 1 more sessions than it takes$/,
    );
    expect(listenerLine({ event: 'stopped' })).toBeUndefined();
  });
});
