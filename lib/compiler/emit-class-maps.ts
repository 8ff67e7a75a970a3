// Class maps: the values of a field between which no rule makes a difference are one class, and a
// class map says which class a message's value belongs to. What a matcher makes of the classes
// (rows of bits, a table of rules) is none of this file's business.
import { bucketMapNs, directMapNs, searchMapNs, textMapNs, treeMapNs } from './cost.js';
import type { Box } from './emit-conditions.js';
import { fieldKind, fieldRange, type IntegerField, keyOf } from './emit-fields.js';
import { type ClassMapName, classMapKinds } from './emit-format.js';
import { type ImageBuilder, keyMax, treeLevelCount } from './emit-sections.js';
import { emitTextMap } from './emit-text-maps.js';
import { isTextField, type TextField } from './lower.js';
import { perfectHashBytes } from './perfect-hash.js';
import type { TextMap } from './text-maps.js';

/** Which boxes hold in which classes of a field. A box is named by its place in the list. */
export interface FieldClasses {
  readonly classCount: number;
  /** For each box its runs of classes, [first, last, first, last, …], ascending. */
  readonly runs: readonly (readonly number[])[];
}

/** Classes of an integer: class 0 starts at the least value, class n at starts[n - 1]. */
export interface IntegerClasses extends FieldClasses {
  readonly starts: readonly bigint[];
}

/** How a value's class is found, and what that costs. */
export interface ClassMapPlan {
  readonly map: ClassMapName;
  readonly ns: number;
  readonly bytes: number;
  /** Of a search; of a tree its levels above the bounds. */
  readonly steps: number;
  /** Of buckets: the distance to the first bound is shifted by that. */
  readonly shift: number;
  /** Of buckets: how many bounds lie below each. */
  readonly belows: readonly number[];
}

/** A class map in the image. */
export interface ClassMapRef {
  readonly map: ClassMapName;
  readonly load: number;
  readonly offset: number;
  readonly table: number;
  readonly classCount: number;
  readonly steps: number;
  readonly shift: number;
  readonly buckets: number;
  readonly bucketCount: number;
}

/** Cuts the field's range where the boxes' sets begin and end, and says which boxes hold where. */
export function integerClasses(
  boxes: readonly Box[],
  index: number,
  field: IntegerField,
): IntegerClasses {
  const [min, max] = fieldRange(field);
  const starts = new Set<bigint>();
  for (const box of boxes) {
    for (const [low, high] of box.get(index) ?? []) {
      if (low > min) starts.add(low);
      if (high < max) starts.add(high + 1n);
    }
  }
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1));
  const classAt = new Map(sorted.map((value, place) => [value, place + 1]));
  const whole = [0, sorted.length];
  const runs = boxes.map((box) => {
    const intervals = box.get(index);
    if (intervals === undefined) return whole;
    return intervals.flatMap(([low, high]) => {
      const next = high === max ? sorted.length + 1 : (classAt.get(high + 1n) ?? 0);
      return [classAt.get(low) ?? 0, next - 1];
    });
  });
  return { classCount: sorted.length + 1, starts: sorted, runs };
}

/** Among fewer bounds a search by halves has as good as no loads of its own. */
export const treeKeysMin = 512;
/** A table of 128 KB takes the room of others' in the cache: for fewer bounds it does not pay. */
const directWideBoundsMin = 64;

/** The form of an integer's class map that answers soonest. */
export function planIntegerMap(
  { starts }: Pick<IntegerClasses, 'starts'>,
  field: IntegerField,
): ClassMapPlan {
  const plain = { steps: 0, shift: 0, belows: [] };
  if (isTextField(field)) return { ...plain, map: 'text', ...textMapCost(field.map) };
  if (field.bytes === 1) return { ...plain, map: 'direct', ns: directMapNs(512), bytes: 512 };
  const steps = stepsFor(starts.length);
  const searchBytes = (2 ** steps - 1) * 8;
  const plans: ClassMapPlan[] = [
    { ...plain, map: 'search', ns: searchMapNs(steps), bytes: searchBytes, steps },
  ];
  if (field.bytes === 2 && starts.length >= directWideBoundsMin) {
    const bytes = 65_536 * 2;
    plans.push({ ...plain, map: 'directWide', ns: directMapNs(bytes), bytes });
  }
  const keys = starts.map((value) => keyOf(field, value));
  if (keys.length >= treeKeysMin) {
    const levels = treeLevelCount(keys.length);
    const bytes = keys.length * 9;
    plans.push({ ...plain, map: 'tree', ns: treeMapNs(levels, bytes), bytes, steps: levels });
  }
  if (keys.length > 8) {
    for (const extra of [-2, 0, 2]) plans.push(planBuckets(keys, extra));
  }
  return plans.reduce((best, plan) => (plan.ns < best.ns ? plan : best));
}

/** What the look-up of a text costs, and what its tables hold. */
function textMapCost(map: TextMap): { ns: number; bytes: number } {
  const { pilots, slots } = perfectHashBytes(map.answerCount, textWordsGuess);
  return { ns: textMapNs(lookUpsOf(map), pilots, slots), bytes: pilots + slots };
}

const textWordsGuess = 3;
/** Most topics have their levels in two parts: those that patterns name, and the rest. */
const topicLookUps = 2;

function lookUpsOf(map: TextMap): number {
  if (map.kind === 'topic') return topicLookUps;
  if (map.kind === 'exact' || map.kind === 'levels') return 1;
  return Math.log2(new Set(map.prefixes.map(({ length }) => length)).size + 1);
}

/** Buckets by the top bits: about 2^extra for each bound. Fewer of them stay in the cache. */
function planBuckets(keys: readonly bigint[], extra: number): ClassMapPlan {
  const [first, last] = [keys[0] ?? 0n, keys.at(-1) ?? 0n];
  const spanBits = (last - first).toString(2).length;
  const shift = Math.max(0, spanBits - Math.ceil(Math.log2(keys.length)) - extra);
  const bucketOf = (key: bigint): number => Number((key - first) >> BigInt(shift));
  const counts = new Uint32Array(bucketOf(last) + 1);
  for (const key of keys) counts[bucketOf(key)] = (counts[bucketOf(key)] ?? 0) + 1;
  const belows: number[] = [];
  let below = 0;
  let most = 0;
  for (const count of counts) {
    belows.push(below);
    below += count;
    most = Math.max(most, count);
  }
  const steps = stepsFor(most);
  const bucketBytes = belows.length * 4;
  const boundBytes = (keys.length + 2 ** steps - 1) * 8;
  const ns = bucketMapNs(steps, bucketBytes, boundBytes);
  return { map: 'buckets', ns, bytes: bucketBytes + boundBytes, steps, shift, belows };
}

/** Steps of a search among so many bounds. */
const stepsFor = (count: number): number => (count === 0 ? 0 : 32 - Math.clz32(count));

/** Appends the class map of an integer field in the form that was planned. */
export function emitIntegerMap(
  builder: ImageBuilder,
  starts: readonly bigint[],
  field: IntegerField,
  plan: ClassMapPlan,
): ClassMapRef {
  if (isTextField(field)) return emitTextClasses(builder, starts, field);
  const { map, steps, shift, belows } = plan;
  const { bounds, cells } = builder.sections;
  const keys = (): bigint[] => starts.map((value) => keyOf(field, value));
  let table = bounds.count;
  let buckets = 0;
  if (map === 'search') {
    table = builder.searchKeys(keys()).first;
  } else if (map === 'tree') {
    table = builder.searchTree(keys()).first;
  } else if (map === 'buckets') {
    for (const key of keys()) bounds.u64(key);
    for (let padding = 1; padding < 2 ** steps; padding += 1) bounds.u64(keyMax);
    buckets = cells.count;
    for (const below of belows) cells.u32(below);
  } else {
    table = emitDirect(builder, starts, field);
  }
  return {
    ...{ map, load: fieldKind(field), offset: field.offset, table, steps, shift },
    ...{ classCount: starts.length + 1, buckets, bucketCount: belows.length },
  };
}

/** The answers of a text map, under the numbers of the classes that they belong to. */
function emitTextClasses(
  builder: ImageBuilder,
  starts: readonly bigint[],
  field: TextField,
): ClassMapRef {
  const classes = answerClasses(field.map, starts);
  const classCount = starts.length + 1;
  const table = emitTextMap(builder, field, (answer) => classes[answer] ?? 0, classCount);
  const none = { load: 0, steps: 0, shift: 0, buckets: 0, bucketCount: 0 };
  return { ...none, map: 'text', offset: field.offset, table, classCount };
}

/** The class of each answer. */
export function answerClasses({ answerCount }: TextMap, starts: readonly bigint[]): Uint32Array {
  const classes = new Uint32Array(answerCount);
  let place = 0;
  for (let answer = 0; answer < answerCount; answer += 1) {
    while (place < starts.length && (starts[place] ?? 0n) <= BigInt(answer)) place += 1;
    classes[answer] = place;
  }
  return classes;
}

/** Appends the record of a matcher's field: its class map, and where the first class's row is. */
export function emitMatchField(builder: ImageBuilder, ref: ClassMapRef, rows: number): void {
  builder.sections.matchFields
    .u8(classMapKinds[ref.map], ref.load)
    .u16(ref.offset)
    .u32(ref.table, rows, ref.classCount - 1)
    .u8(ref.steps, ref.shift)
    .u16(0)
    .u32(ref.buckets, ref.bucketCount, 0);
}

/** Appends the class of every value that one or two bytes can hold. */
function emitDirect(builder: ImageBuilder, starts: readonly bigint[], field: IntegerField): number {
  const { slots } = builder.sections;
  const first = slots.count;
  const bits = field.bytes * 8;
  const classes = new Uint16Array(2 ** bits);
  const bounds = [...starts, null];
  let value = fieldRange(field)[0];
  for (const [number, start] of bounds.entries()) {
    const end = start ?? fieldRange(field)[1] + 1n;
    for (; value < end; value += 1n) classes[Number(BigInt.asUintN(bits, value))] = number;
  }
  for (let pattern = 0; pattern < classes.length; pattern += 1) {
    slots.u16(classes[field.bit === undefined ? pattern : (pattern >> field.bit) & 1] ?? 0);
  }
  return first;
}
