// Transforms: the fixed part of each as ops, then what lies behind it, slot by slot.
import { optionError } from '../errors.js';
import { isInteger, storeInteger } from './emit-fields.js';
import { messageBytesMax, noIndex, type OpName, variableKinds } from './emit-format.js';
import { type BlockRecord, BlockWriter } from './emit-outputs.js';
import type { ImageBuilder } from './emit-sections.js';
import { type Views, viewIndex } from './emit-views.js';
import type { FieldIr, OutputIr, RouterIr, SchemaIr, TransformIr } from './ir.js';
import { viewBytesMax } from './limits.js';

/** A message, or the entries of a group, that has to be made from another. */
interface Job {
  readonly transform: TransformIr;
  readonly from: { readonly bytes: number; readonly fields: readonly FieldIr[] };
  readonly to: readonly FieldIr[];
  readonly initial: Uint8Array;
  readonly outputs: readonly OutputIr[];
  readonly outputSchema: number;
  readonly sourceView: number;
}

/** Bytes of a message type that a transform writes at fixed places. */
export function fixedBytesOf({ bytes, view }: SchemaIr): number {
  return view?.kind === 'foreign' ? view.fixedBytes : bytes;
}

/** A message before a transform writes to it: its header, and what fields have by themselves. */
export function initialOf(to: SchemaIr): Uint8Array {
  const given = Buffer.from(to.initial ?? '', 'hex');
  const initial = new Uint8Array(fixedBytesOf(to));
  initial.set(given);
  const put = (index: number | null, value: bigint): void => {
    const field = index === null ? undefined : to.fields[index];
    if (field !== undefined && isInteger(field)) storeInteger(initial, field, value);
  };
  put(to.sizeField, BigInt(initial.length));
  put(to.typeField, to.templateId);
  return initial;
}

/**
 * Appends the transforms, in the order of the IR, then those of the groups in them. Returns the
 * names of each one's ops.
 */
export function emitTransforms(
  builder: ImageBuilder,
  ir: RouterIr,
  views: Views,
): readonly (readonly OpName[])[] {
  const jobs = ir.transforms.map((transform) => messageJob(transform, ir.schemas, views));
  const names: (readonly OpName[])[] = [];
  // Groups append to the list; they nest only so deep.
  for (let index = 0; index < jobs.length; index += 1) {
    names.push(emitJob(builder, jobs[index] as Job, jobs));
  }
  return names;
}

function messageJob(transform: TransformIr, schemas: readonly SchemaIr[], views: Views): Job {
  const from = schemaAt(transform, schemas, transform.from);
  const to = schemaAt(transform, schemas, transform.to);
  return {
    transform,
    from,
    to: to.fields,
    initial: initialOf(to),
    outputs: transform.outputs,
    outputSchema: transform.to,
    sourceView: viewIndex(views, transform.from),
  };
}

function schemaAt(
  { name, position }: TransformIr,
  schemas: readonly SchemaIr[],
  index: number,
): SchemaIr {
  const schema = schemas[index];
  const most = schema?.view === undefined ? messageBytesMax : viewBytesMax;
  if (schema !== undefined && fixedBytesOf(schema) >= 1 && schema.bytes <= most) return schema;
  const expected = `a message type of 1 to ${most} bytes`;
  throw optionError('ERR_ROUTE', name, expected, schema?.bytes ?? index, position);
}

function emitJob(builder: ImageBuilder, job: Job, jobs: Job[]): readonly OpName[] {
  const { transform, from, to, initial, outputs } = job;
  const { name, position } = transform;
  const writer = new BlockWriter(builder, { name, position, from: from.fields, to, initial });
  for (const output of outputs) writer.output(output);
  const block = writer.finish();
  const offsetOf = ({ field }: OutputIr): number => to[field]?.offset ?? 0;
  const slots = outputs.filter(({ value }) => value.kind === 'variable' || value.kind === 'group');
  const inOrder = slots.sort((a, b) => offsetOf(a) - offsetOf(b));
  const { variables } = builder.sections;
  const firstVariable = variables.count;
  for (const output of inOrder) emitVariable(builder, job, output, jobs);
  emitRecord(builder, job, block, firstVariable, inOrder.length);
  return block.names;
}

function emitVariable(builder: ImageBuilder, job: Job, output: OutputIr, jobs: Job[]): void {
  const { value, rangeCode } = output;
  if (value.kind !== 'variable' && value.kind !== 'group') return;
  const [source, target] = [job.from.fields[value.field], job.to[output.field]];
  let [entry, initial] = [0, 0];
  if (value.kind === 'group' && source?.entry !== undefined && target?.entry !== undefined) {
    const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
    initial = builder.constant(bytesOf(source.entry.initial));
    entry = jobs.push({
      transform: job.transform,
      from: source.entry,
      to: target.entry.fields,
      initial: bytesOf(target.entry.initial),
      outputs: value.outputs,
      outputSchema: noIndex,
      sourceView: noIndex,
    });
    entry -= 1;
  }
  builder.sections.variables
    .u8(value.kind === 'group' ? variableKinds.group : variableKinds.bytes, 0)
    .u16(source?.offset ?? 0, target?.offset ?? 0, 0)
    .u32(target?.limit ?? 0, builder.code(rangeCode), entry, initial, 0, 0);
}

function emitRecord(
  builder: ImageBuilder,
  { from, initial, outputSchema, sourceView }: Job,
  { firstOp, opCount, sequence }: BlockRecord,
  firstVariable: number,
  variableCount: number,
): void {
  const { offset, bytes, bigEndian } = sequence;
  builder.sections.transforms
    .u32(from.bytes, initial.length, firstOp)
    .u16(opCount, offset)
    .u8(bytes, bigEndian ? 1 : 0)
    .u16(outputSchema)
    .u32(firstVariable)
    .u16(variableCount, sourceView)
    .u32(0);
}
