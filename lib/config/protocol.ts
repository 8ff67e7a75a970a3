// What passes between the loader and a configuration worker. Everything survives structured
// cloning.
import type { ErrorCode } from '../codes.js';
import type { SourcePlace } from '../errors.js';

/** `workerData` of a configuration worker. */
export interface WorkerInput {
  /** Absolute path of the configuration. */
  readonly file: string;
}

/** An error on its way out of the worker. */
export interface WorkerFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: unknown;
}

/** The worker's one answer. `ir` is the text that `serialize` made. */
export type WorkerAnswer =
  | { readonly kind: 'loaded'; readonly ir: string }
  | { readonly kind: 'failed'; readonly fault: WorkerFault };

/** `file:line:column`, as editors and terminals understand it. */
export function placeText({ file, line, column }: SourcePlace): string {
  return `${file}:${line}:${column}`;
}
