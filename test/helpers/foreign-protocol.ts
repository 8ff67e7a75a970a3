// A small order protocol for tests of bad input: the configuration's text and messages written by
// hand. Packed, little-endian: size u32, type u8, then the body; `size` is the whole message's.

/** Defines `Protocol`: Order (type 1) with a qty of 4 bytes and an id of 8, and Cancel (type 7). */
export const protocolText = `
  const packed = { layout: layout.packed('le') };
  const Order = schema('Order', 1, { size: t.u32, type: t.u8, qty: t.u32, id: t.u64 }, packed);
  const Cancel = schema('Cancel', 7, { size: t.u32, type: t.u8, id: t.u64 }, packed);
  const Protocol = union('Protocol', { type: 'type', size: 'size' }, [Order, Cancel]);`;

export const orderBytes = 17;
export const cancelBytes = 13;

export function order(qty: number, id: number): Buffer {
  const message = Buffer.alloc(orderBytes);
  message.writeUInt32LE(orderBytes, 0);
  message.writeUInt8(1, 4);
  message.writeUInt32LE(qty, 5);
  message.writeBigUInt64LE(BigInt(id), 9);
  return message;
}

export function cancel(id: number): Buffer {
  const message = Buffer.alloc(cancelBytes);
  message.writeUInt32LE(cancelBytes, 0);
  message.writeUInt8(7, 4);
  message.writeBigUInt64LE(BigInt(id), 5);
  return message;
}

/** A message with another type. */
export function withType(message: Buffer, type: number): Buffer {
  const changed = Buffer.from(message);
  changed.writeUInt8(type, 4);
  return changed;
}

/** A message whose size field says something else. */
export function withSize(message: Buffer, size: number): Buffer {
  const changed = Buffer.from(message);
  changed.writeUInt32LE(size, 0);
  return changed;
}
