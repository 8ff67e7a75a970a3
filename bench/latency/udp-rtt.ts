// The router as a UDP echo against a bare UDP ping-pong, both driven by the same bare client; and
// an echo on node:dgram beside them. One process answers at a time, on one CPU.
import { fileURLToPath } from 'node:url';
import { startSubjects } from '../harness/child.js';
import { runNative } from '../harness/native.js';
import type { Bench, BenchContext, Measured } from '../harness/types.js';

const payloads = [32, 64];
const modulePath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

async function run({ cpus, quick, nativePath, say }: BenchContext): Promise<Measured> {
  const [, serverCpu] = cpus;
  const subjects = await startSubjects([
    {
      name: 'ours',
      modulePath: modulePath('./udp-echo-router.js'),
      args: [String(serverCpu)],
    },
    { name: 'node dgram', modulePath: modulePath('../peers/dgram-echo.js'), args: [] },
  ]);
  try {
    const list = subjects.map(({ name, port }) => `${name} on port ${port}`).join(', ');
    say(`udp-rtt: ${list}`);
    const size = quick
      ? ['--rounds', '5', '--exchanges', '200']
      : ['--rounds', '21', '--exchanges', '5000'];
    const args = [
      ...['--cpus', cpus.join(','), ...size],
      ...payloads.flatMap((bytes) => ['--payload', String(bytes)]),
      ...subjects.flatMap(({ name, port, pid }) => ['--target', `${name}:${port}:${pid}`]),
    ];
    const rounds = await runNative(nativePath, ['udp', ...args]);
    return {
      rounds,
      targets: payloads.map((bytes) => ({
        case: `round trip ${bytes} B`,
        against: 'raw UDP ping-pong',
        target: 1.3,
        better: 'lower' as const,
      })),
    };
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}

export const udpRtt: Bench = {
  name: 'udp-rtt',
  summary: 'the router as a UDP echo against a bare UDP ping-pong, both spinning',
  run,
};
