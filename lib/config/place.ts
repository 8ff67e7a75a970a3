// Finds where in the user's own files an error lies, from what V8 and Node report about it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SourcePlace } from '../errors.js';

/** Whether a module belongs to the user, rather than to Node, this package or a dependency. */
export type IsUserModule = (url: string) => boolean;

/** The place of the import or export that names `specifier` in a file; undefined if not found. */
export function placeOfSpecifier(file: string, specifier: string): SourcePlace | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const lines = text.split('\n');
  for (const quote of ["'", '"', '`']) {
    const quoted = `${quote}${specifier}${quote}`;
    const index = lines.findIndex((line) => line.includes(quoted));
    if (index >= 0) {
      return { file, line: index + 1, column: (lines[index]?.indexOf(quoted) ?? 0) + 1 };
    }
  }
  return undefined;
}

/** A place, and from where the user's own function was called in which it lies. */
export interface CalledPlace {
  readonly place: SourcePlace;
  readonly calledFrom: readonly SourcePlace[];
}

const callersMax = 3;

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
  const first = places.findIndex((place) => place !== undefined);
  const place = places[first];
  if (place === undefined) return undefined;
  const calledFrom: SourcePlace[] = [];
  let last = place;
  for (const caller of places.slice(first + 1)) {
    // What this package or Node has called, the user sees without being told.
    if (caller === undefined || calledFrom.length === callersMax) break;
    if (caller.file !== last.file || caller.line !== last.line) calledFrom.push(caller);
    last = caller;
  }
  return { place, calledFrom };
}

function placeOfFrame(line: string, isUser: IsUserModule): SourcePlace | undefined {
  const frame = /^\s+at .*?(file:\/\/[^\s)]+):(\d+):(\d+)\)?$/.exec(line);
  if (frame?.[1] === undefined || !isUser(frame[1])) return undefined;
  return { file: fileURLToPath(frame[1]), line: Number(frame[2]), column: Number(frame[3]) };
}
