// Running other programs from the scripts: everything goes to stderr, so that the stdout of
// `npm run demo` and `npm run bench` belongs to the demo and the benches alone.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
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

const graceSeconds = 5;

/**
 * Runs a program as a process group with a time limit, so that nothing it started outlives it.
 * Its output goes to `logPath`, and to stderr as well with `show`. Resolves to
 * { status, timedOut, output }; never rejects.
 */
export function runLimited(command, args, options) {
  const { logPath, seconds, env = {}, cwd = root, show = false } = options;
  mkdirSync(dirname(logPath), { recursive: true });
  const log = createWriteStream(logPath);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    let timedOut = false;
    const signalGroup = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {}
    };
    const stop = () => {
      signalGroup('SIGKILL');
      process.exit(130);
    };
    const limit = setTimeout(() => {
      timedOut = true;
      signalGroup('SIGTERM');
      setTimeout(() => signalGroup('SIGKILL'), graceSeconds * 1000).unref();
    }, seconds * 1000);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
        log.write(chunk);
        if (show) process.stderr.write(chunk);
      });
    }
    const finish = (status) => {
      clearTimeout(limit);
      for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, stop);
      log.end(() => resolve({ status, timedOut, output }));
    };
    child.once('error', (error) => {
      output += `${command}: ${error.message}\n`;
      finish(127);
    });
    child.once('close', (status) => finish(status ?? 1));
  });
}
