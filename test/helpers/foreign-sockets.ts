// Sockets of Python's socket module, in a process of its own, driven from a test.
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { Program, patienceMs } from './foreign-programs.js';

const script = fileURLToPath(new URL('../e2e/fixtures/sockets.py', import.meta.url));
const seconds = patienceMs / 1000;
/** Long enough to see that nothing comes; only a wrong router makes a test depend on it. */
const silenceSeconds = 0.3;

interface Answer {
  readonly id: number;
  readonly port: number;
  readonly hex: string;
  readonly lines: readonly string[];
  readonly end?: true;
  readonly reset?: true;
  readonly timeout?: true;
  readonly error?: string;
}

/** What a stream gave before it was over, or before enough had come. */
export interface Received {
  readonly bytes: Buffer;
  /** How the stream ended; undefined while it is open. */
  readonly over: 'end' | 'reset' | undefined;
}

/** One python3 process with any number of sockets. Its calls take their turn. */
export class Python {
  readonly #program = new Program('python3', [script]);
  #answered = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws what Python raised. */
  call(call: string, request: object): Promise<Answer> {
    const answer = this.#turn.then(async () => {
      this.#program.write(`${JSON.stringify({ call, ...request })}\n`);
      const lines = () => this.#program.text.split('\n').slice(0, -1);
      const message = `python: ${call} ${JSON.stringify(request).slice(0, 200)}`;
      const patience = { timeout: patienceMs + 5000, interval: 5, message };
      await expect.poll(() => lines().length, patience).toBeGreaterThan(this.#answered);
      const parsed = JSON.parse(lines()[this.#answered] ?? '') as Answer;
      this.#answered += 1;
      if (parsed.error !== undefined) throw new Error(`${message}: ${parsed.error}`);
      return parsed;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async udp(host: string, options: { readonly port?: number } = {}): Promise<DatagramSocket> {
    const { id, port } = await this.call('udp', {
      host,
      receive_buffer_bytes: 4 << 20,
      ...options,
    });
    return new DatagramSocket(this, id, host, port);
  }

  async listen(host: string, port = 0, receiveBufferBytes = 0): Promise<ListeningSocket> {
    const request = { host, port, receive_buffer_bytes: receiveBufferBytes };
    const { id, port: bound } = await this.call('listen', request);
    return new ListeningSocket(this, id, bound);
  }

  async connect(host: string, port: number, receiveBufferBytes = 0): Promise<StreamSocket> {
    const request = { host, port, receive_buffer_bytes: receiveBufferBytes };
    const { id } = await this.call('connect', request);
    return new StreamSocket(this, id);
  }

  /** Ends the process: its sockets close as the kernel closes those of a crashed program. */
  end(): Promise<void> {
    return this.#program.end();
  }
}

class PythonSocket {
  protected readonly python: Python;
  protected readonly id: number;

  constructor(python: Python, id: number) {
    this.python = python;
    this.id = id;
  }

  protected call(call: string, request: object = {}): Promise<Answer> {
    return this.python.call(call, { id: this.id, ...request });
  }

  async close(): Promise<void> {
    await this.call('close');
  }
}

export class DatagramSocket extends PythonSocket {
  readonly host: string;
  readonly port: number;

  constructor(python: Python, id: number, host: string, port: number) {
    super(python, id);
    this.host = host;
    this.port = port;
  }

  /** Sends datagrams to a port of its own host. */
  async send(port: number, ...datagrams: readonly (string | Uint8Array)[]): Promise<void> {
    const hex = datagrams.map((datagram) => Buffer.from(datagram).toString('hex'));
    await this.call('send_to', { host: this.host, port, hex });
  }

  /** The next datagrams; fewer than asked for only after a long time. */
  async receive(count: number): Promise<Buffer[]> {
    const answer = await this.call('receive_from', { count, seconds });
    return (answer.hex as unknown as string[]).map((hex) => Buffer.from(hex, 'hex'));
  }

  /** The next datagrams as text. */
  async texts(count: number): Promise<string[]> {
    return (await this.receive(count)).map((bytes) => bytes.toString());
  }

  /** What comes unexpectedly: an empty list when all is well. */
  async surplus(): Promise<string[]> {
    const answer = await this.call('receive_from', { count: 1, seconds: silenceSeconds });
    return answer.hex as unknown as string[];
  }
}

export class ListeningSocket extends PythonSocket {
  readonly port: number;

  constructor(python: Python, id: number, port: number) {
    super(python, id);
    this.port = port;
  }

  async accept(): Promise<StreamSocket> {
    const { id, timeout } = await this.call('accept', { seconds });
    if (timeout) throw new Error('nobody connected');
    return new StreamSocket(this.python, id);
  }
}

export class StreamSocket extends PythonSocket {
  async send(bytes: string | Uint8Array): Promise<void> {
    await this.call('send', { hex: Buffer.from(bytes).toString('hex') });
  }

  /** Sends `text` so many times, each `#` in it replaced by the index. */
  async sendText(text: string, count: number): Promise<void> {
    await this.call('send_text', { text, count });
  }

  /** Exactly so many bytes, unless the stream ends before. */
  async receive(bytes: number): Promise<Received> {
    return receivedOf(await this.call('receive', { bytes, seconds }));
  }

  async text(bytes: number): Promise<string> {
    return (await this.receive(bytes)).bytes.toString();
  }

  /** The next lines, without their ends; fewer only when the stream is over. */
  async lines(count: number): Promise<readonly string[]> {
    return (await this.call('receive_lines', { count, seconds })).lines;
  }

  /** Everything up to the end of the stream. */
  async rest(): Promise<Received> {
    return receivedOf(await this.call('receive', { bytes: null, seconds }));
  }

  /** What comes unexpectedly: empty and not over when all is well. */
  async surplus(): Promise<Received> {
    return receivedOf(await this.call('receive', { bytes: 1, seconds: silenceSeconds }));
  }

  /** Sends nothing more. */
  async shutdown(): Promise<void> {
    await this.call('shutdown');
  }

  /** Vanishes: a RST instead of an orderly end. */
  async reset(): Promise<void> {
    await this.call('reset');
  }
}

function receivedOf({ hex, end, reset }: Answer): Received {
  const over = end ? 'end' : reset ? 'reset' : undefined;
  return { bytes: Buffer.from(hex, 'hex'), over };
}
