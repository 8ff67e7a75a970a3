// A router that an AbortSignal ends.
import { getEventListeners } from 'node:events';
import { defineRouter, HyperRoute, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';
import { describe, expect, it } from 'vitest';

const echoOn = (port: number) =>
  defineRouter({
    endpoints: [udp('echo', { port })],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))])],
  });

const portOf = (router: HyperRoute) => Number(router.endpoints()[0]?.address?.split(':').at(-1));

describe('a router started with a signal', () => {
  it('closes when the signal is aborted, and its address is free again', async () => {
    const stop = new AbortController();
    const router = await HyperRoute.start(echoOn(0), { signal: stop.signal });
    const port = portOf(router);
    stop.abort();
    await router.close();
    const next = await HyperRoute.start(echoOn(port));
    expect(portOf(next)).toBe(port);
    await next.close();
  });

  it('has no state any more once it closes, but what it was is still there', async () => {
    const router = await HyperRoute.start(echoOn(0));
    const [endpoints, pools] = [router.endpoints(), router.pools()];
    expect(router.status().endpoints).toMatchObject([{ name: 'echo', state: 'up' }]);
    const closing = router.close();
    const closed = expect.objectContaining({ code: 'ERR_CLOSED' });
    for (const when of ['closing', 'closed']) {
      expect(() => router.status(), when).toThrow(closed);
      expect(() => router.health(), when).toThrow(closed);
      expect([router.endpoints(), router.pools()], when).toEqual([endpoints, pools]);
      await closing;
    }
  });

  it('does not start when the signal has been aborted before', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(HyperRoute.start(echoOn(0), { signal })).rejects.toThrow('too late');
  });

  it('lets go of the signal when it is closed otherwise', async () => {
    const stop = new AbortController();
    const router = await HyperRoute.start(echoOn(0), { signal: stop.signal });
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    await router.close();
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});
