// A DNS server that knows one name and its IPv4 addresses, which may change.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { host } from '../common/world.js';

const headerBytes = 12;
const typeAndClassBytes = 4;
const typeA = 1;

export class NameServer {
  addresses: readonly string[];
  readonly #socket: Socket;

  private constructor(socket: Socket, addresses: readonly string[]) {
    this.#socket = socket;
    this.addresses = addresses;
    socket.on('message', (query, { port, address }) => {
      const answer = this.#answer(query);
      if (answer !== null) socket.send(answer, port, address);
    });
  }

  static async start(addresses: readonly string[]): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new NameServer(socket, addresses);
  }

  /** `address:port`, as the option `resolver` has it. */
  get resolver(): string {
    return `${host}:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  /** Null of what is too short to be a question: there is nobody to tell. */
  #answer(query: Buffer): Buffer | null {
    // A name is labels with their sizes, then a zero; type and class follow.
    let end = headerBytes;
    for (let bytes = query[end] ?? 0; bytes > 0; bytes = query[end] ?? 0) end += bytes + 1;
    end += 1;
    if (query.length < end + typeAndClassBytes) return null;
    const addresses = query.readUInt16BE(end) === typeA ? this.addresses : [];
    const header = Buffer.alloc(headerBytes);
    query.copy(header, 0, 0, 2);
    // An answer, with recursion asked for and available; one question.
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((address) => {
      // The name of the question, type A, class IN, a second to live, four bytes.
      const fixed = [0xc0, 0x0c, 0, typeA, 0, 1, 0, 0, 0, 1, 0, 4];
      return Buffer.from([...fixed, ...address.split('.').map(Number)]);
    });
    return Buffer.concat([
      header,
      query.subarray(headerBytes, end + typeAndClassBytes),
      ...records,
    ]);
  }
}
