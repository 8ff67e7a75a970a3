// Publishes a small session over MoldUDP64 and prints what the subscribers of the router get.
//
//   node dist/examples/market-data/publish.js      while router.config.ts runs
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { AddOrder, Itch, OrderCancel, OrderExecuted } from './itch.js';
import { endOfSession, MoldHeader, moldBlocks } from './moldudp64.js';

const host = '127.0.0.1';
const feedPort = Number(process.env.MARKET_DATA_PORT ?? 9100);
const ports = (process.env.MARKET_DATA_SUBSCRIBERS ?? '9201,9202,9203').split(',').map(Number);
const patienceMs = 5000;

/** A MoldUDP64 datagram; `count` says something else than the number of messages at the end. */
function datagramOf(
  sequence: bigint,
  messages: readonly Uint8Array[],
  count = messages.length,
): Uint8Array {
  const lengthBytes = 2;
  const blocksBytes = messages.reduce((sum, { length }) => sum + lengthBytes + length, 0);
  const datagram = new Uint8Array(moldBlocks.headerBytes + blocksBytes);
  const view = new DataView(datagram.buffer);
  let offset = MoldHeader.encode({ session: 'DEMO000001', sequence, count }, datagram);
  for (const message of messages) {
    view.setUint16(offset, message.length);
    datagram.set(message, offset + lengthBytes);
    offset += lengthBytes + message.length;
  }
  return datagram;
}

/** The messages of one order's life. */
function story(orderReference: bigint, shares: number): Uint8Array[] {
  const header = { stockLocate: 1, trackingNumber: 0, orderReference };
  const add = new Uint8Array(AddOrder.bytesMax);
  const cancel = new Uint8Array(OrderCancel.bytesMax);
  const executed = new Uint8Array(OrderExecuted.bytesMax);
  const terms = { side: 'buy', shares, stock: 'ZVZZT', price: 101_250 } as const;
  AddOrder.encode({ ...header, timestamp: 34_200_000_000_000, ...terms }, add);
  OrderCancel.encode({ ...header, timestamp: 34_200_000_400_000, cancelledShares: 10 }, cancel);
  const execution = { executedShares: shares - 10, matchNumber: orderReference + 1000n };
  OrderExecuted.encode({ ...header, timestamp: 34_200_000_900_000, ...execution }, executed);
  return [add, cancel, executed];
}

/** What a subscriber got, as text. */
function print(name: string, message: Uint8Array): string {
  const schema = Itch.members.find(({ templateId }) => templateId === BigInt(message[0] ?? 0));
  const values = schema === undefined ? {} : schema.decode(message);
  const text = Object.entries(values).map(([field, value]) => `${field} ${value}`);
  return `${name}: ${schema?.name} ${text.join(', ')}`;
}

async function listen(port: number, got: (message: Uint8Array) => void): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (message) => got(message));
  socket.bind(port, host);
  await once(socket, 'listening');
  return socket;
}

const stories = [story(1n, 300), story(2n, 25_000)];
const wanted = stories.flat().length;
const received: string[] = [];
const names = ['book', 'trades', 'large'];
const sockets = await Promise.all(
  ports.map((port, index) =>
    listen(port, (message) => received.push(print(names[index] ?? '', message))),
  ),
);
const feed = createSocket('udp4');
for (const datagram of [
  datagramOf(1n, []),
  datagramOf(1n, stories.flat()),
  datagramOf(BigInt(wanted) + 1n, [], endOfSession),
]) {
  feed.send(datagram, feedPort, host);
}
const deadline = performance.now() + patienceMs;
while (received.length < wanted && performance.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
for (const line of received.sort()) console.log(line);
for (const socket of [...sockets, feed]) socket.close();
process.exitCode = received.length === wanted ? 0 : 1;
