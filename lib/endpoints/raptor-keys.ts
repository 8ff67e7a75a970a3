// Keys of Raptor endpoints as text: 32 bytes of X25519 in base64url behind a word that says which
// half of the pair they are. Control path; needs no addon.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/** The two halves of an identity, as text. */
export interface RaptorKeys {
  /** For everybody who connects here, and for lists of who may: `raptor-public-…`. */
  readonly publicKey: string;
  /** For this end alone: `raptor-private-…`. */
  readonly privateKey: string;
}

export type KeyHalf = 'public' | 'private';

const keyBytes = 32;
/** What stands before the 32 bytes in the encodings of RFC 8410. */
const pkcs8Start = Buffer.from('302e020100300506032b656e04220420', 'hex');
const spkiStart = Buffer.from('302a300506032b656e032100', 'hex');

function textOf(half: KeyHalf, bytes: Uint8Array): string {
  return `raptor-${half}-${Buffer.from(bytes).toString('base64url')}`;
}

export function textOfPublicKey(bytes: Uint8Array): string {
  return textOf('public', bytes);
}

/** The bytes of a key's text; null where it is none of that half. */
export function bytesOfKey(half: KeyHalf, text: unknown): Uint8Array<ArrayBuffer> | null {
  const start = `raptor-${half}-`;
  if (typeof text !== 'string' || !text.startsWith(start)) return null;
  const body = text.slice(start.length);
  const bytes = Buffer.from(body, 'base64url');
  // Only the one spelling that we write: decoders pass over what they do not know.
  if (bytes.length !== keyBytes || bytes.toString('base64url') !== body) return null;
  return Uint8Array.from(bytes);
}

/**
 * A new identity for a Raptor endpoint, as `hyperroute keys generate` makes it. Keep `privateKey`
 * secret. Any thread; blocks for a fraction of a millisecond.
 *
 * @example
 * ```ts
 * const { publicKey, privateKey } = generateRaptorKeys();
 * ```
 */
export function generateRaptorKeys(): RaptorKeys {
  const { privateKey } = generateKeyPairSync('x25519');
  const bytes = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-keyBytes);
  const text = textOf('private', bytes);
  return { publicKey: raptorPublicKey(text), privateKey: text };
}

/**
 * The public half that belongs to the text of a private key. Throws TypeError where it is none; the
 * message does not repeat it.
 *
 * @example
 * ```ts
 * const server = raptor.connect('server', { …, serverKey: raptorPublicKey(serversPrivateKey) });
 * ```
 */
export function raptorPublicKey(privateKey: string): string {
  const bytes = bytesOfKey('private', privateKey);
  if (bytes === null) {
    throw new TypeError('expected a private key, raptor-private- and 43 characters');
  }
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Start, bytes]),
    format: 'der',
    type: 'pkcs8',
  });
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return textOf('public', der.subarray(spkiStart.length));
}

/**
 * The private key in the content of a key file: the one line that is neither empty nor a comment
 * (`#`). Null where there is none, or more.
 */
export function privateKeyInFile(content: string): string | null {
  const lines = content.split('\n').map((line) => line.trim());
  const [key, ...others] = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const isOne = key !== undefined && others.length === 0;
  return isOne && bytesOfKey('private', key) !== null ? key : null;
}
