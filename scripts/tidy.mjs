// The project's rules as a test: import direction, size limits, what a data-path file may hold,
// labelled atomics. Prints `file:line: message` for each finding; exits 1 when there is one.
//
// Import direction (a folder may use only what stands to the right of its arrow):
//
//   native/  base ← -        ring ← base          codec ← base         route ← base codec
//            wire ← base     crypto ← base        raptor ← base ring wire crypto
//            io ← base ring wire                  engine ← all above   addon ← all above
//            include ← -  (public C headers; codec, route, io and above may include them)
//   lib/     codes ← -       errors ← codes       native ← errors codes
//            schema ← errors codes                compiler ← schema    endpoints ← compiler native
//            raptor ← endpoints                   router ← raptor      config ← router
//            index ← config                       cli ← index
//            (each also what its neighbours to the right may use; schema and compiler never native)
//
//   node scripts/tidy.mjs [path …]     paths limit the run to these files or folders
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stale } from './codes.mjs';
import { filesUnder, root } from './sources.mjs';
import { checkedFolders, rules } from './tidy/rules.mjs';
import { separate } from './tidy/text.mjs';

/** Findings of every rule about one text: { path, line, rule, message }. */
export function check(path, text) {
  const isCpp = /\.(cc|h)$/.test(path);
  const source = { path, text, isCpp, ...separate(text, isCpp) };
  return Object.entries(rules).flatMap(([rule, find]) =>
    [...find(source)].map((finding) => ({ path, rule, ...finding })),
  );
}

/** Repository-relative paths of everything the rules apply to. */
export function checkedFiles() {
  const accept = (name) => /\.(cc|h|ts|mjs)$/.test(name);
  const inFolders = checkedFolders.flatMap((folder) => filesUnder(resolve(root, folder), accept));
  return [...inFolders, resolve(root, 'vitest.config.ts')].map((path) => relative(root, path));
}

/** All findings in the repository, or in the given files and folders of it. */
export function tidy(only = []) {
  const chosen = only.map((path) => relative(root, resolve(path)));
  const isChosen = (path) =>
    chosen.length === 0 || chosen.some((at) => path === at || path.startsWith(`${at}/`));
  const findings = checkedFiles()
    .filter(isChosen)
    .flatMap((path) => check(path, readFileSync(resolve(root, path), 'utf8')));
  const old = stale().map((path) => ({ path, line: 1, message: 'stale: run npm run codes' }));
  return [...findings, ...old.filter(({ path }) => isChosen(path))];
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const findings = tidy(process.argv.slice(2));
  for (const { path, line, message } of findings) {
    process.stdout.write(`${path}:${line}: ${message}\n`);
  }
  process.exit(findings.length > 0 ? 1 : 0);
}
