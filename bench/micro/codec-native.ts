// The C++ part of the codec bench: built when it is wanted, since what it is held against is
// fetched for it. It gets the layout and the messages from here, so both languages use the same.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutImage, packageRoot } from '#internals';
import { runNative } from '../harness/native.js';
import type { Measured, Target } from '../harness/types.js';
import { pools } from './codec-messages.js';
import { newOrder } from './codec-schemas.js';

const peer = 'SBE';
const buildTimeoutMs = 10 * 60_000;

const targets: readonly Target[] = ['encode', 'checked decode'].map((step) => ({
  case: `NewOrder in C++: ${step}`,
  against: peer,
  target: 1.2,
  better: 'lower',
}));

/** Builds what is out of date. Throws when that fails; its output goes to stderr. */
function build(root: string): string {
  const script = join(root, 'scripts/ensure-built.mjs');
  // Always asked for: a build that had to do without the peer tries again to get it.
  const { status } = spawnSync(process.execPath, [script, '--force', 'bench-codec'], {
    stdio: ['ignore', 2, 2],
    timeout: buildTimeoutMs,
  });
  if (status !== 0) throw new Error('the C++ part of the codec bench could not be built');
  return join(root, 'build/bench/hyperroute-bench-codec');
}

/** Each message of the pool after its bytes as a u32, as the executable reads them. */
function encodedPool(): Buffer {
  return Buffer.concat(
    pools.NewOrder.flatMap((order) => {
      const prefix = Buffer.alloc(4);
      const message = Buffer.alloc(newOrder.sizeOf(order));
      prefix.writeUInt32LE(newOrder.encode(order, message));
      return [prefix, message];
    }),
  );
}

/**
 * Rounds of NewOrder in C++ on one CPU; none where there are no sources to build from. Without
 * SBE's generated code there are no targets. Throws when its check finds a wrong result.
 */
export async function nativeCodec(
  cpu: number,
  quick: boolean,
  say: (line: string) => void,
): Promise<Measured> {
  const root = packageRoot();
  if (!existsSync(join(root, 'bench/native/codec'))) {
    say('codec: an installed package has no C++ part; it takes a checkout');
    return { rounds: [], targets: [] };
  }
  const path = build(root);
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-codec-'));
  try {
    const layoutPath = join(folder, 'layout');
    const messagesPath = join(folder, 'messages');
    writeFileSync(layoutPath, layoutImage(newOrder.model));
    writeFileSync(messagesPath, encodedPool());
    const size = quick ? ['5', '20'] : ['31', '200'];
    const measured = await runNative(path, [String(cpu), ...size, layoutPath, messagesPath]);
    // The clock of the other process is a result already.
    const rounds = measured.filter((round) => round.case !== 'clock');
    if (rounds.some(({ subject }) => subject === peer)) return { rounds, targets };
    say(`codec: no ratio against ${peer}: its code could not be generated (see above)`);
    return { rounds, targets: [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
