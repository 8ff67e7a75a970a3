// A bad network between processes on this machine: a UDP proxy that loses, delays, reorders,
// duplicates and corrupts what passes, swallows what is too large, and can be cut. Clients send to
// its port as if it were the server's; the server sees each at a port of the proxy's own.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Impairments, LossyPath, type PathCounts } from './lossy-path.js';

/** `up`: from clients to the server. */
export type Way = 'up' | 'down';

export interface ProxyOptions {
  readonly serverPort: number;
  readonly seed: number;
  /** Of both ways, until impair() says otherwise. */
  readonly impairments?: Partial<Impairments>;
  /** Clients at a time; a further one takes over the port of the oldest, as behind a NAT. */
  readonly clientsMax?: number;
}

const host = '127.0.0.1';
const clientsMaxDefault = 64;
const bufferBytes = 4 << 20;
/** Datagrams that may wait for the kernel; it takes those on loopback at once. */
const sendQueueMax = 4096;
/** The newest ones of each way that are kept. */
export const recordedCountMax = 4096;

/** A client and the port that the server knows it by. */
interface Flow {
  clientPort: number;
  readonly back: Socket;
}

export class LossyProxy {
  readonly #options: ProxyOptions;
  readonly #front = createSocket({ type: 'udp4', recvBufferSize: bufferBytes });
  readonly #flows: Flow[] = [];
  readonly #paths: Record<Way, LossyPath<Flow>>;
  readonly #recorded: Record<Way, Buffer[]> = { up: [], down: [] };
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #isClosed = false;
  /** Datagrams that were put in by inject(). */
  injected = 0;
  /** Datagrams that the kernel would not take. */
  refused = 0;

  static async open(options: ProxyOptions): Promise<LossyProxy> {
    const proxy = new LossyProxy(options);
    proxy.#front.bind(0, host);
    await once(proxy.#front, 'listening');
    return proxy;
  }

  private constructor(options: ProxyOptions) {
    this.#options = options;
    const { seed, impairments = {}, serverPort } = options;
    this.#paths = {
      up: new LossyPath(seed, impairments, (datagram, { back }) => {
        this.#send(back, datagram, serverPort);
      }),
      down: new LossyPath(seed + 1, impairments, (datagram, { clientPort }) => {
        this.#send(this.#front, datagram, clientPort);
      }),
    };
    this.#front.on('message', (datagram, { port }) => this.#pass('up', datagram, this.#flow(port)));
    this.#front.on('error', () => this.#countRefused());
  }

  /** Where clients send to. */
  get port(): number {
    return this.#front.address().port;
  }

  counts(way: Way): Readonly<PathCounts> {
    return this.#paths[way].counts;
  }

  /** The newest datagrams that entered, the oldest first, whatever became of them. */
  recorded(way: Way): readonly Buffer[] {
    return this.#recorded[way];
  }

  /** Changes the path from the next datagram on; what is not named stays as it is. */
  impair(impairments: Partial<Impairments>, ways: readonly Way[] = ['up', 'down']): void {
    for (const way of ways) {
      this.#paths[way].impairments = { ...this.#paths[way].impairments, ...impairments };
      this.#paths[way].forgetLargest();
    }
  }

  /** Nothing passes until heal(); what is under way arrives. */
  partition(ways: readonly Way[] = ['up', 'down']): void {
    for (const way of ways) this.#paths[way].isPartitioned = true;
  }

  heal(): void {
    for (const way of ['up', 'down'] as const) this.#paths[way].isPartitioned = false;
  }

  /**
   * Puts a datagram behind the bad part of the path, from the address that the other end knows:
   * what somebody sends who is on the way. Goes to the newest client, or to the server as if from
   * it. There has to be one.
   */
  inject(way: Way, datagram: Buffer): void {
    const flow = this.#flows.at(-1);
    if (flow === undefined) throw new Error('inject: there is no client yet');
    this.injected += 1;
    if (way === 'up') this.#send(flow.back, datagram, this.#options.serverPort);
    else this.#send(this.#front, datagram, flow.clientPort);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#front.close();
    for (const { back } of this.#flows) back.close();
  }

  #flow(clientPort: number): Flow {
    const known = this.#flows.find((flow) => flow.clientPort === clientPort);
    if (known !== undefined) return known;
    const { clientsMax = clientsMaxDefault } = this.#options;
    const oldest = this.#flows.length < clientsMax ? undefined : this.#flows.shift();
    const flow = oldest ?? this.#newFlow();
    flow.clientPort = clientPort;
    this.#flows.push(flow);
    return flow;
  }

  #newFlow(): Flow {
    const back = createSocket({ type: 'udp4', recvBufferSize: bufferBytes });
    const flow = { clientPort: 0, back };
    back.on('message', (datagram, { port }) => {
      if (port === this.#options.serverPort) this.#pass('down', datagram, flow);
    });
    back.on('error', () => this.#countRefused());
    back.bind(0, host);
    return flow;
  }

  #pass(way: Way, datagram: Buffer, flow: Flow): void {
    const recorded = this.#recorded[way];
    // In blocks, so that forgetting costs little a datagram.
    if (recorded.length === 2 * recordedCountMax) recorded.splice(0, recordedCountMax);
    recorded.push(datagram);
    this.#paths[way].take(datagram, flow, performance.now());
    this.#schedule();
  }

  #send(socket: Socket, datagram: Buffer, port: number): void {
    if (this.#isClosed) return;
    if (socket.getSendQueueCount() >= sendQueueMax) this.#countRefused();
    else socket.send(datagram, port, host);
  }

  #countRefused(): void {
    this.refused += 1;
  }

  #schedule(): void {
    const { up, down } = this.#paths;
    const dueMs = Math.min(up.nextDueMs(), down.nextDueMs());
    if (dueMs >= this.#timerMs || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, dueMs - performance.now()));
  }

  #run(): void {
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    this.#paths.up.run(nowMs);
    this.#paths.down.run(nowMs);
    this.#schedule();
  }
}
