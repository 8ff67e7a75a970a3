// Encoding and decoding: ours against the codecs of npm in JavaScript, and against the code that
// SBE generates in C++.
import { fileURLToPath } from 'node:url';
import { runChild } from '../harness/child.js';
import { groupRounds, mergedValues } from '../harness/figures.js';
import {
  type Bench,
  type BenchContext,
  type Measured,
  percentileLevels,
  type Round,
  type Target,
} from '../harness/types.js';
import { uncountedPeers } from '../peers/codec/index.js';

const messages = ['NewOrder', 'Reading'] as const;
/** How many times as fast as the fastest peer ours is to be. */
const ratesWanted = { encode: 4, decode: 3, 'read every field': 4 } as const;

/** The peer with the lowest p50 among those that count; undefined where none is installed. */
function fastestPeer(rounds: readonly Round[], name: string): string | undefined {
  const peers = groupRounds(rounds.filter((round) => round.case === name)).flatMap((group) => {
    const subject = group[0]?.subject ?? 'ours';
    const p50 = mergedValues(group)?.[percentileLevels.indexOf(50)];
    const counts =
      !subject.startsWith('ours') && !uncountedPeers.includes(subject) && p50 !== undefined;
    return counts ? [{ subject, p50 }] : [];
  });
  return peers.toSorted((one, other) => one.p50 - other.p50)[0]?.subject;
}

function targetsOf(rounds: readonly Round[], say: (line: string) => void): Target[] {
  return messages.flatMap((message) =>
    Object.entries(ratesWanted).flatMap(([step, target]): Target[] => {
      const name = `${message}: ${step}`;
      const against = fastestPeer(rounds, name);
      if (against === undefined) {
        say(`codec: no ratio for '${name}': no peer of npm is installed`);
        return [];
      }
      return [{ case: name, against, target, better: 'higher', figure: 'rate' }];
    }),
  );
}

async function run({ cpus, quick, say }: BenchContext): Promise<Measured> {
  const modulePath = fileURLToPath(new URL('./codec-child.js', import.meta.url));
  const rounds = await runChild('codec', modulePath, quick ? ['5', '4'] : ['15', '120']);
  const targets = targetsOf(rounds, say);
  // Loaded when it is wanted: the other benches compile no schemas.
  const { nativeCodec } = await import('./codec-native.js');
  const native = await nativeCodec(cpus[1], quick, say);
  return { rounds: [...rounds, ...native.rounds], targets: [...targets, ...native.targets] };
}

export const codec: Bench = {
  name: 'codec',
  summary: 'encoding and decoding messages, against codecs from npm and SBE in C++',
  run,
};
