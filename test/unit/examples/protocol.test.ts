// The clients' and venues' own codec of the order protocols: golden bytes and cut streams.
import { expect, test } from 'vitest';
import { random32 } from '../../../examples/order-gateway/orders.js';
import {
  a,
  FrameReader,
  isNewOrderB,
  messageType,
  writeExecReportB,
  writeNewOrderA,
} from '../../../examples/order-gateway/protocol.js';

const hex = (view: DataView): string => Buffer.from(view.buffer).toString('hex');
const viewOf = (text: string): DataView => {
  const bytes = Uint8Array.from(Buffer.from(text, 'hex'));
  return new DataView(bytes.buffer);
};

test('a NewOrder of protocol A has these 29 bytes', () => {
  const view = new DataView(new ArrayBuffer(a.newOrder.bytes));
  writeNewOrderA(view, 0, 0x0102, 0x0a0b0c0d, 0x01020304, 0x99aabbcc, 0x55667788);
  expect(hex(view)).toBe(`1d00000001${'0201000000000000'}0d0c0b0a04030201ccbbaa9988776655`);
});

// size 40, type 1, seq 7; price, qty; ordId; clOrdId
const orderB = '28000000010000000700000000000000640000000a00000011223344556677881234567890abcdef';

test('an ExecReport of protocol B has these 48 bytes and echoes price, qty and both ids', () => {
  const view = new DataView(new ArrayBuffer(48));
  writeExecReportB(view, viewOf(orderB), 9, 5, 3);
  const head = '30000000030000000900000000000000';
  const ids = '1122334455667788' + '0500000003000000' + '1234567890abcdef';
  expect(hex(view)).toBe(`${head}640000000a000000${ids}`);
});

test('only 40 bytes that say they are a NewOrder are one', () => {
  expect(isNewOrderB(viewOf(orderB), 40)).toBe(true);
  expect(isNewOrderB(viewOf(orderB.slice(0, 78)), 39)).toBe(false);
  expect(isNewOrderB(viewOf(`29${orderB.slice(2)}`), 40)).toBe(false);
  expect(isNewOrderB(viewOf(`${orderB.slice(0, 8)}03${orderB.slice(10)}`), 40)).toBe(false);
});

function frame(type: number, seq: number): Uint8Array {
  const bytes = type === messageType.reject ? a.reject.bytes : a.execReport.bytes;
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(a.size, bytes, true);
  view.setUint8(a.type, type);
  view.setUint32(a.seq, seq, true);
  view.setUint8(bytes - 1, seq & 0xff);
  return new Uint8Array(view.buffer);
}

test('messages come out whole and in order however the stream is cut', () => {
  const seed = 4711;
  const next = random32(seed);
  const types = Array.from({ length: 300 }, () =>
    next() % 3 === 0 ? messageType.reject : messageType.execReport,
  );
  const stream = Buffer.concat(types.map((type, index) => frame(type, index + 1)));
  for (let round = 0; round < 12; round += 1) {
    const seen: number[] = [];
    const reader = new FrameReader((view, offset, type) => {
      const seq = view.getUint32(offset + a.seq, true);
      const last = view.getUint8(offset + view.getUint32(offset, true) - 1);
      // A message with another type or last byte than it was made with counts as number 0.
      seen.push(type === types[seq - 1] && last === (seq & 0xff) ? seq : 0);
    });
    let position = 0;
    while (position < stream.length) {
      const bytes = Math.min(1 + (next() % (round < 4 ? 3 : 200)), stream.length - position);
      if (!reader.push(stream.subarray(position, position + bytes), bytes)) break;
      position += bytes;
    }
    expect(position, `seed ${seed}`).toBe(stream.length);
    expect(seen, `seed ${seed}`).toEqual(types.map((_, index) => index + 1));
    expect(reader.carriedBytes).toBe(0);
  }
});

test('a stream that is not protocol A is refused, in one piece and byte by byte', () => {
  const bad = frame(messageType.execReport, 1);
  bad[0] = 54;
  const ignore = (): void => undefined;
  expect(new FrameReader(ignore).push(bad, bad.length)).toBe(false);
  const reader = new FrameReader(ignore);
  const results = Array.from(bad, (byte) => reader.push(Uint8Array.of(byte), 1));
  expect(results).toContain(false);
});
