// Automatons of topics that would be too large are refused before they have cost much.
import { describe, expect, it } from 'vitest';
import { buildTopicMap } from '../../../../lib/compiler/text-topics.js';

const place = { option: 'rules', position: { file: 'router.config.ts', line: 1, column: 1 } };

function build(patterns: readonly string[]) {
  return buildTopicMap(
    patterns.map((pattern) => Buffer.from(pattern).toString('hex')),
    'mqtt',
    place,
  );
}

describe('an automaton of topics', () => {
  it('is refused where wildcards overlap in too many ways', () => {
    const levels = Array.from({ length: 24 }, (_, level) => level);
    const patterns = levels.map((one) => levels.map((at) => (at === one ? 'a' : '+')).join('/'));
    expect(() => build(patterns)).toThrowError(
      expect.objectContaining({
        code: 'ERR_ROUTE_LIMIT',
        message: expect.stringMatching(/at most \d+ overlaps.*24 patterns/),
      }),
    );
  });

  it('may have as many patterns as are written, and wildcards that overlap in a few ways', () => {
    const apart = Array.from({ length: 10_000 }, (_, index) => `site/${index % 50}/${index}/+/t`);
    const { states } = build([...apart, '#', 'site/+/+/x/t', 'site/7/#']);
    expect(states.length).toBeGreaterThan(30_000);
  });
});
