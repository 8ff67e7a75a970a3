// Sessions of Raptor between two ends with known keys, made with Node's own cryptography after
// docs/raptor-protocol.md: the handshake, the keys of each direction, sealed packets.
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto';
import { crc32c, packets, parameters, Writer } from './raptor-bytes.js';
import { counting, exampleParameters } from './raptor-vectors.js';

export type Cipher = 'AES256GCM' | 'CHACHA20POLY1305' | 'none';

const privateHead = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicHead = Buffer.from('302a300506032b656e032100', 'hex');

interface Pair {
  readonly privateKey: Buffer;
  readonly publicKey: Buffer;
}

const keyOf = (raw: Buffer) =>
  createPrivateKey({ key: Buffer.concat([privateHead, raw]), format: 'der', type: 'pkcs8' });

function pairOf(privateKey: Buffer): Pair {
  const der = createPublicKey(keyOf(privateKey)).export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey: der.subarray(-32) };
}

function sharedSecret(own: Pair, remote: Buffer): Buffer {
  const der = Buffer.concat([publicHead, remote]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return diffieHellman({ privateKey: keyOf(own.privateKey), publicKey });
}

const sha256 = (...parts: readonly Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

const hmac = (key: Uint8Array, bytes: Uint8Array) =>
  createHmac('sha256', key).update(bytes).digest();

const hkdf = (secret: Uint8Array, info: string, bytes: number) =>
  Buffer.from(hkdfSync('sha256', secret, '', info, bytes));

function seal(cipher: Cipher, key: Buffer, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const options = { authTagLength: 16 } as const;
  const made =
    cipher === 'AES256GCM'
      ? createCipheriv('aes-256-gcm', key, nonce, options)
      : createCipheriv('chacha20-poly1305', key, nonce, options);
  made.setAAD(aad, { plaintextLength: plain.length });
  return Buffer.concat([made.update(plain), made.final(), made.getAuthTag()]);
}

/** SymmetricState of the Noise specification, for one who knows both ends' keys. */
class Symmetric {
  #chain: Buffer;
  #hash: Buffer;
  #key: Buffer = Buffer.alloc(0);
  #count = 0;
  readonly #cipher: Cipher;

  constructor(cipher: Cipher, prologue: Buffer) {
    const name = cipher === 'AES256GCM' ? 'AESGCM' : 'ChaChaPoly';
    // A name of up to 32 bytes is the first hash itself, filled up with zeros.
    this.#hash = Buffer.concat(
      [Buffer.from(`Noise_IK_25519_${name}_SHA256`), Buffer.alloc(32)],
      32,
    );
    this.#chain = this.#hash;
    this.#cipher = cipher;
    this.mixHash(prologue);
  }

  mixHash(bytes: Buffer): Buffer {
    this.#hash = sha256(this.#hash, bytes);
    return bytes;
  }

  mixKey(secret: Buffer): void {
    [this.#chain, this.#key] = this.#two(secret);
    this.#count = 0;
  }

  seal(plain: Buffer): Buffer {
    const nonce = Buffer.alloc(12);
    if (this.#cipher === 'AES256GCM') nonce.writeUInt32BE(this.#count, 8);
    else nonce.writeUInt32LE(this.#count, 4);
    this.#count += 1;
    return this.mixHash(seal(this.#cipher, this.#key, nonce, this.#hash, plain));
  }

  split(): readonly [Buffer, Buffer] {
    return this.#two(Buffer.alloc(0));
  }

  #two(secret: Buffer): [Buffer, Buffer] {
    const both = Buffer.from(hkdfSync('sha256', secret, this.#chain, '', 64));
    return [both.subarray(0, 32), both.subarray(32)];
  }
}

/** The packets of one end. */
export class Direction {
  readonly #session: bigint;
  readonly #cipher: Cipher;
  #secret: Buffer;
  #generation = 0;
  #number = 0;

  constructor(session: bigint, cipher: Cipher, secret: Buffer) {
    this.#session = session;
    this.#cipher = cipher;
    this.#secret = secret;
  }

  get number(): number {
    return this.#number;
  }

  get secret(): Buffer {
    return this.#secret;
  }

  /** The next packet, with these frames. */
  data(...frames: readonly Buffer[]): Buffer {
    const number = this.#number++;
    const plain = Buffer.concat(frames);
    const behind = plain.length + (this.#cipher === 'none' ? 8 : 16);
    const header = packets.dataHeader(this.#generation, this.#session, number, behind);
    if (this.#cipher === 'none') {
      const bytes = Buffer.concat([header, plain]);
      return new Writer().bytes(bytes).u32(crc32c(bytes)).u32(0).take();
    }
    const nonce = this.#iv();
    nonce.writeBigUInt64LE(nonce.readBigUInt64LE(4) ^ BigInt(number), 4);
    return Buffer.concat([header, seal(this.#cipher, this.#key(), nonce, header, plain)]);
  }

  updateKey(): void {
    this.#secret = hkdf(this.#secret, 'raptor next', 32);
    this.#generation += 1;
  }

  /** The line of a key log. */
  keyLine(): string {
    const session = this.#session.toString(16).padStart(16, '0');
    const key = `${this.#key().toString('hex')} ${this.#iv().toString('hex')}`;
    return `RAPTOR_KEY ${session} ${this.#generation} ${this.#cipher} ${key}`;
  }

  #key(): Buffer {
    return hkdf(this.#secret, 'raptor key 0', 32);
  }

  #iv(): Buffer {
    return hkdf(this.#secret, 'raptor iv 0', 12);
  }
}

export const initiatorId = 0x0a0b0c0d0e0f1011n;
export const responderId = 0xf0e0d0c0b0a09081n;

export interface Exchange {
  readonly cipher: Cipher;
  readonly cookie: Buffer;
  /** Of the initiator, and of the responder. */
  readonly parameters: readonly [Buffer, Buffer];
  readonly keys: Readonly<Record<'initiator' | 'responder' | 'ephemeral' | 'answer', Pair>>;
  readonly initiate: Buffer;
  readonly respond: Buffer;
  readonly toResponder: Direction;
  readonly toInitiator: Direction;
}

/** A handshake whose keys are known numbers, without a cookie or with one. */
export function exchange(cipher: Cipher, cookie: Buffer = Buffer.alloc(32)): Exchange {
  const keys = {
    initiator: pairOf(counting(32, 1)),
    responder: pairOf(counting(32, 33)),
    ephemeral: pairOf(counting(32, 65)),
    answer: pairOf(counting(32, 97)),
  };
  const flags = { none: 1, AES256GCM: 0, CHACHA20POLY1305: 2 }[cipher];
  const first = parameters({ ...exampleParameters, session: initiatorId });
  const second = parameters({ ...exampleParameters, session: responderId });
  const { messages, secrets } = handshake(cipher, keys, flags, [first, second]);
  const before = packets.initiate(flags, initiatorId, messages[0], cookie);
  const known = cipher === 'none' ? Buffer.alloc(32) : keys.responder.publicKey;
  const macKey = sha256(Buffer.from('hyperroute raptor mac 1'), known);
  return {
    cipher,
    cookie,
    parameters: [first, second],
    keys,
    initiate: Buffer.concat([before, hmac(macKey, before).subarray(0, 16)]),
    respond: packets.respond(flags, initiatorId, messages[1]),
    toResponder: new Direction(responderId, cipher, secrets[0]),
    toInitiator: new Direction(initiatorId, cipher, secrets[1]),
  };
}

function handshake(
  cipher: Cipher,
  { initiator, responder, ephemeral, answer }: Exchange['keys'],
  flags: number,
  [first, second]: readonly [Buffer, Buffer],
) {
  const none = Buffer.alloc(0);
  if (cipher === 'none') {
    return { messages: [first, second] as const, secrets: [none, none] as const };
  }
  const header = packets.initiateHeader(flags, initiatorId, first.length + 96);
  const state = new Symmetric(cipher, Buffer.concat([Buffer.from('hyperroute raptor 1'), header]));
  state.mixHash(responder.publicKey);
  const message = [state.mixHash(ephemeral.publicKey)];
  state.mixKey(sharedSecret(ephemeral, responder.publicKey));
  message.push(state.seal(initiator.publicKey));
  state.mixKey(sharedSecret(initiator, responder.publicKey));
  message.push(state.seal(first));
  const reply = [state.mixHash(answer.publicKey)];
  state.mixKey(sharedSecret(answer, ephemeral.publicKey));
  state.mixKey(sharedSecret(answer, initiator.publicKey));
  reply.push(state.seal(second));
  const messages = [Buffer.concat(message), Buffer.concat(reply)] as const;
  return { messages, secrets: state.split() };
}
