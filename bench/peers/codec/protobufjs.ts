// protobufjs by reflection, which generates the same code as its static modules. Its 64-bit integer
// is a Long of two halves, which loses nothing; users of bigint would pay for a conversion besides.
import type { Root, Type } from 'protobufjs';
import { ownCopy, readOrder, readReading } from '../../micro/codec-copies.js';
import {
  type Codec,
  type CodecSubject,
  type NewOrder,
  orderTypes,
  type Reading,
  type Received,
  sides,
} from '../../micro/codec-messages.js';

const subject = 'protobufjs';

// Integers that use all their bits are `fixed64`, as Protocol Buffers' guide has it.
const definition = `syntax = "proto3";
message Leg { uint32 qty = 1; uint32 price = 2; }
message NewOrder {
  enum Side { buy = 0; sell = 1; }
  enum OrderType { market = 0; limit = 1; stop = 2; }
  fixed64 id = 1; uint32 price = 2; uint32 qty = 3; Side side = 4; OrderType orderType = 5;
  string symbol = 6; fixed64 sentAt = 7; string account = 8; repeated Leg legs = 9;
}
message Channel { uint32 channel = 1; float value = 2; }
message Reading {
  fixed64 device = 1; fixed64 takenAt = 2; repeated float samples = 3; uint32 status = 4;
  optional string unit = 5; repeated Channel channels = 6;
}`;

interface Long {
  readonly low: number;
  readonly high: number;
}

type ToLong = (value: bigint) => Long;

const toBigint = ({ low, high }: Long): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

type Natural<Value, Wide extends keyof Value> = Omit<Value, Wide> & Record<Wide, Long>;
type NaturalOrder = Natural<Omit<NewOrder, 'side' | 'orderType'>, 'id' | 'sentAt'> & {
  readonly side: number;
  readonly orderType: number;
};
type NaturalReading = Natural<Reading, 'device' | 'takenAt'>;

type Library = typeof import('protobufjs');
type Receive = (received: Received) => unknown;

/** Decodes messages of a type; one reader for a whole memory is faster than one for each. */
function receiver(protobuf: Library, type: Type): Receive {
  let reader = protobuf.Reader.create(new Uint8Array());
  let current: Uint8Array | undefined;
  return ({ memory, offset, end }) => {
    if (memory !== current) {
      current = memory;
      reader = protobuf.Reader.create(memory);
    }
    reader.pos = offset;
    return type.decode(reader, end - offset);
  };
}

function orderCodec(protobuf: Library, root: Root, toLong: ToLong): Codec<NewOrder> {
  const orders = root.lookupType('NewOrder');
  const legs = root.lookupType('Leg');
  const read = ownCopy(readOrder, subject);
  const receive = receiver(protobuf, orders);
  return {
    natural: (value) =>
      orders.create({
        ...value,
        id: toLong(value.id),
        sentAt: toLong(value.sentAt),
        side: sides.indexOf(value.side),
        orderType: orderTypes.indexOf(value.orderType),
        legs: value.legs.map((leg) => legs.create(leg)),
      }),
    plain: (decoded) => {
      const order = decoded as NaturalOrder;
      return {
        ...order,
        id: toBigint(order.id),
        sentAt: toBigint(order.sentAt),
        side: sides[order.side]!,
        orderType: orderTypes[order.orderType]!,
        legs: order.legs.map((leg) => ({ ...leg })),
      };
    },
    encode: (message) => orders.encode(message).finish(),
    decode: (received) => receive(received) as object,
    read: (received) => read(receive(received) as NaturalOrder),
  };
}

function readingCodec(protobuf: Library, root: Root, toLong: ToLong): Codec<Reading> {
  const readings = root.lookupType('Reading');
  const channels = root.lookupType('Channel');
  const read = ownCopy(readReading, subject);
  const receive = receiver(protobuf, readings);
  return {
    natural: (value) =>
      readings.create({
        ...value,
        device: toLong(value.device),
        takenAt: toLong(value.takenAt),
        channels: value.channels.map((channel) => channels.create(channel)),
      }),
    plain: (decoded) => {
      const reading = decoded as NaturalReading;
      return {
        ...reading,
        // A zero is not in the bytes and not in the object, but in its prototype.
        status: reading.status,
        device: toBigint(reading.device),
        takenAt: toBigint(reading.takenAt),
        channels: reading.channels.map((channel) => ({ ...channel })),
      };
    },
    encode: (message) => readings.encode(message).finish(),
    decode: (received) => receive(received) as object,
    read: (received) => read(receive(received) as NaturalReading),
  };
}

/** The subject. Rejects where the package is not installed. */
export async function protobufjs(): Promise<CodecSubject> {
  const { default: protobuf } = await import('protobufjs');
  const { Long: LongClass } = protobuf.util as unknown as {
    readonly Long: { fromBits(low: number, high: number, unsigned: boolean): Long };
  };
  const toLong: ToLong = (value) =>
    LongClass.fromBits(Number(value & 0xffffffffn) | 0, Number(value >> 32n) | 0, true);
  const { root } = protobuf.parse(definition);
  return {
    subject,
    keepsAllBits: true,
    codecs: {
      NewOrder: orderCodec(protobuf, root, toLong),
      Reading: readingCodec(protobuf, root, toLong),
    },
  };
}
