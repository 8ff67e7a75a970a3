// Figures of the benches: from rounds to percentiles, results and ratios.
import { describe, expect, it } from 'vitest';
import {
  groupRounds,
  median,
  mergedValues,
  percentiles,
  ratiosOf,
  resultsOf,
} from '../../../bench/harness/figures.js';
import { percentileLevels, type Round, type Target } from '../../../bench/harness/types.js';

/** A round whose p50 is given; every other level lies a level's width away from it. */
function round(subject: string, p50: number, name = 'echo'): Round {
  const values = percentileLevels.map((level) => p50 + level - 50);
  return { case: name, subject, unit: 'ns', n: 10, values };
}

function target(changes: Partial<Target> = {}): Target {
  return { case: 'echo', against: 'bare', target: 1.3, better: 'lower', ...changes };
}

describe('percentiles', () => {
  it('are the values at the nearest rank', () => {
    const samples = Array.from({ length: 1000 }, (_value, index) => 1000 - index);
    const found = percentiles(samples);
    expect(found[percentileLevels.indexOf(0)]).toBe(1);
    expect(found[percentileLevels.indexOf(50)]).toBe(500);
    expect(found[percentileLevels.indexOf(99.9)]).toBe(999);
    expect(found[percentileLevels.indexOf(100)]).toBe(1000);
  });

  it('of a single sample are that sample', () => {
    expect(percentiles([7])).toEqual(percentileLevels.map(() => 7));
  });

  it('of nothing are a mistake of the bench', () => {
    expect(() => percentiles([])).toThrow(RangeError);
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('results', () => {
  it('tell the bytes of a message, and the allocations of all rounds together', () => {
    const counted = { bytes: 104, allocations: 3 };
    const rounds = [round('ours', 1), round('ours', 2)].map((one) => ({ ...one, ...counted }));
    expect(resultsOf(rounds)).toMatchObject([{ bytes: 104, allocations: 6 }]);
    expect(resultsOf([round('ours', 1)])[0]).not.toHaveProperty('allocations');
  });

  it('take the median of the rounds at each percentile and the largest maximum', () => {
    const rounds = [round('ours', 300), round('ours', 100), round('ours', 200)];
    const merged = mergedValues(rounds);
    expect(merged?.[percentileLevels.indexOf(50)]).toBe(200);
    expect(merged?.[percentileLevels.indexOf(100)]).toBe(350);
    expect(resultsOf(rounds)).toEqual([
      {
        case: 'echo',
        subject: 'ours',
        unit: 'ns',
        n: 30,
        p50: 200,
        p90: 240,
        p99: 249,
        p999: 249.9,
        max: 350,
      },
    ]);
  });

  it('leave out what was not measured', () => {
    const rates = [3, 1, 2].map((rate) => ({
      case: 'one way',
      subject: 'ours',
      unit: 'msg/s',
      n: 5,
      rate,
    }));
    expect(resultsOf(rates)).toEqual([
      { case: 'one way', subject: 'ours', unit: 'msg/s', n: 15, rate: 2 },
    ]);
  });

  it('keep cases and subjects apart, in the order of their first rounds', () => {
    const groups = groupRounds([round('b', 1), round('a', 1), round('b', 2), round('b', 3, 'x')]);
    expect(groups.map(([first, ...rest]) => [first?.case, first?.subject, rest.length])).toEqual([
      ['echo', 'b', 1],
      ['echo', 'a', 0],
      ['x', 'b', 0],
    ]);
  });
});

describe('ratios', () => {
  it('compare rounds that ran together, so a host that changes its pace changes nothing', () => {
    const paces = [1, 1, 4, 4, 4];
    const rounds = paces.flatMap((pace, index) => [
      round('bare', 100 * pace),
      // In the last slow round the host had just become fast again for the second subject.
      round('ours', 110 * (index === 4 ? 1 : pace)),
    ]);
    expect(ratiosOf(rounds, [target()])).toEqual([
      {
        case: 'echo',
        against: 'bare',
        figure: 'p50',
        value: 1.1,
        target: 1.3,
        better: 'lower',
        holds: true,
      },
    ]);
  });

  it('hold at the target and are missed beyond it, in the direction that is better', () => {
    const rounds = [round('ours', 130), round('bare', 100)];
    const verdict = (changes: Partial<Target>) => ratiosOf(rounds, [target(changes)])[0]?.holds;
    expect(verdict({ target: 1.3 })).toBe(true);
    expect(verdict({ target: 1.29 })).toBe(false);
    expect(verdict({ target: 1.3, better: 'higher' })).toBe(true);
    expect(verdict({ target: 1.31, better: 'higher' })).toBe(false);
  });

  it('against a limit are the figure itself', () => {
    const found = ratiosOf([round('ours', 12)], [target({ against: 'limit', target: 15 })]);
    expect(found).toMatchObject([{ value: 12, holds: true }]);
  });

  it('may name another figure than the median', () => {
    const rounds = [round('ours', 150), round('bare', 51)];
    expect(ratiosOf(rounds, [target({ figure: 'p99' })])[0]?.value).toBe(1.99);
  });

  it('of a figure that nobody measured are an error that names it', () => {
    expect(() => ratiosOf([round('ours', 1)], [target()])).toThrow(/p50 of 'bare' in 'echo'/);
    const uneven = [round('ours', 1), round('bare', 1), round('bare', 1)];
    expect(() => ratiosOf(uneven, [target()])).toThrow(/did not alternate/);
  });
});
