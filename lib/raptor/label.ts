// Names of streams as the numbers that go on the wire.
import { createHash } from 'node:crypto';
import { optionError } from '../errors.js';
import { callerPlace } from '../schema/position.js';

/**
 * The application's name for a stream. A string of up to 8 bytes of UTF-8 goes on the wire as it
 * is, its first byte lowest; of a longer one the first 8 bytes of its SHA-256 do. A number or
 * bigint is the 64-bit number itself.
 */
export type RaptorLabel = string | number | bigint;

const packedBytesMax = 8;
const labelMax = 2n ** 64n - 1n;

/** The low and the high half of a label's number. Throws ERR_CONFIG for what is none. */
export function labelWords(label: unknown): { readonly low: number; readonly high: number } {
  const number = numberOf(label);
  if (number === undefined) {
    const expected = 'a text that is not empty, or an integer from 0 to 2^64 - 1';
    throw optionError('ERR_CONFIG', 'label', expected, label, callerPlace());
  }
  return { low: Number(number & 0xffff_ffffn), high: Number(number >> 32n) };
}

function numberOf(label: unknown): bigint | undefined {
  if (typeof label === 'string' && label !== '') return numberOfText(label);
  if (typeof label === 'number' && Number.isSafeInteger(label) && label >= 0) return BigInt(label);
  return typeof label === 'bigint' && label >= 0n && label <= labelMax ? label : undefined;
}

function numberOfText(label: string): bigint {
  const bytes = Buffer.from(label, 'utf8');
  const short = Buffer.alloc(packedBytesMax);
  if (bytes.length <= packedBytesMax) short.set(bytes);
  else createHash('sha256').update(bytes).digest().copy(short, 0, 0, packedBytesMax);
  return short.readBigUInt64LE();
}
