// Random sets of many conditions, each of a shape that one kind of table is for: values and
// ranges of one field, values of several fields together, and mixtures of them.
import type { ConditionIr, DecisionTableIr, FieldIr, IntervalsIr } from '../../lib/compiler/ir.js';
import { narrowCondition, randomCondition } from './random-condition.js';
import { range } from './random-schema.js';
import type { RandomValues } from './random-values.js';

type Boundaries = readonly bigint[][];

/** Conditions for a route with many rules, on fields of which at least one is an integer. */
export function manyConditions(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: Boundaries,
): ConditionIr[] {
  const integers = fields.flatMap((field, index) => (field.type === 'bytes' ? [] : [index]));
  // Fields of two bytes have a class map of their own where there are many classes.
  const twoBytes = integers.filter((index) => fields[index]?.bytes === 2);
  const one = random.pick(twoBytes.length > 0 && random.chance(50) ? twoBytes : integers);
  const shape = random.below(6);
  if (shape < 2) return oneField(random, fields, boundaries, one, shape === 0);
  if (shape === 2) return tuples(random, boundaries, integers);
  if (shape === 3) return mixture(random, fields, boundaries, integers);
  return Array.from({ length: random.between(65, 300) }, () =>
    narrowCondition(random, fields, boundaries),
  );
}

function among(index: number, intervals: IntervalsIr): ConditionIr {
  return { kind: 'in', value: { kind: 'field', field: index }, intervals };
}

/** Values or ranges over the whole of a field, or close together; they may overlap. */
function oneField(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: Boundaries,
  index: number,
  isExact: boolean,
): ConditionIr[] {
  const field = fields[index];
  if (field === undefined) return [];
  const [low, high] = range(field);
  const span = random.chance(50) ? high - low : high - low < 500n ? high - low : 500n;
  return Array.from({ length: random.between(10, 400) }, () => {
    const start = low + (random.u64() % (span + 1n));
    const width = isExact ? 0n : random.u64() % (span / 50n + 2n);
    const end = start + width > high ? high : start + width;
    boundaries[index]?.push(start, end);
    return among(index, [[start, end]]);
  });
}

/** Values of the same fields together, of which messages meet many and some occur twice. */
function tuples(
  random: RandomValues,
  boundaries: Boundaries,
  integers: readonly number[],
): ConditionIr[] {
  const chosen = integers.filter(() => random.chance(60));
  const used = chosen.length === 0 ? integers.slice(0, 1) : chosen.slice(0, 5);
  const point = (index: number): ConditionIr => {
    const value = BigInt(random.below(9));
    boundaries[index]?.push(value);
    // Now and then two values, so that the rule has several keys.
    return among(
      index,
      random.chance(10)
        ? [
            [value, value],
            [value + 3n, value + 4n],
          ]
        : [[value, value]],
    );
  };
  return Array.from({ length: random.between(12, 200) }, () => {
    const [only, ...others] = used.map(point);
    if (only === undefined) return { kind: 'and', terms: [] };
    return others.length === 0 ? only : { kind: 'and', terms: [only, ...others] };
  });
}

/** Some of everything in any order, and conditions that no table of their own is made for. */
function mixture(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: Boundaries,
  integers: readonly number[],
): ConditionIr[] {
  const index = random.pick(integers);
  const parts = [
    ...tuples(random, boundaries, integers),
    ...tuples(random, boundaries, integers),
    ...oneField(random, fields, boundaries, index, random.chance(50)),
    ...Array.from({ length: random.below(12) }, () =>
      random.chance(50)
        ? narrowCondition(random, fields, boundaries)
        : randomCondition(random, fields, boundaries, 1),
    ),
  ];
  const isSorted = random.chance(40);
  return isSorted ? parts : parts.sort(() => random.below(3) - 1);
}

/** A table for rules without conditions: any classes of some fields, any rule or none for each. */
export function randomTable(
  random: RandomValues,
  fields: readonly FieldIr[],
  boundaries: Boundaries,
  ruleCount: number,
): DecisionTableIr {
  const integers = fields.flatMap((field, index) => (field.type === 'bytes' ? [] : [index]));
  const chosen = integers.filter(() => random.chance(50)).slice(0, 4);
  let cellCount = 1;
  const dimensions = chosen.map((index) => {
    const [low, high] = range(fields[index] as FieldIr);
    const most = chosen.length === 1 && random.chance(50) ? 300 : 7;
    const span = random.chance(60) && high - low > 110n ? 110n : high - low;
    const starts = new Set<bigint>();
    for (let count = random.below(most); count > 0; count -= 1) {
      starts.add(low + 1n + (random.u64() % span));
    }
    const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1));
    boundaries[index]?.push(...sorted);
    cellCount *= sorted.length + 1;
    return { field: index, starts: sorted };
  });
  const cells = Array.from({ length: cellCount }, () => random.below(ruleCount + 1) - 1);
  return { dimensions, cells };
}
