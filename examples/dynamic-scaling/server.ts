// A worker or a cache, in a process of its own: writes down which requests it got, from its start
// until it is asked. Arguments: its address and port.
import { createServer } from 'node:net';
import process from 'node:process';
import { answerWith, sayReady } from '../common/world.js';
import { Request } from './router.config.js';

const [address, port] = process.argv.slice(2);
/** Numbers are unique over all clients. */
const numbers: number[] = [];

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    let at = 0;
    for (; rest.length - at >= Request.bytesMax; at += Request.bytesMax) {
      numbers.push(Request.decode(rest.subarray(at, at + Request.bytesMax)).number);
    }
    rest = rest.subarray(at);
  });
});

answerWith((question) => (question === 'count' ? numbers.length : numbers));
server.listen(Number(port), address, sayReady);
