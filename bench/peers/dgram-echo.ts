// A process of the udp-rtt bench: the shortest echo that node:dgram allows, event-driven.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (message, from) => socket.send(message, from.port, from.address));
socket.on('error', (error) => {
  process.send?.({ error: String(error) });
  process.exit(1);
});
socket.bind(0, '127.0.0.1', () => process.send?.({ port: socket.address().port }));
process.once('SIGTERM', () => process.exit(0));
// The runner is gone.
process.once('disconnect', () => process.exit(0));
