// Removes TypeScript's types from a configuration file without moving anything: every line and
// column of the JavaScript that runs is that of the file the user wrote. Runs in the hooks thread
// of a configuration worker.
import { transformSync } from '@swc/wasm-typescript';
import type { SourcePlace } from '../errors.js';

/** A fault in a file's text, with its place. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly place: SourcePlace;

  constructor(message: string, place: SourcePlace) {
    super(message);
    this.place = place;
  }
}

interface StripError {
  readonly code: string;
  readonly message: string;
  readonly startLine: number;
  /** From 0, in columns of a terminal: a tab counts 4, a wide character 2. */
  readonly startColumn: number;
}

/** The JavaScript of a TypeScript source. Throws SourceFault for what cannot be stripped. */
export function stripTypes(source: string, file: string): string {
  try {
    return strip(source, file);
  } catch (error) {
    if (!isStripError(error)) throw error;
    const { line, column } = exactPlace(source, file, error);
    throw new SourceFault(explain(error), { file, line, column });
  }
}

function strip(source: string, file: string): string {
  return transformSync(source, { mode: 'strip-only', filename: file }).code;
}

function isStripError(value: unknown): value is StripError {
  return typeof value === 'object' && value !== null && 'startLine' in value && 'code' in value;
}

/**
 * The parser counts columns as a terminal shows them. A second parse, of a text in which every
 * character has the width of one, gives the column that editors and stack traces use.
 */
function exactPlace(source: string, file: string, first: StripError) {
  const shown = { line: first.startLine, column: first.startColumn + 1 };
  try {
    strip(source.replaceAll(/[^\S\r\n]/g, ' ').replaceAll(/[^\0-\x7f]/g, 'x'), file);
    return shown;
  } catch (error) {
    if (!isStripError(error) || error.startLine !== first.startLine) return shown;
    return { line: error.startLine, column: error.startColumn + 1 };
  }
}

function explain({ code, message }: StripError): string {
  if (code !== 'UnsupportedSyntax') return `SyntaxError: ${message}`;
  return (
    `${message}: types are only removed from a configuration, never compiled ` +
    '(use `const` objects instead of enums and namespaces, fields instead of parameter properties)'
  );
}
