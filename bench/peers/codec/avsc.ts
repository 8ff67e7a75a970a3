// avsc (Avro) in two ways: its own `long`, a number that ends at 2^53 and refuses what is beyond;
// and its documented custom long, here a bigint with all 64 bits.
import { ownCopy, readOrder, readReading } from '../../micro/codec-copies.js';
import {
  type Codec,
  type CodecSubject,
  type NewOrder,
  orderTypes,
  type Reading,
  sides,
} from '../../micro/codec-messages.js';

/** The subject that loses bits. */
export const avscLossyName = 'avsc, 53 bits';

const targetBytes = 1024;
const safeBits = 53;

const fieldsOf = (types: Readonly<Record<string, unknown>>) =>
  Object.entries(types).map(([name, type]) => ({ name, type }));
const record = (name: string, types: Readonly<Record<string, unknown>>) => ({
  name,
  type: 'record',
  fields: fieldsOf(types),
});

const orderSchema = record('NewOrder', {
  id: 'long',
  price: 'int',
  qty: 'int',
  side: { name: 'Side', type: 'enum', symbols: sides },
  orderType: { name: 'OrderType', type: 'enum', symbols: orderTypes },
  symbol: 'string',
  sentAt: 'long',
  account: 'string',
  legs: { type: 'array', items: record('Leg', { qty: 'int', price: 'int' }) },
});
const readingSchema = record('Reading', {
  device: 'long',
  takenAt: 'long',
  samples: { type: 'array', items: 'float' },
  status: 'int',
  unit: ['null', 'string'],
  channels: { type: 'array', items: record('Channel', { channel: 'int', value: 'float' }) },
});

type Avro = typeof import('avsc');

/** `natural` and `plain` apply to the two 64-bit integers of each message. */
function subjectOf(
  { default: avro }: { readonly default: Avro },
  subject: string,
  keepsAllBits: boolean,
  registry: object,
  natural: (value: bigint) => unknown,
): CodecSubject {
  const codec = <Value extends object>(
    schema: object,
    read: (value: Value) => void,
    widen: (value: Value, change: (wide: bigint) => unknown) => object,
  ): Codec<Value> => {
    const type = avro.Type.forSchema(schema as never, { registry: { ...registry } } as object);
    const target = Buffer.alloc(targetBytes);
    return {
      target,
      natural: (value) => widen(value, natural),
      plain: (decoded) => widen(decoded as Value, (wide) => BigInt(wide)) as Value,
      encode: (message) => type.encode(message, target, 0),
      decode: ({ memory, offset }) => type.decode(memory, offset).value,
      read: ({ memory, offset }) => read(type.decode(memory, offset).value),
    };
  };
  return {
    subject,
    keepsAllBits,
    codecs: {
      NewOrder: codec<NewOrder>(orderSchema, ownCopy(readOrder, subject), (order, change) => ({
        ...order,
        id: change(order.id),
        sentAt: change(order.sentAt),
        legs: order.legs.map((leg) => ({ ...leg })),
      })),
      Reading: codec<Reading>(readingSchema, ownCopy(readReading, subject), (reading, change) => ({
        ...reading,
        device: change(reading.device),
        takenAt: change(reading.takenAt),
        unit: reading.unit ?? null,
        channels: reading.channels.map((channel) => ({ ...channel })),
      })),
    },
  };
}

/** Avro's `long` as a bigint. Rejects where the package is not installed. */
export async function avsc(): Promise<CodecSubject> {
  const avro = await import('avsc');
  const long = avro.default.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigUInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeBigUInt64LE(value);
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
  });
  return subjectOf(avro, 'avsc', true, { long }, (value) => value);
}

/** Avro's `long` as a number: the values keep what fits. */
export async function avscLossy(): Promise<CodecSubject> {
  const natural = (value: bigint) => Number(BigInt.asUintN(safeBits, value));
  return subjectOf(await import('avsc'), avscLossyName, false, {}, natural);
}
