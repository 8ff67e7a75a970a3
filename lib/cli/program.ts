// Where the native program lies that is built, and shipped, beside the addon. It holds the benches
// and the ends of `ping` and `perf`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HyperRouteError } from '../errors.js';
import { packageRoot } from '../native.js';

const executable = 'hyperroute-bench';
/** What builds it in a checkout; no package has this file. */
const buildScript = 'scripts/ensure-built.mjs';

/**
 * The executable's path: a build of this checkout first, then the one that was shipped. Throws
 * HyperRouteError ERR_NATIVE_UNAVAILABLE with what was tried and what to do.
 */
export function findProgram(root = packageRoot()): string {
  const platform = `${process.platform}-${process.arch}`;
  const folders = ['build/bench', 'build/Release', join('prebuilds', platform)];
  const paths = folders.map((folder) => join(root, folder, executable));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) {
    const fix = existsSync(join(root, buildScript))
      ? 'npm run build:bench'
      : 'npx hyperroute build';
    const tried = paths.map((path) => ({ path, reason: 'there is no such file' }));
    const list = paths.map((path) => `\n  ${path}`).join('');
    const message = `${executable} was not found; tried:${list}\nTo have it: ${fix}`;
    throw new HyperRouteError('ERR_NATIVE_UNAVAILABLE', message, { tried, fix });
  }
  return found;
}
