// Requests of the control socket as operations of a router, and who is told of them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlReport, controlHandler } from '../../../../lib/router/control-requests.js';
import type { HyperRoute } from '../../../../lib/router/hyperroute.js';

/** What the handler calls of a router: `a` can be drained, and there is nothing else. */
const router = {
  status: () => ({ name: 'r' }),
  drain: async (endpoint: string) => {
    if (endpoint !== 'a') throw new Error(`no ${endpoint}`);
    return { endpoint, flushed: true };
  },
} as unknown as HyperRoute;

let uncaught: unknown[] = [];
let before: NodeJS.UncaughtExceptionListener[] = [];
const note = (error: unknown): void => void uncaught.push(error);

describe('whoever is told of requests', () => {
  beforeEach(() => {
    uncaught = [];
    before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', note);
  });
  afterEach(() => {
    process.removeListener('uncaughtException', note);
    for (const listener of before) process.on('uncaughtException', listener);
  });

  const later = () => new Promise((resolve) => setImmediate(resolve));

  it('is told of each operation once, with what it came to, and of nothing else', async () => {
    const told: ControlReport[] = [];
    const handle = controlHandler(router, (report) => told.push(report));
    expect(await handle({ op: 'drain', id: 1, endpoint: 'a' })).toMatchObject({ flushed: true });
    await expect(handle({ op: 'drain', endpoint: 'b' })).rejects.toThrow('no b');
    expect(await handle({ op: 'status' })).toEqual({ name: 'r' });
    await expect(handle({ op: 'nonsense' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await later();
    expect(told).toEqual([
      { op: 'drain', request: { endpoint: 'a' }, result: { endpoint: 'a', flushed: true } },
      { op: 'drain', request: { endpoint: 'b' }, error: new Error('no b') },
    ]);
    expect(uncaught).toEqual([]);
  });

  it('changes no answer by what it throws, which is uncaught, and is told once', async () => {
    const told: ControlReport[] = [];
    const handle = controlHandler(router, (report) => {
      told.push(report);
      throw new Error('of the user');
    });
    expect(await handle({ op: 'drain', endpoint: 'a' })).toMatchObject({ flushed: true });
    await expect(handle({ op: 'drain', endpoint: 'b' })).rejects.toThrow('no b');
    await later();
    expect(told.map(({ result, error }) => [result !== undefined, error !== undefined])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(uncaught).toEqual([new Error('of the user'), new Error('of the user')]);
  });
});
