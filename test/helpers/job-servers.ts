// Destinations over TCP of jobs, and of what else begins as they do, in the process of the test,
// that can be made to fail.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A frame begins with its size and its type, then the id. */
const idOffset = 5;

/** `takes`: all that comes. `stalls`: reads nothing. `breaks`: its connection, with what comes. */
export type Manner = 'takes' | 'stalls' | 'breaks';

export class JobServer {
  /** Ids of the jobs it took, in their order. */
  readonly ids: number[] = [];
  /** Connections it broke. */
  brokenCount = 0;
  #manner: Manner = 'takes';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async open(): Promise<JobServer> {
    const made = new JobServer();
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  behave(manner: Manner): void {
    this.#manner = manner;
    for (const socket of this.#sockets) {
      if (manner === 'stalls') socket.pause();
      else socket.resume();
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (this.#manner === 'breaks') {
        this.brokenCount++;
        socket.destroy();
        return;
      }
      rest = Buffer.concat([rest, bytes]);
      let at = 0;
      while (rest.length - at >= 4 && rest.length - at >= rest.readUInt32LE(at)) {
        this.ids.push(rest.readUInt32LE(at + idOffset));
        at += rest.readUInt32LE(at);
      }
      rest = rest.subarray(at);
    });
    if (this.#manner === 'stalls') socket.pause();
  }
}
