// Running other programs from the scripts: everything goes to stderr, so that the stdout of
// `npm run demo` and `npm run bench` belongs to the demo and the benches alone.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { root } from './sources.mjs';

/** Prints one line to stderr. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** The absolute path of a program on PATH, or undefined. */
export function which(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Runs a program in the repository's root, its stdout sent to stderr. Returns its exit status. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (result.error) {
    say(`${command}: ${result.error.message}`);
    return 1;
  }
  return result.status ?? 1;
}

/** The JavaScript file behind a package's command, so that no shell or npx stands between. */
export function packageBin(name, command = name) {
  const require = createRequire(join(root, 'package.json'));
  const manifestPath = join(root, 'node_modules', name, 'package.json');
  if (!existsSync(manifestPath)) return undefined;
  const { bin } = require(manifestPath);
  const relative = typeof bin === 'string' ? bin : bin?.[command];
  return relative === undefined ? undefined : join(root, 'node_modules', name, relative);
}

/** Runs a package's command with this Node. Returns its exit status. */
export function runBin(name, args, options = {}) {
  const path = packageBin(name, options.command ?? name);
  if (path === undefined) {
    say(`${name} is not installed: run npm ci`);
    return 1;
  }
  return run(process.execPath, [path, ...args], options);
}
