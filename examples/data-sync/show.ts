// The world around the router: two writers, three replicas, a dashboard and an auditor; all but the
// writers are processes. Stops and kills some, and shows that the replicas end equal.
//
//   node dist/examples/data-sync/show.js      while router.config.ts runs
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { expectThat, Frames, host, Program, sayMistakes, sleep } from '../common/world.js';
import { auditEvery, Update } from './router.config.js';

const port = Number(process.env.SYNC_PORT ?? 9660);
const keyCount = 1000;
/** More than the buffers of a connection hold. */
const manyCount = 30_000;
const someCount = 10_000;
const batch = 100;
const patienceMs = 10_000;

interface State {
  readonly keyCount: number;
  readonly digest: string;
  readonly missedCount: number;
  /** By writer: the number of its last update. */
  readonly last: readonly [number, number];
}

function startAt(at: number, kind: 'replica' | 'watcher'): Promise<Program> {
  return Program.start(new URL(`./${kind}.js`, import.meta.url), [port + at, at]);
}

/** Writes keys that other writers write too, as fast as the router takes them. */
class Writer {
  readonly number: number;
  written = 0;
  refused = 0;
  readonly #socket: Socket;

  constructor(number: number, socket: Socket) {
    this.number = number;
    this.#socket = socket;
    const frames = new Frames();
    socket.on('data', (bytes) => {
      for (const _frame of frames.take(bytes)) this.refused += 1;
    });
  }

  static async open(number: number): Promise<Writer> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new Writer(number, socket);
  }

  async write(count: number): Promise<void> {
    for (let done = 0; done < count; done += batch) {
      const bytes = Buffer.concat(Array.from({ length: batch }, () => this.#update()));
      if (!this.#socket.write(bytes)) await once(this.#socket, 'drain');
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #update(): Uint8Array {
    this.written += 1;
    const value = new Uint8Array(200).fill((this.written + this.number) % 251);
    const bytes = new Uint8Array(Update.bytesMax);
    const key = (this.written * (6 + this.number)) % keyCount;
    Update.encode({ writer: this.number, number: this.written, key, value }, bytes);
    return bytes;
  }
}

const replicas = await Promise.all([1, 2, 3].map((at) => startAt(at, 'replica')));
const [dashboard, auditor] = (await Promise.all([4, 5].map((at) => startAt(at, 'watcher')))) as [
  Program,
  Program,
];
// The router tries their ports every 100 ms.
await sleep(300);
const writers = await Promise.all([1, 2].map((number) => Writer.open(number)));

function write(count: number): Promise<unknown> {
  return Promise.all(writers.map((writer) => writer.write(count)));
}

function states(some: readonly Program[]): Promise<State[]> {
  return Promise.all(some.map((replica) => replica.ask<State & object>('state')));
}

/** Whether each has the last update of each writer. */
function areCurrent(some: readonly State[]): boolean {
  return some.every(({ last }) => writers.every(({ written }, index) => last[index] === written));
}

function areEqual(all: readonly State[]): boolean {
  return areCurrent(all) && all.every(({ digest }) => digest === all[0]?.digest);
}

/** Asks these replicas until it is so, or it has taken too long; returns what they said last. */
async function statesWhen(
  isSo: (states: readonly State[]) => boolean,
  some: readonly Program[],
): Promise<State[]> {
  const deadline = performance.now() + patienceMs;
  let last = await states(some);
  while (!isSo(last) && performance.now() < deadline) {
    await sleep(50);
    last = await states(some);
  }
  return last;
}

/** Waits until all replicas have the last update of each writer, and the same values. */
async function end(what: string): Promise<void> {
  const all = await statesWhen(areEqual, replicas);
  const total = writers.reduce((sum, { written }) => sum + written, 0);
  expectThat(`the replicas end equal: ${what}`, areEqual(all));
  const [first] = all;
  console.log(`  ${total} updates of ${first?.keyCount} keys: the replicas are equal`);
}

console.log('two writers, of the same keys');
await write(someCount);
await end('at first');

console.log('the dashboard hangs');
const shownBefore = await dashboard.ask<number>('count');
dashboard.signal('SIGSTOP');
await write(manyCount);
await end('without the dashboard');
dashboard.signal('SIGCONT');
await sleep(300);
const missed = 2 * manyCount - ((await dashboard.ask<number>('count')) - shownBefore);
expectThat('the dashboard misses some', missed > 0);
console.log(`  it missed (${missed} this time) of ${2 * manyCount}, and nobody waited for it`);

console.log('a replica hangs');
replicas[1]?.signal('SIGSTOP');
await write(someCount);
// Its probes fail twice, 200 ms apart, and the others go on without it.
await sleep(700);
await write(batch);
const others = replicas.filter((_one, index) => index !== 1);
expectThat('the others go on', areCurrent(await statesWhen(areCurrent, others)));
replicas[1]?.signal('SIGCONT');
await sleep(500);
// The next update shows it that it has missed some.
await write(batch);
await end('after a replica hung');
const [, hung] = await states(replicas);
const noticed = (hung?.missedCount ?? 0) > 1;
expectThat('the replica notices', noticed);
console.log(`  it noticed, and had a copy: ${noticed}`);

console.log('a replica is killed and starts with nothing');
const writing = write(someCount);
await replicas[2]?.kill();
replicas[2] = await startAt(3, 'replica');
await writing;
await sleep(300);
await write(batch);
await end('after a replica was killed');

const total = writers.reduce((sum, { written }) => sum + written, 0);
const audited = await auditor.ask<number>('count');
expectThat(`one of ${auditEvery} is audited`, audited === Math.ceil(total / auditEvery));
console.log(`the auditor saw ${audited} of ${total}`);
const refused = writers.reduce((sum, writer) => sum + writer.refused, 0);
expectThat('nothing is refused', refused === 0);
console.log(`refused: ${refused}`);

for (const writer of writers) writer.close();
for (const program of [...replicas, dashboard, auditor]) await program.kill();
sayMistakes();
