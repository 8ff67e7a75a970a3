// Framings: how messages are told apart in a byte stream or in a datagram.

import { optionError, type SourcePlace } from '../errors.js';
import { type BlocksFraming, type BlocksOptions, readBlocks } from '../schema/blocks.js';
import { collection } from '../schema/collection.js';
import type { ByteOrder } from '../schema/model.js';
import { OptionReader } from '../schema/options.js';
import { callerPlace } from '../schema/position.js';

export interface LengthPrefixOptions {
  /** Size of the length field, 1 to 8. */
  readonly bytes: number;
  /** Byte order of the length field; default 'le'. */
  readonly order?: ByteOrder;
  /** Where the length field stands in the frame; default 0. */
  readonly offset?: number;
  /** Added to the field's value to get the bytes it counts; default 0. */
  readonly adjust?: number;
  /** Whether the value counts everything up to the end of the length field too. */
  readonly includesHeader: boolean;
  /** Whether the router sees only what follows the length field; default false. */
  readonly strip?: boolean;
}

/** A framing of streams in plain form. `hex`: the delimiter's bytes. */
export type Framing =
  | ({ readonly kind: 'length-prefix' } & Required<LengthPrefixOptions>)
  | { readonly kind: 'delimiter'; readonly hex: string }
  | { readonly kind: 'fixed'; readonly bytes: number };

const offsetMax = 256;
const adjustMax = 65_536;
const fixedBytesMax = 2 ** 24;
const delimiterBytesMax = 8;

function readLengthPrefix(options: unknown, path: string, place: SourcePlace): Framing {
  const reader = new OptionReader(options, path, place, 'ERR_CONFIG');
  const framing = {
    kind: 'length-prefix',
    bytes: reader.integer('bytes', 1, 8, undefined),
    order: reader.choice('order', ['le', 'be'], 'le'),
    offset: reader.integer('offset', 0, offsetMax, 0),
    adjust: reader.integer('adjust', -adjustMax, adjustMax, 0),
    includesHeader: reader.boolean('includesHeader', undefined as unknown as boolean),
    strip: reader.boolean('strip', false),
  } as const;
  reader.done();
  return Object.freeze(framing);
}

function delimiterHex(value: unknown, place: SourcePlace): string {
  const bytes =
    typeof value === 'string'
      ? new TextEncoder().encode(value)
      : value instanceof Uint8Array
        ? value
        : null;
  if (bytes === null || bytes.length < 1 || bytes.length > delimiterBytesMax) {
    const expected = `1 to ${delimiterBytesMax} bytes, as text or Uint8Array`;
    throw optionError('ERR_CONFIG', 'framing.delimiter', expected, value, place);
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * How a TCP endpoint finds messages in its stream, and a UDP endpoint in its datagrams.
 *
 * Of streams:
 * - `framing.lengthPrefix({ bytes: 4, includesHeader: true })`: a length field of `bytes` bytes
 *   stands `offset` bytes into the frame. The frame has value + `adjust` bytes, and `offset` +
 *   `bytes` more when the value does not include the header. With `strip` the router gets what
 *   follows the header, and the header is written on the way out; otherwise the message contains
 *   it.
 * - `framing.delimiter('\n')`: up to eight bytes end each message; the router does not see them.
 * - `framing.fixed(64)`: every message has this many bytes.
 *
 * Of datagrams, where otherwise each is one message:
 * - `framing.blocks({ headerBytes: 20, count: { offset: 18, type: 'u16be' }, length: 'u16be' })`: a
 *   header says how many blocks follow it, each a length and so many bytes. Each is one message.
 */
export const framing = collection('framing', 'a framing', 'ERR_CONFIG', {
  lengthPrefix: (options: LengthPrefixOptions): Framing =>
    readLengthPrefix(options, 'framing.lengthPrefix', callerPlace()),
  delimiter: (bytes: string | Uint8Array): Framing =>
    Object.freeze({ kind: 'delimiter', hex: delimiterHex(bytes, callerPlace()) }),
  fixed: (bytes: number): Framing => {
    if (Number.isSafeInteger(bytes) && bytes >= 1 && bytes <= fixedBytesMax) {
      return Object.freeze({ kind: 'fixed', bytes });
    }
    const expected = `an integer from 1 to ${fixedBytesMax}`;
    throw optionError('ERR_CONFIG', 'framing.fixed', expected, bytes, callerPlace());
  },
  blocks: (options: BlocksOptions): BlocksFraming =>
    readBlocks(options, 'framing.blocks', callerPlace()),
});

/** A framing given as an option, read again: plain objects may come from JavaScript. */
export function readFraming(reader: OptionReader): Framing {
  const given = reader.raw('framing');
  const inner = typeof given === 'object' && given !== null ? { ...given } : {};
  const path = `${reader.path}.framing`;
  const kind = 'kind' in inner ? inner.kind : undefined;
  if (kind === 'fixed' && 'bytes' in inner) return framing.fixed(inner.bytes as number);
  if (kind === 'delimiter' && 'hex' in inner && /^([0-9a-f]{2}){1,8}$/.test(String(inner.hex))) {
    return Object.freeze({ kind, hex: String(inner.hex) });
  }
  if (kind === 'length-prefix') {
    const { kind: _kind, ...options } = inner as Record<string, unknown>;
    return readLengthPrefix(options, path, reader.place);
  }
  const expected = 'framing.lengthPrefix(…), framing.delimiter(…) or framing.fixed(…)';
  throw reader.error('framing', expected, given);
}

/** The framing of datagrams given as an option; null: each datagram is one message. */
export function readDatagramFraming(reader: OptionReader): BlocksFraming | null {
  const given = reader.raw('framing') ?? null;
  if (given === null) return null;
  if (typeof given === 'object' && 'kind' in given && given.kind === 'blocks') {
    const { kind: _kind, ...options } = given;
    return readBlocks(options, `${reader.path}.framing`, reader.place);
  }
  throw reader.error('framing', 'framing.blocks(…): datagrams have bounds of their own', given);
}
