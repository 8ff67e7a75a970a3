// Turns whatever a configuration threw into plain data that can leave the worker thread, with the
// place in the user's own file.
import {
  calledFromText,
  describeValue,
  type HyperRouteError,
  isHyperRouteError,
  placeText,
  type SourcePlace,
} from '../errors.js';
import { type CalledPlace, type IsUserModule, placeOfStack } from '../schema/stack.js';
import type { WorkerFault } from './protocol.js';

/** Deeper chains of aliases than this do not occur; a cycle of `cause`s must end. */
const causesMax = 8;

/** A fault that stands for `error`; `otherwise` is its place when the error itself names none. */
export function faultOf(
  error: unknown,
  otherwise: SourcePlace,
  isUserModule: IsUserModule,
): WorkerFault {
  if (isHyperRouteError(error)) return codedFault(error, isUserModule);
  const { place, calledFrom } = placeOf(error, isUserModule) ?? {
    place: otherwise,
    calledFrom: [],
  };
  return loadFault(describe(error), place, calledFrom);
}

/** A fault of the file itself, at a place in it. */
export function loadFault(
  context: string,
  place: SourcePlace,
  calledFrom: readonly SourcePlace[] = [],
): WorkerFault {
  const message = `${placeText(place)}: ${context}${calledFromText(calledFrom)}`;
  const detail = { place, ...(calledFrom.length === 0 ? {} : { calledFrom }), context };
  return { code: 'ERR_CONFIG_LOAD', message, detail };
}

function codedFault(error: HyperRouteError, isUserModule: IsUserModule): WorkerFault {
  const { code, message } = error;
  const detail = cloneable(error.detail);
  if (detail.place !== undefined) return { code, message, detail };
  const found = placeOf(error, isUserModule);
  if (found === undefined) return { code, message, detail };
  const { place, calledFrom } = found;
  const more = calledFrom.length === 0 ? {} : { calledFrom };
  return {
    code,
    message: `${placeText(place)}: ${message}${calledFromText(calledFrom)}`,
    detail: { ...detail, place, ...more },
  };
}

function placeOf(error: unknown, isUserModule: IsUserModule): CalledPlace | undefined {
  let current = error;
  for (let depth = 0; depth < causesMax && current instanceof Error; depth++) {
    if ('place' in current && isPlace(current.place)) {
      return { place: current.place, calledFrom: [] };
    }
    const place = placeOfStack(current.stack ?? '', isUserModule);
    if (place !== undefined) return place;
    current = current.cause;
  }
  return undefined;
}

function isPlace(value: unknown): value is SourcePlace {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `the configuration threw ${describeValue(error)}`;
  return error.name === 'SourceFault' ? error.message : `${error.name}: ${error.message}`;
}

/** The detail with everything that cannot leave the thread replaced by its description. */
function cloneable(detail: unknown): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(detail ?? {})) {
    try {
      copy[key] = structuredClone(value);
    } catch {
      copy[key] = describeValue(value);
    }
  }
  return copy;
}
