// The world around the router: eight servers and a client. Shows who got how much, takes two
// servers away, and shows who has their requests then.
//
//   node dist/examples/traffic-distribution/show.js      while router.config.ts runs
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { expectThat, FixedFrames, host, sayMistakes, sleep, until } from '../common/world.js';
import { Request, serverNames } from './router.config.js';

const port = Number(process.env.DISTRIBUTION_PORT ?? 9600);
const clientCount = 1000;

type Name = (typeof serverNames)[number];
type Kind = 'read' | 'write' | 'report';

/** A server: writes down whose requests it got. */
class Counting {
  readonly name: Name;
  readonly clients: number[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(name: Name) {
    this.name = name;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      const frames = new FixedFrames(Request.bytesMax);
      socket.on('data', (bytes) => {
        for (const frame of frames.take(bytes)) this.clients.push(Request.decode(frame).client);
      });
      socket.on('error', () => undefined);
    });
  }

  async open(at: number): Promise<void> {
    this.#server.listen(at, host);
    await once(this.#server, 'listening');
    await once(this.#server, 'connection');
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const servers = serverNames.map((name) => new Counting(name));
const opened = servers.map((server, index) => server.open(port + 1 + index));
const client = connect(port, host);
await Promise.all([once(client, 'connect'), ...opened]);
let number = 0;

/** Sends one request of each client, and waits until all have arrived somewhere. */
async function round(kind: Kind): Promise<ReadonlyMap<number, Name>> {
  for (const server of servers) server.clients.length = 0;
  const bytes = new Uint8Array(clientCount * Request.bytesMax);
  for (let index = 0; index < clientCount; index += 1) {
    const place = bytes.subarray(index * Request.bytesMax, (index + 1) * Request.bytesMax);
    number += 1;
    Request.encode({ client: index, kind, number }, place);
  }
  client.write(bytes);
  const arrived = (): number => servers.reduce((sum, { clients }) => sum + clients.length, 0);
  await until(`${clientCount} ${kind}s`, () => arrived() >= clientCount);
  const served = servers.flatMap(({ name, clients }) => clients.map((at) => [at, name] as const));
  return new Map(served);
}

function print(kind: Kind, served: ReadonlyMap<number, Name>): void {
  const shares = serverNames.flatMap((name) => {
    const count = [...served.values()].filter((other) => other === name).length;
    return count === 0 ? [] : [`${name} ${count}`];
  });
  console.log(`${kind}s: ${shares.join(', ')}`);
}

const before = await round('read');
print('read', before);
const again = await round('read');
const strayed = [...again].filter(([at, name]) => before.get(at) !== name);
console.log(`the same clients again: ${strayed.length} went elsewhere`);
print('write', await round('write'));
print('report', await round('report'));

console.log('cache2 and reports go away');
for (const server of servers) if (/^(cache2|reports)$/.test(server.name)) server.close();
// The router hears of it on its connections.
await sleep(300);
const after = await round('read');
print('read', after);
const moved = [...after].filter(([at, name]) => before.get(at) !== name);
const others = moved.filter(([at]) => before.get(at) !== 'cache2');
console.log(`${moved.length} clients moved, ${others.length} of them from another cache`);
print('report', await round('report'));

client.destroy();
for (const server of servers) server.close();
expectThat('clients keep their cache', strayed.length === 0);
expectThat('only clients of cache2 move', others.length === 0);
sayMistakes();
