// The demo against a stand-in router: it finds nothing wrong with one that works, and each of its
// figures becomes non-zero with one that does the corresponding thing wrong, once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { DemoOptions } from '../../examples/order-gateway/demo.js';
import type { DemoSummary } from '../../examples/order-gateway/report.js';
import { type Faults, standIn } from './demo-stand-in.js';

// A dozen processes share the host with whatever else it does.
vi.setConfig({ testTimeout: 120_000 });

const root = join(import.meta.dirname, '../..');
type Demo = typeof import('../../examples/order-gateway/demo.js');
let demo: Demo;
beforeAll(async () => {
  // Its children are scripts that lie beside it: only the built form can start them.
  const path = join(root, 'dist/examples/order-gateway/demo.js');
  demo = (await import(pathToFileURL(path).href)) as Demo;
});

class Text {
  text = '';
  write(chunk: string | Uint8Array): boolean {
    this.text += String(chunk);
    return true;
  }
}

interface Outcome {
  readonly summary: DemoSummary;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(faults: Faults, options: Partial<DemoOptions> = {}): Promise<Outcome> {
  const stdout = new Text();
  const stderr = new Text();
  const summary = await demo.runDemo({
    messages: 1200,
    clients: 3,
    seed: 20_260,
    json: true,
    startGateway: standIn(faults),
    stdout,
    stderr,
    ...options,
  });
  return { summary, stdout: stdout.text, stderr: stderr.text };
}

/** Processes whose parent is this one and that run a script of the demo. */
function childrenAlive(): string[] {
  const task = `/proc/${process.pid}/task/${process.pid}/children`;
  const ids = readFileSync(task, 'utf8').trim().split(' ').filter(Boolean);
  return ids.filter((id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('order-gateway');
    } catch {
      return false;
    }
  });
}

const clean = { lost: 0, duplicated: 0, misrouted: 0, corrupted: 0, reordered: 0 };

describe('with a router that works', () => {
  test('the demo finds every order once where it belongs', async () => {
    const { summary, stdout } = await run({}, { messages: 4000, clients: 4 });
    expect(summary).toMatchObject({
      ...clean,
      passed: true,
      messages: 4000,
      clients: 4,
      causes: [],
    });
    expect(JSON.parse(stdout)).toEqual(summary);
    const { venue1 = 0, venue2 = 0, venue3 = 0, block = 0 } = summary.destinations;
    const rejects = summary.rejects['1000'] ?? 0;
    expect(venue1 + venue2 + venue3 + block + rejects).toBe(4000);
    expect(Math.max(venue1, venue2, venue3) - Math.min(venue1, venue2, venue3)).toBeLessThan(2);
    expect(rejects).toBeGreaterThan(10);
    expect(block).toBeGreaterThan(250);
    expect(summary.roundTrip?.count).toBe(4000 - rejects);
    expect(summary.rejectRoundTrip?.count).toBe(rejects);
    expect(summary.kernelDrops).toEqual({ venue1: 0, venue2: 0, venue3: 0, block: 0, router: 0 });
    expect(childrenAlive()).toEqual([]);
  });

  test('the summary for people names every destination and says that all went well', async () => {
    const { stdout } = await run({}, { json: false });
    for (const word of [
      'venue1',
      'venue3',
      'block',
      'reject 1000',
      'round trip',
      'p99',
      'lost 0',
    ]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toContain('Every order reached its destination once');
  });

  test('the same seed makes the same orders', async () => {
    const [first, second] = [await run({}), await run({})];
    expect(second.summary.rejects).toEqual(first.summary.rejects);
    expect(second.summary.destinations).toEqual(first.summary.destinations);
  });
});

// Together, because what is lost takes five seconds to be given up.
describe.concurrent('with a router that does one thing wrong', () => {
  const cases: readonly [string, Faults, Partial<DemoSummary>][] = [
    [
      'a dropped order is lost',
      { venuesOf: (n, venue) => (n === 400 ? [] : [venue]) },
      { lost: 1 },
    ],
    [
      'a dropped report is lost',
      { clientsOf: (n, client) => (n === 400 ? [] : [client]) },
      { lost: 1 },
    ],
    [
      'an order sent twice is duplicated',
      { venuesOf: (n, venue) => (n === 400 ? [venue, venue] : [venue]) },
      { duplicated: 1 },
    ],
    [
      'a report sent twice is duplicated',
      { clientsOf: (n, client) => (n === 400 ? [client, client] : [client]) },
      { duplicated: 1 },
    ],
    [
      'reports given to the wrong clients are misrouted, not lost',
      { clientsOf: swapped(400) },
      { misrouted: 2 },
    ],
    [
      'a reject given to the wrong client is misrouted, not lost',
      { rejectsTo: (n, client, count) => [n === 4 ? (client + 1) % count : client] },
      { misrouted: 1 },
    ],
    [
      'an order at the block venue that is none for it is misrouted',
      { venuesOf: misplaced(3) },
      { misrouted: 3 },
    ],
    [
      'a venue that gets more than its share is misrouted',
      { venuesOf: (n, venue) => (n > 400 && n < 430 && venue === 1 ? [2] : [venue]) },
      {},
    ],
    [
      'an order over the limit that is executed is misrouted',
      { isOverLimit: (n, isOver) => n > 300 && isOver },
      {},
    ],
    [
      'a valid order that is rejected is lost',
      { isOverLimit: (n, isOver) => isOver || n === 400 },
      { lost: 1 },
    ],
    [
      'a report with a changed ordId is corrupted',
      { spoil: (n, report) => n === 400 && report.setUint8(37, 0x77) },
      { corrupted: 1 },
    ],
    [
      'a report with an origClOrdId is corrupted',
      { spoil: (n, report) => n === 400 && report.setUint8(29, 1) },
      { corrupted: 1 },
    ],
  ];
  for (const [name, faults, expected] of cases) {
    test(name, async ({ expect }) => {
      const { summary } = await run(faults);
      expect(summary.passed).toBe(false);
      if (Object.keys(expected).length > 0)
        expect(summary).toMatchObject({ ...clean, ...expected });
      else expect(summary.misrouted).toBeGreaterThan(0);
    });
  }
});

describe('with a router that loses much', () => {
  test('what the kernel drops is lost, and the kernel is named as the cause', async () => {
    const { summary } = await run({ receiveBufferBytes: 1 }, { messages: 128, clients: 2 });
    const dropped = summary.kernelDrops.router ?? 0;
    expect(dropped).toBeGreaterThan(0);
    expect(summary).toMatchObject({ ...clean, lost: dropped, passed: false });
    expect(summary.causes.join(' ')).toContain('at the receive buffer of router');
  });

  test('a router that answers nothing is given up on, and all its orders are lost', async () => {
    const { summary } = await run({ venuesOf: () => [], rejectsTo: () => [] });
    expect(summary.lost).toBe(1200);
    expect(summary.causes.join(' ')).toContain('64 orders in a row');
    expect(childrenAlive()).toEqual([]);
  });
});

describe('whatever happens', () => {
  test('an abort in mid-run fails with the reason and leaves no process behind', async () => {
    const abort = new AbortController();
    const running = run({}, { messages: 2_000_000, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 1500);
    await expect(running).rejects.toThrow('enough');
    expect(childrenAlive()).toEqual([]);
  });

  test('a router that does not start fails the demo and leaves no process behind', async () => {
    const startGateway = () => Promise.reject(new Error('no port left'));
    await expect(run({}, { startGateway })).rejects.toThrow('no port left');
    expect(childrenAlive()).toEqual([]);
  });

  test('a count that cannot be used is refused by name', async () => {
    await expect(run({}, { messages: 0 })).rejects.toThrow(/messages: expected an integer from 1/);
  });
});

/** Sends the first orders of the pool to the block venue. */
function misplaced(count: number): NonNullable<Faults['venuesOf']> {
  let left = count;
  return (_n, venue) => {
    if (venue === 3 || left === 0) return [venue];
    left -= 1;
    return [3];
  };
}

/** Gives the n-th report to the next client, and that client's next report to the first. */
function swapped(n: number): NonNullable<Faults['clientsOf']> {
  let owed: { to: number; from: number } | undefined;
  return (index, client, clientCount) => {
    if (index === n) {
      owed = { to: client, from: (client + 1) % clientCount };
      return [owed.from];
    }
    if (owed === undefined || owed.from !== client) return [client];
    const { to } = owed;
    owed = undefined;
    return [to];
  };
}
