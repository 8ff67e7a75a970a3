// Checks of transforms: every field of the output is written once, by something that fits.
import { integerFacts, isIntegerType } from '../schema/model.js';
import { keptFieldIr } from './emit-correlations.js';
import type { Findings } from './findings.js';
import type {
  ConversionIr,
  CorrelationIr,
  FieldIr,
  OutputIr,
  RouterIr,
  SchemaIr,
  SourcePosition,
  TransformIr,
  ValueIr,
} from './ir.js';
import { transformCountMax } from './limits.js';
import { checkPluginCall } from './plugins.js';
import { isSlot } from './view.js';

export function checkTransforms(ir: RouterIr, findings: Findings): void {
  const { transforms } = ir;
  const expected = `at most ${transformCountMax} transforms`;
  const isBounded = transforms.length <= transformCountMax;
  findings.need(isBounded, 'ERR_ROUTE', 'transforms', expected, transforms.length);
  for (const transform of transforms) checkTransform(ir, transform, findings);
}

function checkTransform(ir: RouterIr, transform: TransformIr, findings: Findings): void {
  const path = `transform ${transform.name}`;
  const { position } = transform;
  const count = ir.schemas.length;
  const isFrom = findings.index(transform.from, count, `${path}.from`, 'schemas', position);
  const isTo = findings.index(transform.to, count, `${path}.to`, 'schemas', position);
  if (!isFrom || !isTo) return;
  const from = ir.schemas[transform.from] as SchemaIr;
  const to = ir.schemas[transform.to] as SchemaIr;
  const headers = [to.sizeField, to.typeField].filter((index) => index !== null);
  for (const { field } of transform.outputs) {
    if (!headers.includes(field)) continue;
    const { name } = to.fields[field] as FieldIr;
    const expected = 'no value: the router writes this field itself';
    findings.add('ERR_ROUTE', `${path}.${name}`, expected, name, position);
  }
  if (to.view?.kind === 'foreign' && to.view.parts.some(({ kind }) => kind === 'section')) {
    const expected = 'an output all of whose fields have a fixed place';
    findings.add('ERR_ROUTE', `${path}.to`, expected, to.name, position);
  }
  if (transform.plugin !== undefined) {
    checkPlugin(transform, transform.plugin, from, to, path, findings);
    return;
  }
  const blocks = {
    ...{ from: from.fields, to: to.fields, fromName: from.name, toName: to.name },
    correlations: ir.correlations ?? [],
  };
  checkOutputs(blocks, transform.outputs, headers, path, position, findings);
  const sequences = transform.outputs.filter(({ value }) => value.kind === 'sequence');
  const isSingle = sequences.length <= 1;
  findings.need(isSingle, 'ERR_ROUTE', path, 'at most one sequence()', sequences.length, position);
}

/** A plug-in writes all of a message, which has to have all of its bytes at fixed places. */
function checkPlugin(
  { outputs, position }: TransformIr,
  { call, codes }: NonNullable<TransformIr['plugin']>,
  from: SchemaIr,
  to: SchemaIr,
  path: string,
  findings: Findings,
): void {
  checkPluginCall({ ...call, fields: [] }, from.fields, findings, path, position);
  for (const code of codes) findings.code(code, path, position);
  const isAlone = outputs.length === 0 && call.fields.length === 0;
  findings.need(isAlone, 'ERR_ROUTE', path, 'a plug-in alone', outputs, position);
  const variable = to.fields.find(({ type }) => isSlot(type) || type === 'rest');
  const expected = 'an output without strings, blobs, groups or a rest';
  const isFixed = variable === undefined;
  findings.need(isFixed, 'ERR_ROUTE', `${path}.to`, expected, variable?.name, position);
}

/** The fields of a message, or of the entries of a group, on both sides. */
interface Blocks {
  readonly from: readonly FieldIr[];
  readonly to: readonly FieldIr[];
  readonly fromName: string;
  readonly toName: string;
  /** null: entries of a group, which have no part in correlations. */
  readonly correlations: readonly CorrelationIr[] | null;
}

/** Every field that needs a value has one, and one only, which fits. `headers` need none. */
function checkOutputs(
  blocks: Blocks,
  outputs: readonly OutputIr[],
  headers: readonly number[],
  path: string,
  position: SourcePosition,
  findings: Findings,
): void {
  const { to, toName } = blocks;
  const written = new Set<number>();
  for (const output of outputs) {
    const noun = `fields of ${toName}`;
    if (!findings.index(output.field, to.length, path, noun, position)) continue;
    const field = to[output.field] as FieldIr;
    const option = `${path}.${field.name}`;
    const isOnce = !written.has(output.field);
    findings.need(isOnce, 'ERR_ROUTE', option, 'one value', 'two', position);
    written.add(output.field);
    checkOutput(blocks, field, output, option, position, findings);
  }
  for (const [index, field] of to.entries()) {
    const isFree = field.omissible === true || field.type === 'rest';
    if (written.has(index) || headers.includes(index) || isFree) continue;
    const option = `${path}.${field.name}`;
    // Its type says that it may be left out, for a union that has this schema may name it.
    const isHeader = field.name === 'type' || field.name === 'size';
    const hint = isHeader ? ', which the router writes only where a union names it' : '';
    findings.add('ERR_ROUTE', option, `a value for the ${field.type}${hint}`, undefined, position);
  }
}

function checkOutput(
  { from, fromName, correlations }: Blocks,
  field: FieldIr,
  { value, rangeCode, absent }: OutputIr,
  option: string,
  position: SourcePosition,
  findings: Findings,
): void {
  const conversion = value.kind === 'saved' ? value.value : value;
  const codes = conversion?.kind === 'map' ? [rangeCode, conversion.code] : [rangeCode];
  if (absent?.kind === 'reject') codes.push(absent.code);
  for (const code of codes) findings.code(code, option, position);
  const source = 'field' in value ? from[value.field] : undefined;
  if ('field' in value) {
    const noun = `fields of ${fromName}`;
    if (!findings.index(value.field, from.length, option, noun, position)) return;
    const isTold = source?.presence === undefined || absent !== undefined;
    const told = 'what happens when the optional field is absent';
    findings.need(isTold, 'ERR_ROUTE', option, told, undefined, position);
  }
  const expected =
    value.kind === 'saved' || value.kind === 'correlation-id' || value.kind === 'found-id'
      ? correlatedFits(correlations, field, value)
      : (fits(source, field, value) ?? absenceFits(field, absent));
  if (expected !== null) findings.add('ERR_ROUTE', option, expected, value, position);
  if (value.kind !== 'group' || source?.entry === undefined || field.entry === undefined) return;
  const [inner, outer] = [source.entry.fields, field.entry.fields];
  const name = `${option}[]`;
  const blocks = { from: inner, to: outer, fromName: name, toName: name, correlations: null };
  checkOutputs(blocks, value.outputs, [], `${option}[]`, position, findings);
}

function absenceFits(field: FieldIr, absent: OutputIr['absent']): string | null {
  if (absent?.kind === 'const') return constantFits(field, absent.value);
  const isOptional = field.presence !== undefined || isSlot(field.type);
  return absent?.kind !== 'absent' || isOptional ? null : 'an output that can be absent too';
}

/** The same of values that come from a correlation. */
function correlatedFits(
  correlations: readonly CorrelationIr[] | null,
  field: FieldIr,
  value: Extract<ValueIr, { kind: 'saved' | 'correlation-id' | 'found-id' }>,
): string | null {
  if (correlations === null) return 'a value of its own: entries of a group have no correlation';
  const correlation = correlations[value.correlation];
  if (correlation === undefined) return `one of ${correlations.length} correlations`;
  if (value.kind !== 'saved') {
    return field.type === 'u64' && field.max === undefined ? null : 'a u64 field for an id';
  }
  const { value: conversion } = value;
  if (!isConversion(conversion)) return 'the value of a field that is kept';
  const kept = keptFieldIr(correlation, conversion.field);
  if (kept === undefined) return `one of ${correlation.saved.length} values that are kept`;
  return fits(kept, field, conversion);
}

const conversionKinds: readonly string[] = ['field', 'map', 'scale', 'text', 'float'];

/** What it is may come from a file. */
function isConversion(value: ConversionIr | undefined): value is ConversionIr {
  return value !== undefined && conversionKinds.includes(value.kind);
}

/** What the field would accept instead of the value; null when it accepts it. */
function fits(source: FieldIr | undefined, field: FieldIr, value: ValueIr): string | null {
  switch (value.kind) {
    case 'field': {
      const isBytes = field.type === 'bytes' || source?.type === 'bytes';
      const isSame = field.type === source?.type && field.bytes === source.bytes;
      if (isBytes ? isSame : isIntegerType(field.type) && isIntegerType(source?.type)) return null;
      return `a field like ${field.name} (${field.type}, ${field.bytes} bytes)`;
    }
    case 'text': {
      const isText = source?.pad !== undefined && field.pad !== undefined;
      return isText ? null : 'text of a fixed size for text of a fixed size';
    }
    case 'bytes':
      return !isSlot(field.type) && isHexOf(value.bytes, field.bytes)
        ? null
        : `${field.bytes} bytes in hexadecimal`;
    case 'variable':
      return isSlot(field.type) && source?.type === field.type && field.type !== 'group'
        ? null
        : `a ${field.type}`;
    case 'group':
      return field.type === 'group' && source?.type === 'group' ? null : `a ${field.type}`;
    case 'float':
      return field.type === 'u64' && source?.type === 'u32' ? null : 'an f32 for an f64';
    case 'scale': {
      const digits = Math.abs(value.power);
      const isKnown = Number.isInteger(value.power) && digits >= 1 && digits <= 18;
      if (isKnown && isIntegerType(field.type) && isIntegerType(source?.type)) return null;
      return 'an integer with at most 18 digits more or less';
    }
    case 'const':
      return constantFits(field, value.value);
    case 'map': {
      if (!isIntegerType(source?.type)) return 'a map of an integer field';
      const inputs = new Set(value.pairs.map(([symbol]) => symbol));
      if (inputs.size !== value.pairs.length) return 'each symbol once';
      const values = value.pairs.map(([, exact]) => exact);
      if (value.otherwise !== undefined) values.push(value.otherwise);
      const wrong = values.map((exact) => constantFits(field, exact));
      return wrong.find((expected) => expected !== null) ?? null;
    }
    case 'return-address':
      return field.type === 'u64' ? null : 'a u64 field for a return address';
    case 'reject-code':
      return field.type === 'u32' || field.type === 'u64' ? null : 'a u32 or u64 field';
    case 'sequence':
      return /^u(8|16|32|64)$/.test(field.type) && field.container === undefined
        ? null
        : 'an unsigned field for a sequence number';
    default:
      return 'a value of a known kind';
  }
}

function isHexOf(text: unknown, bytes: number): boolean {
  return typeof text === 'string' && text.length === 2 * bytes && /^[0-9a-f]*$/.test(text);
}

function constantFits({ type, bytes, container, max }: FieldIr, value: bigint): string | null {
  if (!isIntegerType(type)) return `a field of ${bytes} bytes`;
  const { low, high: most } = integerFacts[type];
  const high = container === undefined ? (max ?? most) : (1n << BigInt(container.bits)) - 1n;
  return value >= low && value <= high ? null : `an integer from ${low} to ${high}`;
}
