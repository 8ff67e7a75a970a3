// The open endpoints of a running router: opening, changing, draining and closing them.
//
// Every endpoint has a slot in the engine. One whose address changes gets a second slot: the new
// socket opens first, and the old one is drained beside it.
import type { EndpointIr } from '../compiler/ir.js';
import { MemoryEndpoint } from '../endpoints/memory-endpoint.js';
import { isRaptor, nativeRaptorOptions, warnOfKeyLog } from '../endpoints/raptor-native.js';
import { type ErrorDetail, HyperRouteError, isHyperRouteError } from '../errors.js';
import {
  type NativeEndpointInfo,
  type NativeEndpointSpec,
  type NativeRouter,
  native,
  nativeCall,
} from '../native.js';

/** An endpoint that is open. */
export interface Port {
  readonly slot: number;
  readonly worker: number;
  readonly ir: EndpointIr;
  /** `host:port` it is bound to; null for memory. */
  readonly address: string | null;
  readonly receiveBufferBytes: number | null;
  readonly memory: MemoryEndpoint | null;
  /** It shares the socket of the port it replaces. */
  readonly inherits: boolean;
}

/** How often a state of the engine that takes time is asked for. */
const askEveryMs = 1;
/** After so many times it is asked for less often: connections may stay for hours. */
const askOftenCount = 1000;
const askSeldomMs = 25;
/** How often a sleeping worker is asked for a new report. */
const refreshEveryMs = 10;
/** A moved udp endpoint is drained once its old socket has been silent for so long. */
const silentMs = 200;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function specOf(ir: EndpointIr, worker: number): NativeEndpointSpec {
  const { name, kind } = ir;
  const queue = ir.options.queue as NativeEndpointSpec['queue'];
  const options = isRaptor(kind)
    ? nativeRaptorOptions(`endpoints.${name}`, ir.options)
    : ir.options;
  return { name, kind, worker, queue, options };
}

/** Has the engine open an endpoint; an error says which one it was. */
function openNative(router: NativeRouter, spec: NativeEndpointSpec): NativeEndpointInfo {
  try {
    return nativeCall(() => router.openEndpoint(spec));
  } catch (error) {
    if (!isHyperRouteError(error)) throw error;
    const { code, message } = error;
    const context = `endpoint '${spec.name}': ${message}`;
    const detail = { ...error.detail, context } as ErrorDetail<typeof code>;
    throw new HyperRouteError(code, context, detail, { cause: error });
  }
}

/** Opens an endpoint's sockets; nothing is read before `attach`. Throws what the system says. */
export function openPort(
  router: NativeRouter,
  ir: EndpointIr,
  worker: number,
  replaced?: Port,
): Port {
  const spec = specOf(ir, worker);
  if (ir.kind !== 'memory') {
    const inherits = replaced !== undefined && canInherit(replaced, ir);
    const shared = inherits ? { ...spec, inherits: replaced.slot } : spec;
    const { slot, address = null, receiveBufferBytes = null } = openNative(router, shared);
    if (isRaptor(ir.kind)) warnOfKeyLog(`endpoint '${ir.name}'`, ir.options);
    return { slot, worker, ir, address, receiveBufferBytes, memory: null, inherits };
  }
  const { mode, ringBytes } = ir.options as { mode: 'wake' | 'poll'; ringBytes: number };
  const memory = new MemoryEndpoint(ir.name, mode, ringBytes, native().bytesToLine);
  const options = { ...spec.options, ...memory.memory, onWake: () => memory.onWake() };
  const { slot } = openNative(router, { ...spec, options });
  memory.open(() => router.wake(slot));
  return { slot, worker, ir, address: null, receiveBufferBytes: null, memory, inherits: false };
}

/** Whether what is bound to the address of `ir` is the socket of this port. */
export function canInherit(port: Port, ir: EndpointIr): boolean {
  if (port.ir.kind !== ir.kind || (ir.kind !== 'udp' && ir.kind !== 'tcp-listen')) return false;
  const { host, port: number } = port.ir.options;
  return host === ir.options.host && number === ir.options.port;
}

/** Whether a running endpoint becomes `ir` without a new socket. */
export function canChange(router: NativeRouter, port: Port, ir: EndpointIr): boolean {
  if (port.ir.kind !== ir.kind) return false;
  if (ir.kind === 'memory') {
    return JSON.stringify(port.ir.options) === JSON.stringify(ir.options);
  }
  return nativeCall(() => router.canReconfigure(port.slot, specOf(ir, port.worker)));
}

/** Applies new options to what comes after. */
export async function changePort(router: NativeRouter, port: Port, ir: EndpointIr): Promise<Port> {
  const same = JSON.stringify(port.ir.options) === JSON.stringify(ir.options);
  if (!same) {
    const spec = specOf(ir, port.worker);
    await done(router, () => router.reconfigure(port.slot, spec));
  }
  return { ...port, ir };
}

/** Waits for a command that the worker carries out between two cycles. */
export async function done(router: NativeRouter, post: () => number): Promise<void> {
  const ticket = nativeCall(post);
  await until(() => router.isDone(ticket), Number.POSITIVE_INFINITY, router);
}

/** Waits until `ready` or the time is over; says whether it was ready. Polls an inline router. */
export async function until(
  ready: () => boolean,
  limitMs: number,
  router: NativeRouter,
): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (let asked = 0; ; asked++) {
    if (ready()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(asked < askOftenCount ? askEveryMs : askSeldomMs);
    router.poll();
  }
}

/**
 * Reads nothing more from an endpoint and waits, up to `limitMs`, until what it had read is routed.
 */
export async function stopReading(router: NativeRouter, port: Port, limitMs: number) {
  port.memory?.endOffers();
  await done(router, () => router.stopReading(port.slot));
  await until(() => router.report(port.slot).rxIdle, limitMs, router);
}

/** Waits, up to `limitMs`, until what is queued for an endpoint by now has left. */
export async function flushPort(router: NativeRouter, port: Port, limitMs: number) {
  const deadline = performance.now() + limitMs;
  const isIdle = () => router.report(port.slot).txIdle;
  for (;;) {
    // The last report may be older than what is queued, and nothing wakes a worker to make a new
    // one when a peer has received the last bytes.
    await done(router, () => router.refresh(port.slot));
    const leftMs = Math.max(0, deadline - performance.now());
    if (await until(isIdle, Math.min(leftMs, refreshEveryMs), router)) return;
    if (leftMs <= refreshEveryMs) return;
  }
}

/** Sends what is queued, up to `limitMs`, and closes the endpoint's sockets. */
export async function closePort(router: NativeRouter, port: Port, limitMs: number) {
  await flushPort(router, port, limitMs);
  await done(router, () => router.detach(port.slot));
  port.memory?.close();
}

/**
 * Lets an endpoint that has moved end by itself: a listener's connections until they close, a udp
 * socket until it is silent; at most `limitMs`.
 */
export async function outlive(router: NativeRouter, port: Port, limitMs: number): Promise<void> {
  await done(router, () => router.stopAccepting(port.slot));
  let seen = router.report(port.slot).routed;
  let since = performance.now();
  const silent = (): boolean => {
    const now = router.report(port.slot).routed;
    if (now !== seen) {
      seen = now;
      since = performance.now();
    }
    return performance.now() - since >= silentMs;
  };
  const listening = port.ir.kind === 'tcp-listen';
  const over = () => (listening ? router.report(port.slot).peerCount === 0 : silent());
  await until(over, limitMs, router);
}

/**
 * Waits, up to `limitMs`, until what is queued for an endpoint has left and nothing has come from
 * it for a while. Says whether it came to that.
 */
export async function untilQuiet(router: NativeRouter, port: Port, limitMs: number) {
  const deadline = performance.now() + limitMs;
  let seen: number | undefined;
  let since = performance.now();
  while (performance.now() < deadline) {
    await done(router, () => router.refresh(port.slot));
    const { routed, txIdle } = router.report(port.slot);
    if (routed !== seen || !txIdle) {
      seen = routed;
      since = performance.now();
    }
    if (performance.now() - since >= silentMs) return true;
    await sleep(askSeldomMs);
  }
  return false;
}

/** The port of that name. Throws ERR_NOT_FOUND. */
export function portOf(ports: ReadonlyMap<string, Port>, name: string): Port {
  const port = ports.get(name);
  if (port !== undefined) return port;
  const context = `the router has no endpoint '${name}'`;
  throw new HyperRouteError('ERR_NOT_FOUND', context, { context });
}
