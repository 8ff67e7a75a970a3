// The text of a schema's structure check: the same rules as `BindRun`, unrolled. It only tells
// whether a message keeps them all; which one a bad message breaks first, `BindRun` finds out.
import { nativeHeaderBytes, nativeMessageBytesMax } from '../model.js';
import { indent, nameComment } from './generate.js';
import { type BlockPlan, type DataPlan, type FieldPlan, isGroup, type Layouts } from './plan.js';

/** A function expression `(view, at, end) => fault`; it names `checkBlock` and `faultOf`. */
export function bindSource(layouts: Layouts): string {
  return [
    `(view, at, end) => { ${nameComment(layouts.model.name)} bind`,
    ...indent(bindLines(layouts, 'return faultOf(view, at, end);')),
    '  return 0;',
    '}',
  ].join('\n');
}

/**
 * Statements that check the message of `view` from `at` to `end`; `fail` is the one for a message
 * that breaks a rule. They declare `frameBytes`, `version` and `body`. Words of slots are read
 * with their sign: none of a right message has one.
 */
export function bindLines({ model, root }: Layouts, fail: string): string[] {
  const newest = model.version;
  const fingerprint = model.fingerprints[newest - 1] ?? 0;
  const template = Number(model.templateId);
  // The header as the newest version writes it.
  const first = template | (newest << 16);
  const second = (fingerprint << 16) | root.bytes;
  const misfit = 'checkBlock(version, blockBytes, view.getUint16(at + 6, true)) !== 0';
  return [
    'const frameBytes = end - at;',
    `if (frameBytes < ${nativeHeaderBytes} || frameBytes > ${nativeMessageBytesMax}) ${fail}`,
    `let version = ${newest}, blockBytes = ${root.bytes};`,
    `if (view.getInt32(at, true) !== ${first} || view.getInt32(at + 4, true) !== ${second}) {`,
    ...indent([
      'version = view.getUint8(at + 2);',
      'blockBytes = view.getUint16(at + 4, true);',
      `if (view.getUint16(at, true) !== ${template} || version === 0) ${fail}`,
      `if (view.getUint8(at + 3) !== 0 || ${misfit}) ${fail}`,
    ]),
    '}',
    `const bodyBytes = frameBytes - ${nativeHeaderBytes};`,
    `if (blockBytes > bodyBytes) ${fail}`,
    `const body = at + ${nativeHeaderBytes};`,
    ...(root.bound.length > 0 ? ['let cursor = blockBytes;'] : []),
    ...blockLines(root, 'body', { newest, fail }),
  ];
}

interface Context {
  /** The newest version of the schema. */
  readonly newest: number;
  readonly fail: string;
}

function blockLines(block: BlockPlan, at: string, context: Context): string[] {
  return block.bound.flatMap((field) => {
    const { since } = field.model;
    const head = since === 1 ? '{' : `if (version >= ${since}) {`;
    return [head, ...indent(slotLines(field, at, context)), '}'];
  });
}

function slotLines(field: FieldPlan, at: string, context: Context): string[] {
  const { presence, offset } = field.model;
  const [o, n] = [`o${field.index}`, `n${field.index}`];
  const tests = [`${n} > 0`, `${o} >= cursor`];
  if (presence !== null) {
    tests.push(`(view.getInt32(${at} + ${presence.offset}, true) & ${1 << presence.bit}) !== 0`);
  }
  let lines: string[];
  if (isGroup(field)) {
    tests.push(`${n} <= ${field.type.countMax}`, `(${o} & 7) === 0`, `${o} <= bodyBytes - 8`);
    lines = groupLines(field.index, field.block, context);
  } else {
    tests.push(`${n} <= ${(field as DataPlan).type.bytesMax}`, `${n} <= bodyBytes - ${o}`);
    lines = [`cursor = ${o} + ${n};`];
  }
  return [
    `const ${o} = view.getInt32(${at} + ${offset}, true);`,
    `const ${n} = view.getInt32(${at} + ${offset + 4}, true);`,
    `if (${tests.join(' && ')}) {`,
    ...indent(lines),
    `} else if ((${o} | ${n}) !== 0) ${context.fail}`,
  ];
}

function groupLines(index: number, block: BlockPlan, context: Context): string[] {
  const { newest, fail } = context;
  const [o, n, stride] = [`o${index}`, `n${index}`, `s${index}`];
  const [entry, count] = [`e${index}`, `k${index}`];
  // A newer writer's stride is mine and more; an older one's is known.
  const grown = `(${stride} & 7) === 0 && ${stride} >= ${block.bytes} && ${stride} < 65536`;
  const older = `${stride} === ${JSON.stringify(block.versionBytes)}[version - 1]`;
  const other = newest === 1 ? grown : `(version > ${newest} ? ${grown} : ${older})`;
  const lines = [
    // The stride and the zeros behind it.
    `const ${stride} = view.getInt32(body + ${o}, true);`,
    `if (version === ${newest} ? ${stride} !== ${block.bytes} : !(${other})) ${fail}`,
    `if (view.getInt32(body + ${o} + 4, true) !== 0) ${fail}`,
    `if (8 + ${stride} * ${n} > bodyBytes - ${o}) ${fail}`,
    `cursor = ${o} + 8 + ${stride} * ${n};`,
  ];
  if (block.bound.length === 0) return lines;
  return [
    ...lines,
    `for (let ${count} = 0, ${entry} = body + ${o} + 8; ${count} < ${n}; ${count}++) {`,
    ...indent(blockLines(block, entry, context)),
    `  ${entry} += ${stride};`,
    '}',
  ];
}
