// Generated code for messages of foreign layouts whose fields all have fixed places. Others are
// found section by section, which takes most of the time anyway: closures do.
import { checkPlace, noRoom } from './faults.js';
import { isInObject, tooShort } from './foreign.js';
import { compileFunction, indent, nameComment } from './generate.js';
import { codecTools, toolNames } from './generated.js';
import type { Codec, CodecParts } from './parts.js';
import type { FieldPlan } from './plan.js';
import { takeValue, zeroLines } from './source-encode.js';
import { property, readExpression, type Spot, writeLines } from './source-fixed.js';

/** Whether all of the layout's messages are alike but for their values. */
function isStatic({ layouts }: CodecParts): boolean {
  return layouts.sections.length <= 1 && layouts.rest === null && layouts.sizeField === null;
}

/** The codec as generated code; undefined where it is forbidden or the layout is not static. */
export function generatedForeign(parts: CodecParts, sizeOf: Codec['sizeOf']): Codec | undefined {
  if (!isStatic(parts)) return undefined;
  const tools = { ...codecTools(parts), checkPlace, noRoom, tooShort, sizeOf };
  return compileFunction<Codec>(source(parts, toolNames(tools)), tools);
}

function source(parts: CodecParts, names: string): string {
  const { layouts } = parts;
  const comment = nameComment(layouts.model.name);
  const name = JSON.stringify(layouts.model.name);
  const bytes = layouts.sections[0]?.bytes ?? 0;
  return [
    `(() => { ${comment}`,
    names,
    `function encode(m, target, offset, end = target?.length) { ${comment}`,
    ...indent([
      `checkObject(${name}, m);`,
      `const views = viewsOf(target, ${name});`,
      `checkPlace(${name}, target, offset, end);`,
      'const room = end - offset;',
      `if (room < ${bytes}) noRoom(${name}, ${bytes}, ${bytes}, room);`,
      'const { view: V, octets: U } = views;',
      'const at = views.base + offset;',
      ...writes(parts),
      `return ${bytes};`,
    ]),
    '}',
    `function decode(source, offset, end) { ${comment}`,
    ...indent([
      `const views = viewsOf(source, ${name});`,
      `checkPlace(${name}, source, offset, end);`,
      `if (end - offset < ${bytes}) tooShort(${name}, ${bytes}, end - offset);`,
      'const { view: V, octets: U } = views;',
      'const at = views.base + offset;',
      'let x;',
      ...checks(parts),
      'return {',
      ...indent(members(parts)),
      '};',
    ]),
    '}',
    'return { encode, decode, sizeOf };',
    '})()',
  ].join('\n');
}

function spotOf(field: FieldPlan): Spot {
  return { field, at: `at + ${field.model.offset}`, isAligned: false, indexes: '' };
}

function writes({ layouts }: CodecParts): string[] {
  const { root, sections } = layouts;
  const context = { at: 'at', isAligned: false };
  const gaps = sections.flatMap((section) => section.gaps);
  // The fields of a container are joined with what is there.
  const containers = root.fixed.flatMap(({ type, model }) =>
    type.kind === 'bits' && type.shift === 0 ? [model] : [],
  );
  return [
    ...[...gaps, ...containers].flatMap((gap) => zeroLines(gap, context)),
    ...root.fixed.flatMap((field) => [
      '{',
      ...indent([...takeValue(field, 'm'), ...writeLines(field.type, spotOf(field))]),
      '}',
    ]),
  ];
}

function checks({ layouts }: CodecParts): string[] {
  return layouts.root.fixed.flatMap((field) => {
    if (!layouts.header.has(field.index)) return [];
    const found = `x = ${readExpression(field.type, spotOf(field))}`;
    return [`if ((${found}) !== constant${field.index}) malformed(${field.index}, x);`];
  });
}

function members(parts: CodecParts): string[] {
  return parts.layouts.root.fixed
    .filter((field) => isInObject(parts, field))
    .map((field) => `${property(field.name)}: ${readExpression(field.type, spotOf(field))},`);
}
