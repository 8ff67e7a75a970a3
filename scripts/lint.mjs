// Linter and formatter of both languages: Biome for TypeScript, JavaScript and JSON, clang-format
// for C++.
//
//   node scripts/lint.mjs [--fix] [path …]     checks, or rewrites with --fix; paths limit it
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runBin, say, which } from './exec.mjs';
import { filesUnder, root } from './sources.mjs';

const isCpp = (name) => /\.(cc|h)$/.test(name);

/** Runs Biome on the given paths (all when empty). Returns whether all is well. */
export function biome(fix, paths = []) {
  const targets = paths.filter((path) => !isCpp(path));
  if (paths.length > 0 && targets.length === 0) return true;
  const flags = ['check', '--error-on-warnings', '--no-errors-on-unmatched'];
  return (
    runBin('@biomejs/biome', [...flags, ...(fix ? ['--write'] : []), ...targets], {
      command: 'biome',
    }) === 0
  );
}

/** Runs clang-format on the given files and folders (all when empty). */
export function clangFormat(fix, paths = []) {
  if (which('clang-format') === undefined) {
    say('clang-format is missing: run scripts/setup.sh');
    return false;
  }
  const targets = paths.length > 0 ? paths : ['native', 'test', 'bench'];
  const files = targets.flatMap((path) =>
    isCpp(path) ? [resolve(root, path)] : filesUnder(resolve(root, path), isCpp),
  );
  if (files.length === 0) return true;
  return run('clang-format', [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...files]) === 0;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const fix = args.includes('--fix');
  const paths = args.filter((arg) => arg !== '--fix');
  const ok = [biome(fix, paths), clangFormat(fix, paths)].every((result) => result);
  process.exit(ok ? 0 : 1);
}
