// The swap part of the route bench: what a change of the configuration takes, and what the messages
// feel of it.
import { fileURLToPath } from 'node:url';
import { runChild, startSubjects } from '../harness/child.js';
import { runNative } from '../harness/native.js';
import type { BenchContext, Round } from '../harness/types.js';

const modulePath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const everyMs = '20';
const payloadBytes = '32';

/** Routers that are echos, by what happens to them meanwhile. */
const subjects = [
  ['ours, updated', 'update'],
  ['ours, planned alike', 'plan'],
  ['ours, left alone', 'nothing'],
] as const;

export async function swapRounds(context: BenchContext): Promise<Round[]> {
  const { cpus, quick, nativePath } = context;
  const cpu = String(cpus[1]);
  const changes = await runChild('swap', modulePath('./swap-child.js'), [cpu, quick ? '5' : '200']);
  const path = modulePath('./swap-router.js');
  const started = await startSubjects(
    subjects.map(([name, action]) => ({ name, modulePath: path, args: [cpu, action, everyMs] })),
  );
  try {
    const size = quick ? ['5', '200'] : ['15', '20000'];
    const rounds = await runNative(nativePath, [
      ...['udp', '--cpus', cpus.join(','), '--payload', payloadBytes],
      ...['--rounds', size[0] ?? '', '--exchanges', size[1] ?? ''],
      ...started.flatMap(({ name, port, pid }) => ['--target', `${name}:${port}:${pid}`]),
    ]);
    const names: readonly string[] = subjects.map(([name]) => name);
    const ours = rounds.filter(({ subject }) => names.includes(subject));
    return [
      ...changes,
      ...ours.map((round) => ({ ...round, case: `${round.case}, updates every ${everyMs} ms` })),
    ];
  } finally {
    await Promise.all(started.map((subject) => subject.stop()));
  }
}
