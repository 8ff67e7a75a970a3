// Splitting datagrams into messages: the vectors that C++ checks too, damaged rules, damaged bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type BlocksFraming,
  type BlocksInteger,
  framing,
  isHyperRouteError,
  splitBlocks,
} from '../../../../lib/index.js';
import { Random, testSeed } from '../../../helpers/random.js';
import { refusal } from '../../../helpers/refusal.js';

interface Vector {
  readonly datagram: Buffer;
  /** null: the datagram is malformed. */
  readonly messages: readonly Buffer[] | null;
}

interface VectorGroup {
  readonly name: string;
  readonly rule: BlocksFraming;
  readonly vectors: Vector[];
}

const path = join(import.meta.dirname, '../../../vectors/foreign/blocks.txt');
const bytesOf = (hex = ''): Buffer => Buffer.from(hex === '-' ? '' : hex, 'hex');

function ruleOf(words: readonly string[]): BlocksFraming {
  const [headerBytes, offset, type, length, includesLength, emptyCounts = '-'] = words;
  return framing.blocks({
    headerBytes: Number(headerBytes),
    count: { offset: Number(offset), type: type as BlocksInteger },
    length: length as BlocksInteger,
    includesLength: includesLength === '1',
    emptyCounts: emptyCounts === '-' ? [] : emptyCounts.split(',').map(Number),
  });
}

function readVectors(): readonly VectorGroup[] {
  const groups: VectorGroup[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [kind, ...words] = line.split(' ');
    if (kind === 'rule') {
      groups.push({ name: String(words[0]), rule: ruleOf(words.slice(1)), vectors: [] });
    } else if (kind === 'good' || kind === 'bad') {
      const messages = kind === 'good' ? words.slice(1).map(bytesOf) : null;
      groups.at(-1)?.vectors.push({ datagram: bytesOf(words[0]), messages });
    }
  }
  return groups;
}

const groups = readVectors();
const mold = framing.blocks({
  headerBytes: 20,
  count: { offset: 18, type: 'u16be' },
  length: 'u16be',
  emptyCounts: [0xffff],
});

/** The messages, or null for a datagram that is malformed. */
function split(datagram: Uint8Array, rule: BlocksFraming): Uint8Array[] | null {
  try {
    return splitBlocks(datagram, rule);
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_MESSAGE')) return null;
    throw error;
  }
}

describe('splitBlocks', () => {
  it('has vectors of six rules, good and bad ones of each', () => {
    expect(groups).toHaveLength(6);
    for (const { vectors } of groups) {
      expect(vectors.filter(({ messages }) => messages !== null).length).toBeGreaterThan(10);
      expect(vectors.filter(({ messages }) => messages === null).length).toBeGreaterThan(50);
    }
  });

  it.each(groups)('gives the messages of every datagram of $name, or refuses it', (group) => {
    for (const { datagram, messages } of group.vectors) {
      const found = split(datagram, group.rule)?.map((message) => Buffer.from(message)) ?? null;
      expect(found, datagram.toString('hex')).toEqual(messages);
    }
  });

  it('gives views of the datagram, wherever it lies in its memory', () => {
    const memory = Buffer.alloc(100, 0xff);
    memory.set([0, 2, 0, 1, 0x41, 0, 2, 0x42, 0x43], 28);
    const messages = splitBlocks(memory.subarray(10, 37), mold);
    expect(messages.map((message) => Buffer.from(message).toString())).toEqual(['A', 'BC']);
    memory[36] = 0x44;
    expect(Buffer.from(messages[1] ?? []).toString()).toBe('BD');
    expect(messages.every(({ buffer }) => buffer === memory.buffer)).toBe(true);
  });

  it('says what is wrong with a datagram, and where', () => {
    const text = (datagram: Uint8Array): string => {
      try {
        splitBlocks(datagram, mold);
        return 'nothing';
      } catch (error) {
        return isHyperRouteError(error, 'ERR_MESSAGE') ? error.message : 'another error';
      }
    };
    const header = Buffer.alloc(20);
    expect(text(header)).toBe('nothing');
    expect(text(header.subarray(0, 19))).toBe('blocks: a header of 20 bytes does not fit 19');
    expect(text(Buffer.concat([header, Buffer.alloc(3)]))).toBe('blocks: 3 bytes behind block 0');
    header.writeUInt16BE(2, 18);
    expect(text(Buffer.concat([header, Buffer.from([0, 0, 0])]))).toBe(
      'blocks: block 1 of 2 at 22: the datagram ends at 23',
    );
    expect(text(Buffer.concat([header, Buffer.from([0, 5, 1])]))).toBe(
      'blocks: block 0 of 2 at 20: a length of 5, the datagram ends at 23',
    );
  });

  it('accounts for every byte of whatever it accepts of random bytes', () => {
    const seed = testSeed();
    const random = new Random(seed);
    let accepted = 0;
    for (let turn = 0; turn < 20_000; turn++) {
      const { rule, vectors } = random.pick(groups);
      const datagram = Buffer.from(random.pick(vectors).datagram);
      const flips = random.below(3);
      for (let flip = 0; flip < flips && datagram.length > 0; flip++) {
        const at = random.below(datagram.length);
        datagram[at] = (datagram[at] as number) ^ (1 << random.below(8));
      }
      const messages = split(datagram, rule);
      if (messages === null) continue;
      accepted += 1;
      const width = { u8: 1, u16le: 2, u16be: 2, u32le: 4, u32be: 4 }[rule.length];
      const payload = messages.reduce((sum, { length }) => sum + length, 0);
      const all = rule.headerBytes + messages.length * width + payload;
      expect(all, `seed ${seed}: ${datagram.toString('hex')}`).toBe(datagram.length);
    }
    expect(accepted).toBeGreaterThan(100);
  });

  it('refuses what is no datagram and what is no rule', () => {
    expect(() => splitBlocks('text' as never, mold)).toThrow(TypeError);
    expect(refusal(() => splitBlocks(Buffer.alloc(20), {} as never)).detail).toMatchObject({
      option: 'splitBlocks.rule',
      expected: 'framing.blocks(…)',
    });
  });

  it('takes a rule that went through JSON', () => {
    const copy = JSON.parse(JSON.stringify(mold)) as BlocksFraming;
    expect(splitBlocks(Buffer.alloc(20), copy)).toEqual([]);
    expect(
      refusal(() => splitBlocks(Buffer.alloc(20), { ...copy, headerBytes: 19 })).detail,
    ).toMatchObject({
      option: 'splitBlocks.rule.count.offset',
      expected: 'an integer from 0 to 17',
    });
  });
});

describe('framing.blocks', () => {
  it('is completed with defaults', () => {
    expect(
      framing.blocks({ headerBytes: 2, count: { offset: 0, type: 'u8' }, length: 'u8' }),
    ).toEqual({
      kind: 'blocks',
      headerBytes: 2,
      count: { offset: 0, type: 'u8' },
      length: 'u8',
      includesLength: false,
      emptyCounts: [],
    });
  });

  const given = { headerBytes: 4, count: { offset: 2, type: 'u16be' }, length: 'u16be' };
  const cases: [string, object, string, RegExp][] = [
    ['no options', undefined as never, 'framing.blocks', /object of options/],
    ['an empty header', { ...given, headerBytes: 0 }, 'framing.blocks.headerBytes', /1 to 4096/],
    ['a huge header', { ...given, headerBytes: 4097 }, 'framing.blocks.headerBytes', /1 to 4096/],
    ['no count', { headerBytes: 4, length: 'u8' }, 'framing.blocks.count.type', /'u16be'/],
    [
      'a count of an odd type',
      { ...given, count: { offset: 0, type: 'u24be' } },
      'framing.blocks.count.type',
      /one of 'u8', 'u16le'/,
    ],
    [
      'a count that is not in the header',
      { ...given, count: { offset: 3, type: 'u16be' } },
      'framing.blocks.count.offset',
      /0 to 2/,
    ],
    [
      'a count that is larger than the header',
      { ...given, count: { offset: 0, type: 'u32be' }, headerBytes: 3 },
      'framing.blocks.count.type',
      /the header's 3 bytes/,
    ],
    ['no length', { ...given, length: undefined }, 'framing.blocks.length', /'u32be'/],
    [
      'empty counts that cannot be',
      { ...given, emptyCounts: [65_536] },
      'framing.blocks.emptyCounts',
      /0 to 65535/,
    ],
    [
      'many empty counts',
      { ...given, emptyCounts: [1, 2, 3, 4, 5] },
      'framing.blocks.emptyCounts',
      /up to 4/,
    ],
    ['another option', { ...given, size: 4 }, 'framing.blocks.size', /no such option/],
    [
      'another option of the count',
      { ...given, count: { ...given.count, bytes: 2 } },
      'framing.blocks.count.bytes',
      /no such option/,
    ],
  ];

  it.each(cases)('refuses %s', (_, options, option, expected) => {
    const { code, detail } = refusal(() => framing.blocks(options as never));
    expect(code).toBe('ERR_CONFIG');
    expect(detail.option).toBe(option);
    expect(detail.expected).toMatch(expected);
  });
});
