// Accessors over the flatbuffers runtime for the two messages: what flatc makes of
//
//   struct Leg { qty: uint; price: uint; }       struct Channel { channel: ushort; value: float; }
//   table NewOrder { id: ulong; price: uint; qty: uint; side: Side; orderType: OrderType;
//                    symbol: string; sentAt: ulong; account: string; legs: [Leg]; }
//   table Reading { device: ulong; takenAt: ulong; samples: [float]; status: ushort;
//                   unit: string; channels: [Channel]; }
//
// A table's n-th field stands in its vtable at 4 + 2 × n; a field that is missing there reads as 0.
import type { Builder, ByteBuffer } from 'flatbuffers';
import type { Channel, Leg } from '../../micro/codec-messages.js';

const structBytes = 8;

/** A place in a buffer, moved from message to message. */
class Place {
  protected position = 0;
  protected buffer!: ByteBuffer;

  at(position: number, buffer: ByteBuffer): this {
    this.position = position;
    this.buffer = buffer;
    return this;
  }
}

class Table extends Place {
  /** Moves to the message that a buffer holds. */
  root(buffer: ByteBuffer): this {
    const start = buffer.position();
    return this.at(buffer.readInt32(start) + start, buffer);
  }

  protected wide(field: number): bigint {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? 0n : this.buffer.readUint64(this.position + offset);
  }

  protected u32(field: number): number {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? 0 : this.buffer.readUint32(this.position + offset);
  }

  protected u16(field: number): number {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? 0 : this.buffer.readUint16(this.position + offset);
  }

  protected u8(field: number): number {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? 0 : this.buffer.readUint8(this.position + offset);
  }

  protected text(field: number): string | null {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? null : (this.buffer.__string(this.position + offset) as string);
  }

  protected count(field: number): number {
    const offset = this.buffer.__offset(this.position, field);
    return offset === 0 ? 0 : this.buffer.__vector_len(this.position + offset);
  }

  /** Where the items of a vector begin; it must not be empty. */
  protected items(field: number): number {
    const offset = this.buffer.__offset(this.position, field);
    return this.buffer.__vector(this.position + offset);
  }
}

export class LegAt extends Place {
  qty(): number {
    return this.buffer.readUint32(this.position);
  }
  price(): number {
    return this.buffer.readUint32(this.position + 4);
  }
}

export class OrderTable extends Table {
  id(): bigint {
    return this.wide(4);
  }
  price(): number {
    return this.u32(6);
  }
  qty(): number {
    return this.u32(8);
  }
  side(): number {
    return this.u8(10);
  }
  orderType(): number {
    return this.u8(12);
  }
  symbol(): string | null {
    return this.text(14);
  }
  sentAt(): bigint {
    return this.wide(16);
  }
  account(): string | null {
    return this.text(18);
  }
  legsCount(): number {
    return this.count(20);
  }
  leg(index: number, leg: LegAt): LegAt {
    return leg.at(this.items(20) + index * structBytes, this.buffer);
  }
}

export class ChannelAt extends Place {
  channel(): number {
    return this.buffer.readUint16(this.position);
  }
  value(): number {
    return this.buffer.readFloat32(this.position + 4);
  }
}

export class ReadingTable extends Table {
  device(): bigint {
    return this.wide(4);
  }
  takenAt(): bigint {
    return this.wide(6);
  }
  samplesCount(): number {
    return this.count(8);
  }
  sample(index: number): number {
    return this.buffer.readFloat32(this.items(8) + index * 4);
  }
  status(): number {
    return this.u16(10);
  }
  unit(): string | null {
    return this.text(12);
  }
  channelsCount(): number {
    return this.count(14);
  }
  channel(index: number, channel: ChannelAt): ChannelAt {
    return channel.at(this.items(14) + index * structBytes, this.buffer);
  }
}

/** A vector is written from its last item to its first. */
export function writeLegs(builder: Builder, legs: readonly Leg[]): number {
  builder.startVector(structBytes, legs.length, 4);
  for (let index = legs.length - 1; index >= 0; index--) {
    const { qty, price } = legs[index]!;
    builder.prep(4, structBytes);
    builder.writeInt32(price);
    builder.writeInt32(qty);
  }
  return builder.endVector();
}

export function writeChannels(builder: Builder, channels: readonly Channel[]): number {
  builder.startVector(structBytes, channels.length, 4);
  for (let index = channels.length - 1; index >= 0; index--) {
    const { channel, value } = channels[index]!;
    builder.prep(4, structBytes);
    builder.writeFloat32(value);
    builder.pad(2);
    builder.writeInt16(channel);
  }
  return builder.endVector();
}

export function writeSamples(builder: Builder, samples: readonly number[]): number {
  builder.startVector(4, samples.length, 4);
  for (let index = samples.length - 1; index >= 0; index--) builder.addFloat32(samples[index]!);
  return builder.endVector();
}
