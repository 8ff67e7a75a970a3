// Shows errors to people and to programs: with code, place and the lines of the user's own file.
import { readFileSync } from 'node:fs';
import { errorJson, isHyperRouteError, placeText, type SourcePlace } from '../errors.js';
import type { Io } from './io.js';

const excerptLinesBefore = 2;
const excerptColumnsMax = 160;

/** Writes an error to stderr, with the lines it is about. */
export function reportError(io: Io, error: unknown): void {
  const { code, message, place, calledFrom = [] } = errorJson(error);
  const { err } = io;
  err.line(`${err.style(['red', 'bold'], code)} ${message}`);
  // A failure that is not the user's needs its stack to be of use to anybody.
  if (!isHyperRouteError(error) && error instanceof Error) err.line(error.stack ?? '');
  if (place === undefined) return;
  const show = (lines: readonly string[]): void => {
    for (const line of lines) {
      err.line(line.startsWith('>') ? err.style('bold', line) : err.style('dim', line));
    }
  };
  show(excerpt(place));
  for (const caller of calledFrom) {
    err.line(`called from ${placeText(caller)}`);
    show(excerpt(caller));
  }
}

/** The line of a place with those before it and a mark under the column; empty if unreadable. */
export function excerpt({ file, line, column }: SourcePlace): string[] {
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    return [];
  }
  const wanted = lines[line - 1];
  if (wanted === undefined) return [];
  const first = Math.max(0, line - 1 - excerptLinesBefore);
  const width = String(line).length;
  const shown = lines.slice(first, line).map((text, index) => {
    const number = first + index + 1;
    const mark = number === line ? '>' : ' ';
    return `${mark} ${String(number).padStart(width)} | ${text.slice(0, excerptColumnsMax)}`;
  });
  // Tabs before the column are kept, so that the mark stands under it at any tab width.
  const lead = wanted.slice(0, Math.min(column - 1, excerptColumnsMax)).replaceAll(/[^\t]/g, ' ');
  return [...shown, `  ${' '.repeat(width)} | ${lead}^`];
}
