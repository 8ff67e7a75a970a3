// Streams of the examples: where messages end, whatever pieces they arrive in.
import { describe, expect, it } from 'vitest';
import { FixedFrames, Frames } from '../../../examples/common/world.js';

/** What comes out when the bytes arrive `step` at a time. */
function cut(frames: Frames | FixedFrames, stream: Buffer, step: number): string[] {
  const taken: string[] = [];
  for (let offset = 0; offset < stream.length; offset += step) {
    for (const frame of frames.take(stream.subarray(offset, offset + step))) {
      taken.push(frame.toString('hex'));
    }
  }
  return taken;
}

describe('the frames of the examples', () => {
  it.each([1, 2, 3, 5, 100])('come out whole from pieces of %i bytes', (step) => {
    const shortSizes = Buffer.from('0200' + '0400abcd' + '0300ef' + '0500ab', 'hex');
    expect(cut(new Frames(), shortSizes, step)).toEqual(['0200', '0400abcd', '0300ef']);
    const longSizes = Buffer.from('04000000' + '06000000abcd' + '080000', 'hex');
    expect(cut(new Frames(4), longSizes, step)).toEqual(['04000000', '06000000abcd']);
    const noSizes = Buffer.from('010203' + '040506' + '07', 'hex');
    expect(cut(new FixedFrames(3), noSizes, step)).toEqual(['010203', '040506']);
  });

  it.each([
    [2, '0300ab' + '0000'],
    [2, '0100'],
    [4, '00000000'],
    [4, '03000000'],
  ] as const)('end when a size of %i bytes does not count itself: %s', (prefixBytes, hex) => {
    expect(() => cut(new Frames(prefixBytes), Buffer.from(hex, 'hex'), 100)).toThrow(RangeError);
  });
});
