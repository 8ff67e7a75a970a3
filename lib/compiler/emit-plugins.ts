// Uses of plug-ins' functions as records: what the engine binds to a library when it installs the
// image, and hands to the function's `create`.
import { isIntegerType } from '../schema/model.js';
import type { ImageBuilder } from './emit-sections.js';
import type { FieldIr, PluginCallIr } from './ir.js';

export const pluginKinds = { match: 0, validate: 1, pick: 2, transform: 3 } as const;

const fieldTypes = { unsigned: 0, signed: 1, bytes: 2 } as const;

/** What a use is for. */
export interface PluginUse {
  readonly kind: keyof typeof pluginKinds;
  readonly viewBytes: number;
  readonly fields: readonly FieldIr[];
  readonly outputFields?: readonly FieldIr[];
  readonly outputBytes?: number;
  readonly memberCount?: number;
  readonly codes?: readonly number[];
}

/** Appends the record of a use. Returns its index. */
export function emitPlugin(builder: ImageBuilder, call: PluginCallIr, use: PluginUse): number {
  const { bounds, plugins } = builder.sections;
  const { codes = [], outputFields = [] } = use;
  const [name, nameBytes] = text(builder, call.name);
  const [configuration, configurationBytes] = text(builder, call.configuration);
  const fields = emitFields(builder, use.fields);
  const outputs = emitFields(builder, outputFields);
  const firstCode = bounds.count;
  for (const code of codes) bounds.u64(BigInt(builder.code(code)));
  const index = plugins.count;
  plugins
    .u32(pluginKinds[use.kind], builder.libraries.indexOf(call.library))
    .u32(name, nameBytes, configuration, configurationBytes)
    .u32(fields, use.fields.length, outputs, outputFields.length)
    .u32(firstCode, codes.length, use.viewBytes, use.outputBytes ?? 0)
    .u32(use.memberCount ?? 0, 0);
  return index;
}

function emitFields(builder: ImageBuilder, fields: readonly FieldIr[]): number {
  const { pluginFields } = builder.sections;
  const names = fields.map((field) => text(builder, field.name));
  const first = pluginFields.count;
  for (const [index, { type, order, offset, bytes }] of fields.entries()) {
    const [name, nameBytes] = names[index] ?? [0, 0];
    const sign = type.startsWith('i') ? 'signed' : 'unsigned';
    pluginFields
      .u32(name, offset)
      .u16(nameBytes, bytes)
      .u8(fieldTypes[isIntegerType(type) ? sign : 'bytes'], order === 'be' ? 1 : 0)
      .u16(0);
  }
  return first;
}

function text(builder: ImageBuilder, given: string): readonly [number, number] {
  const bytes = new Uint8Array(Buffer.from(given, 'utf8'));
  return [bytes.length === 0 ? 0 : builder.constant(bytes), bytes.length];
}
