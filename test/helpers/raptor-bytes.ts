// Packets and frames of Raptor as docs/raptor-protocol.md describes them, written from that page
// and not from the C++ code: what both make of a thing must be the same bytes.

/** Little-endian numbers and bytes, one after the other. */
export class Writer {
  readonly #parts: Buffer[] = [];

  u8(...values: readonly number[]): this {
    this.#parts.push(Buffer.from(values));
    return this;
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.bytes(part);
  }

  u64(value: bigint | number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    return this.bytes(part);
  }

  bytes(...parts: readonly Uint8Array[]): this {
    for (const part of parts) this.#parts.push(Buffer.from(part));
    return this;
  }

  /** Zeros up to a multiple of `bytes`. */
  align(bytes: number): this {
    const rest = this.byteLength % bytes;
    return rest === 0 ? this : this.bytes(Buffer.alloc(bytes - rest));
  }

  /** Zeros up to an offset. */
  until(offset: number): this {
    return this.bytes(Buffer.alloc(offset - this.byteLength));
  }

  get byteLength(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

const writer = () => new Writer();

export const recordPayloadBytesMax = 1104;

export const modes = ['ordered', 'unordered', 'latest', 'deadline', 'unreliable'] as const;

export interface Open {
  readonly stream: number;
  readonly mode: number;
  readonly priority: number;
  readonly messageBytesMax: number;
  readonly deadlineUs: number;
  readonly label: bigint;
}

/** One range of an ACK: packets that did not come below the range before, packets that came. */
export type Range = readonly [gap: number, run: number];

const position = (type: number) => (stream: number, at: bigint | number) =>
  writer().u8(type, 0).u16(stream).u32(0).u64(at).take();

export const frames = {
  padding: (bytes: number) => Buffer.alloc(bytes),
  ping: () => writer().u8(1).align(8).take(),
  ack(delayNs: number, largest: bigint | number, ranges: readonly Range[]): Buffer {
    const made = writer().u8(2, ranges.length).u16(0).u32(delayNs).u64(largest);
    for (const [gap, run] of ranges) made.u32(gap).u32(run);
    return made.take();
  },
  stream: (stream: number, at: bigint | number, run: Uint8Array) =>
    writer().u8(3, 0).u16(stream).u32(run.length).u64(at).bytes(run).take(),
  open: (open: Open) =>
    writer()
      .u8(4, open.mode)
      .u16(open.stream)
      .u8(open.priority, 0, 0, 0)
      .u32(open.messageBytesMax)
      .u32(open.deadlineUs)
      .u64(open.label)
      .take(),
  window: position(5),
  skip: position(6),
  end: position(7),
  drain: () => writer().u8(8).align(8).take(),
  close: (reason: number) => writer().u8(9, 0).u16(reason).align(8).take(),
};

/** One record: a fragment that begins at `offset` of its message; flags 1 BEGIN, 2 END. */
export function record(payload: Uint8Array, flags = 3, offset = 0): Buffer {
  return writer().u16(payload.length).u8(flags, 0).u32(offset).bytes(payload).align(8).take();
}

/** The records of a whole message. */
export function records(message: Uint8Array): Buffer {
  const made: Buffer[] = [];
  for (let offset = 0; offset === 0 || offset < message.length; offset += recordPayloadBytesMax) {
    const end = Math.min(offset + recordPayloadBytesMax, message.length);
    const flags = (offset === 0 ? 1 : 0) | (end === message.length ? 2 : 0);
    made.push(record(message.subarray(offset, end), flags, offset));
  }
  return Buffer.concat(made);
}

export interface Parameters {
  readonly flags: number;
  readonly status: number;
  readonly session: bigint;
  readonly livenessUs: number;
  readonly ackDelayUsMax: number;
  readonly inFlightBytesMax: number;
  readonly messageBytesMax: number;
  readonly streamWindowBytes: number;
  readonly streamsMax: number;
  readonly datagramBytesMax: number;
}

export function parameters(of: Parameters): Buffer {
  return writer()
    .u16(64)
    .u16(of.flags)
    .u32(of.status)
    .u64(of.session)
    .u32(of.livenessUs)
    .u32(of.ackDelayUsMax)
    .u32(of.inFlightBytesMax)
    .u32(of.messageBytesMax)
    .u32(of.streamWindowBytes)
    .u16(of.streamsMax)
    .u16(of.datagramBytesMax)
    .until(64)
    .take();
}

const handshake = (kind: number, flags: number, session: bigint, noiseBytes: number) =>
  writer().u8(kind, 1, flags, 0).u32(noiseBytes).u64(session);

export const packets = {
  /** The 16 bytes that the prologue of the Noise handshake has too. */
  initiateHeader: (flags: number, session: bigint, noiseBytes: number) =>
    handshake(0xd1, flags, session, noiseBytes).take(),
  /** Without its mac, which is the 16 bytes behind it. */
  initiate: (flags: number, session: bigint, noise: Uint8Array, cookie: Uint8Array) =>
    handshake(0xd1, flags, session, noise.length).bytes(noise).until(1152).bytes(cookie).take(),
  retry: (session: bigint, cookie: Uint8Array) =>
    writer().u8(0xd2, 1).align(8).u64(session).bytes(cookie).u64(0).take(),
  respond: (flags: number, session: bigint, noise: Uint8Array) =>
    handshake(0xd3, flags, session, noise.length).bytes(noise).take(),
  /** `behind`: how many bytes follow the header in its packet. */
  dataHeader: (generation: number, session: bigint, number: bigint | number, behind: number) =>
    writer()
      .u8(0xd4, generation & 0xff, 0, 0)
      .u16(24 + behind)
      .align(8)
      .u64(session)
      .u64(number)
      .take(),
};

/** CRC-32C (RFC 3720), bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** A DATA packet of an insecure session. */
export function insecureData(session: bigint, number: number, ...contents: Buffer[]): Buffer {
  const frames = Buffer.concat(contents);
  const header = packets.dataHeader(0, session, number, frames.length + 8);
  const bytes = Buffer.concat([header, frames]);
  return writer().bytes(bytes).u32(crc32c(bytes)).u32(0).take();
}
