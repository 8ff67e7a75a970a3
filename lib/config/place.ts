// Finds where in the user's own file a module is named that cannot be loaded.
import { readFileSync } from 'node:fs';
import type { SourcePlace } from '../errors.js';

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
