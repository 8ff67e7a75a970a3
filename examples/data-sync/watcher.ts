// The dashboard or the auditor, in a process of its own: counts the updates it sees. Argument: its
// port.
import { createServer } from 'node:net';
import process from 'node:process';
import { answerWith, Frames, host, sayReady } from '../common/world.js';

const port = Number(process.argv[2]);
let seenCount = 0;

const server = createServer((socket) => {
  const frames = new Frames();
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const _frame of frames.take(bytes)) seenCount += 1;
  });
});

answerWith(() => seenCount);
server.listen(port, host, sayReady);
