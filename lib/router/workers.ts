// Which worker serves which endpoint, from the threading model of a configuration.
import type { EndpointIr, IdleIr, RouterIr } from '../compiler/ir.js';
import { configError } from '../errors.js';
import type { NativeWorkerOptions } from '../native.js';

/** How long `block` and `backoff` look for messages before the worker sleeps. */
const spinNs = 10_000;

export interface WorkerPlan {
  readonly inline: boolean;
  readonly workers: readonly NativeWorkerOptions[];
  /** By endpoint name: index of its worker. */
  readonly workerOf: ReadonlyMap<string, number>;
}

function worker(name: string, idle: IdleIr, cpu: number | null): NativeWorkerOptions {
  return { name, idle, cpu, spinNs };
}

/** Plans the workers of a router; its configuration is checked, their number with it. */
export function planWorkers(ir: RouterIr): WorkerPlan {
  const { threading, endpoints, idle, cpu } = ir;
  const all = (index: (endpoint: EndpointIr, at: number) => number) =>
    new Map(endpoints.map((endpoint, at) => [endpoint.name, index(endpoint, at)]));
  switch (threading.model) {
    case 'inline':
      return { inline: true, workers: [worker('inline', 'spin', null)], workerOf: all(() => 0) };
    case 'shared':
      return { inline: false, workers: [worker('shared', idle, cpu)], workerOf: all(() => 0) };
    case 'dedicated':
      return {
        inline: false,
        workers: endpoints.map((endpoint) => worker(endpoint.name, idle, null)),
        workerOf: all((_, at) => at),
      };
    case 'map': {
      const owner = threading.workers.flatMap((w, at) => w.endpoints.map((e) => [e, at] as const));
      const workerOfIndex = new Map(owner);
      return {
        inline: false,
        workers: threading.workers.map((w) => worker(w.name, w.idle, w.cpu)),
        workerOf: all((_, at) => workerOfIndex.get(at) ?? 0),
      };
    }
  }
}

/**
 * The worker of every endpoint of a changed configuration, on the workers that run. An endpoint
 * stays where it is; a new one goes where its configuration says, or in the `dedicated` model to
 * the worker that serves the fewest. Throws ERR_CONFIG where the change needs other threads.
 */
export function replanWorkers(running: WorkerPlan, before: RouterIr, ir: RouterIr): WorkerPlan {
  const wanted = planWorkers(ir);
  const sameModel = before.threading.model === ir.threading.model;
  const dedicated = ir.threading.model === 'dedicated';
  const sameWorkers = JSON.stringify(wanted.workers) === JSON.stringify(running.workers);
  const moved = ir.endpoints.find(({ name }) => {
    const now = running.workerOf.get(name);
    return !dedicated && now !== undefined && now !== wanted.workerOf.get(name);
  });
  if (!sameModel || (!dedicated && !sameWorkers) || moved !== undefined) {
    const expected = 'the threading of the running router; another one needs a restart';
    const received = moved === undefined ? ir.threading : `${moved.name} on another worker`;
    throw configError('threading', expected, received, ir.position);
  }
  return dedicated ? spread(running, ir) : { ...running, workerOf: wanted.workerOf };
}

function spread(running: WorkerPlan, ir: RouterIr): WorkerPlan {
  const counts = running.workers.map(() => 0);
  const workerOf = new Map<string, number>();
  const place = (name: string, index: number) => {
    workerOf.set(name, index);
    counts[index] = (counts[index] ?? 0) + 1;
  };
  for (const { name } of ir.endpoints) {
    const now = running.workerOf.get(name);
    if (now !== undefined) place(name, now);
  }
  for (const { name } of ir.endpoints) {
    if (!workerOf.has(name)) place(name, counts.indexOf(Math.min(...counts)));
  }
  return { ...running, workerOf };
}
