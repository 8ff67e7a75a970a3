// Bare datagrams over node:dgram, event-driven: the fastest that Node offers by itself. The server
// answers whoever sent last.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Link, LinkOptions, OnMessage } from './link.js';

export async function openDgram(options: LinkOptions, onMessage: OnMessage): Promise<Link> {
  const socket = createSocket('udp4');
  let peer: { port: number; address: string } | undefined;
  socket.on('message', (message, from) => {
    if (options.isServer) peer = from;
    onMessage(message, 0, message.length);
  });
  // The other end may not be there yet.
  socket.on('error', () => undefined);
  socket.bind(options.isServer ? options.port : 0, '127.0.0.1');
  await once(socket, 'listening');
  if (!options.isServer) {
    socket.connect(options.port, '127.0.0.1');
    await once(socket, 'connect');
  }
  const send = (message: Uint8Array): boolean => {
    // It is sent before this returns, or fails later; nothing is told of room.
    if (!options.isServer) socket.send(message);
    else if (peer !== undefined) socket.send(message, peer.port, peer.address);
    return true;
  };
  return { send, flush: () => undefined, poll: undefined };
}
