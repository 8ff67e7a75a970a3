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
  const text = [
    '(() => {',
    '  const { lows, highs, codes } = tools;',
    '  return (V, at, bytes) => {',
    '  switch (bytes) {',
    "    case 0: return '';",
    ...cases.flat(),
    '    default: return undefined;',
    '  }',
    '  };',
    '})()',
  ];
  return compileFunction<ExactText>(text.join('\n'), {
    lows: new Int32Array(codesMax),
    highs: new Int32Array(codesMax),
    codes: new Array<string>(codesMax).fill(''),
  });
}

const codesMax = 512;
const codesShift = 32 - Math.log2(codesMax);

/**
 * Text of 4 to 8 bytes is a code more often than not, of a unit, a currency, an instrument: the
 * last ones stay, found by their bytes, because making a string costs several times as much.
 */
function codeLines(bytes: number, first: string, last: string): string[] {
  const hash = `Math.imul(${first}, 0x9e3779b1) ^ Math.imul(${last}, 0x85ebca6b)`;
  return [
    `  const place = (${hash}) >>> ${codesShift};`,
    `  if (lows[place] === ${first} && highs[place] === ${last}) {`,
    '    const code = codes[place];',
    `    if (code.length === ${bytes}) return code;`,
    '  }',
  ];
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
  const [first, last] = [`w${starts[0]}`, `w${starts[starts.length - 1]}`];
  const isCode = bytes >= 4 && bytes <= 8;
  return indent([
    `case ${bytes}: {`,
    `  const ${words.join(', ')};`,
    ...(isCode ? codeLines(bytes, first, last) : []),
    `  if (((${all}) & 0x80808080) !== 0) return undefined;`,
    `  const text = String.fromCharCode(${codes.join(', ')});`,
    ...(isCode ? [`  lows[place] = ${first}, highs[place] = ${last}, codes[place] = text;`] : []),
    '  return text;',
    '}',
  ]);
}
