// What an update of a running router is told and what it tells.
import type { PoolDiff, RouteDiff, RouterDiff } from '../compiler/diff.js';
import { configError, HyperRouteError } from '../errors.js';

export interface UpdateOptions {
  /**
   * The greatest share, 0 to 1, of a pool's keys (or, of a pool without a key, of its messages)
   * that may get another destination. An update that would move more of any pool is refused with
   * ERR_MOVED_LIMIT and changes nothing. Default 1: any.
   */
  readonly maxMoved?: number;
}

/** What an update did, or would do. */
export interface UpdateReport {
  /** Endpoints by name: new ones. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** New address or limits: opened anew, the old one drains. */
  readonly moved: readonly string[];
  /** Same socket, other options. */
  readonly changed: readonly string[];
  readonly kept: readonly string[];
  /** Pools that are not the same as before, and which share of their keys has moved. */
  readonly pools: readonly PoolDiff[];
  /** Routes that are not the same as before, and their rules. */
  readonly routes: readonly RouteDiff[];
  /** The greatest share of its keys that a pool has moved; what `maxMoved` is held against. */
  readonly movedShareMax: number;
}

/** The part of a report that configurations alone tell. */
export function changesOf(
  diff: RouterDiff,
): Pick<UpdateReport, 'pools' | 'routes' | 'movedShareMax'> {
  const { routes, movedShareMax } = diff;
  return { pools: diff.pools.filter(({ change }) => change !== 'same'), routes, movedShareMax };
}

/** Throws ERR_MOVED_LIMIT where a pool would move more than `maxMoved` of its keys. */
export function refuseMoves({ pools }: RouterDiff, maxMoved: number): void {
  if (!(typeof maxMoved === 'number' && maxMoved >= 0 && maxMoved <= 1)) {
    throw configError('maxMoved', 'a share from 0 to 1', maxMoved);
  }
  const over = pools.find(({ movedShare }) => movedShare > maxMoved);
  if (over === undefined) return;
  const moved = `${percent(over.movedShare)} of the keys of pool '${over.pool}' would move`;
  const context = `${moved}; at most ${percent(maxMoved)} may`;
  throw new HyperRouteError('ERR_MOVED_LIMIT', context, { context });
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}
