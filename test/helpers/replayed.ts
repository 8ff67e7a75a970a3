// Recordings as `hyperroute replay` reports them.
import { type Finished, hyperroute } from './cli.js';

type Shares = Readonly<Record<string, { readonly messages: number; readonly share: number }>>;

export interface Replayed {
  readonly ok: boolean;
  readonly file: { readonly kind: string; readonly position?: number };
  readonly messages: number;
  readonly different: number;
  readonly missed: number;
  readonly images: number;
  readonly workers: number;
  readonly end: string | null;
  readonly discarded: number;
  readonly rules: Shares;
  readonly destinations: Shares;
  readonly rejects: Shares;
}

/** What `hyperroute replay` says of a file. */
export async function replayed(
  path: string,
  ...flags: string[]
): Promise<Replayed & { readonly finished: Finished }> {
  const finished = await hyperroute(['replay', path, '--json', ...flags]);
  return { ...(JSON.parse(finished.stdout) as Replayed), finished };
}

/** Messages of all names. */
export const sum = (shares: Shares): number =>
  Object.values(shares).reduce((total, { messages }) => total + messages, 0);
