// Recordings of routers under traffic while destinations die and the configuration changes: what is
// decided again is the same, damage is found, and the router goes on whatever becomes of the file.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineRouter,
  HyperRoute,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  type RouterOptions,
  route,
  udp,
  via,
  weighted,
  when,
} from 'hyperroute';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hyperroute, Running } from '../helpers/cli.js';
import { Job, Jobs, job, refuse } from '../helpers/jobs.js';
import { replayed, sum } from '../helpers/replayed.js';
import { eventually, offerAll } from '../helpers/router-lines.js';

const timeout = 60_000;
const cleanups: (() => unknown)[] = [];
let folder = '';
let fileCount = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-recording-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newFile(): string {
  fileCount += 1;
  return join(folder, `${fileCount}.recording`);
}

/** A destination that answers probes and counts jobs. */
class Venue {
  readonly #socket: Socket;
  count = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, from) => {
      if (message.toString() === 'ping') socket.send('pong', from.port, from.address);
      else this.count += 1;
    });
  }

  static async open(): Promise<Venue> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const venue = new Venue(socket);
    cleanups.push(() => venue.close());
    return venue;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.removeAllListeners('message');
    if (this.count >= 0) this.#socket.close();
    this.count = -1;
  }
}

const health = { every: '30ms', timeout: '30ms', probe: 'ping', expect: 'pong', fall: 2 } as const;

interface Shape {
  readonly weight: number;
  readonly border: number;
  readonly threading: RouterOptions['threading'];
}

/** Every kind of decision that depends on more than the message. */
function config(ports: readonly number[], { weight, border, threading }: Shape): RouterIr {
  const input = memory('in', { messages: Jobs });
  const copies = memory('copies', { messages: Jobs, queue: { full: 'drop-oldest' } });
  const notices = memory('notices', { messages: Jobs, queue: { full: 'drop-oldest' } });
  const venues = ports.map((port, at) =>
    udp(`v${at}`, { port: 0, remote: { host: '127.0.0.1', port }, messages: Jobs, health }),
  );
  const [a, b, c, d] = venues as [(typeof venues)[0], ...typeof venues];
  const members = [a, b, c, d].filter((one) => one !== undefined);
  const busy = pool('busy', members, lb.twoChoices({ measure: 'queue' }));
  const heavy = pool(
    'heavy',
    members.map((one, at) => weighted(one, at === 0 ? weight : 1)),
    lb.weighted(),
    { slowStart: '1s' },
  );
  const sticky = pool('sticky', members, lb.hash(Job.refs.key, { slots: 4099 }), {
    slowStart: '1s',
  });
  const turns = pool('turns', members, lb.roundRobin());
  const lonely = pool('lonely', [b as typeof a], lb.failover());
  const rules = route.first(
    Job,
    (j) => [
      when(j.level.eq(0)).to(busy).tap(copies, { every: 3 }),
      when(j.level.eq(1)).to(heavy),
      when(j.level.eq(2)).to(sticky).tap(copies, { every: 7 }),
      when(j.level.eq(3)).to(lonely),
      when(j.key.lt(border)).to(turns),
      when(j.key.lt(20)).to(a),
    ],
    { from: input, rejects: via(refuse).to(notices) },
  );
  return defineRouter({
    endpoints: [input, copies, notices, ...venues],
    routes: [rules],
    ...(threading === undefined ? {} : { threading }),
  });
}

const jobs = (from: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_, at) => job(from + at, (from + at) % 40, (from + at) % 5));

async function start(
  ir: RouterIr,
  options: Parameters<typeof HyperRoute.start>[1] = {},
): Promise<HyperRoute> {
  const router = await HyperRoute.start(ir, options);
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  for (const name of ['copies', 'notices']) {
    router.memory(name).subscribe((batch) => {
      while (batch.next()) batch.copy();
    });
  }
  return router;
}

describe.each([['shared'], ['dedicated']] as const)('a recording of a %s router', (threading) => {
  it('is decided again in the same way, whatever changed meanwhile', { timeout }, async () => {
    const venues = await Promise.all([0, 1, 2, 3].map(() => Venue.open()));
    const ports = venues.map(({ port }) => port);
    const path = newFile();
    const shape = { weight: 3, border: 10, threading };
    const router = await start(config(ports, shape), { record: { path }, controlEveryMs: 5 });
    const stateOf = (name: string) => router.health().find((one) => one.name === name)?.state;
    const part = 3000;
    const send = (at: number) => offerAll(router.memory('in'), jobs(at * part, part));
    await send(0);
    venues[1]?.close();
    await send(1);
    await eventually('v1 to die', () => stateOf('v1') === 'unhealthy');
    await send(2);
    await router.update(config(ports, { weight: 7, border: 15, threading }));
    await send(3);
    await router.drain('v3');
    await send(4);
    await eventually('everything to be routed', () => {
      return (router.recording?.report().messages ?? 0) >= 5 * part;
    });
    const report = await router.recording?.stop();
    expect(report).toMatchObject({ path, messages: 5 * part, missed: 0, end: 'stopped' });
    expect(report?.bytes).toBe(statSync(path).size);
    expect(statSync(path).mode & 0o777).toBe(0o600);

    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, file: { kind: 'whole' }, end: 'stopped' });
    expect(result).toMatchObject({ messages: 5 * part, different: 0, images: 2 });
    expect(result.workers).toBe(threading === 'shared' ? 1 : 7);
    expect(result.finished.code).toBe(0);
    const rejected = result.rejects.NO_ROUTE?.messages ?? 0;
    expect(rejected).toBeGreaterThan(0);
    expect(result.rejects.NO_DESTINATION?.messages).toBeGreaterThan(0);
    expect(sum(result.rules) + rejected).toBe(5 * part);
    for (const name of ['v0', 'v1', 'v2', 'v3', 'copies', 'notices']) {
      expect(result.destinations[name]?.messages, name).toBeGreaterThan(0);
    }
  });
});

describe('a file', () => {
  let whole = new Uint8Array();
  let messages = 0;

  async function recorded(): Promise<void> {
    if (whole.length > 0) return;
    const venues = await Promise.all([0, 1, 2, 3].map(() => Venue.open()));
    const ports = venues.map(({ port }) => port);
    const router = await start(config(ports, { weight: 3, border: 10, threading: 'shared' }));
    const path = newFile();
    const recording = router.record({ path });
    expect(() => router.record({ path: newFile() })).toThrow(/ERR_STATE|recording is going on/);
    for (let turn = 0; turn < 5; turn += 1) {
      await offerAll(router.memory('in'), jobs(turn * 200, 200));
      await eventually('messages', () => recording.report().messages >= (turn + 1) * 200);
      await sleep(30);
    }
    ({ messages } = await recording.stop());
    expect(() => router.record({ path })).toThrow(/File exists/);
    whole = readFileSync(path);
  }

  /** In the middle of a chunk of notes, behind some others. */
  function place(): number {
    const starts: number[] = [];
    const words = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    for (let at = 32; at < whole.length; at += 24 + words.getUint32(at + 12, true)) starts.push(at);
    // The image first, the end last.
    expect(starts.length).toBeGreaterThan(4);
    const [start = 0, next = 0] = starts.slice(-3);
    return Math.floor((start + next) / 2);
  }

  it('that was cut short is played up to there', { timeout }, async () => {
    await recorded();
    const path = newFile();
    writeFileSync(path, whole.subarray(0, place()));
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, different: 0, end: null, file: { kind: 'torn' } });
    expect(result.messages).toBeGreaterThan(0);
    expect(result.messages).toBeLessThan(messages);
    expect(result.finished.code).toBe(0);
  });

  it('with a flipped bit is refused from there on', { timeout }, async () => {
    await recorded();
    const path = newFile();
    const at = place();
    const damaged = Uint8Array.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 16;
    writeFileSync(path, damaged);
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: false, different: 0, file: { kind: 'damaged' } });
    expect(result.file.position).toBeLessThanOrEqual(at);
    expect(result.messages).toBeGreaterThan(0);
    expect(result.messages).toBeLessThan(messages);
    expect(result.finished.code).toBe(1);
  });

  it('that is none is refused', { timeout }, async () => {
    const path = newFile();
    writeFileSync(path, 'orders of today, not a recording of them at all');
    for (const given of [path, join(folder, 'nothing-there'), folder]) {
      const { code, stdout } = await hyperroute(['replay', given, '--json']);
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'ERR_RECORDING' } });
    }
  });
});

describe('a router that is closed', () => {
  const input = memory('in', { messages: Jobs });
  const output = memory('out', { messages: Jobs });
  const forward = defineRouter({
    endpoints: [input, output],
    routes: [route.first(Job, () => [otherwise.to(output)], { from: input })],
  });

  it.each([
    ['stopped', 2 ** 20],
    ['full', 65_536],
  ])('leaves a recording that says how it ended: %s', { timeout }, async (end, bytes) => {
    const path = newFile();
    const router = await HyperRoute.start(forward, { record: { path, bytes } });
    router.memory('out').subscribe((batch) => {
      while (batch.next()) batch.copy();
    });
    const offered = 2000;
    await offerAll(router.memory('in'), jobs(0, offered));
    await eventually('everything to be routed', () => {
      const routes = Object.values(router.metrics().routes);
      return routes.some(({ delivered = 0 }) => delivered === offered);
    });
    const { recording } = router;
    await router.close();
    const report = recording?.report();
    expect(report).toMatchObject({ path, end, bytes: statSync(path).size });
    expect(await recording?.ended).toEqual(report);
    if (end === 'stopped') expect(report).toMatchObject({ messages: offered, missed: 0 });
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, end, different: 0, file: { kind: 'whole' } });
    if (end === 'stopped') expect(result.messages).toBe(offered);
  });

  it('is recorded no more, which is no mistake', { timeout }, async () => {
    const router = await HyperRoute.start(forward, { record: { path: newFile() } });
    const { recording } = router;
    await router.close();
    expect(await recording?.stop()).toMatchObject({ end: 'stopped', messages: 0 });
  });
});

describe('a recording that is full', () => {
  it('says so once, keeps the beginning, and the router goes on', { timeout }, async () => {
    const name = `recording-${process.pid}`;
    const file = join(folder, 'echo.config.ts');
    writeFileSync(
      file,
      [
        `import { defineRouter, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';`,
        `export default defineRouter({ name: '${name}',`,
        `  endpoints: [udp('echo', { host: '127.0.0.1', port: 0 })],`,
        `  routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`,
      ].join('\n'),
    );
    const path = newFile();
    const args = [file, '--record', path, '--record-bytes', '65536', '--counters', newFile()];
    const running = new Running(['run', ...args, '--json']);
    cleanups.push(() => running.kill());
    const started = await running.next();
    const [endpoint] = started.endpoints as { address: string }[];
    const port = Number(endpoint?.address.split(':').at(-1));
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    cleanups.push(() => socket.close());
    await once(socket, 'listening');
    const echo = async (text: string): Promise<string> => {
      const answer = once(socket, 'message');
      socket.send(text, port, '127.0.0.1');
      return String((await answer)[0]);
    };
    for (let at = 0; at < 400; at += 1) await echo(`message ${at} ${'.'.repeat(200)}`);
    const ended = await running.next();
    expect(ended).toMatchObject({ event: 'recording-ended', recording: { end: 'full', path } });
    expect(await echo('still there')).toBe('still there');
    running.signal('SIGTERM');
    expect(await running.next()).toMatchObject({ event: 'stopped' });
    expect(await running.ended()).toBe(0);

    expect(statSync(path).size).toBeLessThanOrEqual(65_536);
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, end: 'full', different: 0, file: { kind: 'whole' } });
    expect(result.messages).toBeGreaterThan(50);
    expect(result.messages).toBeLessThan(400);
    expect(result.destinations).toEqual({
      '(to its source)': { messages: result.messages, share: 1 },
    });
    const { stdout } = await hyperroute(['replay', path]);
    expect(stdout).toMatch(/ended early: it has as many bytes as it may have/);
  });
});
