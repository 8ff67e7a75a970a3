// A client: asks, asks again what nobody has answered, and counts what becomes of it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { rejectCodes } from 'hyperroute';
import { Frames, host, until } from '../common/world.js';
import { Ask, Done, Refused } from './router.config.js';

/** What was in the hands of a server that died is asked again after so long. */
const againAfterMs = 250;
const windowMax = 200;
const codeNames = new Map<number, string>(
  Object.entries(rejectCodes).map(([name, code]) => [code, name]),
);

type Kind = 'work' | 'entry';

interface Waiting {
  readonly account: number;
  readonly kind: Kind;
  askedMs: number;
}

export class Client {
  /** What became of asks, and how many were asked more than once. */
  answeredCount = 0;
  refusedCount = 0;
  againCount = 0;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;
  /** By account: the number of the server, or the name of the code it was refused with. */
  #outcome = new Map<number, number | string>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const frames = new Frames();
    socket.on('data', (bytes) => {
      for (const frame of frames.take(bytes)) this.#take(frame);
    });
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new Client(socket);
  }

  /**
   * Asks `count` times, for one account after the other, some at a time. Ends when each ask is
   * answered or refused; returns what became of the last one of each account.
   */
  async ask(
    count: number,
    accountCount: number,
    kind: Kind = 'work',
  ): Promise<ReadonlyMap<number, number | string>> {
    this.#outcome = new Map();
    const retry = setInterval(() => this.#askAgain(), againAfterMs / 5);
    try {
      for (let index = 0; index < count; index += 1) {
        await until('answers', () => this.#waiting.size < windowMax);
        this.#number += 1;
        const ask = { account: index % accountCount, kind, askedMs: performance.now() };
        this.#waiting.set(this.#number, ask);
        this.#send(this.#number, ask);
      }
      await until('the last answers', () => this.#waiting.size === 0);
    } finally {
      clearInterval(retry);
    }
    return this.#outcome;
  }

  /** Waits until some more asks are answered. */
  async more(count: number): Promise<void> {
    const enough = this.answeredCount + count;
    await until(`${count} answers`, () => this.answeredCount >= enough);
  }

  close(): void {
    this.#socket.destroy();
  }

  #askAgain(): void {
    const nowMs = performance.now();
    for (const [number, ask] of this.#waiting) {
      if (nowMs - ask.askedMs < againAfterMs) continue;
      ask.askedMs = nowMs;
      this.againCount += 1;
      this.#send(number, ask);
    }
  }

  #send(number: number, { account, kind }: Waiting): void {
    const bytes = new Uint8Array(Ask.bytesMax);
    Ask.encode({ number, account, kind }, bytes);
    this.#socket.write(bytes);
  }

  #take(frame: Buffer): void {
    const isDone = frame.length === Done.bytesMax;
    const { number } = isDone ? Done.decode(frame) : Refused.decode(frame);
    const ask = this.#waiting.get(number);
    // The answer of somebody who was late: it was asked again, and has been answered.
    if (ask === undefined) return;
    this.#waiting.delete(number);
    if (isDone) {
      this.answeredCount += 1;
      this.#outcome.set(ask.account, Done.decode(frame).server);
      return;
    }
    this.refusedCount += 1;
    const { code } = Refused.decode(frame);
    this.#outcome.set(ask.account, codeNames.get(code) ?? String(code));
  }
}
