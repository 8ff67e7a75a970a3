// The bad path that end-to-end tests send through: what it says it does is what it does.
import { describe, expect, it } from 'vitest';
import { type Impairments, LossyPath, queuedCountMax } from '../../helpers/lossy-path.js';

const count = 20_000;

interface Arrival {
  readonly number: number;
  readonly bytes: Buffer;
  readonly atMs: number;
}

function datagram(number: number, bytes = 64): Buffer {
  const made = Buffer.alloc(bytes, 0x55);
  made.writeUInt32LE(number);
  return made;
}

/** Sends a datagram each tenth of a millisecond through a path. */
function through(seed: number, impairments: Partial<Impairments>) {
  const arrivals: Arrival[] = [];
  let nowMs = 0;
  const path = new LossyPath<number>(seed, impairments, (bytes, number) => {
    arrivals.push({ number, bytes, atMs: nowMs });
  });
  for (let number = 0; number < count; number++) {
    path.run(nowMs);
    path.take(datagram(number), number, nowMs);
    nowMs += 0.1;
  }
  path.run(nowMs + 1000);
  return { path, arrivals };
}

function share(occurrences: number): number {
  return occurrences / count;
}

describe('a path', () => {
  it('passes everything on at once, unchanged, where nothing is wrong with it', () => {
    const { path, arrivals } = through(1, {});
    expect(arrivals.map(({ number }) => number)).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
    expect(arrivals.every(({ bytes, number }) => bytes.equals(datagram(number)))).toBe(true);
    expect(path.counts).toMatchObject({
      taken: count,
      delivered: count,
      lost: 0,
      largestBytes: 64,
    });
    expect(path.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it('does the same with the same seed, and something else with another', () => {
    const everything = { loss: 0.1, burst: 0.01, reorder: 0.2, duplicate: 0.1, corrupt: 0.1 };
    const [first, again, other] = [7, 7, 8].map((seed) =>
      through(seed, everything)
        .arrivals.map(({ number, bytes, atMs }) => `${atMs} ${number} ${bytes.toString('base64')}`)
        .join('\n'),
    );
    expect(again === first).toBe(true);
    expect(other === first).toBe(false);
  });

  it('loses the share that it is told, and no other datagrams because of another share', () => {
    const { path, arrivals } = through(2, { loss: 0.05 });
    expect(share(path.counts.lost)).toBeGreaterThan(0.04);
    expect(share(path.counts.lost)).toBeLessThan(0.06);
    expect(arrivals.length).toBe(count - path.counts.lost);
    const both = through(2, { loss: 0.05, corrupt: 0.3 });
    const numbers = (list: readonly Arrival[]) => list.map(({ number }) => number);
    expect(numbers(both.arrivals)).toEqual(numbers(arrivals));
  });

  it('loses all that comes while a burst lasts', () => {
    const { path, arrivals } = through(3, { burst: 0.002, burstMs: 1.95 });
    const gaps: number[] = [];
    for (const [at, { number }] of arrivals.entries()) {
      const before = arrivals[at - 1]?.number ?? -1;
      if (number > before + 1) gaps.push(number - before - 1);
    }
    expect(gaps.length).toBeGreaterThan(10);
    // Two may follow on each other.
    expect(gaps.every((gap) => gap % 20 === 0)).toBe(true);
    expect(path.counts.lostInBursts).toBe(count - arrivals.length);
  });

  it('takes as long as it is told, and keeps the order', () => {
    const { arrivals } = through(4, { delayMs: 5 });
    expect(arrivals.map(({ number }) => number)).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
    const late = arrivals.slice(0, count / 2).map(({ number, atMs }) => atMs - number * 0.1);
    expect(Math.min(...late)).toBeGreaterThan(4.99);
    expect(Math.max(...late)).toBeLessThan(5.3);
  });

  it('lets later datagrams overtake some', () => {
    const { path, arrivals } = through(5, { reorder: 0.1, reorderMs: 3 });
    let newest = -1;
    let overtaken = 0;
    for (const { number } of arrivals) {
      if (number < newest) overtaken += 1;
      newest = Math.max(newest, number);
    }
    expect(arrivals.length).toBe(count);
    expect(share(overtaken)).toBeGreaterThan(0.05);
    expect(overtaken).toBeLessThanOrEqual(path.counts.reordered);
  });

  it('delivers some twice', () => {
    const { path, arrivals } = through(6, { duplicate: 0.1 });
    const times = new Map<number, number>();
    for (const { number } of arrivals) times.set(number, (times.get(number) ?? 0) + 1);
    const twice = [...times.values()].filter((one) => one === 2).length;
    expect(times.size).toBe(count);
    expect(share(twice)).toBeGreaterThan(0.08);
    expect(twice).toBe(path.counts.duplicated);
    expect(arrivals.length).toBe(count + twice);
  });

  it('corrupts some, a few bits or their end, and never those of the sender', () => {
    const { path, arrivals } = through(7, { corrupt: 0.1 });
    const wrong = arrivals.filter(({ bytes, number }) => !bytes.equals(datagram(number)));
    expect(wrong.length).toBe(path.counts.corrupted);
    expect(share(wrong.length)).toBeGreaterThan(0.08);
    expect(wrong.some(({ bytes }) => bytes.length < 64)).toBe(true);
    expect(wrong.some(({ bytes }) => bytes.length === 64)).toBe(true);
    const sent = datagram(1);
    const path1 = new LossyPath<null>(1, { corrupt: 1 }, () => {});
    for (let at = 0; at < 100; at++) path1.take(sent, null, 0);
    expect(sent).toEqual(datagram(1));
  });

  it('corrupts an empty datagram without harm', () => {
    const arrived: Buffer[] = [];
    const path = new LossyPath<null>(1, { corrupt: 1 }, (bytes) => arrived.push(bytes));
    for (let at = 0; at < 20; at++) path.take(Buffer.alloc(0), null, 0);
    expect(arrived).toEqual(Array.from({ length: 20 }, () => Buffer.alloc(0)));
  });

  it('swallows what is too large, from whenever it is told', () => {
    const sizes: number[] = [];
    const path = new LossyPath<null>(1, {}, (bytes) => sizes.push(bytes.length));
    for (const bytes of [1200, 1201]) path.take(datagram(0, bytes), null, 0);
    path.impairments = { ...path.impairments, mtuBytes: 1200 };
    for (const bytes of [1200, 1201]) path.take(datagram(0, bytes), null, 0);
    expect(sizes).toEqual([1200, 1201, 1200]);
    expect(path.counts).toMatchObject({ tooLarge: 1, largestBytes: 1201 });
    path.forgetLargest();
    path.take(datagram(0, 100), null, 0);
    expect(path.counts.largestBytes).toBe(100);
  });

  it('passes nothing while it is cut, but for what was under way', () => {
    const numbers: number[] = [];
    const path = new LossyPath<number>(1, { delayMs: 10 }, (_bytes, number) =>
      numbers.push(number),
    );
    path.take(datagram(0), 0, 0);
    path.isPartitioned = true;
    path.take(datagram(1), 1, 1);
    path.run(20);
    path.isPartitioned = false;
    path.take(datagram(2), 2, 21);
    path.run(40);
    expect(numbers).toEqual([0, 2]);
    expect(path.counts.partitioned).toBe(1);
  });

  it('holds no more than its bound, and counts what it drops', () => {
    const path = new LossyPath<number>(1, { delayMs: 10 }, () => {});
    for (let at = 0; at < queuedCountMax + 5; at++) path.take(datagram(at), at, 0);
    expect(path.queuedCount).toBe(queuedCountMax);
    expect(path.counts.overflowed).toBe(5);
    path.run(10);
    expect(path.queuedCount).toBe(0);
    expect(path.counts.delivered).toBe(queuedCountMax);
  });
});
