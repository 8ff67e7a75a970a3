// Type-checks everything: the package, what uses it (tests, benches, examples), the scripts.
// Tests and examples import the built package's types, so dist/ is brought up to date first.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './ensure-built.mjs';
import { runBin } from './exec.mjs';

/** Returns whether every project type-checks. */
export function typecheck() {
  const check = (project) =>
    runBin('typescript', ['-p', project, '--noEmit', '--pretty', 'false'], { command: 'tsc' }) ===
    0;
  if (!check('tsconfig.json') || !ensureBuilt(['dist'])) return false;
  return ['tsconfig.check.json', 'tsconfig.scripts.json'].map(check).every((result) => result);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exit(typecheck() ? 0 : 1);
}
