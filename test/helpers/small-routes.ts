// Random routes over messages so small that every one of them can be looked at.
import type { ConditionIr, ExprIr, FieldIr, IntervalsIr, RouterIr } from '../../lib/compiler/ir.js';
import { place } from './random-schema.js';
import type { RandomValues } from './random-values.js';

/** Two bytes: an integer of three bits, two of two bits, and single bits. 512 messages matter. */
const containers = [
  { name: 'a', offset: 0, shift: 0, bits: 3 },
  { name: 'b', offset: 0, shift: 3, bits: 2 },
  { name: 'c', offset: 0, shift: 5, bits: 2 },
];

const schemaBytes = 2;
const viewBytes = schemaBytes + 4 * containers.length;

const fields: readonly FieldIr[] = [
  ...containers.map(({ name, offset, shift, bits }, index): FieldIr => {
    const container = { offset, bytes: 1, order: 'le', shift, bits } as const;
    const at = schemaBytes + 4 * index;
    return { name, type: 'u32', order: 'le', offset: at, bytes: 4, symbols: null, container };
  }),
  ...[0, 1].map((bit): FieldIr => {
    return { name: `f${bit}`, type: 'bit', order: 'le', offset: 1, bytes: 1, symbols: null, bit };
  }),
];

/** Every message of the type, bits that no field has aside. */
export function* everyMessage(): Generator<Uint8Array> {
  for (let low = 0; low < 128; low += 1) {
    for (let high = 0; high < 4; high += 1) yield new Uint8Array([low, high]);
  }
}

/** The values of a message's fields, in the order of the fields. */
export function valuesOf([low = 0, high = 0]: Uint8Array): readonly bigint[] {
  const values = containers.map(({ shift, bits }) => (low >> shift) & ((1 << bits) - 1));
  return [...values, high & 1, (high >> 1) & 1].map(BigInt);
}

const wideLow = -(1n << 127n);

/** A number, or null where some step leaves 128 bits. */
function compute(expression: ExprIr, values: readonly bigint[]): bigint | null {
  if (expression.kind === 'const') return expression.value;
  if (expression.kind === 'field') return values[expression.field] ?? null;
  if (expression.kind === 'count') throw new TypeError('small messages have no counts');
  const left = compute(expression.left, values);
  const right = compute(expression.right, values);
  if (left === null || right === null) return null;
  const results = { add: left + right, sub: left - right, mul: left * right };
  const result = results[expression.kind];
  return result < wideLow || result >= -wideLow ? null : result;
}

/** How a condition comes out, terms from left to right as far as they matter; null: overflow. */
export function outcomeOf(condition: ConditionIr, values: readonly bigint[]): boolean | null {
  if (condition.kind === 'not') {
    const inner = outcomeOf(condition.term, values);
    return inner === null ? null : !inner;
  }
  if (condition.kind === 'and' || condition.kind === 'or') {
    const deciding = condition.kind === 'or';
    for (const term of condition.terms) {
      const inner = outcomeOf(term, values);
      if (inner === null || inner === deciding) return inner;
    }
    return !deciding;
  }
  if (condition.kind === 'in') {
    const value = compute(condition.value, values);
    if (value === null) return null;
    return condition.intervals.some(([low, high]) => low <= value && value <= high);
  }
  if (condition.kind !== 'compare') throw new TypeError(`no ${condition.kind} in small routes`);
  const left = compute(condition.left, values);
  const right = compute(condition.right, values);
  if (left === null || right === null) return null;
  const [isLess, isEqual] = [left < right, left === right];
  return {
    eq: isEqual,
    ne: !isEqual,
    lt: isLess,
    lte: isLess || isEqual,
    gt: !isLess && !isEqual,
    gte: !isLess,
  }[condition.op];
}

export interface SmallRouteOptions {
  readonly arithmetic: boolean;
}

/** A router with one route of some rules and checks. */
export function smallRouter(random: RandomValues, options: SmallRouteOptions): RouterIr {
  const condition = (): ConditionIr => smallCondition(random, random.between(0, 3), options);
  const rules = Array.from({ length: random.between(1, 7) }, (_, index) => ({
    name: `${index}`,
    when: condition(),
    action: { transform: null, target: { kind: 'discard' } } as const,
    position: place(index),
  }));
  const checks = random.chance(30)
    ? [{ condition: condition(), code: 1000, position: place(0) }]
    : [];
  const view = {
    kind: 'foreign',
    fixedBytes: schemaBytes,
    bytesMax: schemaBytes,
    parts: containers.map(({ offset, shift, bits }) => {
      return { kind: 'bits', container: { offset, bytes: 1, order: 'le', shift, bits } } as const;
    }),
  } as const;
  const otherwise = random.chance(20)
    ? [{ ...(rules[0] as (typeof rules)[0]), name: 'otherwise', when: null }]
    : [];
  return {
    version: 1,
    name: 'small',
    schemas: [
      {
        ...{ name: 'Small', templateId: 1n, bytes: viewBytes, fields, view },
        ...{ sizeField: null, typeField: null, position: place(0) },
      },
    ],
    families: [
      { name: 'raw', discriminator: null, size: null, members: [] },
      { name: 'Small', discriminator: null, size: null, members: [0] },
    ],
    endpoints: [{ name: 'in', kind: 'memory', family: 1, options: {}, position: place(0) }],
    pools: [],
    transforms: [],
    routes: [
      {
        name: 'small',
        schema: 0,
        sources: [0],
        checks,
        rules: [...rules, ...otherwise],
        reject: null,
        position: place(0),
      },
    ],
    rejectCodes: {},
    threading: { model: 'shared' },
    idle: 'block',
    cpu: null,
    sampleEvery: 0,
    drainTimeoutMs: 0,
    position: place(0),
  };
}

/** The same route, decided by a table over some of the fields instead, in which cells are empty. */
export function smallTable(random: RandomValues, options: SmallRouteOptions): RouterIr {
  const ir = smallRouter(random, options);
  const [route] = ir.routes as [RouterIr['routes'][0]];
  const chosen = [...fields.keys()].filter(() => random.chance(50));
  const dimensions = (chosen.length === 0 ? [0] : chosen).map((field) => {
    const starts = [1n, 2n, 3n, 5n, 9n].filter(() => random.chance(40));
    return { field, starts: starts.length === 0 ? [1n] : starts };
  });
  const cellCount = dimensions.reduce((count, { starts }) => count * (starts.length + 1), 1);
  const emptyShare = random.pick([0, 5, 50]);
  const cells = Array.from({ length: cellCount }, () => {
    return random.chance(emptyShare) ? -1 : random.below(route.rules.length);
  });
  const rules = route.rules.map((rule) => ({ ...rule, when: null }));
  return { ...ir, routes: [{ ...route, rules, table: { dimensions, cells } }] };
}

function smallCondition(
  random: RandomValues,
  depth: number,
  options: SmallRouteOptions,
): ConditionIr {
  const kind = depth === 0 ? 9 : random.below(10);
  const inner = (): ConditionIr => smallCondition(random, depth - 1, options);
  if (kind === 0) return { kind: 'not', term: inner() };
  if (kind < 8) {
    const terms = Array.from({ length: random.between(1, 3) }, inner);
    return { kind: kind < 5 ? 'and' : 'or', terms };
  }
  if (options.arithmetic && random.chance(35)) return smallArithmetic(random);
  const field = random.below(fields.length);
  return { kind: 'in', value: { kind: 'field', field }, intervals: smallIntervals(random) };
}

function smallIntervals(random: RandomValues): IntervalsIr {
  const values = Array.from({ length: random.between(1, 3) }, () => BigInt(random.between(-1, 8)));
  const [low = 0n, middle = low, high = middle] = values.sort((a, b) => (a < b ? -1 : 1));
  if (values.length < 3 || high <= middle + 1n) return [[low, middle]];
  return [
    [low, middle],
    [high, high],
  ];
}

function smallArithmetic(random: RandomValues): ConditionIr {
  const left = smallExpr(random, 2);
  if (random.chance(30)) return { kind: 'in', value: left, intervals: smallIntervals(random) };
  const op = random.pick(['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const);
  return { kind: 'compare', op, left, right: smallExpr(random, 1) };
}

function smallExpr(random: RandomValues, depth: number): ExprIr {
  if (depth > 0 && random.chance(60)) {
    const kind = random.pick(['add', 'sub', 'mul'] as const);
    return { kind, left: smallExpr(random, depth - 1), right: smallExpr(random, depth - 1) };
  }
  if (random.chance(70)) return { kind: 'field', field: random.below(fields.length) };
  // Now and then so large that arithmetic leaves 128 bits for some messages.
  const value = random.chance(10) ? 1n << 126n : BigInt(random.between(-3, 10));
  return { kind: 'const', value };
}
