// The text of a native schema's encoder. Two variants: one for messages at multiples of 8, whose
// 64-bit values are stored as aligned words, and one for any place.
import { type FixedModel, nativeHeaderBytes } from '../model.js';
import { indent, nameComment, quoted } from './generate.js';
import {
  type BlockPlan,
  type DataPlan,
  type FieldPlan,
  type Gap,
  hasSlots,
  isGroup,
  type Layouts,
} from './plan.js';
import { writeLines } from './source-fixed.js';
import { noTextRoom } from './text.js';

interface Context {
  readonly isAligned: boolean;
  /** Variable of the block's position. */
  readonly at: string;
  /** Variable of the object that is written. */
  readonly values: string;
  /** Arguments of the indexes so far: `, k3`. */
  readonly indexes: string;
}

/** A function expression `(m, views, at, limit) => end`, -1 when there is no room. */
export function encodeSource(layouts: Layouts, isAligned: boolean): string {
  const { model, root } = layouts;
  const version = model.version;
  const fingerprint = model.fingerprints[version - 1] ?? 0;
  const first = (Number(model.templateId) | (version << 16)) >>> 0;
  const second = (root.bytes | (fingerprint << 16)) >>> 0;
  const context: Context = { isAligned, at: 'body', values: 'm', indexes: '' };
  return [
    `(m, views, at, limit) => { ${nameComment(model.name)} encode ${isAligned ? 'aligned' : ''}`,
    ...indent([
      `const body = at + ${nativeHeaderBytes};`,
      `let c = body + ${root.bytes};`,
      'if (c > limit) return -1;',
      'const { view: V, octets: U, words: Q } = views;',
      `V.setUint32(at, ${first}, true);`,
      `V.setUint32(at + 4, ${second}, true);`,
      ...fixedLines(root, context),
      ...slotLines(root, context),
      'return c;',
    ]),
    '}',
  ].join('\n');
}

/** Declares `x`: what is to be written for the field. */
export function takeValue(field: FieldPlan, values: string): string[] {
  const { index, name, model } = field;
  if (field.constant !== undefined) return [`const x = constant${index};`];
  const given = `${values}[${quoted(name)}]`;
  if (model.presence !== null || model.fallback === null) return [`const x = ${given};`];
  return [`let x = ${given};`, `if (x === undefined) x = fallback${index};`];
}

function fixedLines(block: BlockPlan, context: Context): string[] {
  const { at, isAligned, values, indexes } = context;
  const lines = block.gaps.flatMap((gap) => zeroLines(gap, context));
  const word = (offset: number): string => `w${block.index}_${offset}`;
  for (const offset of block.presenceWords) lines.push(`let ${word(offset)} = 0;`);
  for (const field of block.fixed) {
    const { model, type } = field;
    const spot = {
      field,
      at: `${at} + ${model.offset}`,
      isAligned: isAligned && model.offset % 8 === 0,
      indexes,
    };
    const write = writeLines(type as FixedModel, spot);
    lines.push('{', ...indent(takeValue(field, values)));
    if (model.presence === null) lines.push(...indent(write));
    else {
      const { offset, bit } = model.presence;
      const mark = `${word(offset)} |= ${1 << bit};`;
      lines.push('  if (x === undefined) {', ...indent(indent(zeroLines(model, context))));
      lines.push('  } else {', ...indent(indent([...write, mark])), '  }');
    }
    lines.push('}');
  }
  for (const offset of block.presenceWords) {
    lines.push(`V.setUint32(${at} + ${offset}, ${word(offset)} >>> 0, true);`);
  }
  return lines;
}

const unrolledZerosMax = 64;

/** Statements that clear a run of bytes of the block. */
export function zeroLines(
  { offset, bytes }: Gap,
  { at, isAligned }: Pick<Context, 'at' | 'isAligned'>,
): string[] {
  if (bytes > unrolledZerosMax) {
    return [`U.fill(0, ${at} + ${offset}, ${at} + ${offset + bytes});`];
  }
  const lines: string[] = [];
  const end = offset + bytes;
  for (let place = offset; place < end; ) {
    const left = end - place;
    if (left >= 8 && place % 8 === 0 && isAligned) {
      lines.push(`Q[(${at} + ${place}) >> 3] = 0n;`);
      place += 8;
    } else if (left >= 4) {
      lines.push(`V.setUint32(${at} + ${place}, 0, true);`);
      place += 4;
    } else {
      lines.push(`U[${at} + ${place}] = 0;`);
      place += 1;
    }
  }
  return lines;
}

function slotLines(block: BlockPlan, context: Context): string[] {
  return block.slots.flatMap((field) => {
    const { model } = field;
    const place = `${context.at} + ${model.offset}`;
    const write = isGroup(field)
      ? groupLines(field.index, field.block, field.type.countMax, place, context)
      : dataLines(field as DataPlan, place, context);
    const lines = ['{', ...indent(takeValue(field, context.values))];
    if (model.presence === null) return [...lines, ...indent(write), '}'];
    const { offset, bit } = model.presence;
    const word = `${context.at} + ${offset}`;
    const marked = `(V.getUint32(${word}, true) | ${1 << bit}) >>> 0`;
    const mark = `V.setUint32(${word}, ${marked}, true);`;
    lines.push('  if (x === undefined) {', ...indent(indent(zeroLines(model, context))));
    return [...lines, '  } else {', ...indent(indent([...write, mark])), '  }', '}'];
  });
}

function slotStores(place: string, offset: string, amount: string): string[] {
  return [`V.setUint32(${place}, ${offset}, true);`, `V.setUint32(${place} + 4, ${amount}, true);`];
}

function dataLines(field: DataPlan, place: string, { indexes }: Context): string[] {
  const { kind, bytesMax } = field.type;
  const refuse = `refuse(${field.index}, x${indexes});`;
  const slot = slotStores(place, 'n === 0 ? 0 : c - body', 'n');
  if (kind === 'string') {
    return [
      `if (typeof x !== 'string') ${refuse}`,
      `const n = putText(views, c, limit, x, ${bytesMax});`,
      `if (n === ${noTextRoom}) return -1;`,
      `if (n < 0) ${refuse}`,
      ...slot,
      'c += n;',
    ];
  }
  return [
    `if (!(x instanceof Uint8Array) || x.length > ${bytesMax}) ${refuse}`,
    'const n = x.length;',
    'if (n > limit - c) return -1;',
    'if (n > 0) U.set(x, c);',
    ...slot,
    'c += n;',
  ];
}

function groupLines(
  index: number,
  block: BlockPlan,
  countMax: number,
  place: string,
  context: Context,
): string[] {
  const [list, count, start] = [`x${index}`, `n${index}`, `s${index}`];
  const [values, at, k] = [`m${index}`, `e${index}`, `k${index}`];
  const inner: Context = { ...context, at, values, indexes: `${context.indexes}, ${k}` };
  const entries = (lines: readonly string[]): string[] => [
    `for (let ${k} = 0, ${at} = ${start} + 8; ${k} < ${count}; ${k}++, ${at} += ${block.bytes}) {`,
    `  const ${values} = ${list}[${k}];`,
    `  if (typeof ${values} !== 'object' || ${values} === null) {`,
    `    refuse(${index}, ${values}${inner.indexes});`,
    '  }',
    ...indent(lines),
    '}',
  ];
  return [
    `if (!Array.isArray(x) || x.length > ${countMax}) refuse(${index}, x${context.indexes});`,
    `const ${list} = x, ${count} = x.length;`,
    `if (${count} === 0) {`,
    ...indent(slotStores(place, '0', '0')),
    '} else {',
    ...indent([
      `const ${start} = c + (-(c - body) & 7);`,
      `if (${start} + 8 + ${count} * ${block.bytes} > limit) return -1;`,
      // The padding, which is shorter than this, and what is written next.
      'V.setInt32(c, 0, true);',
      'V.setInt32(c + 4, 0, true);',
      ...slotStores(start, String(block.bytes), '0'),
      ...slotStores(place, `${start} - body`, count),
      `c = ${start} + 8 + ${count} * ${block.bytes};`,
      ...entries(fixedLines(block, inner)),
      ...(hasSlots(block) ? entries(slotLines(block, inner)) : []),
    ]),
    '}',
  ];
}
