// One venue, a process of its own: takes orders of protocol B over UDP, writes each down, and
// answers with an execution report that echoes its ids. Started by the demo, which talks to it
// over the process's message channel; ends when that channel closes.
import { createSocket, type Socket } from 'node:dgram';
import process from 'node:process';
import { ownUdpDrops } from './kernel.js';
import { b, isNewOrderB, writeExecReportB } from './protocol.js';
import {
  type ParentMessage,
  RowBuffer,
  type VenueMessage,
  type VenueStart,
  venueRow,
} from './records.js';
import { receiveBufferBytes } from './rules.js';

const progressIntervalMs = 250;
const sendBufferBytes = 4 << 20;

function tell(message: VenueMessage, then?: () => void): void {
  process.send?.(message, undefined, undefined, then);
}

class Venue {
  readonly #start: VenueStart;
  readonly #socket: Socket;
  readonly #rows: RowBuffer;
  readonly #progress: NodeJS.Timeout;
  #orderCount = 0;
  #toldCount = 0;
  #lastSeq = 0;
  #malformedCount = 0;
  #unrecordedCount = 0;
  #sequenceErrors = 0;

  constructor(start: VenueStart) {
    this.#start = start;
    this.#rows = new RowBuffer(venueRow.words, start.recordMax);
    this.#socket = createSocket({
      type: 'udp4',
      recvBufferSize: receiveBufferBytes,
      sendBufferSize: sendBufferBytes,
      // Only numeric addresses occur: answering at once saves a resolver's round for each report.
      lookup: (host, _options, callback) => callback(null, host, 4),
    });
    this.#socket.on('message', (bytes, sender) =>
      this.#onOrder(bytes, sender.port, sender.address),
    );
    this.#socket.on('error', (error) => tell({ type: 'failed', reason: error.message }));
    this.#socket.bind(0, start.host, () => this.#ready());
    this.#progress = setInterval(() => this.#tellProgress(), progressIntervalMs);
  }

  /** Hands over the records and ends the process's work. */
  finish(): void {
    clearInterval(this.#progress);
    const kernelDrops = ownUdpDrops();
    this.#socket.close();
    tell(
      {
        type: 'records',
        orders: this.#rows.finish(),
        orderCount: this.#rows.rowCount,
        unrecordedCount: this.#unrecordedCount,
        malformedCount: this.#malformedCount,
        sequenceErrors: this.#sequenceErrors,
        kernelDrops,
      },
      () => process.disconnect?.(),
    );
  }

  #ready(): void {
    const { port } = this.#socket.address();
    tell({ type: 'ready', port, receiveBufferBytes: this.#socket.getRecvBufferSize() });
  }

  #onOrder(bytes: Buffer, port: number, address: string): void {
    const order = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!isNewOrderB(order, bytes.length)) {
      this.#malformedCount += 1;
      return;
    }
    this.#orderCount += 1;
    const seqLow = order.getUint32(b.seq, true);
    // The router counts what it sent here: a gap or a repeat is a datagram lost or doubled.
    const inSequence = seqLow === this.#lastSeq + 1 && order.getUint32(b.seq + 4, true) === 0;
    if (!inSequence) this.#sequenceErrors += 1;
    this.#lastSeq = seqLow;
    if (!this.#record(order)) return;
    // Kept by the socket until it is sent, so each report has bytes of its own.
    const report = Buffer.allocUnsafe(b.execReport.bytes);
    const view = new DataView(report.buffer, report.byteOffset, report.length);
    const execIdLow = this.#rows.rowCount;
    writeExecReportB(view, order, this.#orderCount, execIdLow, this.#start.venueIndex + 1);
    this.#socket.send(report, port, address);
  }

  #record(order: DataView): boolean {
    const start = this.#rows.add();
    if (start < 0) {
      this.#unrecordedCount += 1;
      return false;
    }
    const words = this.#rows.words;
    const place = b.newOrder;
    words[start + venueRow.price] = order.getUint32(place.price, true);
    words[start + venueRow.qty] = order.getUint32(place.qty, true);
    words[start + venueRow.ordId] = order.getUint32(place.ordId, true);
    words[start + venueRow.ordId + 1] = order.getUint32(place.ordId + 4, true);
    words[start + venueRow.clOrdId] = order.getUint32(place.clOrdId, true);
    words[start + venueRow.clOrdId + 1] = order.getUint32(place.clOrdId + 4, true);
    return true;
  }

  #tellProgress(): void {
    if (this.#toldCount === this.#orderCount) return;
    this.#toldCount = this.#orderCount;
    tell({ type: 'progress', orderCount: this.#orderCount });
  }
}

let venue: Venue | undefined;
process.on('message', (message: ParentMessage) => {
  if (message.type === 'start' && 'venueIndex' in message) venue = new Venue(message);
  if (message.type === 'finish') venue?.finish();
});
// The parent decides when this process ends: an interrupt at the terminal reaches it first, and
// a parent that died takes the channel with it.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
