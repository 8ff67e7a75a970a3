// The oracle's hands: builds an outgoing message field by field, straight from the IR.
//
// Fixed fields first, in the order of the outputs; then strings, blobs and groups in the order of
// their slots, the entries of a group all before what lies behind them. The first failure decides.
import { rejectCodes } from '../codes.js';
import { nativeHeaderBytes, nativeMessageBytesMax } from '../schema/model.js';
import { readBytes, readField, writeField, writeMember } from './fields.js';
import { bytesOfHex, knownView } from './interpret-view.js';
import type {
  BlockIr,
  CorrelationIr,
  FieldIr,
  OutputIr,
  RouterIr,
  SchemaIr,
  TransformIr,
} from './ir.js';
import { pluginError } from './plugins.js';

/** What a transform writes that is known at run time only. */
export interface TransformContext {
  readonly returnAddress: bigint;
  readonly rejectCode: number;
  /** Of the entry that the rule opens. */
  readonly correlationId?: bigint;
  /** Of the entry that the route's lookup found, and what it keeps. */
  readonly foundId?: bigint;
  readonly saved?: readonly (bigint | Uint8Array)[];
}

/** Where the sender's next number has to be written. */
export interface SequencePatch {
  readonly offset: number;
  readonly bytes: number;
  readonly order: 'le' | 'be';
}

/** The parts of a configuration that transforms need. */
export type TransformParts = Pick<RouterIr, 'schemas' | 'transforms' | 'correlations'>;

/** `rejectCode` 0: `output` is the message; otherwise there is none. */
export interface Transformed {
  readonly rejectCode: number;
  readonly output: Uint8Array;
  readonly patch: SequencePatch | null;
}

const groupHeaderBytes = 8;
const nanBits = 0x7ff8000000000000n;

/** A block of the incoming message, and the body in which its slots count. */
interface Source {
  readonly fields: readonly FieldIr[];
  readonly view: Uint8Array;
  readonly body: Uint8Array;
}

/** The outgoing message so far; blocks are written through to it. */
interface Target {
  readonly fields: readonly FieldIr[];
  /** Where the block starts in the message. */
  readonly start: number;
}

class Builder {
  readonly #context: TransformContext;
  readonly #correlations: readonly CorrelationIr[];
  #message: Uint8Array;
  #end: number;

  constructor(ir: TransformParts, context: TransformContext, fixed: Uint8Array) {
    this.#context = context;
    this.#correlations = ir.correlations ?? [];
    this.#message = fixed;
    this.#end = fixed.length;
  }

  get message(): Uint8Array {
    return this.#message.slice(0, this.#end);
  }

  /** Writes the fixed fields of a block. Returns 0 or a reject code. */
  fixed(source: Source, target: Target, outputs: readonly OutputIr[]): number {
    for (const output of outputs) {
      const code = this.#output(source, target, output);
      if (code !== 0) return code;
    }
    return 0;
  }

  #output(source: Source, target: Target, output: OutputIr): number {
    const field = target.fields[output.field] as FieldIr;
    const { value, absent } = output;
    const from = 'field' in value ? (source.fields[value.field] as FieldIr) : null;
    if (from?.presence !== undefined) {
      const bit = source.fields[from.presence] as FieldIr;
      if (readField(source.view, bit) === 0n) {
        if (absent?.kind === 'reject') return absent.code;
        if (absent?.kind === 'const') this.#write(target, field, absent.value);
        return 0;
      }
    }
    if (field.presence !== undefined) {
      const { offset, bit } = target.fields[field.presence] as FieldIr;
      const at = target.start + offset;
      this.#message[at] = (this.#message[at] ?? 0) | (1 << (bit ?? 0));
    }
    return this.#value(source, target, output, field, from);
  }

  #write(target: Target, field: FieldIr, value: bigint): boolean {
    return writeMember(this.#message.subarray(target.start), field, value);
  }

  #value(
    source: Source,
    target: Target,
    { value, rangeCode }: Pick<OutputIr, 'value' | 'rangeCode'>,
    field: FieldIr,
    from: FieldIr | null,
  ): number {
    const write = (exact: bigint): number => (this.#write(target, field, exact) ? 0 : rangeCode);
    switch (value.kind) {
      case 'field': {
        if (from === null || from.type !== 'bytes') {
          return write(readField(source.view, from as FieldIr));
        }
        this.#message.set(readBytes(source.view, from), target.start + field.offset);
        return 0;
      }
      case 'float': {
        const bytes = readBytes(source.view, from as FieldIr).slice();
        const number = new DataView(bytes.buffer).getFloat32(0, from?.order === 'le');
        const place = new DataView(this.#message.buffer, target.start + field.offset, 8);
        // Numbers have one NaN on the wire; the engine of JavaScript may keep others.
        if (Number.isNaN(number)) place.setBigUint64(0, nanBits, field.order === 'le');
        else place.setFloat64(0, number, field.order === 'le');
        return 0;
      }
      case 'bytes':
        this.#message.set(bytesOfHex(value.bytes), target.start + field.offset);
        return 0;
      case 'text': {
        const fitted = fitText(unpadded(readBytes(source.view, from as FieldIr), from), field);
        if (fitted === null) return rangeCode;
        this.#message.set(fitted, target.start + field.offset);
        return 0;
      }
      case 'scale': {
        const exact = readField(source.view, from as FieldIr);
        const factor = 10n ** BigInt(Math.abs(value.power));
        if (value.power > 0) return write(exact * factor);
        return exact % factor === 0n ? write(exact / factor) : rangeCode;
      }
      case 'map': {
        const exact = readField(source.view, from as FieldIr);
        const pair = value.pairs.find(([symbol]) => symbol === exact);
        const mapped = pair === undefined ? value.otherwise : pair[1];
        return mapped === undefined ? value.code : write(mapped);
      }
      case 'const':
        return write(value.value);
      case 'return-address':
        return write(this.#context.returnAddress);
      case 'reject-code':
        return write(BigInt(this.#context.rejectCode));
      case 'correlation-id':
        return write(this.#context.correlationId ?? 0n);
      case 'found-id':
        return write(this.#context.foundId ?? 0n);
      case 'saved': {
        const kept = this.#kept(value.correlation);
        const home = kept.fields[value.value.field] as FieldIr;
        return this.#value(kept, target, { value: value.value, rangeCode }, field, home);
      }
      default:
        // The sender writes the number; slots come behind the fixed part.
        return 0;
    }
  }

  /** What was kept, as the fields of a message that has nothing else. */
  #kept(correlation: number): Source {
    const fields: FieldIr[] = [];
    let end = 0;
    for (const { name, type, bytes, pad } of this.#correlations[correlation]?.saved ?? []) {
      const place = { name, type, bytes, order: 'le', offset: end, symbols: null } as const;
      fields.push(pad === undefined ? place : { ...place, pad });
      end += bytes;
    }
    const view = new Uint8Array(end);
    for (const [index, field] of fields.entries()) {
      const value = this.#context.saved?.[index] ?? 0n;
      if (typeof value === 'bigint') writeField(view, field, value);
      else view.set(value, field.offset);
    }
    return { fields, view, body: view };
  }

  /** Writes what lies behind the fixed part. Returns 0 or a reject code. */
  variables(source: Source, target: Target, outputs: readonly OutputIr[]): number {
    const fieldOf = ({ field }: OutputIr): FieldIr => target.fields[field] as FieldIr;
    const slots = outputs.filter(({ value }) => ['variable', 'group'].includes(value.kind));
    slots.sort((a, b) => fieldOf(a).offset - fieldOf(b).offset);
    for (const output of slots) {
      const code = this.#slot(source, target, output, fieldOf(output));
      if (code !== 0) return code;
    }
    return 0;
  }

  #slot(source: Source, target: Target, output: OutputIr, field: FieldIr): number {
    const { value, rangeCode } = output;
    if (value.kind !== 'variable' && value.kind !== 'group') return 0;
    const from = source.fields[value.field] as FieldIr;
    const [offset, count] = slotOf(source.view, from.offset);
    if (count === 0) return 0;
    if (count > (field.limit ?? 0)) return rangeCode;
    if (value.kind === 'variable') {
      this.#putSlot(target, field, count);
      this.#append(source.body.subarray(offset, offset + count));
      return 0;
    }
    while ((this.#end - nativeHeaderBytes) % 8 !== 0) this.#append(new Uint8Array(1));
    this.#putSlot(target, field, count);
    return this.#group(source, offset, count, value.outputs, from, field);
  }

  #group(
    source: Source,
    offset: number,
    count: number,
    outputs: readonly OutputIr[],
    from: FieldIr,
    field: FieldIr,
  ): number {
    const [sourceEntry, targetEntry] = [from.entry, field.entry];
    if (sourceEntry === undefined || targetEntry === undefined) return 0;
    const header = new Uint8Array(groupHeaderBytes);
    new DataView(header.buffer).setUint16(0, targetEntry.bytes, true);
    this.#append(header);
    const start = this.#end;
    const sources = entriesOf(source, offset, count, sourceEntry);
    for (let index = 0; index < count; index++) this.#append(bytesOfHex(targetEntry.initial));
    const targets = sources.map((_source, index) => ({
      fields: targetEntry.fields,
      start: start + index * targetEntry.bytes,
    }));
    for (const [index, entry] of sources.entries()) {
      const code = this.fixed(entry, targets[index] as Target, outputs);
      if (code !== 0) return code;
    }
    for (const [index, entry] of sources.entries()) {
      const code = this.variables(entry, targets[index] as Target, outputs);
      if (code !== 0) return code;
    }
    return 0;
  }

  #putSlot({ start }: Target, { offset }: FieldIr, count: number): void {
    const view = new DataView(this.#message.buffer);
    view.setUint32(start + offset, this.#end - nativeHeaderBytes, true);
    view.setUint32(start + offset + 4, count, true);
  }

  #append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#message.length) {
      const grown = new Uint8Array((this.#end + bytes.length) * 2);
      grown.set(this.#message);
      this.#message = grown;
    }
    this.#message.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}

function paddingOf(field: FieldIr | null): number {
  return field?.pad === 'space' ? 0x20 : 0;
}

/** The bytes before the padding. */
function unpadded(bytes: Uint8Array, field: FieldIr | null): Uint8Array {
  let count = bytes.length;
  while (count > 0 && bytes[count - 1] === paddingOf(field)) count -= 1;
  return bytes.subarray(0, count);
}

/** ASCII text with the padding of the field; null where the field cannot hold it. */
function fitText(text: Uint8Array, field: FieldIr): Uint8Array | null {
  const isAscii = text.every((octet) => octet >= 1 && octet <= 127);
  if (!isAscii || text.length > field.bytes || text.at(-1) === paddingOf(field)) return null;
  const fitted = new Uint8Array(field.bytes).fill(paddingOf(field));
  fitted.set(text);
  return fitted;
}

/** The entries of a group, each completed with what its writer's version had not. */
function entriesOf(source: Source, offset: number, count: number, block: BlockIr): Source[] {
  const stride = (source.body[offset] ?? 0) | ((source.body[offset + 1] ?? 0) << 8);
  return Array.from({ length: count }, (_unused, index) => {
    const at = offset + groupHeaderBytes + index * stride;
    const view = bytesOfHex(block.initial);
    view.set(source.body.subarray(at, at + Math.min(stride, view.length)));
    return { fields: block.fields, view, body: source.body };
  });
}

/** Offset and count of a slot. */
function slotOf(view: Uint8Array, offset: number): readonly [number, number] {
  const words = new DataView(view.buffer, view.byteOffset + offset, 8);
  return [words.getUint32(0, true), words.getUint32(4, true)];
}

/** The fixed part of an outgoing message before anything is written to it. */
function initialMessage(to: SchemaIr): Uint8Array {
  const { view, fields, typeField, sizeField, templateId, initial } = to;
  const output = new Uint8Array(view?.kind === 'foreign' ? view.fixedBytes : to.bytes);
  output.set(bytesOfHex(initial ?? ''));
  if (typeField !== null) writeField(output, fields[typeField] as FieldIr, templateId);
  if (sizeField !== null) {
    writeField(output, fields[sizeField] as FieldIr, BigInt(output.length));
  }
  return output;
}

/** Builds the message that leaves. */
export function runTransform(
  ir: TransformParts,
  transform: number | null,
  message: Uint8Array,
  context: TransformContext,
): Transformed {
  if (transform === null) return { rejectCode: 0, output: message.slice(), patch: null };
  const { from: fromIndex, to: toIndex, outputs, plugin } = ir.transforms[transform] as TransformIr;
  if (plugin !== undefined) throw pluginError(plugin.call);
  const [from, to] = [ir.schemas[fromIndex] as SchemaIr, ir.schemas[toIndex] as SchemaIr];
  const builder = new Builder(ir, context, initialMessage(to));
  const view = knownView(from, message);
  const source = { fields: from.fields, view, body: message.subarray(nativeHeaderBytes) };
  const target = { fields: to.fields, start: 0 };
  const rejectCode =
    builder.fixed(source, target, outputs) || builder.variables(source, target, outputs);
  if (rejectCode !== 0) return { rejectCode, output: new Uint8Array(0), patch: null };
  const output = builder.message;
  if (output.length > nativeMessageBytesMax) {
    return { rejectCode: rejectCodes.OUT_OF_RANGE, output: new Uint8Array(0), patch: null };
  }
  const numbered = outputs.find(({ value }) => value.kind === 'sequence');
  if (numbered === undefined) return { rejectCode: 0, output, patch: null };
  const { offset, bytes, order } = to.fields[numbered.field] as FieldIr;
  return { rejectCode: 0, output, patch: { offset, bytes, order } };
}

/** Bytes that an action claims for its output, known before anything of it is written. */
export function outputBytesOf(ir: TransformParts, transform: number, message: Uint8Array): number {
  const { from: fromIndex, to: toIndex, outputs } = ir.transforms[transform] as TransformIr;
  const [from, to] = [ir.schemas[fromIndex] as SchemaIr, ir.schemas[toIndex] as SchemaIr];
  const source = {
    fields: from.fields,
    view: knownView(from, message),
    body: message.subarray(nativeHeaderBytes),
  };
  const fixed = initialMessage(to).length;
  return fixed + variableBytes(source, to.fields, outputs, fixed - nativeHeaderBytes);
}

/** Bytes of slots' data when it starts `position` bytes into the body. */
function variableBytes(
  source: Source,
  fields: readonly FieldIr[],
  outputs: readonly OutputIr[],
  position: number,
): number {
  const offsetOf = ({ field }: OutputIr): number => (fields[field] as FieldIr).offset;
  let end = position;
  for (const { value, field } of [...outputs].sort((a, b) => offsetOf(a) - offsetOf(b))) {
    if (value.kind !== 'variable' && value.kind !== 'group') continue;
    const from = source.fields[value.field] as FieldIr;
    const [offset, count] = slotOf(source.view, from.offset);
    if (count === 0) continue;
    if (value.kind === 'variable') {
      end += count;
      continue;
    }
    const [sourceEntry, targetEntry] = [from.entry, (fields[field] as FieldIr).entry];
    if (sourceEntry === undefined || targetEntry === undefined) continue;
    end = Math.ceil(end / 8) * 8 + groupHeaderBytes + count * targetEntry.bytes;
    for (const entry of entriesOf(source, offset, count, sourceEntry)) {
      end += variableBytes(entry, targetEntry.fields, value.outputs, end);
    }
  }
  return end - position;
}
