// Three public formats, described by the schemas of the examples: every field of bytes that other
// programs made, and the same bytes again.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHyperRouteError, splitBlocks } from 'hyperroute';
import { describe, expect, it } from 'vitest';
import { AddOrder, Itch, OrderCancel, OrderExecuted } from '../../examples/market-data/itch.js';
import { MoldHeader, moldBlocks } from '../../examples/market-data/moldudp64.js';
import { frameWithOptions, UdpFrame, UdpFrames } from '../../examples/packets/frames.js';

const folder = join(import.meta.dirname, '../vectors/foreign');

interface ItchVectors {
  readonly messages: readonly {
    readonly schema: string;
    readonly values: Readonly<Record<string, unknown>>;
    readonly hex: string;
  }[];
  readonly datagrams: readonly {
    readonly header: Readonly<Record<string, unknown>>;
    readonly messages: readonly string[];
    readonly hex: string;
  }[];
}

const wide = ['orderReference', 'matchNumber', 'sequence'];
const itch = JSON.parse(
  readFileSync(join(folder, 'itch.json'), 'utf8'),
  (name: string, value: unknown) => (wide.includes(name) ? BigInt(value as string) : value),
) as ItchVectors;

function codeOf(body: () => unknown): string {
  try {
    body();
    return 'none';
  } catch (error) {
    return isHyperRouteError(error) ? error.code : String(error);
  }
}

describe('ITCH 5.0', () => {
  it('has messages of the sizes that its specification gives', () => {
    expect([AddOrder, OrderExecuted, OrderCancel].map(({ bytesMin }) => bytesMin)).toEqual([
      36, 31, 23,
    ]);
    expect([AddOrder, OrderExecuted, OrderCancel].map(({ bytesMax }) => bytesMax)).toEqual([
      36, 31, 23,
    ]);
    expect(Itch.members.map(({ templateId }) => String.fromCharCode(Number(templateId)))).toEqual([
      'A',
      'E',
      'X',
    ]);
  });

  it.each(itch.messages)('decodes every field of $schema $hex and encodes it back', (vector) => {
    const schema = Itch.members.find(({ name }) => name === vector.schema) ?? AddOrder;
    const bytes = Buffer.from(vector.hex, 'hex');
    expect(schema.decode(bytes)).toEqual(vector.values);
    const target = Buffer.alloc(bytes.length + 2, 0xee);
    expect(schema.encode(vector.values as never, target, 1)).toBe(bytes.length);
    expect(target.toString('hex')).toBe(`ee${vector.hex}ee`);
    const reader = schema.reader().wrap(bytes) as unknown as Record<string, unknown>;
    for (const [field, value] of Object.entries(vector.values)) {
      expect(reader[field], field).toEqual(value);
    }
  });

  it('refuses a message of another type, of another size, and a side that there is not', () => {
    const [add, executed] = [itch.messages[0], itch.messages[4]].map((vector) =>
      Buffer.from(vector?.hex ?? '', 'hex'),
    );
    if (add === undefined || executed === undefined) throw new Error('no vectors');
    expect(codeOf(() => AddOrder.decode(executed))).toBe('ERR_MESSAGE');
    expect(codeOf(() => OrderExecuted.decode(add))).toBe('ERR_MESSAGE');
    for (let bytes = 0; bytes < add.length; bytes++) {
      expect(
        codeOf(() => AddOrder.decode(add, 0, bytes)),
        `${bytes} bytes`,
      ).toBe('ERR_MESSAGE');
    }
    add[19] = 'T'.charCodeAt(0);
    expect(codeOf(() => AddOrder.decode(add))).toBe('ERR_MESSAGE');
  });
});

describe('MoldUDP64', () => {
  it.each(itch.datagrams)('$header: the header, and the messages behind it', (vector) => {
    const bytes = Buffer.from(vector.hex, 'hex');
    expect(MoldHeader.bytesMax).toBe(20);
    expect(MoldHeader.decode(bytes, 0, 20)).toEqual(vector.header);
    const messages = splitBlocks(bytes, moldBlocks);
    expect(messages.map((message) => Buffer.from(message).toString('hex'))).toEqual(
      vector.messages,
    );
    const header = Buffer.alloc(20);
    MoldHeader.encode(vector.header as never, header);
    expect(header.toString('hex')).toBe(vector.hex.slice(0, 40));
  });
});

interface Capture {
  readonly name: string;
  readonly options: Buffer;
  readonly tos: number;
  readonly timeToLive: number;
  readonly isWhole: boolean;
  readonly payload: Buffer;
  readonly frames: readonly Buffer[];
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex === '-' ? '' : hex, 'hex');
const captures = readFileSync(join(folder, 'frames.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line): Capture => {
    const [name = '', options = '', tos, ttl, whole, payload = '', ...frames] = line.split(' ');
    return {
      name,
      options: bytesOf(options),
      tos: Number(tos),
      timeToLive: Number(ttl),
      isWhole: whole === '1',
      payload: bytesOf(payload),
      frames: frames.map(bytesOf),
    };
  });
const single = captures.filter(({ frames }) => frames.length === 1);

/** The ones' complement sum of 16-bit words, which is 0xffff over anything with its checksum. */
function checksum(...parts: readonly Uint8Array[]): number {
  const all = Buffer.concat(parts);
  const even = Buffer.concat([all, Buffer.alloc(all.length % 2)]);
  let sum = 0;
  for (let at = 0; at < even.length; at += 2) sum += even.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

describe('Ethernet, IPv4 and UDP', () => {
  it('has captures with every kind of header, of which all but one are single frames', () => {
    expect(captures).toHaveLength(9);
    expect(single).toHaveLength(8);
    expect(new Set(single.map(({ options }) => options.length))).toEqual(
      new Set([0, 4, 8, 12, 40]),
    );
  });

  it.each(single)('decodes every field of the frame $name', (capture) => {
    const frame = capture.frames[0] as Buffer;
    const { options, payload } = capture;
    const headerBytes = 20 + options.length;
    const decoded = UdpFrame.decode(frame);
    expect(decoded).toEqual({
      destination: new Uint8Array([2, 0, 0, 0, 0, 0x0b]),
      source: new Uint8Array([2, 0, 0, 0, 0, 0x0a]),
      version: 4,
      ihl: headerBytes / 4,
      dscp: capture.tos >>> 2,
      ecn: capture.tos & 3,
      totalBytes: headerBytes + 8 + payload.length,
      identification: frame.readUInt16BE(18),
      flags: capture.isWhole ? 2 : 0,
      fragmentOffset: 0,
      timeToLive: capture.timeToLive,
      protocol: 17,
      headerChecksum: frame.readUInt16BE(24),
      sourceAddress: new Uint8Array([192, 0, 2, 1]),
      destinationAddress: new Uint8Array([192, 0, 2, 2]),
      sourcePort: 40_000 + capture.tos,
      destinationPort: 5353,
      udpBytes: 8 + payload.length,
      checksum: frame.readUInt16BE(14 + headerBytes + 6),
      payload: new Uint8Array(payload),
    });
    expect(checksum(frame.subarray(14, 14 + headerBytes))).toBe(0xffff);
    const { sourceAddress, destinationAddress, udpBytes } = decoded;
    const pseudo = Buffer.from([...sourceAddress, ...destinationAddress, 0, 17, 0, udpBytes]);
    expect(checksum(pseudo, frame.subarray(14 + headerBytes))).toBe(0xffff);
  });

  it.each(single)('reads the frame $name in place', ({ frames: [frame = Buffer.alloc(0)] }) => {
    const reader = UdpFrame.reader().wrap(frame);
    const decoded = UdpFrame.decode(frame);
    for (const [field, value] of Object.entries(decoded)) {
      expect((reader as unknown as Record<string, unknown>)[field], field).toEqual(value);
    }
    expect(reader.etherType).toBe(0x0800);
  });

  it.each(single)('encodes the frame $name back, zeros for its options', (capture) => {
    const frame = capture.frames[0] as Buffer;
    const target = Buffer.alloc(frame.length, 0xee);
    const decoded = UdpFrame.decode(frame);
    expect(UdpFrame.sizeOf(decoded)).toBe(frame.length);
    expect(UdpFrame.encode(decoded, target)).toBe(frame.length);
    const expected = Buffer.from(frame).fill(0, 34, 34 + capture.options.length);
    expect(target.toString('hex')).toBe(expected.toString('hex'));
  });

  it.each(single)('encodes the frame $name back whole where the options are a field', (capture) => {
    const frame = capture.frames[0] as Buffer;
    const first = frame[14] as number;
    const schema = UdpFrames.members.find(({ templateId }) => templateId === BigInt(first));
    if (schema === undefined) throw new Error(`no frame with ${first}`);
    const decoded = schema.decode(frame) as Record<string, unknown>;
    const given = (decoded.options as Uint8Array | undefined) ?? new Uint8Array(0);
    expect(Buffer.from(given).toString('hex')).toBe(
      frame.subarray(34, 34 + capture.options.length).toString('hex'),
    );
    const target = Buffer.alloc(frame.length, 0xee);
    expect(schema.encode(decoded as never, target)).toBe(frame.length);
    expect(target.toString('hex')).toBe(frame.toString('hex'));
  });

  it('knows the fragments of a datagram by flags and offset', () => {
    const { frames = [], payload } = captures.find(({ name }) => name === 'fragments') ?? {};
    const [first, last] = frames.map((frame) => frameWithOptions(6).decode(frame));
    expect(frames).toHaveLength(2);
    expect([first?.flags, last?.flags]).toEqual([1, 0]);
    expect([first?.fragmentOffset, last?.fragmentOffset]).toEqual([0, 176 / 8]);
    expect(first?.identification).toBe(last?.identification);
    expect(first?.udpBytes).toBe(8 + (payload?.length ?? 0));
    expect(Buffer.concat(frames.map((frame) => frame.subarray(38))).subarray(8)).toEqual(payload);
  });

  it('refuses a frame that is cut before its payload, and one that is no IPv4', () => {
    for (const { frames, options } of single) {
      const frame = frames[0] as Buffer;
      for (let bytes = 0; bytes < 14 + 20 + options.length + 8; bytes++) {
        expect(codeOf(() => UdpFrame.decode(frame, 0, bytes))).toBe('ERR_MESSAGE');
      }
      const arp = Buffer.from(frame);
      arp.writeUInt16BE(0x0806, 12);
      expect(codeOf(() => UdpFrame.decode(arp))).toBe('ERR_MESSAGE');
    }
  });

  it('never reads outside a frame whatever its header size says', () => {
    const frame = Buffer.from(single[0]?.frames[0] as Buffer);
    for (let ihl = 0; ihl < 16; ihl++) {
      frame[14] = 0x40 | ihl;
      const end = 14 + ihl * 4 + 8;
      const expected = end > frame.length ? 'ERR_MESSAGE' : 'none';
      expect(
        codeOf(() => UdpFrame.decode(frame)),
        `ihl ${ihl}`,
      ).toBe(expected);
    }
  });
});
