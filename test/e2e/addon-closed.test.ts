// The addon's control interface by itself: what a call answers once the router is closed.
import { describe, expect, it } from 'vitest';
import { type NativeRouter, native } from '../../lib/native.js';

function closedRouter(): NativeRouter {
  const { Router } = native();
  const router = new Router({
    name: 'closed',
    countersPath: null,
    inline: true,
    sampleEvery: 0,
    workers: [{ name: 'only', idle: 'spin', cpu: null, spinNs: 0 }],
  });
  router.stop();
  return router;
}

describe('a closed router', () => {
  const calls: Readonly<Record<string, (router: NativeRouter) => unknown>> = {
    prepare: (router) => router.prepare({ slots: new Uint8Array(1), draining: [] }),
    commit: (router) => router.commit(),
    start: (router) => router.start(),
    attach: (router) => router.attach(0),
    report: (router) => router.report(0),
    counters: (router) => router.counters(0, 8),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`answers ERR_CLOSED to ${name}`, () => {
      const router = closedRouter();
      expect(() => call(router)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    });
  }

  it('stays closed however often it is stopped, and has nothing to do', () => {
    const router = closedRouter();
    router.stop();
    expect(router.poll()).toBe(0);
    expect(router.gracePassed()).toBe(true);
    expect(router.isDone(16)).toBe(true);
    expect(router.countersPath()).toBe('');
  });
});
