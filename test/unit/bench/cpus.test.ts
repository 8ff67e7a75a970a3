// Which CPUs a bench takes: the rules for their choice and their spelling.
import { describe, expect, it } from 'vitest';
import { allowedCpus, chooseCpus, parseCpuList } from '../../../bench/harness/cpus.js';

describe('the CPUs of a bench', () => {
  it('are the last two allowed ones unless they are named', () => {
    expect(chooseCpus(undefined, [0, 2, 5])).toEqual([2, 5]);
    expect(chooseCpus('5,0', [0, 2, 5])).toEqual([5, 0]);
  });

  it('are two', () => {
    expect(() => chooseCpus(undefined, [0])).toThrow(/expected two CPUs, received 0/);
    expect(() => chooseCpus('0-2', [0, 1, 2])).toThrow(/expected two CPUs/);
    expect(() => chooseCpus('1,1', [0, 1])).toThrow(/expected two CPUs/);
  });

  it('are refused with the allowed ones when one of them is not', () => {
    expect(() => chooseCpus('0,3', [0, 1])).toThrow('CPU 3 is not among the allowed ones: 0,1');
  });

  it('are written as the kernel writes lists', () => {
    expect(parseCpuList('0-2,5')).toEqual([0, 1, 2, 5]);
    for (const text of ['', 'a', '1-', '2-1', '0,,1', '-1', '0-99999']) {
      expect(() => parseCpuList(text), text).toThrow(RangeError);
    }
  });

  it('include the ones this process runs on', () => {
    const allowed = allowedCpus();
    expect(allowed.length).toBeGreaterThan(0);
    expect(allowed.every((cpu) => Number.isInteger(cpu) && cpu >= 0)).toBe(true);
  });
});
