// One client, a process of its own: sends orders of protocol A over one TCP connection, at most
// 64 of them without an answer, and writes down what it sent and what came back. Started by the
// demo, which talks to it over the process's message channel; ends when that channel closes.
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { LatencyBuckets } from './latency.js';
import { type OrderTerms, orderSource } from './orders.js';
import { a, FrameReader, messageType, writeNewOrderA } from './protocol.js';
import {
  type ClientMessage,
  type ClientStart,
  orderRow,
  type ParentMessage,
  RowBuffer,
  strayMax,
  strayRow,
} from './records.js';
import { answerTimeoutMs, clOrdIdHigh, inFlightMax } from './rules.js';

const progressIntervalMs = 250;
const scanIntervalMs = 100;
const readBytes = 64 * 1024;

function tell(message: ClientMessage, then?: () => void): void {
  process.send?.(message, undefined, undefined, then);
}

function failure(error: Error): ClientMessage {
  return { type: 'failed', reason: error.message };
}

class Client {
  readonly #start: ClientStart;
  readonly #next: (terms: OrderTerms) => void;
  readonly #terms: OrderTerms = { price: 0, qty: 0 };
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #buckets = new LatencyBuckets();

  readonly #orders: Uint32Array;
  readonly #sentAtMs: Float64Array;
  readonly #latencyNs: Float64Array;
  readonly #strays = new RowBuffer(strayRow.words, strayMax);

  #sentCount = 0;
  #reportCount = 0;
  #rejectCount = 0;
  #lostCount = 0;
  #inFlight = 0;
  /** Row of the oldest order that may still be in flight. */
  #oldest = 0;
  #lostSinceAnswer = 0;
  #strayCount = 0;
  #lastSeq = 0;
  #sequenceErrors = 0;
  #fieldErrors = 0;
  #chunkAtMs = 0;
  #trouble = '';
  #isDone = false;

  constructor(start: ClientStart) {
    this.#start = start;
    this.#next = orderSource(start.seed, start.clientIndex, start.clientCount);
    this.#orders = new Uint32Array(start.orderCount * orderRow.words);
    this.#sentAtMs = new Float64Array(start.orderCount);
    this.#latencyNs = new Float64Array(start.orderCount);
    this.#reader = new FrameReader((view, offset, type) => this.#onFrame(view, offset, type));
    this.#socket = connect({
      host: start.host,
      port: start.port,
      noDelay: true,
      // One buffer for everything that is read: messages are taken from it at once.
      onread: { buffer: new Uint8Array(readBytes), callback: (n, bytes) => this.#onRead(n, bytes) },
    });
    this.#socket.on('connect', () => tell({ type: 'ready' }));
    this.#socket.on('error', (error) => {
      if (this.#socket.connecting || this.#sentCount === 0) tell(failure(error));
      this.#stop(`the connection failed: ${error.message}`);
    });
    this.#socket.on('close', () => this.#stop('the router closed the connection'));
  }

  /** Starts sending. */
  go(): void {
    this.#timers.push(setInterval(() => this.#scan(), scanIntervalMs));
    this.#timers.push(setInterval(() => this.#tellProgress(), progressIntervalMs));
    this.#send();
    this.#checkDone();
  }

  /** Hands over the records and ends the process's work. */
  finish(): void {
    for (const timer of this.#timers) clearInterval(timer);
    const trouble = this.#trouble;
    this.#isDone = true;
    this.#socket.destroy();
    tell(
      {
        type: 'records',
        sentCount: this.#sentCount,
        orders: this.#orders.slice(0, this.#sentCount * orderRow.words),
        latencyNs: this.#latencyNs.slice(0, this.#sentCount),
        strays: this.#strays.finish(),
        strayCount: this.#strayCount,
        sequenceErrors: this.#sequenceErrors,
        fieldErrors: this.#fieldErrors,
        trouble,
      },
      () => process.disconnect?.(),
    );
  }

  /** Sends as many orders as the window allows, in one write. */
  #send(): void {
    const count = Math.min(inFlightMax - this.#inFlight, this.#start.orderCount - this.#sentCount);
    if (count <= 0 || this.#trouble !== '') return;
    const bytes = Buffer.allocUnsafe(count * a.newOrder.bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const sentAtMs = performance.now();
    for (let index = 0; index < count; index += 1) {
      const row = this.#sentCount;
      const { price, qty } = this.#takeTerms();
      this.#orders[row * orderRow.words + orderRow.price] = price;
      this.#orders[row * orderRow.words + orderRow.qty] = qty;
      this.#sentAtMs[row] = sentAtMs;
      writeNewOrderA(view, index * a.newOrder.bytes, row + 1, price, qty, row + 1, clOrdIdHigh);
      this.#sentCount += 1;
    }
    this.#inFlight += count;
    this.#socket.write(bytes);
  }

  #takeTerms(): OrderTerms {
    this.#next(this.#terms);
    return this.#terms;
  }

  #onRead(bytes: number, buffer: Uint8Array): boolean {
    this.#chunkAtMs = performance.now();
    if (!this.#reader.push(buffer, bytes)) {
      this.#stop('the router sent bytes that are no message of protocol A');
      this.#socket.destroy();
      return false;
    }
    this.#send();
    this.#checkDone();
    return true;
  }

  #onFrame(view: DataView, offset: number, type: number): void {
    const seqLow = view.getUint32(offset + a.seq, true);
    const inSequence =
      seqLow === this.#lastSeq + 1 && view.getUint32(offset + a.seq + 4, true) === 0;
    if (!inSequence) this.#sequenceErrors += 1;
    this.#lastSeq = seqLow;
    if (type === messageType.execReport) this.#onReport(view, offset);
    else this.#onReject(view, offset);
  }

  #onReport(view: DataView, offset: number): void {
    const place = a.execReport;
    const idLow = view.getUint32(offset + place.clOrdId, true);
    const idHigh = view.getUint32(offset + place.clOrdId + 4, true);
    const price = view.getUint32(offset + place.price, true);
    const qty = view.getUint32(offset + place.qty, true);
    const start = this.#rowOf(idLow, idHigh);
    const orders = this.#orders;
    const isOwn =
      start >= 0 &&
      orders[start + orderRow.price] === price &&
      orders[start + orderRow.qty] === qty;
    if (!isOwn) {
      this.#stray(messageType.execReport, idLow, idHigh, price, qty);
      return;
    }
    const origLow = view.getUint32(offset + place.origClOrdId, true);
    const origHigh = view.getUint32(offset + place.origClOrdId + 4, true);
    if (origLow !== 0 || origHigh !== 0) this.#fieldErrors += 1;
    this.#answered(start);
    const reports = orders[start + orderRow.reports] ?? 0;
    if (reports === 0) {
      orders[start + orderRow.ordId] = view.getUint32(offset + place.ordId, true);
      orders[start + orderRow.ordId + 1] = view.getUint32(offset + place.ordId + 4, true);
      orders[start + orderRow.execId] = view.getUint32(offset + place.execId, true);
      orders[start + orderRow.execId + 1] = view.getUint32(offset + place.execId + 4, true);
    }
    orders[start + orderRow.reports] = reports + 1;
    this.#reportCount += 1;
  }

  #onReject(view: DataView, offset: number): void {
    const idLow = view.getUint32(offset + a.reject.clOrdId, true);
    const idHigh = view.getUint32(offset + a.reject.clOrdId + 4, true);
    const start = this.#rowOf(idLow, idHigh);
    if (start < 0) {
      this.#stray(messageType.reject, idLow, idHigh, 0, 0);
      return;
    }
    this.#answered(start);
    this.#orders[start + orderRow.rejects] = (this.#orders[start + orderRow.rejects] ?? 0) + 1;
    this.#orders[start + orderRow.code] = view.getUint32(offset + a.reject.code, true);
    this.#rejectCount += 1;
  }

  /** Where the row of an order begins; -1 if this client has sent no such order. */
  #rowOf(idLow: number, idHigh: number): number {
    const isSent = idHigh === clOrdIdHigh && idLow >= 1 && idLow <= this.#sentCount;
    return isSent ? (idLow - 1) * orderRow.words : -1;
  }

  /** Notes the first answer to an order, which makes room in the window unless it came too late. */
  #answered(start: number): void {
    this.#lostSinceAnswer = 0;
    const row = start / orderRow.words;
    if (this.#latencyNs[row] !== 0) return;
    const latencyNs = Math.max(1, (this.#chunkAtMs - (this.#sentAtMs[row] ?? 0)) * 1e6);
    this.#latencyNs[row] = latencyNs;
    this.#buckets.record(latencyNs);
    if (row >= this.#oldest) this.#inFlight -= 1;
  }

  #stray(type: number, idLow: number, idHigh: number, price: number, qty: number): void {
    this.#strayCount += 1;
    const start = this.#strays.add();
    if (start < 0) return;
    const words = this.#strays.words;
    words[start + strayRow.type] = type;
    words[start + strayRow.clOrdId] = idLow;
    words[start + strayRow.clOrdId + 1] = idHigh;
    words[start + strayRow.price] = price;
    words[start + strayRow.qty] = qty;
  }

  /** Gives up orders that were not answered in time; they leave the window. */
  #scan(): void {
    const limitMs = performance.now() - answerTimeoutMs;
    while (this.#oldest < this.#sentCount) {
      const isAnswered = this.#latencyNs[this.#oldest] !== 0;
      if (!isAnswered && (this.#sentAtMs[this.#oldest] ?? 0) > limitMs) break;
      if (!isAnswered) {
        this.#inFlight -= 1;
        this.#lostCount += 1;
        this.#lostSinceAnswer += 1;
      }
      this.#oldest += 1;
    }
    if (this.#lostSinceAnswer >= inFlightMax) {
      this.#stop(`${inFlightMax} orders in a row were not answered within ${answerTimeoutMs} ms`);
    }
    this.#send();
    this.#checkDone();
  }

  /** Sends no more. What is in flight may still be answered while the connection lasts. */
  #stop(trouble: string): void {
    if (this.#isDone || this.#trouble !== '') return;
    this.#trouble = trouble;
    this.#isDone = true;
    this.#tellProgress();
    tell({ type: 'done' });
  }

  #checkDone(): void {
    if (this.#isDone || this.#inFlight > 0 || this.#sentCount < this.#start.orderCount) return;
    this.#isDone = true;
    this.#tellProgress();
    tell({ type: 'done' });
  }

  #tellProgress(): void {
    tell({
      type: 'progress',
      sentCount: this.#sentCount,
      reportCount: this.#reportCount,
      rejectCount: this.#rejectCount,
      lostCount: this.#lostCount,
      latencyDelta: this.#buckets.take(),
    });
  }
}

let client: Client | undefined;
process.on('message', (message: ParentMessage) => {
  if (message.type === 'start' && 'clientIndex' in message) client = new Client(message);
  if (message.type === 'go') client?.go();
  if (message.type === 'finish') client?.finish();
});
// The parent decides when this process ends: an interrupt at the terminal reaches it first, and
// a parent that died takes the channel with it.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
