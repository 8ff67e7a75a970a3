// Text is made from its own bytes: a message may lie between others in one buffer.
import { describe, expect, it } from 'vitest';
import { getText } from '../../../../lib/schema/codec/text.js';

/** Octets that note every place outside of them that is read. */
function watched(octets: Uint8Array, outside: PropertyKey[]): Uint8Array {
  return new Proxy(octets, {
    get: (target, key) => {
      const index = typeof key === 'string' ? Number(key) : Number.NaN;
      if (Number.isInteger(index) && (index < 0 || index >= target.length)) outside.push(key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('text of every length', () => {
  it.each(['x', 'é'])('is read without a look at what lies behind it: %s', (character) => {
    for (let count = 0; count <= 100; count++) {
      const octets = new TextEncoder().encode(character.repeat(count));
      const outside: PropertyKey[] = [];
      // The view ends with the text, so that a read behind it throws.
      const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
      const text = getText(view, watched(octets, outside), 0, octets.length);
      expect(text).toBe(character.repeat(count));
      expect(outside, `${octets.length} bytes`).toEqual([]);
    }
  });
});
