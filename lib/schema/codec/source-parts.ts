// The text of the flyweights that stand for a field's flags, array or group in generated readers.
import type { ElementModel, FlagsModel } from '../model.js';
import { accessorOf, elementBytes, fixedCodec } from './fixed.js';
import { indent } from './generate.js';
import type { CodecParts } from './parts.js';
import type { FieldPlan, GroupPlan } from './plan.js';
import { isInline, property, readExpression } from './source-fixed.js';
import type { Views } from './views.js';

/** Whether a flyweight of its own stands for the field's value. */
export function hasPart({ type }: FieldPlan): boolean {
  return type.kind === 'flags' || type.kind === 'array' || type.kind === 'group';
}

/** The property of a flyweight that holds this field's. */
export function partName({ index }: FieldPlan): string {
  return `part${index}`;
}

/** The properties of a flyweight that tell the entries it is in, outermost first. */
export function indexNames(depth: number): string[] {
  return Array.from({ length: depth }, (_, at) => `index${at}`);
}

/** The property with the position that slots count from: the message's block starts there. */
export function bodyName(depth: number): string {
  return depth === 0 ? '$at' : '$body';
}

/** The indexes as further arguments. */
export function indexProperties(depth: number, of = 'this'): string {
  return indexNames(depth)
    .map((name) => `, ${of}.$${name}`)
    .join('');
}

/** Reads an element for whose type there is no generated code; undefined where there is. */
export function elementReader(
  { malformed }: CodecParts,
  { index, type, model }: FieldPlan,
): ((views: Views, at: number, ...indexes: number[]) => unknown) | undefined {
  if (type.kind !== 'array' || isInline(type.element)) return undefined;
  const { get } = fixedCodec(type.element, model.order);
  return (views, at, ...indexes) => get(views, at) ?? malformed(index, undefined, ...indexes);
}

/** The class `Part<index>`. */
export function partText(field: FieldPlan, depth: number, comment: string): string {
  const { type } = field;
  if (type.kind === 'flags') return flagsText(field.index, type, comment);
  if (type.kind === 'array') return arrayText(field, type.element, type.count, depth, comment);
  return groupText(field as GroupPlan, depth, comment);
}

/** Statements of a getter that moves the part to `at` and returns it. */
export function openLines(field: FieldPlan, depth: number): string[] {
  const { type, model } = field;
  const lines = [`const part = this.$${partName(field)};`];
  const place = `at + ${model.offset}`;
  if (type.kind === 'array') {
    // What elements are read from is kept at hand: a loop over them finds it there.
    const views = isInline(type.element) ? '' : ', part.$views = this.$views';
    lines.push(`part.$start = ${place}, part.$view = this.$view${views};`);
    return [...lines, 'return part;'];
  }
  const get = (base: string, at: string): string => `V.get${base}(${at}, ${model.order === 'le'})`;
  lines.push('const V = this.$view;');
  if (type.kind === 'flags') {
    const [low, high] = model.order === 'le' ? [0, 4] : [4, 0];
    if (type.base !== 'u64') {
      lines.push(`part.$low = ${get(accessorOf(type.base) ?? '', place)};`);
    } else {
      lines.push(`part.$low = ${get('Uint32', `${place} + ${low}`)};`);
      lines.push(`part.$high = ${get('Uint32', `${place} + ${high}`)};`);
    }
    return [...lines, 'return part;'];
  }
  return [
    ...lines,
    `const count = V.getInt32(${place} + 4, true);`,
    'part.count = count;',
    'if (count === 0) return part;',
    `const start = this.${bodyName(depth)} + V.getInt32(${place}, true);`,
    'part.$stride = V.getUint16(start, true);',
    'part.$start = start + 8;',
    'const entry = part.$entry;',
    'if (entry.$view !== V) entry.$view = V, entry.$views = this.$views;',
    `entry.$words = this.$words, entry.$body = this.${bodyName(depth)};`,
    'entry.$written = this.$written;',
    ...indexNames(depth).map((name) => `entry.$${name} = this.$${name};`),
    'return part;',
  ];
}

function flagsText(index: number, { flags }: FlagsModel, comment: string): string {
  const getters = Object.entries(flags).map(([name, bit]) => {
    const word = bit < 32 ? 'this.$low' : 'this.$high';
    return `get ${property(name)}() { return (${word} & ${1 << (bit & 31)}) !== 0; }`;
  });
  return [
    `class Part${index} { ${comment} flags`,
    '  constructor() { hide(this, { $low: 0, $high: 0 }); }',
    ...indent(getters),
    '}',
  ].join('\n');
}

function arrayText(
  field: FieldPlan,
  element: ElementModel,
  count: number,
  depth: number,
  comment: string,
): string {
  const { index } = field;
  const otherwise = `bad${index}(this.$owner)`;
  const value = isInline(element)
    ? readExpression(element, { field, at: 'at', isAligned: false, indexes: '', otherwise })
    : `element${index}(this.$views, at${indexProperties(depth, 'this.$owner')})`;
  const state = '{ $owner: owner, $start: 0, $view: nowhere.view, $views: nowhere }';
  return [
    `class Part${index} { ${comment} array`,
    `  constructor(owner) { this.length = ${count}; hide(this, ${state}); }`,
    '  at(index) {',
    `    if (index >>> 0 !== index || index >= ${count}) outOfRange(index, ${count});`,
    `    const at = this.$start + index * ${elementBytes({ element })}, V = this.$view;`,
    ...(value.includes('x =') ? ['    let x;'] : []),
    `    return ${value};`,
    '  }',
    '  *[Symbol.iterator]() {',
    `    for (let index = 0; index < ${count}; index++) yield this.at(index);`,
    '  }',
    '}',
  ].join('\n');
}

function groupText({ index }: GroupPlan, depth: number, comment: string): string {
  return [
    `class Part${index} { ${comment} group`,
    '  constructor(entry) {',
    '    this.count = 0;',
    '    hide(this, { $start: 0, $stride: 0, $entry: entry });',
    '  }',
    '  at(index) {',
    '    if (index >>> 0 !== index || index >= this.count) outOfRange(index, this.count);',
    '    const entry = this.$entry;',
    '    entry.$at = this.$start + Math.imul(index, this.$stride);',
    `    entry.$index${depth} = index;`,
    '    return entry;',
    '  }',
    '  *[Symbol.iterator]() {',
    '    for (let index = 0; index < this.count; index++) yield this.at(index);',
    '  }',
    '  toObject() {',
    '    const entries = [];',
    '    for (let index = 0; index < this.count; index++) entries.push(this.at(index).toObject());',
    '    return entries;',
    '  }',
    '}',
  ].join('\n');
}
