// Traffic of the reload tests and the records that judge it: what was sent, where it arrived, what
// was rejected. Every message names its sender, its number and a key; every routed message names
// the version of the configuration that routed it.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { layout, schema, t, union } from 'hyperroute';
import type { Random } from './random.js';
import { eventually } from './router-lines.js';

const packed = { layout: layout.packed('le') };
const header = { size: t.u32, type: t.u8 };
const ids = { sender: t.u32, number: t.u32, key: t.u32 };

/** What senders send: 17 bytes. */
export const Note = schema('Note', 1, { ...header, ...ids }, packed);
/** What destinations get: 21 bytes. */
export const Routed = schema('Routed', 2, { ...header, ...ids, version: t.u32 }, packed);
/** What comes back for a message that is rejected: 25 bytes. */
export const Refused = schema(
  'Refused',
  3,
  { ...header, ...ids, version: t.u32, code: t.u32 },
  packed,
);
export const Notes = union('Notes', { type: 'type', size: 'size' }, [Note, Routed, Refused]);

export interface Arrival {
  readonly sender: number;
  readonly number: number;
  readonly key: number;
  readonly version: number;
  /** The reject code; 0 for a message that was delivered. */
  readonly code: number;
}

function parse(frame: Buffer): Arrival {
  return {
    sender: frame.readUInt32LE(5),
    number: frame.readUInt32LE(9),
    key: frame.readUInt32LE(13),
    version: frame.readUInt32LE(17),
    code: frame[4] === 3 ? frame.readUInt32LE(21) : 0,
  };
}

function note(sender: number, number: number, key: number): Buffer {
  const frame = Buffer.alloc(17);
  frame.writeUInt32LE(17, 0);
  frame.writeUInt8(1, 4);
  frame.writeUInt32LE(sender, 5);
  frame.writeUInt32LE(number, 9);
  frame.writeUInt32LE(key, 13);
  return frame;
}

/** Cuts a byte stream into frames by their size. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);
  readonly #onFrame: (arrival: Arrival) => void;

  constructor(onFrame: (arrival: Arrival) => void) {
    this.#onFrame = onFrame;
  }

  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readUInt32LE(0)) {
      const size = rest.readUInt32LE(0);
      this.#onFrame(parse(rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
    this.#rest = rest;
  }

  get rest(): number {
    return this.#rest.length;
  }
}

/** A destination over UDP that records what arrives. */
export class UdpDestination {
  readonly arrivals: Arrival[] = [];
  readonly #socket: UdpSocket;

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (message) => this.arrivals.push(parse(message)));
  }

  static async open(): Promise<UdpDestination> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpDestination(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

/** A destination over TCP: a server that records what its connections bring. */
export class TcpDestination {
  readonly arrivals: Arrival[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      const frames = new Frames((arrival) => this.arrivals.push(arrival));
      this.#sockets.add(socket);
      socket.on('data', (bytes) => frames.push(bytes));
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async open(): Promise<TcpDestination> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpDestination(server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** One sending connection or socket: what it sent and what came back to it. */
export abstract class Sender {
  /** By number: the key sent. */
  readonly sent: number[] = [];
  /** By number: the version in force when it was handed to the system. */
  readonly versionAtSend: number[] = [];
  readonly refused: Arrival[] = [];
  readonly id: number;
  protected readonly random: Random;

  constructor(id: number, random: Random) {
    this.id = id;
    this.random = random;
  }

  protected frame(version: number): Buffer {
    const key = this.random.below(100);
    const frame = note(this.id, this.sent.length, key);
    this.sent.push(key);
    this.versionAtSend.push(version);
    return frame;
  }

  /** Sends some messages while `version` is in force. */
  abstract send(count: number, version: number): void;
  /** Sends nothing more and waits until the router has read everything. */
  abstract end(): Promise<void>;
}

/** Sends over TCP, its frames cut at random bytes. */
export class TcpSender extends Sender {
  readonly #socket: Socket;
  readonly #frames = new Frames((arrival) => this.refused.push(arrival));
  #unsent: Buffer = Buffer.alloc(0);
  #closed = false;

  private constructor(id: number, random: Random, socket: Socket) {
    super(id, random);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#frames.push(bytes));
    socket.on('close', () => {
      this.#closed = true;
    });
    // The router cut it off: what is missing then says so.
    socket.on('error', () => {});
  }

  static async open(id: number, random: Random, port: number): Promise<TcpSender> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new TcpSender(id, random, socket);
  }

  send(count: number, version: number): void {
    const parts = [this.#unsent];
    for (let index = 0; index < count; index++) parts.push(this.frame(version));
    const bytes = Buffer.concat(parts);
    // Some of the last frame stays behind for the next call: an update falls into its middle.
    const kept = Math.min(bytes.length, this.random.below(17));
    this.#unsent = bytes.subarray(bytes.length - kept);
    this.#socket.write(bytes.subarray(0, bytes.length - kept));
  }

  async end(): Promise<void> {
    this.#socket.end(this.#unsent);
    await eventually(`the end of connection ${this.id}`, () => this.#closed);
    if (this.#frames.rest > 0) throw new Error(`connection ${this.id} ended in mid-frame`);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Sends datagrams. */
export class UdpSender extends Sender {
  readonly #socket: UdpSocket;
  readonly #port: number;

  private constructor(id: number, random: Random, socket: UdpSocket, port: number) {
    super(id, random);
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (message) => this.refused.push(parse(message)));
  }

  static async open(id: number, random: Random, port: number): Promise<UdpSender> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpSender(id, random, socket, port);
  }

  send(count: number, version: number): void {
    for (let index = 0; index < count; index++) {
      this.#socket.send(this.frame(version), this.#port, '127.0.0.1');
    }
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {
    this.#socket.close();
  }
}
