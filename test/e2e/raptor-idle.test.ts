// Raptor sessions without messages leave the CPU alone: their ends sleep in the kernel and wake for
// signs of life. Counts wake-ups and CPU time, not the clock.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateRaptorKeys } from 'hyperroute';
import { describe, expect, it, onTestFinished } from 'vitest';
import { raptorServer } from '../helpers/raptor-server.js';
import { Child, fixture } from '../helpers/router-child.js';

const windowMs = 2000;
const windowsMax = 4;
/**
 * A sign of life each way about every 25 ms by default, and its acknowledgement: about 90 wake-ups
 * a second are measured. One that looks every millisecond has a thousand.
 */
const routerWakesMax = 400;
/** Where one end is an event loop, signs of life are half a second apart: about 5 are measured. */
const nodeWakesMax = 100;
/** Measured is less than 0.5 %; one that spins needs all of it. */
const shareMax = 0.2;

interface Use {
  readonly cpuNs: number;
  readonly switches: number;
}

/** The one worker of a router with default settings, and the thread of an event loop. */
function workerOf({ process: { pid } }: Child): string {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`);
  const isWorker = (path: string) => readFileSync(`${path}/comm`, 'utf8').trim() === 'shared';
  const [path = '', ...others] = threads.filter(isWorker);
  expect([path === '', others.length]).toEqual([false, 0]);
  return path;
}
const eventLoopOf = ({ process: { pid } }: Child): string => `/proc/${pid}/task/${pid}`;

/** What a thread has used so far. */
function useOf(path: string): Use {
  const counts = readFileSync(`${path}/status`, 'utf8').matchAll(/ctxt_switches:\s+(\d+)/g);
  const [cpuNs] = readFileSync(`${path}/schedstat`, 'utf8').split(' ');
  const switches = [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  return { cpuNs: Number(cpuNs), switches };
}

/** Wake-ups a second and the share of a CPU: the least of a few windows, so what it is for good. */
async function expectIdle(thread: string, wakesMax: number): Promise<void> {
  let least = { wakes: Number.POSITIVE_INFINITY, share: Number.POSITIVE_INFINITY };
  for (let window = 0; window < windowsMax; window++) {
    const [before, beganMs] = [useOf(thread), performance.now()];
    await sleep(windowMs);
    const [after, elapsedMs] = [useOf(thread), performance.now() - beganMs];
    least = {
      wakes: Math.min(least.wakes, ((after.switches - before.switches) * 1000) / elapsedMs),
      share: Math.min(least.share, (after.cpuNs - before.cpuNs) / (elapsedMs * 1e6)),
    };
    if (least.wakes < wakesMax && least.share < shareMax) break;
  }
  expect(least.wakes).toBeLessThan(wakesMax);
  expect(least.share).toBeLessThan(shareMax);
  // It does wake: a session that nobody looks after would have ended.
  expect(least.wakes).toBeGreaterThan(0);
}

const server = generateRaptorKeys();

const listener = () => raptorServer('echo', { keys: server.privateKey });

function start(script: string, port: number, ...role: string[]): Child {
  const connect = { host: '127.0.0.1', port, serverKey: server.publicKey };
  const child = new Child(fixture(script), [JSON.stringify({ connect }), ...role]);
  onTestFinished(() => child.kill());
  return child;
}

describe('an idle session', () => {
  it('wakes workers for signs of life alone, at both ends', { timeout: 60_000 }, async () => {
    const [child, port] = await listener();
    const client = start('raptor-end.mjs', port);
    await client.next();
    const begun = await client.ask('until connected');
    await expectIdle(workerOf(child), routerWakesMax);
    await expectIdle(workerOf(client), routerWakesMax);
    const { counters } = await client.ask('state');
    expect(counters).toMatchObject({ connections: 1, connections_closed: 0 });
    expect(begun.connection).toMatchObject({ state: 'connected' });
  });

  it('wakes an event loop a few times a second', { timeout: 60_000 }, async () => {
    const [child, port] = await listener();
    const client = start('raptor-node.mjs', port, 'echo');
    expect(await client.next()).toHaveProperty('port');
    expect(await client.next()).toMatchObject({ event: 'session' });
    await sleep(500); // What starting has left to do.
    await expectIdle(eventLoopOf(client), nodeWakesMax);
    await expectIdle(workerOf(child), nodeWakesMax);
    expect(await client.ask('state')).toMatchObject({ event: 'state' });
  });
});
