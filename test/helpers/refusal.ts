// The error that a mistake in a configuration raises.
import type { ConfigErrorDetail } from '../../lib/errors.js';
import { HyperRouteError } from '../../lib/errors.js';

/** What a test looks at of a refusal. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly detail: ConfigErrorDetail;
}

/** Runs `body`, which has to throw a HyperRouteError about an option, and gives that error. */
export function refusal(body: () => unknown): Refusal {
  try {
    body();
  } catch (error) {
    if (!(error instanceof HyperRouteError)) throw error;
    const { code, message, detail } = error;
    return { code, message, detail: detail as ConfigErrorDetail };
  }
  throw new Error('expected a HyperRouteError, nothing was thrown');
}
