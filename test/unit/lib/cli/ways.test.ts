// How the ways of many messages are counted.
import { describe, expect, it } from 'vitest';
import { countWay, type Way } from '../../../../lib/cli/ways.js';

describe('ways that messages go', () => {
  it('are counted each, and new ones beyond a thousand together', () => {
    const ways = new Map<string, Way>();
    for (let way = 0; way < 1003; way++) countWay(ways, 'a', `to ${way}`);
    countWay(ways, 'a', 'to 7');
    countWay(ways, 'a', 'to 1002');
    expect(ways.size).toBe(1001);
    expect(ways.get('a\nto 7')).toEqual({ from: 'a', to: 'to 7', messages: 2 });
    expect(ways.get('')).toEqual({ from: 'others', to: 'others', messages: 4 });
  });
});
