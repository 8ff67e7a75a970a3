// What control tells the engine, and when: on a router that only notes it.
import { describe, expect, it } from 'vitest';
import { defineRouter, memory, otherwise, raw, route } from '../../../../../lib/index.js';
import type { NativeRouter } from '../../../../../lib/native.js';
import { Controller } from '../../../../../lib/router/control/controller.js';
import { shareTrial } from '../../../../../lib/router/control/ramp.js';
import type { Port } from '../../../../../lib/router/ports.js';

/** Shares by slot, as they were told. */
function noting(): { native: NativeRouter; shares: Map<number, number> } {
  const shares = new Map<number, number>();
  const native = {
    readControl: () => undefined,
    setStanding: (slot: number, { share }: { share: number }) => void shares.set(slot, share),
    refresh: () => undefined,
  };
  return { native: native as never, shares };
}

function config(names: readonly string[]) {
  const endpoints = names.map((name) => memory(name));
  const [first] = endpoints;
  if (first === undefined) throw new Error('an endpoint');
  const routes = [route.first(raw, () => [otherwise.to(first)], { from: first })];
  const ir = defineRouter({ endpoints, routes });
  const ports = ir.endpoints.map((endpoint, slot): [string, Port] => {
    return [endpoint.name, { ir: endpoint, slot, worker: 0 } as Port];
  });
  return { ir, ports: new Map(ports) };
}

describe('control', () => {
  it('tells of drained endpoints before the swap that brings them', () => {
    const { native, shares } = noting();
    const control = new Controller(native, 20);
    control.drainedBy((name) => name.startsWith('venue'));
    const before = config(['app', 'venue-1']);
    control.configure(before.ir, before.ports);
    expect(shares.get(1)).toBe(0);
    const after = config(['app', 'venue-1', 'other', 'venue-2']);
    control.configure(after.ir, after.ports);
    expect([shares.get(1), shares.get(3)]).toEqual([0, 0]);
    expect([shares.get(0) ?? 255, shares.get(2) ?? 255]).toEqual([255, 255]);
    control.close();
  });

  it('tells of members that start small before the swap that brings them', () => {
    const { native, shares } = noting();
    const control = new Controller(native, 20);
    const members = (names: readonly string[]) => {
      const { ir, ports } = config(names);
      const pool = {
        ...{ name: 'p', strategy: { kind: 'round-robin' as const }, slowStartMs: 5000 },
        ...{
          members: names.map((_, endpoint) => ({ endpoint, weight: 1 })),
          position: ir.position,
        },
      } as const;
      control.configure({ ...ir, pools: [pool] }, ports);
    };
    members(['a', 'b']);
    expect([...shares]).toEqual([]);
    members(['a', 'b', 'c']);
    expect([shares.get(0), shares.get(1), shares.get(2)]).toEqual([255, 255, shareTrial]);
    control.close();
  });
});
