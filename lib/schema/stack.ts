// Finds where in the user's own files an error lies, from the text of its stack as V8 and Node make
// it, and which functions of the user's called it there. Pure; control path only.
import { fileURLToPath } from 'node:url';
import type { SourcePlace } from '../errors.js';

/**
 * Whether a module belongs to the user, rather than to Node, this package or a dependency; `name`
 * is its URL, of CommonJS modules their path.
 */
export type IsUserModule = (name: string) => boolean;

/** A place, and from where the user's own function was called in which it lies. */
export interface CalledPlace {
  readonly place: SourcePlace;
  readonly calledFrom: readonly SourcePlace[];
}

/** Functions of the user's that lie between a place and what this package or Node has called. */
const callersMax = 3;

/**
 * The user's own functions among those from which a place was called, the innermost first. null is
 * a function of somebody else: what this package or Node has called, the user sees without being
 * told. `isWhole`: more callers would change nothing.
 */
export function userCallers(
  place: SourcePlace,
  callers: Iterable<SourcePlace | null>,
): { readonly calledFrom: readonly SourcePlace[]; readonly isWhole: boolean } {
  const calledFrom: SourcePlace[] = [];
  let last = place;
  for (const caller of callers) {
    if (caller === null || calledFrom.length === callersMax) return { calledFrom, isWhole: true };
    if (caller.file !== last.file || caller.line !== last.line) calledFrom.push(caller);
    last = caller;
  }
  return { calledFrom, isWhole: false };
}

/**
 * The place an error's stack points at: the header that V8 puts before a syntax error (the file,
 * the line and a marker under the column), else the innermost frame in a module of the user.
 */
export function placeOfStack(stack: string, isUserModule: IsUserModule): CalledPlace | undefined {
  const lines = stack.split('\n');
  const place = placeOfHeader(lines, isUserModule);
  if (place !== undefined) return { place, calledFrom: [] };
  return placeOfFrames(lines, isUserModule);
}

function placeOfHeader(lines: readonly string[], isUser: IsUserModule): SourcePlace | undefined {
  const header = /^(file:\/\/.+):(\d+)$/.exec(lines[0] ?? '');
  if (header?.[1] === undefined || !isUser(header[1])) return undefined;
  const marker = (lines[2] ?? '').indexOf('^');
  return {
    file: fileURLToPath(header[1]),
    line: Number(header[2]),
    column: marker < 0 ? 1 : marker + 1,
  };
}

function placeOfFrames(lines: readonly string[], isUser: IsUserModule): CalledPlace | undefined {
  const frames = lines.filter((line) => /^\s+at /.test(line) && !line.includes('(<anonymous>)'));
  const places = frames.map((line) => placeOfFrame(line, isUser));
  const first = places.findIndex((place) => place !== null);
  const place = places[first] ?? null;
  if (place === null) return undefined;
  return { place, calledFrom: userCallers(place, places.slice(first + 1)).calledFrom };
}

/** The place of a frame with a URL, or of a CommonJS module, which has a path; null: another's. */
function placeOfFrame(line: string, isUser: IsUserModule): SourcePlace | null {
  const frame = /^\s+at (?:.*[( ])?((?:file:\/\/)?\/[^\s)]+):(\d+):(\d+)\)?$/.exec(line);
  const [, name, lineText, columnText] = frame ?? [];
  if (name === undefined || !isUser(name)) return null;
  const file = name.startsWith('file:') ? fileURLToPath(name) : name;
  return { file, line: Number(lineText), column: Number(columnText) };
}
