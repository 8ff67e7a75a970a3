// Bundles lib/ into the JavaScript of dist/. Each module that Node loads costs it about 60 KB and
// half a millisecond; bundled, `import 'hyperroute'` loads three files instead of some 240.
// Names stay as they are, so that stack traces can be read; source maps lead to lib/.
//
//   node scripts/bundle.mjs       (run by scripts/ensure-built.mjs, after tsc wrote the types)
//
// Every module is in one file only, so that its state and its classes exist once, whoever loads it.
// All code lies one folder below dist/, as the sources do below lib/: what they find relative to
// `import.meta.url` is in the same place from either.
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { filesUnder, root } from './sources.mjs';

/** What is loaded by its path, without the extensions: from outside, or in a thread of its own. */
const entries = ['index', 'internals', 'cli/main', 'config/worker', 'config/hooks'];
/** What others have put into dist/. */
const foreign = /^(bench|examples)\//;

const dist = join(root, 'dist');
const sourceOf = (entry) => join(root, 'lib', `${entry}.ts`);
const isOurs = (specifier) => specifier.startsWith('.') || specifier.startsWith(root);

/** These modules and everything that they import, but for what they load on demand. */
function withImports(ids, chunking) {
  const found = new Set(ids);
  // A set also goes through what is added meanwhile.
  for (const id of found) {
    for (const imported of chunking.getModuleInfo(id)?.importedIds ?? []) found.add(imported);
  }
  return found;
}

/**
 * Gives all that the package's entry imports one file, rather than one to each set of entries that
 * share a module; and one more, to what the command and the loader's thread of module hooks need of
 * it at once, since both are to start fast.
 */
function fileChooser() {
  let core;
  let base;
  return (id, chunking) => {
    core ??= withImports([sourceOf('index')], chunking);
    base ??= withImports(['cli/main', 'config/hooks'].map(sourceOf), chunking);
    if (!core.has(id)) return null;
    return base.has(id) ? 'base' : 'core';
  };
}

async function bundle() {
  const bundler = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry, sourceOf(entry)])),
    external: (specifier) => !isOurs(specifier),
    platform: 'node',
    tsconfig: false,
    transform: { target: 'es2023' },
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    // What goes wrong is thrown; nothing else is to be said.
    logLevel: 'warn',
  });
  const { output } = await bundler.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: { groups: [{ name: fileChooser(), debugName: 'base and core' }] },
    minifyInternalExports: false,
    comments: { legal: false, annotation: true, jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await bundler.close();
  return output.map(({ fileName }) => fileName);
}

const written = new Set(await bundle());
for (const path of filesUnder(dist, (name) => /\.js(\.map)?$/.test(name))) {
  const name = relative(dist, path);
  if (!foreign.test(name) && !written.has(name)) rmSync(path);
}
