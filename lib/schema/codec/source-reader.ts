// The text of a native schema's flyweight readers: a class per block, with everything that a
// getter needs as a property of the flyweight itself and every offset a constant. Readers made
// from closures share what the engine learns about them between all fields of all schemas; these
// do not.
import { bindLines } from './bind-source.js';
import { outOfRange } from './flyweight.js';
import { compileFunction, indent, nameComment } from './generate.js';
import { codecTools, toolNames } from './generated.js';
import type { CodecParts } from './parts.js';
import { type BlockPlan, type FieldPlan, isGroup, type Layouts } from './plan.js';
import { absentPart } from './reader.js';
import { decodeSource, presentExpression } from './source-decode.js';
import { property } from './source-fixed.js';
import {
  bodyName,
  elementReader,
  hasPart,
  indexNames,
  indexProperties,
  openLines,
  partName,
  partText,
} from './source-parts.js';
import { slotText } from './text.js';
import { viewsOf, wrapFirst } from './views.js';

/**
 * What flyweights hold before there is a message. Nothing reads it; it is what they will hold
 * later in kind, so that the engine sees no other.
 */
const nowhere = viewsOf(new Uint8Array(0), '');

/**
 * Gives a flyweight what it knows: `$views` and their `$view`; `$words`, which are null where the
 * message is not aligned; `$at`, where its block is; in entries `$body`, from where slots count;
 * `$written`, the message's version. No name of a field, a flag or a symbol starts like these;
 * nobody sees them who lists the flyweight's properties.
 */
function hide(flyweight: object, state: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(state)) {
    Object.defineProperty(flyweight, name, { value, writable: true });
  }
}

/** The class of the message's flyweights; undefined where code generation is forbidden. */
export function generatedReader(made: CodecParts): (new () => object) | undefined {
  const { layouts } = made;
  const tools: Record<string, unknown> = {
    ...codecTools(made),
    hide,
    outOfRange,
    slotText,
    nowhere,
    wrapFirst,
  };
  for (const field of layouts.fields) {
    if (field.model.since > 1) tools[`older${field.index}`] = absentPart(field);
    const element = elementReader(made, field);
    if (element !== undefined) tools[`element${field.index}`] = element;
  }
  // Entries first: a message's class names the classes of its groups.
  const classes = layouts.blocks.toReversed().map((block) => classText(block, layouts));
  const text = [
    `(() => { ${nameComment(layouts.model.name)} reader`,
    toolNames(tools),
    decodeSource(layouts, false),
    ...classes,
    ...unwrappedLines(layouts),
    'return Block0;',
    '})()',
  ].join('\n');
  return compileFunction<new () => object>(text, tools);
}

function classText(block: BlockPlan, layouts: Layouts): string {
  const comment = nameComment(`${layouts.model.name}.${block.index}`);
  const { index, depth, fields } = block;
  return [
    ...fields.filter(hasPart).map((field) => partText(field, depth, comment)),
    ...fields.map((field) => badText(field, depth)),
    `class Block${index} { ${comment}`,
    ...indent([
      'constructor() {',
      `  hide(this, { ${stateOf(block)} });`,
      ...(index === 0 ? ['  Object.setPrototypeOf(this, Unwrapped.prototype);'] : []),
      '}',
      ...fields.flatMap((field) => [
        `get ${property(field.name)}() { ${comment}`,
        ...indent(getterLines(field, block)),
        '}',
      ]),
      ...(index === 0 ? messageLines(layouts) : []),
      'toObject() {',
      '  const v = this.$views;',
      `  return read${index}(v, v.view, v.octets, null, null, this.${bodyName(depth)}, ` +
        `this.$at, this.$written${indexProperties(depth)});`,
      '}',
    ]),
    '}',
  ].join('\n');
}

/** The getter calls it, which leaves the getter short. */
function badText({ index, model }: FieldPlan, depth: number): string {
  const at = `f.$at + ${model.offset}`;
  const indexes = indexProperties(depth, 'f');
  return `function bad${index}(f) { bad(${index}, f.$views, ${at}${indexes}); }`;
}

function stateOf({ depth, fields }: BlockPlan): string {
  return [
    '$views: nowhere, $view: nowhere.view, $words: null, $at: 0, $written: 1',
    depth === 0 ? '$size: 0' : '$body: 0',
    ...indexNames(depth).map((name) => `$${name}: 0`),
    ...fields.filter(hasPart).map((field) => `$${partName(field)}: ${newPart(field)}`),
  ].join(', ');
}

function newPart(field: FieldPlan): string {
  if (isGroup(field)) return `new Part${field.index}(new Block${field.block.index}())`;
  return `new Part${field.index}(this)`;
}

function messageLines(layouts: Layouts): string[] {
  const { model } = layouts;
  const name = JSON.stringify(model.name);
  return [
    `wrap(bytes, offset = 0, end = bytes?.length) { ${nameComment(model.name)}`,
    'try {',
    ...indent([
      `const views = viewsOf(bytes, ${name});`,
      'if (offset >>> 0 !== offset || end >>> 0 !== end || end > bytes.length) {',
      `  checkPlace(${name}, bytes, offset, end);`,
      '}',
      'const view = views.view, at = views.base + offset;',
      'end += views.base;',
      ...bindLines(layouts, 'misbound(faultOf(view, at, end));'),
      'if (this.$view !== view) this.$view = view, this.$views = views;',
      'this.$words = isAligned(views, at, end) ? views.words : null;',
      'this.$at = body, this.$written = version, this.$size = frameBytes;',
      'return this;',
    ]),
    '} catch (error) { Object.setPrototypeOf(this, Unwrapped.prototype); throw error; }',
    '}',
    'get $version() { return this.$written; }',
    'get $bytes() { return this.$size; }',
  ];
}

/**
 * What a reader is before `wrap` and after one that failed: nothing of a message can be read. It
 * turns into the other with a message, which then has nothing to ask.
 */
function unwrappedLines({ model, blocks }: Layouts): string[] {
  const names = (blocks[0]?.fields ?? []).map(({ name }) => property(name));
  return [
    'class Unwrapped {',
    ...indent([
      `wrap(bytes, offset, end) { ${nameComment(`${model.name} unwrapped`)}`,
      '  Object.setPrototypeOf(this, Block0.prototype);',
      '  return this.wrap(bytes, offset, end);',
      '}',
      'toObject() { wrapFirst(); }',
      ...names.map((name) => `get ${name}() { wrapFirst(); }`),
      'get $version() { return 0; }',
      'get $bytes() { return 0; }',
    ]),
    '}',
  ];
}

/** What expressions call by a variable's name, and where it is. */
const places: Readonly<Record<string, string>> = {
  views: 'this.$views',
  V: 'this.$view',
  U: 'this.$views.octets',
  Q: 'this.$words',
  I: 'this.$views.signedWords',
  at: 'this.$at',
};
const stringLiteral = /("(?:[^"\\]|\\.)*")/;
const variable = /(?<![$.\w])(?:views|[VUQIxn]|at)\b/g;

/**
 * A getter's last statements. The engine inlines what is short, however much a function reads, so
 * variables are only made of what is needed twice.
 */
function returnLines(expression: string): string[] {
  // Symbols can be called anything.
  const pieces = expression.split(stringLiteral);
  const code = pieces.filter((_piece, index) => index % 2 === 0).join(' ');
  const counts = new Map<string, number>();
  for (const [name] of code.matchAll(variable)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const lines = [...counts].flatMap(([name, count]) => {
    const place = places[name];
    if (place === undefined) return [`let ${name};`];
    return count > 1 ? [`const ${name} = ${place};`] : [];
  });
  const isOnce = (name: string): boolean => counts.get(name) === 1 && name in places;
  const value = pieces.map((piece, index) =>
    index % 2 === 0
      ? piece.replace(variable, (name) => (isOnce(name) ? (places[name] ?? name) : name))
      : piece,
  );
  return [...lines, `return ${value.join('')};`];
}

function getterLines(field: FieldPlan, block: BlockPlan): string[] {
  const { index, model, type } = field;
  const lines: string[] = [];
  if (model.since > 1) {
    lines.push(`if (this.$written < ${model.since}) return older${index}();`);
  }
  if (model.presence !== null) {
    const { offset, bit } = model.presence;
    const word = `this.$view.getInt32(this.$at + ${offset}, true)`;
    lines.push(`if ((${word} & ${1 << bit}) === 0) return undefined;`);
  }
  if (hasPart(field)) return [...lines, 'const at = this.$at;', ...openLines(field, block.depth)];
  if (type.kind === 'string') {
    const slot = `views, this.${bodyName(block.depth)}, at + ${model.offset}`;
    return [...lines, ...returnLines(`slotText(${slot}) ?? bad${index}(this)`)];
  }
  const spot = (isAligned: boolean): string =>
    presentExpression(field, {
      field,
      at: `at + ${model.offset}`,
      isAligned: isAligned && model.offset % 8 === 0,
      indexes: '',
      otherwise: `bad${index}(this)`,
    });
  if (type.kind === 'blob') lines.push(`const body = this.${bodyName(block.depth)};`);
  const [fast, slow] = [spot(true), spot(false)];
  const value = fast === slow ? slow : `Q === null ? ${slow} : ${fast}`;
  return [...lines, ...returnLines(value)];
}
