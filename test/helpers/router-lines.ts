// Configurations of routers that tests start, and the little they need to talk to them.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HyperRoute, type MemoryEndpoint, offerCodes, type RunningEndpoint } from 'hyperroute';

/** The port an endpoint of a running router is bound to. */
export function portOf(router: HyperRoute, name: string): number {
  const endpoint = router.endpoints().find((one: RunningEndpoint) => one.name === name);
  return Number(endpoint?.address?.split(':').at(-1));
}

/** Waits for a condition; a wait that is never over fails with what was waited for. */
export async function eventually(
  what: string,
  ready: () => boolean,
  limitMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!ready()) {
    if (performance.now() > deadline) throw new Error(`still waiting for ${what}`);
    await sleep(1);
  }
}

/** A UDP socket on loopback that records what it receives. */
export class UdpRecorder {
  readonly socket: Socket;
  readonly messages: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (message) => this.messages.push(message));
  }

  static async open(): Promise<UdpRecorder> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpRecorder(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(message: Uint8Array, port: number): void {
    this.socket.send(message, port, '127.0.0.1');
  }

  close(): void {
    this.socket.close();
  }
}

/** A message of `bytes` bytes that carries a number. */
export function numbered(number: number, bytes = 8): Buffer {
  const message = Buffer.alloc(bytes, 0x2e);
  message.writeUInt32LE(number);
  return message;
}

/** Offers until there is room, yielding to the event loop in between. */
export async function offerAll(
  endpoint: MemoryEndpoint,
  messages: Iterable<Uint8Array>,
): Promise<void> {
  for (const message of messages) {
    for (;;) {
      const position = endpoint.offer(message);
      if (position >= 0) break;
      if (position !== offerCodes.BACK_PRESSURE) throw new Error(`offer answered ${position}`);
      await sleep(0);
    }
  }
}

export function* numbers(count: number, bytes = 8): Generator<Buffer> {
  for (let number = 0; number < count; number++) yield numbered(number, bytes);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** A port that nothing is bound to, for tcp and udp, outside the range of ephemeral ports. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    if ((await binds(createServer().listen(port, '127.0.0.1'))) && (await bindsUdp(port))) {
      return port;
    }
  }
}

async function bindsUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  return binds(socket);
}

async function binds(one: Server | Socket): Promise<boolean> {
  try {
    await once(one, 'listening');
  } catch {
    return false;
  }
  one.close();
  await once(one, 'close');
  return true;
}
