// The copies that an action sends: where the oracle finds out which endpoint, and how many bytes.
import { rejectCodes } from '../codes.js';
import { nativeMessageBytesMax } from '../schema/model.js';
import { readField } from './fields.js';
import { pickMember } from './interpret-pool.js';
import type { InterpreterState, Passing } from './interpret-state.js';
import { outputBytesOf } from './interpret-transform.js';
import type { Delivery } from './interpret-types.js';
import type { ActionIr, FieldIr, PoolIr, RouterIr, SchemaIr } from './ir.js';

/**
 * The endpoints that can be sent a message of a schema: a raw one takes any bytes, one that finds
 * blocks in its datagrams takes nothing.
 */
function carriers(ir: RouterIr, schema: number): readonly number[] {
  return ir.endpoints.flatMap(({ family, options }, index) => {
    const framing = options.framing as { readonly kind?: unknown } | null | undefined;
    if (framing?.kind === 'blocks') return [];
    const members = ir.families[family]?.members ?? [];
    return members.length === 0 || members.includes(schema) ? [index] : [];
  });
}

/** The copies that an action sends, and how many members of a pool get none. */
export interface Acted {
  readonly deliveries: readonly Delivery[];
  readonly leftOut: number;
}

/** What an action does with the message, or a reject code. */
export function act(
  { ir, state, message, view, route }: Passing,
  { target, transform }: ActionIr,
  manner: Pick<Delivery, 'rule' | 'bestEffort' | 'priority'>,
): Acted | number {
  if (target.kind === 'discard') return { deliveries: [], leftOut: 0 };
  const to = transform === null ? null : (ir.transforms[transform]?.to ?? null);
  const outputBytes = transform === null ? message.length : outputBytesOf(ir, transform, message);
  if (transform !== null && outputBytes > nativeMessageBytesMax) return rejectCodes.OUT_OF_RANGE;
  const delivery = { transform, outputBytes, ...manner };
  const send = (one: Delivery['target']): Acted => {
    return { deliveries: [{ ...delivery, target: one }], leftOut: 0 };
  };
  if (target.kind === 'return-source') return send({ kind: 'return-source' });
  if (target.kind === 'return-field') {
    const schema = ir.schemas[ir.routes[route]?.schema ?? 0] as SchemaIr;
    const address = readField(view, schema.fields[target.field] as FieldIr);
    const endpoints = carriers(ir, to ?? (ir.routes[route]?.schema as number));
    return send({ kind: 'return-address', address, endpoints });
  }
  if (target.kind === 'correlated-source' || target.kind === 'correlated-destination') {
    const { found } = state.passing;
    const address = target.kind === 'correlated-source' ? found?.source : found?.destination;
    const endpoints = carriers(ir, to ?? (ir.routes[route]?.schema as number));
    return send({ kind: 'correlated', address: address ?? 0n, endpoints });
  }
  if (target.kind === 'endpoint') {
    return send({ kind: 'endpoint', endpoint: target.endpoint });
  }
  const { strategy } = ir.pools[target.pool] as PoolIr;
  if (strategy.kind === 'broadcast') {
    const bestEffort = manner.bestEffort || strategy.delivery === 'best-effort';
    const { endpoints, leftOut } = usableMembers(ir, state, target.pool);
    if (endpoints.length === 0) return rejectCodes.NO_DESTINATION;
    const deliveries = endpoints.map((endpoint): Delivery => {
      return { ...delivery, bestEffort, target: { kind: 'endpoint', endpoint } };
    });
    return { deliveries, leftOut };
  }
  const schema = ir.routes[route]?.schema ?? null;
  const endpoint = pickMember(ir, state, target.pool, { schema, message, view });
  if (endpoint === null) return rejectCodes.NO_DESTINATION;
  return send({ kind: 'endpoint', endpoint });
}

/**
 * The members of a pool that can be used, and how many cannot; or who stands in for them; or, in a
 * panic, all.
 */
function usableMembers(
  ir: RouterIr,
  state: InterpreterState,
  pool: number,
): { readonly endpoints: readonly number[]; readonly leftOut: number } {
  const { members, failover = [], panic = 'reject' } = ir.pools[pool] as PoolIr;
  const isUsable = (endpoint: number): boolean => (state.alive[endpoint] ?? 0) > 0;
  const all = members.map(({ endpoint }) => endpoint);
  const usable = all.filter(isUsable);
  if (usable.length > 0) return { endpoints: usable, leftOut: all.length - usable.length };
  const backup = failover.find(isUsable);
  if (backup !== undefined) return { endpoints: [backup], leftOut: 0 };
  return { endpoints: panic === 'reject' ? [] : all, leftOut: 0 };
}
