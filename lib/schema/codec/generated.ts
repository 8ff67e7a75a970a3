// Native messages by generated functions, one set per schema.
import { nativeMessageBytesMax } from '../model.js';
import { bindTools } from './bind.js';
import { bindSource } from './bind-source.js';
import { checkPlace, faultError, noRoom } from './faults.js';
import { enumTables, type FixedCodec, isFlags } from './fixed.js';
import { compileFunction, indent, nameComment } from './generate.js';
import { malformedAt, refuseValue } from './native.js';
import type { Codec, CodecParts } from './parts.js';
import { absentValue, copyValue, type FieldPlan } from './plan.js';
import { checkObject, sizeOfNative } from './size.js';
import { decodeExpression, decodeSource } from './source-decode.js';
import { encodeSource } from './source-encode.js';
import { getAscii, getText, putAscii, putText, SymbolCache } from './text.js';
import { isAligned, type Views, viewsOf } from './views.js';

type Tools = Record<string, unknown>;

/** The codec as generated code, or undefined where code generation is forbidden. */
export function generatedCodec(parts: CodecParts): Codec | undefined {
  const { layouts } = parts;
  const sizeOf = sizeOfNative(layouts, parts.refuse);
  const tools: Tools = { ...codecTools(parts), sizeOf };
  const made = compileFunction<Pick<Codec, 'encode' | 'decode'>>(codecSource(parts, tools), tools);
  return made === undefined ? undefined : { ...made, sizeOf };
}

/** Everything that generated text of this schema may name, by that name. */
export function codecTools(parts: CodecParts): Tools {
  const { layouts, refuse, malformed } = parts;
  const { name } = layouts.model;
  const tools: Tools = {
    ...bindTools(layouts),
    viewsOf,
    isAligned,
    checkPlace,
    checkObject,
    refuse,
    malformed,
    refuseBy: (index: number, value: unknown, fault: number, ...indexes: number[]): never =>
      refuseValue(refuse, layouts.fields[index] as FieldPlan, value, fault, indexes),
    bad: (index: number, views: Views, at: number, ...indexes: number[]): never =>
      malformedAt(malformed, layouts.fields[index] as FieldPlan, views.view, at, indexes),
    misbound: (fault: number): never => {
      throw faultError(name, fault);
    },
    noRoom,
    putText,
    getText,
    putAscii,
    getAscii,
    copyValue,
    isFlags,
  };
  for (const field of layouts.fields)
    addFieldTools(tools, field, parts.codecs[field.index] ?? null);
  return tools;
}

function addFieldTools(tools: Tools, field: FieldPlan, codec: FixedCodec | null): void {
  const { index, type, constant, model } = field;
  if (codec !== null) {
    tools[`put${index}`] = codec.put;
    tools[`get${index}`] = codec.get;
  }
  if (constant !== undefined) tools[`constant${index}`] = constant;
  if (model.fallback !== null) tools[`fallback${index}`] = model.fallback;
  if (model.since > 1) tools[`absent${index}`] = absentValue(field);
  if (type.kind === 'ascii') tools[`cache${index}`] = new SymbolCache();
  if (type.kind === 'flags') tools[`flags${index}`] = type.flags;
  if (type.kind === 'enum') {
    const { numberOf, symbolOf } = enumTables(type);
    tools[`numberOf${index}`] = numberOf;
    tools[`symbolOf${index}`] = symbolOf;
  }
}

/** A declaration that makes the tools constants of the generated code. */
export function toolNames(tools: Tools): string {
  return `const { ${Object.keys(tools).join(', ')} } = tools;`;
}

function codecSource({ layouts }: CodecParts, tools: Tools): string {
  const name = JSON.stringify(layouts.model.name);
  const comment = nameComment(layouts.model.name);
  const decoder = (variant: boolean): string[] => [
    `(() => { ${comment}`,
    ...indent([decodeSource(layouts, variant), `return (views, at) => ${decodeExpression()};`]),
    '})();',
  ];
  return [
    `(() => { ${comment}`,
    toolNames(tools),
    `const bind = ${bindSource(layouts)};`,
    `const encodeAligned = ${encodeSource(layouts, true)};`,
    `const encodeAnywhere = ${encodeSource(layouts, false)};`,
    'const decodeAligned =',
    ...decoder(true),
    'const decodeAnywhere =',
    ...decoder(false),
    `function encode(message, target, offset, end = target?.length) { ${comment}`,
    `  checkObject(${name}, message);`,
    `  const views = viewsOf(target, ${name});`,
    '  const room = end - offset;',
    // Whatever is an odd place is told by the check.
    '  if (offset >>> 0 !== offset || end >>> 0 !== end || end > target.length) {',
    `    checkPlace(${name}, target, offset, end);`,
    '  }',
    '  const at = views.base + offset;',
    `  const limit = at + (room < ${nativeMessageBytesMax} ? room : ${nativeMessageBytesMax});`,
    '  const last = isAligned(views, at, limit)',
    '    ? encodeAligned(message, views, at, limit)',
    '    : encodeAnywhere(message, views, at, limit);',
    `  if (last < 0) noRoom(${name}, sizeOf(message), ${nativeMessageBytesMax}, room);`,
    '  return last - at;',
    '}',
    `function decode(source, offset, end) { ${comment}`,
    `  const views = viewsOf(source, ${name});`,
    '  if (offset >>> 0 !== offset || end >>> 0 !== end || end > source.length) {',
    `    checkPlace(${name}, source, offset, end);`,
    '  }',
    '  const at = views.base + offset;',
    '  const last = views.base + end;',
    '  const fault = bind(views.view, at, last);',
    '  if (fault !== 0) misbound(fault);',
    '  return isAligned(views, at, last) ? decodeAligned(views, at) : decodeAnywhere(views, at);',
    '}',
    'return { encode, decode };',
    '})()',
  ].join('\n');
}
