// Random conditions over the fields of a message. Each constant they use is noted as a boundary
// of its field, so that messages can be made to stand right on, below and above it.
import type { ConditionIr, ExprIr, FieldIr, IntervalsIr } from '../../lib/compiler/ir.js';
import { range } from './random-schema.js';
import { randomBitsCondition, randomTextCondition } from './random-text.js';
import type { RandomValues } from './random-values.js';

const comparisons = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const;

export function randomCondition(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: readonly bigint[][],
  depth: number,
): ConditionIr {
  const kind = depth === 0 ? 9 : random.below(11);
  const inner = (): ConditionIr => randomCondition(random, fields, boundaries, depth - 1);
  if (kind === 0) return { kind: 'not', term: inner() };
  if (kind < 6) {
    const terms = Array.from({ length: random.below(4) }, inner);
    return { kind: kind < 4 ? 'and' : 'or', terms };
  }
  if (kind === 6) return randomCompare(random, fields, boundaries);
  if (kind === 7) {
    const value = randomExpr(random, fields, boundaries, 2);
    return { kind: 'in', value, intervals: randomIntervals(random, -(1n << 70n), 1n << 70n, []) };
  }
  const index = random.below(fields.length);
  const field = fields[index];
  if (field === undefined) return randomCompare(random, fields, boundaries);
  if (field.type === 'bytes') {
    return randomTextCondition(random, index, field, boundaries[index] ?? []);
  }
  if (kind === 10) return randomBitsCondition(random, index, field, boundaries[index] ?? []);
  const [low, high] = range(field);
  const intervals = randomIntervals(random, low, high, boundaries[index] ?? []);
  return { kind: 'in', value: { kind: 'field', field: index }, intervals };
}

/** A conjunction that few messages meet, for routes with many rules that do not hide each other. */
export function narrowCondition(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: readonly bigint[][],
): ConditionIr {
  const integers = fields.flatMap((field, index) => (field.type === 'bytes' ? [] : [index]));
  const terms = Array.from({ length: random.between(1, 3) }, (): ConditionIr => {
    const index = random.pick(integers);
    const low = BigInt(random.below(110));
    const high = low + BigInt(random.chance(50) ? 0 : random.below(10));
    boundaries[index]?.push(low, high);
    return { kind: 'in', value: { kind: 'field', field: index }, intervals: [[low, high]] };
  });
  // Some with arithmetic, which the class maps only narrow down.
  if (random.chance(5)) terms.push(randomCompare(random, fields, boundaries));
  return { kind: 'and', terms };
}

function randomIntervals(
  random: RandomValues,
  low: bigint,
  high: bigint,
  boundaries: bigint[],
): IntervalsIr {
  const points: bigint[] = [];
  for (let count = 2 * random.between(0, random.chance(20) ? 6 : 1); count > 0; count -= 1) {
    points.push(randomConstant(random, low, high));
  }
  if (random.chance(15)) points.push(low, low);
  if (random.chance(15)) points.push(high, high);
  const sorted = points.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const intervals: [bigint, bigint][] = [];
  for (let index = 0; index + 1 < sorted.length; index += 2) {
    const [from, to] = [sorted[index] ?? 0n, sorted[index + 1] ?? 0n];
    const last = intervals.at(-1);
    if (last !== undefined && from <= last[1] + 1n) last[1] = to > last[1] ? to : last[1];
    else intervals.push([from, to]);
  }
  boundaries.push(...intervals.flat());
  return intervals;
}

/** Small numbers mostly, so that conditions meet each other and the messages. */
function randomConstant(random: RandomValues, low: bigint, high: bigint): bigint {
  const kind = random.below(10);
  if (kind === 0) return low;
  if (kind === 1) return high;
  if (kind === 2) return low + (random.u64() % (high - low + 1n));
  const value = BigInt(random.between(-20, 100));
  return value < low ? low : value > high ? high : value;
}

function randomCompare(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: readonly bigint[][],
): ConditionIr {
  return {
    kind: 'compare',
    op: random.pick(comparisons),
    left: randomExpr(random, fields, boundaries, 2),
    right: randomExpr(random, fields, boundaries, 1),
  };
}

function randomExpr(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: readonly bigint[][],
  depth: number,
): ExprIr {
  if (depth > 0 && random.chance(60)) {
    const left = randomExpr(random, fields, boundaries, depth - 1);
    const right = randomExpr(random, fields, boundaries, depth - 1);
    return { kind: random.pick(['add', 'sub', 'mul'] as const), left, right };
  }
  const index = random.below(fields.length);
  const field = fields[index];
  if (field === undefined || field.type === 'bytes' || random.chance(25)) {
    // Now and then so large that arithmetic leaves 128 bits.
    const value = random.chance(10) ? 1n << 126n : randomConstant(random, -1000n, 1000n);
    return { kind: 'const', value };
  }
  boundaries[index]?.push(0n);
  return { kind: 'field', field: index };
}
