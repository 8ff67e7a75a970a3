// A router with nothing to do leaves the CPU alone. Counts CPU time, not the clock.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Child, fixture, portIn } from '../helpers/router-child.js';
import { UdpRecorder } from '../helpers/router-lines.js';

const seconds = 3;
const windowsMax = 4;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** CPU time of all threads of a process. */
function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, id) => {
    const schedstat = readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8');
    return sum + Number(schedstat.split(' ')[0]);
  }, 0);
}

/** The share of a CPU that a process uses in the next seconds. */
async function shareOfWindow(pid: number): Promise<number> {
  const before = cpuNs(pid);
  await sleep(seconds * 1000);
  return (cpuNs(pid) - before) / (seconds * 1e9);
}

/**
 * The share of a CPU that a process uses for good: the least of a few windows. V8 collects once
 * what starting left, some seconds later, and that alone is about 1 % of a window on a slow host;
 * a router that polls shows in every window.
 */
async function share(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < windowsMax && least >= 0.01; window++)
    least = Math.min(least, await shareOfWindow(pid));
  return least;
}

/** How often the engine's own threads were scheduled so far: a counted figure, free of noise. */
function engineSwitches(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`);
  const engine = threads.filter((path) => readFileSync(`${path}/comm`, 'utf8').trim() === 'shared');
  expect(engine).toHaveLength(1);
  return engine.reduce((sum, path) => {
    const counts = readFileSync(`${path}/status`, 'utf8').matchAll(/ctxt_switches:\s+(\d+)/g);
    return [...counts].reduce((total, match) => total + Number(match[1]), sum);
  }, 0);
}

async function expectIdle(pid: number): Promise<void> {
  const switches = engineSwitches(pid);
  expect(await share(pid)).toBeLessThan(0.01);
  expect(engineSwitches(pid) - switches).toBeLessThan(10);
}

describe('an idle router with default settings', () => {
  it('uses less than 1 % of a CPU, before traffic and after it', { timeout: 60_000 }, async () => {
    const out = await UdpRecorder.open();
    cleanups.push(() => out.close());
    const child = new Child(fixture('busy-router.mjs'), ['idle', String(out.port)]);
    cleanups.push(() => child.kill());
    const started = await child.next();
    const pid = started.pid as number;
    await sleep(500); // What starting has left to do.
    await expectIdle(pid);

    const client = connect(portIn(started, 'in'), '127.0.0.1');
    cleanups.push(() => client.destroy());
    await once(client, 'connect');
    for (let number = 0; number < 200; number++) {
      client.write(Buffer.alloc(16));
      out.send(Buffer.alloc(16), portIn(started, 'out'));
    }
    await child.ask('publish');
    await sleep(500);
    expect(await child.ask('metrics')).toMatchObject({
      endpoints: { in: { rx_messages: 200 }, out: { rx_messages: 200, tx_messages: 100 } },
    });
    await expectIdle(pid);
    child.tell('close');
    expect(await child.ended()).toBe(0);
  });
});
