// Joins the ops that only move bytes: 16 bytes of the output at once, whatever fields they belong
// to and in whatever order they stand there, from 16 bytes of the source that lie together.
import type { OpName } from './emit-format.js';
import type { Op } from './emit-ops.js';
import type { ImageBuilder } from './emit-sections.js';

const blockBytes = 16;
/** What a shuffle does with a byte that it does not pick: makes it the constant; leaves it. */
const pickNone = 0x80;
const pickLeft = 0xff;
/** Where a byte of the output comes from that does not come from the source. */
const fromConstant = -1;
const fromOthers = -2;

/** What a block of output is made of. */
interface Moves {
  /** For each byte its place in the source, or one of the above. */
  readonly sources: Int32Array;
  readonly constants: Uint8Array;
  readonly sourceBytes: number;
}

/** What the ops are to write. */
export interface Block {
  /** What the output holds where nothing else is written. */
  readonly constants: Uint8Array;
  /** By byte: 1 where some op writes it, be it one of those that are joined or another. */
  readonly written: Uint8Array;
  readonly sourceBytes: number;
}

/** The ops that write what `rest` does not. */
export interface JoinedMoves {
  readonly shuffles: readonly Op[];
  readonly rest: readonly Op[];
}

const kindSizeMask = 7;
const kindBigEndian = 8;
const kindSigned = 16;
const kindBit = 6;
const swaps: readonly OpName[] = ['swap2', 'swap4', 'swap8'];

export function isShuffle(name: OpName): boolean {
  return name === 'shuffle' || name === 'shuffleMore';
}

/** The places of an op's bytes in the source; null where it does more than to move them. */
function placesOf({ name, source, bytes, load, store }: Op): readonly number[] | null {
  const places = Array.from({ length: bytes }, (_none, at) => source + at);
  if (name === 'copyMany') return places;
  if (swaps.includes(name)) return places.reverse();
  const isOdd = (load & kindSizeMask) === kindBit || (load & kindSigned) !== 0;
  if (name !== 'widen' || isOdd) return null;
  const loaded = (load & kindSizeMask) + 1;
  const ascending = places.map((_place, rank) => {
    if (rank >= loaded) return fromConstant;
    return (load & kindBigEndian) === 0 ? source + rank : source + loaded - 1 - rank;
  });
  return (store & kindBigEndian) === 0 ? ascending : ascending.reverse();
}

/**
 * Shuffles that write every byte which is a constant or is only moved; undefined where the source
 * or the output is too small for them. The rest are the ops that do more.
 */
export function joinMoves(
  builder: ImageBuilder,
  ops: readonly Op[],
  { constants, written, sourceBytes }: Block,
): JoinedMoves | undefined {
  if (constants.length < blockBytes || sourceBytes < blockBytes) return undefined;
  const moves: Moves = {
    sources: Int32Array.from(written, (is) => (is === 0 ? fromConstant : fromOthers)),
    constants: constants.slice(),
    sourceBytes,
  };
  const rest: Op[] = [];
  for (const op of ops) {
    const places = placesOf(op);
    if (places === null) {
      rest.push(op);
      continue;
    }
    moves.sources.set(places, op.target);
    // Widened by zeros.
    moves.constants.fill(0, op.target, op.target + op.bytes);
  }
  // A block at the end that covers bytes of the one before it comes before that one.
  const starts = blockStarts(constants.length).reverse();
  const shuffles = starts.flatMap((start) => shufflesOf(builder, moves, start));
  return { shuffles, rest };
}

function blockStarts(bytes: number): number[] {
  const starts = Array.from({ length: Math.floor(bytes / blockBytes) }, (_none, at) => at * 16);
  return bytes % blockBytes === 0 ? starts : [...starts, bytes - blockBytes];
}

/** The first shuffle of a block writes its constants too, others fill in what is missing. */
function shufflesOf(builder: ImageBuilder, moves: Moves, start: number): readonly Op[] {
  const owned = Math.floor((start + blockBytes - 1) / blockBytes) * blockBytes - start;
  const sources = [...moves.sources.subarray(start, start + blockBytes)].map((source, at) =>
    at < owned ? fromOthers : source,
  );
  const windows = windowsOf(sources, moves.sourceBytes);
  if (windows.length === 0 && !sources.includes(fromConstant)) return [];
  const constants = moves.constants.subarray(start, start + blockBytes);
  const taken = new Set<number>();
  return (windows.length === 0 ? [0] : windows).map((source, index): Op => {
    const isFirst = index === 0;
    const isHere = (place: number): boolean => place >= source && place < source + blockBytes;
    const picks = sources.map((place, at) => {
      if (place === fromConstant) return isFirst ? pickNone : pickLeft;
      if (!isHere(place) || taken.has(at)) return pickLeft;
      taken.add(at);
      return place - source;
    });
    const fill = picks.map((pick, at) => (pick === pickNone ? (constants[at] ?? 0) : 0));
    const argument = builder.constant(Uint8Array.of(...picks, ...fill));
    const name = isFirst ? 'shuffle' : 'shuffleMore';
    return { ...noOp, name, source, target: start, argument, bytes: blockBytes };
  });
}

/** Starts of runs of 16 bytes of the source in which all that is needed lies. */
function windowsOf(sources: readonly number[], sourceBytes: number): number[] {
  const windows: number[] = [];
  for (const place of sources.filter((source) => source >= 0).sort((a, b) => a - b)) {
    const last = windows.at(-1);
    if (last !== undefined && place < last + blockBytes) continue;
    windows.push(Math.min(place, sourceBytes - blockBytes));
  }
  return windows;
}

const noOp = { load: 0, store: 0, steps: 0, code: 0 };
