// The one list of C++ sources. binding.gyp and CMakeLists.txt both run this file, so the addon
// that npm users build and the library that the C++ tests link never differ.
//
//   node scripts/sources.mjs               every source of the addon, one a line, sorted
//   node scripts/sources.mjs --core [folder …]  the same without native/addon (no N-API in it),
//                                          or these folders of native/ alone
//   node scripts/sources.mjs --addon-only  native/addon alone
//   node scripts/sources.mjs --program     the program beside the addon, and what it uses
import { readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

export const coreFolders = [
  'base',
  'ring',
  'codec',
  'route',
  'wire',
  'crypto',
  'raptor',
  'io',
  'engine',
];

/** What the native program of the benches, and of `ping` and `perf`, uses of native/. */
export const programFolders = coreFolders.filter((name) => name !== 'engine');
/** Programs of their own, which fetch what they compare with. */
const otherPrograms = /^bench\/native\/(codec|links)\//;

/** Files under `folder` (absolute, recursive) whose name satisfies `accept`, sorted. */
export function filesUnder(folder, accept) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  const found = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...filesUnder(path, accept));
    else if (accept(entry.name)) found.push(path);
  }
  return found.sort();
}

/** Repository-relative paths of the C++ sources of the given native/ folders. */
export function sourcesOf(folders) {
  return folders
    .flatMap((folder) => filesUnder(join(root, 'native', folder), (name) => name.endsWith('.cc')))
    .map((path) => relative(root, path));
}

/** Repository-relative paths of the sources of the native program. */
export function sourcesOfProgram() {
  const own = filesUnder(join(root, 'bench', 'native'), (name) => name.endsWith('.cc'))
    .map((path) => relative(root, path))
    .filter((path) => !otherPrograms.test(path));
  return [...sourcesOf(programFolders), ...own];
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [form, ...only] = process.argv.slice(2);
  const core = only.length > 0 ? only : [...coreFolders];
  const folders = form === '--addon-only' ? ['addon'] : core;
  if (form === undefined) folders.push('addon');
  const sources = form === '--program' ? sourcesOfProgram() : sourcesOf(folders);
  process.stdout.write(sources.map((path) => `${path}\n`).join(''));
}
