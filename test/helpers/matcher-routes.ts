// A configuration with a route for each kind of matcher and class map, small enough to check in.
import type {
  ConditionIr,
  DecisionTableIr,
  FieldIr,
  FieldType,
  RouteIr,
  RouterIr,
} from '../../lib/compiler/ir.js';

const position = { file: 'router.config.ts', line: 1, column: 1 };

const types = { kind: 'u8', tier: 'u16', price: 'u32', qty: 'u32', id: 'u64', delta: 'i16' };
type Name = keyof typeof types;
const names = Object.keys(types) as Name[];

const fields: FieldIr[] = [];
for (const [name, type] of Object.entries(types) as [Name, FieldType][]) {
  const last = fields.at(-1);
  const offset = last === undefined ? 0 : last.offset + last.bytes;
  const bytes = Number(type.slice(1)) / 8;
  fields.push({ name, type, order: 'le', offset, bytes, symbols: null });
}

function within(name: Name, low: number, high: number): ConditionIr {
  const value = { kind: 'field', field: names.indexOf(name) } as const;
  return { kind: 'in', value, intervals: [[BigInt(low), BigInt(high)]] };
}

const both = (...terms: ConditionIr[]): ConditionIr => ({ kind: 'and', terms });
const times = (count: number, make: (n: number) => ConditionIr): ConditionIr[] =>
  Array.from({ length: count }, (_, n) => make(n));

const product: ConditionIr = {
  kind: 'compare',
  op: 'gt',
  left: {
    kind: 'mul',
    left: { kind: 'field', field: names.indexOf('price') },
    right: { kind: 'field', field: names.indexOf('qty') },
  },
  right: { kind: 'const', value: 1000n },
};

/** The conditions of each route, by the name that says what they become. */
export const matcherConditions: Readonly<Record<string, readonly (ConditionIr | null)[]>> = {
  word: [both(within('kind', 3, 9), product), within('delta', -5, 5)],
  aggregated: times(100, (n) =>
    both(
      within('price', 10 * n, 10 * n + 500),
      within('qty', 7 * n, 7 * n + 300),
      within('id', 3 * n, 3 * n + 200),
    ),
  ),
  table: [
    both(within('kind', 1, 4), within('qty', 100, 999)),
    within('kind', 4, 7),
    within('qty', 500, 2000),
    null,
  ],
  buckets: times(120, (n) => within('price', 1000 * n, 1000 * n + 600)),
  directWide: times(90, (n) => within('delta', 50 * n - 2000, 50 * n - 1970)),
  exact: times(60, (n) =>
    both(
      within('id', n % 20, n % 20),
      within('kind', n % 6, n % 6),
      within('tier', 0, 0),
      within('delta', -n, -n),
    ),
  ),
  several: [
    ...times(40, (n) => both(within('id', 7 * n, 7 * n), within('kind', n % 3, n % 3))),
    ...times(40, (n) => within('price', 100 * n, 100 * n + 70)),
    both(within('kind', 0, 100), product),
    within('delta', 1, 1),
  ],
};

/** By `kind` and `tier`: cell n has rule n % 3, those of the last kind none. */
const table: DecisionTableIr = {
  dimensions: [
    { field: names.indexOf('kind'), starts: [1n, 2n, 5n] },
    { field: names.indexOf('tier'), starts: [10n, 1000n] },
  ],
  cells: Array.from({ length: 12 }, (_, cell) => (cell < 9 ? cell % 3 : -1)),
};

/** Route n, of endpoint n, has the conditions of that name; the last one is a decision table. */
export function matcherRoutesIr(): RouterIr {
  const routeNames = [...Object.keys(matcherConditions), 'decision'];
  const routes = routeNames.map((name, source): RouteIr => {
    const conditions = matcherConditions[name] ?? [null, null, null];
    const rules = conditions.map((when, index) => ({
      name: `${index}`,
      when,
      action: {
        transform: null,
        target: { kind: 'endpoint', endpoint: index % routeNames.length } as const,
      },
      position,
    }));
    const parts = { name, schema: 0, sources: [source], checks: [], rules, reject: null, position };
    return name === 'decision' ? { ...parts, table } : parts;
  });
  const bytes = fields.reduce((sum, field) => sum + field.bytes, 0);
  return {
    version: 1,
    name: 'matchers',
    schemas: [
      { name: 'M', templateId: 1n, bytes, fields, sizeField: null, typeField: null, position },
    ],
    families: [
      { name: 'raw', discriminator: null, size: null, members: [] },
      { name: 'M', discriminator: null, size: null, members: [0] },
    ],
    endpoints: routeNames.map((name) => {
      return { name, kind: 'memory', family: 1, options: {}, position } as const;
    }),
    pools: [],
    transforms: [],
    routes,
    rejectCodes: {},
    threading: { model: 'shared' },
    idle: 'block',
    cpu: null,
    sampleEvery: 0,
    drainTimeoutMs: 0,
    position,
  };
}
