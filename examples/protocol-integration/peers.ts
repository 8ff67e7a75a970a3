// The two kinds of programs around the router, each a process of its own: a client, which speaks
// protocol A, and the venue, which speaks B. They do what they are told, and tell what they get.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import process from 'node:process';
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
  readonly got: 'ready' | 'order' | 'replace' | 'report' | 'reject';
  readonly bytes: number;
  readonly id: string;
  /** Of orders that take the place of another one. */
  readonly of: string;
  /** Of a reject. */
  readonly code: number;
}

const host = '127.0.0.1';
const patienceMs = 10_000;

/** A program in a process of its own. */
export class Peer {
  readonly heard: Heard[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => this.heard.push(message as Heard));
  }

  static start(role: 'client' | 'venue', port: number): Peer {
    return new Peer(fork(new URL(import.meta.url), [role, String(port)]));
  }

  tell(order: Order): void {
    this.#child.send(order);
  }

  all(got: Heard['got']): readonly Heard[] {
    return this.heard.filter((one) => one.got === got);
  }

  /** Waits until it has got so many messages of a kind. */
  async has(count: number, got: Heard['got']): Promise<readonly Heard[]> {
    const deadline = performance.now() + patienceMs;
    while (this.all(got).length < count) {
      if (performance.now() > deadline) throw new Error(`waited in vain for ${count} ${got}s`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.all(got);
  }

  async end(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

function tell(got: Heard['got'], bytes: number, rest: Partial<Heard> = {}): void {
  process.send?.({ got, bytes, id: '', of: '', code: 0, ...rest });
}

function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readUInt32LE(0)) {
      const frameBytes = rest.readUInt32LE(0);
      take(rest.subarray(0, frameBytes));
      rest = rest.subarray(frameBytes);
    }
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
  process.on('message', ({ send, id, of = '0' }: Order) => {
    seq += 1n;
    const order = { seq, price: 100, qty: 10, clOrdId: BigInt(id) };
    if (send === 'order') write(socket, NewOrder, order);
    else write(socket, CancelReplace, { ...order, origClOrdId: BigInt(of) });
  });
  process.on('disconnect', () => socket.destroy());
  tell('ready', 0);
}

async function venue(port: number): Promise<void> {
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
    tell('ready', 0);
  });
  server.listen(port, host);
  let execId = 0n;
  process.on('message', ({ id, final = false }: Order) => {
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
  process.on('disconnect', () => {
    router?.destroy();
    server.close();
  });
}

const [, , role, port] = process.argv;
if (process.send !== undefined && role === 'client') await client(Number(port));
if (process.send !== undefined && role === 'venue') await venue(Number(port));
