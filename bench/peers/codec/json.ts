// JSON as text in UTF-8, with 64-bit integers as strings: as numbers they would lose bits.
import { ownCopy, readOrder, readReading } from '../../micro/codec-copies.js';
import type { CodecSubject, NewOrder, Reading, Received } from '../../micro/codec-messages.js';

export const jsonName = 'JSON';

// Two strings and a spread are faster than a replacer, which is called for every value.
function encodeOrder(message: object): Buffer {
  const order = message as NewOrder;
  const text = { ...order, id: String(order.id), sentAt: String(order.sentAt) };
  return Buffer.from(JSON.stringify(text));
}

function decodeOrder({ bytes }: Received): NewOrder {
  const order = JSON.parse(bytes.toString('utf8'));
  order.id = BigInt(order.id);
  order.sentAt = BigInt(order.sentAt);
  return order;
}

function encodeReading(message: object): Buffer {
  const reading = message as Reading;
  const text = { ...reading, device: String(reading.device), takenAt: String(reading.takenAt) };
  return Buffer.from(JSON.stringify(text));
}

function decodeReading({ bytes }: Received): Reading {
  const reading = JSON.parse(bytes.toString('utf8'));
  reading.device = BigInt(reading.device);
  reading.takenAt = BigInt(reading.takenAt);
  return reading;
}

/** The subject; asynchronous like the others, which have a package to load. */
export async function json(): Promise<CodecSubject> {
  const touchOrder = ownCopy(readOrder, jsonName);
  const touchReading = ownCopy(readReading, jsonName);
  return {
    subject: jsonName,
    keepsAllBits: true,
    codecs: {
      NewOrder: {
        natural: (value) => value,
        plain: (decoded) => decoded as NewOrder,
        encode: encodeOrder,
        decode: decodeOrder,
        read: (received) => touchOrder(decodeOrder(received)),
      },
      Reading: {
        natural: (value) => value,
        plain: (decoded) => decoded as Reading,
        encode: encodeReading,
        decode: decodeReading,
        read: (received) => touchReading(decodeReading(received)),
      },
    },
  };
}
