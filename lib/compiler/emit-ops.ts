// Ops of a transform before they are written: merging of copies, choice of copy sizes.
import { type OpName, opKinds } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';

/** One op with all parts of its record; `bytes` is what it writes. */
export interface Op {
  readonly name: OpName;
  readonly load: number;
  readonly store: number;
  readonly steps: number;
  readonly source: number;
  readonly target: number;
  readonly argument: number;
  readonly code: number;
  readonly bytes: number;
}

/** Appends the record of an op. */
export function emitOp(builder: ImageBuilder, op: Op): void {
  builder.sections.ops
    .u8(opKinds[op.name], op.load, op.store, op.steps)
    .u16(op.source, op.target)
    .u32(op.argument, op.code);
}

/** Above this size a call of memcpy costs less than the ops that replace it. */
const splitBytesMax = 64;
/** The most bytes of one op: constants have 16 bits for them. */
const manyBytesMax = 65_528;

/** Part of a run of bytes that one op moves. */
export interface Part {
  readonly offset: number;
  readonly bytes: number;
  readonly name: OpName;
}

/** Cuts a run of bytes into ops of 16, 8, 4, 2 and 1 bytes, or one that moves them all. */
export function splitBytes(total: number, kind: 'copy' | 'const'): readonly Part[] {
  const parts: Part[] = [];
  let offset = 0;
  while (total - offset > splitBytesMax) {
    const bytes = Math.min(total - offset, manyBytesMax);
    parts.push({ offset, bytes, name: `${kind}Many` });
    offset += bytes;
  }
  for (const bytes of [16, 8, 4, 2, 1] as const) {
    while (total - offset >= bytes) {
      parts.push({ offset, bytes, name: `${kind}${bytes}` });
      offset += bytes;
    }
  }
  return parts;
}

/** A copy that stays one op, whatever its size; any other op as it is. */
export function singleCopy(op: Op): Op {
  if (op.name !== 'copyMany') return op;
  const size = ([1, 2, 4, 8, 16] as const).find((bytes) => bytes === op.bytes);
  return size === undefined ? { ...op, argument: op.bytes } : { ...op, name: `copy${size}` };
}

/** Joins copies that continue each other in source and output, and picks their sizes. */
export function mergeCopies(ops: readonly Op[]): Op[] {
  const sorted = [...ops].sort((a, b) => a.target - b.target);
  const runs: Op[] = [];
  for (const op of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && continues(last, op)) {
      runs[runs.length - 1] = { ...last, bytes: last.bytes + op.bytes };
    } else {
      runs.push(op);
    }
  }
  return runs.flatMap((op) => (op.name === 'copyMany' ? splitCopy(op) : [op]));
}

function continues(run: Op, next: Op): boolean {
  return (
    run.name === 'copyMany' &&
    next.name === 'copyMany' &&
    run.target + run.bytes === next.target &&
    run.source + run.bytes === next.source
  );
}

function splitCopy(run: Op): readonly Op[] {
  return splitBytes(run.bytes, 'copy').map(({ offset, bytes, name }) => ({
    ...run,
    name,
    source: run.source + offset,
    target: run.target + offset,
    argument: name === 'copyMany' ? bytes : 0,
    bytes,
  }));
}

/**
 * Sorts ops by the bytes they write, but ops that can fail stay in the order of the outputs: the
 * first output that fails gives the reject code.
 */
export function inOrderOfFailure(ops: readonly Op[], outputs: readonly Op[]): readonly Op[] {
  const fallible = outputs.filter(canFail);
  let next = 0;
  const sorted = [...ops].sort((a, b) => a.target - b.target);
  return sorted.map((op) => (canFail(op) ? (fallible[next++] ?? op) : op));
}

/** Whether a message can be rejected by the op. */
export function canFail({ name }: Op): boolean {
  return fallibleOps.includes(name);
}

const fallibleOps: readonly OpName[] = [
  ...([
    'narrowChecked',
    'map',
    'mapByte',
    'rejectCode',
    'orBits',
    'require',
    'scale',
    'fitText',
  ] as const),
];

/** What most ops have in most parts of their record. */
export const emptyOp: Omit<Op, 'name'> = {
  load: 0,
  store: 0,
  steps: 0,
  source: 0,
  target: 0,
  argument: 0,
  code: 0,
  bytes: 0,
};
