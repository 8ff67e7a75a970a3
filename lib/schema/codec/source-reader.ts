// The getters of a native schema's flyweights as generated code. Getters made from closures share
// what the engine learns about them between all fields of all schemas; these do not.
import type { UnsignedType } from '../model.js';
import { bindSource } from './bind-source.js';
import { accessorOf } from './fixed.js';
import { openAt, placeOf, setBits } from './flyweight.js';
import { compileFunction, indent, nameComment } from './generate.js';
import { codecTools, toolNames } from './generated.js';
import type { CodecParts } from './parts.js';
import type { BlockPlan, FieldPlan, Layouts } from './plan.js';
import { type Access, absentPart, moveTo } from './reader.js';
import { decodeSource, presentExpression } from './source-decode.js';
import { property } from './source-fixed.js';

/** The access as generated code, or undefined where code generation is forbidden. */
export function generatedAccess(parts: CodecParts): Access | undefined {
  const { layouts } = parts;
  const tools: Record<string, unknown> = { ...codecTools(parts), placeOf, moveTo, openAt, setBits };
  for (const field of layouts.fields) {
    if (field.model.since > 1) tools[`older${field.index}`] = absentPart(field);
  }
  const text = [
    `(() => { ${nameComment(layouts.model.name)} reader`,
    toolNames(tools),
    `const bind = ${bindSource(layouts)};`,
    decodeSource(layouts, false),
    'return {',
    `getters: [${layouts.blocks.map((block) => gettersText(block, layouts)).join(',\n')}],`,
    `objects: [${layouts.blocks.map(objectText).join(',\n')}],`,
    wrapText(layouts),
    '};',
    '})()',
  ].join('\n');
  return compileFunction<Access>(text, tools);
}

function objectText({ index, depth }: BlockPlan): string {
  const indexes = Array.from({ length: depth }, (_, at) => `, s.indexes[${at}]`).join('');
  const views = 's.views, s.view, s.octets, null, null';
  return `(s) => read${index}(${views}, s.body, s.at, s.version${indexes})`;
}

function wrapText({ model }: Layouts): string {
  const name = JSON.stringify(model.name);
  return [
    `wrap(place, bytes, offset, end) { ${nameComment(model.name)}`,
    ...indent([
      'const views = viewsOf(bytes);',
      `checkPlace(${name}, bytes, offset, end);`,
      'const at = views.base + offset;',
      'const last = views.base + end;',
      'const fault = bind(views.view, at, last);',
      'if (fault !== 0) misbound(fault);',
      'moveTo(place, views, at, last);',
    ]),
    '},',
  ].join('\n');
}

function gettersText(block: BlockPlan, { model }: Layouts): string {
  const comment = nameComment(`${model.name}.${block.index}`);
  const getters = block.fields.flatMap((field) => [
    `get ${property(field.name)}() { ${comment}`,
    ...indent(getterLines(field)),
    '},',
  ]);
  return ['{', ...indent(getters), '}'].join('\n');
}

function flagBits(base: UnsignedType, at: string): string {
  return `s.view.get${accessorOf(base)}(${at}, true)`;
}

function getterLines(field: FieldPlan): string[] {
  const { index, model, type } = field;
  const lines = ['const s = this[placeOf];', 'const at = s.at;'];
  if (model.since > 1) lines.push(`if (s.version < ${model.since}) return older${index}();`);
  if (model.presence !== null) {
    const { offset, bit } = model.presence;
    const word = `s.view.getUint32(at + ${offset}, true)`;
    lines.push(`if ((${word} & ${1 << bit}) === 0) return undefined;`);
  }
  if (type.kind === 'flags') {
    const bits = flagBits(type.base, `at + ${model.offset}`);
    return [...lines, `return s.parts[${index}][setBits](${bits});`];
  }
  if (type.kind === 'group' || type.kind === 'array') {
    return [...lines, `return s.parts[${index}][openAt](s, at + ${model.offset});`];
  }
  const spot = (isAligned: boolean): string =>
    presentExpression(field, {
      field,
      at: `at + ${model.offset}`,
      isAligned: isAligned && model.offset % 8 === 0,
      indexes: ', ...s.indexes',
    });
  lines.push('const { views, view: V, octets: U, words: Q, signedWords: I, body } = s;');
  lines.push('let x, n;');
  const [fast, slow] = [spot(true), spot(false)];
  return [...lines, fast === slow ? `return ${slow};` : `return Q === null ? ${slow} : ${fast};`];
}
