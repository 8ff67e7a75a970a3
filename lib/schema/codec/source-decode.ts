// The text of a native schema's decoder: one function per block, each in two variants as the
// encoder. The structure check has been made before: nothing here leaves the message.
import { type FixedModel, isSlotType, nativeHeaderBytes } from '../model.js';
import { indent, nameComment } from './generate.js';
import { absentValue, type BlockPlan, type FieldPlan, isGroup, type Layouts } from './plan.js';
import { bad, literal, property, readExpression, type Spot } from './source-fixed.js';

const views = 'views, V, U, Q, I, body';

/** Declarations of `read<block>` for all blocks; the message's is read by `read0`. */
export function decodeSource({ model, blocks }: Layouts, isAligned: boolean): string {
  const variant = isAligned ? 'aligned' : '';
  return blocks
    .flatMap((block) => blockFunctions(block, `${nameComment(model.name)} ${variant}`, isAligned))
    .join('\n');
}

/** An expression that decodes the message at `at` of `views`. */
export function decodeExpression(): string {
  const words = 'views.words, views.signedWords';
  const version = 'views.view.getUint8(at + 2)';
  const body = `at + ${nativeHeaderBytes}`;
  return `read0(views, views.view, views.octets, ${words}, ${body}, ${body}, ${version})`;
}

/** Parameters of the indexes of a block's functions: `, k0, k1`. */
function indexes(depth: number): string {
  return Array.from({ length: depth }, (_, index) => `, k${index}`).join('');
}

function blockFunctions(block: BlockPlan, comment: string, isAligned: boolean): string[] {
  const { index, depth, fields } = block;
  const members = fields.map((field) => {
    return `${property(field.name)}: ${fieldExpression(field, depth, isAligned)},`;
  });
  const lines = [
    `function read${index}(${views}, at, version${indexes(depth)}) { ${comment} ${index}`,
    '  let x, n;',
    '  return {',
    ...indent(indent(members)),
    '  };',
    '}',
  ];
  if (depth === 0) return lines;
  const outer = indexes(depth - 1);
  const last = `k${depth - 1}`;
  return [
    ...lines,
    `function list${index}(${views}, slot, version${outer}) { ${comment} list ${index}`,
    '  const count = V.getInt32(slot + 4, true);',
    '  const list = [];',
    '  if (count === 0) return list;',
    '  const start = body + V.getInt32(slot, true);',
    '  const stride = V.getUint16(start, true);',
    `  for (let ${last} = 0, at = start + 8; ${last} < count; ${last}++, at += stride) {`,
    `    list.push(read${index}(${views}, at, version${outer}, ${last}));`,
    '  }',
    '  return list;',
    '}',
  ];
}

/** The value of a field, whatever the message's version. */
function fieldExpression(field: FieldPlan, depth: number, isAligned: boolean): string {
  const { model, index } = field;
  const spot: Spot = {
    field,
    at: `at + ${model.offset}`,
    isAligned: isAligned && model.offset % 8 === 0,
    indexes: indexes(depth),
  };
  let expression = presentExpression(field, spot);
  if (model.presence !== null) {
    const { offset, bit } = model.presence;
    const isThere = `(V.getUint32(at + ${offset}, true) & ${1 << bit}) !== 0`;
    expression = `(${isThere} ? ${expression} : undefined)`;
  }
  if (model.since === 1) return expression;
  const absent = literal(absentValue(field)) ?? `copyValue(absent${index})`;
  return `(version < ${model.since} ? ${absent} : ${expression})`;
}

/** The value of a field that the message has. */
export function presentExpression(field: FieldPlan, spot: Spot): string {
  const { type } = field;
  if (!isSlotType(type)) return readExpression(type as FixedModel, spot);
  if (isGroup(field)) {
    return `list${field.block.index}(${views}, ${spot.at}, version${spot.indexes})`;
  }
  const bytes = `V.getInt32(${spot.at} + 4, true)`;
  const start = `body + V.getInt32(${spot.at}, true)`;
  if (type.kind === 'blob') return `(n = ${bytes}, x = ${start}, U.slice(x, x + n))`;
  return `(getText(V, U, ${start}, ${bytes}) ?? ${bad(spot)})`;
}
