// Random pools: every strategy, weights, keys, ids, stand-ins and panic policies; and the state
// that picks look at: shares of endpoints between dead and alive, loads, random numbers.
import type { InterpreterState } from '../../lib/compiler/interpret.js';
import type {
  EndpointIr,
  MemberIr,
  PoolIr,
  PoolKeyIr,
  SchemaIr,
  StrategyIr,
} from '../../lib/compiler/ir.js';
import { place } from './random-schema.js';
import type { RandomValues } from './random-values.js';
import type { NativeRouteImage } from './route-image.js';

const kinds = [
  'round-robin',
  'weighted',
  'failover',
  'least-loaded',
  'two-choices',
  'hash',
  'sticky',
  'table',
  'broadcast',
] as const;

export function randomPool(
  random: RandomValues,
  schemas: readonly SchemaIr[],
  endpoints: readonly EndpointIr[],
  index: number,
): PoolIr {
  const kind = random.pick(kinds);
  const weights = random.pick([1, 3, 40]);
  const withIds = kind === 'sticky' && random.chance(80);
  const ids = new Set<bigint>();
  const members = Array.from({ length: random.between(1, 7) }, (): MemberIr => {
    const endpoint = random.below(endpoints.length);
    const weight = random.between(1, weights);
    // Values that fields of random messages often have, also below zero.
    const id = BigInt(random.below(60)) - 3n;
    if (!withIds || ids.has(id) || random.chance(20)) return { endpoint, weight };
    ids.add(id);
    return { endpoint, weight, id };
  });
  const strategy = randomStrategy(random, schemas, kind, members.length);
  const failover = Array.from({ length: random.below(3) }, () => random.below(endpoints.length));
  return {
    name: `p${index}`,
    strategy,
    members,
    ...(random.chance(40) ? { failover } : {}),
    ...(random.chance(50) ? { panic: random.pick(['reject', 'spread', 'park'] as const) } : {}),
    position: place(index),
  };
}

function randomStrategy(
  random: RandomValues,
  schemas: readonly SchemaIr[],
  kind: (typeof kinds)[number],
  memberCount: number,
): StrategyIr {
  switch (kind) {
    case 'least-loaded':
    case 'two-choices':
      return { kind, measure: random.pick(['queue', 'outstanding'] as const) };
    case 'hash':
      return {
        kind,
        keys: randomKeys(random, schemas, 3),
        slots: random.pick([4099, 4099, 65_537]),
      };
    case 'sticky':
      return { kind, keys: randomKeys(random, schemas, 1) };
    case 'table': {
      const slots = Array.from({ length: random.between(1, 40) }, () => {
        const ranked = Array.from({ length: random.between(1, 4) }, () =>
          random.below(memberCount),
        );
        return [...new Set(ranked)];
      });
      return { kind, name: 'custom', keys: randomKeys(random, schemas, 3), slots };
    }
    case 'broadcast':
      return { kind, delivery: random.pick(['all-or-none', 'best-effort'] as const) };
    default:
      return { kind };
  }
}

/** A key for most of the message types. */
function randomKeys(
  random: RandomValues,
  schemas: readonly SchemaIr[],
  fieldsMax: number,
): PoolKeyIr[] {
  return schemas.flatMap(({ fields }, schema) => {
    const usable = fields.flatMap(({ type }, field) =>
      fieldsMax > 1 || type !== 'bytes' ? [field] : [],
    );
    if (usable.length === 0 || random.chance(10)) return [];
    const count = random.between(1, fieldsMax);
    return [{ schema, fields: Array.from({ length: count }, () => random.pick(usable)) }];
  });
}

/** The pools that messages of a type can be sent to. */
export function poolsFor(pools: readonly PoolIr[], schema: number | null): number[] {
  return pools.flatMap(({ strategy }, index) => {
    const isFit = !('keys' in strategy) || strategy.keys.some((key) => key.schema === schema);
    return isFit ? [index] : [];
  });
}

/** Changes something that picks look at, on both sides. */
export function randomStateChange(
  random: RandomValues,
  state: InterpreterState,
  native: NativeRouteImage,
): void {
  const endpoint = random.below(state.alive.length);
  if (random.chance(60)) {
    const alive = random.pick([0, 0, 255, 255, 1, 254, random.below(256)]);
    state.alive[endpoint] = alive;
    native.setAlive(endpoint, alive);
  } else {
    const figure = () => random.pick([0, 1, random.below(9), random.below(1000), 2 ** 32 - 1]);
    const load = { queuedBytes: figure(), outstanding: figure() };
    state.load[endpoint] = load;
    native.setLoad(endpoint, load.queuedBytes, load.outstanding);
  }
}
