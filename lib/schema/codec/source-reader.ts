// The getters of a native schema's flyweights as generated code. Getters made from closures share
// what the engine learns about them between all fields of all schemas; these do not.
import type { UnsignedType } from '../model.js';
import { bindLines } from './bind-source.js';
import { accessorOf, elementBytes } from './fixed.js';
import { ArrayReader, openAt, outOfRange, placeOf, setBits } from './flyweight.js';
import { compileFunction, indent, nameComment } from './generate.js';
import { codecTools, toolNames } from './generated.js';
import type { CodecParts } from './parts.js';
import type { BlockPlan, FieldPlan, Layouts } from './plan.js';
import { type Access, absentPart, moveTo } from './reader.js';
import { decodeSource, presentExpression } from './source-decode.js';
import { isInline, property, readExpression } from './source-fixed.js';

/** The access as generated code, or undefined where code generation is forbidden. */
export function generatedAccess(parts: CodecParts): Access | undefined {
  const { layouts } = parts;
  const tools: Record<string, unknown> = {
    ...codecTools(parts),
    placeOf,
    moveTo,
    openAt,
    setBits,
    ArrayReader,
    outOfRange,
  };
  for (const field of layouts.fields) {
    if (field.model.since > 1) tools[`older${field.index}`] = absentPart(field);
  }
  const text = [
    `(() => { ${nameComment(layouts.model.name)} reader`,
    toolNames(tools),
    decodeSource(layouts, false),
    'return {',
    `getters: [${layouts.blocks.map((block) => gettersText(block, layouts)).join(',\n')}],`,
    `objects: [${layouts.blocks.map(objectText).join(',\n')}],`,
    `arrays: {${layouts.fields.flatMap(arrayText).join(',\n')}},`,
    wrapText(layouts),
    '};',
    '})()',
  ].join('\n');
  return compileFunction<Access>(text, tools);
}

/** A class for an array whose elements generated code reads itself. */
function arrayText(field: FieldPlan): string[] {
  const { index, type } = field;
  if (type.kind !== 'array' || !isInline(type.element)) return [];
  const spot = { field, at: 'at', isAligned: false, indexes: ', ...s.indexes' };
  const element = readExpression(type.element, spot);
  return [
    [
      `${index}: class extends ArrayReader { ${nameComment(field.path)}`,
      '  at(index) {',
      `    if (index >>> 0 !== index || index >= ${type.count}) outOfRange(index, ${type.count});`,
      `    const s = this.outer, at = this.start + index * ${elementBytes(type)};`,
      ...indent(indent(declarations(element))),
      `    return ${element};`,
      '  }',
      '}',
    ].join('\n'),
  ];
}

function objectText({ index, depth }: BlockPlan): string {
  const indexes = Array.from({ length: depth }, (_, at) => `, s.indexes[${at}]`).join('');
  const views = 's.views, s.view, s.octets, null, null';
  return `(s) => read${index}(${views}, s.body, s.at, s.version${indexes})`;
}

function wrapText(layouts: Layouts): string {
  const { model } = layouts;
  const name = JSON.stringify(model.name);
  return [
    `wrap(place, bytes, offset, last) { ${nameComment(model.name)}`,
    ...indent([
      'const views = viewsOf(bytes);',
      `checkPlace(${name}, bytes, offset, last);`,
      'const view = views.view, at = views.base + offset, end = views.base + last;',
      // The check stands here and not in a function of its own: that makes this one too long to
      // be inlined, and leaves what may be inlined to the getters, which are called more often.
      ...bindLines(layouts).map((line) => line.replace(/\breturn (\w+);/, 'misbound($1);')),
      'moveTo(place, views, at, end);',
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

/** Variables that expressions use, each where it comes from. */
const variables: readonly (readonly [name: string, declaration: string])[] = [
  ['views', 'const views = s.views;'],
  ['V', 'const V = s.view;'],
  ['U', 'const U = s.octets;'],
  ['Q', 'const Q = s.words;'],
  ['I', 'const I = s.signedWords;'],
  ['body', 'const body = s.body;'],
  ['x', 'let x;'],
  ['n', 'let n;'],
];

/**
 * Only what the expression uses: the engine inlines a getter, and all that are called with it, as
 * long as their code is short.
 */
function declarations(expression: string): string[] {
  const text = expression.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return variables.flatMap(([name, line]) =>
    new RegExp(`\\b${name}\\b`).test(text) ? [line] : [],
  );
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
  const [fast, slow] = [spot(true), spot(false)];
  const value = fast === slow ? slow : `Q === null ? ${slow} : ${fast}`;
  return [...lines, ...declarations(value), `return ${value};`];
}
