// Random configurations and messages for them: every layout, type, condition and transform that
// the intermediate representation can express, with constants that messages meet often.
import type {
  ActionIr,
  CheckIr,
  EndpointIr,
  FamilyIr,
  FieldIr,
  PoolIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SchemaIr,
  TransformIr,
  ValueIr,
} from '../../lib/compiler/ir.js';
import { randomCondition } from './random-condition.js';
import { withCorrelations } from './random-correlation.js';
import { withCopies } from './random-fan-out.js';
import { poolsFor, randomPool } from './random-pool.js';
import { manyConditions, randomTable } from './random-rules.js';
import { place, randomFamilySchemas, range } from './random-schema.js';
import type { RandomValues } from './random-values.js';

/** A configuration and the values at which its conditions change, by schema and field. */
export interface RandomRouter {
  readonly ir: RouterIr;
  readonly boundaries: readonly (readonly (readonly bigint[])[])[];
}

export function randomRouter(random: RandomValues): RandomRouter {
  const schemas: SchemaIr[] = [];
  const families: FamilyIr[] = [{ name: 'raw', discriminator: null, size: null, members: [] }];
  for (let count = random.between(1, 2); count > 0; count -= 1) {
    families.push(randomFamilySchemas(random, schemas, `F${families.length}`));
  }
  const endpoints: EndpointIr[] = Array.from({ length: random.between(2, 6) }, (_, index) => ({
    name: `e${index}`,
    kind: 'memory',
    family: random.below(families.length),
    options: {},
    position: place(index),
  }));
  const pools = Array.from({ length: random.between(1, 3) }, (_, index) =>
    randomPool(random, schemas, endpoints, index),
  );
  const builder: Parts = { schemas, endpoints, pools, transforms: [] };
  const boundaries = schemas.map((schema) => schema.fields.map((): bigint[] => []));
  const routes = randomRoutes(random, builder, families, boundaries);
  const ir: RouterIr = {
    version: 1,
    name: 'random',
    schemas,
    families,
    endpoints,
    pools,
    transforms: builder.transforms,
    routes,
    rejectCodes: {},
    threading: { model: 'shared' },
    idle: 'block',
    cpu: null,
    sampleEvery: 0,
    drainTimeoutMs: 0,
    position: place(0),
  };
  return { ir: random.chance(40) ? withCorrelations(random, ir) : ir, boundaries };
}

interface Parts {
  readonly schemas: readonly SchemaIr[];
  readonly endpoints: readonly EndpointIr[];
  readonly pools: readonly PoolIr[];
  readonly transforms: TransformIr[];
}

function randomRoutes(
  random: RandomValues,
  parts: Parts,
  families: readonly FamilyIr[],
  boundaries: readonly bigint[][][],
): RouteIr[] {
  const routes: RouteIr[] = [];
  for (const [family, { members }] of families.entries()) {
    const sources = parts.endpoints.flatMap((endpoint, index) =>
      endpoint.family === family ? [index] : [],
    );
    if (sources.length === 0) continue;
    for (const schema of members.length === 0 ? [null] : members) {
      if (random.chance(10)) continue;
      // Sometimes two routes share the sources between them.
      const cut = random.chance(30) ? random.below(sources.length) : 0;
      for (const half of [sources.slice(0, cut), sources.slice(cut)]) {
        if (half.length === 0) continue;
        routes.push(randomRoute(random, parts, schema, half, boundaries[schema ?? -1] ?? []));
      }
    }
  }
  return routes;
}

function randomRoute(
  random: RandomValues,
  parts: Parts,
  schema: number | null,
  sources: readonly number[],
  boundaries: readonly bigint[][],
): RouteIr {
  const fields = schema === null ? [] : (parts.schemas[schema]?.fields ?? []);
  const condition = () => randomCondition(random, fields, boundaries, random.below(4));
  // Mostly a few rules; sometimes many of a shape that has a table of its own.
  const isLarge = random.chance(25) && fields.some((field) => field.type !== 'bytes');
  const many = isLarge ? manyConditions(random, fields, boundaries) : [];
  const mode = random.chance(25) ? 'all' : 'first';
  const ruleCount = isLarge ? many.length : random.between(1, mode === 'all' ? 6 : 8);
  const rules: RuleIr[] = Array.from({ length: schema === null ? 1 : ruleCount }, (_, index) => ({
    name: `${index}`,
    when:
      schema === null || (!isLarge && index > 0 && random.chance(2))
        ? null
        : (many[index] ?? condition()),
    action: randomAction(random, parts, schema, false),
    position: place(index),
  }));
  if (random.chance(50)) {
    const action = randomAction(random, parts, schema, false);
    rules.push({ name: 'otherwise', when: null, action, position: place(0) });
  }
  const copy = () => randomAction(random, parts, schema, false);
  const isTable = schema !== null && !isLarge && mode === 'first' && random.chance(15);
  const table = isTable ? randomTable(random, fields, boundaries, rules.length) : undefined;
  const bare = table === undefined ? rules : rules.map((rule) => ({ ...rule, when: null }));
  const checks: CheckIr[] = [];
  while (schema !== null && random.chance(40)) {
    checks.push({
      condition: condition(),
      code: 1000 + random.below(50),
      position: place(checks.length),
    });
  }
  return {
    name: `r${schema ?? 'raw'}-${sources.join()}`,
    schema,
    sources,
    checks,
    ...withCopies(random, parts.pools, bare, mode, copy),
    ...(table === undefined ? {} : { table }),
    reject: random.chance(60) ? randomAction(random, parts, schema, true) : null,
    position: place(0),
  };
}

function randomAction(
  random: RandomValues,
  parts: Parts,
  schema: number | null,
  isReject: boolean,
): ActionIr {
  const fields = schema === null ? [] : (parts.schemas[schema]?.fields ?? []);
  const words = fields.flatMap((field, index) => (field.type === 'u64' ? [index] : []));
  const transform =
    schema === null || random.chance(30) ? null : randomTransform(random, parts, schema, isReject);
  const kind = random.below(10);
  if (kind === 0) return { transform: null, target: { kind: 'discard' } };
  if (kind === 1) return { transform, target: { kind: 'return-source' } };
  if (kind === 2 && words.length > 0) {
    return { transform, target: { kind: 'return-field', field: random.pick(words) } };
  }
  const pools = poolsFor(parts.pools, schema);
  if (kind < 6 && pools.length > 0) {
    return { transform, target: { kind: 'pool', pool: random.pick(pools) } };
  }
  const endpoint = random.below(parts.endpoints.length);
  return { transform, target: { kind: 'endpoint', endpoint } };
}

/** A transform of its own, or one made before for the same input. */
function randomTransform(
  random: RandomValues,
  { schemas, transforms }: Parts,
  from: number,
  isReject: boolean,
): number | null {
  const known = transforms.findIndex((transform) => transform.from === from);
  if (known !== -1 && !isReject && random.chance(70)) return known;
  const to = random.below(schemas.length);
  const [source, target] = [schemas[from], schemas[to]];
  if (source === undefined || target === undefined) return null;
  let numbered = false;
  const outputs = target.fields.flatMap((field, index) => {
    if (index === target.sizeField || index === target.typeField || random.chance(5)) return [];
    const value = randomValue(random, source, field, isReject, !numbered);
    if (value === null) return [];
    numbered ||= value.kind === 'sequence';
    return [{ field: index, value, rangeCode: 2000 + random.below(50) }];
  });
  // Outputs may stand in any order in a configuration.
  if (random.chance(30)) outputs.reverse();
  transforms.push({ name: `t${transforms.length}`, from, to, outputs, position: place(0) });
  return transforms.length - 1;
}

function randomValue(
  random: RandomValues,
  source: SchemaIr,
  target: FieldIr,
  isReject: boolean,
  mayNumber: boolean,
): ValueIr | null {
  const inputs = source.fields.map((field, index) => ({ field, index }));
  if (target.type === 'bytes') {
    const same = inputs.filter(
      ({ field }) => field.type === 'bytes' && field.bytes <= target.bytes,
    );
    return same.length === 0 ? null : { kind: 'field', field: random.pick(same).index };
  }
  const integers = inputs.filter(({ field }) => field.type !== 'bytes');
  const kind = random.below(12);
  if (kind === 0 && mayNumber) return { kind: 'sequence' };
  if (kind === 1 && target.type === 'u64') return { kind: 'return-address' };
  if (kind === 2 && isReject) return { kind: 'reject-code' };
  const [low, high] = range(target);
  const constant = (): bigint => random.pick([low, high, 0n, 1n, 100n, BigInt(random.below(128))]);
  // Copies of a whole prefix are common in practice and what merging is for.
  const twin = integers.find(({ field }) => field.name === target.name);
  if (kind > 6 && twin !== undefined) return { kind: 'field', field: twin.index };
  const input = integers.length === 0 ? undefined : random.pick(integers);
  if (kind === 3 || input === undefined) return { kind: 'const', value: constant() };
  if (kind === 4) {
    const from = new Set(Array.from({ length: random.below(9) }, () => BigInt(random.below(12))));
    const pairs = [...from].map((value) => [value, constant()] as const);
    return { kind: 'map', field: input.index, pairs, code: 3000 + random.below(50) };
  }
  return { kind: 'field', field: input.index };
}
