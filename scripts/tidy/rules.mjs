// The rules of scripts/tidy.mjs. Each takes a source { path, text, code, comments, isCpp } and
// gives findings { line, message }, lines counted from 1.
import { dirname, join, posix } from 'node:path';
import { functionsOf } from './text.mjs';

export const limits = { fileLines: 400, functionLines: 70, lineColumns: 100 };

// What a folder of native/ may include besides itself; `addon` and `engine` see all below them.
const nativeImports = {
  include: [],
  base: ['include'],
  ring: ['base', 'include'],
  codec: ['base', 'include'],
  route: ['base', 'codec', 'include'],
  wire: ['base'],
  crypto: ['base'],
  raptor: ['base', 'ring', 'wire', 'crypto'],
  io: ['base', 'ring', 'wire', 'include'],
};
// Folders inside of one that may include more than the rest of it.
const nativeExtras = { 'native/io/raptor/': ['crypto', 'raptor'] };
nativeImports.engine = Object.keys(nativeImports);
nativeImports.addon = [...nativeImports.engine, 'engine'];

// What a file or folder of lib/ may import besides itself.
const foundation = ['codes', 'errors'];
const libImports = {
  codes: [],
  errors: ['codes'],
  native: foundation,
  schema: foundation,
  compiler: [...foundation, 'schema'],
  endpoints: [...foundation, 'native', 'schema', 'compiler'],
  raptor: [...foundation, 'native', 'schema', 'compiler', 'endpoints'],
  router: [...foundation, 'native', 'schema', 'compiler', 'endpoints', 'raptor'],
  config: [...foundation, 'native', 'schema', 'compiler', 'endpoints', 'raptor', 'router'],
};
libImports.index = Object.keys(libImports);
libImports.cli = [...libImports.index, 'index'];
libImports.internals = [...libImports.index, 'cli'];

const lineAt = (text, position) => text.slice(0, position).split('\n').length;

/** Every match of a global pattern as a finding. */
function* eachMatch(text, pattern, message) {
  for (const match of text.matchAll(pattern)) {
    yield { line: lineAt(text, match.index), message: message(match) };
  }
}

function* fileAndLineLimits({ text }) {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > limits.fileLines) {
    yield { line: 1, message: `${lines.length} lines; a file has ${limits.fileLines} at most` };
  }
  for (const [index, line] of lines.entries()) {
    const columns = [...line].length;
    if (columns > limits.lineColumns) {
      yield { line: index + 1, message: `${columns} columns; ${limits.lineColumns} at most` };
    }
  }
}

function* functionLimit({ code, isCpp }) {
  for (const { line, lines } of functionsOf(code, isCpp)) {
    if (lines > limits.functionLines) {
      yield { line, message: `a function of ${lines} lines; ${limits.functionLines} at most` };
    }
  }
}

function* nativeDirection({ path, text }) {
  const [top, folder] = path.split('/');
  if (top !== 'native') return;
  const allowed = nativeImports[folder];
  if (allowed === undefined) {
    yield { line: 1, message: `native/${folder} is not in the table of scripts/tidy/rules.mjs` };
    return;
  }
  const inner = Object.keys(nativeExtras).find((prefix) => path.startsWith(prefix));
  const extras = nativeExtras[inner] ?? [];
  for (const match of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/gm)) {
    const target = match[1].includes('/') ? posix.normalize(match[1]).split('/')[0] : folder;
    if (target === folder || allowed.includes(target) || extras.includes(target)) continue;
    const message = `native/${folder} may not include native/${target} ("${match[1]}")`;
    yield { line: lineAt(text, match.index), message };
  }
}

function* napiOnlyInAddon({ path, text }) {
  if (!path.startsWith('native/') || path.startsWith('native/addon/')) return;
  const pattern =
    /^[ \t]*#[ \t]*include[ \t]*[<"](napi\.h|node_api\.h|js_native_api\.h|uv\.h)[>"]/gm;
  yield* eachMatch(text, pattern, ([, name]) => `${name} belongs to native/addon alone`);
}

const importPattern = /\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

function* libDirection({ path, text, code }) {
  if (!path.startsWith('lib/') || !path.endsWith('.ts')) return;
  const part = path.split('/')[1].replace(/\.ts$/, '');
  const allowed = libImports[part];
  if (allowed === undefined) {
    yield { line: 1, message: `lib/${part} is not in the table of scripts/tidy/rules.mjs` };
    return;
  }
  for (const match of text.matchAll(importPattern)) {
    // The word itself must be code: an example in a comment imports nothing.
    if (code[match.index] !== match[0][0]) continue;
    const target = posix.normalize(posix.join(dirname(path), match[2]));
    const other = target.split('/')[1]?.replace(/\.js$/, '') ?? '';
    if (!target.startsWith('lib/') || (other !== part && !allowed.includes(other))) {
      const message = `lib/${part} may not import ${target}`;
      yield { line: lineAt(text, match.index), message };
    }
  }
}

function* addonLoader({ path, text, code }) {
  if (!path.startsWith('lib/') || path === 'lib/native.ts') return;
  for (const match of text.matchAll(/node-gyp-build|\.node['"]/g)) {
    if (code.slice(match.index, match.index + match[0].length).trim() === match[0]) continue;
    const line = lineAt(text, match.index);
    const inCode = code.split('\n')[line - 1];
    if (/\b(require|import|from|dlopen)\b/.test(inCode)) {
      yield { line, message: 'only lib/native.ts loads the addon' };
    }
  }
}

const bannedTokens = [
  ...['new', 'malloc', 'calloc', 'realloc', 'throw', 'Napi', 'std::string', 'std::function'],
  ...['\\w*mutex', '\\w*printf'],
];
const banned = new RegExp(`\\b(?:${bannedTokens.join('|')})\\b`, 'g');

function* datapathTokens({ path, code }) {
  if (!/^native\/.*_datapath\.(h|cc)$/.test(path)) return;
  yield* eachMatch(code, banned, ([token]) => `${token} has no place in a _datapath file`);
}

const label = /\b[A-Z]{1,3}\d+[a-z]?\b/;

/** Whether a comment on the line or one of the four before it satisfies `accept`. */
function isExplained(comments, line, accept) {
  return comments.slice(Math.max(0, line - 5), line).some((comment) => accept.test(comment));
}

function* atomicLabels({ path, code, comments }) {
  const inNative = path.startsWith('native/');
  if (!inNative && !path.startsWith('lib/')) return;
  const commentLines = comments.split('\n');
  const pattern = inNative
    ? /\bmemory_order(?:_|::)(relaxed|consume|acquire|release|acq_rel|seq_cst)\b/g
    : /\bAtomics\.(\w+)\s*\(/g;
  for (const match of code.matchAll(pattern)) {
    const line = lineAt(code, match.index);
    const commentOnly = match[1] === 'relaxed';
    if (isExplained(commentLines, line, commentOnly ? /\w/ : label)) continue;
    const wanted = commentOnly ? 'a comment that says why' : 'a label such as "R1 release: …"';
    yield { line, message: `${match[0].replace('(', '')} needs ${wanted} within 4 lines above` };
  }
}

const atomicCall =
  /(?:\.|->)(load|store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set)\s*\(/g;

function* atomicOrders({ path, code }) {
  if (!path.startsWith('native/') || !/\bstd::atomic/.test(code)) return;
  for (const match of code.matchAll(atomicCall)) {
    const open = match.index + match[0].length;
    let depth = 1;
    let end = open;
    for (; end < code.length && depth > 0; end += 1) {
      if (code[end] === '(') depth += 1;
      else if (code[end] === ')') depth -= 1;
    }
    if (/\bmemory_order|\border\b/.test(code.slice(open, end))) continue;
    yield { line: lineAt(code, match.index), message: `${match[1]}() without a memory order` };
  }
}

function* fences({ path, code }) {
  if (!path.startsWith('native/')) return;
  const pattern =
    /\batomic_(?:thread|signal)_fence\b|\b__sync_synchronize\b|\b_mm_[lsm]fence\b|"\s*mfence/g;
  yield* eachMatch(code, pattern, ([name]) => `${name}: TSan does not see stand-alone fences`);
}

function* unfinished({ comments }) {
  const pattern = /\b(?:TODO|FIXME|XXX|HACK)\b/g;
  yield* eachMatch(comments, pattern, ([word]) => `${word}: finish it or open an issue`);
}

function* typeScriptHabits({ path, code }) {
  if (!path.endsWith('.ts')) return;
  if (path !== 'lib/native.ts') {
    const pattern = /(?::|\bas|<|\|)\s*any\b(?!\s*[(:])/g;
    yield* eachMatch(code, pattern, () => 'any: name the type, or use unknown');
  }
  if (!path.endsWith('.config.ts')) {
    yield* eachMatch(code, /\bexport\s+default\b/g, () => 'default export: name it');
  }
}

function* fileHeader({ path, text }) {
  if (!/\.(ts|mjs|cc|h)$/.test(path) || path.includes('/vectors/')) return;
  const first = text.replace(/^#!.*\n/, '').trimStart();
  if (first.startsWith('//') || first.startsWith('/*')) return;
  yield { line: 1, message: 'a file begins with a comment that says what it is for' };
}

/** Every rule by name. */
export const rules = {
  fileAndLineLimits,
  functionLimit,
  nativeDirection,
  napiOnlyInAddon,
  libDirection,
  addonLoader,
  datapathTokens,
  atomicLabels,
  atomicOrders,
  fences,
  unfinished,
  typeScriptHabits,
  fileHeader,
};

/** Absolute or relative, a path is one of the project's own sources when its folder is. */
export const checkedFolders = ['native', 'lib', 'test', 'bench', 'examples', 'scripts'].map(
  (name) => join(name),
);
