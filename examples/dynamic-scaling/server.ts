// A worker or a cache, in a process of its own: writes down which requests it got, from its start
// until it is asked. Arguments: its address and port.
import { createServer } from 'node:net';
import process from 'node:process';
import { answerWith, FixedFrames, sayReady } from '../common/world.js';
import { Request } from './router.config.js';

const [address, port] = process.argv.slice(2);
/** Numbers are unique over all clients. */
const numbers: number[] = [];

const server = createServer((socket) => {
  const frames = new FixedFrames(Request.bytesMax);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const frame of frames.take(bytes)) numbers.push(Request.decode(frame).number);
  });
});

answerWith((question) => (question === 'count' ? numbers.length : numbers));
server.listen(Number(port), address, sayReady);
