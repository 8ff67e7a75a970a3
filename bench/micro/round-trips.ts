// From JavaScript into the engine and back, one message at a time, by how the two sides wait; and
// the same through worker_threads' own messages.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type EchoOptions, startEcho } from './memory-echo.js';

const nsPerMs = 1e6;
const answerMs = 5_000;
const noAnswer = `no answer within ${answerMs} ms`;

/** One way to go there and back. */
export interface RoundTrip {
  readonly case: string;
  readonly subject: string;
  /** Starts the other side: one at a time, or two workers would share a CPU. */
  readonly open: () => Promise<OpenRoundTrip>;
}

export interface OpenRoundTrip {
  /** Makes `count` round trips, each checked; returns their nanoseconds. */
  readonly run: (count: number) => Promise<number[]>;
  readonly close: () => Promise<void>;
}

/** Every round trip that is measured; the engine's worker is pinned to `cpu`. */
export function roundTrips(cpu: number): RoundTrip[] {
  const asleep = 'round trip, both sides asleep';
  return [
    {
      case: 'round trip, both sides spinning',
      subject: 'ours',
      open: () => polled({ idle: 'spin', mode: 'poll', cpu }),
    },
    {
      case: 'round trip, JavaScript asleep',
      subject: 'ours',
      open: () => woken({ idle: 'spin', mode: 'wake', cpu }),
    },
    { case: asleep, subject: 'ours', open: () => woken({ idle: 'block', mode: 'wake', cpu }) },
    { case: asleep, subject: 'worker postMessage', open: posted },
  ];
}

async function polled(options: EchoOptions): Promise<OpenRoundTrip> {
  const router = await startEcho(options);
  const app = router.memory('app');
  let answer = -1;
  const take = (batch: Parameters<Parameters<typeof app.poll>[0]>[0]) => {
    while (batch.next()) answer = batch.view.getUint32(batch.offset, true);
  };
  const { out } = app;
  const run = async (count: number) => {
    const samples: number[] = [];
    for (let number = 0; number < count; number++) {
      const start = performance.now();
      send(out, number);
      const end = start + answerMs;
      while (answer !== number) {
        app.poll(take);
        if (answer !== number && performance.now() > end) throw new Error(noAnswer);
      }
      samples.push((performance.now() - start) * nsPerMs);
    }
    return samples;
  };
  return { run, close: () => router.close() };
}

async function woken(options: EchoOptions): Promise<OpenRoundTrip> {
  const router = await startEcho(options);
  const app = router.memory('app');
  let arrived: (answer: number) => void = () => {};
  const stop = app.subscribe((batch) => {
    while (batch.next()) arrived(batch.view.getUint32(batch.offset, true));
  });
  const ask = (number: number) => send(app.out, number);
  const close = async () => {
    stop();
    await router.close();
  };
  const run = (count: number) =>
    oneByOne(count, ask, (handler) => {
      arrived = handler;
    });
  return { run, close };
}

async function posted(): Promise<OpenRoundTrip> {
  const path = fileURLToPath(new URL('../peers/message-echo.js', import.meta.url));
  const worker = new Worker(path);
  let arrived: (answer: number) => void = () => {};
  worker.on('message', (answer: number) => arrived(answer));
  const run = (count: number) =>
    oneByOne(
      count,
      (number) => worker.postMessage(number),
      (handler) => {
        arrived = handler;
      },
    );
  const close = async () => {
    await worker.terminate();
  };
  return { run, close };
}

/** Publishes one message that holds a number. */
function send(
  out: { claim(bytes: number): number; words: Uint32Array; commit(): number; flush(): void },
  number: number,
): void {
  const offset = out.claim(4);
  if (offset < 0) throw new Error(`the ring refused a message: ${offset}`);
  out.words[offset >>> 2] = number;
  out.commit();
  out.flush();
}

/** Asks and awaits the answer in a callback, `count` times. Rejects on a wrong or missing one. */
function oneByOne(
  count: number,
  ask: (number: number) => void,
  onAnswer: (handler: (answer: number) => void) => void,
): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const samples: number[] = [];
    let start = 0;
    const timer = setInterval(() => {
      if (performance.now() - start > answerMs) finish(new Error(noAnswer));
    }, answerMs);
    const finish = (error?: Error) => {
      clearInterval(timer);
      onAnswer(() => {});
      if (error === undefined) resolve(samples);
      else reject(error);
    };
    const next = () => {
      start = performance.now();
      ask(samples.length);
    };
    onAnswer((answer) => {
      const elapsed = performance.now() - start;
      if (answer !== samples.length)
        return finish(new Error(`answer ${answer} to message ${samples.length}`));
      samples.push(elapsed * nsPerMs);
      if (samples.length === count) finish();
      // From a turn of its own, so that each message finds both sides as idle as the first did.
      else setImmediate(next);
    });
    next();
  });
}
