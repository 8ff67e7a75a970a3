// Checks of transforms: every field of the output is written once, by something that fits.
import { integerFacts, isIntegerType } from '../schema/model.js';
import type { Findings } from './findings.js';
import type { FieldIr, OutputIr, RouterIr, SchemaIr, TransformIr, ValueIr } from './ir.js';
import { transformCountMax } from './limits.js';

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
  const written = new Set<number>();
  for (const output of transform.outputs) {
    if (!findings.index(output.field, to.fields.length, path, `fields of ${to.name}`, position)) {
      continue;
    }
    const field = to.fields[output.field] as FieldIr;
    const option = `${path}.${field.name}`;
    if (output.field === to.sizeField || output.field === to.typeField) {
      const expected = 'no value: the router writes this field itself';
      findings.add('ERR_ROUTE', option, expected, field.name, position);
    }
    const isOnce = !written.has(output.field);
    findings.need(isOnce, 'ERR_ROUTE', option, 'one value', 'two', position);
    written.add(output.field);
    checkOutput(from, field, output, option, transform, findings);
  }
  for (const [index, field] of to.fields.entries()) {
    if (written.has(index) || index === to.sizeField || index === to.typeField) continue;
    const option = `${path}.${field.name}`;
    // Its type says that it may be left out, for a union that has this schema may name it.
    const isHeader = field.name === 'type' || field.name === 'size';
    const hint = isHeader ? ', which the router writes only where a union names it' : '';
    findings.add('ERR_ROUTE', option, `a value for the ${field.type}${hint}`, undefined, position);
  }
  const sequences = transform.outputs.filter(({ value }) => value.kind === 'sequence');
  const isSingle = sequences.length <= 1;
  findings.need(isSingle, 'ERR_ROUTE', path, 'at most one sequence()', sequences.length, position);
}

function checkOutput(
  from: SchemaIr,
  field: FieldIr,
  { value, rangeCode }: OutputIr,
  option: string,
  { position }: TransformIr,
  findings: Findings,
): void {
  const codes = value.kind === 'map' ? [rangeCode, value.code] : [rangeCode];
  for (const code of codes) findings.code(code, option, position);
  if (value.kind === 'field' || value.kind === 'map') {
    const noun = `fields of ${from.name}`;
    if (!findings.index(value.field, from.fields.length, option, noun, position)) return;
  }
  const expected = fits(from, field, value);
  if (expected !== null) findings.add('ERR_ROUTE', option, expected, value, position);
}

/** What the field would accept instead of the value; null when it accepts it. */
function fits(from: SchemaIr, field: FieldIr, value: ValueIr): string | null {
  if (value.kind === 'field') {
    const input = from.fields[value.field] as FieldIr;
    const isBytes = field.type === 'bytes' || input.type === 'bytes';
    if (!isBytes || (field.type === input.type && field.bytes === input.bytes)) return null;
    return `a field like ${field.name} (${field.type}, ${field.bytes} bytes)`;
  }
  if (!isIntegerType(field.type)) return `a field of ${field.bytes} bytes`;
  const { low, high } = integerFacts[field.type];
  const holds = (exact: bigint): boolean => exact >= low && exact <= high;
  switch (value.kind) {
    case 'const':
      return holds(value.value) ? null : `an integer from ${low} to ${high}`;
    case 'map': {
      if (from.fields[value.field]?.type === 'bytes') return 'a map of an integer field';
      const inputs = new Set(value.pairs.map(([symbol]) => symbol));
      if (inputs.size !== value.pairs.length) return 'each symbol once';
      return value.pairs.every(([, exact]) => holds(exact))
        ? null
        : `values from ${low} to ${high}`;
    }
    case 'return-address':
      return field.type === 'u64' ? null : 'a u64 field for a return address';
    case 'reject-code':
      return field.type === 'u32' || field.type === 'u64' ? null : 'a u32 or u64 field';
    case 'sequence':
      return field.type.startsWith('u') ? null : 'an unsigned field for a sequence number';
    default:
      return 'a value of a known kind';
  }
}
