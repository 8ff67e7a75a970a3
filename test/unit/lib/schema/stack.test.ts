// Places in the user's files, from the text of stacks.
import { describe, expect, it } from 'vitest';
import { placeOfStack } from '../../../../lib/schema/stack.js';

const isUser = (name: string): boolean =>
  name.startsWith('file:///own/') || name.startsWith('/own/');

const placed = (...frames: readonly string[]) =>
  placeOfStack(['Error: x', ...frames.map((frame) => `    at ${frame}`)].join('\n'), isUser);

describe('the place of a stack', () => {
  it('is the innermost frame of the user, by URL or by path', () => {
    const place = { file: '/own/a b.ts', line: 3, column: 5 };
    for (const frame of ['file:///own/a%20b.ts:3:5', 'f (file:///own/a%20b.ts?v=1:3:5)']) {
      expect(placed('g (file:///lib/x.js:1:1)', frame, 'h (file:///own/z.ts:9:9)')?.place).toEqual(
        place,
      );
    }
    expect(placed('async Object.f [as g] (/own/c.cjs:7:2)')?.place).toEqual({
      ...{ file: '/own/c.cjs', line: 7, column: 2 },
    });
  });

  it('is none where no frame is the user’s, such as those of Node', () => {
    const frames = ['node:internal/own/run:1:2', 'f (node:/own/x:1:2)', 'Array.map (<anonymous>)'];
    expect(placed(...frames, 'g (/lib/own/x.js:1:2)')).toBeUndefined();
    expect(placeOfStack('', isUser)).toBeUndefined();
  });

  it('has the callers of the user, three at most, up to the first of somebody else', () => {
    const own = [1, 2, 2, 3, 4, 5].map((line) => `f (file:///own/a.ts:${line}:1)`);
    const lines = (...frames: readonly string[]) =>
      placed(...frames)?.calledFrom.map(({ line }) => line);
    expect(lines(...own)).toEqual([2, 3, 4]);
    expect(lines(own[0] ?? '', own[1] ?? '', 'g (file:///lib/x.js:1:1)', own[4] ?? '')).toEqual([
      2,
    ]);
  });
});
