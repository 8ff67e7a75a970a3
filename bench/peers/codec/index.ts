// Every codec from npm that ours is held against.
import type { CodecSubject } from '../../micro/codec-messages.js';
import { avsc, avscLossy, avscLossyName } from './avsc.js';
import { bufbuild } from './bufbuild.js';
import { flatbuffers } from './flatbuffers.js';
import { json } from './json.js';
import { msgpackr } from './msgpackr.js';
import { protobufjs } from './protobufjs.js';

/** Peers that do not keep all 64 bits of an integer, so that no target is held against them. */
export const lossyPeers: readonly string[] = [avscLossyName];

const loaders = [protobufjs, bufbuild, msgpackr, avsc, avscLossy, flatbuffers, json];

/**
 * The peers whose packages are installed: an installed hyperroute brings none of them. `leftOut`
 * hears of the others. Rejects when one is there and does not work.
 */
export async function codecPeers(leftOut: (why: string) => void): Promise<CodecSubject[]> {
  const peers: CodecSubject[] = [];
  for (const load of loaders) {
    try {
      peers.push(await load());
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
      leftOut(message);
    }
  }
  return peers;
}
