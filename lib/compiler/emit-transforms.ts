// Transforms as op lists: copies merged where source and output run in parallel, everything that
// does not depend on the message as constant bytes, each output byte written exactly once.
import { optionError } from '../errors.js';
import {
  clip,
  fieldKind,
  fieldRange,
  type IntegerField,
  isInteger,
  keyOf,
  storeInteger,
} from './emit-fields.js';
import { messageBytesMax, noIndex, type OpName, opKinds } from './emit-format.js';
import { mergeCopies, type Op, splitBytes } from './emit-ops.js';
import type { ImageBuilder } from './emit-sections.js';
import type { FieldIr, OutputIr, SchemaIr, TransformIr } from './ir.js';

/** Appends a transform. Returns the names of its ops in order. */
export function emitTransform(
  builder: ImageBuilder,
  transform: TransformIr,
  schemas: readonly SchemaIr[],
): readonly OpName[] {
  const writer = new TransformWriter(builder, transform, schemas);
  for (const output of transform.outputs) writer.output(output);
  return writer.finish();
}

interface SequenceField {
  readonly offset: number;
  readonly bytes: number;
  readonly bigEndian: boolean;
}

class TransformWriter {
  readonly #builder: ImageBuilder;
  readonly #transform: TransformIr;
  readonly #from: SchemaIr;
  readonly #to: SchemaIr;
  /** What the output holds before the message is known: constants, zeros elsewhere. */
  readonly #constants: Uint8Array;
  readonly #ops: Op[] = [];
  #sequence: SequenceField | null = null;

  constructor(builder: ImageBuilder, transform: TransformIr, schemas: readonly SchemaIr[]) {
    this.#builder = builder;
    this.#transform = transform;
    this.#from = this.#schema(schemas, transform.from);
    this.#to = this.#schema(schemas, transform.to);
    this.#constants = new Uint8Array(this.#to.bytes);
    this.#header(this.#to.sizeField, BigInt(this.#to.bytes));
    this.#header(this.#to.typeField, this.#to.templateId);
  }

  /** Takes in what one field of the output becomes. */
  output({ field, value, rangeCode }: OutputIr): void {
    const target = this.#field(this.#to, field);
    switch (value.kind) {
      case 'field':
        this.#move(this.#field(this.#from, value.field), target, rangeCode);
        break;
      case 'const':
        this.#constant(target, value.value);
        break;
      case 'map':
        this.#map(this.#field(this.#from, value.field), target, value);
        break;
      case 'return-address':
        this.#ops.push(this.#store('returnAddress', this.#wideEnough(target, 8)));
        break;
      case 'sequence':
        this.#number(this.#integer(target));
        break;
      case 'reject-code': {
        const integer = this.#integer(target);
        const [, max] = fieldRange(integer);
        const argument = Number(max > 0xffffffffn ? 0xffffffffn : max);
        const code = this.#builder.code(rangeCode);
        this.#ops.push({ ...this.#store('rejectCode', integer), argument, code });
      }
    }
  }

  finish(): readonly OpName[] {
    const ops = this.#complete();
    const { transforms, ops: section } = this.#builder.sections;
    const first = section.count;
    for (const op of ops) {
      section
        .u8(opKinds[op.name], op.load, op.store, op.steps)
        .u16(op.source, op.target)
        .u32(op.argument, op.code);
    }
    const { offset, bytes, bigEndian } = this.#sequence ?? noSequence;
    transforms
      .u32(this.#from.bytes, this.#to.bytes, first)
      .u16(ops.length, offset)
      .u8(bytes, bigEndian ? 1 : 0)
      .u16(this.#transform.to, 0, 0);
    return ops.map((op) => op.name);
  }

  /** Merges copies, then fills every byte that no op writes from the constants. */
  #complete(): readonly Op[] {
    const written = new Uint8Array(this.#to.bytes);
    for (const { name, target, bytes } of this.#ops) {
      if (written.subarray(target, target + bytes).includes(1)) {
        this.#fail('outputs that do not overlap', name);
      }
      written.fill(1, target, target + bytes);
    }
    const ops = mergeCopies(this.#ops);
    for (let start = 0; start < written.length; start += 1) {
      if (written[start] !== 0) continue;
      const next = written.indexOf(1, start);
      const end = next === -1 ? written.length : next;
      for (const { offset, bytes, name } of splitBytes(end - start, 'const')) {
        const target = start + offset;
        const argument = this.#builder.constant(this.#constants.slice(target, target + bytes));
        const source = name === 'constMany' ? bytes : 0;
        ops.push({ ...emptyOp, name, source, target, bytes, argument });
      }
      start = end;
    }
    return inOrderOfFailure(ops, this.#ops);
  }

  #move(source: FieldIr, target: FieldIr, rangeCode: number): void {
    const place = { source: source.offset, target: target.offset };
    if (!isInteger(source) || !isInteger(target)) {
      if (isInteger(source) || isInteger(target) || source.bytes > target.bytes) {
        this.#fail(`a value that ${target.name} can hold`, source.name);
      }
      this.#ops.push({ ...emptyOp, ...place, name: 'copyMany', bytes: source.bytes });
      return;
    }
    const range = fieldRange(source);
    const [low, high] = clip([range], fieldRange(target))[0] ?? range;
    const fits = low === range[0] && high === range[1];
    const kinds = { load: fieldKind(source), store: fieldKind(target), bytes: target.bytes };
    if (!fits) {
      const argument = this.#builder.sections.bounds.count;
      this.#builder.sections.bounds.u64(keyOf(source, low)).u64(high - low);
      const code = this.#builder.code(rangeCode);
      this.#ops.push({ ...emptyOp, ...place, ...kinds, name: 'narrowChecked', argument, code });
    } else if (source.bytes !== target.bytes) {
      this.#ops.push({ ...emptyOp, ...place, ...kinds, name: 'widen' });
    } else if (source.bytes === 1 || source.order === target.order) {
      this.#ops.push({ ...emptyOp, ...place, name: 'copyMany', bytes: source.bytes });
    } else {
      const name = source.bytes === 2 ? 'swap2' : source.bytes === 4 ? 'swap4' : 'swap8';
      this.#ops.push({ ...emptyOp, ...place, name, bytes: source.bytes });
    }
  }

  #map(
    sourceField: FieldIr,
    targetField: FieldIr,
    map: { pairs: readonly (readonly [bigint, bigint])[]; code: number },
  ): void {
    const source = this.#integer(sourceField);
    const target = this.#integer(targetField);
    const range = fieldRange(source);
    const pairs = map.pairs
      .filter(([from]) => from >= range[0] && from <= range[1])
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [index, [from, to]] of pairs.entries()) {
      this.#checkFits(target, to);
      if (index > 0 && pairs[index - 1]?.[0] === from) {
        this.#fail('each value mapped once', from);
      }
    }
    const { bounds } = this.#builder.sections;
    const argument = bounds.count;
    bounds.u64(BigInt(pairs.length));
    const { steps } = this.#builder.searchKeys(pairs.map(([from]) => keyOf(source, from)));
    for (const [, to] of pairs) bounds.u64(BigInt.asUintN(64, to));
    const code = this.#builder.code(map.code);
    const load = fieldKind(source);
    const store = this.#store('map', target);
    this.#ops.push({ ...store, load, source: source.offset, steps, argument, code });
  }

  #constant(target: FieldIr, value: bigint): void {
    if (!isInteger(target) && value === 0n) return;
    const integer = this.#integer(target);
    this.#checkFits(integer, value);
    storeInteger(this.#constants, integer, value);
  }

  #number(target: IntegerField): void {
    if (this.#sequence !== null) this.#fail('one sequence number in a message', target.name);
    const { offset, bytes, order } = target;
    this.#sequence = { offset, bytes, bigEndian: order === 'be' };
  }

  #header(index: number | null, value: bigint): void {
    if (index !== null) this.#constant(this.#field(this.#to, index), value);
  }

  #store(name: OpName, target: IntegerField): Op {
    const store = fieldKind(target);
    return { ...emptyOp, name, store, target: target.offset, bytes: target.bytes };
  }

  #wideEnough(field: FieldIr, bytes: number): IntegerField {
    const integer = this.#integer(field);
    if (integer.bytes < bytes) this.#fail(`a field of ${bytes} bytes`, field.name);
    return integer;
  }

  #integer(field: FieldIr): IntegerField {
    if (isInteger(field)) return field;
    return this.#fail('an integer field', field.name);
  }

  #checkFits(field: IntegerField, value: bigint): void {
    const [low, high] = fieldRange(field);
    if (value < low || value > high) this.#fail(`a value that ${field.name} can hold`, value);
  }

  #field(schema: SchemaIr, index: number): FieldIr {
    return schema.fields[index] ?? this.#fail(`a field of ${schema.name}`, index);
  }

  #schema(schemas: readonly SchemaIr[], index: number): SchemaIr {
    const schema = schemas[index];
    if (schema === undefined) return this.#fail('a message type', index);
    if (schema.bytes < 1 || schema.bytes > messageBytesMax) {
      return this.#fail(`a message type of 1 to ${messageBytesMax} bytes`, schema.bytes);
    }
    return schema;
  }

  #fail(expected: string, received: unknown): never {
    const { name, position } = this.#transform;
    throw optionError('ERR_ROUTE', name, expected, received, position);
  }
}

/**
 * Sorts ops by the bytes they write, but ops that can fail stay in the order of the outputs: the
 * first output that fails gives the reject code.
 */
function inOrderOfFailure(ops: readonly Op[], outputs: readonly Op[]): readonly Op[] {
  const fallible = outputs.filter(canFail);
  let next = 0;
  const sorted = [...ops].sort((a, b) => a.target - b.target);
  return sorted.map((op) => (canFail(op) ? (fallible[next++] ?? op) : op));
}

function canFail({ name }: Op): boolean {
  return name === 'narrowChecked' || name === 'map' || name === 'rejectCode';
}

const emptyOp = { load: 0, store: 0, steps: 0, source: 0, target: 0, argument: 0, code: 0 };
const noSequence: SequenceField = { offset: noIndex, bytes: 0, bigEndian: false };
