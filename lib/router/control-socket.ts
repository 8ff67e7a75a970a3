// The control socket of a router: a Unix stream socket on which one line of JSON asks and one
// answers. Only the user who runs the router, and root, are listened to.
//
// Thread: the one that started the router. Bounded: clients, bytes of a line, time without one.
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { errorJson, HyperRouteError } from '../errors.js';
import { native } from '../native.js';
import { isRecord } from '../schema/options.js';

/** What a line asks for, as an object of its members. */
export type ControlRequest = Readonly<Record<string, unknown>>;

/** Answers a request; what it throws is the answer too. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

export const controlLineBytesMax = 65_536;
export const controlClientsMax = 16;

/** How long a control socket waits; the fields are there for tests. */
export interface ControlTimes {
  /** A client that asks for nothing for so long is let go. */
  readonly idleMs: number;
  /** After so long the answer is ERR_TIMEOUT, and what was asked for goes on. */
  readonly answerMsMax: number;
}

const usualTimes: ControlTimes = { idleMs: 60_000, answerMsMax: 120_000 };
/** `sockaddr_un` has 108 bytes, the last of them zero. */
const pathBytesMax = 107;
const socketMode = 0o600;

export class ControlSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #handle: ControlHandler;
  readonly #times: ControlTimes;

  private constructor(path: string, handle: ControlHandler, times: ControlTimes) {
    this.path = path;
    this.#handle = handle;
    this.#times = times;
    this.#server = createServer((client) => this.#welcome(client));
  }

  /**
   * Listens at `path`. A socket that a dead process left there is replaced; anything else there,
   * or a socket that answers, rejects with ERR_ADDRESS_IN_USE.
   */
  static async open(
    path: string,
    handle: ControlHandler,
    times: ControlTimes = usualTimes,
  ): Promise<ControlSocket> {
    if (Buffer.byteLength(path) > pathBytesMax || path === '') {
      throw failure('ERR_ADDRESS_INVALID', `control socket: 1 to ${pathBytesMax} bytes: ${path}`);
    }
    await removeStale(path);
    const socket = new ControlSocket(path, handle, times);
    await socket.#listen();
    return socket;
  }

  /** Lets every client go and removes the socket. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'ERR_ADDRESS_IN_USE' : 'ERR_SYSTEM';
        reject(failure(code, `control socket ${this.path}: ${error.message}`, error.errno));
      });
      this.#server.listen(this.path, () => {
        // Whoever connected before this is judged by who it is, like everybody else.
        chmodSync(this.path, socketMode);
        this.#server.unref();
        this.#server.removeAllListeners('error');
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  #welcome(client: Socket): void {
    client.on('error', () => client.destroy());
    if (this.#clients.size >= controlClientsMax || !mayControl(client)) {
      client.destroy();
      return;
    }
    this.#clients.add(client);
    client.unref();
    client.on('close', () => this.#clients.delete(client));
    const { idleMs } = this.#times;
    client.setTimeout(idleMs, () => client.destroy());
    const lines = new Lines(client, async (line) => {
      // Whoever waits for an answer is not idle.
      client.setTimeout(0);
      const answer = await this.#answer(line);
      client.setTimeout(idleMs);
      return answer;
    });
    client.on('data', (bytes) => lines.take(bytes));
  }

  async #answer(line: string): Promise<string> {
    let id: unknown;
    try {
      const request = requestOf(line);
      id = request.id;
      const result = await withinTime(this.#handle(request), this.#times.answerMsMax);
      return JSON.stringify({ id, ok: true, result: result ?? null }, decimal);
    } catch (error) {
      return JSON.stringify({ id, ok: false, error: errorJson(error) }, decimal);
    }
  }
}

/** Throws ERR_CONFIG for what is no request. */
function requestOf(line: string): ControlRequest {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch (error) {
    throw failure('ERR_CONFIG', (error as Error).message);
  }
  if (isRecord(request)) return request;
  throw failure('ERR_CONFIG', 'expected an object');
}

function decimal(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function failure(
  code: 'ERR_ADDRESS_IN_USE' | 'ERR_ADDRESS_INVALID' | 'ERR_SYSTEM' | 'ERR_TIMEOUT' | 'ERR_CONFIG',
  context: string,
  errno?: number,
): HyperRouteError {
  const detail = { context, ...(errno === undefined ? {} : { errno }) };
  if (code !== 'ERR_CONFIG') return new HyperRouteError(code, context, detail);
  const option = { option: 'request', expected: 'one line of JSON, an object', received: context };
  return new HyperRouteError(code, `request: expected one line of JSON: ${context}`, option);
}

/** Whether the peer is the user of this process, or root. */
function mayControl(client: Socket): boolean {
  // Node has no public way to a socket's descriptor; a socket without one is refused.
  const { _handle: handle } = client as Socket & { _handle?: { readonly fd?: number } };
  const uid = native().peerUid(handle?.fd ?? -1);
  return uid === 0 || (uid >= 0 && uid === process.geteuid?.());
}

async function withinTime<T>(work: Promise<T>, answerMsMax: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `no answer within ${answerMsMax / 1000} s; what was asked for goes on`;
    timer = setTimeout(() => reject(failure('ERR_TIMEOUT', text)), answerMsMax).unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts what a client sends into lines; the next is looked at when the one before is answered. */
class Lines {
  readonly #client: Socket;
  readonly #answer: (line: string) => Promise<string>;
  #rest: Buffer = Buffer.alloc(0);
  #working = false;

  constructor(client: Socket, answer: (line: string) => Promise<string>) {
    this.#client = client;
    this.#answer = answer;
  }

  take(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      if (end > controlLineBytesMax) break;
      const line = this.#rest.toString('utf8', 0, end);
      this.#rest = this.#rest.subarray(end + 1);
      if (line.trim() === '') continue;
      // Nothing is read meanwhile, so that what a client may have waiting here is bounded.
      this.#client.pause();
      const answer = await this.#answer(line);
      if (this.#client.destroyed) return;
      this.#client.write(`${answer}\n`);
      this.#client.resume();
    }
    this.#working = false;
    if (this.#rest.length > controlLineBytesMax) this.#client.destroy();
  }
}

/** Removes a socket that nobody listens at. Rejects with ERR_ADDRESS_IN_USE for anything else. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw failure('ERR_ADDRESS_IN_USE', `${path} is there and is no socket`);
  if (await answers(path)) {
    throw failure('ERR_ADDRESS_IN_USE', `another process listens at ${path}`);
  }
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}
