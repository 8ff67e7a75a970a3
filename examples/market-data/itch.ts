// NASDAQ TotalView-ITCH 5.0: three of its messages, as schemas.
//
// Big-endian and packed. The first byte says which message it is, an ASCII letter; in a schema a
// type field is an integer, so the template id is the letter's code.
import { layout, schema, t, union } from 'hyperroute';

const letter = (text: string): number => text.charCodeAt(0);
const packed = { layout: layout.packed('be') };

const header = {
  type: t.u8,
  stockLocate: t.u16.doc('number of the stock for the day'),
  trackingNumber: t.u16,
  timestamp: t.u48.doc('nanoseconds since midnight'),
  orderReference: t.u64,
};

/** 'A', 36 bytes: an order was added to the book, its owner not named. */
export const AddOrder = schema(
  'AddOrder',
  letter('A'),
  {
    ...header,
    side: t.enum({ buy: letter('B'), sell: letter('S') }),
    shares: t.u32,
    stock: t.ascii(8, { pad: 'space' }),
    price: t.decimal(4, { base: 'u32' }),
  },
  packed,
);

/** 'E', 31 bytes: an order was executed at its own price, in whole or in part. */
export const OrderExecuted = schema(
  'OrderExecuted',
  letter('E'),
  { ...header, executedShares: t.u32, matchNumber: t.u64 },
  packed,
);

/** 'X', 23 bytes: a part of an order was cancelled. */
export const OrderCancel = schema(
  'OrderCancel',
  letter('X'),
  { ...header, cancelledShares: t.u32 },
  packed,
);

export const Itch = union('Itch', { type: 'type' }, [AddOrder, OrderExecuted, OrderCancel]);
