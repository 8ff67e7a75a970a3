// The router's program and the world around it: two thousand devices over UDP and TCP, the
// collector, and those who get alarms, statuses and samples.
//
//   node dist/examples/iot-aggregation/show.js
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { expectThat, Frames, host, Program, sayMistakes, until } from '../common/world.js';
import { Alarm, Reading, Refused, Status, Summary, Taken } from './messages.js';
import { ownCodes } from './router.config.js';

const port = Number(process.env.IOT_PORT ?? 9700);
const siteCount = 20;
const deviceCount = 2000;
const roundCount = 5;
/** So many have a socket of their own, the others the connections of their sites. */
const udpCount = 500;
const underWayMax = 100;
const sizeBytes = 2;

/** A native message begins with the number of its type. */
function isOne(message: Buffer, type: { readonly templateId: bigint }): boolean {
  return BigInt(message.readUInt16LE(0)) === type.templateId;
}

class World {
  readonly summaries: ReturnType<typeof Summary.decode>[] = [];
  readonly statuses: number[] = [];
  readonly alarms: number[] = [];
  readonly inNeed: number[] = [];
  samples = 0;
  taken = 0;
  readonly refused = new Map<number, number>();

  get answered(): number {
    return [...this.refused.values()].reduce((sum, count) => sum + count, this.taken);
  }

  /** What a device hears. */
  answer(message: Buffer): void {
    if (isOne(message, Taken)) {
      this.taken += 1;
      return;
    }
    const { code } = Refused.decode(message);
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  /** What the collector gets. */
  collect(message: Buffer): void {
    if (isOne(message, Summary)) this.summaries.push(Summary.decode(message));
    else this.statuses.push(Status.decode(message).device);
  }
}

const world = new World();

async function listen(at: number, take: (message: Buffer) => void): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.on('message', take);
  socket.bind(port + at, host);
  await once(socket, 'listening');
  return socket;
}

const sockets = await Promise.all([
  listen(2, (message) => world.alarms.push(Alarm.decode(message).device)),
  listen(3, (message) => world.inNeed.push(Status.decode(message).device)),
  listen(4, () => {
    world.samples += 1;
  }),
]);
const collector = createServer((socket) => {
  const frames = new Frames();
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const frame of frames.take(bytes)) world.collect(frame.subarray(sizeBytes));
  });
});
collector.listen(port + 1, host);
const program = await Program.start(new URL('./main.js', import.meta.url), []);

/** Devices with a socket each, and sites with a connection for all of their devices. */
const devices = await Promise.all(
  Array.from({ length: udpCount }, async () => {
    const socket = createSocket('udp4');
    socket.on('message', (message) => world.answer(message));
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket;
  }),
);
const sites = await Promise.all(
  Array.from({ length: siteCount }, async () => {
    const socket = connect(port, host);
    const frames = new Frames();
    socket.on('data', (bytes) => {
      for (const frame of frames.take(bytes)) world.answer(frame.subarray(sizeBytes));
    });
    await once(socket, 'connect');
    return socket;
  }),
);

function siteOf(device: number): number {
  return device % siteCount;
}

/** Sends what a device says, the way it has. */
function say(device: number, message: Uint8Array): void {
  if (device < udpCount) {
    devices[device]?.send(message);
    return;
  }
  const frame = Buffer.alloc(sizeBytes + message.length);
  frame.writeUInt16LE(frame.length);
  frame.set(message, sizeBytes);
  sites[siteOf(device)]?.write(frame);
}

let saidCount = 0;

/** Says a reading, when not too many are under way. */
async function read(device: number, topic: string, value: number): Promise<void> {
  await until('answers', () => saidCount - world.answered < underWayMax);
  const values = { device, topic, value };
  const bytes = new Uint8Array(Reading.sizeOf(values));
  Reading.encode(values, bytes);
  say(device, bytes);
  saidCount += 1;
}

/** A tenth of a degree: by site, device and round; a few are hot. */
function heatOf(device: number, round: number): number {
  if (device % 500 === 7 && round === 3) return 800 + siteOf(device);
  return 180 + siteOf(device) * 3 + ((device * 7 + round * 13) % 61) - 30;
}

const expected = Array.from({ length: siteCount }, () => 0n);
for (let round = 0; round < roundCount; round += 1) {
  for (let device = 0; device < deviceCount; device += 1) {
    const heat = heatOf(device, round);
    const site = siteOf(device);
    expected[site] = (expected[site] ?? 0n) + BigInt(heat) * 100n;
    await read(device, `site/${site}/temp/${device}`, heat);
  }
}
for (const device of [11, 1234]) await read(device, `site/${siteOf(device)}/smoke/${device}`, 12);
const [foreignDevices, brokenDevices] = [
  [5, 1005, 6],
  [8, 1008],
] as const;
for (const device of foreignDevices) await read(device, 'elsewhere/3/temp', 200);
for (const device of brokenDevices) await read(device, `site/8/temp/${device}`, 9999);
await until('the last answers', () => world.answered === saidCount);
console.log(`${saidCount} readings of ${deviceCount} devices: ${world.taken} are taken`);
const { NOT_OURS, IMPOSSIBLE } = ownCodes;
const [foreign = 0, wrong = 0] = [NOT_OURS, IMPOSSIBLE].map((code) => world.refused.get(code));
const isRefused = foreign === foreignDevices.length && wrong === brokenDevices.length;
expectThat('just what is wrong is refused', isRefused && world.refused.size === 2);
console.log(`refused: NOT_OURS ${foreign}, IMPOSSIBLE ${wrong}`);

const summed = (): number => world.summaries.reduce((sum, { count }) => sum + count, 0);
await until('the summaries', () => summed() === deviceCount * roundCount);
console.log(`${world.summaries.length} summaries of ${summed()} readings`);
const sums = expected.map((_none, site) => {
  const own = world.summaries.filter((one) => one.site === site);
  return own.reduce((sum, one) => sum + one.sum, 0n);
});
const isExact = sums.every((sum, site) => sum === expected[site]);
expectThat('the sums are those of the readings', isExact);
for (const site of [0, 7]) {
  const own = world.summaries.filter((one) => one.site === site);
  const [low, high] = [
    Math.min(...own.map((one) => one.low)),
    Math.max(...own.map((one) => one.high)),
  ];
  const mean = Number(sums[site]) / own.reduce((sum, { count }) => sum + count, 0);
  const [lowest, highest, middle] = [low, high, mean].map((value) => (value / 1000).toFixed(2));
  console.log(`  site ${site}: from ${lowest} to ${highest}, ${middle} on average`);
}
await until('the alarms', () => world.alarms.length >= 6);
console.log(`alarms: ${world.alarms.sort((a, b) => a - b).join(', ')}`);
console.log(`one of 100 sampled: ${world.samples}`);

for (let device = 0; device < deviceCount; device += 1) {
  const values = {
    device,
    ...{ battery: (device * 37) % 101, signal: device % 5, isWired: device % 3 === 0 },
  };
  const bytes = new Uint8Array(Status.sizeOf(values));
  Status.encode(values, bytes);
  say(device, bytes);
  const arrived = (): number => world.statuses.length + world.inNeed.length;
  await until('statuses', () => device - arrived() < underWayMax);
}
await until('all statuses', () => {
  return world.statuses.length + world.inNeed.length === deviceCount;
});
console.log(`statuses: ${world.inNeed.length} to maintenance, ${world.statuses.length} collected`);
const rejects = await program.ask<Record<string, number>>('rejects');
const rejected = Object.fromEntries(Object.entries(rejects).filter(([, count]) => count > 0));
const isAll = isDeepStrictEqual(rejected, { NOT_OURS: foreign, IMPOSSIBLE: wrong });
expectThat('nothing else is rejected', isAll);

for (const socket of [...devices, ...sockets]) socket.close();
for (const socket of sites) socket.destroy();
collector.close();
await program.kill();
sayMistakes();
process.exit();
