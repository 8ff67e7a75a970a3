// Reads C++ and TypeScript just well enough for the rules: tells code from comments and strings,
// and finds where functions begin and end. Positions and line breaks are preserved.

const regexMayFollow = /(^|[=(,:;!&|?{}[+\-*<>~^%]|\b(return|typeof|case|in|of|await|yield))$/;

/** Position after the string, character or template literal that starts at `start`. */
function literalEnd(text, start) {
  const quote = text[start];
  let depth = 0;
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (depth === 0 && char === quote) return at + 1;
    else if (depth === 0 && char === '\n' && quote !== '`') return at;
    else if (quote === '`' && depth === 0 && char === '$' && text[at + 1] === '{') {
      depth = 1;
      at += 1;
    } else if (depth > 0) {
      if (char === '{') depth += 1;
      else if (char === '}') depth -= 1;
      else if (char === '`' || char === "'" || char === '"') at = literalEnd(text, at) - 1;
    }
  }
  return text.length;
}

/** Position after the regular expression literal that starts at `start`. */
function regexEnd(text, start) {
  let inClass = false;
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return start + 1;
}

/** Position after C++'s raw string that starts at `start` (the R). */
function rawStringEnd(text, start) {
  const open = text.indexOf('(', start);
  const close = `)${text.slice(start + 2, open)}"`;
  const end = text.indexOf(close, open);
  return end < 0 ? text.length : end + close.length;
}

/** The next token that is not plain code: its kind and the position after it. */
function specialAt(text, at, isCpp) {
  const two = text.slice(at, at + 2);
  if (two === '//') {
    const end = text.indexOf('\n', at);
    return { kind: 'comment', end: end < 0 ? text.length : end };
  }
  if (two === '/*') {
    const end = text.indexOf('*/', at + 2);
    return { kind: 'comment', end: end < 0 ? text.length : end + 2 };
  }
  if (isCpp && two === 'R"' && !/\w/.test(text[at - 1] ?? '')) {
    return { kind: 'literal', end: rawStringEnd(text, at) };
  }
  const char = text[at];
  // An apostrophe between digits is C++'s digit separator.
  if (isCpp && char === "'" && /[0-9a-fA-F]/.test(text[at - 1] ?? '')) return undefined;
  if (char === '"' || char === "'" || (!isCpp && char === '`')) {
    return { kind: 'literal', end: literalEnd(text, at) };
  }
  if (
    !isCpp &&
    char === '/' &&
    regexMayFollow.test(text.slice(Math.max(0, at - 40), at).trimEnd())
  ) {
    return { kind: 'literal', end: regexEnd(text, at) };
  }
  return undefined;
}

const blank = (text) => text.replace(/[^\n]/g, ' ');

/**
 * Splits a source text into two of the same shape: `code` has comments and the inside of literals
 * blanked, `comments` has everything but the comments blanked.
 */
export function separate(text, isCpp) {
  let code = '';
  let comments = '';
  let at = 0;
  while (at < text.length) {
    const special = specialAt(text, at, isCpp);
    if (special === undefined) {
      const char = text[at];
      code += char;
      comments += char === '\n' ? '\n' : ' ';
      at += 1;
      continue;
    }
    const piece = text.slice(at, special.end);
    if (special.kind === 'comment') {
      code += blank(piece);
      comments += piece;
    } else {
      // The quotes stay, so that `f("")` still looks like a call with an argument.
      code += piece[0] + blank(piece.slice(1, -1)) + (piece.length > 1 ? piece.at(-1) : '');
      comments += blank(piece);
    }
    at = special.end;
  }
  return { code, comments };
}

const control = /^(?:else\s+)?(?:if|for|while|switch|catch|do|try|else|return|case|default)\b/;
const cppTypeWords = 'class|struct|enum|union|concept|namespace|extern';
const cppType = new RegExp(`^(?:template\\s*<[^{]*>\\s*)?(?:typedef\\s+)?(?:${cppTypeWords})\\b`);
const tsType = /^(?:export\s+)?(?:declare\s+)?(?:abstract\s+)?(?:class|interface|enum|namespace)\b/;
const cppTail = /\)\s*(?:const|noexcept(?:\(.*\))?|override|final|mutable|&|->[^;]*|:[^;]*|\s)*$/;
const tsTail = /(?:\)\s*(?::[^;]*)?|=>)\s*$/;
// Callbacks that only group tests hold many functions, and are none themselves.
const grouping = /^(?:describe|suite)\b/;

/** Whether the text before a brace says that a function's body opens. */
function opensFunction(head, isCpp) {
  const line = head.trim().replace(/^(?:(?:public|private|protected):\s*|\[\[[^\]]*\]\]\s*)+/, '');
  if (line === '' || control.test(line)) return false;
  if (isCpp) return !cppType.test(line) && !/=\s*$/.test(line) && cppTail.test(line);
  return !tsType.test(line) && !grouping.test(line) && tsTail.test(line);
}

/** Whether a brace belongs to an expression or a type, so that the statement goes on after it. */
function isInline(head, isCpp) {
  if (/[=(,[?<|&:]\s*$/.test(head))
    return !/^\s*(?:case\b.*|default\s*|public|private|protected):$/.test(head);
  return isCpp ? /[\w>\]]$/.test(head) : /\b(?:return|import|export|type|const|let)\s*$/.test(head);
}

/** The outermost functions of a text: { line, lines } each, lines counted from 1. */
export function functionsOf(code, isCpp) {
  const found = [];
  const stack = [];
  let head = '';
  let headLine = 1;
  let line = 1;
  for (const char of isCpp ? code.replace(/^[ \t]*#.*$/gm, '') : code) {
    if (char === '\n') line += 1;
    if (char === '{') {
      const outer = stack.some((entry) => entry.isFunction);
      const inline = isInline(head, isCpp);
      const isFunction = !outer && !inline && opensFunction(head, isCpp);
      stack.push({ isFunction, headLine, head: inline ? head : undefined });
      head = '';
    } else if (char === '}') {
      const entry = stack.pop();
      if (entry?.isFunction) {
        found.push({ line: entry.headLine, lines: line - entry.headLine + 1 });
      }
      head = entry?.head === undefined ? '' : `${entry.head}{}`;
      headLine = head === '' ? line : entry.headLine;
    } else if (char === ';' && !isForHeader(head)) {
      head = '';
    } else {
      if (head.trim() === '' && /\S/.test(char)) headLine = line;
      head += char;
    }
  }
  return found;
}

/** Whether a semicolon after this text stands inside the parentheses of `for (…;…;…)`. */
function isForHeader(head) {
  return /\bfor\s*\([^)]*$/.test(head);
}
