// The seeds of the fuzzers and the layouts they need are what is checked in.
import { describe, expect, it } from 'vitest';
import { layoutImage } from '../../../lib/schema/layout-image.js';
import {
  fuzzSeeds,
  randomLayouts,
  readFuzzSeeds,
  writeFuzzSeed,
} from '../../helpers/fuzz-seeds.js';
import { readLayoutVector, writeLayoutVector } from '../../helpers/layout-vectors.js';

const updates = process.env.HYPERROUTE_UPDATE_VECTORS === '1';

it.each(Object.entries(randomLayouts))('the checked-in image of %s is as made', (name, model) => {
  const image = layoutImage(model);
  if (updates) writeLayoutVector(name, image);
  expect(readLayoutVector(name)).toEqual(image);
});

describe.each([...fuzzSeeds])('%s', (fuzzer, seeds) => {
  it('starts from the inputs that the vectors give, and no others', () => {
    if (updates) for (const [name, bytes] of seeds) writeFuzzSeed(fuzzer, name, bytes);
    const found = readFuzzSeeds(fuzzer);
    expect([...found.keys()]).toEqual([...seeds.keys()].sort());
    for (const [name, bytes] of seeds) expect(found.get(name), name).toEqual(bytes);
  });
});
