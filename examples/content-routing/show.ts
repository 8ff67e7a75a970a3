// The world around the router: the desks, and events for each of them. Prints who got what.
//
//   node dist/examples/content-routing/show.js      while router.config.ts runs
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import process from 'node:process';
import { expectThat, host, sayMistakes, until } from '../common/world.js';
import { desks, Event } from './router.config.js';

const port = Number(process.env.CONTENT_PORT ?? 9620);

type Desk = (typeof desks)[number];
type Values = Parameters<typeof Event.encode>[0];

/** What all events have unless they say otherwise: cents, 192.168.0.7, a Tuesday. */
const plain = {
  ...{ amount: 1250, from: 0xc0a8_0007, country: 'DE', weekday: 2 },
  flags: { urgent: false, test: false },
};
/** Who is to get what; what nobody is to get is sent before the others. */
const events: readonly (readonly [Desk | null, Values])[] = [
  [null, { ...plain, topic: 'login/failed', flags: { urgent: true, test: true } }],
  ['payments', { ...plain, topic: 'payments/card/accepted' }],
  ['payments', { ...plain, topic: 'payments/card/refused' }],
  ['fraud', { ...plain, topic: 'payments/card/refused', amount: 100_000 }],
  ['payments', { ...plain, topic: 'payments/card/eu/refused', amount: 100_000 }],
  ['fraud', { ...plain, topic: 'refund', amount: 999_999 }],
  ['archive', { ...plain, topic: 'refund', amount: 1_000_000 }],
  ['security', { ...plain, topic: 'login/failed' }],
  ['archive', { ...plain, topic: 'logout' }],
  ['security', { ...plain, topic: 'basket', country: 'XX' }],
  ['branches', { ...plain, topic: 'basket', from: 0x0a14_ffff }],
  ['archive', { ...plain, topic: 'basket', from: 0x0a15_0000 }],
  ['weekend', { ...plain, topic: 'basket', weekday: 6 }],
];
const received: string[] = [];

function lineOf(desk: Desk, { topic, amount, country, weekday }: ReturnType<typeof Event.decode>) {
  return `${desk}: ${topic}, ${amount / 100}, ${country}, day ${weekday}`;
}

async function listen(desk: Desk, at: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (message) => received.push(lineOf(desk, Event.decode(message))));
  socket.bind(at, host);
  await once(socket, 'listening');
  return socket;
}

const sockets = await Promise.all(desks.map((desk, index) => listen(desk, port + 1 + index)));
const shop = createSocket('udp4');
const wanted: string[] = [];
for (const [desk, event] of events) {
  const bytes = new Uint8Array(Event.sizeOf(event));
  Event.encode(event, bytes);
  if (desk !== null) wanted.push(lineOf(desk, Event.decode(bytes)));
  shop.send(bytes, port, host);
}
await until('the events', () => received.length >= wanted.length);
for (const line of received.sort()) console.log(line);
expectThat('each desk gets what is for it', received.join() === wanted.sort().join());
console.log(`${events.length - received.length} discarded`);
for (const socket of [...sockets, shop]) socket.close();
sayMistakes();
