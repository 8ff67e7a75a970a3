// Layout images of TypeScript: equal to the checked-in ones, which the C++ tests load.
import { describe, expect, it } from 'vitest';
import { compileCodec } from '../../../../lib/schema/codec/index.js';
import { layoutImage } from '../../../../lib/schema/layout-image.js';
import {
  fuzzSeeds,
  layoutVectors,
  readFuzzSeed,
  readLayoutVector,
  writeFuzzSeed,
  writeLayoutVector,
} from '../../../helpers/layout-vectors.js';
import { randomValues } from '../../../helpers/random-models.js';
import { RandomValues } from '../../../helpers/random-values.js';

describe('layoutImage', () => {
  for (const [name, model] of Object.entries(layoutVectors)) {
    it(`makes the checked-in image of ${name}`, () => {
      const image = layoutImage(model);
      if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeLayoutVector(name, image);
      expect(Buffer.from(image).toString('hex')).toBe(
        Buffer.from(readLayoutVector(name)).toString('hex'),
      );
    });
  }
});

describe('seeds of the message fuzzer', () => {
  for (const { name, layout, model, seed } of fuzzSeeds) {
    it(`${name} is a message that JavaScript encodes`, () => {
      const codec = compileCodec({ model, header: new Map(), sizeField: null });
      const message = randomValues(new RandomValues(seed), model.block);
      const bytes = new Uint8Array(2 + codec.sizeOf(message));
      // As test/fuzz/message_fuzz.cc reads its input: which layout, and that it is not damaged.
      bytes[0] = layout;
      codec.encode(message, bytes, 2);
      if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeFuzzSeed(name, bytes);
      expect(readFuzzSeed(name)).toEqual(bytes);
    });
  }
});
