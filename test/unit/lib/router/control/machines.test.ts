// Health, breaker, ejection and ramp, each on its own, in virtual time.
import { describe, expect, it } from 'vitest';
import { Breaker, type BreakerInput } from '../../../../../lib/router/control/breaker.js';
import {
  type EjectingPool,
  Ejections,
  ejectionCap,
} from '../../../../../lib/router/control/ejection.js';
import { HealthCheck } from '../../../../../lib/router/control/health.js';
import { rampShare, shareAll, shareTrial } from '../../../../../lib/router/control/ramp.js';
import { Random, testSeed } from '../../../../helpers/random.js';

describe('health', () => {
  it('is up at first, and down after `fall` failures in a row only', () => {
    const health = new HealthCheck({ rise: 2, fall: 3 });
    const outcomes = [false, false, true, false, false];
    for (const isGood of outcomes) {
      health.observe(isGood);
      expect(health.isUp).toBe(true);
    }
    health.observe(false);
    expect(health.isUp).toBe(false);
  });

  it('is up again after `rise` good answers in a row only', () => {
    const health = new HealthCheck({ rise: 2, fall: 1 });
    health.observe(false);
    for (const isGood of [true, false, true]) {
      health.observe(isGood);
      expect(health.isUp).toBe(false);
    }
    health.observe(true);
    expect(health.isUp).toBe(true);
  });
});

describe('breaker', () => {
  const quiet: BreakerInput = { nowMs: 0, failuresInRow: 0, sent: 0, outstanding: 0 };

  function opened(): Breaker {
    const breaker = new Breaker({ consecutive: 3, forMs: 100 });
    breaker.step({ ...quiet, failuresInRow: 2 });
    expect(breaker.state).toBe('closed');
    breaker.step({ ...quiet, failuresInRow: 3 });
    expect(breaker.state).toBe('open');
    return breaker;
  }

  it('opens after failures in a row, and lets messages try when its time is over', () => {
    const breaker = opened();
    expect(breaker.step({ ...quiet, nowMs: 99, failuresInRow: 3 })).toBe(false);
    expect(breaker.state).toBe('open');
    expect(breaker.step({ ...quiet, nowMs: 100, failuresInRow: 3 })).toBe(true);
    expect(breaker.state).toBe('half-open');
    expect(breaker.trips).toBe(1);
  });

  it('stays on trial until something was sent, and closes when that did not fail', () => {
    const breaker = opened();
    breaker.step({ ...quiet, nowMs: 100, sent: 7 });
    breaker.step({ ...quiet, nowMs: 10_000, sent: 7 });
    expect(breaker.state).toBe('half-open');
    breaker.step({ ...quiet, nowMs: 10_001, sent: 8 });
    breaker.step({ ...quiet, nowMs: 10_100, sent: 9 });
    expect(breaker.state).toBe('half-open');
    breaker.step({ ...quiet, nowMs: 10_101, sent: 9 });
    expect(breaker.state).toBe('closed');
  });

  it('gives what is sent on trial a second to fail, unless it is over sooner', () => {
    const breaker = new Breaker({ consecutive: 1, forMs: 60_000 });
    breaker.step({ ...quiet, failuresInRow: 1 });
    breaker.step({ ...quiet, nowMs: 60_000 });
    breaker.step({ ...quiet, nowMs: 60_020, sent: 1 });
    breaker.step({ ...quiet, nowMs: 61_019, sent: 1 });
    expect(breaker.state).toBe('half-open');
    breaker.step({ ...quiet, nowMs: 61_019, sent: 1, failuresInRow: 1 });
    expect(breaker.state).toBe('open');
    // Twice as long after the trial that failed.
    breaker.step({ ...quiet, nowMs: 181_018, sent: 1, failuresInRow: 1 });
    expect(breaker.state).toBe('open');
    breaker.step({ ...quiet, nowMs: 181_019, sent: 1, failuresInRow: 1 });
    breaker.step({ ...quiet, nowMs: 181_020, sent: 2 });
    breaker.step({ ...quiet, nowMs: 182_020, sent: 2 });
    expect(breaker.state).toBe('closed');
  });

  it('closes as soon as the requests of a trial are answered', () => {
    const breaker = opened();
    breaker.step({ ...quiet, nowMs: 100 });
    breaker.step({ ...quiet, nowMs: 120, sent: 1, outstanding: 1 });
    expect(breaker.state).toBe('half-open');
    breaker.step({ ...quiet, nowMs: 121, sent: 1 });
    expect(breaker.state).toBe('closed');
  });

  it('waits for the answers of a trial as long as it was open', () => {
    const breaker = opened();
    breaker.step({ ...quiet, nowMs: 100 });
    breaker.step({ ...quiet, nowMs: 150, sent: 1, outstanding: 1 });
    expect(breaker.state).toBe('half-open');
    breaker.step({ ...quiet, nowMs: 200, sent: 1, outstanding: 1 });
    expect(breaker.state).toBe('closed');
  });

  it('opens again at the first failure of a trial, for longer each time, up to 8 times', () => {
    const breaker = opened();
    let nowMs = 0;
    const waits: number[] = [];
    for (let trial = 0; trial < 6; trial++) {
      const openedMs = nowMs;
      while (breaker.state === 'open') breaker.step({ ...quiet, nowMs: ++nowMs });
      waits.push(nowMs - openedMs);
      breaker.step({ ...quiet, nowMs, sent: trial + 1, failuresInRow: 1 });
      expect(breaker.state).toBe('open');
    }
    expect(waits).toEqual([100, 200, 400, 800, 800, 800]);
    expect(breaker.trips).toBe(7);
  });
});

describe('ejection', () => {
  const pool = (count: number, maxShare: number): EjectingPool => ({
    eject: { consecutive: 5, forMs: 1000, maxShare },
    members: Array.from({ length: count }, (_, index) => `m${index}`),
  });

  it('leaves out at most the share of the cap, and the only member of a pool too', () => {
    expect(ejectionCap(pool(10, 0.3))).toBe(3);
    expect(ejectionCap(pool(3, 0.3))).toBe(1);
    expect(ejectionCap(pool(1, 0.3))).toBe(1);
    expect(ejectionCap(pool(16, 1))).toBe(16);
    const ejections = new Ejections();
    ejections.setPools([pool(1, 0.1)]);
    expect(ejections.observe('m0', 4, 0)).toBe(false);
    expect(ejections.observe('m0', 5, 0)).toBe(true);
  });

  it('leaves a member out longer each time it fails again soon, up to ten times', () => {
    const ejections = new Ejections();
    ejections.setPools([pool(1, 1)]);
    let nowMs = 0;
    const spells: number[] = [];
    for (let spell = 0; spell < 12; spell++) {
      const fromMs = nowMs;
      ejections.observe('m0', 5, nowMs);
      while (ejections.isOut('m0')) {
        nowMs += 500;
        ejections.release(nowMs);
      }
      spells.push((nowMs - fromMs) / 1000);
    }
    expect(spells).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
  });

  it('starts over with one that has worked for as long as it was out', () => {
    const ejections = new Ejections();
    ejections.setPools([pool(1, 1)]);
    ejections.observe('m0', 5, 0);
    expect(ejections.release(1000)).toEqual(['m0']);
    ejections.observe('m0', 5, 2000);
    expect(ejections.release(2999)).toEqual([]);
    expect(ejections.release(3000)).toEqual(['m0']);
    expect(ejections.countOf('m0')).toBe(2);
  });

  it('forgets who is in no pool any more', () => {
    const ejections = new Ejections();
    ejections.setPools([pool(2, 1)]);
    for (const name of ['m0', 'm1']) ejections.observe(name, 5, 0);
    ejections.setPools([pool(1, 1)]);
    expect(['m0', 'm1'].map((name) => ejections.countOf(name))).toEqual([1, 0]);
  });

  it('never exceeds the cap of any pool, and whoever is left out comes back', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < 50; round++) {
      const names = Array.from({ length: 1 + random.below(20) }, (_, index) => `n${index}`);
      const pools = Array.from({ length: 1 + random.below(4) }, (): EjectingPool => {
        const members = names.filter(() => random.below(2) === 0);
        const consecutive = 1 + random.below(10);
        const forMs = 1 + random.below(5000);
        const maxShare = random.below(11) / 10;
        return { eject: { consecutive, forMs, maxShare }, members };
      }).filter(({ members }) => members.length > 0);
      const ejections = new Ejections();
      ejections.setPools(pools);
      let nowMs = 0;
      for (let tick = 0; tick < 300; tick++) {
        nowMs += random.below(200);
        ejections.release(nowMs);
        for (const name of names) ejections.observe(name, random.below(12), nowMs);
        for (const { eject, members } of pools) {
          const outCount = members.filter((name) => ejections.isOut(name)).length;
          const cap = Math.max(1, Math.floor((eject.maxShare * 10 * members.length) / 10 + 1e-9));
          expect(outCount, `seed ${seed} round ${round}`).toBeLessThanOrEqual(cap);
        }
      }
      ejections.release(nowMs + 50_000);
      for (const name of names) expect(ejections.isOut(name), `seed ${seed}`).toBe(false);
    }
  });
});

describe('ramp', () => {
  it('begins at a tenth, never shrinks and ends whole', () => {
    expect(rampShare(0, 1000)).toBe(shareTrial);
    let before = 0;
    for (let elapsedMs = 0; elapsedMs < 1000; elapsedMs++) {
      const share = rampShare(elapsedMs, 1000);
      expect(share).toBeGreaterThanOrEqual(before);
      expect(share).toBeLessThan(shareAll);
      before = share;
    }
    expect(rampShare(500, 1000)).toBe(128);
    expect(rampShare(1000, 1000)).toBe(shareAll);
  });
});
