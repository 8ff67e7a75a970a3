// The search among the lengths of prefixes finds the longest one, whatever else begins alike.
import { describe, expect, it } from 'vitest';
import { type PrefixSearch, prefixSearch } from '../../../../lib/compiler/text-prefixes.js';
import { RandomValues } from '../../../helpers/random-values.js';

const seed = Number(process.env.HYPERROUTE_SEED ?? 1);

/** As the engine does; and how often it looks something up. */
function search({ lengths, entries }: PrefixSearch, text: string) {
  const known = new Map(entries.map((entry) => [entry.text, entry]));
  let answer = 0;
  let lookUps = 0;
  for (let low = 0, high = lengths.length; low < high; ) {
    const middle = Math.floor((low + high) / 2);
    const bytes = lengths[middle] ?? 0;
    lookUps += 1;
    const entry = bytes <= text.length ? known.get(text.slice(0, bytes)) : undefined;
    if (entry === undefined) {
      high = middle;
      continue;
    }
    answer = entry.answer;
    if (entry.isFinal) break;
    low = middle + 1;
  }
  return { answer, lookUps };
}

describe('the search for the longest prefix', () => {
  it('is one look-up where all prefixes are of one length', () => {
    const made = prefixSearch(['AAPL', 'IBM.', 'MSFT']);
    expect(made.entries).toHaveLength(3);
    expect(search(made, 'IBM.N')).toEqual({ answer: 2, lookUps: 1 });
    expect(search(made, 'IBM')).toEqual({ answer: 0, lookUps: 1 });
  });

  it('ends where nothing longer begins so', () => {
    const made = prefixSearch(['a', 'ab', 'abc', 'b', 'bc']);
    expect(search(made, 'bcd')).toEqual({ answer: 5, lookUps: 1 });
    expect(search(made, 'abd')).toEqual({ answer: 2, lookUps: 2 });
  });

  it('finds the one that comparing with each of them finds', () => {
    const random = new RandomValues(seed);
    const text = (most: number): string =>
      Array.from({ length: random.below(most + 1) }, () => random.pick(['a', 'b', '\0'])).join('');
    for (let round = 0; round < 300; round += 1) {
      const most = random.pick([3, 8, 20]);
      const starts = ['', text(12), text(40)];
      const made = Array.from({ length: random.between(1, 30) }, () => {
        return random.pick(starts) + text(most);
      });
      const prefixes = [...new Set(made)].sort();
      const searched = prefixSearch(prefixes);
      const texts = prefixes.flatMap((prefix) => [prefix, prefix.slice(0, -1), prefix + text(5)]);
      for (const asked of texts) {
        const longest = prefixes.findLast((prefix) => asked.startsWith(prefix));
        const expected = longest === undefined ? 0 : prefixes.indexOf(longest) + 1;
        const place = `seed ${seed}, round ${round}: ${JSON.stringify({ prefixes, asked })}`;
        expect(search(searched, asked).answer, place).toBe(expected);
      }
    }
  });
});
