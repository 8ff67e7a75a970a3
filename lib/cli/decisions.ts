// Decisions of one message at a time, by the native image and by the interpreter, as commands
// report them.
import { rejectCodes } from '../codes.js';
import { emitWithReport, type ImageReport } from '../compiler/emit.js';
import {
  type DecidedTarget,
  type Delivery,
  type Interpreted,
  initialState,
  interpret,
  type Transformed,
} from '../compiler/interpret.js';
import type { RouterIr } from '../compiler/ir.js';
import { pluginLibraries } from '../compiler/plugins.js';
import { isHyperRouteError } from '../errors.js';
import { native, nativeCall } from '../native.js';

/** Where messages go, one after the other: pools take turns from one to the next. */
export type Decider = (source: number, message: Uint8Array) => Interpreted;

export interface Deciders {
  readonly report: ImageReport;
  readonly interpreter: Decider;
  /** null: there is no addon on this machine. */
  readonly native: Decider | null;
}

interface RouteImageAddon {
  readonly RouteImage: new (
    bytes: Uint8Array,
    options: { readonly plugins: readonly string[] },
  ) => { step(source: number, message: Uint8Array, returnAddress: bigint): Interpreted };
}

/**
 * Deciders that start from the same state: everything usable, nobody's turn yet. Plug-ins run in
 * the native one; throws ERR_PLUGIN where one cannot be loaded.
 */
export function decidersOf(ir: RouterIr): Deciders {
  const { image, report } = emitWithReport(ir);
  const state = initialState(ir);
  return {
    report,
    interpreter: (source, message) => interpret(ir, state, source, message, 0n),
    native: nativeDecider(image, pluginLibraries(ir)),
  };
}

function nativeDecider(image: Uint8Array, plugins: readonly string[]): Decider | null {
  let addon: RouteImageAddon;
  try {
    addon = native() as unknown as RouteImageAddon;
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_NATIVE_UNAVAILABLE')) return null;
    throw error;
  }
  const loaded = nativeCall(() => new addon.RouteImage(image, { plugins }));
  return (source, message) => loaded.step(source, message, 0n);
}

/** A message that leaves. */
export interface Copy {
  /** The endpoint's name; null: a return address carried in the message names it. */
  readonly to: string | null;
  readonly endpoint: number | null;
  readonly transform: number | null;
  readonly message: Uint8Array;
}

/** What is delivered; empty: nothing is. */
export function copiesOf(ir: RouterIr, source: number, decided: Interpreted): readonly Copy[] {
  const { decision, delivered } = decided;
  return sent(ir, source, decision.deliveries, delivered);
}

/** What is sent because the message is rejected. */
export function rejectCopiesOf(
  ir: RouterIr,
  source: number,
  { reject, rejected }: Interpreted,
): readonly Copy[] {
  return sent(ir, source, reject?.deliveries ?? [], rejected);
}

/** Copies on best effort whose transform refuses the message are not sent. */
function sent(
  ir: RouterIr,
  source: number,
  deliveries: readonly Delivery[],
  made: readonly (Transformed | null)[],
): readonly Copy[] {
  return made.flatMap((transformed, index) => {
    const delivery = deliveries[index];
    if (transformed === null || delivery === undefined) return [];
    return [copyOf(ir, source, delivery.target, delivery.transform, transformed.output)];
  });
}

function copyOf(
  ir: RouterIr,
  source: number,
  target: DecidedTarget,
  transform: number | null,
  message: Uint8Array,
): Copy {
  const endpoint =
    target.kind === 'endpoint' ? target.endpoint : target.kind === 'return-source' ? source : null;
  const to = endpoint === null ? null : (ir.endpoints[endpoint]?.name ?? null);
  return { to, endpoint, transform, message };
}

/** The name of a reject code: built in, or the configuration's own. */
export function rejectName(ir: RouterIr, code: number): string {
  const all = Object.entries({ ...rejectCodes, ...ir.rejectCodes });
  return all.find(([, value]) => value === code)?.[0] ?? String(code);
}
