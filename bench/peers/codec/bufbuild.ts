// @bufbuild/protobuf with descriptors made at run time: its generated code holds the same
// descriptors and no code, so nothing is lost by not running protoc.
import { ownCopy, readOrder, readReading } from '../../micro/codec-copies.js';
import {
  type CodecSubject,
  type NewOrder,
  orderTypes,
  type Reading,
  sides,
} from '../../micro/codec-messages.js';

const subject = '@bufbuild/protobuf';

/** Fields in the order of their numbers: name, type, and what a repeated or named type adds. */
const field = (number: number, name: string, type: string, more: object = {}) => ({
  number,
  name,
  jsonName: name,
  type: `TYPE_${type}`,
  label: 'LABEL_OPTIONAL',
  ...more,
});
const repeated = { label: 'LABEL_REPEATED' };
const symbolsOf = (prefix: string, names: readonly string[]) =>
  names.map((name, number) => ({ name: `${prefix}_${name}`, number }));

const file = {
  name: 'codec.proto',
  syntax: 'proto3',
  enumType: [
    { name: 'Side', value: symbolsOf('side', sides) },
    { name: 'OrderType', value: symbolsOf('type', orderTypes) },
  ],
  messageType: [
    { name: 'Leg', field: [field(1, 'qty', 'UINT32'), field(2, 'price', 'UINT32')] },
    { name: 'Channel', field: [field(1, 'channel', 'UINT32'), field(2, 'value', 'FLOAT')] },
    {
      name: 'NewOrder',
      field: [
        field(1, 'id', 'FIXED64'),
        field(2, 'price', 'UINT32'),
        field(3, 'qty', 'UINT32'),
        field(4, 'side', 'ENUM', { typeName: '.Side' }),
        field(5, 'orderType', 'ENUM', { typeName: '.OrderType' }),
        field(6, 'symbol', 'STRING'),
        field(7, 'sentAt', 'FIXED64'),
        field(8, 'account', 'STRING'),
        field(9, 'legs', 'MESSAGE', { ...repeated, typeName: '.Leg' }),
      ],
    },
    {
      name: 'Reading',
      field: [
        field(1, 'device', 'FIXED64'),
        field(2, 'takenAt', 'FIXED64'),
        field(3, 'samples', 'FLOAT', repeated),
        field(4, 'status', 'UINT32'),
        field(5, 'unit', 'STRING', { proto3Optional: true, oneofIndex: 0 }),
        field(6, 'channels', 'MESSAGE', { ...repeated, typeName: '.Channel' }),
      ],
      oneofDecl: [{ name: '_unit' }],
    },
  ],
};

type NaturalOrder = Omit<NewOrder, 'side' | 'orderType'> & {
  readonly side: number;
  readonly orderType: number;
};

/** The subject. Rejects where the package is not installed. */
export async function bufbuild(): Promise<CodecSubject> {
  const { create, createFileRegistry, fromBinary, fromJson, toBinary } = await import(
    '@bufbuild/protobuf'
  );
  const { FileDescriptorProtoSchema } = await import('@bufbuild/protobuf/wkt');
  const registry = createFileRegistry(fromJson(FileDescriptorProtoSchema, file), () => undefined);
  const typeOf = (name: string) => {
    const found = registry.getMessage(name);
    if (found === undefined) throw new Error(`no message type ${name}`);
    return found;
  };
  const orders = typeOf('NewOrder');
  const readings = typeOf('Reading');
  const legs = typeOf('Leg');
  const channels = typeOf('Channel');
  type Message = ReturnType<typeof create>;
  const touchOrder = ownCopy(readOrder, subject);
  const touchReading = ownCopy(readReading, subject);
  return {
    subject,
    keepsAllBits: true,
    codecs: {
      NewOrder: {
        natural: (value) =>
          create(orders, {
            ...(value as object),
            side: sides.indexOf(value.side),
            orderType: orderTypes.indexOf(value.orderType),
            legs: value.legs.map((leg) => create(legs, { ...leg })),
          }),
        plain: (decoded) => {
          const { id, price, qty, side, orderType, symbol, sentAt, account, legs } =
            decoded as NaturalOrder;
          return {
            ...{ id, price, qty, symbol, sentAt, account },
            side: sides[side]!,
            orderType: orderTypes[orderType]!,
            legs: legs.map((leg) => ({ qty: leg.qty, price: leg.price })),
          };
        },
        encode: (message) => toBinary(orders, message as Message),
        decode: ({ bytes }) => fromBinary(orders, bytes),
        read: ({ bytes }) => touchOrder(fromBinary(orders, bytes) as unknown as NaturalOrder),
      },
      Reading: {
        natural: (value) =>
          create(readings, {
            ...(value as object),
            channels: value.channels.map((channel) => create(channels, { ...channel })),
          }),
        plain: (decoded) => {
          const { device, takenAt, samples, status, unit, channels } = decoded as Reading;
          return {
            ...{ device, takenAt, samples, status, unit },
            channels: channels.map(({ channel, value }) => ({ channel, value })),
          };
        },
        encode: (message) => toBinary(readings, message as Message),
        decode: ({ bytes }) => fromBinary(readings, bytes),
        read: ({ bytes }) => touchReading(fromBinary(readings, bytes) as unknown as Reading),
      },
    },
  };
}
