// Unit tests import lib/ by relative paths; `hyperroute` means the built package, as users get it.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

export default defineConfig({
  resolve: {
    alias: { hyperroute: join(root, 'dist/index.js') },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./scripts/vitest-setup.mjs'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    // A test that forgets an assertion proves nothing.
    expect: { requireAssertions: true },
  },
});
