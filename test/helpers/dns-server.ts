// A DNS server on loopback that knows A and AAAA records by heart, for tests of host names.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const headerBytes = 12;
const typeA = 1;
const typeAaaa = 28;
const nameError = 3;
const serverFailure = 2;

export class DnsServer {
  /** IPv4 addresses by name; a name that is not here does not exist. */
  readonly records = new Map<string, readonly string[]>();
  /** IPv6 addresses by name, of names that are among `records`. */
  readonly records6 = new Map<string, readonly string[]>();
  /** Answers 'server failure' to everything. */
  broken = false;
  /** Answers 'server failure' to questions for IPv4 addresses. */
  brokenFor4 = false;
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
    const known6 = type === typeAaaa ? this.records6.get(name) : undefined;
    const addresses = type === typeA ? (known ?? []) : (known6 ?? []);
    const isBroken = this.broken || (this.brokenFor4 && type === typeA);
    const header = Buffer.alloc(headerBytes);
    question.copy(header, 0, 0, 2);
    const code = isBroken ? serverFailure : known === undefined ? nameError : 0;
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
  const bytes = address.includes(':') ? bytes6(address) : address.split('.').map(Number);
  const record = Buffer.alloc(12 + bytes.length);
  // The name is the question's.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(bytes.length === 4 ? typeA : typeAaaa, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(1, 6);
  record.writeUInt16BE(bytes.length, 10);
  record.set(bytes, 12);
  return record;
}

/** The 16 bytes of an address. */
function bytes6(address: string): number[] {
  const [before = '', after = ''] = address.split('::');
  const groups = (text: string): number[] =>
    text.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)]));
  const [first, last] = [groups(before), groups(after)];
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 255]);
}
