// The checks of `validate`: interval tests where one field decides, programs for the rest.
import {
  type Box,
  type ConditionContext,
  exactBoxes,
  hasArithmetic,
  integerField,
} from './emit-conditions.js';
import { fieldKind, fieldRange, keyOf } from './emit-fields.js';
import { type CheckName, checkKinds, opcodes } from './emit-format.js';
import { type PairTest, pairOf } from './emit-pairs.js';
import { emitPlugin } from './emit-plugins.js';
import { emitProgram } from './emit-programs.js';
import type { ImageBuilder } from './emit-sections.js';
import { emitSet } from './emit-sets.js';
import type { CheckIr, ConditionIr, IntervalsIr, SchemaIr } from './ir.js';
import { isTextField } from './lower.js';

/** Appends a route's checks. Returns the kind of each record that was written. */
export function emitChecks(
  builder: ImageBuilder,
  checks: readonly CheckIr[],
  schema: SchemaIr,
  route: string,
): readonly CheckName[] {
  return checks.flatMap((check, index) => {
    const option = `${route}.validate[${index}]`;
    const context = { schema, option, position: check.position };
    if (check.condition.kind === 'plugin') return emitPluginCheck(builder, check, schema);
    return emitCondition(builder, check.condition, builder.code(check.code), context);
  });
}

function emitPluginCheck(
  builder: ImageBuilder,
  { condition, code, moreCodes = [] }: CheckIr,
  { bytes, fields }: SchemaIr,
): readonly CheckName[] {
  if (condition.kind !== 'plugin') return [];
  const shown = condition.call.fields.flatMap((index) => fields[index] ?? []);
  const codes = [code, ...moreCodes];
  const use = { kind: 'validate', viewBytes: bytes, fields: shown, codes } as const;
  const index = emitPlugin(builder, condition.call, use);
  const kind = checkKinds.plugin;
  builder.sections.checks.u8(kind, 0).u16(0).u32(code, index, 0).u8(0, 0, 0, 0, 0, 0, 0, 0);
  return ['plugin'];
}

function emitCondition(
  builder: ImageBuilder,
  condition: ConditionIr,
  code: number,
  context: ConditionContext,
): readonly CheckName[] {
  if (!hasArithmetic(condition)) {
    const boxes = exactBoxes(condition, context);
    // One conjunction is a sequence of tests with the same code; a disjunction is not.
    if (boxes.length === 1 && boxes[0] !== undefined)
      return emitBox(builder, boxes[0], code, context);
  } else if (condition.kind === 'and') {
    return condition.terms.flatMap((term) => emitCondition(builder, term, code, context));
  }
  const pair = pairOf(condition, context);
  if (pair !== null) return emitPair(builder, pair, code);
  return [emitCheckProgram(builder, condition, code, context)];
}

function emitCheckProgram(
  builder: ImageBuilder,
  condition: ConditionIr,
  code: number,
  context: ConditionContext,
): CheckName {
  const { first, count } = emitProgram(builder, condition, context);
  const kind = checkKinds.program;
  builder.sections.checks.u8(kind, 0).u16(0).u32(code, first, count).u8(0, 0, 0, 0, 0, 0, 0, 0);
  return 'program';
}

function emitBox(
  builder: ImageBuilder,
  box: Box,
  code: number,
  context: ConditionContext,
): readonly CheckName[] {
  return [...box].map(([index, intervals]) => {
    const field = integerField(index, context);
    // What a text map answers is asked by a program.
    if (isTextField(field)) {
      const test = { kind: 'in', value: { kind: 'field', field: index }, intervals } as const;
      return emitCheckProgram(builder, test, code, context);
    }
    const set = emitSet(builder, pointsOf(intervals, field));
    if (set !== undefined) {
      builder.sections.checks
        .u8(checkKinds.set, fieldKind(field))
        .u16(field.offset)
        .u32(code, set.first, set.probeMax)
        .u8(set.bits, 0, 0, 0, 0, 0, 0, 0);
      return 'set';
    }
    const name = intervals.length === 1 ? 'range' : 'search';
    const keys = boundKeys(intervals, (value) => keyOf(field, value), fieldRange(field)[1]);
    const { first, steps } =
      name === 'range' ? emitRange(builder, field, intervals) : builder.searchKeys(keys);
    builder.sections.checks
      .u8(checkKinds[name], fieldKind(field))
      .u16(field.offset)
      .u32(code, first, name === 'range' ? 1 : keys.length)
      .u8(steps, 0, 0, 0, 0, 0, 0, 0);
    return name;
  });
}

/** The keys of all values where each interval is a single one; none where some are not. */
function pointsOf(intervals: IntervalsIr, field: ReturnType<typeof integerField>): bigint[] {
  if (intervals.some(([low, high]) => low !== high)) return [];
  return intervals.map(([value]) => keyOf(field, value));
}

function emitRange(
  builder: ImageBuilder,
  field: ReturnType<typeof integerField>,
  intervals: IntervalsIr,
): { first: number; steps: number } {
  const [low, high] = intervals[0] ?? fieldRange(field);
  const first = builder.sections.bounds.count;
  builder.sections.bounds.u64(keyOf(field, low)).u64(high - low);
  return { first, steps: 0 };
}

function emitPair(builder: ImageBuilder, pair: PairTest, code: number): readonly CheckName[] {
  const { left, right, operation } = pair;
  const first = builder.appendWide(pair.low);
  builder.appendWide(pair.high);
  builder.sections.checks
    .u8(checkKinds.pair, fieldKind(left))
    .u16(left.offset)
    .u32(code, first, 0)
    .u8(0, fieldKind(right))
    .u16(right.offset)
    .u8(opcodes[operation], 0, 0, 0);
  return ['pair'];
}

/** Keys at which membership changes, in turn in and out; none where the range simply ends. */
function boundKeys(
  intervals: IntervalsIr,
  key: (value: bigint) => bigint,
  max: bigint,
): readonly bigint[] {
  return intervals.flatMap(([low, high]) =>
    high === max ? [key(low)] : [key(low), key(high + 1n)],
  );
}
