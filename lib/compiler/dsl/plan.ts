// From what a transform's callback returned to a plan: for each output field where its value comes
// from, checked against its type.
import { optionError, type SourcePlace, Words } from '../../errors.js';
import { integerFacts, isBigint, isIntegerType, widens } from '../../schema/model.js';
import { exactInteger, isRecord } from '../../schema/options.js';
import { defaultOf, type PlacedField } from '../view.js';
import { type Capture, currentCapture } from './capture.js';
import { builtInCode, type CodeReference } from './codes.js';
import type { CorrelationNode } from './correlate.js';
import { homeOf } from './kept.js';
import { FitNode, NarrowingNode, OutputValue, RescaleNode, type ValueNode } from './outputs.js';
import {
  type AnyRef,
  BytesFieldRef,
  GroupFieldRef,
  isRef,
  outputOf,
  rangeCodeOf,
  refsOfFields,
  SymbolFieldRef,
} from './refs.js';

/** What is made of the value of a field; codes get their numbers when the router is defined. */
export type ConversionNode =
  | { readonly kind: 'field' | 'float' | 'text'; readonly field: number }
  | {
      readonly kind: 'map';
      readonly field: number;
      readonly pairs: readonly (readonly [bigint, bigint])[];
      readonly otherwise?: bigint;
      readonly code: CodeReference;
    }
  | { readonly kind: 'scale'; readonly field: number; readonly power: number };

/** What is written to one field. */
export type OutputNode =
  | ConversionNode
  | { readonly kind: 'variable'; readonly field: number }
  | { readonly kind: 'bytes'; readonly bytes: string }
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'group'; readonly field: number; readonly outputs: readonly PlannedOutput[] }
  | { readonly kind: 'correlation-id'; readonly correlation: CorrelationNode }
  | { readonly kind: 'found-id'; readonly correlation: CorrelationNode }
  /** Of what the correlation keeps. */
  | {
      readonly kind: 'saved';
      readonly correlation: CorrelationNode;
      readonly value: ConversionNode;
    }
  | { readonly kind: 'return-address' | 'sequence' | 'reject-code' };

/** What becomes of an optional source field that is absent. */
export type PlannedAbsence =
  | { readonly kind: 'absent' }
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'reject'; readonly code: CodeReference };

export interface PlannedOutput {
  /** Index among the fields of the output. */
  readonly field: number;
  readonly value: OutputNode;
  readonly rangeCode: CodeReference;
  /** Where the value comes from an optional field. */
  readonly absent: PlannedAbsence | null;
}

/** What a plan is made for: a message, or the entries of a group. */
export interface PlanTarget {
  readonly name: string;
  readonly fields: readonly PlacedField[];
}

/** The plan for an object of values by field name. Throws ERR_ROUTE. */
export function planOutputs(
  returned: unknown,
  to: PlanTarget,
  run: Capture,
  subject: string,
  place: SourcePlace,
): PlannedOutput[] {
  if (!isRecord(returned) || isRef(returned) || returned instanceof OutputValue) {
    const expected = `an object with a value for each field of ${to.name}`;
    throw optionError('ERR_ROUTE', subject, expected, returned, place);
  }
  const known = to.fields.filter(({ type }) => type !== 'bit' && type !== 'rest');
  return Object.entries(returned).map(([name, value]) => {
    const what = `${subject}.${name}`;
    const field = known.find((candidate) => candidate.name === name);
    if (field === undefined) {
      const expected = `fields of ${to.name}: ${known.map((other) => other.name).join(', ')}`;
      throw optionError('ERR_ROUTE', what, expected, name, place);
    }
    return planOutput(field, to.fields.indexOf(field), value, run, what, place);
  });
}

function planOutput(
  field: PlacedField,
  index: number,
  given: unknown,
  run: Capture,
  what: string,
  place: SourcePlace,
): PlannedOutput {
  if (given instanceof NarrowingNode || given instanceof RescaleNode || given instanceof FitNode) {
    const expected = "a conversion that can fail to say what happens then: .orReject('CODE')";
    throw optionError('ERR_ROUTE', what, expected, new Words('a conversion without it'), place);
  }
  const rangeCode = rangeCodeOf(place);
  if (!isRef(given) && !(given instanceof OutputValue)) {
    const value = bytesConstant(field, given) ?? constantOf(field, given, what, place);
    return { field: index, value, rangeCode, absent: null };
  }
  const output = isRef(given) ? outputOf(given) : given;
  return {
    field: index,
    value: plan(field, output, run, what),
    rangeCode: output.narrowing ?? rangeCode,
    absent: absenceOf(field, output, what),
  };
}

function absenceOf(field: PlacedField, output: OutputValue, what: string): PlannedAbsence | null {
  const { absent, place, value } = output;
  if (!('ref' in value) || value.ref.field.presence === null) return null;
  if (absent?.kind === 'reject') return absent;
  if (absent?.kind === 'value') {
    const node = constantOf(field, absent.value, `${what}.orElse`, place);
    return { kind: 'const', value: node.value };
  }
  // A string, blob or group that is absent is empty where it cannot be absent.
  if (field.presence !== null || field.limit > 0) return { kind: 'absent' };
  const expected =
    "what happens when the optional field is absent: .orElse(value) or .orRejectAbsent('CODE')";
  throw optionError('ERR_ROUTE', what, expected, value.ref.field.name, place);
}

function plan(field: PlacedField, output: OutputValue, run: Capture, what: string): OutputNode {
  const { value } = output;
  const node = planValue(field, output, run, what);
  const home = 'ref' in value ? homeOf(value.ref) : null;
  // What is kept has a fixed size: there is nothing else to be made of it.
  return home === null ? node : { kind: 'saved', correlation: home, value: node as ConversionNode };
}

function planValue(
  field: PlacedField,
  output: OutputValue,
  run: Capture,
  what: string,
): OutputNode {
  const { value, place } = output;
  if ('ref' in value) currentCapture(what, value.ref.capture);
  switch (value.kind) {
    case 'map':
      return mapOf(field, value.ref, value.targets, what, place);
    case 'table':
      return tableOf(field, value, output, what);
    case 'group':
      return groupOf(field, value, run, what, place);
    case 'text':
      if (field.ir.pad !== undefined && field.bytes === value.bytes) {
        return { kind: 'text', field: value.ref.index };
      }
      throw unfit(field, `text of ${value.bytes} bytes`, what, place);
    case 'scale': {
      const power = value.decimals - (value.ref.field.scale ?? 0);
      if (!isPlainInteger(field) || (field.scale ?? value.decimals) !== value.decimals) {
        throw unfit(field, `${value.ref.field.name} rescaled to ${value.decimals}`, what, place);
      }
      if (power === 0) return { kind: 'field', field: value.ref.index };
      return { kind: 'scale', field: value.ref.index, power };
    }
    case 'field':
      return fieldOf(field, value, run, output, what);
    case 'correlation-id':
    case 'found-id':
      special(field, value.kind, what, place);
      return value;
    default:
      special(field, value.kind, what, place);
      return { kind: value.kind };
  }
}

function isPlainInteger(field: PlacedField): boolean {
  return field.symbols === null && isIntegerType(field.type) && !field.opaque;
}

function fieldOf(
  field: PlacedField,
  { ref, type }: Extract<ValueNode, { kind: 'field' }>,
  run: Capture,
  { place, narrowing }: OutputValue,
  what: string,
): OutputNode {
  if (ref.capture !== run) currentCapture(what, ref.capture);
  if (ref instanceof SymbolFieldRef) {
    if (isSameRaw(field, ref.field)) return { kind: 'field', field: ref.index };
    const targets = Object.fromEntries(Object.keys(ref.symbols).map((symbol) => [symbol, symbol]));
    return mapOf(field, ref, targets, what, place);
  }
  if (ref instanceof GroupFieldRef) {
    const expected = `entries made by .map((entry) => ({ … })), for ${field.name}`;
    throw optionError('ERR_ROUTE', what, expected, ref.field.name, place);
  }
  if (ref instanceof BytesFieldRef) return bytesNode(field, ref, narrowing !== null, what, place);
  // A number without digits behind the point is a count of units, whatever they are.
  const isSameScale = (field.scale ?? ref.field.scale) === (ref.field.scale ?? field.scale);
  if (isPlainInteger(field) && isIntegerType(field.type) && isIntegerType(type) && isSameScale) {
    const isSafe = field.ir.max === undefined || ref.field.ir.max !== undefined;
    const fits = isSafe || narrowing !== null || !isBigint(type);
    if (fits && widens(type, field.type)) return { kind: 'field', field: ref.index };
  }
  const scale = isSameScale ? '' : `, ${ref.field.scale} digits behind the point`;
  throw unfit(field, `${ref.field.name} (${type}${scale})`, what, place);
}

function bytesNode(
  field: PlacedField,
  { field: source, index }: BytesFieldRef,
  isNarrowed: boolean,
  what: string,
  place: SourcePlace,
): OutputNode {
  if (source.limit > 0 && source.type === field.type) {
    if (source.limit <= field.limit || isNarrowed) return { kind: 'variable', field: index };
    const expected = `at most ${field.limit} bytes, or .orReject('CODE') for what has more`;
    throw optionError('ERR_ROUTE', what, expected, `up to ${source.limit} bytes`, place);
  }
  if (source.shape === 'f32' && field.shape === 'f64') return { kind: 'float', field: index };
  if (field.shape === source.shape && field.bytes === source.bytes && source.limit === 0) {
    return { kind: 'field', field: index };
  }
  throw unfit(field, `${source.shape} of ${source.bytes} bytes`, what, place);
}

function groupOf(
  field: PlacedField,
  { ref, build }: Extract<ValueNode, { kind: 'group' }>,
  run: Capture,
  what: string,
  place: SourcePlace,
): OutputNode {
  if (field.entry === null || ref.field.entry === null) {
    throw unfit(field, `entries of ${ref.field.name}`, what, place);
  }
  if (ref.field.limit > field.limit) {
    const expected = `at most ${field.limit} entries`;
    throw optionError('ERR_ROUTE', what, expected, `up to ${ref.field.limit}`, place);
  }
  const entry = refsOfFields(ref.field.entry, `${ref.field.name}[]`, run);
  const target = { name: what, fields: field.entry };
  const outputs = planOutputs(build(entry), target, run, `${what}[]`, place);
  return { kind: 'group', field: ref.index, outputs };
}

/** Whether both are enumerations of the same symbols that keep numbers without one. */
function isSameRaw(to: PlacedField, from: PlacedField): boolean {
  const [target, source] = [to.enumeration, from.enumeration];
  if (target?.unknown.policy !== 'raw' || source?.unknown.policy !== 'raw') return false;
  const entries = Object.entries(source.symbols);
  const isSame = entries.every(([symbol, value]) => target.symbols[symbol] === value);
  const isWhole = entries.length === Object.keys(target.symbols).length;
  return target.base === source.base && isSame && isWhole;
}

function mapOf(
  field: PlacedField,
  ref: AnyRef,
  targets: Readonly<Record<string, string | bigint>>,
  what: string,
  place: SourcePlace,
): OutputNode {
  const symbols = ref.field.symbols ?? {};
  const pairs = Object.entries(targets).map(([symbol, target]) => {
    const to = typeof target === 'string' ? field.symbols?.[target] : target;
    const isNumber = field.symbols === null && typeof target === 'bigint';
    if (to === undefined || (typeof target === 'bigint' && !isNumber) || !holds(field, to)) {
      throw unfit(field, `${symbol} -> ${target}`, what, place);
    }
    return [symbols[symbol] as bigint, to] as const;
  });
  pairs.sort(([left], [right]) => (left < right ? -1 : 1));
  const code = builtInCode('BAD_ENUM', place);
  const fallback = pairs.find(([value]) => value === defaultOf(ref.field));
  // A number without a symbol is read as that one, here as everywhere.
  const otherwise = fallback === undefined ? {} : { otherwise: fallback[1] };
  return { kind: 'map', field: ref.index, pairs, ...otherwise, code };
}

function tableOf(
  field: PlacedField,
  { ref, cells, answers }: Extract<ValueNode, { kind: 'table' }>,
  { narrowing, place }: OutputValue,
  what: string,
): OutputNode {
  const fallback = defaultOf(ref.field);
  const isPartial = answers.includes(undefined);
  if (isPartial && (narrowing === null || fallback !== undefined)) {
    const hint = fallback === undefined ? ", or .orReject('CODE')" : '';
    const missing = cells[answers.indexOf(undefined)]?.input;
    const received = `none for ${String(missing)}`;
    throw optionError('ERR_ROUTE', what, `an answer for every value${hint}`, received, place);
  }
  const pairs = cells.flatMap(({ value, input }, index) => {
    const answer = answers[index];
    if (answer === undefined) return [];
    const to = answerOf(field, answer);
    if (to === undefined) throw unfit(field, `${String(input)} -> ${String(answer)}`, what, place);
    return [[value, to] as const];
  });
  pairs.sort(([left], [right]) => (left < right ? -1 : 1));
  if (pairs.length === 0) throw unfit(field, 'no answer at all', what, place);
  const others = ref.field.symbols === null ? 'OUT_OF_RANGE' : 'BAD_ENUM';
  const code = narrowing ?? builtInCode(others, place);
  const found = pairs.find(([value]) => value === fallback);
  const otherwise = found === undefined ? {} : { otherwise: found[1] };
  return { kind: 'map', field: ref.index, pairs, ...otherwise, code };
}

/** What a function answered as a value of the output field; undefined: it is none. */
function answerOf(field: PlacedField, answer: unknown): bigint | undefined {
  if (field.symbols !== null) {
    const isKind = typeof answer === (field.shape === 'bool' ? 'boolean' : 'string');
    const symbol = String(answer);
    return isKind && Object.hasOwn(field.symbols, symbol) ? field.symbols[symbol] : undefined;
  }
  const exact = exactInteger(answer);
  return exact !== undefined && holds(field, exact) ? exact : undefined;
}

function holds(field: PlacedField, value: bigint): boolean {
  if (!isIntegerType(field.type) || field.opaque) return false;
  const { low, high } = integerFacts[field.type];
  return value >= low && value <= (field.ir.max ?? high);
}

const specialTypes: Readonly<Record<string, readonly string[]>> = {
  'return-address': ['u64'],
  'correlation-id': ['u64'],
  'found-id': ['u64'],
  sequence: ['u8', 'u16', 'u32', 'u64'],
  'reject-code': ['u32', 'u64'],
};

function special(field: PlacedField, kind: string, what: string, place: SourcePlace): void {
  const types = specialTypes[kind] ?? [];
  if (isPlainInteger(field) && types.includes(field.type)) return;
  const expected = `a field of type ${types.join(', ')} for the ${kind}`;
  throw optionError('ERR_ROUTE', what, expected, `${field.name} (${field.type})`, place);
}

function constantOf(
  field: PlacedField,
  given: unknown,
  what: string,
  place: SourcePlace,
): Extract<OutputNode, { kind: 'const' }> {
  if (field.symbols !== null) {
    const isBool = field.shape === 'bool';
    const isKind = isBool ? typeof given === 'boolean' : typeof given === 'string';
    const value = isKind ? field.symbols[String(given)] : undefined;
    if (value !== undefined) return { kind: 'const', value };
    throw unfit(field, given, what, place);
  }
  const value = exactInteger(given);
  if (value !== undefined && holds(field, value)) return { kind: 'const', value };
  throw unfit(field, given, what, place);
}

/** A constant of text, bytes, flags, a float or an array. */
function bytesConstant(field: PlacedField, given: unknown): OutputNode | null {
  if (!field.opaque || field.symbols !== null) return null;
  const bytes = field.encoded(given);
  return bytes === null ? null : { kind: 'bytes', bytes: Buffer.from(bytes).toString('hex') };
}

function unfit(field: PlacedField, received: unknown, what: string, place: SourcePlace): Error {
  return optionError('ERR_ROUTE', what, acceptedBy(field), received, place);
}

function acceptedBy(field: PlacedField): string {
  if (field.symbols !== null) return `one of ${Object.keys(field.symbols).join(', ')}`;
  if (!isIntegerType(field.type)) return `a field of ${field.bytes} ${field.shape}`;
  if (field.opaque) return `a field of ${field.shape}`;
  const { low, high } = integerFacts[field.type];
  const most = field.ir.max ?? high;
  return `a value of ${field.type} (${low} to ${most}), or a conversion to it with orReject`;
}
