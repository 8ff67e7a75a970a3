// Every codec from npm that ours is held against.
import type { CodecSubject } from '../../micro/codec-messages.js';
import { avsc, avscLossy, avscLossyName } from './avsc.js';
import { bufbuild } from './bufbuild.js';
import { flatbuffers } from './flatbuffers.js';
import { json, jsonName } from './json.js';
import { msgpackr } from './msgpackr.js';
import { protobufjs } from './protobufjs.js';

/** No target is held against these: one loses bits, the other comes with the language. */
export const uncountedPeers: readonly string[] = [avscLossyName, jsonName];

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
