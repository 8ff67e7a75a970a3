// Numbers, tables and excerpts as the commands print them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { excerpt } from '../../../../lib/cli/report.js';
import {
  bytesText,
  countText,
  nanosecondsText,
  rateText,
  secondsText,
  table,
} from '../../../../lib/cli/text.js';
import { configError, errorJson } from '../../../../lib/errors.js';

describe('numbers', () => {
  it('give bytes in the unit that suits them', () => {
    expect([12, 999, 1000, 999_949, 2.5e6].map(bytesText)).toEqual([
      ...['12 B', '999 B', '1.0 kB', '999.9 kB', '2.5 MB'],
    ]);
  });

  it.each([
    [null, '-'],
    [0, '0'],
    [812, '812'],
    [0.25, '0.3'],
    [9999, '9999'],
    [45_200, '45.2k'],
    [1_300_000, '1.30M'],
    [999_999, '1000k'],
    [2.5e9, '2.50G'],
    [-50_000, '-50.0k'],
  ])('show a rate of %s as %s', (value, shown) => {
    expect(rateText(value)).toBe(shown);
  });

  it.each([
    [0, '0 ns'],
    [999, '999 ns'],
    [12_400, '12.4 µs'],
    [3_100_000, '3.10 ms'],
    [1_200_000_000, '1.20 s'],
  ])('show %s ns as %s', (value, shown) => {
    expect(nanosecondsText(value)).toBe(shown);
  });

  it.each([
    [0.9, '0s'],
    [303, '5m 3s'],
    [7_620, '2h 7m'],
    [273_600, '3d 4h'],
  ])('show %s seconds as %s', (value, shown) => {
    expect(secondsText(value)).toBe(shown);
  });

  it('show counts with separators whatever the locale', () => {
    expect(countText(1_234_567)).toBe('1,234,567');
  });
});

describe('a table', () => {
  it('aligns names left and numbers right, without trailing blanks', () => {
    expect(
      table(
        ['name', 'total'],
        [
          ['a', '1,000'],
          ['longer', ''],
        ],
      ),
    ).toEqual(['name    total', 'a       1,000', 'longer']);
  });
});

describe('an excerpt', () => {
  let folder = '';
  let file = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyperroute-excerpt-'));
    file = join(folder, 'router.config.ts');
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`);
    writeFileSync(file, lines.with(9, '\tport: 7').join('\r\n'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows the lines before, with numbers aligned and the mark under the column', () => {
    expect(excerpt({ file, line: 10, column: 8 })).toEqual([
      '   8 | line 8',
      '   9 | line 9',
      '> 10 | \tport: 7',
      '     | \t      ^',
    ]);
    expect(excerpt({ file, line: 1, column: 1 })).toEqual(['> 1 | line 1', '    | ^']);
  });

  it('is empty for a line or a file that is not there', () => {
    expect(excerpt({ file, line: 99, column: 1 })).toEqual([]);
    expect(excerpt({ file: join(folder, 'gone.ts'), line: 1, column: 1 })).toEqual([]);
  });
});

describe('an error as JSON', () => {
  it('keeps code, option, expectation and place', () => {
    const place = { file: '/a.ts', line: 2, column: 3 };
    expect(errorJson(configError('port', 'an integer', 'x', place))).toEqual({
      code: 'ERR_CONFIG',
      message: '/a.ts:2:3: port: expected an integer, received "x"',
      option: 'port',
      expected: 'an integer',
      place,
    });
  });

  it('names what is no HyperRouteError as internal', () => {
    expect(errorJson(new TypeError('odd'))).toEqual({ code: 'ERR_INTERNAL', message: 'odd' });
    expect(errorJson('odd')).toEqual({ code: 'ERR_INTERNAL', message: 'odd' });
  });
});
