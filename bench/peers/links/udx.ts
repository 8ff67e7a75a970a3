// npm's udx-native: a reliable stream of bytes on UDP, event-driven, not encrypted. What is written
// at once may arrive in other pieces, so every message has the same size here and is cut out again.
import { createRequire } from 'node:module';
import type { Link, LinkOptions, OnMessage } from './link.js';

/** What is used of the package, which brings no types. */
interface UdxSocket {
  bind(port: number, host: string): void;
}
interface UdxStream {
  connect(socket: UdxSocket, id: number, port: number, host: string): void;
  write(bytes: Uint8Array): boolean;
  on(event: 'data', handler: (bytes: Buffer) => void): void;
  on(event: 'drain' | 'error', handler: () => void): void;
}
interface Udx {
  createSocket(): UdxSocket;
  createStream(id: number): UdxStream;
}

const host = '127.0.0.1';
const serverId = 1;
const clientId = 2;

export async function openUdx(options: LinkOptions, onMessage: OnMessage): Promise<Link> {
  const { isServer, port, bytes } = options;
  const Udx = createRequire(import.meta.url)('udx-native') as new () => Udx;
  const udx = new Udx();
  const socket = udx.createSocket();
  // Neither end finds out where the other is: both ports are known beforehand.
  socket.bind(isServer ? port : port + 1, host);
  const stream = udx.createStream(isServer ? serverId : clientId);
  stream.connect(socket, isServer ? clientId : serverId, isServer ? port + 1 : port, host);
  let isFull = false;
  let rest: Buffer = Buffer.alloc(0);
  stream.on('drain', () => {
    isFull = false;
  });
  // The other end was ended: so is this one, by the runner.
  stream.on('error', () => undefined);
  stream.on('data', (chunk) => {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    for (; offset + bytes <= all.length; offset += bytes) onMessage(all, offset, bytes);
    rest = all.subarray(offset);
  });
  const send = (message: Uint8Array): boolean => {
    if (isFull) return false;
    // It is kept until it is acknowledged; a report is shorter than the other messages.
    const own = Buffer.alloc(bytes);
    own.set(message);
    isFull = !stream.write(own);
    return true;
  };
  return { send, flush: () => undefined, poll: undefined };
}
