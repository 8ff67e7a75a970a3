// Layout images of TypeScript: equal to the checked-in ones, which the C++ tests load.
import { describe, expect, it } from 'vitest';
import { layoutImage } from '../../../../lib/schema/layout-image.js';
import {
  layoutVectors,
  readLayoutVector,
  writeLayoutVector,
} from '../../../helpers/layout-vectors.js';

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
