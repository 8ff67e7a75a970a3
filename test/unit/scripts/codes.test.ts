// The table of codes and what is generated from it.
import { describe, expect, it } from 'vitest';
import { cppText, readTables, stale, tsText } from '../../../scripts/codes.mjs';

const good = {
  rejectCodes: { MALFORMED: [1, 'Bad bytes.'] },
  statusCodes: { ERR_CONFIG: [-1, 'Bad option.'] },
  offerCodes: { BACK_PRESSURE: [-1, 'Full.'] },
  messageFaults: { BAD_SLOT: [8, 'Outside.'] },
};
const changed = (change: object) => JSON.stringify({ ...good, ...change });

describe('native/codes.json', () => {
  it('has given both generated files that are checked in', () => {
    expect(stale()).toEqual([]);
  });

  it('gives each code one number, name and meaning in both languages', () => {
    const tables = readTables(JSON.stringify(good));
    expect(cppText(tables)).toContain('  // Bad bytes.\n  kMalformed = 1,\n');
    expect(cppText(tables)).toContain('case StatusCode::kConfig:\n      return "ERR_CONFIG";');
    expect(tsText(tables)).toContain('  /** Full. */\n  BACK_PRESSURE: -1,\n');
    expect(cppText(tables)).toContain('  // Outside.\n  kBadSlot = 8,\n');
  });

  it.each([
    ['a number used twice', { offerCodes: { A: [-1, 'X.'], B: [-1, 'Y.'] } }, /used twice/],
    ['a built-in reject code above 999', { rejectCodes: { A: [1000, 'X.'] } }, /outside/],
    ['a status code without ERR_', { statusCodes: { CONFIG: [-1, 'X.'] } }, /outside/],
    ['a result that is not negative', { offerCodes: { A: [0, 'X.'] } }, /outside/],
    ['a fault that is no fault', { messageFaults: { A: [0, 'X.'] } }, /outside/],
    ['a meaning that is no sentence', { offerCodes: { A: [-1, 'full'] } }, /not a sentence/],
    ['a name in lower case', { offerCodes: { full: [-1, 'Full.'] } }, /not UPPER_CASE/],
  ])('refuses %s', (_about, change, message) => {
    expect(() => readTables(changed(change))).toThrow(message);
  });
});
