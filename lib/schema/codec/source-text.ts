// Short ASCII text by generated code: one call that makes the string, for each number of bytes
// its own. A function written by hand would be all these calls, or one call per character.
import { compileFunction, indent } from './generate.js';

/** Texts of up to so many bytes are made by one call. */
const exactMax = 32;

/** The text of a few bytes that are ASCII; undefined for others and for more. */
export type ExactText = (view: DataView, at: number, bytes: number) => string | undefined;

/** Undefined where code generation is forbidden. */
export function exactText(): ExactText | undefined {
  const cases = Array.from({ length: exactMax }, (_, index) => caseLines(index + 1));
  const head = ['(V, at, bytes) => {', '  switch (bytes) {', "    case 0: return '';"];
  const text = [...head, ...cases.flat(), '    default: return undefined;', '  }', '}'];
  return compileFunction<ExactText>(text.join('\n'), {});
}

/** The bytes as words: the last one may have bytes of the one before, but none from outside. */
function caseLines(bytes: number): string[] {
  const size = bytes >= 4 ? 4 : 1;
  const starts: number[] = [];
  for (let start = 0; start < bytes; start += size) starts.push(Math.min(start, bytes - size));
  const read = size === 4 ? 'getInt32' : 'getUint8';
  const words = starts.map((start) => `w${start} = V.${read}(at + ${start}, true)`);
  const all = starts.map((start) => `w${start}`).join(' | ');
  const codes = Array.from({ length: bytes }, (_, index) => {
    const start = Math.min(index - (index % size), bytes - size);
    const shift = (index - start) * 8;
    return shift === 24 ? `w${start} >>> 24` : `(w${start} >> ${shift}) & 255`;
  });
  return indent([
    `case ${bytes}: {`,
    `  const ${words.join(', ')};`,
    `  if (((${all}) & 0x80808080) !== 0) return undefined;`,
    `  return String.fromCharCode(${codes.join(', ')});`,
    '}',
  ]);
}
