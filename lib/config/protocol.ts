// What passes between the loader and a configuration worker. Everything survives structured
// cloning.
import type { ErrorCode } from '../codes.js';

/** What of a file is asked for: its router, or the schemas that it exports. */
export type Wanted = 'router' | 'schemas';

/** `workerData` of a configuration worker. */
export interface WorkerInput {
  /** Absolute path of the configuration. */
  readonly file: string;
  readonly wanted: Wanted;
}

/** An error on its way out of the worker. */
export interface WorkerFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: unknown;
}

/**
 * The worker's one answer. `text`: the router by `serialize`, or the schemas as JSON. `types`: the
 * message types of a router, as a JSON array.
 */
export type WorkerAnswer =
  | { readonly kind: 'loaded'; readonly text: string; readonly types: string }
  | { readonly kind: 'failed'; readonly fault: WorkerFault };
