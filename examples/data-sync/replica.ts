// A replica, in a process of its own: applies updates, and asks another one for a copy when it has
// missed some. Arguments: its port, and its number.
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import process from 'node:process';
import { answerWith, Frames, host, sayReady } from '../common/world.js';
import { Copied, Copy, Missed, Row, Update } from './router.config.js';

type Value = ReturnType<typeof Update.decode>;

const [port, replica] = process.argv.slice(2).map(Number) as [number, number];
const values = new Map<number, Value>();
/** By writer: the number of its last update here. */
const lastNumbers = new Map<number, number>();
let missedCount = 0;
const typeOffset = 2;

function apply(row: Value): void {
  const { writer, number, key } = row;
  const old = values.get(key);
  const isNewer =
    old === undefined || number > old.number || (number === old.number && writer > old.writer);
  if (isNewer) values.set(key, { ...row, value: row.value.slice() });
}

function askForCopy(socket: Socket): void {
  missedCount += 1;
  const bytes = new Uint8Array(Missed.bytesMax);
  Missed.encode({ replica }, bytes);
  socket.write(bytes);
}

function take(frame: Buffer, socket: Socket): void {
  switch (BigInt(frame.readUInt8(typeOffset))) {
    case Update.templateId: {
      const update = Update.decode(frame);
      const { writer, number } = update;
      if (number > (lastNumbers.get(writer) ?? 0) + 1) askForCopy(socket);
      lastNumbers.set(writer, Math.max(number, lastNumbers.get(writer) ?? 0));
      apply(update);
      break;
    }
    case Copied.templateId:
      apply(Copied.decode(frame));
      break;
    case Copy.templateId: {
      const { reply } = Copy.decode(frame);
      for (const row of values.values()) {
        const bytes = new Uint8Array(Row.bytesMax);
        Row.encode({ reply, ...row }, bytes);
        socket.write(bytes);
      }
      break;
    }
  }
}

/** Of all values, whatever order they came in. */
function digest(): string {
  const hash = createHash('sha256');
  for (const [key, { writer, number, value }] of [...values].sort(([a], [b]) => a - b)) {
    hash.update(`${key} ${writer} ${number} `).update(value);
  }
  return hash.digest('hex');
}

const server = createServer((socket) => {
  const frames = new Frames();
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const frame of frames.take(bytes)) take(frame, socket);
  });
  // What came before the connection, if anything did.
  askForCopy(socket);
});
const probes = createSocket('udp4');
probes.on('message', (_probe, from) => probes.send('pong', from.port, from.address));

answerWith(() => ({
  ...{ keyCount: values.size, digest: digest(), missedCount },
  last: [1, 2].map((writer) => lastNumbers.get(writer) ?? 0),
}));
probes.bind(port, host, () => server.listen(port, host, sayReady));
