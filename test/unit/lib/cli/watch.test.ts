// What `run` reports of a router that it watches.
import { describe, expect, it } from 'vitest';
import { Watch } from '../../../../lib/cli/watch.js';
import type { RouterStatus, StatusEndpoint } from '../../../../lib/router/status.js';

function endpoint(name: string, more: Partial<StatusEndpoint> = {}): StatusEndpoint {
  return {
    ...{ name, kind: 'udp', address: null, receiveBufferBytes: null, drained: false },
    ...{ state: 'up', share: 1, sinceMs: 0, reason: '', ejections: 0, trips: 0, probesFailed: 0 },
    ...more,
  };
}

/** A watch over a router whose status a test sets, and what it has reported. */
function world(endpoints: readonly StatusEndpoint[]) {
  const told: string[] = [];
  const state = { endpoints, names: [] as RouterStatus['names'], nowMs: 10_000 };
  const status = (): RouterStatus => ({
    ...{ name: 'r', pid: 1, pools: [], slow: {} },
    endpoints: state.endpoints,
    names: state.names,
  });
  const watch = new Watch(
    status,
    {
      healthChanged: (change) =>
        told.push(`${change.endpoint} ${change.before} ${change.state} ${change.ejections}`),
      resolved: ({ endpoint: name, addresses }) => told.push(`${name} ${addresses.join(' ')}`),
      controlled: ({ op }) => told.push(`control ${op}`),
      leftOut: (count) => told.push(`left out ${count}`),
    },
    () => state.nowMs,
  );
  const look = (): string[] => {
    state.nowMs += 500;
    watch.look();
    return told.splice(0);
  };
  return { state, watch, look, told };
}

describe('a watch', () => {
  it('reports each endpoint that is in another state, once', () => {
    const { state, look } = world([endpoint('a'), endpoint('b')]);
    expect(look()).toEqual([]);
    state.endpoints = [endpoint('a'), endpoint('b', { state: 'unhealthy', share: 0 })];
    expect(look()).toEqual(['b up unhealthy 0']);
    expect(look()).toEqual([]);
    state.endpoints = [endpoint('a'), endpoint('b')];
    expect(look()).toEqual(['b unhealthy up 0']);
  });

  it('reports at the first look what is not up, and of new endpoints nothing', () => {
    const { state, look } = world([endpoint('a', { state: 'down' })]);
    expect(look()).toEqual(['a up down 0']);
    state.endpoints = [...state.endpoints, endpoint('b', { state: 'down' })];
    expect(look()).toEqual([]);
  });

  it('reports an ejection that is over before it looks', () => {
    const { state, look } = world([endpoint('a')]);
    state.endpoints = [endpoint('a', { ejections: 1 })];
    expect(look()).toEqual(['a up up 1']);
  });

  it('does not report that a share grows or another probe has failed', () => {
    const { state, look } = world([endpoint('a', { state: 'ramp', share: 0.1 })]);
    look();
    state.endpoints = [endpoint('a', { state: 'ramp', share: 0.2, probesFailed: 3 })];
    expect(look()).toEqual([]);
  });

  it('reports other addresses of host names', () => {
    const { state, look } = world([]);
    const name = {
      ...{ endpoint: 'v', host: 'h', leaving: [], changes: 0, failures: 0, lastError: null },
      addresses: ['1.1.1.1'],
    };
    state.names = [name];
    expect(look()).toEqual([]);
    state.names = [{ ...name, addresses: ['1.1.1.1', '1.1.1.2'] }];
    expect(look()).toEqual(['v 1.1.1.1 1.1.1.2']);
  });

  it('says forty things a second at most, and how many it has left out', () => {
    const names = Array.from({ length: 50 }, (_, index) => `e${index}`);
    const { state, look, watch, told } = world(names.map((name) => endpoint(name)));
    state.endpoints = names.map((name) => endpoint(name, { state: 'down' }));
    const first = look();
    expect(first).toHaveLength(40);
    watch.controlled({ op: 'drain', request: {}, result: null });
    expect(told.splice(0)).toEqual([]);
    expect(look()).toEqual([]);
    expect(look()).toEqual(['left out 11']);
    watch.controlled({ op: 'drain', request: {}, result: null });
    expect(told).toEqual(['control drain']);
  });

  it('says how many it has left out when it stops, once', () => {
    const { watch, told } = world([]);
    for (let count = 0; count < 45; count++) watch.controlled({ op: 'drain', request: {} });
    expect(told.splice(0)).toHaveLength(40);
    watch.stop();
    watch.stop();
    expect(told).toEqual(['left out 5']);
  });
});
