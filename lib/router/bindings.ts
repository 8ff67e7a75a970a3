// What a configuration needs of the engine: its endpoints open, its image bound to their slots.
// Control path, on the thread that started the router.
import { rejectCodes } from '../codes.js';
import type { RouterIr } from '../compiler/ir.js';
import { pluginLibraries } from '../compiler/plugins.js';
import type { NativeBindings, NativeInstall, NativeRouter } from '../native.js';
import { canChange, canInherit, openPort, type Port, portOf } from './ports.js';
import type { UpdateReport } from './update.js';
import type { WorkerPlan } from './workers.js';

/** The endpoints of the next configuration, as they are found or opened. */
export class NextPorts {
  readonly ports = new Map<string, Port>();
  readonly slots = new Set<number>();
  readonly opened: Port[] = [];
  readonly #names = { added: [], moved: [], changed: [], kept: [] } as Record<
    'added' | 'moved' | 'changed' | 'kept',
    string[]
  >;

  /** Notes what becomes of an endpoint. `keep`: the port that runs; `open`: a new one. */
  classify(
    router: NativeRouter,
    ports: ReadonlyMap<string, Port>,
    ir: Port['ir'],
  ): 'keep' | 'open' {
    const running = ports.get(ir.name);
    if (running !== undefined && canChange(router, running, ir)) {
      const wordsOf = ({ options, control }: Port['ir']) => JSON.stringify([options, control]);
      const same = wordsOf(running.ir) === wordsOf(ir);
      this.#names[same ? 'kept' : 'changed'].push(ir.name);
      return 'keep';
    }
    const inherits = running !== undefined && canInherit(running, ir);
    this.#names[inherits ? 'changed' : running === undefined ? 'added' : 'moved'].push(ir.name);
    return 'open';
  }

  keep(port: Port): void {
    this.ports.set(port.ir.name, port);
    this.slots.add(port.slot);
  }

  open(port: Port): void {
    this.keep(port);
    this.opened.push(port);
  }

  names(): Pick<UpdateReport, 'added' | 'moved' | 'changed' | 'kept'> {
    return this.#names;
  }
}

export function openAll(router: NativeRouter, ir: RouterIr, plan: WorkerPlan): Map<string, Port> {
  const open = (endpoint: Port['ir']) =>
    [endpoint.name, openPort(router, endpoint, plan.workerOf.get(endpoint.name) ?? 0)] as const;
  return new Map(ir.endpoints.map(open));
}

export function bindingsOf(
  ir: RouterIr,
  ports: ReadonlyMap<string, Port>,
  draining: readonly Port[],
): NativeBindings {
  const index = new Map(ir.endpoints.map(({ name }, at) => [name, at]));
  return {
    slots: Uint8Array.from(ir.endpoints, ({ name }) => portOf(ports, name).slot),
    draining: draining.flatMap(({ slot, ir: { name } }) => {
      const endpoint = index.get(name);
      return endpoint === undefined ? [] : [{ slot, endpoint }];
    }),
  };
}

export function namesOf(
  ir: RouterIr,
): Pick<NativeInstall, 'routeNames' | 'rejectNames' | 'plugins' | 'correlationNames'> {
  const rejectNames: string[] = [];
  for (const [name, code] of [...Object.entries(rejectCodes), ...Object.entries(ir.rejectCodes)]) {
    rejectNames[code] = name;
  }
  return {
    routeNames: ir.routes.map(({ name }) => name),
    rejectNames: Array.from(rejectNames, (name) => name ?? ''),
    plugins: pluginLibraries(ir),
    correlationNames: (ir.correlations ?? []).map(({ name }) => name),
  };
}
