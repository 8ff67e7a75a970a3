// Where the native program of `ping`, `perf` and `bench` is, and what is said where there is none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../../lib/cli/program.js';

const platform = `${process.platform}-${process.arch}`;
const shipped = `prebuilds/${platform}/hyperroute-bench`;
const built = 'build/bench/hyperroute-bench';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hyperroute-program-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), '');
}

describe('the native program', () => {
  it('is the one of the package, unless another has been built', () => {
    put(shipped);
    expect(findProgram(root)).toBe(join(root, shipped));
    put('build/Release/hyperroute-bench');
    expect(findProgram(root)).toBe(join(root, 'build/Release/hyperroute-bench'));
    put(built);
    expect(findProgram(root)).toBe(join(root, built));
  });

  it('is to be built where it is missing from a checkout', () => {
    put('scripts/ensure-built.mjs');
    expect(() => findProgram(root)).toThrow(/To have it: npm run build:bench$/);
  });

  it('is to be built beside the engine where it is missing from a package', () => {
    const expected = {
      code: 'ERR_NATIVE_UNAVAILABLE',
      detail: expect.objectContaining({ fix: 'npx hyperroute build' }),
    };
    expect(() => findProgram(root)).toThrow(expect.objectContaining(expected));
  });
});
