// What a configuration needs of the engine: its endpoints open, its image bound to their slots.
// Control path, on the thread that started the router.
import { rejectCodes } from '../codes.js';
import type { RouterIr } from '../compiler/ir.js';
import type { NativeBindings, NativeRouter } from '../native.js';
import type { UpdateReport } from './hyperroute.js';
import { openPort, type Port, portOf } from './ports.js';
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

  keep(port: Port, ir: Port['ir']): void {
    const same = JSON.stringify(port.ir.options) === JSON.stringify(ir.options);
    this.#names[same ? 'kept' : 'changed'].push(ir.name);
    this.ports.set(ir.name, port);
    this.slots.add(port.slot);
  }

  open(port: Port, replaces: boolean): void {
    const what = port.inherits ? 'changed' : replaces ? 'moved' : 'added';
    this.#names[what].push(port.ir.name);
    this.ports.set(port.ir.name, port);
    this.slots.add(port.slot);
    this.opened.push(port);
  }

  report(removed: readonly Port[]): UpdateReport {
    return { ...this.#names, removed: removed.map(({ ir }) => ir.name) };
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

export function namesOf(ir: RouterIr): { routeNames: string[]; rejectNames: string[] } {
  const rejectNames: string[] = [];
  for (const [name, code] of [...Object.entries(rejectCodes), ...Object.entries(ir.rejectCodes)]) {
    rejectNames[code] = name;
  }
  return {
    routeNames: ir.routes.map(({ name }) => name),
    rejectNames: Array.from(rejectNames, (name) => name ?? ''),
  };
}
