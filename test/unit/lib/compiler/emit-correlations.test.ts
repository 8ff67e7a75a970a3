// What an image says of a correlation: all that its entries depend on, so that the next image takes
// over only entries that mean the same to it.
import { describe, expect, it } from 'vitest';
import { emit } from '../../../../lib/compiler/emit.js';
import type { CorrelationIr, RouterIr, SavedIr } from '../../../../lib/compiler/ir.js';
import { readVectorIr } from '../../../helpers/image-vectors.js';

const router = readVectorIr('correlated');

/** The image of the router whose first correlation is another one. */
function imageWith(change: (correlation: CorrelationIr) => Partial<CorrelationIr>): string {
  const [first, ...others] = router.correlations ?? [];
  if (first === undefined) throw new Error('no correlation');
  const ir: RouterIr = { ...router, correlations: [{ ...first, ...change(first) }, ...others] };
  return Buffer.from(emit(ir)).toString('hex');
}

const changed = (fields: readonly SavedIr[], index: number, change: Partial<SavedIr>): SavedIr[] =>
  fields.map((field, at) => (at === index ? { ...field, ...change } : field));

describe('the image of a correlation', () => {
  it.each<readonly [string, (correlation: CorrelationIr) => Partial<CorrelationIr>]>([
    ['name in the key', ({ key }) => ({ key: changed(key, 0, { name: 'account' }) })],
    ['type in the key', ({ key }) => ({ key: changed(key, 1, { type: 'i64' }) })],
    ['order in the key', ({ key }) => ({ key: [...key].reverse() })],
    ['name of what is kept', ({ saved }) => ({ saved: changed(saved, 0, { name: 'other' }) })],
    ['type of what is kept', ({ saved }) => ({ saved: changed(saved, 0, { type: 'i64' }) })],
    ['padding of what is kept', ({ saved }) => ({ saved: changed(saved, 1, { pad: 'space' }) })],
    ['range of what is kept', ({ saved }) => ({ saved: changed(saved, 0, { max: 99n }) })],
    ['meaning of what is kept', ({ saved }) => ({ saved: changed(saved, 0, { meaning: 'x' }) })],
  ])('is another one for another %s', (_, change) => {
    expect(imageWith(change)).not.toBe(imageWith(() => ({})));
  });

  it('is the same for another name and another place in the file', () => {
    const position = { file: 'moved.config.ts', line: 77, column: 3 };
    const moved = imageWith(() => ({ name: 'moved', position }));
    expect(moved).toBe(imageWith(() => ({})));
  });
});
