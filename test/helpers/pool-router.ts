// A router with one pool, as the engine's step sees it: messages go in, members come out.
import { emit } from '../../lib/compiler/emit.js';
import type { RouterIr } from '../../lib/compiler/ir.js';
import {
  type Balancing,
  correlate,
  defineRouter,
  layout,
  otherwise,
  type PoolOptions,
  pool,
  route,
  schema,
  t,
  udp,
  weighted,
} from '../../lib/index.js';
import { loadImage, type NativeRouteImage } from './route-image.js';

export const Order = schema(
  'Order',
  1,
  { client: t.u64, venue: t.enum('a', 'b', 'c'), delta: t.i32, symbol: t.ascii(12) },
  { layout: layout.packed() },
);

const messages = { messages: Order };
const park = { full: 'park' } as const;

export interface PoolSetup {
  readonly members: readonly (string | readonly [name: string, weight: number])[];
  readonly balancing: Balancing;
  readonly options?: Omit<PoolOptions<'Order'>, 'failover'>;
  readonly failover?: readonly string[];
  /** Its messages wait for answers. */
  readonly isCorrelated?: boolean;
}

const asks = correlate('asks', { capacity: 9, full: 'evict-oldest' });

/** Endpoints are numbered as they are listed: the source, the members, those that stand in. */
export function poolRouter(setup: PoolSetup): RouterIr {
  const { members, balancing, options, failover = [], isCorrelated = false } = setup;
  const remote = { host: '127.0.0.1', port: 9 };
  const endpoint = (name: string) => udp(name, { port: 0, remote, queue: park, ...messages });
  const source = udp('source', { port: 0, ...messages });
  const standing = failover.map(endpoint);
  const made = members.map((member) => {
    const [name, weight] = typeof member === 'string' ? [member, 1] : member;
    return { endpoint: endpoint(name), weight };
  });
  const taken = made.map(({ endpoint: one, weight }) =>
    weight === 1 ? one : weighted(one, weight),
  );
  const venues = pool('venues', taken, balancing, { failover: standing, ...options });
  const rule = () => {
    const plain = otherwise.to(venues);
    return isCorrelated ? plain.opens(asks, { key: [], save: {} }) : plain;
  };
  return defineRouter({
    endpoints: [source, ...made.map(({ endpoint: one }) => one), ...standing],
    routes: [route.first(Order, () => [rule()], { from: source })],
  });
}

/** What members a pool picks, by their place in the list from 0; those that stand in follow. */
export class PoolUnderTest {
  readonly image: NativeRouteImage;
  readonly #message = new Uint8Array(Order.bytesMax);

  constructor(setup: PoolSetup) {
    this.image = loadImage(emit(poolRouter(setup)));
  }

  /** The member for an order; the reject code, below zero, when there is none. */
  pick(order: Partial<Parameters<typeof Order.encode>[0]> = {}): number {
    Order.encode({ client: 1n, venue: 'a', delta: 0, symbol: '', ...order }, this.#message);
    const { decision } = this.image.step(0, this.#message, 0n);
    const target = decision.deliveries[0]?.target;
    return target?.kind === 'endpoint' ? target.endpoint - 1 : -decision.rejectCode;
  }

  /** The members for clients 0 to `count` - 1. */
  picks(count: number): number[] {
    return Array.from({ length: count }, (_, client) => this.pick({ client: BigInt(client) }));
  }

  /** 0 cannot be used, 255 can, between: its share. */
  alive(member: number, share: number): void {
    this.image.setAlive(member + 1, share);
  }

  load(member: number, queuedBytes: number, outstanding = 0): void {
    this.image.setLoad(member + 1, queuedBytes, outstanding);
  }
}

/** How often each member was picked. */
export function counts(picks: readonly number[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const member of picks) found.set(member, (found.get(member) ?? 0) + 1);
  return found;
}
