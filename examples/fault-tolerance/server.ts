// A server, in a process of its own: answers jobs and probes, or is sick and breaks the connection
// with whatever comes. Arguments: its port, and its number.
import { createServer } from 'node:net';
import process from 'node:process';
import { answerWith, Frames, host, sayReady } from '../common/world.js';
import { Job, Result } from './router.config.js';

const [port, number] = process.argv.slice(2).map(Number) as [number, number];
let isSick = false;
let brokenCount = 0;

const server = createServer((socket) => {
  const frames = new Frames();
  const result = new Uint8Array(Result.bytesMax);
  let isNew = true;
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    if (isNew && bytes.toString('latin1') === 'ping') {
      socket.end('pong');
      return;
    }
    isNew = false;
    if (isSick) {
      brokenCount += 1;
      socket.destroy();
      return;
    }
    for (const frame of frames.take(bytes)) {
      const job = Job.decode(frame);
      Result.encode({ reply: job.reply, number: job.number, server: number }, result);
      socket.write(result.slice());
    }
  });
});

answerWith((word) => {
  isSick = word === 'be sick';
  return brokenCount;
});
server.listen(port, host, sayReady);
