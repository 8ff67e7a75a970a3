// Raptor between processes over a path that loses, reorders, duplicates, corrupts, swallows and is
// cut; and what becomes of it when either process dies. The cases wait more than they work, so
// they run beside each other.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { type EndState, RaptorEnds, type RaptorEndsOptions } from '../helpers/raptor-ends.js';

const isLong = process.env.HYPERROUTE_LONG === '1';
const limitMs = isLong ? 900_000 : 180_000;
const partitionMs = 30_000;
/** Longer than what a machine under load takes from a proxy. */
const patient = { liveness: '5s' };
const faultless = { missing: 0, repeated: 0, wrong: 0 };

/** Every message has been answered once, in order, in one session. */
const whole = ({ sent }: EndState) => ({
  ...faultless,
  received: sent,
  connection: { state: 'connected', reason: 'none' },
  counters: { connections_opened: 1, connections_closed: 0, undeliverable: 0 },
});

describe.concurrent('a partition of 30 s', { timeout: limitMs }, () => {
  it('is survived where liveness is longer, and what was sent meanwhile arrives', async ({
    expect,
    onTestFinished,
  }) => {
    const ends = await RaptorEnds.start({ shared: { liveness: '60s' } }, onTestFinished);
    await ends.exchange(200, 8, 1000);
    ends.proxy.partition();
    const { received } = await ends.ask('send 200 8 1000');
    await sleep(partitionMs);
    expect((await ends.ask('state')).received).toBe(received);
    ends.proxy.heal();
    await ends.ask('answers 400');
    const state = await ends.exchange(200, 8, 1000);
    expect(state, `seed ${ends.seed}`).toMatchObject(whole(state));
    expect(state.received).toBe(600);
    expect(ends.proxy.counts('up').partitioned).toBeGreaterThan(0);
    expect(await ends.askListener('state')).toMatchObject({
      counters: { connections_opened: 1, connections_closed: 0 },
    });
  });

  it('is the death of the peer where liveness is shorter; healed, traffic goes on', async ({
    expect,
    onTestFinished,
  }) => {
    const ends = await RaptorEnds.start({ shared: { liveness: '2s' } }, onTestFinished);
    await ends.exchange(200, 8, 1000);
    const begin = performance.now();
    ends.proxy.partition();
    const [dead, deadAtListener] = await Promise.all([
      ends.ask('until connecting'),
      ends.askListener('gone 1'),
    ]);
    expect(dead.connection).toEqual({ state: 'connecting', reason: 'peer-dead' });
    expect(deadAtListener.counters).toMatchObject({ connections: 0, connections_closed: 1 });
    // They wait for the next session.
    await ends.ask('send 200 8 1000');
    await sleep(Math.max(0, begin + partitionMs - performance.now()));
    expect((await ends.ask('state')).connection).toEqual({
      state: 'connecting',
      reason: 'no-answer',
    });
    ends.proxy.heal();
    await ends.ask('answers 400');
    const state = await ends.exchange(200, 8, 1000);
    expect(state, `seed ${ends.seed}`).toMatchObject({ ...faultless, received: 600 });
    expect(state.connection).toEqual({ state: 'connected', reason: 'none' });
    expect(state.counters).toMatchObject({ connections_opened: 2, connections_closed: 1 });
  });
});

describe.concurrent('a path', { timeout: limitMs }, () => {
  const bad = { loss: 0.05, delayMs: 1, reorder: 0.1, duplicate: 0.03, corrupt: 0.03 };
  const bursts = { burst: 0.01, burstMs: 10, reorder: 0.2, delayMs: 1 };
  it.for<[string, RaptorEndsOptions]>([
    ['loses 5 %, reorders, duplicates and corrupts', { impairments: bad }],
    ['is as bad and not encrypted', { impairments: bad, isInsecure: true }],
    ['loses in bursts', { impairments: bursts }],
  ])('that %s loses no message of an ordered stream', async ([, options], context) => {
    const { expect, onTestFinished } = context;
    const impairments = { ...options.impairments, mtuBytes: 1452 };
    const given = { shared: patient, ...options, impairments };
    const ends = await RaptorEnds.start(given, onTestFinished);
    await ends.exchange(isLong ? 50_000 : 3000, 8, 2000);
    const state = await ends.exchange(isLong ? 200 : 20, 20_000, 200_000);
    expect(state, `seed ${ends.seed}`).toMatchObject(whole(state));
    for (const way of ['up', 'down'] as const) {
      const counts = ends.proxy.counts(way);
      // What was to be suffered has been.
      expect(counts.lost + counts.lostInBursts).toBeGreaterThan(20);
      expect(counts.reordered).toBeGreaterThan(20);
      if (impairments.corrupt !== undefined) expect(counts.corrupted).toBeGreaterThan(20);
      if (impairments.duplicate !== undefined) expect(counts.duplicated).toBeGreaterThan(20);
    }
  });

  it('that begins to swallow large datagrams is used with small ones', async ({
    expect,
    onTestFinished,
  }) => {
    const ends = await RaptorEnds.start({ shared: patient }, onTestFinished);
    await ends.exchange(500, 4000, 9000);
    const swallowed = 1300;
    expect(ends.proxy.counts('up').largestBytes).toBeGreaterThan(1452);
    ends.proxy.impair({ mtuBytes: swallowed });
    await ends.exchange(500, 4000, 9000);
    expect(ends.proxy.counts('up').tooLarge).toBeGreaterThan(2);
    expect(ends.proxy.counts('up').largestBytes).toBeLessThanOrEqual(swallowed);
    const { tooLarge } = ends.proxy.counts('up');
    const state = await ends.exchange(500, 4000, 9000);
    expect(state, `seed ${ends.seed}`).toMatchObject(whole(state));
    // The path is known by then: only a search that begins again may lose one.
    expect(ends.proxy.counts('up').tooLarge - tooLarge).toBeLessThanOrEqual(3);
  });
});

describe.concurrent('kill -9', { timeout: limitMs }, () => {
  const impatient = { liveness: '2s' };

  it('of the listener: its client connects to the next one, and repeats nothing', async ({
    expect,
    onTestFinished,
  }) => {
    const ends = await RaptorEnds.start({ shared: impatient }, onTestFinished);
    for (let round = 1; round <= (isLong ? 20 : 3); round++) {
      const before = await ends.untilLast(200, 8, 1000);
      // Dies with messages on their way: those may be lost, and none may come again.
      const sending = ends.ask('send 500 8 1000');
      await sleep(2);
      await ends.listener.kill();
      await sending;
      expect((await ends.ask('until connecting')).connection?.reason).toMatch(
        /^(peer-dead|no-answer)$/,
      );
      await ends.startListener();
      const again = await ends.ask('until connected');
      expect(again).toMatchObject({ repeated: 0, wrong: 0 });
      expect(again.counters).toMatchObject({ connections_opened: round + 1 });
      expect(again.received).toBeGreaterThanOrEqual(before.received);
      // What waited for the session has been answered when something sent now has.
      const { missing, received, sent } = await ends.untilLast(100, 8, 1000);
      expect(missing + received, `seed ${ends.seed}`).toBe(sent);
    }
  });

  it('of the client: the next one gets a session, and the old one is given up', async ({
    expect,
    onTestFinished,
  }) => {
    const ends = await RaptorEnds.start({ shared: impatient }, onTestFinished);
    for (let round = 1; round <= (isLong ? 20 : 3); round++) {
      await ends.exchange(200, 8, 1000);
      ends.client.tell('send 500 8 1000');
      await sleep(2);
      await ends.client.kill();
      await ends.startClient();
      const state = await ends.exchange(200, 8, 1000);
      expect(state, `seed ${ends.seed}`).toMatchObject(whole(state));
      const { counters } = await ends.askListener(`gone ${round}`);
      expect(counters).toMatchObject({ connections: 1, connections_opened: round + 1 });
    }
  });

  it('of a client whose successor has its address: a new session takes its place', async ({
    expect,
    onTestFinished,
  }) => {
    const shared = { liveness: '60s' };
    const ends = await RaptorEnds.start({ shared, clientsMax: 1 }, onTestFinished);
    await ends.exchange(200, 8, 1000);
    await ends.client.kill();
    await ends.startClient();
    const state = await ends.exchange(200, 8, 1000);
    expect(state, `seed ${ends.seed}`).toMatchObject(whole(state));
    const { counters } = await ends.askListener('gone 1');
    expect(counters).toMatchObject({ connections: 1, connections_opened: 2 });
  });
});
