// flatbuffers: the runtime from npm with accessors written as flatc generates them. One builder is
// reused for all messages, and one accessor is moved over them.
import type { Builder, ByteBuffer } from 'flatbuffers';
import { numbers, others } from '../../micro/codec-copies.js';
import {
  type Codec,
  type CodecSubject,
  type NewOrder,
  orderTypes,
  type Reading,
  type Received,
  sides,
} from '../../micro/codec-messages.js';
import {
  ChannelAt,
  LegAt,
  OrderTable,
  ReadingTable,
  writeChannels,
  writeLegs,
  writeSamples,
} from './flatbuffers-tables.js';

const subject = 'flatbuffers';
const builderBytes = 1024;

type NaturalOrder = Omit<NewOrder, 'side' | 'orderType'> & {
  readonly side: number;
  readonly orderType: number;
};

function encodeOrder(builder: Builder, order: NaturalOrder): Uint8Array {
  builder.clear();
  const symbol = builder.createString(order.symbol);
  const account = builder.createString(order.account);
  const legs = writeLegs(builder, order.legs);
  builder.startObject(9);
  builder.addFieldInt64(0, order.id, 0n);
  builder.addFieldInt32(1, order.price, 0);
  builder.addFieldInt32(2, order.qty, 0);
  builder.addFieldInt8(3, order.side, 0);
  builder.addFieldInt8(4, order.orderType, 0);
  builder.addFieldOffset(5, symbol, 0);
  builder.addFieldInt64(6, order.sentAt, 0n);
  builder.addFieldOffset(7, account, 0);
  builder.addFieldOffset(8, legs, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function encodeReading(builder: Builder, reading: Reading): Uint8Array {
  builder.clear();
  const samples = writeSamples(builder, reading.samples);
  const unit = reading.unit === undefined ? 0 : builder.createString(reading.unit);
  const channels = writeChannels(builder, reading.channels);
  builder.startObject(6);
  builder.addFieldInt64(0, reading.device, 0n);
  builder.addFieldInt64(1, reading.takenAt, 0n);
  builder.addFieldOffset(2, samples, 0);
  builder.addFieldInt16(3, reading.status, 0);
  builder.addFieldOffset(4, unit, 0);
  builder.addFieldOffset(5, channels, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function unpackOrder(table: OrderTable, legAt: LegAt): NaturalOrder {
  const legs = [];
  for (let index = 0; index < table.legsCount(); index++) {
    const leg = table.leg(index, legAt);
    legs.push({ qty: leg.qty(), price: leg.price() });
  }
  return {
    id: table.id(),
    price: table.price(),
    qty: table.qty(),
    side: table.side(),
    orderType: table.orderType(),
    symbol: table.symbol() ?? '',
    sentAt: table.sentAt(),
    account: table.account() ?? '',
    legs,
  };
}

function unpackReading(table: ReadingTable, channelAt: ChannelAt): Reading {
  const samples = [];
  for (let index = 0; index < table.samplesCount(); index++) samples.push(table.sample(index));
  const channels = [];
  for (let index = 0; index < table.channelsCount(); index++) {
    const channel = table.channel(index, channelAt);
    channels.push({ channel: channel.channel(), value: channel.value() });
  }
  return {
    device: table.device(),
    takenAt: table.takenAt(),
    samples,
    status: table.status(),
    unit: table.unit() ?? undefined,
    channels,
  };
}

function readOrder(table: OrderTable, legAt: LegAt): void {
  others[0] = table.id();
  numbers[0] = table.price();
  numbers[1] = table.qty();
  others[1] = table.side();
  others[2] = table.orderType();
  others[3] = table.symbol();
  others[4] = table.sentAt();
  others[5] = table.account();
  const count = table.legsCount();
  for (let index = 0; index < count; index++) {
    const leg = table.leg(index, legAt);
    numbers[2 + 2 * index] = leg.qty();
    numbers[3 + 2 * index] = leg.price();
  }
}

function readReading(table: ReadingTable, channelAt: ChannelAt): void {
  others[0] = table.device();
  others[1] = table.takenAt();
  others[2] = table.status();
  others[3] = table.unit();
  const samples = table.samplesCount();
  for (let index = 0; index < samples; index++) numbers[index] = table.sample(index);
  const count = table.channelsCount();
  for (let index = 0; index < count; index++) {
    const channel = table.channel(index, channelAt);
    numbers[16 + 2 * index] = channel.channel();
    numbers[17 + 2 * index] = channel.value();
  }
}

/** Makes a message readable by the accessors. */
type Wrap = (received: Received) => ByteBuffer;

function orderCodec(builder: Builder, wrap: Wrap): Codec<NewOrder> {
  const table = new OrderTable();
  const leg = new LegAt();
  return {
    natural: (value) => ({
      ...value,
      side: sides.indexOf(value.side),
      orderType: orderTypes.indexOf(value.orderType),
    }),
    plain: (decoded) => {
      const order = decoded as NaturalOrder;
      return { ...order, side: sides[order.side]!, orderType: orderTypes[order.orderType]! };
    },
    encode: (message) => encodeOrder(builder, message as NaturalOrder),
    decode: (received) => unpackOrder(table.root(wrap(received)), leg),
    read: (received) => readOrder(table.root(wrap(received)), leg),
  };
}

function readingCodec(builder: Builder, wrap: Wrap): Codec<Reading> {
  const table = new ReadingTable();
  const channel = new ChannelAt();
  return {
    natural: (value) => value,
    plain: (decoded) => decoded as Reading,
    encode: (message) => encodeReading(builder, message as Reading),
    decode: (received) => unpackReading(table.root(wrap(received)), channel),
    read: (received) => readReading(table.root(wrap(received)), channel),
  };
}

/** The subject. Rejects where the package is not installed. */
export async function flatbuffers(): Promise<CodecSubject> {
  const { Builder, ByteBuffer } = await import('flatbuffers');
  // A new one makes a text decoder too, which costs more than the whole message: so one is kept
  // for all messages that lie in the same memory, and moved.
  let buffer = new ByteBuffer(new Uint8Array());
  const wrap: Wrap = ({ memory, offset }) => {
    if (buffer.bytes() !== memory) buffer = new ByteBuffer(memory);
    buffer.setPosition(offset);
    return buffer;
  };
  return {
    subject,
    keepsAllBits: true,
    codecs: {
      NewOrder: orderCodec(new Builder(builderBytes), wrap),
      Reading: readingCodec(new Builder(builderBytes), wrap),
    },
  };
}
