// Our codec as its users call it: objects into one buffer and out of one, and the flyweight reader
// moved from message to message.
import type { InferMessage } from 'hyperroute';
import { numbers, others, ownCopy } from './codec-copies.js';
import {
  type Codec,
  type CodecSubject,
  type NewOrder,
  type Reading,
  statusFlags,
} from './codec-messages.js';
import { newOrder, reading } from './codec-schemas.js';

/** Also ours, where each message is a byte array of its own: figures without a target. */
const oursApartName = 'ours, array each';

const targetBytes = 1024;

type OrderReader = ReturnType<typeof newOrder.reader>;
type ReadingReader = ReturnType<typeof reading.reader>;
type ReadingObject = InferMessage<typeof reading>;

function readOrder(order: OrderReader): void {
  others[0] = order.id;
  numbers[0] = order.price;
  numbers[1] = order.qty;
  others[1] = order.side;
  others[2] = order.orderType;
  others[3] = order.symbol;
  others[4] = order.sentAt;
  others[5] = order.account;
  const { legs } = order;
  for (let index = 0; index < legs.count; index++) {
    const leg = legs.at(index);
    numbers[2 + 2 * index] = leg.qty;
    numbers[3 + 2 * index] = leg.price;
  }
}

function readReading(message: ReadingReader): void {
  others[0] = message.device;
  others[1] = message.takenAt;
  const { status, samples, channels } = message;
  others[2] = status.fault;
  others[4] = status.stale;
  others[5] = status.calibrated;
  others[6] = status.charging;
  others[3] = message.unit;
  for (let index = 0; index < samples.length; index++) {
    numbers[index] = samples.at(index) as number;
  }
  for (let index = 0; index < channels.count; index++) {
    const one = channels.at(index);
    numbers[16 + 2 * index] = one.channel;
    numbers[17 + 2 * index] = one.value;
  }
}

function orderCodec(isApart: boolean): Codec<NewOrder> {
  const target = new Uint8Array(targetBytes);
  const reader = newOrder.reader();
  const readAll = ownCopy(readOrder, `ours ${isApart}`);
  return {
    target,
    natural: (value) => value,
    plain: (decoded) => decoded as NewOrder,
    encode: (message) => newOrder.encode(message as NewOrder, target),
    decode: isApart
      ? ({ bytes }) => newOrder.decode(bytes)
      : ({ memory, offset, end }) => newOrder.decode(memory, offset, end),
    read: isApart
      ? ({ bytes }) => readAll(reader.wrap(bytes))
      : ({ memory, offset, end }) => readAll(reader.wrap(memory, offset, end)),
  };
}

function readingCodec(isApart: boolean): Codec<Reading> {
  const target = new Uint8Array(targetBytes);
  const reader = reading.reader();
  const readAll = ownCopy(readReading, `ours ${isApart}`);
  return {
    target,
    natural: (value) => {
      const bits = statusFlags.map((name, bit) => [name, ((value.status >> bit) & 1) === 1]);
      return { ...value, status: Object.fromEntries(bits) };
    },
    plain: (decoded) => {
      const { status, ...rest } = decoded as ReadingObject;
      const bits = statusFlags.map((name, bit) => (status[name] ? 1 << bit : 0));
      return { ...rest, status: bits.reduce((all, bit) => all | bit, 0) };
    },
    encode: (message) => reading.encode(message as ReadingObject, target),
    decode: isApart
      ? ({ bytes }) => reading.decode(bytes)
      : ({ memory, offset, end }) => reading.decode(memory, offset, end),
    read: isApart
      ? ({ bytes }) => readAll(reader.wrap(bytes))
      : ({ memory, offset, end }) => readAll(reader.wrap(memory, offset, end)),
  };
}

/**
 * Ours in both ways to receive: messages in one memory, and each in a byte array of its own.
 * Asynchronous like the peers, which have a package to load.
 */
export async function ours(): Promise<CodecSubject[]> {
  return [false, true].map((isApart) => ({
    subject: isApart ? oursApartName : 'ours',
    keepsAllBits: true,
    onlyReceives: isApart,
    codecs: { NewOrder: orderCodec(isApart), Reading: readingCodec(isApart) },
  }));
}
