// Whole sessions as golden vectors, test/vectors/raptor/sessions.txt: a word and its bytes a line.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { frames, records } from './raptor-bytes.js';
import { type Cipher, exchange } from './raptor-session.js';
import { counting, exampleOpen } from './raptor-vectors.js';

const path = join(import.meta.dirname, '../vectors/raptor/sessions.txt');

const ciphers = ['AES256GCM', 'CHACHA20POLY1305', 'none'] as const;

const head = `# Sessions of Raptor: the private keys of both ends, the parameters they send,
# the packets of the handshake, then DATA of each direction, its frames before it. Made by
# test/helpers/raptor-session-vectors.ts: HYPERROUTE_UPDATE_VECTORS=1 npx vitest run raptor-vectors
`;

function* lines(cipher: Cipher): Generator<string> {
  const line = (name: string, bytes: Buffer) => `${name} ${bytes.toString('hex')}`;
  const made = exchange(cipher, cipher === 'AES256GCM' ? counting(32, 0x80) : undefined);
  yield `session ${cipher}`;
  for (const [name, { privateKey }] of Object.entries(made.keys)) yield line(name, privateKey);
  yield line('cookie', made.cookie);
  yield line('parameters-initiator', made.parameters[0]);
  yield line('parameters-responder', made.parameters[1]);
  yield line('initiate', made.initiate);
  yield line('respond', made.respond);
  const run = records(Buffer.from('a message'));
  const long = records(counting(1500));
  const first = [
    frames.ping(),
    Buffer.concat([frames.open(exampleOpen), frames.stream(3, 0, run)]),
    Buffer.concat([frames.stream(3, run.length, long), frames.padding(16)]),
  ];
  const back = [frames.ack(25_000, 2, [[0, 3]]), frames.close(1)];
  for (const [name, direction, contents] of [
    ['to-responder', made.toResponder, first],
    ['to-initiator', made.toInitiator, back],
  ] as const) {
    for (const generation of [0, 1, 2]) {
      if (cipher === 'none' && generation > 0) continue;
      if (generation > 0) {
        direction.updateKey();
        yield `step ${name}`;
      }
      if (cipher !== 'none') yield `key ${name} ${direction.keyLine()}`;
      for (const plain of contents) {
        yield line(`frames ${name}`, plain);
        yield line(`data ${name}`, direction.data(plain));
      }
    }
  }
}

export function sessionVectorText(): string {
  return `${head}${ciphers.flatMap((cipher) => [...lines(cipher)]).join('\n')}\n`;
}

export const readSessionVectors = (): string => readFileSync(path, 'utf8');

export const writeSessionVectors = (text: string): void => writeFileSync(path, text);
