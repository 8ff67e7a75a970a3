// The router and the world around it: workers that come and go by `hyperroute ctl`, caches that
// come and go with the addresses of a name, and a client that never stops asking.
//
//   node dist/examples/dynamic-scaling/show.js
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expectThat, host, Program, sayMistakes, sleep } from '../common/world.js';
import { hyperroute, RouterProcess } from './command.js';
import { NameServer } from './names.js';
import { cachePort, Request, workerPort } from './router.config.js';

const port = Number(process.env.SCALING_PORT ?? 9680);
const clientCount = 1000;
const perTurn = 100;
const patienceMs = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-scaling-'));
const control = join(folder, 'control');
/** Every server that there ever was, also those that get nothing any more. */
const servers = new Map<string, Program>();

async function start(name: string, address: string, at: number): Promise<void> {
  const url = new URL('./server.js', import.meta.url);
  servers.set(name, await Program.start(url, [address, at]));
}

function startWorker(number: number): Promise<void> {
  return start(`worker${number}`, host, workerPort(port, number));
}

function startCache(number: number): Promise<void> {
  return start(`cache${number}`, `127.0.0.${number}`, cachePort(port));
}

async function counts(): Promise<ReadonlyMap<string, number>> {
  const all = [...servers].map(async ([name, server]) => {
    return [name, await server.ask<number>('count')] as const;
  });
  return new Map(await Promise.all(all));
}

/** Who gets something during a while, of those whose names begin so. */
async function who(gets: string): Promise<string> {
  const before = await counts();
  await sleep(200);
  const after = await counts();
  const busy = [...after].filter(([name, count]) => count > (before.get(name) ?? 0));
  const names = busy.map(([name]) => name).filter((name) => name.startsWith(gets));
  return names.sort().join(' ');
}

/** Waits until just these get something. */
async function expectWho(gets: string, names: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let now = await who(gets);
  while (now !== names && performance.now() < deadline) now = await who(gets);
  expectThat(`${names} get requests, not ${now}`, now === names);
  console.log(`  busy: ${now}`);
}

/** Asks the router for something on its control socket, and prints what it says. */
async function ctl(...words: readonly string[]): Promise<void> {
  console.log(`hyperroute ctl scaling ${words.join(' ').replaceAll(/:\d+$/g, ':…')}`);
  const printed = await hyperroute('ctl', control, ...words);
  for (const line of printed.trimEnd().split('\n')) console.log(`  ${line.trimEnd()}`);
}

const names = await NameServer.start(['127.0.0.2']);
await Promise.all([startWorker(1), startWorker(2), startCache(2)]);
const config = fileURLToPath(new URL('./router.config.js', import.meta.url));
const router = await RouterProcess.start(
  ['--control', control, '--counters', join(folder, 'counters'), config],
  { SCALING_PORT: String(port), SCALING_RESOLVER: names.resolver },
);
const socket = connect(port, host);
await once(socket, 'connect');

let sentCount = 0;
let isAsking = true;

/** Work and reads of every client, in turn, until it is told to stop. */
async function ask(): Promise<void> {
  while (isAsking) {
    const bytes = Buffer.alloc(perTurn * Request.bytesMax);
    for (let index = 0; index < perTurn; index += 1) {
      const client = sentCount % clientCount;
      const place = bytes.subarray(index * Request.bytesMax, (index + 1) * Request.bytesMax);
      Request.encode({ client, number: sentCount, kind: index % 2 === 0 ? 'work' : 'read' }, place);
      sentCount += 1;
    }
    if (!socket.write(bytes)) await once(socket, 'drain');
    await sleep(5);
  }
}

const asking = ask();
await expectWho('worker', 'worker1 worker2');

console.log('worker3 starts');
await startWorker(3);
await ctl('add', 'workers', 'worker3', '--like', 'worker1', '--remote', `${host}:${port + 3}`);
await expectWho('worker', 'worker1 worker2 worker3');
await ctl('reweight', 'workers', 'worker3=4');
await ctl('drain', 'worker1');
await expectWho('worker', 'worker2 worker3');
await ctl('undrain', 'worker1');
await expectWho('worker', 'worker1 worker2 worker3');
await ctl('remove', 'workers', 'worker2', '--max-moved', '0.5');
await expectWho('worker', 'worker1 worker3');

console.log('the name of the caches gets another address, then loses its first one');
await expectWho('cache', 'cache2');
await startCache(3);
names.addresses = ['127.0.0.2', '127.0.0.3'];
await expectWho('cache', 'cache2 cache3');
names.addresses = ['127.0.0.3'];
await expectWho('cache', 'cache3');

isAsking = false;
await asking;
const deadline = performance.now() + patienceMs;
let arrivedCount = 0;
while (arrivedCount < sentCount && performance.now() < deadline) {
  await sleep(20);
  arrivedCount = [...(await counts()).values()].reduce((sum, count) => sum + count, 0);
}
const lists = await Promise.all(
  [...servers.values()].map((server) => server.ask<number[]>('numbers')),
);
const numbers = lists.flat();
const missing = sentCount - new Set(numbers).size;
const twice = numbers.length - new Set(numbers).size;
expectThat('everything arrives once', missing === 0 && twice === 0);
console.log(`(${sentCount} this time) requests: ${missing} lost, ${twice} at two servers`);

socket.destroy();
expectThat('the router ends well', (await router.end()) === 0);
names.close();
for (const server of servers.values()) await server.kill();
rmSync(folder, { recursive: true });
sayMistakes();
