// Transforms: the fixed part of each as ops, then what lies behind it, slot by slot.
import { optionError } from '../errors.js';
import { nativeHeaderBytes } from '../schema/model.js';
import { keptFieldIr } from './emit-correlations.js';
import { isInteger, storeInteger } from './emit-fields.js';
import { messageBytesMax, noIndex, type OpName, variableKinds } from './emit-format.js';
import { emitOp, type Op, splitBytes } from './emit-ops.js';
import { type BlockRecord, BlockWriter } from './emit-outputs.js';
import { emitPlugin } from './emit-plugins.js';
import type { ImageBuilder } from './emit-sections.js';
import { isShuffle } from './emit-shuffles.js';
import { type Views, viewIndex } from './emit-views.js';
import type { CorrelationIr, FieldIr, OutputIr, RouterIr, SchemaIr, TransformIr } from './ir.js';
import { viewBytesMax } from './limits.js';
import { isPluginField } from './plugins.js';

/** A message, or the entries of a group, that has to be made from another. */
interface Job {
  readonly transform: TransformIr;
  readonly from: { readonly bytes: number; readonly fields: readonly FieldIr[] };
  readonly to: readonly FieldIr[];
  readonly initial: Uint8Array;
  readonly outputs: readonly OutputIr[];
  readonly outputSchema: number;
  readonly sourceView: number;
  readonly correlations: readonly CorrelationIr[];
  /** What the router writes itself, whoever writes the rest. */
  readonly headers: readonly { readonly offset: number; readonly bytes: number }[];
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
  const jobs = ir.transforms.map((transform) => messageJob(transform, ir, views));
  const names: (readonly OpName[])[] = [];
  // Groups append to the list; they nest only so deep.
  for (let index = 0; index < jobs.length; index += 1) {
    names.push(emitJob(builder, jobs[index] as Job, jobs));
  }
  return names;
}

function messageJob(
  transform: TransformIr,
  { schemas, correlations = [] }: RouterIr,
  views: Views,
): Job {
  const from = schemaAt(transform, schemas, transform.from);
  const to = schemaAt(transform, schemas, transform.to);
  return {
    transform,
    from,
    to: to.fields,
    initial: initialOf(to),
    outputs: transform.outputs,
    outputSchema: transform.to,
    headers: headersOf(to),
    sourceView: viewIndex(views, transform.from),
    correlations,
  };
}

function headersOf({ fields, sizeField, typeField, view }: SchemaIr): Job['headers'] {
  if (view?.kind === 'native') return [{ offset: 0, bytes: nativeHeaderBytes }];
  return [sizeField, typeField].flatMap((index) => (index === null ? [] : (fields[index] ?? [])));
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
  if (transform.plugin !== undefined) return emitPluginJob(builder, job, transform.plugin);
  const spec = { name, position, from: from.fields, fromBytes: from.bytes, to, initial };
  const writer = new BlockWriter(builder, {
    ...spec,
    kept: ({ correlation, value }) => {
      const home = job.correlations[correlation];
      return home === undefined ? undefined : keptFieldIr(home, value.field);
    },
  });
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

const noOp = { load: 0, store: 0, steps: 0, source: 0, target: 0, argument: 0, code: 0 };

/** The initial message, what the plug-in makes of it, and its header once more. */
function emitPluginJob(
  builder: ImageBuilder,
  job: Job,
  { call, codes }: NonNullable<TransformIr['plugin']>,
): readonly OpName[] {
  const { from, initial, headers, to } = job;
  const outputFields = to.filter((field) => isPluginField(field) && isWritable(field, initial));
  const plugin = emitPlugin(builder, call, {
    ...{ kind: 'transform', viewBytes: from.bytes, fields: from.fields.filter(isPluginField) },
    ...{ outputFields, outputBytes: initial.length, codes },
  });
  const [none, bytes] = [0, initial.length];
  const ops: Op[] = splitBytes(bytes, 'const').map((part): Op => {
    const argument = builder.constant(initial.subarray(part.offset, part.offset + part.bytes));
    const source = part.name === 'constMany' ? part.bytes : none;
    return { ...noOp, ...part, source, target: part.offset, argument };
  });
  ops.push({ ...noOp, name: 'plugin', argument: plugin, bytes });
  for (const { offset, bytes: source } of headers) {
    const argument = builder.constant(initial.subarray(offset, offset + source));
    ops.push({ ...noOp, name: 'restore', source, target: offset, argument, bytes: source });
  }
  const firstOp = builder.sections.ops.count;
  for (const op of ops) emitOp(builder, op);
  const sequence = { offset: noIndex, bytes: 0, bigEndian: false };
  const names = ops.map(({ name }) => name);
  const record = { firstOp, opCount: ops.length, sequence, names };
  emitRecord(builder, job, record, builder.sections.variables.count, 0);
  return names;
}

/** Whether a plug-in can write the field: it has its bytes to itself, and is always there. */
function isWritable(field: FieldIr, initial: Uint8Array): boolean {
  const isInside = field.offset + field.bytes <= initial.length;
  return isInside && field.container === undefined && field.presence === undefined;
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
      headers: [],
      sourceView: noIndex,
      correlations: [],
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
  { firstOp, opCount, sequence, names }: BlockRecord,
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
    .u16(variableCount, sourceView, names.filter(isShuffle).length, 0);
}
