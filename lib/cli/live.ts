// Finds the counters files of this user's routers and tells a living router from a dead one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersFile, type CountersSnapshot } from '../router/counters.js';

/** `closed`: ended in good order; `dead`: the process is gone and left its counters behind. */
export type RouterState = 'running' | 'closed' | 'dead';

/** A counters file and what it says. */
export interface FoundRouter {
  readonly path: string;
  readonly snapshot: CountersSnapshot;
  readonly state: RouterState;
}

const extension = '.counters';
const controlExtension = '.control';
const routersMax = 1024;

/** Where the routers of this user keep their counters. */
export function countersFolder(): string {
  return `/dev/shm/hyperroute-${process.geteuid?.() ?? 0}`;
}

/** The file of a router: a name in this user's folder, or a path (it holds a slash). */
export function countersPath(nameOrPath: string): string {
  return nameOrPath.includes('/') ? nameOrPath : join(countersFolder(), nameOrPath + extension);
}

/** The control socket of a router, named or placed as its counters are. */
export function controlPath(nameOrPath: string): string {
  return nameOrPath.includes('/')
    ? nameOrPath
    : join(countersFolder(), nameOrPath + controlExtension);
}

/** The names under which routers of this user have, or had, a control socket. */
export function controlNames(): string[] {
  const names = namesWith(controlExtension);
  return names.map((name) => name.slice(0, -controlExtension.length)).slice(0, routersMax);
}

/** Files of this user's folder, sorted; none where no router has ever run. */
function namesWith(ending: string): string[] {
  try {
    return readdirSync(countersFolder())
      .filter((name) => name.endsWith(ending))
      .sort();
  } catch {
    return [];
  }
}

/** Every router of this user that has a readable counters file, by name. */
export function findRouters(): FoundRouter[] {
  const found = namesWith(extension).slice(0, routersMax).map(peek);
  return found.filter((router) => router !== undefined);
}

function peek(name: string): FoundRouter | undefined {
  const path = join(countersFolder(), name);
  try {
    const file = new CountersFile(path);
    try {
      const snapshot = file.read();
      return { path, snapshot, state: stateOf(file, snapshot) };
    } finally {
      file.close();
    }
  } catch {
    // Removed since the folder was listed, or no counters file: not a router to list.
    return undefined;
  }
}

/** Whether a file's owner still runs. It holds flock(2) on the file from its start to its end. */
export function stateOf(file: CountersFile, snapshot: CountersSnapshot): RouterState {
  if (snapshot.closed) return 'closed';
  return isLocked(file) ? 'running' : 'dead';
}

/** Node has no flock(2); the kernel lists every lock it knows of with the inode it is on. */
function isLocked(file: CountersFile): boolean {
  const { device, inode } = file.identity();
  const major = (device >> 8n) & 0xfffn;
  const minor = (device & 0xffn) | ((device >> 12n) & 0xfff00n);
  const id = `${hexByte(major)}:${hexByte(minor)}:${inode}`;
  const locks = readFileSync('/proc/locks', 'utf8').split('\n');
  return locks.some((line) => {
    const words = line.split(/\s+/);
    return words[1] === 'FLOCK' && words.includes(id);
  });
}

function hexByte(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}
