// Exits 0 when node_modules holds exactly the versions that package-lock.json asks for on this
// platform, so that setup.sh need not fetch anything.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.mjs';

const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;

try {
  const wanted = read('package-lock.json');
  const installed = read('node_modules/.package-lock.json');
  const differs = Object.entries(wanted).some(([path, { version, optional }]) => {
    if (path === '') return false;
    const found = installed[path];
    // npm leaves out optional packages that are for other platforms.
    return found === undefined ? !optional : found.version !== version;
  });
  process.exitCode = differs ? 1 : 0;
} catch {
  process.exitCode = 1;
}
