// The only loader of the native addon. It loads on first use, so that schemas, `check` and the
// JavaScript codec work where there is no addon.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HyperRouteError } from './errors.js';

/** What the addon exports. Internal: everything public wraps it. */
export interface NativeAddon {
  /** Version of this interface; a binary with another one is refused. */
  readonly abi: number;
}

const abiExpected = 1;
const addonFile = 'hyperroute.node';

let loaded: NativeAddon | undefined;

/**
 * The native addon, loaded on the first call and kept. Synchronous; the first call reads files.
 * Throws HyperRouteError ERR_NATIVE_UNAVAILABLE with what was tried and the command that fixes it.
 */
export function native(): NativeAddon {
  loaded ??= load(packageRoot());
  return loaded;
}

/** The folder of the package's package.json, found from here upwards. Throws when there is none. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown };
      if (name === 'hyperroute') return folder;
    }
    const parent = dirname(folder);
    if (parent === folder) throw unavailable([], 'the package.json of hyperroute was not found');
    folder = parent;
  }
}

function load(root: string): NativeAddon {
  if (process.platform !== 'linux') {
    throw unavailable([], `the engine runs on Linux only, this is ${process.platform}`);
  }
  setLibc();
  const require = createRequire(import.meta.url);
  const { resolve } = require('node-gyp-build') as { resolve: (folder: string) => string };
  const tried: { path: string; reason: string }[] = [];
  // node-gyp-build prefers a local build to a prebuild; a stale or broken local build must not
  // hide a prebuild that works, so the shipped one is tried after it.
  for (const find of [() => resolve(root), () => prebuildOf(root)]) {
    let path: string;
    try {
      path = find();
    } catch (error) {
      tried.push({ path: root, reason: messageOf(error) });
      continue;
    }
    if (tried.some((attempt) => attempt.path === path)) continue;
    try {
      const addon = require(path) as NativeAddon;
      if (addon.abi === abiExpected) return addon;
      tried.push({ path, reason: `interface version ${addon.abi}, expected ${abiExpected}` });
    } catch (error) {
      tried.push({ path, reason: messageOf(error) });
    }
  }
  throw unavailable(tried, 'no usable binary was found');
}

/** The first prebuild for this platform and C library. Throws when there is none. */
function prebuildOf(root: string): string {
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const libc = process.env.LIBC ?? 'glibc';
  const names = existsSync(folder) ? readdirSync(folder).filter((n) => n.endsWith('.node')) : [];
  const name = names.find((n) => n.includes(`.${libc}.`)) ?? names.find((n) => n === addonFile);
  if (name === undefined) throw new Error(`no prebuild for ${libc} in ${folder}`);
  return join(folder, name);
}

/** node-gyp-build knows musl only by Alpine's release file; the running Node knows for certain. */
function setLibc(): void {
  if (process.env.LIBC) return;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  process.env.LIBC = report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

function unavailable(
  tried: readonly { path: string; reason: string }[],
  why: string,
): HyperRouteError<'ERR_NATIVE_UNAVAILABLE'> {
  const fix = 'npx hyperroute build';
  const list = tried.map(({ path, reason }) => `\n  ${path}: ${reason}`).join('');
  const message = `The native engine could not be loaded: ${why}.${list}\nTo build it: ${fix}`;
  return new HyperRouteError('ERR_NATIVE_UNAVAILABLE', message, { tried, fix });
}
