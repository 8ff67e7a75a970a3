// The fixed part of a message, or of an entry of a group, as a list of ops: copies merged where
// source and output run in parallel, everything that does not depend on the message as constant
// bytes, each output byte written exactly once; then what depends on an optional field or shares
// its bytes with others.
import { optionError } from '../errors.js';
import {
  clearBits,
  fieldKind,
  fieldRange,
  type IntegerField,
  isInteger,
  keyOf,
  orBits,
  outputRange,
  storeInteger,
} from './emit-fields.js';
import { noIndex, type OpName } from './emit-format.js';
import { emitMap, pairsOf } from './emit-maps.js';
import {
  canFail,
  emitOp,
  emptyOp,
  inOrderOfFailure,
  mergeCopies,
  type Op,
  singleCopy,
  splitBytes,
} from './emit-ops.js';
import type { ImageBuilder } from './emit-sections.js';
import { joinMoves } from './emit-shuffles.js';
import { containerKind } from './emit-views.js';
import { clip } from './intervals.js';
import type { FieldIr, OutputIr, SourcePosition, ValueIr } from './ir.js';

/** What a block of output is made of. */
export interface BlockSpec {
  /** Of the transform: for errors. */
  readonly name: string;
  readonly position: SourcePosition;
  readonly from: readonly FieldIr[];
  readonly to: readonly FieldIr[];
  /** Bytes of what is read. */
  readonly fromBytes: number;
  /** The output before anything is written to it. */
  readonly initial: Uint8Array;
  /** Where a value lies that a correlation keeps. */
  readonly kept: (value: Extract<ValueIr, { kind: 'saved' }>) => FieldIr | undefined;
}

/** Where a block's ops are. */
export interface BlockRecord {
  readonly firstOp: number;
  readonly opCount: number;
  readonly sequence: SequenceField;
  readonly names: readonly OpName[];
}

export interface SequenceField {
  readonly offset: number;
  readonly bytes: number;
  readonly bigEndian: boolean;
}

/** Compiles the fixed part of one block of output. */
export class BlockWriter {
  readonly #builder: ImageBuilder;
  readonly #spec: BlockSpec;
  /** What the output holds before the message is known: constants, zeros elsewhere. */
  readonly #constants: Uint8Array;
  /** Ops that write their bytes once, whatever is in the message. */
  readonly #ops: Op[] = [];
  /** Ops that depend on an optional field or share their bytes, in the order of the outputs. */
  readonly #late: Op[] = [];
  /** How many outputs came before the one that an op is for. */
  readonly #ranks = new Map<Op, number>();
  #rank = 0;
  #sequence: SequenceField | null = null;

  constructor(builder: ImageBuilder, spec: BlockSpec) {
    this.#builder = builder;
    this.#spec = spec;
    this.#constants = spec.initial.slice();
  }

  /** Takes in what one field of the output becomes. */
  output(output: OutputIr): void {
    const [earlyCount, lateCount] = [this.#ops.length, this.#late.length];
    const { container } = this.#field(this.#spec.to, output.field);
    // A default of its own gives way to what is written.
    if (container !== undefined) clearBits(this.#constants, container);
    this.#take(output);
    const added = [...this.#ops.slice(earlyCount), ...this.#late.slice(lateCount)];
    for (const op of added) this.#ranks.set(op, this.#rank);
    this.#rank += 1;
  }

  #take({ field, value, rangeCode, absent }: OutputIr): void {
    const target = this.#field(this.#spec.to, field);
    const source = 'field' in value ? this.#field(this.#spec.from, value.field) : undefined;
    if (source?.presence === undefined) {
      this.#present(target);
      this.#push(target, this.#compile(target, value, rangeCode, source));
      return;
    }
    const bit = this.#integer(this.#field(this.#spec.from, source.presence));
    const place: Op = { ...emptyOp, name: 'guard', load: fieldKind(bit), source: bit.offset };
    if (absent?.kind === 'reject') {
      this.#late.push({ ...place, name: 'require', code: this.#builder.code(absent.code) });
    }
    if (absent?.kind === 'absent') this.#orPresence(place, target);
    else this.#present(target);
    if (absent?.kind === 'const') this.#constant(target, absent.value);
    const ops = this.#compile(target, value, rangeCode, source);
    const isGuarded = absent?.kind !== 'reject';
    for (const op of ops) {
      if (isGuarded) this.#late.push({ ...place });
      if (isGuarded || op.name === 'orBits') this.#late.push(singleCopy(op));
      else this.#ops.push(op);
    }
  }

  #push(target: FieldIr, ops: readonly Op[]): void {
    if (target.container === undefined) this.#ops.push(...ops);
    else this.#late.push(...ops);
  }

  /** An optional field that is always there. */
  #present(target: FieldIr): void {
    if (target.presence === undefined) return;
    const { offset, bit } = this.#field(this.#spec.to, target.presence);
    this.#constants[offset] = (this.#constants[offset] ?? 0) | (1 << (bit ?? 0));
  }

  #orPresence(place: Op, target: FieldIr): void {
    if (target.presence === undefined) return;
    const { offset, bit } = this.#field(this.#spec.to, target.presence);
    this.#late.push({ ...place, name: 'orPresence', store: bit ?? 0, target: offset });
  }

  /** The ops for one value; none where it is a constant or lies behind the fixed part. */
  #compile(
    target: FieldIr,
    value: ValueIr,
    rangeCode: number,
    source: FieldIr | undefined,
  ): readonly Op[] {
    switch (value.kind) {
      case 'const':
        this.#constant(target, value.value);
        return [];
      case 'return-address':
        return [this.#store('returnAddress', this.#wideEnough(target, 8))];
      case 'correlation-id':
      case 'found-id': {
        const op = this.#store('correlationId', this.#wideEnough(target, 8));
        const steps = value.kind === 'found-id' ? 1 : 0;
        return [{ ...op, argument: value.correlation, steps }];
      }
      case 'saved':
        this.#fromSaved(target, value, rangeCode);
        return [];
      case 'sequence':
        this.#number(this.#integer(target));
        return [];
      case 'reject-code': {
        const integer = this.#integer(target);
        const [, max] = fieldRange(integer);
        const argument = Number(max > 0xffffffffn ? 0xffffffffn : max);
        const code = this.#builder.code(rangeCode);
        return [{ ...this.#store('rejectCode', integer), argument, code }];
      }
      case 'bytes':
        this.#constants.set(Buffer.from(value.bytes, 'hex'), target.offset);
        return [];
      case 'variable':
      case 'group':
        return [];
      default:
        if (source === undefined) return this.#fail('a field of the message', value.kind);
        return [this.#converted(target, value, rangeCode, source)];
    }
  }

  /** An op that reads what is kept, right behind one that says so. */
  #fromSaved(target: FieldIr, value: Extract<ValueIr, { kind: 'saved' }>, rangeCode: number): void {
    const source = this.#spec.kept(value) ?? this.#fail('a value that is kept', value.value.field);
    const op = singleCopy(this.#converted(target, value.value, rangeCode, source));
    this.#late.push({ ...emptyOp, name: 'fromSaved', argument: value.correlation }, op);
  }

  #converted(target: FieldIr, value: ValueIr, rangeCode: number, source: FieldIr): Op {
    if (target.container !== undefined) return this.#bits(source, target, value, rangeCode);
    if (value.kind === 'map') return this.#map(source, target, value);
    if (value.kind === 'scale') return this.#scale(source, target, value.power, rangeCode);
    if (value.kind === 'float') return this.#widenFloat(source, target);
    if (value.kind === 'text') return this.#fitText(source, target, rangeCode);
    return this.#move(source, target, rangeCode);
  }

  /** Appends the ops. */
  finish(): BlockRecord {
    const ops = this.#inOrder(this.#complete());
    const firstOp = this.#builder.sections.ops.count;
    for (const op of ops) emitOp(this.#builder, op);
    const sequence = this.#sequence ?? noSequence;
    return { firstOp, opCount: ops.length, sequence, names: ops.map((op) => op.name) };
  }

  /** What comes late behind the rest; where that can fail, all that can goes by the outputs. */
  #inOrder(early: readonly Op[]): readonly Op[] {
    if (!this.#late.some(canFail)) return [...early, ...this.#late];
    // Of one output, what comes late was put first: whether the field is there at all.
    const fallible = [...this.#late, ...early.filter(canFail)];
    const rank = (op: Op): number => this.#ranks.get(op) ?? 0;
    fallible.sort((a, b) => rank(a) - rank(b));
    return [...early.filter((op) => !canFail(op)), ...fallible];
  }

  /** Merges copies and adds the constants; or joins them all where that gives fewer ops. */
  #complete(): readonly Op[] {
    const written = new Uint8Array(this.#spec.initial.length);
    // What is kept is written once, too, unless it shares its bytes.
    const kept = this.#late.filter((op, at) => {
      return this.#late[at - 1]?.name === 'fromSaved' && op.name !== 'orBits';
    });
    for (const { name, target, bytes } of [...this.#ops, ...kept]) {
      if (written.subarray(target, target + bytes).includes(1)) {
        this.#fail('outputs that do not overlap', name);
      }
      written.fill(1, target, target + bytes);
    }
    const plain = this.#withConstants(mergeCopies(this.#ops), written);
    const block = { constants: this.#constants, written, sourceBytes: this.#spec.fromBytes };
    const joined = joinMoves(this.#builder, this.#ops, block);
    // As many shuffles take less time: they are told apart from nothing when they run.
    const movesLeft = plain.length - (joined?.rest.length ?? 0);
    if (joined === undefined || joined.shuffles.length > movesLeft) {
      return inOrderOfFailure(plain, this.#ops);
    }
    return [...joined.shuffles, ...inOrderOfFailure(joined.rest, this.#ops)];
  }

  /** Fills every byte that no op writes from the constants. */
  #withConstants(moves: readonly Op[], written: Uint8Array): Op[] {
    const ops = [...moves];
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
    return ops;
  }

  #move(source: FieldIr, target: FieldIr, rangeCode: number): Op {
    const place = { source: source.offset, target: target.offset };
    if (!isInteger(source) || !isInteger(target)) {
      if (isInteger(source) || isInteger(target) || source.bytes > target.bytes) {
        this.#fail(`a value that ${target.name} can hold`, source.name);
      }
      return { ...emptyOp, ...place, name: 'copyMany', bytes: source.bytes };
    }
    const range = fieldRange(source);
    const [low, high] = clip([range], outputRange(target))[0] ?? range;
    const fits = low === range[0] && high === range[1];
    const kinds = { load: fieldKind(source), store: fieldKind(target), bytes: target.bytes };
    if (!fits) {
      const argument = this.#builder.sections.bounds.count;
      this.#builder.sections.bounds.u64(keyOf(source, low)).u64(high - low);
      const code = this.#builder.code(rangeCode);
      return { ...emptyOp, ...place, ...kinds, name: 'narrowChecked', argument, code };
    }
    const swaps = [2, 4, 8].includes(source.bytes);
    if (
      source.bytes !== target.bytes ||
      (source.order !== target.order && !swaps && source.bytes > 1)
    ) {
      return { ...emptyOp, ...place, ...kinds, name: 'widen' };
    }
    if (source.bytes === 1 || source.order === target.order) {
      return { ...emptyOp, ...place, name: 'copyMany', bytes: source.bytes };
    }
    const name = source.bytes === 2 ? 'swap2' : source.bytes === 4 ? 'swap4' : 'swap8';
    return { ...emptyOp, ...place, name, bytes: source.bytes };
  }

  #map(sourceField: FieldIr, targetField: FieldIr, map: Extract<ValueIr, { kind: 'map' }>): Op {
    const source = this.#integer(sourceField);
    const target = this.#integer(targetField);
    const pairs = pairsOf(source, map.pairs);
    for (const [index, [from, to]] of pairs.entries()) {
      this.#checkFits(target, to);
      if (index > 0 && pairs[index - 1]?.[0] === from) {
        this.#fail('each value mapped once', from);
      }
    }
    if (map.otherwise !== undefined) this.#checkFits(target, map.otherwise);
    const table = emitMap(this.#builder, source, { pairs, otherwise: map.otherwise });
    const code = map.otherwise === undefined ? this.#builder.code(map.code) : 0;
    const load = fieldKind(source);
    return { ...this.#store('map', target), ...table, load, source: source.offset, code };
  }

  #constant(target: FieldIr, value: bigint): void {
    if (!isInteger(target) && value === 0n) return;
    const integer = this.#integer(target);
    this.#checkFits(integer, value);
    const { container } = target;
    if (container === undefined) storeInteger(this.#constants, integer, value);
    else orBits(this.#constants, container, value);
  }

  #bits(sourceField: FieldIr, target: FieldIr, value: ValueIr, rangeCode: number): Op {
    const { container } = target;
    if (container === undefined || value.kind !== 'field') {
      return this.#fail('a number for a field of bits', value.kind);
    }
    const source = this.#integer(sourceField);
    const place = { source: source.offset, target: container.offset, steps: container.shift };
    const kinds = { load: fieldKind(source), store: containerKind(container) };
    const argument = 2 ** container.bits - 1;
    const code = this.#builder.code(rangeCode);
    return { ...emptyOp, ...place, ...kinds, name: 'orBits', argument, code, bytes: 0 };
  }

  #scale(sourceField: FieldIr, targetField: FieldIr, power: number, rangeCode: number): Op {
    const [source, target] = [this.#integer(sourceField), this.#integer(targetField)];
    const [low, high] = outputRange(target);
    const { bounds } = this.#builder.sections;
    const argument = bounds.count;
    bounds
      .u64(10n ** BigInt(Math.abs(power)))
      .u64(keyOf(target, low))
      .u64(high - low);
    const op = { ...this.#store('scale', target), load: fieldKind(source), source: source.offset };
    return { ...op, steps: power > 0 ? 0 : 1, argument, code: this.#builder.code(rangeCode) };
  }

  #widenFloat(source: FieldIr, target: FieldIr): Op {
    const kind = (field: FieldIr): number => field.bytes - 1 + (field.order === 'be' ? 8 : 0);
    const place = { source: source.offset, target: target.offset, bytes: target.bytes };
    return { ...emptyOp, ...place, name: 'floatWiden', load: kind(source), store: kind(target) };
  }

  #fitText(source: FieldIr, target: FieldIr, rangeCode: number): Op {
    const steps = (source.pad === 'space' ? 1 : 0) | (target.pad === 'space' ? 2 : 0);
    const place = { source: source.offset, target: target.offset, bytes: target.bytes };
    const sizes = { load: source.bytes & 0xff, store: source.bytes >> 8, argument: target.bytes };
    const code = this.#builder.code(rangeCode);
    return { ...emptyOp, ...place, ...sizes, name: 'fitText', steps, code };
  }

  #number(target: IntegerField): void {
    if (this.#sequence !== null) this.#fail('one sequence number in a message', target.name);
    const { offset, bytes, order } = target;
    // The image's word for no sequence number at all.
    if (offset === noIndex) this.#fail('a sequence number that begins before that', offset);
    this.#sequence = { offset, bytes, bigEndian: order === 'be' };
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
    const [low, high] = outputRange(field);
    if (value < low || value > high) this.#fail(`a value that ${field.name} can hold`, value);
  }

  #field(fields: readonly FieldIr[], index: number): FieldIr {
    return fields[index] ?? this.#fail(`a field of ${this.#spec.name}`, index);
  }

  #fail(expected: string, received: unknown): never {
    const { name, position } = this.#spec;
    throw optionError('ERR_ROUTE', name, expected, received, position);
  }
}

const noSequence: SequenceField = { offset: noIndex, bytes: 0, bigEndian: false };
