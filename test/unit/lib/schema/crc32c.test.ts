// The check sum of images.
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../lib/schema/crc32c.js';

describe('crc32c', () => {
  it.each([
    // RFC 3720, B.4, and the check value of catalogues of CRCs.
    ['32 bytes of 0', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 0xff', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 ascending bytes', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['32 descending bytes', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
    ['nine digits', new TextEncoder().encode('123456789'), 0xe3069283],
    ['no bytes', new Uint8Array(0), 0],
  ])('of %s is the published one', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('tells every byte from every other, wherever it lies', () => {
    for (let at = 0; at < 7; at += 1) {
      const sums = Array.from({ length: 256 }, (_, byte) => {
        const bytes = new Uint8Array(7);
        bytes[at] = byte;
        return crc32c(bytes);
      });
      expect(new Set(sums).size).toBe(256);
    }
  });
});
