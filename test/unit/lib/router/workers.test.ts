// Which worker serves which endpoint, and which changes of that a running router takes.
import { describe, expect, it } from 'vitest';
import {
  defineRouter,
  discard,
  memory,
  otherwise,
  type RouterOptions,
  raw,
  route,
} from '../../../../lib/index.js';
import { planWorkers, replanWorkers } from '../../../../lib/router/workers.js';

function routerOf(names: readonly string[], more: (all: Endpoints) => Partial<RouterOptions>) {
  const endpoints = names.map(endpointOf);
  const routes = [route.first(raw, () => [otherwise.to(discard)])];
  return defineRouter({ endpoints, routes, ...more(endpoints) });
}
const endpointOf = (name: string) => memory(name);
type Endpoints = ReturnType<typeof endpointOf>[];

const threading = (model: 'inline' | 'shared' | 'dedicated') => () => ({ threading: model });

describe('planning workers', () => {
  it('gives every endpoint of a shared router the one worker, with its CPU', () => {
    const plan = planWorkers(routerOf(['a', 'b'], () => ({ threading: 'shared', cpu: 1 })));
    expect(plan.workers).toMatchObject([{ name: 'shared', idle: 'block', cpu: 1 }]);
    expect([...plan.workerOf]).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
  });

  it('gives every endpoint of a dedicated router a worker of its own', () => {
    const plan = planWorkers(routerOf(['a', 'b', 'c'], threading('dedicated')));
    expect(plan.workers.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect([...plan.workerOf.values()]).toEqual([0, 1, 2]);
  });

  it('follows a map that is written out', () => {
    const ir = routerOf(['a', 'b', 'c'], ([a, b, c]) => ({
      threading: {
        workers: [
          { name: 'one', endpoints: [a, c] as Endpoints, cpu: 0, idle: 'spin' },
          { name: 'two', endpoints: [b] as Endpoints },
        ],
      },
    }));
    const plan = planWorkers(ir);
    expect(plan.workers).toMatchObject([
      { name: 'one', cpu: 0, idle: 'spin' },
      { name: 'two', cpu: null, idle: 'block' },
    ]);
    expect(Object.fromEntries(plan.workerOf)).toEqual({ a: 0, b: 1, c: 0 });
  });
});

describe('planning an update', () => {
  it('leaves endpoints where they are; a new one gets the worker that serves the fewest', () => {
    const before = routerOf(['a', 'b', 'c'], threading('dedicated'));
    const running = planWorkers(before);
    const ir = routerOf(['c', 'new', 'a'], threading('dedicated'));
    const plan = replanWorkers(running, before, ir);
    expect(plan.workers).toEqual(running.workers);
    expect(Object.fromEntries(plan.workerOf)).toEqual({ c: 2, a: 0, new: 1 });
  });

  it('refuses another threading model, another CPU and an endpoint on another worker', () => {
    const map = (swapped: boolean) =>
      routerOf(['a', 'b'], ([a, b]) => ({
        threading: {
          workers: [
            { name: 'one', endpoints: [swapped ? b : a] as Endpoints },
            { name: 'two', endpoints: [swapped ? a : b] as Endpoints },
          ],
        },
      }));
    const shared = routerOf(['a', 'b'], threading('shared'));
    const pinned = routerOf(['a', 'b'], () => ({ cpu: 0 }));
    for (const [before, after] of [
      [shared, routerOf(['a', 'b'], threading('inline'))],
      [shared, pinned],
      [map(false), map(true)],
    ] as const) {
      expect(() => replanWorkers(planWorkers(before), before, after)).toThrow(
        expect.objectContaining({
          code: 'ERR_CONFIG',
          detail: expect.objectContaining({ option: 'threading' }),
        }),
      );
    }
  });
});
