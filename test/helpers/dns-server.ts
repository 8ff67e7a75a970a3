// A DNS server on loopback that knows A records by heart, for tests of host names.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const headerBytes = 12;
const typeA = 1;
const nameError = 3;
const serverFailure = 2;

export class DnsServer {
  /** IPv4 addresses by name; a name that is not here does not exist. */
  readonly records = new Map<string, readonly string[]>();
  /** Answers 'server failure' to everything. */
  broken = false;
  /** Questions that were answered. */
  answered = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (question, { port, address }) => {
      const answer = this.#answer(question);
      this.answered++;
      socket.send(answer, port, address);
    });
  }

  static async open(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  /** `address:port` of the server. */
  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(question: Buffer): Buffer {
    const { name, end } = nameIn(question);
    const type = question.readUInt16BE(end);
    const known = this.records.get(name);
    const addresses = type === typeA ? (known ?? []) : [];
    const header = Buffer.alloc(headerBytes);
    question.copy(header, 0, 0, 2);
    const code = this.broken ? serverFailure : known === undefined ? nameError : 0;
    // A response, with recursion asked for and available.
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(code === 0 ? addresses.length : 0, 6);
    const records = code === 0 ? addresses.map(recordOf) : [];
    return Buffer.concat([header, question.subarray(headerBytes, end + 4), ...records]);
  }
}

/** The name that a question asks for, and where it ends. */
function nameIn(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let bytes = question[at] ?? 0; bytes > 0; bytes = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + bytes));
    at += bytes + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  // The name is the question's.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(1, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return record;
}
