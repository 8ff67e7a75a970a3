// What a figure was measured on: the host, the commit and the CPUs that may be used.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '#internals';
import type { HostDescription } from './types.js';

/** The host as `--json` describes it. Reads files only. */
export function describeHost(pinned: readonly number[]): HostDescription {
  const [first] = pinned;
  const scaling = `/sys/devices/system/cpu/cpu${first ?? 0}/cpufreq/scaling_governor`;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    cpus: pinned,
    governor: readLine(scaling) ?? 'not exposed',
    isolated: readLine('/sys/devices/system/cpu/isolated') ?? '',
    virtualised: / hypervisor\b/.test(readText('/proc/cpuinfo')),
    clocksource:
      readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource') ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** The commit of the checkout, with `+` when files differ from it; else the package's version. */
export function describeCommit(): string {
  const root = packageRoot();
  const { version } = JSON.parse(readText(join(root, 'package.json'))) as { version: string };
  if (!existsSync(join(root, '.git'))) return `v${version}`;
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', root, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return `v${version}`;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLine(path: string): string | undefined {
  const text = readText(path).trim();
  return text === '' ? undefined : text;
}
