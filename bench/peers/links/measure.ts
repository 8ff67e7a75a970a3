// The two sides of every case for ends in JavaScript: the messages of
// bench/native/links/measure.h, so that either side may be of either language.
//
// A message begins with its kind and number (u64, the kind in the top byte) and a time (u64 ns).
import { setImmediate as turn } from 'node:timers/promises';
import { percentiles } from '../../harness/figures.js';
import { percentileLevels, type Round } from '../../harness/types.js';
import type { Link, OnMessage } from './link.js';

export interface Case {
  readonly name: string;
  readonly subject: string;
  readonly bytes: number;
  readonly count: number;
}

const kindEcho = 0;
const kindCounted = 1;
const kindCountReport = 2;
const kindAt = 7;
const headBytes = 16;
const helloNumber = 2 ** 47;
const helloTryMax = 500;
const helloPauseMs = 20;
const warmupDivisor = 10;
const nsPerMs = 1e6;
const nsPerSecond = 1e9;
const silenceMsMax = 20_000;
/** Messages between two looks at the clock. */
const clockMask = 0x3ff;

function fail(what: string): never {
  process.stderr.write(`${what}\n`);
  process.exit(1);
}

/** Numbers below 2^48; the rest of the seven bytes is zero. */
function writeHead(to: Buffer, kind: number, number: number, timeNs = 0): void {
  to.writeUIntLE(number, 0, 6);
  to[6] = 0;
  to[kindAt] = kind;
  to.writeUIntLE(timeNs, 8, 6);
  to.writeUInt16LE(0, 14);
}

function numberAt(bytes: Uint8Array, offset: number): number {
  let number = 0;
  for (let index = 5; index >= 0; --index) number = number * 256 + (bytes[offset + index] ?? 0);
  return number;
}

async function sendAll(link: Link, message: Uint8Array): Promise<void> {
  const until = performance.now() + silenceMsMax;
  while (!link.send(message)) {
    link.flush();
    if (link.poll === undefined) await turn();
    else link.poll();
    if (performance.now() > until) fail('a message was not taken');
  }
}

/** The answering side: echoes and counts, as each message's kind asks. */
export class Answerer {
  #next = 0;
  #first = 0;
  #last = 0;
  readonly #count: number;
  readonly #answer = Buffer.alloc(1024);
  link: Link | undefined;

  constructor({ count }: Case) {
    this.#count = count;
  }

  readonly onMessage: OnMessage = (bytes, offset, length) => {
    const kind = bytes[offset + kindAt];
    if (kind === kindEcho) {
      this.#answer.set(bytes.subarray(offset, offset + length));
      this.#send(length);
    } else if (kind === kindCounted) {
      this.#take(numberAt(bytes, offset));
    } else if (kind === kindCountReport) {
      const elapsedNs = Math.round((this.#last - this.#first) * nsPerMs);
      writeHead(this.#answer, kindCountReport, this.#next, elapsedNs);
      this.#next = 0;
      this.#send(headBytes);
    } else {
      fail(`a message of kind ${kind}`);
    }
  };

  /** The link is empty or nearly so: an answer is taken. */
  #send(length: number): void {
    if (!this.link?.send(this.#answer.subarray(0, length))) fail('an answer was not taken');
  }

  #take(number: number): void {
    if (number !== this.#next) fail(`expected message ${this.#next}, received ${number}`);
    if (number === 0) this.#first = performance.now();
    this.#next++;
    const isLast = this.#next === this.#count;
    if ((this.#next & clockMask) === 0 || isLast) this.#last = performance.now();
  }
}

/** The measuring side. */
export class Measurer {
  readonly #case: Case;
  readonly #message: Buffer;
  #link: Link | undefined;
  #awaited = -1;
  #kind = kindEcho;
  #onAnswer: (bytes: Uint8Array, offset: number) => void = () => undefined;

  constructor(asked: Case) {
    this.#case = asked;
    this.#message = Buffer.from(Array.from({ length: asked.bytes }, (_, index) => index & 0xff));
  }

  readonly onMessage: OnMessage = (bytes, offset) => {
    if (bytes[offset + kindAt] !== this.#kind) return;
    if (this.#kind === kindEcho && numberAt(bytes, offset) !== this.#awaited) return;
    this.#onAnswer(bytes, offset);
  };

  /** Waits until the other side answers. */
  async connect(link: Link): Promise<void> {
    this.#link = link;
    let isThere = false;
    this.#awaited = helloNumber;
    this.#onAnswer = () => {
      isThere = true;
    };
    writeHead(this.#message, kindEcho, helloNumber);
    for (let attempt = 0; attempt < helloTryMax; ++attempt) {
      link.send(this.#message);
      link.flush();
      await this.#wait(helloPauseMs);
      if (isThere) return;
    }
    fail(`${this.#case.subject}: nobody answers`);
  }

  async roundTrips(): Promise<Round> {
    const { name, subject, count } = this.#case;
    const warmup = Math.max(1, Math.floor(count / warmupDivisor));
    const samples = new Float64Array(count);
    const link = this.#link as Link;
    let number = 0;
    let before = 0;
    let isDone = false;
    const exchange = (): void => {
      this.#awaited = number;
      writeHead(this.#message, kindEcho, number);
      before = performance.now();
      if (!link.send(this.#message)) fail(`${subject}: takes no more`);
    };
    await new Promise<void>((resolve) => {
      this.#onAnswer = () => {
        if (number >= warmup) samples[number - warmup] = (performance.now() - before) * nsPerMs;
        if (++number < warmup + count) return exchange();
        isDone = true;
        resolve();
      };
      exchange();
      link.flush();
      while (link.poll !== undefined && !isDone) link.poll();
    });
    return { case: name, subject, unit: 'ns', n: count, values: percentiles(samples) } as Round;
  }

  /** As fast as the link takes them; the rate is the answering side's, first to last message. */
  async stream(): Promise<Round> {
    const { name, subject, count } = this.#case;
    const link = this.#link as Link;
    for (let number = 0; number < count; ++number) {
      writeHead(this.#message, kindCounted, number);
      if (!link.send(this.#message)) await sendAll(link, this.#message);
    }
    const report = Buffer.alloc(headBytes);
    writeHead(report, kindCountReport, 0);
    let elapsedNs = 0;
    let counted = -1;
    this.#kind = kindCountReport;
    this.#onAnswer = (bytes, offset) => {
      counted = numberAt(bytes, offset);
      elapsedNs = numberAt(bytes, offset + 8);
    };
    await sendAll(link, report);
    link.flush();
    const until = performance.now() + silenceMsMax;
    while (counted < 0 && performance.now() < until) await this.#wait(1);
    if (counted !== count) fail(`${subject}: ${counted} messages of ${count} came`);
    const rate = Math.round(((count - 1) * nsPerSecond) / Math.max(1, elapsedNs));
    return { case: name, subject, unit: 'msg/s', n: count - 1, rate } as Round;
  }

  async #wait(ms: number): Promise<void> {
    const poll = this.#link?.poll;
    if (poll === undefined) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return;
    }
    for (const until = performance.now() + ms; performance.now() < until; ) poll();
  }
}

/** What hyperroute-bench prints, too. */
export function print(round: Round): void {
  process.stdout.write(`${JSON.stringify({ levels: percentileLevels, rounds: [round] })}\n`);
}
