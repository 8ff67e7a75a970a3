// What a Raptor session costs that nobody uses: CPU time and memory of the processes at its ends,
// as the kernel counts them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Subject, startSubject } from '../harness/child.js';
import { rounded } from '../harness/figures.js';
import { percentileLevels, type Round } from '../harness/types.js';

const modulePath = join(import.meta.dirname, 'raptor-end.js');
/** The kernel tells CPU time in these to programs, whatever its own clock is. */
const ticksPerSecond = 100;
const percent = 100;
const ours = 'ours';

export const idleCases = {
  node: { cpu: 'idle, JS ends', memory: 'resident beside Node, JS end' },
  router: { cpu: 'idle, routers', memory: 'resident beside Node, router' },
} as const;
type Kind = keyof typeof idleCases;

interface Watched {
  readonly kind: Kind;
  readonly ends: readonly Subject[];
}

/**
 * One round of every case: all of them at once, since none of them does anything. What starting
 * leaves to the garbage collector is over some 8 s after it: `settleSeconds` pass first.
 */
export async function idleRounds(seconds: number, settleSeconds: number): Promise<Round[]> {
  const started: Subject[] = [];
  const start = async (name: string, ...args: string[]): Promise<Subject> => {
    const subject = await startSubject(name, modulePath, args);
    started.push(subject);
    return subject;
  };
  try {
    const bare = await start('bare Node', 'bare');
    const imported = await start('imported', 'imported');
    const watched: Watched[] = [];
    for (const kind of Object.keys(idleCases) as Kind[]) {
      const listener = await start(`${kind}, listening`, kind, 'listen');
      const connector = await start(`${kind}, connecting`, kind, 'connect', `${listener.port}`);
      watched.push({ kind, ends: [listener, connector] });
    }
    await sleep(settleSeconds * 1000);
    const pids = watched.flatMap(({ ends }) => ends.map(({ pid }) => pid));
    const before = new Map(pids.map((pid) => [pid, cpuSeconds(pid)]));
    const startMs = performance.now();
    await sleep(seconds * 1000);
    const elapsed = (performance.now() - startMs) / 1000;
    const bareKib = residentKib(bare.pid);
    const importedKib = residentKib(imported.pid) - bareKib;
    return watched.flatMap(({ kind, ends }) => {
      const cpu = ends.map(({ pid }) => (cpuSeconds(pid) - (before.get(pid) ?? 0)) / elapsed);
      const memory = ends.map(({ pid }) => residentKib(pid) - bareKib);
      return [
        figure(idleCases[kind].cpu, ours, '%', percent * Math.max(...cpu)),
        figure(idleCases[kind].memory, ours, 'KiB', Math.max(...memory)),
        figure(idleCases[kind].memory, 'imported alone', 'KiB', importedKib),
      ];
    });
  } finally {
    await Promise.all(started.map((subject) => subject.stop()));
  }
}

function figure(name: string, subject: string, unit: string, value: number): Round {
  const values = percentileLevels.map(() => rounded(value));
  return { case: name, subject, unit, n: 1, values };
}

/** In the kernel and outside, of all threads. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name, in brackets; then come the 3rd and so on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function residentKib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
}
