// The text of a schema's structure check: the same rules as `BindRun`, unrolled.
import { messageFaults } from '../../codes.js';
import { nativeHeaderBytes, nativeMessageBytesMax } from '../model.js';
import { indent, nameComment } from './generate.js';
import { type BlockPlan, type DataPlan, type FieldPlan, isGroup, type Layouts } from './plan.js';

const { TRUNCATED, TOO_LARGE, WRONG_TEMPLATE, BAD_VERSION, BAD_FLAGS } = messageFaults;
const { BAD_SLOT, BAD_STRIDE, TOO_LONG } = messageFaults;

/** A function expression `(view, at, end) => fault`; it names `checkBlock`. */
export function bindSource(layouts: Layouts): string {
  return [
    `(view, at, end) => { ${nameComment(layouts.model.name)} bind`,
    ...indent(bindLines(layouts)),
    '  return 0;',
    '}',
  ].join('\n');
}

/**
 * Statements that check the message of `view` from `at` to the variable `end` and return its
 * fault, if any. They declare `frameBytes`, `version` and `body`.
 */
export function bindLines({ model, root }: Layouts, end = 'end'): string[] {
  const newest = model.version;
  const fingerprint = model.fingerprints[newest - 1] ?? 0;
  // The second word of the header as the newest version writes it.
  const usual = ((fingerprint << 16) | root.bytes) >>> 0;
  return [
    `const frameBytes = ${end} - at;`,
    `if (frameBytes < ${nativeHeaderBytes}) return ${TRUNCATED};`,
    `if (frameBytes > ${nativeMessageBytesMax}) return ${TOO_LARGE};`,
    'const first = view.getUint32(at, true);',
    `if ((first & 65535) !== ${Number(model.templateId)}) return ${WRONG_TEMPLATE};`,
    'const version = (first >>> 16) & 255;',
    `if (version === 0) return ${BAD_VERSION};`,
    `if (first >>> 24 !== 0) return ${BAD_FLAGS};`,
    'const second = view.getUint32(at + 4, true);',
    'const blockBytes = second & 65535;',
    `if (version !== ${newest} || second !== ${usual}) {`,
    '  const fault = checkBlock(version, blockBytes, second >>> 16);',
    '  if (fault !== 0) return fault;',
    '}',
    `const bodyBytes = frameBytes - ${nativeHeaderBytes};`,
    `if (blockBytes > bodyBytes) return ${TRUNCATED};`,
    `const body = at + ${nativeHeaderBytes};`,
    'let cursor = blockBytes;',
    ...blockLines(root, newest, 'body'),
  ];
}

function blockLines(block: BlockPlan, newest: number, at: string): string[] {
  return block.bound.flatMap((field) => {
    const lines = slotLines(field, newest, at);
    const { since } = field.model;
    return since === 1
      ? ['{', ...indent(lines), '}']
      : [`if (version >= ${since}) {`, ...indent(lines), '}'];
  });
}

function slotLines(field: FieldPlan, newest: number, at: string): string[] {
  const { presence, offset } = field.model;
  const [o, n] = [`o${field.index}`, `n${field.index}`];
  const checks: string[] = [];
  if (presence !== null) {
    const word = `view.getUint32(${at} + ${presence.offset}, true)`;
    checks.push(`if (((${word} >>> ${presence.bit}) & 1) === 0) return ${BAD_SLOT};`);
  }
  checks.push(`if (${n} === 0 || ${o} < cursor || ${o} > bodyBytes) return ${BAD_SLOT};`);
  return [
    `const ${o} = view.getUint32(${at} + ${offset}, true);`,
    `const ${n} = view.getUint32(${at} + ${offset + 4}, true);`,
    `if (${o} !== 0 || ${n} !== 0) {`,
    ...indent([...checks, ...dataLines(field, newest, o, n)]),
    '}',
  ];
}

function dataLines(field: FieldPlan, newest: number, o: string, n: string): string[] {
  if (isGroup(field))
    return groupLines(field.index, field.block, field.type.countMax, newest, o, n);
  return [
    `if (${n} > bodyBytes - ${o}) return ${BAD_SLOT};`,
    `if (${n} > ${(field as DataPlan).type.bytesMax}) return ${TOO_LONG};`,
    `cursor = ${o} + ${n};`,
  ];
}

function groupLines(
  index: number,
  block: BlockPlan,
  countMax: number,
  newest: number,
  o: string,
  n: string,
): string[] {
  const [stride, entry, count] = [`s${index}`, `e${index}`, `k${index}`];
  // A newer writer's stride is mine and more; an older one's is known.
  const grown = `(${stride} & 7) === 0 && ${stride} >= ${block.bytes}`;
  const older = JSON.stringify(block.versionBytes);
  const known =
    newest === 1 ? `${stride} === ${block.bytes}` : `${stride} === ${older}[version - 1]`;
  const lines = [
    `if ((${o} & 7) !== 0 || bodyBytes - ${o} < 8) return ${BAD_SLOT};`,
    `if (${n} > ${countMax}) return ${TOO_LONG};`,
    `const ${stride} = view.getUint16(body + ${o}, true);`,
    `if (!(version > ${newest} ? ${grown} : ${known})) return ${BAD_STRIDE};`,
    `if (view.getUint16(body + ${o} + 2, true) !== 0) return ${BAD_SLOT};`,
    `if (view.getUint32(body + ${o} + 4, true) !== 0) return ${BAD_SLOT};`,
    `if (8 + ${stride} * ${n} > bodyBytes - ${o}) return ${BAD_SLOT};`,
    `cursor = ${o} + 8 + ${stride} * ${n};`,
  ];
  if (block.bound.length === 0) return lines;
  return [
    ...lines,
    `for (let ${count} = 0, ${entry} = body + ${o} + 8; ${count} < ${n}; ${count}++) {`,
    ...indent(blockLines(block, newest, entry)),
    `  ${entry} += ${stride};`,
    '}',
  ];
}
