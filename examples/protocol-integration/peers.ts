// The two kinds of programs around the router, each a process of its own: a client, which speaks
// protocol A, and the venue, which speaks B. They do what they are told, and tell what they get.
// Arguments: `client` or `venue`, and the port.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import process from 'node:process';
import { Frames, host, obey, sayReady } from '../common/world.js';
import {
  CancelReplace,
  ExecReport,
  NewOrder,
  Reject,
  VenueOrder,
  VenueReplace,
  VenueReport,
} from './router.config.js';

/** What a program is told: a message to send, ids as text. */
export interface Order {
  readonly send: 'order' | 'replace' | 'report';
  readonly id: string;
  readonly of?: string;
  readonly final?: boolean;
}

/** What a program tells: a message that it got. */
export interface Heard {
  readonly got: 'order' | 'replace' | 'report' | 'reject';
  readonly bytes: number;
  readonly id: string;
  /** Of orders that take the place of another one. */
  readonly of: string;
  /** Of a reject. */
  readonly code: number;
}

function tell(got: Heard['got'], bytes: number, rest: Partial<Heard> = {}): void {
  process.send?.({ got, bytes, id: '', of: '', code: 0, ...rest });
}

function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  const frames = new Frames(4);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const frame of frames.take(bytes)) take(frame);
  });
}

function write<Message>(
  socket: Socket | null,
  type: { readonly bytesMax: number; encode(message: Message, target: Uint8Array): number },
  message: Message,
): void {
  const bytes = new Uint8Array(type.bytesMax);
  socket?.write(bytes.subarray(0, type.encode(message, bytes)));
}

async function client(port: number): Promise<void> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  readFrames(socket, (frame) => {
    if (frame[4] === 4) {
      const { clOrdId, code } = Reject.decode(frame);
      tell('reject', frame.length, { id: String(clOrdId), code });
      return;
    }
    const { clOrdId, origClOrdId } = ExecReport.decode(frame);
    tell('report', frame.length, { id: String(clOrdId), of: String(origClOrdId) });
  });
  let seq = 0n;
  obey((said) => {
    const { send, id, of = '0' } = said as Order;
    seq += 1n;
    const order = { seq, price: 100, qty: 10, clOrdId: BigInt(id) };
    if (send === 'order') write(socket, NewOrder, order);
    else write(socket, CancelReplace, { ...order, origClOrdId: BigInt(of) });
  });
  sayReady();
}

function venue(port: number): void {
  let router: Socket | null = null;
  const server = createServer((socket) => {
    router = socket;
    readFrames(socket, (frame) => {
      if (frame[4] === 1) {
        const { ordId, clOrdId } = VenueOrder.decode(frame);
        tell('order', frame.length, { id: String(ordId), of: String(clOrdId) });
        return;
      }
      const { ordId, origClOrdId } = VenueReplace.decode(frame);
      tell('replace', frame.length, { id: String(ordId), of: String(origClOrdId) });
    });
  });
  server.once('connection', sayReady);
  server.listen(port, host);
  let execId = 0n;
  obey((said) => {
    const { id, final = false } = said as Order;
    execId += 1n;
    const report = {
      seq: execId,
      price: 100,
      qty: final ? 0 : 5,
      ordId: BigInt(id),
      execId,
      final,
    };
    write(router, VenueReport, report);
  });
}

const [role, port] = process.argv.slice(2);
if (role === 'client') await client(Number(port));
else venue(Number(port));
