// What the control socket is asked: requests as operations of a router. Values are checked by the
// operations themselves; here it is only found out which one is meant.
import { configError } from '../errors.js';
import { quotedList } from '../schema/options.js';
import type { ControlHandler, ControlRequest } from './control-socket.js';
import type { HyperRoute } from './hyperroute.js';
import type { NewMember } from './live.js';

/** The operations by the `op` of a request. */
const operations: Readonly<
  Record<string, (router: HyperRoute, request: ControlRequest) => Promise<unknown> | object>
> = {
  status: (router) => router.status(),
  drain: (router, request) => router.drain(text(request, 'endpoint')),
  undrain: (router, request) => router.undrain(text(request, 'endpoint')),
  add: (router, request) => {
    const member = request.member as NewMember | string;
    return router.addMember(text(request, 'pool'), member, limits(request));
  },
  remove: (router, request) =>
    router.removeMember(text(request, 'pool'), text(request, 'endpoint'), limits(request)),
  reweight: (router, request) => {
    const weights = request.weights as Readonly<Record<string, number>>;
    return router.reweight(text(request, 'pool'), weights, limits(request));
  },
  reload: (router, request) => {
    const file = request.file === undefined ? undefined : text(request, 'file');
    return router.reload(file, limits(request));
  },
};

/** A request that the control socket has answered. */
export interface ControlReport {
  readonly op: string;
  /** Its other members, as they came. */
  readonly request: Readonly<Record<string, unknown>>;
  /** What it was answered, or why it was refused: one of both is there. */
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Answers requests by operations of `router`, and tells of those that change something. */
export function controlHandler(
  router: HyperRoute,
  tell: (report: ControlReport) => void = () => undefined,
): ControlHandler {
  return async (request) => {
    const { op, id: _, ...members } = request;
    const known = typeof op === 'string' && Object.hasOwn(operations, op);
    const operation = known ? operations[op] : undefined;
    if (!known || operation === undefined) {
      throw configError('op', `one of ${quotedList(Object.keys(operations))}`, op);
    }
    if (op === 'status') return operation(router, request);
    const report = (outcome: Pick<ControlReport, 'result' | 'error'>): void =>
      // What it throws is the user's own error, uncaught like any other of a callback: it makes no
      // refusal of a change that was made.
      queueMicrotask(() => tell({ op, request: members, ...outcome }));
    try {
      const result = await operation(router, request);
      report({ result: result ?? null });
      return result;
    } catch (error) {
      report({ error });
      throw error;
    }
  };
}

function text(request: ControlRequest, name: string): string {
  const value = request[name];
  if (typeof value === 'string') return value;
  throw configError(name, 'a text', value);
}

function limits({ maxMoved }: ControlRequest): { maxMoved?: number } {
  // Judged by the update, whatever it is.
  return maxMoved === undefined ? {} : { maxMoved: maxMoved as number };
}
