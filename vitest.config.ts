// Unit tests import lib/ by relative paths and need no build; everything else runs against the
// built package and addon, which its set-up brings up to date. `hyperroute` is the built package.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;
const unit = 'test/unit/**/*.test.ts';

export default defineConfig({
  resolve: {
    alias: { hyperroute: join(root, 'dist/index.js') },
  },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    // A test that forgets an assertion proves nothing.
    expect: { requireAssertions: true },
    projects: [
      { extends: true, test: { name: 'unit', include: [unit] } },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['test/**/*.test.ts'],
          exclude: [unit],
          globalSetup: ['./scripts/vitest-setup.mjs'],
        },
      },
    ],
  },
});
