// A router of a few lines for the demo's own test: does what the demo expects of hyperroute, or
// exactly one thing wrong. What the demo then counts shows that it would notice.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { GatewayRouter, StartGateway } from '../../examples/order-gateway/demo.js';

export interface Faults {
  /** Venues that the n-th order goes to instead of the right one; n counts from 1. */
  readonly venuesOf?: (n: number, venue: number) => readonly number[];
  /** Clients that the n-th report goes to instead of the one that asked. */
  readonly clientsOf?: (n: number, client: number, clientCount: number) => readonly number[];
  /** Clients that the n-th reject goes to instead of the one that asked. */
  readonly rejectsTo?: (n: number, client: number, clientCount: number) => readonly number[];
  /** Spoils the n-th report just before it leaves. */
  readonly spoil?: (n: number, report: DataView) => void;
  /** Whether the n-th order is taken for one over the limit, whatever its terms. */
  readonly isOverLimit?: (n: number, isOverLimit: boolean) => boolean;
  /** What the sockets towards the venues ask for; the kernel drops what does not fit. */
  readonly receiveBufferBytes?: number;
}

const limit = 1_000_000_000n;
const mark = 0xabcd_0123;

class StandIn implements GatewayRouter {
  readonly #faults: Faults;
  readonly #venues: UdpSocket[] = [];
  readonly #venueSeqs: number[] = [];
  readonly #clients: { socket: Socket; seq: number }[] = [];
  readonly #server: Server = createServer((socket) => this.#onClient(socket));
  #orderCount = 0;
  #poolCount = 0;
  #reportCount = 0;
  #rejectCount = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  async open(host: string, venuePorts: readonly number[]): Promise<this> {
    const recvBufferSize = this.#faults.receiveBufferBytes ?? 4 << 20;
    for (const port of venuePorts) {
      const socket = createSocket({ type: 'udp4', recvBufferSize });
      socket.on('message', (bytes) => this.#onReport(bytes));
      socket.connect(port, host);
      await once(socket, 'connect');
      this.#venues.push(socket);
      this.#venueSeqs.push(0);
    }
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return this;
  }

  get clientPort(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  latency(): Record<string, never> {
    return {};
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const { socket } of this.#clients) socket.destroy();
    for (const venue of this.#venues) venue.close();
  }

  #onClient(socket: Socket): void {
    const client = this.#clients.push({ socket, seq: 0 }) - 1;
    let carried = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      carried = Buffer.concat([carried, chunk]);
      let offset = 0;
      for (; carried.length - offset >= 29; offset += 29) {
        this.#onOrder(client, new DataView(carried.buffer, carried.byteOffset + offset, 29));
      }
      carried = carried.subarray(offset);
    });
  }

  #onOrder(client: number, order: DataView): void {
    this.#orderCount += 1;
    const n = this.#orderCount;
    const price = order.getUint32(13, true);
    const qty = order.getUint32(17, true);
    const clOrdId = order.getBigUint64(21, true);
    const isOver = BigInt(price) * BigInt(qty) > limit;
    if (this.#faults.isOverLimit?.(n, isOver) ?? isOver) {
      this.#reject(client, clOrdId);
      return;
    }
    const venue = qty >= 10_000 ? 3 : this.#poolCount % 3;
    if (venue < 3) this.#poolCount += 1;
    for (const to of this.#faults.venuesOf?.(n, venue) ?? [venue]) {
      this.#venueSeqs[to] = (this.#venueSeqs[to] ?? 0) + 1;
      const out = new DataView(new ArrayBuffer(40));
      out.setUint32(0, 40, true);
      out.setUint32(4, 1, true);
      out.setBigUint64(8, BigInt(this.#venueSeqs[to] ?? 0), true);
      out.setUint32(16, price, true);
      out.setUint32(20, qty, true);
      out.setUint32(24, client, true);
      out.setUint32(28, mark, true);
      out.setBigUint64(32, clOrdId, true);
      this.#venues[to]?.send(out);
    }
  }

  #reject(client: number, clOrdId: bigint): void {
    this.#rejectCount += 1;
    const count = this.#clients.length;
    for (const to of this.#faults.rejectsTo?.(this.#rejectCount, client, count) ?? [client]) {
      const out = new DataView(new ArrayBuffer(25));
      out.setUint32(0, 25, true);
      out.setUint8(4, 4);
      out.setUint32(13, 1000, true);
      out.setBigUint64(17, clOrdId, true);
      this.#answer(to, out);
    }
  }

  #onReport(bytes: Buffer): void {
    this.#reportCount += 1;
    const report = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const client = report.getUint32(24, true);
    const n = this.#reportCount;
    for (const to of this.#faults.clientsOf?.(n, client, this.#clients.length) ?? [client]) {
      const out = new DataView(new ArrayBuffer(53));
      out.setUint32(0, 53, true);
      out.setUint8(4, 3);
      out.setUint32(13, report.getUint32(16, true), true);
      out.setUint32(17, report.getUint32(20, true), true);
      out.setBigUint64(21, report.getBigUint64(40, true), true);
      out.setBigUint64(37, report.getBigUint64(24, true), true);
      out.setBigUint64(45, report.getBigUint64(32, true), true);
      this.#faults.spoil?.(n, out);
      this.#answer(to, out);
    }
  }

  #answer(to: number, out: DataView): void {
    const client = this.#clients[to];
    if (client === undefined || client.socket.destroyed) return;
    client.seq += 1;
    out.setBigUint64(5, BigInt(client.seq), true);
    client.socket.write(new Uint8Array(out.buffer));
  }
}

/** A router for `runDemo` with the given faults. */
export function standIn(faults: Faults = {}): StartGateway {
  return ({ host, venuePorts }) => new StandIn(faults).open(host, venuePorts);
}
