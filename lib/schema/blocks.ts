// Several messages in one datagram: a header with a count, then blocks of a length and a message.
// The native splitter of udp endpoints judges by the same rule and gives the same verdicts.
import { HyperRouteError, optionError, type SourcePlace } from '../errors.js';
import { OptionReader } from './options.js';
import { callerPlace } from './position.js';

/** An unsigned integer on the wire. */
export type BlocksInteger = 'u8' | 'u16le' | 'u16be' | 'u32le' | 'u32be';

export interface BlocksOptions {
  /** Bytes before the first block, 1 to 4096. */
  readonly headerBytes: number;
  /** Where the header says how many blocks follow. */
  readonly count: { readonly offset: number; readonly type: BlocksInteger };
  /** The integer before each message that says how many bytes it has. */
  readonly length: BlocksInteger;
  /** Whether the length counts its own bytes too; default false. */
  readonly includesLength?: boolean;
  /** Up to four counts that stand for something else: no block follows them. Default none. */
  readonly emptyCounts?: readonly number[];
}

/** A rule of blocks in plain form, as `framing.blocks` makes it. */
export type BlocksFraming = { readonly kind: 'blocks' } & Required<BlocksOptions>;

const headerBytesMax = 4096;
const emptyCountsMax = 4;
const integerBytes: Readonly<Record<BlocksInteger, 1 | 2 | 4>> = {
  u8: 1,
  u16le: 2,
  u16be: 2,
  u32le: 4,
  u32be: 4,
};
const integers = Object.keys(integerBytes) as readonly BlocksInteger[];
const made = new WeakSet<object>();

/** Reads the options of blocks. Throws ERR_CONFIG; `path` names them in its text. */
export function readBlocks(options: unknown, path: string, place: SourcePlace): BlocksFraming {
  const reader = new OptionReader(options, path, place, 'ERR_CONFIG');
  const counter = reader.nested('count');
  const type = counter.choice('type', integers, undefined);
  const headerBytes = reader.integer('headerBytes', 1, headerBytesMax, undefined);
  const offsetMax = headerBytes - integerBytes[type];
  if (offsetMax < 0) throw counter.error('type', `at most the header's ${headerBytes} bytes`, type);
  const rule: BlocksFraming = {
    kind: 'blocks',
    headerBytes,
    count: Object.freeze({ offset: counter.integer('offset', 0, offsetMax, undefined), type }),
    length: reader.choice('length', integers, undefined),
    includesLength: reader.boolean('includesLength', false),
    emptyCounts: readEmptyCounts(reader, 2 ** (8 * integerBytes[type]) - 1),
  };
  counter.done();
  reader.done();
  made.add(rule);
  return Object.freeze(rule);
}

function readEmptyCounts(reader: OptionReader, countMax: number): readonly number[] {
  const given = reader.raw('emptyCounts') ?? [];
  const isCount = (count: unknown): boolean =>
    typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= countMax;
  if (!Array.isArray(given) || given.length > emptyCountsMax || !given.every(isCount)) {
    const expected = `up to ${emptyCountsMax} integers from 0 to ${countMax}`;
    throw reader.error('emptyCounts', expected, given);
  }
  return Object.freeze([...given]);
}

/** The largest message that a block can hold in a datagram of so many bytes. */
export function blockBytesMax(rule: BlocksFraming, datagramBytesMax: number): number {
  const width = integerBytes[rule.length];
  const value = 2 ** (8 * width) - 1 - (rule.includesLength ? width : 0);
  return Math.min(value, datagramBytesMax - rule.headerBytes - width);
}

/**
 * The messages of one datagram by a rule of `framing.blocks`, as views of its bytes: nothing is
 * copied, and they change when the datagram does. A datagram whose count says that there are none
 * gives an empty array. Synchronous; on any thread. Throws HyperRouteError ERR_MESSAGE when the
 * blocks do not fill the datagram exactly, and ERR_CONFIG for a rule that cannot be.
 *
 * @example
 * ```ts
 * const count = { offset: 2, type: 'u16be' } as const;
 * const rule = framing.blocks({ headerBytes: 4, count, length: 'u8' });
 * for (const message of splitBlocks(datagram, rule)) console.log(Order.decode(message));
 * ```
 */
export function splitBlocks(datagram: Uint8Array, rule: BlocksFraming): Uint8Array[] {
  if (!(datagram instanceof Uint8Array)) throw new TypeError('datagram: expected a Uint8Array');
  const { headerBytes, count, length, includesLength, emptyCounts } = made.has(rule)
    ? rule
    : givenRule(rule);
  const { length: end } = datagram;
  if (end < headerBytes) throw fault(`a header of ${headerBytes} bytes does not fit ${end}`);
  const said = readInteger(datagram, count.offset, count.type);
  const messageCount = emptyCounts.includes(said) ? 0 : said;
  const width = integerBytes[length];
  const overhead = includesLength ? width : 0;
  const messages: Uint8Array[] = [];
  let offset = headerBytes;
  while (messages.length < messageCount) {
    const what = `block ${messages.length} of ${messageCount} at ${offset}`;
    if (end - offset < width) throw fault(`${what}: the datagram ends at ${end}`);
    const value = readInteger(datagram, offset, length);
    const start = offset + width;
    if (value < overhead || value - overhead > end - start) {
      throw fault(`${what}: a length of ${value}, the datagram ends at ${end}`);
    }
    offset = start + value - overhead;
    messages.push(datagram.subarray(start, offset));
  }
  if (offset < end) throw fault(`${end - offset} bytes behind block ${messageCount}`);
  return messages;
}

function givenRule(rule: unknown): BlocksFraming {
  const place = callerPlace();
  if (typeof rule !== 'object' || rule === null || !('kind' in rule) || rule.kind !== 'blocks') {
    throw optionError('ERR_CONFIG', 'splitBlocks.rule', 'framing.blocks(…)', rule, place);
  }
  const { kind: _kind, ...options } = rule;
  return readBlocks(options, 'splitBlocks.rule', place);
}

function readInteger(bytes: Uint8Array, offset: number, type: BlocksInteger): number {
  const width = integerBytes[type];
  let value = 0;
  for (let index = 0; index < width; index++) {
    const at = type.endsWith('le') ? width - 1 - index : index;
    value = value * 256 + (bytes[offset + at] as number);
  }
  return value;
}

function fault(text: string): HyperRouteError<'ERR_MESSAGE'> {
  return new HyperRouteError('ERR_MESSAGE', `blocks: ${text}`, { context: `blocks: ${text}` });
}
