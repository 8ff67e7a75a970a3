// The world around the router: the desks, and events for each of them. Prints who got what.
//
//   node dist/examples/content-routing/show.js      while router.config.ts runs
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import process from 'node:process';
import { desks, Event } from './router.config.js';

const host = '127.0.0.1';
const port = Number(process.env.CONTENT_PORT ?? 9620);
const patienceMs = 5000;

/** What all events have unless they say otherwise: cents, 192.168.0.7, a Tuesday. */
const plain = {
  ...{ amount: 1250, from: 0xc0a8_0007, country: 'DE', weekday: 2 },
  flags: { urgent: false, test: false },
};
const events = [
  { ...plain, topic: 'payments/card/accepted' },
  { ...plain, topic: 'payments/card/refused' },
  { ...plain, topic: 'payments/card/refused', amount: 100_000 },
  { ...plain, topic: 'payments/card/eu/refused', amount: 100_000 },
  { ...plain, topic: 'refund', amount: 999_999 },
  { ...plain, topic: 'refund', amount: 1_000_000 },
  { ...plain, topic: 'login/failed' },
  { ...plain, topic: 'logout' },
  { ...plain, topic: 'basket', country: 'XX' },
  { ...plain, topic: 'basket', from: 0x0a14_ffff },
  { ...plain, topic: 'basket', from: 0x0a15_0000 },
  { ...plain, topic: 'basket', weekday: 6 },
  { ...plain, topic: 'login/failed', flags: { urgent: true, test: true } },
];
const wanted = events.filter(({ flags }) => !flags.test).length;
const received: string[] = [];

async function listen(name: string, at: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (message) => {
    const { topic, amount, country, weekday } = Event.decode(message);
    received.push(`${name}: ${topic}, ${amount / 100}, ${country}, day ${weekday}`);
  });
  socket.bind(at, host);
  await once(socket, 'listening');
  return socket;
}

const sockets = await Promise.all(desks.map((name, index) => listen(name, port + 1 + index)));
const shop = createSocket('udp4');
for (const event of events) {
  const bytes = new Uint8Array(Event.sizeOf(event));
  Event.encode(event, bytes);
  shop.send(bytes, port, host);
}
const deadline = performance.now() + patienceMs;
while (received.length < wanted && performance.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
for (const line of received.sort()) console.log(line);
console.log(`${events.length - received.length} discarded`);
for (const socket of [...sockets, shop]) socket.close();
process.exitCode = received.length === wanted ? 0 : 1;
